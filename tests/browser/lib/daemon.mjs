// SPDX-License-Identifier: Apache-2.0
// A real daemon for one test file, on free ports, with a state folder of its own.
import { spawn, execFile } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, existsSync, openSync } from "node:fs";
import { createSocket } from "node:dgram";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, "../..", "..");
const BIN = process.env.HOLT_BIN ?? join(ROOT, "build/dev/bin");

export const ENGINE = process.env.HOLT_TEST_ENGINE ?? "builtin";
export const root = ROOT;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** What limits are multiplied with: 1 on a quiet machine, more where others hold its cores. */
export const slack = () => Math.min(4, Math.max(1, loadavg()[0] / availableParallelism()));

/** `ms` with the slack, as whole as node wants its limits. */
export const limit = (ms) => Math.round(ms * slack());

/** The first true answer of check(), asked again and again for at most `limitMs`. */
export async function waitFor(what, check, limitMs = 10_000, everyMs = 50) {
  const began = Date.now();
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (Date.now() > began + limitMs * slack()) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pause(everyMs);
  }
}

function environ(pid) {
  const rows = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter((row) => row.includes("="));
  return Object.fromEntries(rows.map((row) => [row.slice(0, row.indexOf("=")), row.slice(row.indexOf("=") + 1)]));
}

/** A UDP port that is free on `address` now. */
export function freeUdpPort(address) {
  return new Promise((done, fail) => {
    const socket = createSocket("udp4");
    socket.once("error", fail);
    socket.bind(0, address, () => {
      const { port } = socket.address();
      socket.close(() => done(port));
    });
  });
}

/** The engine's own arguments: the built-in one, or the real neko on this namespace's address. */
function engineArguments() {
  if (ENGINE !== "neko") return ["--stream-engine", "builtin"];
  return ["--stream-engine", "neko", "--stream-neko-path", process.env.HOLT_NEKO, "--stream-address", process.env.HOLT_TEST_ADDRESS];
}

export class Daemon {
  static async start(...extra) {
    const daemon = new Daemon();
    daemon.home = mkdtempSync(join(tmpdir(), "holt-browser-"));
    mkdirSync(join(daemon.home, "workspace"));
    daemon.log = join(daemon.home, "output.log");
    const ready = join(daemon.home, "ready.json");
    const log = openSync(daemon.log, "a");
    const env = { HOME: daemon.home, PATH: process.env.PATH, LANG: "C.UTF-8" };
    const given = ["serve", "--port", "0", "--state-dir", join(daemon.home, "state"), "--workspace", join(daemon.home, "workspace"), "--ready-file", ready];
    if (!extra.includes("--stream-media-port")) given.push("--stream-media-port", "0");
    daemon.process = spawn(join(BIN, "holt"), [...given, ...engineArguments(), ...extra], { cwd: daemon.home, env, stdio: ["ignore", log, log] });
    daemon.process.once("exit", (code) => (daemon.ended = code ?? -1));
    try {
      await waitFor("the ready file", () => {
        if (daemon.ended !== undefined) throw new Error(`holt serve ended with ${daemon.ended}`);
        return existsSync(ready);
      }, 40_000);
    } catch (late) {
      const said = readFileSync(daemon.log, "utf8").slice(-3000);
      await daemon.stop();
      throw new Error(`${late.message}\n${said}`);
    }
    daemon.info = JSON.parse(readFileSync(ready, "utf8"));
    return daemon;
  }

  async stop() {
    if (this.ended === undefined) {
      const end = new Promise((done) => this.process.once("exit", done));
      this.process.kill("SIGTERM");
      const late = setTimeout(() => this.process.kill("SIGKILL"), limit(15_000));
      await end;
      clearTimeout(late);
    }
    rmSync(this.home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async call(method, path, body) {
    const answer = await fetch(this.info.url.replace(/\/$/, "") + path, {
      method,
      headers: { Authorization: `Bearer ${this.info.token}`, ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(limit(15_000)),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text.startsWith("{") ? JSON.parse(text) : text;
  }

  /** A new link to the page, as `holt open` prints it. */
  async link(...flags) {
    const { stdout } = await run(join(BIN, "holt"), ["open", ...flags, "--url", this.info.url, "--token", this.info.token], { cwd: this.home, timeout: limit(10_000) });
    return stdout.match(/http\S+/)[0];
  }

  /** One node of the supervision tree. */
  async node(id) {
    const todo = [await this.call("GET", "/v1/supervision")];
    while (todo.length > 0) {
      const node = todo.pop();
      if (node.id === id) return node;
      todo.push(...(node.children ?? []));
    }
    return undefined;
  }

  /** What a program on the desktop is started with. After a death of the X server the engine may be
   * ready before the window manager is. */
  async desktopEnvironment() {
    const env = await waitFor("the window manager", async () => {
      const node = await this.node("window_manager");
      if (node?.state !== "ready") return undefined;
      try {
        const found = environ(node.pid);
        return found.DISPLAY && found;
      } catch {
        return undefined; // it ended meanwhile
      }
    }, 20_000);
    const keep = ["DISPLAY", "XAUTHORITY", "PULSE_SERVER", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "HOME", "PATH", "LANG"];
    return Object.fromEntries(keep.filter((k) => env[k]).map((k) => [k, env[k]]));
  }

  /** Runs a program on the desktop to its end. */
  async x(command, ...argumentsOf) {
    const { stdout } = await run(command, argumentsOf, { env: { ...process.env, ...(await this.desktopEnvironment()) }, timeout: limit(10_000) });
    return stdout;
  }

  /** Starts a program on the desktop; the caller kills it. */
  async launch(command, argumentsOf, stdio = "ignore") {
    return spawn(command, argumentsOf, { env: { ...process.env, ...(await this.desktopEnvironment()) }, stdio });
  }

  /** An xterm that runs `script`, with its window, once that is there. */
  async terminal(script, geometry = "80x24+0+0") {
    const known = new Set(await this.windows());
    const child = await this.launch("xterm", ["-geometry", geometry, "-e", "sh", "-c", script]);
    try {
      const window = await waitFor("the terminal's window", async () => (await this.windows()).find((id) => !known.has(id)), 20_000);
      return { child, window };
    } catch (late) {
      child.kill();
      throw late;
    }
  }

  /** The window manager has given the keyboard to this window. */
  async focused(window) {
    await waitFor(`the focus of ${window}`, async () => (await this.x("xprop", "-root", "_NET_ACTIVE_WINDOW")).includes(window));
  }

  /** Ids of the managed windows. */
  async windows() {
    const text = await this.x("xprop", "-root", "_NET_CLIENT_LIST");
    return text.match(/0x[0-9a-f]+/g) ?? [];
  }
}

/** File names of a folder that match, newest last; empty when there is none. */
export function filesOf(folder, pattern) {
  return existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((name) => pattern.test(name)) : [];
}
