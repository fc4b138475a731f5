import path from "node:path";
import { defineConfig } from "@playwright/test";

// Where the repository keeps what isn't kept: screenshots are CI's artefacts.
export const local = path.resolve(import.meta.dirname, "../../../.local");

export default defineConfig({
  testMatch: "*.spec.js",
  outputDir: path.join(local, "browser"),
  globalSetup: "./chromium.js",
  workers: 1, // one browser at a time: some tests change the weather for everybody
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  use: {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
    locale: "zh-CN",
    launchOptions: {
      executablePath: "/tmp/chromium", // where @sparticuz/chromium unpacks itself (chromium.js)
      args: ["--no-sandbox", "--disable-gpu", "--no-zygote"],
    },
  },
});
