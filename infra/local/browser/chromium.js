// Chromium comes inside an npm package, packed; this unpacks it, once a machine. Nothing is downloaded.
import chromium from "@sparticuz/chromium";

export default async () => {
  const at = await chromium.executablePath();
  if (at !== "/tmp/chromium") throw new Error(`Chromium is at ${at}: playwright.config.js looks elsewhere`);
};
