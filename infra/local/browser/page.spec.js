// The page at /j/{token}, driven on a phone's screen over the real local stack, state by state. Each picture is kept in
// .local/screenshots.
import path from "node:path";
import jsQR from "jsqr";
import { PNG } from "pngjs";
import { expect, test } from "@playwright/test";
import { at, control, enter, Person, phone, roster, screenshots, see, signIn, until, world } from "./world.js";

const h1 = (page) => page.locator("h1");
const button = (page) => page.locator("form[data-once] button.main");
const alert = (page) => page.locator("[role=alert]");

/** Fills in the form for a new corp. */
async function typeCorp(page, corp, name = "李娜", industry = "") {
  if (await page.locator("#corp-new").count()) await page.locator("#corp-new").check();
  await page.locator('[id="new_corp.name"]').fill(corp);
  await page.locator('[id="new_corp.industry"]').fill(industry);
  await page.locator('[id="name"]').fill(name);
}

/** What the chain's owner sees of who is in. */
const partners = async (w) => (await w.boss.ask("GET", `${w.where}/partners?state=joined&limit=200`)).items;

test.describe("a link that lives", () => {
  test("is one request and few bytes, asks nobody else, and has a card for the chat", async ({ page }) => {
    const w = await world({ invite: { note: "请各位经销商尽快加入，方便下单与对账。" } });
    const asked = [];
    page.on("request", (r) => r.url().startsWith("data:") || asked.push(r.url()));
    const answer = await page.goto(w.url);
    await page.waitForLoadState("networkidle");
    const weight = (await answer.body()).length + Object.entries(await answer.allHeaders()).flat().join("").length;
    console.log(`      first view: ${asked.length} request, ${weight} bytes`);
    expect(asked).toEqual([w.url]);
    expect(weight).toBeLessThan(50_000);
    expect(answer.status()).toBe(200);
    await expect(h1(page)).toHaveText(w.chain.name);
    expect(await page.title()).toBe(`加入「${w.chain.name}」`);
    expect(await page.locator('meta[property="og:title"]').getAttribute("content")).toBe(`王掌柜邀请您加入「${w.chain.name}」`);
    expect(await answer.headerValue("referrer-policy")).toBe("no-referrer");
    expect(await answer.headerValue("cache-control")).toBe("no-store");
    expect(await answer.headerValue("content-security-policy")).toContain("frame-ancestors 'none'");
    await see(page, "live");
    // The card's picture is ours, small, and no code that leads anywhere.
    const picture = await page.locator('meta[property="og:image"]').getAttribute("content");
    expect(new URL(picture).origin).toBe(at.web);
    const png = await (await page.request.get(picture)).body();
    expect(png.length).toBeLessThan(10_000);
    expect(scan(png)).toBeUndefined();
  });

  test("is read in English, in the dark and in large letters", async ({ browser }) => {
    const w = await world({ policy: "imported_only" });
    for (const [name, options, css] of [
      ["live-en", { locale: "en-GB" }],
      ["live-dark", { colorScheme: "dark" }],
      ["live-large", {}, "html{font-size:200%}"],
      ["live-narrow", { viewport: { width: 320, height: 568 } }],
      ["live-wide", { viewport: { width: 1280, height: 800 }, isMobile: false }],
    ]) {
      const context = await browser.newContext({ ...options, bypassCSP: !!css });
      const page = await context.newPage();
      await page.goto(w.url);
      if (css) await page.addStyleTag({ content: css });
      await expect(page.locator("html")).toHaveAttribute("lang", name === "live-en" ? "en" : "zh-CN");
      await see(page, name);
      await context.close();
    }
  });

  for (const [name, options, css] of [
    ["en-dark", { locale: "en-GB", colorScheme: "dark" }],
    ["en-narrow", { locale: "en-GB", viewport: { width: 320, height: 568 } }],
    ["large", {}, "html{font-size:200%}"],
  ])
    test(`has a form that can be read: ${name}`, async ({ browser }) => {
      const w = await world({ policy: "imported_or_approval", invite: { note: "请各位经销商尽快加入，方便下单与对账。" } });
      const li = await Person.named("李娜");
      await li.makeCorp("宏远商贸");
      await li.makeCorp("育才中学", "初中等教育");
      const context = await browser.newContext({ ...options, bypassCSP: !!css });
      const page = await context.newPage();
      const look = async (state) => {
        if (css) await page.addStyleTag({ content: css });
        await see(page, `${state}-${name}`);
      };
      await page.goto(w.url);
      await signIn(page, li.phone, "李娜");
      await page.locator("#corp-new").check();
      await page.locator('[id="name"]').fill("");
      await button(page).click();
      await expect(alert(page).locator("a")).toHaveCount(2);
      await look("invalid");
      await typeCorp(page, "宏远".repeat(16), "李娜", "零售");
      await button(page).click();
      await expect(page.locator("h2")).toHaveCount(0);
      await look("waiting");
      const { items } = await w.boss.ask("GET", `${w.where}/applications?state=waiting`);
      await w.boss.ask("POST", `${w.where}/applications/decide`, { application_ids: items.map((a) => a.application_id), decision: "accept" });
      await page.reload();
      await page.locator("summary").click();
      await look("joined");
      await w.boss.ask("DELETE", w.where);
      await context.clearCookies();
      await page.reload();
      await look("dissolved");
      await context.close();
    });

  test("is changed by no GET and no HEAD", async ({ request }) => {
    const w = await world({ invite: { max_uses: 1 } });
    for (let i = 0; i < 20; i++) {
      expect((await request.get(w.url)).status()).toBe(200);
      expect((await request.head(w.url)).status()).toBe(200);
    }
    expect((await w.boss.ask("GET", `${w.where}/invites/${w.invite.invite_id}`)).uses).toBe(0);
  });
});

