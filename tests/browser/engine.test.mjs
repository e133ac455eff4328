// SPDX-License-Identifier: Apache-2.0
// The engine as the daemon keeps it: restarted, frozen, still, and clean behind every viewer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { Daemon, ENGINE, limit, slack, waitFor } from "./lib/daemon.mjs";
import { journey } from "./lib/journey.mjs";
import { launch, Viewer } from "./lib/viewer.mjs";

const STILL_S = 15; // longer than the probe that looks for a frozen pipeline waits

let daemon, browser;

before(async () => {
  daemon = await Daemon.start("--supervision-budget-deaths", "100");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

/** Asks neko itself, with the key that the daemon gave it; our own engine does not leave its key in
 * its environment. */
async function engineSays(path) {
  const { pid } = await daemon.node("engine");
  const words = (file) => readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
  const key = words("environ").find((row) => /^NEKO_SESSION_API_TOKEN=/.test(row)).split("=")[1];
  const line = words("cmdline");
  const at = line[line.findIndex((word) => word === "--server.bind") + 1];
  const answer = await fetch(`http://${at}${path}`, { headers: { Authorization: `Bearer ${key}` }, signal: AbortSignal.timeout(limit(3000)) });
  const text = await answer.text();
  return answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
}

async function nextGeneration(generation) {
  await waitFor("the next generation", async () => {
    const node = await daemon.node("engine");
    return node?.state === "ready" && node.generation > generation;
  }, 10_000);
}

/** The pointer follows this viewer. */
async function drives(viewer, x, y) {
  const [px, py] = await viewer.at(x, y);
  await viewer.page.mouse.move(px, py);
  await waitFor(`pointer at ${x},${y}`, async () => {
    const at = (await daemon.x("xdotool", "getmouselocation")).match(/x:(\d+) y:(\d+)/).slice(1).map(Number);
    return Math.abs(at[0] - x) <= 1 && Math.abs(at[1] - y) <= 1;
  });
}

journey("restart by the API tells the viewers 1012 and they come back", async () => {
  const viewer = await Viewer.open(browser, daemon);
  const closes = [];
  viewer.page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => {
    if (String(payload).includes("system/disconnect")) closes.push(JSON.parse(payload).payload.message);
  }));
  await viewer.page.reload();
  await viewer.live();
  const { generation } = await daemon.node("engine");
  await daemon.call("POST", "/v1/supervision/engine/restart");
  await waitFor("it is told", () => closes.length > 0); // until then the page is still live with the old one
  await nextGeneration(generation);
  await viewer.live();
  assert.match(closes[0], /engine restarts/);
  await viewer.drive();
  await drives(viewer, 444, 333);
  await viewer.close();
});

journey("engine that hangs is found within 4.5 s and replaced", async (t) => {
  const viewer = await Viewer.open(browser, daemon);
  await viewer.live();
  const { pid, generation } = await daemon.node("engine");
  const start = Date.now();
  process.kill(pid, "SIGSTOP");
  await waitFor("it is found", async () => {
    const node = await daemon.node("engine"); // the next one may be ready before we look
    return node.state !== "ready" || node.generation !== generation;
  }, 8_000, 20);
  const found = Date.now() - start;
  t.diagnostic(`found after ${found} ms`);
  assert.ok(found <= 4_500 * slack(), `found after ${found} ms`);
  await nextGeneration(generation);
  t.diagnostic(`ready again after ${Date.now() - start} ms`);
  await viewer.live();
  await viewer.close();
});

journey("still screen is no frozen pipeline", async () => {
  const viewer = await Viewer.open(browser, daemon);
  await viewer.live();
  const { generation } = await daemon.node("engine");
  await new Promise((done) => setTimeout(done, STILL_S * 1000));
  assert.equal((await daemon.node("engine")).generation, generation, (await daemon.node("engine")).reason);
  assert.equal(await viewer.phase(), "live");
  await viewer.close();
});

journey("engine has no session left when the viewers are gone", async () => {
  const viewers = [await Viewer.open(browser, daemon), await Viewer.open(browser, daemon)];
  for (const viewer of viewers) await viewer.live();
  if (ENGINE === "neko") await waitFor("two sessions", async () => (await engineSays("/api/sessions")).length === 2);
  for (const viewer of viewers) await viewer.close();
  await waitFor("nobody", async () => ((await daemon.node("viewers"))?.children?.length ?? 0) === 0, 5_000);
  if (ENGINE !== "neko") return;
  await waitFor("no session", async () => (await engineSays("/api/sessions")).length === 0, 5_000);
  assert.equal(Object.keys(await engineSays("/api/members")).length, 0);
});

journey("link for viewing cannot drive", async () => {
  const viewer = await Viewer.open(browser, daemon, { link: await daemon.link("--view") });
  await viewer.live();
  const before = await daemon.x("xdotool", "getmouselocation");
  const [x, y] = await viewer.at(77, 66);
  await viewer.page.mouse.move(x, y);
  await viewer.page.mouse.click(x, y);
  await viewer.page.keyboard.type("no");
  if (ENGINE === "neko") {
    const [{ profile }] = await engineSays("/api/sessions");
    assert.equal(profile.can_host, false);
    assert.equal(profile.can_access_clipboard, false);
  }
  assert.notEqual(await viewer.driver(), "you");
  assert.equal(await daemon.x("xdotool", "getmouselocation"), before);
  await viewer.close();
});

journey("daemon with a viewer stops at once", async (t) => {
  const viewer = await Viewer.open(browser, daemon);
  await viewer.live();
  const start = Date.now();
  await daemon.stop();
  t.diagnostic(`stopped after ${Date.now() - start} ms`);
  assert.equal(daemon.ended, 0);
  assert.ok(Date.now() - start < 3_000 * slack(), `stopped after ${Date.now() - start} ms`);
  await viewer.close();
});
