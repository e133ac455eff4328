// SPDX-License-Identifier: Apache-2.0
// bench/stream: how soon and how cheaply a browser sees the desktop. See bench/README.md.
import { join } from "node:path";
import { BIN, Engine, ROOT, bench_page, cpu_percent, delays, flips_of, pause, rss_kib, screen_program, threads } from "./lib/rig.mjs";
import { Report, median } from "./lib/report.mjs";

process.env.HOLT_BIN = BIN;
const { Daemon, ENGINE } = await import("../tests/browser/lib/daemon.mjs");
const { Viewer, launch } = await import("../tests/browser/lib/viewer.mjs");

const LIMIT_MS = 300_000;
const short = process.argv.includes("--short");
const only = process.argv.find((word) => word.startsWith("--only="))?.slice(7).split(",");
const wanted = (part) => !only || only.includes(part);
const builtin = ENGINE !== "neko";
const screen = screen_program();
const report = new Report(`bench/stream, engine ${ENGINE}`);
const aim = (value) => (builtin ? value : undefined); // aims are of the built-in engine

const daemon = await Daemon.start();
const cleanup = [() => daemon.stop()];
process.exitCode = 1;
const bound = setTimeout(() => {
  console.error(`bench/stream: not done within ${LIMIT_MS / 1000} s`);
  finish().then(() => process.exit(1));
}, LIMIT_MS);

async function finish() {
  clearTimeout(bound);
  for (const one of cleanup.splice(0).reverse()) await Promise.resolve(one()).catch(() => {});
}

/** A signaling address for one more viewer of the daemon: the ready file's ticket stays good. */
const ticket = new URL(daemon.info.link).hash.match(/ticket=([^&]+)/)[1];
const proxied = async () => `${daemon.info.url.replace(/^http/, "ws").replace(/\/$/, "")}/v1/desktop/stream/signaling?ticket=${ticket}`;
const at_once = (url, options = {}) => [url, { late_video: !builtin, ...options }];

async function one_viewer(page, url) {
  return page.evaluate(async ([url, options]) => {
    const viewer = window.bench.open(url, options);
    const times = await window.bench.first_frame(viewer).finally(() => window.bench.close(viewer));
    await window.bench.pause(250);
    return times;
  }, at_once(url));
}

/** Opens viewers until there are `count`; they stay. */
async function fill(page, count) {
  const have = await page.evaluate(() => window.bench.viewers.length);
  for (let i = have; i < count; ++i)
    await page.evaluate(async ([url, options]) => {
      const viewer = window.bench.open(url, options);
      window.bench.viewers.push(viewer);
      await window.bench.first_frame(viewer);
    }, at_once(await proxied(), { width: i === 0 ? 320 : 160 }));
}

/** From the order to paint until a page could paint it, in ms. */
async function glass(page, environment, url) {
  await page.evaluate(async ([url, options]) => {
    const viewer = (window.bench.glass = window.bench.open(url, options));
    await window.bench.first_frame(viewer);
    window.bench.watch_flips(viewer);
  }, at_once(url));
  await pause(800);
  const painter = await daemon.launch(screen, ["flip", short ? "12" : "30", "230"], ["ignore", "pipe", "ignore"]);
  let said = "";
  painter.stdout.on("data", (data) => (said += data));
  await new Promise((done) => painter.once("close", done));
  await pause(500);
  const seen = await page.evaluate(() => {
    window.bench.close(window.bench.glass);
    return window.bench.glass.flips;
  });
  return delays(flips_of(said), seen);
}

async function first_frames(page, direct_page, engine) {
  const times = { proxied: [], direct: [] };
  // A browser's own first connection (audio device, decoder) costs more than an engine's.
  if (engine) report.add("first viewer of engine and browser: request → frame", (await one_viewer(direct_page, await engine.socket_url())).request, "ms");
  report.add("first viewer of an engine: request → first frame", (await one_viewer(page, await proxied())).request, "ms", aim(250));
  for (let i = 0; i < (short ? 5 : 15); ++i) {
    times.proxied.push(await one_viewer(page, await proxied()));
    if (engine) times.direct.push(await one_viewer(direct_page, await engine.socket_url()));
  }
  const part = (of, name) => times[of].map((one) => one[name]);
  report.add("through the daemon: request → first frame", part("proxied", "request"), "ms", aim(60));
  report.add("through the daemon: request → connected", part("proxied", "connected"), "ms");
  report.add("through the daemon: signaling open → first frame", part("proxied", "open"), "ms");
  if (!engine) return;
  report.add("engine alone: request → first frame", part("direct", "request"), "ms");
  report.add("engine alone: request → connected", part("direct", "connected"), "ms");
  report.add("engine alone: signaling open → first frame", part("direct", "open"), "ms");
  report.add("ratio of the daemon's way to the engine's, request", median(part("proxied", "request")) / median(part("direct", "request")), "×");
}

async function page_open(browser) {
  const times = [];
  for (let i = 0; i < (short ? 2 : 5); ++i) {
    const began = performance.now();
    const viewer = await Viewer.open(browser, daemon);
    await viewer.live();
    times.push(performance.now() - began);
    await viewer.close();
  }
  report.add("the product's page: address entered → live picture", times, "ms");
}