test.describe("a link that is dead says so before anything is typed", () => {
  const dead = async (page, url, name, status, title) => {
    const answer = await page.goto(url);
    expect(answer.status()).toBe(status);
    await expect(h1(page)).toHaveText(title);
    await expect(page.locator("input:not([type=hidden])")).toHaveCount(0);
    await see(page, name);
  };
  test("expired", async ({ page }) => {
    const w = await world({ invite: { expires_in: 1 } });
    await until("the invite to expire", async () => (await page.request.get(w.url)).status() === 410);
    await dead(page, w.url, "expired", 410, "邀请已过期");
  });
  test("revoked", async ({ page }) => {
    const w = await world();
    await w.boss.ask("POST", `${w.where}/invites/${w.invite.invite_id}/revoke`);
    await dead(page, w.url, "revoked", 410, "邀请已失效");
  });
  test("used up", async ({ page }) => {
    const w = await world({ invite: { max_uses: 1 } });
    const first = await Person.named("先到");
    await first.ask("POST", `/v1/join/${w.invite.token}`, { new_corp: { name: "先到商行" } }, 201);
    await dead(page, w.url, "exhausted", 410, "邀请名额已用完");
  });
  test("of a chain that was dissolved", async ({ page }) => {
    const w = await world();
    await w.boss.ask("DELETE", w.where);
    await dead(page, w.url, "dissolved", 410, "该上下游已解散");
  });
  test("unknown", async ({ page }) => {
    await dead(page, `${at.web}/j/${"x".repeat(54)}`, "unknown", 404, "没有找到这个邀请");
  });
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "js" : "nojs";
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("who has no corp makes one and is in, and neither back nor a reload joins twice", async ({ page }) => {
      const w = await world();
      await page.goto(w.url);
      await signIn(page, phone(), "李娜");
      await expect(h1(page)).toHaveText(w.chain.name);
      await expect(page.locator('[id="name"]')).toHaveValue("李娜");
      if (javaScriptEnabled) await see(page, "choose-new");
      await typeCorp(page, "宏远商贸有限公司");
      await button(page).click();
      await expect(page.getByText("加入成功")).toBeVisible();
      if (javaScriptEnabled) await see(page, "joined");
      else await page.screenshot({ path: path.join(screenshots, "joined-nojs.png"), fullPage: true });
      expect(page.url()).toBe(w.url);
      await page.reload();
      await expect(page.getByText("加入成功")).toBeVisible();
      await page.goBack();
      await page.goto(w.url);
      await expect(page.locator("dd").first()).toHaveText("宏远商贸有限公司");
      expect((await partners(w)).map((p) => p.name)).toEqual(["宏远商贸有限公司"]);
    });

    test("what is wrong is said beside the field, and nothing that was typed is lost", async ({ page }) => {
      const w = await world();
      await page.goto(w.url);
      await signIn(page, phone(), "");
      await button(page).click();
      await expect(page.locator('[id="new_corp.name-wrong"]')).toHaveText("请填写企业名称。");
      await expect(page.locator('[id="new_corp.name"]')).toHaveAttribute("aria-invalid", "true");
      await expect(page.locator('[id="new_corp.name"]')).toBeFocused();
      expect(await page.title()).toBe(`还差一点 – 加入「${w.chain.name}」`);
      await alert(page).locator("a").last().click();
      await expect(page.locator('[id="name"]')).toBeFocused();
      if (javaScriptEnabled) await see(page, "invalid");
      await typeCorp(page, "很".repeat(33), "", "零售");
      await button(page).click();
      await expect(page.locator('[id="new_corp.name-wrong"]')).toContainText("最多 32 个字符");
      await expect(page.locator('[id="new_corp.name"]')).toHaveValue("很".repeat(33));
      await expect(page.locator('[id="name-wrong"]')).toHaveText("请填写您的姓名。");
      await page.locator('[id="new_corp.name"]').fill("好味小店");
      await button(page).click();
      await expect(page.locator('[id="name-wrong"]')).toHaveText("请填写您的姓名。");
      await expect(page.locator('[id="new_corp.name"]')).toHaveValue("好味小店");
      await expect(page.locator('[id="new_corp.industry"]')).toHaveValue("零售");
      await page.locator('[id="name"]').fill("阿强");
      await button(page).click();
      await expect(page.getByText("加入成功")).toBeVisible();
      expect(await partners(w)).toHaveLength(1);
    });

    test("a corp that may take no part is refused, and another can be chosen", async ({ page }) => {
      const w = await world();
      await page.goto(w.url);
      await signIn(page, phone(), "李娜");
      await typeCorp(page, "育才中学", "李娜", "初中等教育");
      await button(page).click();
      await expect(alert(page)).toContainText("这家企业不能加入");
      await expect(page.locator('[id="new_corp.name"]')).toHaveValue("育才中学");
      if (javaScriptEnabled) await see(page, "not-eligible");
      await typeCorp(page, "育才书店", "李娜", "零售");
      await button(page).click();
      await expect(page.getByText("加入成功")).toBeVisible();
    });

    test("an imported contact is greeted by name, once signed in with that phone, and has nothing to type", async ({ page }) => {
      const w = await world({ policy: "imported_only" });
      const li = phone();
      const [url] = await roster(w, [["宏远商贸", "李娜", li, "华东/上海"]]);
      await page.goto(url);
      await expect(page.getByText("李娜")).toHaveCount(0); // a link gets passed on
      await signIn(page, li, "");
      await expect(page.getByText("李娜，您好")).toBeVisible();
      await expect(page.locator("dd", { hasText: "上海" })).toBeVisible();
      await expect(page.locator('[id="new_corp.name"]')).toHaveValue("宏远商贸");
      if (javaScriptEnabled) await see(page, "notice");
      await button(page).click();
      await expect(page.getByText("加入成功")).toBeVisible();
      expect((await partners(w)).map((p) => p.name)).toEqual(["宏远商贸"]);
    });

    test("a session that ends while the form is filled in loses nothing that was typed", async ({ page, context }) => {
      const w = await world();
      const li = phone();
      await page.goto(w.url);
      await signIn(page, li, "李娜");
      await typeCorp(page, "宏远商贸", "李小娜", "零售");
      await context.clearCookies({ name: "__Host-session" }); // as when its 8 hours are over
      await button(page).click();
      await expect(alert(page)).toContainText("您填写的内容已保留");
      if (javaScriptEnabled) await see(page, "session-over");
      expect(page.url()).toBe(w.url);
      const asked = [];
      page.on("request", (r) => asked.push(decodeURIComponent(r.url())));
      await signIn(page, li, "李娜");
      await expect(alert(page)).toContainText("您填写的内容已恢复");
      await expect(page.locator('[id="new_corp.name"]')).toHaveValue("宏远商贸");
      await expect(page.locator('[id="new_corp.industry"]')).toHaveValue("零售");
      await expect(page.locator('[id="name"]')).toHaveValue("李小娜");
      expect(asked.filter((url) => url.includes("宏远") || url.includes("小娜"))).toEqual([]);
      if (javaScriptEnabled) await see(page, "form-kept");
      expect(await partners(w)).toHaveLength(0);
      await button(page).click();
      await expect(page.getByText("加入成功")).toBeVisible();
      expect((await partners(w)).map((p) => p.name)).toEqual(["宏远商贸"]);
      expect((await context.cookies()).map((c) => c.name)).toEqual(["__Host-session"]);
    });

    test("who signs out is asked for a phone again", async ({ page }) => {
      const w = await world();
      await page.goto(w.url);
      await signIn(page, phone(), "李娜");
      await page.getByRole("button", { name: "退出登录" }).click();
      await expect(page.getByRole("link", { name: "用手机号登录并继续" })).toBeVisible();
      await page.locator("a.main").click();
      await expect(page.locator("#phone")).toBeVisible();
    });
  });
}

