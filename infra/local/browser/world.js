// What the tests of the page need of the stack around it: people, chains, invites, and what was sent to whom.
import fs from "node:fs";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect } from "@playwright/test";
import { local } from "./playwright.config.js";

export const at = JSON.parse(fs.readFileSync(process.env.ENDPOINTS ?? path.join(local, "endpoints.json"), "utf8"));

let people = Date.now() % 10_000_000;

/** A phone that nobody has used. */
export const phone = () => `+86139${String(people++ % 100_000_000).padStart(8, "0")}`;

/** The control API (api.md, last section). */
export async function control(method, where, body) {
  const r = await fetch(at.control + where, { method, body: body && JSON.stringify(body) });
  if (!r.ok) throw new Error(`${method} ${where}: ${r.status} ${await r.text()}`);
  return r.json();
}

/** Somebody at the API: signed in, acting as a corp. */
export class Person {
  constructor(phone, name, token) {
    Object.assign(this, { phone, name, token, corp: "" });
  }
  static async named(name, number = phone(), verified = true) {
    const { id_token } = await control("POST", "/tokens", { phone: number, name, verified });
    return new Person(number, name, id_token);
  }
  async ask(method, where, body, wanted = 0) {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    if (this.corp) headers["tributary-corp"] = this.corp;
    const r = await fetch(at.api + where, { method, headers, body: body && JSON.stringify(body) });
    if (wanted ? r.status !== wanted : !r.ok) throw new Error(`${method} ${where}: ${r.status} ${await r.text()}`);
    return r.status === 204 ? null : (r.headers.get("content-type") ?? "").includes("json") ? r.json() : Buffer.from(await r.arrayBuffer());
  }
  async makeCorp(name, industry) {
    return this.ask("POST", "/v1/corps", { name, industry });
  }
}

/** A chain whose owner has made a link. */
export async function world({ policy, invite = {} } = {}) {
  const boss = await Person.named("王掌柜");
  boss.corp = (await boss.makeCorp("百川集团")).corp_id;
  const chain = await boss.ask("POST", "/v1/chains", { name: `百川经销商 ${String(Date.now()).slice(-6)}` });
  const where = `/v1/chains/${chain.chain_id}`;
  const made = await boss.ask("POST", `${where}/invites`, invite);
  if (policy) await boss.ask("PATCH", where, { join_policy: policy });
  return { boss, chain, where, invite: made, url: made.url };
}

/** Asks again until it is so; notices and counters come in their own time. */
export async function until(what, ask) {
  for (const end = Date.now() + 20_000; ; ) {
    const got = await ask();
    if (got) return got;
    if (Date.now() > end) throw new Error(`waited too long for ${what}`);
    await new Promise((go) => setTimeout(go, 100));
  }
}

/** Imports rows of [corp, name, phone, group] and waits until their contacts were told; gives each one's URL. */
export async function roster(w, rows) {
  const csv = ["企业名称,联系人姓名,手机号,上下游分组", ...rows.map((r) => r.join(","))].join("\n") + "\n";
  const ticket = await w.boss.ask("POST", `${w.where}/imports`, { file_name: "dealers.csv" });
  const form = new FormData();
  for (const [name, value] of Object.entries(ticket.upload.fields)) form.append(name, value);
  form.append("file", new Blob([csv], { type: ticket.upload.fields["Content-Type"] ?? "text/csv" }), "dealers.csv");
  const r = await fetch(ticket.upload.url, { method: "POST", body: form });
  if (!r.ok) throw new Error(`upload: ${r.status} ${await r.text()}`);
  return Promise.all(
    rows.map(([, , phone]) =>
      until(`the notice to ${phone}`, async () => {
        const { items } = await control("GET", `/outbox?phone=${encodeURIComponent(phone)}`);
        return items.find((n) => n.url?.includes("/j/"))?.url;
      }),
    ),
  );
}

/** The one-time code that a phone was sent last. */
export async function codeOf(phone) {
  const { items } = await control("GET", `/outbox?phone=${encodeURIComponent(phone)}`);
  return items.filter((n) => n.channel === "sms" && /验证码/.test(n.text)).at(-1).text.match(/\d{6}/)[0];
}

/** Signs in on the issuer's page, from the invite's page, and is back there. */
export async function signIn(page, phone, name, verified = true) {
  await page.locator("a.main").click();
  await enter(page, phone, name, verified);
  await page.waitForURL(/\/j\//);
}

/** Names a phone to the issuer and enters the code that it was sent. */
export async function enter(page, phone, name, verified = true) {
  await page.locator("#phone").fill(phone);
  await page.locator("#name").fill(name);
  if (!verified) await page.locator("[name=verified]").first().uncheck();
  await page.getByRole("button", { name: "获取验证码" }).click();
  await page.locator("#code").waitFor();
  await page.locator("#code").fill(await codeOf(phone));
  await page.getByRole("button", { name: "登录" }).click();
}

export const screenshots = path.join(local, "screenshots");

/** Holds the page to WCAG 2.2 AA as far as a machine can, and keeps a picture of it. */
export async function see(page, name) {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`), name).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${name} is wider than the phone`).toBeLessThanOrEqual(0);
  await page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage: true });
}
