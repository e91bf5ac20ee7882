// Drives one browser page for pytest: a line of JSON in, a line of JSON out.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import readline from "node:readline";

const [modules, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");
// With a folder of its own the browser keeps what it has compiled of the bundle.
const folder = mkdtempSync(join(tmpdir(), "lofp-browser-"));
const context = await chromium.launchPersistentContext(folder, {
  executablePath,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    // Debian's launcher asks for a rasterizer that a machine without a GPU emulates at great cost.
    "--disable-gpu-rasterization",
    "--disable-software-rasterizer",
    "--disable-extensions",
    "--hide-scrollbars",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
  ],
  timezoneId: "Etc/UTC",
  locale: "en-US",
  reducedMotion: "reduce",
});
// Links lead out of the test: they are written down, not followed.
await context.addInitScript(() => {
  window.lofpOpened = [];
  window.open = (link) => window.lofpOpened.push(link);
});
const page = await context.newPage();
page.setDefaultTimeout(30_000);
let faults = [];
page.on("pageerror", (error) => faults.push(String(error)));

// What a person can do; each answers when no search is under way and the page has come to rest.
const actions = {
  async open({ url, width, height }) {
    faults = [];
    await page.setViewportSize({ width, height });
    if (page.url() === "about:blank") {
      await page.goto(url);
    } else {
      await page.evaluate(show, url);
    }
    await settle();
  },
  async reload() {
    await page.reload();
    await settle();
  },
  async click({ selector, index = 0 }) {
    await click(page.locator(selector).nth(index));
  },
  async clickText({ selector, text }) {
    await click(page.locator(selector).getByText(text, { exact: true }).first());
  },
  // Clicks everything that leads out, one after the other; nothing on the page changes by it.
  async follow({ selector }) {
    const targets = page.locator(selector);
    for (let at = 0, count = await targets.count(); at < count; at += 1) {
      const before = await page.evaluate(() => window.lofpOpened.length);
      await reach(targets.nth(at));
      await targets.nth(at).click();
      await page.waitForFunction((many) => window.lofpOpened.length > many, before);
    }
  },
  async fill({ selector, text }) {
    const field = page.locator(selector).first();
    await field.fill(text);
    await field.press("Enter");
    await field.blur();
    await settle();
  },
  async choose({ selector, text }) {
    await page.locator(selector).first().click();
    await page.getByRole("option", { name: text, exact: true }).click();
    await settle();
  },
  async look({ source, argument }) {
    return page.evaluate(`(${source})(${JSON.stringify(argument ?? null)})`);
  },
  // The whole page, not only what fits into the window.
  async screenshot({ path }) {
    const { width } = page.viewportSize();
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width, height });
    await settle();
    await page.screenshot({ path, animations: "disabled" });
  },
  async url() {
    return page.url();
  },
  async faults() {
    return faults;
  },
};

// In the page: another address, without loading the bundle again. `reload` does load it.
function show(url) {
  window.history.pushState(null, "", url);
  window.lofpOpened = [];
  window.scrollTo(0, 0);
  return window.lofpShow();
}

// As a person does, who scrolls until there is room around what is clicked: what opens beside it is
// fixed to the window, and lies outside of it where the click was at the window's edge.
async function reach(target) {
  await target.evaluate((element) => element.scrollIntoView({ block: "center" }));
}

async function click(target) {
  await reach(target);
  await target.click();
  await settle();
}

// A table waits 200 ms for a second click, and a search starts a moment after its token is set.
async function settle() {
  await page.waitForFunction(() => window.lofpPending !== undefined);
  // In the page itself: each look from outside costs more than what it looks at.
  await page.evaluate(async () => {
    const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
    await pause(210);
    for (let turn = 0, quiet = 0; turn < 1500 && quiet < 4; turn += 1) {
      await pause(15);
      quiet = window.lofpPending === 0 ? quiet + 1 : 0;
    }
  });
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { action, ...rest } = JSON.parse(line);
  let reply;
  try {
    reply = { value: (await actions[action](rest)) ?? null };
  } catch (error) {
    reply = { error: String(error.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
await context.close();
rmSync(folder, { recursive: true, force: true });