test("one of several corps is chosen, a school can't be, and a member may come under another too", async ({ page }) => {
  const w = await world();
  const li = await Person.named("李娜");
  await li.makeCorp("宏远商贸");
  await li.makeCorp("好味小店");
  await li.makeCorp("育才中学", "初中等教育");
  await page.goto(w.url);
  await signIn(page, li.phone, "李娜");
  await expect(page.getByLabel("育才中学")).toBeDisabled();
  await button(page).click();
  await expect(page.locator("#corp-wrong")).toHaveText("请选择一家企业，或选择新建。");
  await see(page, "choose-missing");
  await page.getByLabel("宏远商贸").check();
  await see(page, "choose");
  await button(page).click();
  await expect(page.getByText("加入成功")).toBeVisible();
  await page.locator("summary").click();
  await see(page, "joined-again");
  await page.getByLabel("好味小店").check();
  await button(page).click();
  await expect(page.locator("dl")).toHaveCount(2);
  expect((await partners(w)).map((p) => p.name).sort()).toEqual(["好味小店", "宏远商贸"]);
});

test("who has a phone that isn't verified is told so", async ({ page }) => {
  const w = await world();
  await page.goto(w.url);
  await signIn(page, phone(), "周未证", false);
  await expect(h1(page)).toHaveText("您的手机号尚未验证");
  await see(page, "phone-not-verified");
  await page.getByRole("button", { name: "换一个手机号登录" }).click();
  await signIn(page, phone(), "周已证");
  await expect(button(page)).toBeVisible();
});

