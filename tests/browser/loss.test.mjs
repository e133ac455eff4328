// SPDX-License-Identifier: Apache-2.0
// One packet in twenty is lost on the way, in both directions: the picture still flows. The same
// stretch without loss comes before and after: what a machine that is busy meanwhile cannot show
// anyway is not loss's fault.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Daemon, ENGINE, freeUdpPort, slack } from "./lib/daemon.mjs";
import { udpGate } from "./lib/udp_gate.mjs";
import { launch, Viewer } from "./lib/viewer.mjs";

const LISTEN = "127.0.0.2";
const LOSS = 0.05;
const SEED = Number(process.env.HOLT_SEED ?? 20261122);
const SECONDS = 8;

/** Pictures a second over the next stretch, with what else the browser counted. */
async function watch(viewer) {
  const start = (await viewer.stats()).video;
  await new Promise((done) => setTimeout(done, SECONDS * 1000));
  const end = (await viewer.stats()).video;
  const fps = (end.framesDecoded - start.framesDecoded) / ((end.timestamp - start.timestamp) / 1000);
  return { fps, freezes: end.freezeCount - start.freezeCount, nacks: end.nackCount - start.nackCount };
}

const name = "5 % loss still gives 25 pictures a second";

if (ENGINE === "neko") {
  test(`neko: ${name}`, { skip: "neko has no loopback address that a gate could stand before" }, () => {});
} else {
  test(name, { timeout: 180_000 * Math.max(2, slack()) }, async (t) => {
    t.diagnostic(`HOLT_SEED=${SEED}`);
    const port = await freeUdpPort(LISTEN);
    const daemon = await Daemon.start("--stream-address", LISTEN, "--stream-media-port", String(port));
    const browser = await launch();
    let gate, moving;
    try {
      gate = await udpGate({ listen: LISTEN, target: "127.0.0.1", port, loss: 0, seed: SEED });
      moving = await daemon.launch("xterm", ["-geometry", "100x30+100+100", "-e", "bash", "-c", "while :; do printf '%s ' $RANDOM$RANDOM; read -t 0.01 <> <(:); done"]);
      const viewer = await Viewer.open(browser, daemon);
      await viewer.live();
      // What others do on this machine in the middle stretch alone would count as loss: then again.
      for (let tries = 1; ; tries += 1) {
        const first = await watch(viewer);
        const before = { ...gate.counts };
        gate.loss = LOSS;
        const lossy = await watch(viewer);
        const dropped = gate.counts.dropped - before.dropped;
        const passed = gate.counts.passed - before.passed;
        gate.loss = 0;
        const whole = Math.min(first.fps, (await watch(viewer)).fps);
        t.diagnostic(`without loss ${whole.toFixed(1)} fps; with it ${lossy.fps.toFixed(1)}, ${dropped} of ${passed + dropped} packets lost, ${lossy.freezes} freezes, ${lossy.nacks} NACKs`);
        assert.ok(dropped / (passed + dropped) > LOSS / 2, "the gate was not in the way");
        const enough = lossy.fps >= Math.min(25, 0.85 * whole);
        if (!enough && tries < 3) continue;
        assert.ok(enough, `${lossy.fps.toFixed(1)} fps, ${whole.toFixed(1)} without loss`);
        break;
      }
    } finally {
      moving?.kill();
      await browser.close();
      await daemon.stop();
      gate?.close();
    }
  });
}
