// SPDX-License-Identifier: Apache-2.0
// The published React components in a real browser, on a page of another origin than Holt's: what a
// user of npm @sandbox-agent/react has when they point it at Holt.
import assert from "node:assert/strict";
import { readFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";
import { Daemon, root, waitFor } from "./lib/daemon.mjs";
import { journey } from "./lib/journey.mjs";
import { launch } from "./lib/viewer.mjs";

let daemon, browser, server, page;
const problems = [];
const foreign = new Set();

/** tests/clients/viewer.mjs and all that it imports, as one file; by the bundler of the page. */
async function bundle() {
  const need = createRequire(join(root, "web/package.json"));
  const { rolldown } = await import(need.resolve("rolldown"));
  const made = await rolldown({ input: join(root, "tests/clients/viewer.mjs"), platform: "browser", transform: { define: { "process.env.NODE_ENV": '"production"' } } });
  const { output } = await made.generate({ format: "esm", codeSplitting: false });
  return output.find((part) => part.type === "chunk").code;
}

before(async () => {
  const code = await bundle();
  server = createServer((request, answer) => {
    const script = request.url === "/viewer.js";
    answer.writeHead(200, { "Content-Type": script ? "text/javascript" : "text/html" });
    answer.end(script ? code : "<!doctype html><title>A page of somebody's own</title><div id=desktop></div><div id=terminal></div><script type=module src=/viewer.js></script>");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const origin = `http://127.0.0.1:${server.address().port}`;
  daemon = await Daemon.start("--http-allowed-origins", origin);
  browser = await launch();
  page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    const { protocol, origin: to } = new URL(request.url());
    if (["http:", "https:"].includes(protocol) && to !== origin && to !== new URL(daemon.info.url).origin) foreign.add(to);
  });
  await page.goto(origin);
  await page.waitForFunction(() => typeof globalThis.show === "function");
});

after(async () => {
  await browser?.close();
  server?.close();
  await daemon?.stop();
});

/** Mean colour of a small square of the picture, in desktop coordinates. */
const colour = (x, y) => page.evaluate(([x, y]) => {
  const video = document.querySelector("video");
  if (!video?.videoWidth) return undefined;
  const context = new OffscreenCanvas(8, 8).getContext("2d");
  context.drawImage(video, x - 4, y - 4, 8, 8, 0, 0, 8, 8);
  const { data } = context.getImageData(0, 0, 8, 8);
  return [0, 1, 2].map((c) => data.filter((_, i) => i % 4 === c).reduce((a, b) => a + b) / 64);
}, [x, y]);

/** Where the desktop's point is on the page. */
const at = (x, y) => page.evaluate(([x, y]) => {
  const video = document.querySelector("video");
  const box = video.getBoundingClientRect();
  const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
  return [box.left + (box.width - video.videoWidth * scale) / 2 + x * scale, box.top + (box.height - video.videoHeight * scale) / 2 + y * scale];
}, [x, y]);

journey("published DesktopViewer shows the desktop", async () => {
  await page.evaluate(([url, token]) => globalThis.show(url, token), [daemon.info.url, daemon.info.token]);
  await waitFor("a picture", () => page.evaluate(() => (document.querySelector("video")?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > 0), 30_000);
  const { ready, errors } = await page.evaluate(() => globalThis.seen());
  assert.deepEqual(errors, []);
  assert.equal(ready[0].width, 1280);
  assert.equal(ready[0].height, 720);
  for (const [name, rgb] of [["#c04020", [192, 64, 32]], ["#2060c0", [32, 96, 192]]]) {
    await daemon.x("xsetroot", "-solid", name);
    await waitFor(`colour ${name}`, async () => (await colour(640, 300))?.every((v, i) => Math.abs(v - rgb[i]) <= 24), 15_000);
  }
});

journey("published DesktopViewer moves the pointer and types", async () => {
  for (const [x, y] of [[300, 200], [900, 500]]) {
    const [px, py] = await at(x, y);
    await page.mouse.move(px - 5, py - 5);
    await page.mouse.move(px, py);
    await waitFor(`pointer at ${x},${y}`, async () => {
      const told = (await daemon.x("xdotool", "getmouselocation")).match(/x:(\d+) y:(\d+)/).slice(1).map(Number);
      return Math.abs(told[0] - x) <= 2 && Math.abs(told[1] - y) <= 2;
    }, 15_000);
  }
  const file = join(daemon.home, "typed");
  const { child, window } = await daemon.terminal(`cat > ${file}`);
  try {
    await waitFor("the terminal", () => existsSync(file), 20_000);
    await page.mouse.click(...(await at(200, 150)));
    await daemon.focused(window);
    await page.keyboard.press("Shift+KeyH"); // as a person does: neko takes keys, not capitals
    await page.keyboard.type("ello from the page", { delay: 15 });
    await page.keyboard.press("Enter");
    await waitFor("the text", () => readFileSync(file, "utf8").includes("\n"), 15_000);
    assert.equal(readFileSync(file, "utf8"), "Hello from the page\n");
  } finally {
    child.kill();
  }
});

journey("published ProcessTerminal runs a shell", async () => {
  const made = await daemon.call("POST", "/v1/processes", { command: "cat", tty: true, interactive: true });
  await page.evaluate(([url, token, id]) => globalThis.show_terminal(url, token, id), [daemon.info.url, daemon.info.token, made.id]);
  await page.waitForSelector("#terminal canvas", { timeout: 30_000 });
  await page.locator("#terminal").getByText("Connected", { exact: true }).waitFor(); // what is typed before is lost
  await page.click("#terminal canvas");
  await page.keyboard.type("from the terminal", { delay: 10 });
  await page.keyboard.press("Enter");
  await waitFor("the line is echoed twice", async () => {
    const { entries } = await daemon.call("GET", `/v1/processes/${made.id}/logs?stream=pty`);
    const text = Buffer.concat(entries.map((e) => Buffer.from(e.data, "base64"))).toString();
    return text.split("from the terminal").length > 2;
  }, 15_000);
});

journey("published components ask nobody but Holt", async () => {
  await page.evaluate(() => globalThis.hide());
  assert.deepEqual([...foreign], []);
  assert.deepEqual(problems, []);
});