test("who isn't on the roster is told how to ask", async ({ page }) => {
  const w = await world({ policy: "imported_only" });
  await page.goto(w.url);
  await signIn(page, phone(), "李娜");
  await typeCorp(page, "宏远商贸");
  await button(page).click();
  await expect(alert(page)).toContainText("您还不在名单中");
  await expect(alert(page)).toBeFocused();
  await see(page, "not-imported");
  expect(await partners(w)).toHaveLength(0);
});

test("an invite that is somebody else's says so", async ({ page }) => {
  const w = await world({ invite: { phone: phone() } });
  await page.goto(w.url);
  await signIn(page, phone(), "李娜");
  await typeCorp(page, "宏远商贸");
  await button(page).click();
  await expect(alert(page)).toContainText("这个邀请是发给别人的");
  await see(page, "bound");
});

test("a colleague who chose another corp goes to the conflict queue", async ({ page }) => {
  const w = await world();
  const [a, b] = [phone(), phone()];
  const [first, second] = await roster(w, [["宏远商贸", "李娜", a, ""], ["宏远商贸", "赵强", b, ""]]);
  const li = await Person.named("李娜", a);
  li.corp = (await li.makeCorp("宏远商贸")).corp_id;
  await li.ask("POST", `/v1/join/${first.split("/j/")[1]}`, { corp_id: li.corp }, 201);
  const zhao = await Person.named("赵强", b);
  await zhao.makeCorp("赵强贸易");
  await page.goto(second);
  await signIn(page, b, "赵强");
  await page.getByLabel("赵强贸易").check();
  await button(page).click();
  await expect(alert(page)).toContainText("需要管理员确认");
  await see(page, "conflict");
});

