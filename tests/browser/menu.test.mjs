// SPDX-License-Identifier: Apache-2.0
// Every entry of the desktop's menu opens its window, by a person's right click and arrow keys.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Daemon, waitFor } from "./lib/daemon.mjs";
import { journey } from "./lib/journey.mjs";
import { launch, Viewer } from "./lib/viewer.mjs";

const ENTRIES = [["Terminal", /xterm/i], ["Files", /pcmanfm/i], ["Text editor", /mousepad/i], ["Web browser", /chromium/i]];

let daemon, browser, viewer;

before(async () => {
  daemon = await Daemon.start();
  browser = await launch();
  viewer = await Viewer.open(browser, daemon);
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

for (const [index, [label, program]] of ENTRIES.entries()) {
  journey(`menu entry ${label} opens its window`, async () => {
    await viewer.live();
    await viewer.drive();
    const known = new Set(await daemon.windows());
    await viewer.click(1000, 80, "right");
    await waitFor("the menu", async () => /openbox.*IsViewable|"Openbox"|Unnamed|menu/i.test(await daemon.x("xwininfo", "-root", "-tree")));
    for (let i = 0; i <= index; ++i) await viewer.page.keyboard.press("ArrowDown", { delay: 30 });
    await viewer.page.keyboard.press("Enter", { delay: 30 });
    const opened = await waitFor(`a window of ${label}`, async () => (await daemon.windows()).find((id) => !known.has(id)), 40_000);
    try {
      assert.match(await daemon.x("xprop", "-id", opened, "WM_CLASS"), program);
    } finally {
      await daemon.x("xdotool", "windowkill", String(Number(opened)));
      await waitFor("the window is gone", async () => !(await daemon.windows()).includes(opened));
    }
  });
}
