// SPDX-License-Identifier: Apache-2.0
// The page at two sizes in two colour schemes: readable by machines (axe), pictures of it for people
// in build/screenshots, usable by keyboard alone.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";
import { Daemon, ENGINE, root, waitFor } from "./lib/daemon.mjs";
import { journey } from "./lib/journey.mjs";
import { launch, Viewer } from "./lib/viewer.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const OUT = join(root, "build", "screenshots");
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

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

async function seriousFaults(viewer) {
  await viewer.page.evaluate(AXE);
  const { violations } = await viewer.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
}

for (const [name, size] of Object.entries(SIZES)) {
  for (const colorScheme of ["light", "dark"]) {
    journey(`page at ${name} size, ${colorScheme}`, async () => {
      const viewer = await Viewer.open(browser, daemon, { size, colorScheme, mobile: name === "phone" });
      await viewer.live();
      await waitFor("the panel of the desktop", async () => /tint2|holt-panel/.test(await daemon.x("xwininfo", "-root", "-tree")));
      const shot = (what) => viewer.page.screenshot({ path: join(OUT, `${ENGINE}-${name}-${colorScheme}-${what}.png`) });
      await shot("desktop");
      const wide = await viewer.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${wide} pixels too wide`);
      assert.deepEqual(await seriousFaults(viewer), []);
      await viewer.openTree();
      await shot("tree");
      assert.deepEqual(await seriousFaults(viewer), []);
      await viewer.close();
    });
  }
}

journey("sign-in panel without a link", async () => {
  const viewer = await Viewer.open(browser, daemon, { link: daemon.info.url });
  await viewer.part("sign-in").waitFor();
  await viewer.page.screenshot({ path: join(OUT, `${ENGINE}-sign-in.png`) });
  assert.deepEqual(await seriousFaults(viewer), []);
  await viewer.part("token").fill(daemon.info.token);
  await viewer.page.keyboard.press("Enter");
  await viewer.live();
  await viewer.close();
});

journey("keyboard alone reaches everything and gets out again", async () => {
  const viewer = await Viewer.open(browser, daemon);
  await viewer.live();
  const seen = new Set();
  for (let i = 0; i < 60; ++i) {
    await viewer.page.keyboard.press("Tab");
    seen.add(await viewer.page.evaluate(() => document.activeElement?.getAttribute("data-testid") ?? document.activeElement?.tagName));
  }
  for (const wanted of ["drive", "sound", "desktop"]) assert.ok(seen.has(wanted), `${wanted} is not in ${[...seen]}`);
  await viewer.drive();
  await viewer.click(640, 300);
  await viewer.part("keyboard-hint").waitFor();
  await viewer.page.keyboard.press("Control+Alt+Shift");
  await viewer.part("keyboard-hint").waitFor({ state: "detached" });
  await viewer.close();
});