test("the owner's own people needn't join", async ({ page }) => {
  const w = await world();
  await page.goto(w.url);
  await signIn(page, w.boss.phone, "王掌柜");
  await page.getByLabel("百川集团").check();
  await button(page).click();
  await expect(alert(page)).toContainText("这是上下游的主企业");
  await see(page, "owner");
});

test("who applies waits, is declined with a reason, applies again and is in", async ({ page }) => {
  const w = await world({ policy: "approval" });
  await page.goto(w.url);
  await signIn(page, phone(), "李娜");
  await typeCorp(page, "宏远商贸");
  await expect(button(page)).toHaveText("申请加入");
  await button(page).click();
  await expect(page.getByText("申请已提交，等待审核")).toBeVisible();
  await see(page, "waiting");
  const decide = async (decision, reason) => {
    const { items } = await w.boss.ask("GET", `${w.where}/applications?state=waiting`);
    await w.boss.ask("POST", `${w.where}/applications/decide`, { application_ids: items.map((a) => a.application_id), decision, reason });
  };
  await decide("decline", "请先与我们签合同");
  await page.reload();
  await expect(alert(page)).toContainText("请先与我们签合同");
  await see(page, "declined");
  await typeCorp(page, "宏远商贸");
  await button(page).click();
  await expect(page.getByText("申请已提交，等待审核")).toBeVisible();
  await decide("accept");
  await page.reload();
  await expect(page.getByText("加入成功")).toBeVisible();
  await see(page, "accepted");
});

test("a contact's opening is counted once they see the page, their no is told, and one tap ends the notices", async ({ page }) => {
  const w = await world();
  const li = phone();
  const [url] = await roster(w, [["宏远商贸", "李娜", li, ""]]);
  const opened = async () => (await w.boss.ask("GET", `${w.where}/progress`)).contacts.opened;
  await page.request.get(url);
  expect(await opened()).toBe(0); // a preview (R13)
  await page.goto(url);
  const said = page.waitForResponse((r) => r.url().endsWith("/opened"));
  await signIn(page, li, "");
  expect((await said).status()).toBe(204);
  await until("the opening to be counted", async () => (await opened()) === 1);
  await page.getByRole("button", { name: "不加入" }).click();
  await expect(alert(page)).toContainText("已告知对方您不加入");
  await see(page, "said-no");
  await page.getByRole("button", { name: "不再接收此上下游的通知" }).click();
  await expect(alert(page)).toContainText("不会再收到");
  await expect(page.getByRole("button", { name: "不加入" })).toHaveCount(0); // said before
  await see(page, "blocked");
  await button(page).click();
  await expect(page.getByText("加入成功")).toBeVisible();
});

test("a page opened before a change and sent after it gets the truth", async ({ page }) => {
  const w = await world();
  await page.goto(w.url);
  await signIn(page, phone(), "李娜");
  await typeCorp(page, "宏远商贸");
  await w.boss.ask("POST", `${w.where}/invites/${w.invite.invite_id}/revoke`);
  await button(page).click();
  await expect(h1(page)).toHaveText("邀请已失效");
  expect(await partners(w)).toHaveLength(0);
});

test("who is in by a link for one is told so, though the link is used up", async ({ page }) => {
  const w = await world({ invite: { max_uses: 1 } });
  await page.goto(w.url);
  await signIn(page, phone(), "李娜");
  await typeCorp(page, "宏远商贸");
  await button(page).click();
  await expect(page.getByText("加入成功")).toBeVisible();
});

