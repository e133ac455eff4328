// SPDX-License-Identifier: Apache-2.0
// A person takes the mouse from the agent and gives it back, pauses the agent, and looks at a recording
// of the desktop: in the page, on the real daemon.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { Daemon, ENGINE, root, waitFor } from "./lib/daemon.mjs";
import { journey } from "./lib/journey.mjs";
import { launch, Viewer } from "./lib/viewer.mjs";

const OUT = join(root, "build", "screenshots");
const ACTS_MS = 20_000;
let daemon, browser, viewer;

before(async () => {
  mkdirSync(OUT, { recursive: true });
  daemon = await Daemon.start();
  browser = await launch();
  viewer = await Viewer.open(browser, daemon);
  viewer.context.setDefaultTimeout(ACTS_MS);
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

const look = (name) => viewer.page.screenshot({ path: join(OUT, `${ENGINE}-${name}.png`), timeout: 60_000 });

/** The agent moves the pointer; the words of the refusal, else nothing. */
const agentMoves = (x, y) => daemon.call("POST", "/v1/desktop/mouse/move", { x, y }).then(() => "", (refused) => refused.message);

const pointer = () => daemon.call("GET", "/v1/desktop/mouse/position");

const says = (words) => viewer.part("drive-bar").getByText(words).waitFor();

journey("a person takes the mouse from the agent and gives it back with a note", async () => {
  await viewer.live();
  assert.equal(await agentMoves(100, 120), "");
  await look("control-agent");

  await viewer.part("take").click();
  await says("You drive alone");
  assert.match(await agentMoves(300, 300), /409.*control_held/s);
  await viewer.click(640, 360);
  await waitFor("the person's click on the desktop", async () => {
    const { x, y } = await pointer();
    return Math.abs(x - 640) <= 2 && Math.abs(y - 360) <= 2;
  });
  await look("control-taken");

  await viewer.part("hand-back").click();
  await viewer.part("ask-text").fill("the form is filled in, go on");
  await look("control-note");
  await viewer.page.keyboard.press("Enter");
  await says("It was told: “the form is filled in, go on”");
  assert.equal((await daemon.call("GET", "/v1/control")).note, "the form is filled in, go on");
  assert.equal(await agentMoves(200, 210), "");
  const { x, y } = await pointer();
  assert.deepEqual([x, y], [200, 210]);
  const { entries } = await daemon.call("GET", "/v1/control/trace");
  assert.ok(entries.some((entry) => JSON.stringify(entry).includes("click")), `the agent learns of the click: ${JSON.stringify(entries)}`);
  await look("control-given");
});

journey("a paused agent waits, and goes on when it may", async () => {
  await viewer.live();
  await viewer.part("pause-agent").click();
  await says(/The agent is paused/);
  assert.match(await agentMoves(10, 10), /409.*control_paused/s);
  await look("control-paused");
  await viewer.part("resume-agent").click();
  await viewer.part("pause-agent").waitFor();
  assert.equal(await agentMoves(10, 10), "");
});

journey("a recording of the desktop is made and played in the page", async () => {
  await viewer.live();
  await daemon.x("xsetroot", "-solid", "#a020a0");
  await viewer.sees([0xa0, 0x20, 0xa0], 640, 300);
  await viewer.part("tab-captures").click();
  await viewer.part("record-start").click();
  await viewer.page.locator("[data-testid=recording][data-status=recording]").waitFor();
  await waitFor("some of the recording", async () => {
    const { recordings } = await daemon.call("GET", "/v1/desktop/recordings");
    return recordings[0].bytes > 20_000 || recordings[0].durationMs > 1500;
  }, 30_000);
  await look("recording-runs");
  await viewer.part("record-stop").click();
  await viewer.page.locator("[data-testid=recording][data-status=completed]").waitFor();
  await viewer.part("recording-play").click();
  const played = await waitFor("a picture of the recording", () => viewer.part("player").evaluate((video) => {
    if (video.error) return { error: video.error.message };
    if (video.readyState < 2 || video.currentTime <= 0) return undefined;
    const context = new OffscreenCanvas(8, 8).getContext("2d");
    context.drawImage(video, 636, 296, 8, 8, 0, 0, 8, 8);
    return { width: video.videoWidth, height: video.videoHeight, colour: [...context.getImageData(4, 4, 1, 1).data.slice(0, 3)] };
  }), ACTS_MS);
  assert.equal(played.error, undefined);
  const { width, height } = await daemon.call("GET", "/v1/desktop/status").then((status) => status.resolution);
  assert.deepEqual([played.width, played.height], [width, height]);
  assert.ok(played.colour.every((v, i) => Math.abs(v - [0xa0, 0x20, 0xa0][i]) <= 6), `colour of the desktop: ${played.colour}`);
  await look("recording-played");
  await viewer.part("lightbox-close").click();
  assert.deepEqual([viewer.problems, viewer.foreign], [[], []]);
});
