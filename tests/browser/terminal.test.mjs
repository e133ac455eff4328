// SPDX-License-Identifier: Apache-2.0
// The terminals of the page, on the real daemon: a shell that is typed into, seen from two browsers,
// lost and found again without a gap.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { Daemon, ENGINE, root, waitFor } from "./lib/daemon.mjs";
import { journey } from "./lib/journey.mjs";
import { launch, Viewer } from "./lib/viewer.mjs";

const OUT = join(root, "build", "screenshots");
let daemon, browser;

before(async () => {
  mkdirSync(OUT, { recursive: true });
  daemon = await Daemon.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

/** The text of the terminal that is shown. */
const text = (viewer) => viewer.page.locator("[data-testid=terminal]:not([hidden]) .xterm-rows").innerText();
const shows = (viewer, what) => waitFor(`${what} in the terminal`, async () => what.test(await text(viewer)), 20_000);
const live = (viewer) => viewer.page.locator("[data-testid=terminal][data-phase=live]:not([hidden])").waitFor();

journey("a shell on the page, seen from a second browser, found again after a reload", async () => {
  const first = await Viewer.open(browser, daemon);
  await first.part("terminal-toggle").click();
  await live(first);
  await shows(first, /[$#] *$/m);
  await first.page.keyboard.type("printf '\\033[38;2;200;80;0m%s\\033[0m\\n' colour-$((40+2)); stty size\n");
  await shows(first, /colour-42/);
  const size = (await waitFor("the size", async () => (await text(first)).match(/^(\d+) (\d+)$/m))).slice(1).map(Number);
  assert.ok(size[0] >= 6 && size[1] >= 60, `the terminal is ${size}`);
  await first.page.screenshot({ path: join(OUT, `${ENGINE}-terminal.png`) });

  const second = await Viewer.open(browser, daemon, { link: await daemon.link() });
  await second.part("terminal-toggle").click();
  await second.page.locator("[data-testid^=attach-]").first().click();
  await live(second);
  await shows(second, /colour-42/);
  await second.page.keyboard.type("echo from-$((1+1))\n");
  await shows(first, /from-2/);

  await first.page.reload();
  await first.part("terminal-toggle").click();
  await first.page.locator("[data-testid^=attach-]").first().click();
  await shows(first, /from-2/);
  await second.page.locator("[data-testid=terminal] textarea").focus();
  await second.page.keyboard.type("exit 3\n");
  await first.part("terminal-note").getByText("Ended with exit code 3.").waitFor();
  await second.part("terminal-note").getByText("Ended with exit code 3.").waitFor();
  assert.deepEqual([first.problems, second.problems, first.foreign], [[], [], []]);
  await first.close();
  await second.close();
});

journey("a terminal whose connection is cut misses nothing, and the keyboard gets out of it", async () => {
  const viewer = await Viewer.open(browser, daemon, { link: await daemon.link() });
  await viewer.page.evaluate(() => {
    const Real = window.WebSocket;
    window.__terminals = [];
    window.WebSocket = class extends Real {
      constructor(...given) {
        super(...given);
        if (/\/terminal\/ws/.test(String(given[0]))) window.__terminals.push(this);
      }
    };
  });
  await viewer.part("terminal-toggle").click();
  await live(viewer);
  await viewer.page.keyboard.type("for i in $(seq 1 2000); do echo line-$i; done; echo whole-$((3*3))\n");
  await shows(viewer, /line-\d+/);
  for (let round = 1; round <= 3; ++round) {
    await viewer.page.evaluate(() => window.__terminals.at(-1).close());
    await waitFor("another socket", () => viewer.page.evaluate((n) => window.__terminals.length > n, round));
    await live(viewer);
  }
  await shows(viewer, /whole-9/);
  const urls = await viewer.page.evaluate(() => window.__terminals.map((one) => one.url));
  assert.match(urls[0], /offset=0$/);
  assert.ok(urls.slice(1).every((url) => Number(/offset=(\d+)/.exec(url)[1]) > 0), `they begin where the last one ended: ${urls}`);
  const lines = (await text(viewer)).match(/line-(\d+)/g).map((line) => Number(line.slice(5)));
  assert.deepEqual(lines, lines.map((_, i) => lines[0] + i), "no line is missing or there twice");
  for (const key of ["Control", "Alt", "Shift"]) await viewer.page.keyboard.down(key);
  for (const key of ["Control", "Alt", "Shift"]) await viewer.page.keyboard.up(key);
  assert.equal(await viewer.page.evaluate(() => document.activeElement?.getAttribute("role")), "tab");
  await viewer.part("terminal-close").click();
  await viewer.part("ask-end").click();
  await waitFor("its end", async () => (await daemon.call("GET", "/v1/processes")).processes.every((one) => one.status === "exited"));
  await viewer.part("terminal").waitFor({ state: "detached" }); // the page hears of the end later than we do
  assert.deepEqual(viewer.problems, []);
  await viewer.close();
});

journey("who may only watch has no terminal", async () => {
  const viewer = await Viewer.open(browser, daemon, { link: await daemon.link("--view") });
  await viewer.live();
  assert.equal(await viewer.part("terminal-toggle").count(), 0);
  await viewer.close();
});