test("when the table is busy the form is kept, and once more is enough", async ({ page }) => {
  const w = await world();
  await page.goto(w.url);
  await signIn(page, phone(), "李娜");
  await typeCorp(page, "宏远商贸");
  await control("PUT", "/faults", { dynamodb: { throttle: 1 } });
  try {
    await button(page).click();
    await expect(h1(page)).toHaveText("现在人太多了");
    await see(page, "busy");
  } finally {
    await control("PUT", "/faults", {});
  }
  await page.getByRole("button", { name: "再试一次" }).click();
  await expect(page.getByText("加入成功")).toBeVisible();
  expect((await partners(w)).map((p) => p.name)).toEqual(["宏远商贸"]);
});

test("a double tap, two tabs and a lost connection join once", async ({ page, context }) => {
  const w = await world();
  await page.goto(w.url);
  await signIn(page, phone(), "李娜");
  const other = await context.newPage();
  await other.goto(w.url);
  for (const tab of [page, other]) await typeCorp(tab, "宏远商贸");
  // The answer is lost on its way: the form was sent, and is still there.
  let sent = 0;
  await page.route(w.url, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    sent++;
    await route.fetch({ maxRedirects: 0 });
    await route.abort("connectionreset");
  });
  await button(page).dblclick();
  await expect(page.locator("[data-lost]")).toContainText("没有收到回应");
  expect(sent).toBe(1);
  await page.unroute(w.url);
  await button(page).click();
  await expect(page.getByText("加入成功")).toBeVisible();
  await button(other).dblclick();
  await expect(other.getByText("加入成功")).toBeVisible();
  expect(await partners(w)).toHaveLength(1);
  expect((await w.boss.ask("GET", `${w.where}/partners/${(await partners(w))[0].partner_id}/contacts`)).items).toHaveLength(1);
});

test("two tabs may sign in at once", async ({ page, context }) => {
  const w = await world();
  const other = await context.newPage();
  for (const tab of [page, other]) {
    await tab.goto(w.url);
    await tab.locator("a.main").click();
  }
  for (const tab of [page, other]) {
    await enter(tab, phone(), "李娜");
    await expect(button(tab)).toBeVisible();
  }
});

test("the keyboard alone is enough", async ({ browser }) => {
  const context = await browser.newContext({ isMobile: false, hasTouch: false });
  const page = await context.newPage();
  const w = await world();
  const li = await Person.named("李娜");
  await li.makeCorp("宏远商贸");
  await li.makeCorp("好味小店");
  await page.goto(w.url);
  await page.keyboard.press("Tab");
  await expect(page.locator("a.main")).toBeFocused();
  await page.screenshot({ path: path.join(screenshots, "focus.png") });
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/sign-in/);
  await enter(page, li.phone, "李娜");
  await page.waitForURL(w.url);
  await page.keyboard.press("Tab"); // to the corps
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  const chosen = await page.locator("input[name=corp]:checked").locator("xpath=..").innerText();
  while (!(await button(page).evaluate((b) => b === document.activeElement))) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByText("加入成功")).toBeVisible();
  expect((await partners(w)).map((p) => p.name)).toEqual([chosen]);
  await context.close();
});

test("nobody else's form joins, and no script reads the session", async ({ page }) => {
  const w = await world();
  await page.goto(w.url);
  await signIn(page, phone(), "李娜");
  expect(await page.evaluate(() => document.cookie)).toBe("");
  const [cookie] = (await page.context().cookies()).filter((c) => c.name === "__Host-session");
  expect({ ...cookie, value: "", expires: 0 }).toEqual({ name: "__Host-session", value: "", domain: "127.0.0.1", path: "/", expires: 0, httpOnly: true, secure: true, sameSite: "Lax" });
  await page.evaluate(() => (document.querySelector("[name=csrf]").value = "forged"));
  await typeCorp(page, "宏远商贸");
  await button(page).click();
  await expect(alert(page)).toContainText("请再点一次");
  await expect(page.locator('[id="new_corp.name"]')).toHaveValue("宏远商贸");
  await see(page, "form-stale");
  expect(await partners(w)).toHaveLength(0);
  await button(page).click();
  await expect(page.getByText("加入成功")).toBeVisible();
});