async function glass_rows(page, direct_page, engine, environment) {
  const ways = [["through the daemon", page, proxied]];
  if (engine) ways.push(["engine alone", direct_page, () => engine.socket_url()]);
  for (const [name, where, url] of ways) {
    const found = [];
    let missed = 0;
    for (let i = 0; i < (short ? 1 : 3); ++i) {
      const run = await glass(where, environment, await url());
      found.push(...run.found);
      missed += run.missed;
    }
    report.add(`glass to glass, ${name}`, found, "ms", name === "through the daemon" ? aim(25) : undefined);
    if (missed > 0) report.note(`${missed} changes were not seen before the next one`);
  }
}

async function loads(page, pids) {
  const window_ms = short ? 3000 : 5000;
  const engine_rss = {};
  const measure = async (what, aims) => {
    const used = await cpu_percent(pids, window_ms, 2);
    report.add(`${what}: CPU of the engine`, used.engine, "% core", aim(aims.engine));
    report.add(`${what}: CPU of the daemon`, used.daemon, "% core", aims.daemon);
    report.add(`${what}: CPU of Xvfb`, used.x_server, "% core");
  };
  const memory = (count) => {
    engine_rss[count] = rss_kib(pids.engine);
    report.add(`${count} viewers: RSS of the engine, ${threads(pids.engine)} threads`, engine_rss[count] / 1024, "MiB");
    report.add(`${count} viewers: RSS of the daemon, ${threads(pids.daemon)} threads`, rss_kib(pids.daemon) / 1024, "MiB", count === 0 ? 30 : undefined);
  };
  memory(0);
  await measure("0 viewers, still", { engine: 0.5, daemon: 0.5 });
  for (const count of [1, 8]) {
    await fill(page, count);
    await pause(2500); // the refining pictures have passed
    memory(count);
    await measure(`${count} viewers, still`, { engine: count === 8 ? 4 : 3 });
    const before = await page.evaluate(() => window.bench.stats(window.bench.viewers[0]));
    const mover = await daemon.launch(screen, ["move", "60"]);
    cleanup.push(() => mover.kill());
    await pause(1500);
    const began = performance.now();
    const at = await page.evaluate(() => Promise.all(window.bench.viewers.map(window.bench.stats)));
    await measure(`${count} viewers, moving 720p30`, { engine: 27 });
    const end = await page.evaluate(() => Promise.all(window.bench.viewers.map(window.bench.stats)));
    report.add(`${count} viewers, moving: decoded pictures`, end.map((one, i) => ((one.decoded - at[i].decoded) / (performance.now() - began)) * 1000), "a second");
    report.add(`${count} viewers, moving: packets lost, key frames`, end.map((one, i) => one.lost - at[i].lost + one.keys - at[i].keys), "count");
    mover.kill();
    if (before.freezes) report.note(`${before.freezes} freezes before the motion`);
    await pause(1500);
  }
  memory(8);
  report.add("RSS of the engine for a further viewer", (engine_rss[8] - engine_rss[1]) / 7 / 1024, "MB", aim(0.7));
  await page.evaluate(() => window.bench.viewers.splice(0).forEach(window.bench.close));
  await pause(1500);
  report.add("all viewers gone: RSS of the engine", rss_kib(pids.engine) / 1024, "MiB");
}

/** What a frame costs inside the engine: the floor under glass to glass. */
async function floors(page, engine) {
  const url = await engine.socket_url();
  await page.evaluate(async ([url, options]) => {
    window.bench.floor = window.bench.open(url, options);
    await window.bench.first_frame(window.bench.floor);
  }, at_once(url));
  const mover = await daemon.launch(screen, ["move", "20"]);
  await pause(1000);
  const capture = [];
  const encode = [];
  let last = await engine.metrics();
  for (let i = 0; i < (short ? 3 : 6); ++i) {
    await pause(1000);
    const now = await engine.metrics();
    const frames = now.holt_stream_frames_total - last.holt_stream_frames_total;
    capture.push((now.holt_stream_capture_microseconds_total - last.holt_stream_capture_microseconds_total) / frames / 1000);
    encode.push((now.holt_stream_encode_microseconds_total - last.holt_stream_encode_microseconds_total) / frames / 1000);
    last = now;
  }
  mover.kill();
  await page.evaluate(() => window.bench.close(window.bench.floor));
  report.add("floor: XShm capture and conversion of a moving picture", capture, "ms");
  report.add("floor: VP8 encoding of a moving picture", encode, "ms");
}

try {
  const environment = await daemon.desktopEnvironment();
  const engine = builtin ? await Engine.start(environment) : undefined;
  if (engine) cleanup.push(() => engine.stop());
  const browser = await launch();
  cleanup.push(() => browser.close());
  const pids = { daemon: daemon.info.pid, engine: (await daemon.node("engine")).pid, x_server: (await daemon.node("x_server")).pid };
  const page = await bench_page(browser, daemon.info.url);
  const direct_page = engine && (await bench_page(browser, engine.url));
  if (wanted("first")) await first_frames(page, direct_page, engine);
  if (wanted("page")) await page_open(browser);
  if (wanted("glass")) await glass_rows(page, direct_page, engine, environment);
  if (wanted("floors") && engine) await floors(direct_page, engine);
  if (wanted("load")) {
    engine?.stop();
    await pause(1000);
    await loads(page, pids);
  }
  report.write(join(ROOT, `build/bench/stream-${ENGINE}.json`));
  process.exitCode = 0;
} catch (failed) {
  console.error(failed);
} finally {
  await finish();
}
