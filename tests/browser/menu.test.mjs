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

/** The windows that lie on the root, those of the window manager itself among them. */
const onRoot = async () => (await daemon.x("xwininfo", "-root", "-children")).match(/^ +0x[0-9a-f]+/gm).map((id) => id.trim());
const viewable = async (id) => /IsViewable/.test(await daemon.x("xwininfo", "-id", id).catch(() => ""));

/** Right click on the root. The menu's window is new each time, and has the keyboard once it is seen.
 * A button that is let go late closes the menu: false. */
async function openMenu() {
  const known = new Set(await onRoot());
  await viewer.click(1000, 80, "right");
  const menu = await waitFor("the menu", async () => {
    for (const id of await onRoot()) if (!known.has(id) && (await viewable(id))) return id;
    return undefined;
  });
  const [px, py] = await viewer.at(980, 70);
  await viewer.page.mouse.move(px, py);
  await waitFor("the pointer beside it, behind the button", async () => /x:9(79|80|81) y:(69|70|71) /.test(await daemon.x("xdotool", "getmouselocation")));
  return viewable(menu);
}

for (const [index, [label, program]] of ENTRIES.entries()) {
  journey(`menu entry ${label} opens its window`, async () => {
    await viewer.live();
    await viewer.drive();
    const known = new Set(await daemon.windows());
    await waitFor("a menu that stays", openMenu);
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
