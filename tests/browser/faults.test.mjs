// SPDX-License-Identifier: Apache-2.0
// Things break under the viewer: it says what, and comes back by itself.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Daemon, waitFor } from "./lib/daemon.mjs";
import { journey } from "./lib/journey.mjs";
import { launch, Viewer } from "./lib/viewer.mjs";

let daemon, browser;

before(async () => {
  daemon = await Daemon.start("--supervision-budget-deaths", "100");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

for (const [name, id, signal] of [["engine", "engine", "SIGKILL"], ["X server", "x_server", "SIGKILL"]]) {
  journey(`viewer survives a kill of the ${name}`, async () => {
    const viewer = await Viewer.open(browser, daemon);
    await viewer.live();
    const { pid, generation } = await daemon.node(id);
    const before = (await viewer.phases()).length;
    process.kill(pid, signal);
    const lost = await waitFor("it is noticed", async () => (await viewer.phases()).slice(before).find(({ phase }) => phase !== "live"), 8_000);
    assert.ok(lost.reason.trim(), "no reason on the page");
    await waitFor("the next generation", async () => {
      const node = await daemon.node(id);
      return node?.state === "ready" && node.generation > generation;
    }, 15_000);
    await viewer.live();
    await daemon.x("xsetroot", "-solid", "#a020a0");
    await viewer.sees([160, 32, 160], 640, 300);
    await viewer.close();
  });
}

journey("two viewers, and control goes from one to the other", async () => {
  const a = await Viewer.open(browser, daemon);
  const b = await Viewer.open(browser, daemon);
  await a.live();
  await b.live();
  await a.drive();
  await waitFor("b sees a driver", async () => (await b.driver()) === "person");
  await b.part("drive").click();
  await a.part("give").click();
  await b.drives();
  await waitFor("a knows", async () => (await a.driver()) !== "you");
  const [px, py] = await b.at(333, 222);
  await b.page.mouse.move(px, py);
  await waitFor("b's pointer", async () => /x:33[234] y:22[123]/.test(await daemon.x("xdotool", "getmouselocation")));
  const [qx, qy] = await a.at(700, 500);
  await a.page.mouse.move(qx, qy);
  assert.match(await daemon.x("xdotool", "getmouselocation"), /x:33[234] y:22[123]/);
  await a.close();
  await b.close();
});

// The modifier mask that XQueryPointer tells; lock keys do not count. libX11 comes with xterm.
const MODIFIERS = `
import ctypes
x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = ctypes.c_void_p
d = ctypes.c_void_p(x.XOpenDisplay(None))
x.XDefaultRootWindow.restype = ctypes.c_ulong
r = ctypes.c_ulong(x.XDefaultRootWindow(d))
a, b, m = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
c = [ctypes.c_int() for _ in range(4)]
x.XQueryPointer(d, r, ctypes.byref(a), ctypes.byref(b), *[ctypes.byref(v) for v in c], ctypes.byref(m))
print(m.value & 0xff & ~0x12)
`;
const modifiers = async () => Number(await daemon.x("/usr/bin/python3", "-c", MODIFIERS));

journey("keys are released when the page loses the focus", async () => {
  const viewer = await Viewer.open(browser, daemon);
  await viewer.live();
  await viewer.drive();
  await viewer.click(640, 300);
  await viewer.page.keyboard.down("Shift");
  await waitFor("Shift is down", async () => (await modifiers()) === 1, 5_000);
  await viewer.page.evaluate(() => window.dispatchEvent(new Event("blur")));
  await waitFor("no modifier is down", async () => (await modifiers()) === 0, 5_000);
  await viewer.close();
});

journey("killed browser leaves no session behind", async () => {
  const own = await launch();
  const viewer = await Viewer.open(own, daemon);
  await viewer.live();
  const viewers = async () => (await daemon.node("viewers"))?.children?.length ?? 0;
  assert.ok((await viewers()) >= 1);
  await own.close();
  await waitFor("nobody", async () => (await viewers()) === 0, 15_000);
});

journey("restart button on the page restarts a child", async () => {
  const viewer = await Viewer.open(browser, daemon);
  await viewer.live();
  const { generation } = await daemon.node("audio");
  await viewer.openTree();
  await viewer.part("node-audio").getByTestId("restart").click();
  await waitFor("the next generation", async () => {
    const node = await daemon.node("audio");
    return node.state === "ready" && node.generation > generation;
  }, 15_000);
  await viewer.close();
});
