// SPDX-License-Identifier: Apache-2.0
// What bench/stream stands on: the screen program, processes' CPU and memory, an engine without a
// daemon on the same display, a browser page with bench/lib/page.js in it.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, statSync, existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

export const ROOT = resolve(import.meta.dirname, "../..");
export const BIN = process.env.HOLT_BIN ?? join(ROOT, "build/release/bin");
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Compiles bench/screen.cpp when it is newer than its program. */
export function screen_program() {
  const source = join(ROOT, "bench/screen.cpp");
  const program = join(ROOT, "build/bench/screen");
  if (!existsSync(program) || statSync(program).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(join(ROOT, "build/bench"), { recursive: true });
    const made = spawnSync("c++", ["-std=c++20", "-O2", "-Wall", source, "-o", program, "-lxcb"], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(`bench/screen.cpp does not compile: ${made.stderr}`);
  }
  return program;
}

// -- processes

/** CPU time in ms, user and system. */
export function cpu_ms(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export const rss_kib = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
export const threads = (pid) => readdirSync(`/proc/${pid}/task`).length;

/** Percent of one core that each process used, in `rounds` windows of `window_ms`. */
export async function cpu_percent(pids, window_ms = 5000, rounds = 2) {
  const out = Object.fromEntries(Object.keys(pids).map((name) => [name, []]));
  for (let i = 0; i < rounds; ++i) {
    const before = Object.entries(pids).map(([name, pid]) => [name, pid, cpu_ms(pid)]);
    const began = performance.now();
    await pause(window_ms);
    for (const [name, pid, at] of before) out[name].push(((cpu_ms(pid) - at) / (performance.now() - began)) * 100);
  }
  return out;
}

// -- an engine of our own, beside the daemon's

export class Engine {
  /** holt-stream on the daemon's display, silent, with an API token that we know. */
  static async start(environment) {
    const engine = new Engine();
    engine.token = randomBytes(24).toString("hex");
    const given = ["--bind", "127.0.0.1:0", "--media-port", "0", "--no-audio", "--display", environment.DISPLAY];
    engine.process = spawn(join(BIN, "holt-stream"), given, { env: { ...environment, HOLT_STREAM_API_TOKEN: engine.token }, stdio: ["ignore", "pipe", "pipe"] });
    engine.said = "";
    engine.process.stderr.on("data", (data) => (engine.said = (engine.said + data).slice(-2000)));
    engine.process.once("exit", (code, by) => engine.stopped || console.error(`holt-stream ended with ${code ?? by}: ${engine.said}`));
    const lines = createInterface({ input: engine.process.stdout });
    const ready = await new Promise((done, fail) => {
      const late = setTimeout(() => fail(new Error("holt-stream was not ready within 10 s")), 10_000);
      lines.on("line", (line) => {
        if (!line.startsWith('{"event":"ready"')) return;
        clearTimeout(late);
        done(JSON.parse(line));
      });
    }).catch((late) => {
      engine.stop();
      throw late;
    });
    engine.port = ready.http;
    engine.url = `http://127.0.0.1:${ready.http}`;
    return engine;
  }

  async call(path, body, token = this.token) {
    const answer = await fetch(this.url + path, {
      method: body ? "POST" : "GET",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(5000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return text.startsWith("{") ? JSON.parse(text) : text;
  }

  /** The address of a socket for a new session. */
  async socket_url() {
    const username = randomBytes(8).toString("hex");
    await this.call("/api/members", { username, password: username, profile: { can_login: true, can_connect: true, can_watch: true } });
    const { token } = await this.call("/api/login", { username, password: username });
    return `ws://127.0.0.1:${this.port}/api/ws?token=${token}`;
  }

  /** Numbers of GET /metrics by name. */
  async metrics() {
    const rows = (await this.call("/metrics")).split("\n").filter((line) => line && !line.startsWith("#"));
    return Object.fromEntries(rows.map((line) => [line.split(/[ {]/)[0], Number(line.split(" ").at(-1))]));
  }

  stop() {
    this.stopped = true;
    this.process.kill("SIGTERM");
  }
}

// -- pages

/** A page of `origin` with the bench's viewer in it. */
export async function bench_page(browser, origin) {
  const context = await browser.newContext({ bypassCSP: true, viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(`${origin.replace(/\/$/, "")}/v1/health`);
  await page.evaluate(readFileSync(join(ROOT, "bench/lib/page.js"), "utf8"));
  return page;
}

/** What bench/screen.cpp printed as [wall clock in ms, colour]. */
export function flips_of(text) {
  return text.trim().split("\n").map((line) => line.split(" ").map(Number)).map(([us, colour]) => [us / 1000, colour]);
}

/** Milliseconds from each flip to the moment the page saw it; unseen ones are counted apart. */
export function delays(flips, seen) {
  const found = [];
  let missed = 0;
  for (const [i, [at, colour]] of flips.entries()) {
    const until = flips[i + 1]?.[0] ?? at + 1000;
    const hit = seen.find(([when, which]) => which === colour && when > at && when < until);
    if (hit) found.push(hit[0] - at);
    else missed += 1;
  }
  return { found, missed };
}