test("a sign-in that is cancelled, or played again, says what to do", async ({ page }) => {
  const w = await world();
  await page.goto(w.url);
  let back = "";
  page.on("request", (r) => r.url().includes("/signed-in?") && (back = r.url()));
  await signIn(page, phone(), "李娜");
  const answer = await page.goto(back);
  expect(answer.status()).toBe(400);
  await expect(h1(page)).toHaveText("登录没有完成");
  await see(page, "sign-in-failed");
});

test("a page that an answer led to is looked at again, and passed on, as the page", async ({ page }) => {
  const w = await world();
  const answer = await page.goto(`${w.url}/decline`);
  expect(page.url()).toBe(w.url);
  expect(answer.status()).toBe(200);
  await expect(h1(page)).toHaveText(w.chain.name);
});

test("what is left of an address that was cut says what to look for", async ({ page }) => {
  expect((await page.goto(at.web)).status()).toBe(200);
  await expect(h1(page)).toHaveText("请打开您收到的邀请");
  await see(page, "start");
});

test("a form that never arrived is still there", async ({ page }) => {
  const w = await world();
  await page.goto(w.url);
  await signIn(page, phone(), "李娜");
  await typeCorp(page, "宏远商贸", "李小娜", "零售");
  for (const fail of [
    (route) => route.abort("internetdisconnected"),
    (route) => route.fulfill({ status: 503, contentType: "application/json", body: '{"message":"Service Unavailable"}' }), // the gateway's own
  ]) {
    await page.route(w.url, (route) => (route.request().method() === "POST" ? fail(route) : route.continue()));
    await button(page).click();
    await expect(page.locator("[data-lost]")).toContainText("您填写的内容还在");
    await expect(button(page)).toHaveText("加入");
    await page.unroute(w.url);
  }
  await see(page, "lost");
  await expect(page.locator('[id="new_corp.name"]')).toHaveValue("宏远商贸");
  await expect(page.locator('[id="name"]')).toHaveValue("李小娜");
  await button(page).click();
  await expect(page.getByText("加入成功")).toBeVisible();
});

test("who guesses tokens is told how long to wait, and who has one isn't kept out", async ({ page }) => {
  const w = await world();
  const forged = `${w.url.slice(0, -6)}AAAAAA`;
  for (let n = 0; n < 1000 && (await page.request.get(forged)).status() !== 429; n++);
  const answer = await page.goto(forged);
  expect(answer.status()).toBe(429);
  expect(Number(await answer.headerValue("retry-after"))).toBeGreaterThan(60);
  await expect(page.getByText("分钟后再试一次")).toBeVisible();
  await see(page, "rate-limited");
  expect((await page.goto(w.url)).status()).toBe(200);
});

/** What a phone's camera reads. */
function scan(bytes) {
  const png = PNG.sync.read(bytes);
  return jsQR(new Uint8ClampedArray(png.data), png.width, png.height)?.data;
}

test("a QR code leads from the wall into the chain", async ({ page }) => {
  const w = await world();
  const at = `${w.where}/invites/${w.invite.invite_id}`;
  expect(scan(await w.boss.ask("GET", `${at}/qr.png?size=512`))).toBe(w.url);
  // The poster as it is printed: drawn, looked at, read.
  const poster = await w.boss.ask("GET", `${at}/poster.svg?paper=A6`);
  await page.setContent(`<img alt="" width="380" src="data:image/svg+xml;base64,${poster.toString("base64")}">`);
  const picture = await page.locator("img").screenshot({ path: path.join(screenshots, "poster.png") });
  const read = scan(picture);
  expect(read).toBe(w.url);
  await page.goto(read);
  await signIn(page, phone(), "李娜");
  await typeCorp(page, "宏远商贸");
  await button(page).click();
  await expect(page.getByText("加入成功")).toBeVisible();
  expect((await partners(w)).map((p) => p.name)).toEqual(["宏远商贸"]);
});
