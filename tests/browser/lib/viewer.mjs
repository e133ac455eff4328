// SPDX-License-Identifier: Apache-2.0
// The page as a person has it: one browser context each. All selectors of the suite stand here.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { limit, waitFor } from "./daemon.mjs";

const EXECUTABLE = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** Chromium's own sandbox needs a user namespace: root has no use for it, a chroot forbids it. */
function mayUseSandbox() {
  return process.getuid() !== 0 && spawnSync("unshare", ["--user", "true"]).status === 0;
}

export function launch() {
  const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"];
  return chromium.launch({ executablePath: EXECUTABLE, headless: true, chromiumSandbox: mayUseSandbox(), args: quiet, timeout: 30_000 });
}

// Keeps the page's peer connections where the tests find them. Runs before the page's own scripts.
function watchPeers() {
  const Real = window.RTCPeerConnection;
  window.__peers = [];
  window.RTCPeerConnection = class extends Real {
    constructor(...given) {
      super(...given);
      window.__peers.push(this);
    }
  };
}

// Keeps every phase that the page goes through, with the reason that it shows: some last for half a
// second, and whoever looks now and then misses them.
function watchPhases() {
  window.__phases = [];
  new MutationObserver(() => {
    const phase = document.querySelector("[data-testid=desktop]")?.dataset.phase;
    const reason = document.querySelector("[data-testid=reason]")?.textContent ?? "";
    const last = window.__phases.at(-1);
    if (phase && (phase !== last?.phase || reason !== last?.reason)) window.__phases.push({ phase, reason });
  }).observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: ["data-phase"] });
}

export class Viewer {
  static async open(browser, daemon, { size = { width: 1440, height: 900 }, colorScheme = "light", mobile = false, link } = {}) {
    const viewer = new Viewer();
    viewer.problems = [];
    viewer.foreign = [];
    viewer.context = await browser.newContext({ viewport: size, colorScheme, hasTouch: mobile, isMobile: mobile });
    viewer.context.setDefaultTimeout(limit(20_000));
    viewer.page = await viewer.context.newPage();
    await viewer.page.addInitScript(watchPeers);
    await viewer.page.addInitScript(watchPhases);
    viewer.page.on("pageerror", (error) => viewer.problems.push(String(error)));
    viewer.page.on("console", (line) => {
      if (line.type() === "error" && /Content Security Policy|Uncaught/.test(line.text())) viewer.problems.push(line.text());
    });
    viewer.page.on("request", (request) => {
      const url = new URL(request.url());
      if (["http:", "https:", "ws:", "wss:"].includes(url.protocol) && url.host !== new URL(daemon.info.url).host) viewer.foreign.push(request.url());
    });
    await viewer.page.goto(link ?? daemon.info.link);
    return viewer;
  }

  close() {
    return this.context.close();
  }

  part(id) {
    return this.page.getByTestId(id);
  }

  /** The page is live and shows a picture. A still desktop sends none further. */
  async live(limitMs = 20_000) {
    await waitFor("a live picture", async () => (await this.phase()) === "live" && (await this.frames()) > 0, limitMs);
  }

  frames() {
    return this.page.evaluate(() => document.querySelector("video")?.getVideoPlaybackQuality().totalVideoFrames ?? 0);
  }

  /** Mean colour of a small square of the picture, in desktop coordinates: [r, g, b]. */
  colour(x, y) {
    return this.page.evaluate(([x, y]) => {
      const video = document.querySelector("video");
      if (!video?.videoWidth) return undefined;
      const canvas = new OffscreenCanvas(8, 8);
      const context = canvas.getContext("2d");
      context.drawImage(video, x - 4, y - 4, 8, 8, 0, 0, 8, 8);
      const { data } = context.getImageData(0, 0, 8, 8);
      const sum = [0, 0, 0];
      for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; ++c) sum[c] += data[i + c];
      return sum.map((s) => s / 64);
    }, [x, y]);
  }

  /** Waits until the picture has this colour there, give or take 24 a channel. */
  async sees(wanted, x, y, limitMs = 10_000) {
    let got;
    await waitFor(`colour ${wanted} at ${x},${y}`, async () => {
      got = await this.colour(x, y);
      return got?.every((v, i) => Math.abs(v - wanted[i]) <= 24);
    }, limitMs).catch((late) => {
      throw new Error(`${late.message}, last seen ${got}`);
    });
  }

  /** Sums over the inbound streams of the newest peer connection. */
  stats() {
    return this.page.evaluate(async () => {
      const peer = window.__peers.at(-1);
      const out = { video: {}, audio: {}, peers: window.__peers.filter((p) => p.connectionState !== "closed").length };
      if (!peer) return out;
      for (const row of (await peer.getStats()).values()) if (row.type === "inbound-rtp") out[row.kind] = row;
      return out;
    });
  }

  /** Desktop coordinates on the page. */
  async at(x, y) {
    return this.page.evaluate(([x, y]) => {
      const video = document.querySelector("video");
      const box = video.getBoundingClientRect();
      const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
      const left = box.left + (box.width - video.videoWidth * scale) / 2;
      const top = box.top + (box.height - video.videoHeight * scale) / 2;
      return [left + x * scale, top + y * scale];
    }, [x, y]);
  }

  async click(x, y, button = "left") {
    const [px, py] = await this.at(x, y);
    await this.page.mouse.move(px, py);
    await this.page.mouse.click(px, py, { button });
  }

  /** `live`, `retrying`, `waiting`, …: the connection's phase as the page has it. */
  phase() {
    return this.part("desktop").getAttribute("data-phase");
  }

  /** The phases since the page was loaded, each with the reason that stood there. */
  phases() {
    return this.page.evaluate(() => window.__phases);
  }

  /** Asks for control and has it. */
  async drive() {
    if ((await this.driver()) !== "you") await this.part("drive").click();
    await this.drives();
  }

  /** This viewer drives, and the channel of its hands carries: the picture may be there before. What
   * is done without the one or the other is lost. */
  async drives() {
    await waitFor("control", async () => (await this.driver()) === "you");
    await waitFor("an answer over the data channel", () => this.page.evaluate(() => window.holt.viewer.rtt_ms !== undefined));
  }

  /** Who drives, as the page has it: you, person, agent or none. */
  async driver() {
    return (await this.part("desktop").getAttribute("class")).match(/driver-(\w+)/)[1];
  }

  /** Shows the supervision tree. */
  async openTree() {
    if (!(await this.part("panel").isVisible())) await this.part("panel-toggle").click();
    await this.part("tab-tree").click();
    await this.part("tree").waitFor();
  }
}
