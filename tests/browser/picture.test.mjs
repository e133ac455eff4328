// SPDX-License-Identifier: Apache-2.0
// What a person sees and hears, and what their hands do.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { Daemon, waitFor } from "./lib/daemon.mjs";
import { journey } from "./lib/journey.mjs";
import { launch, Viewer } from "./lib/viewer.mjs";

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

journey("link opens the page signed in and the picture is live", async () => {
  await viewer.live();
  assert.doesNotMatch(viewer.page.url(), /ticket/, "the ticket stays in the address bar");
});

journey("colour of the root window is seen in the video", async () => {
  for (const [name, rgb] of [["#c04020", [192, 64, 32]], ["#2060c0", [32, 96, 192]], ["#20a040", [32, 160, 64]]]) {
    await daemon.x("xsetroot", "-solid", name);
    await viewer.sees(rgb, 640, 300);
  }
});

journey("typed word arrives in a terminal", async () => {
  const file = join(daemon.home, "typed");
  const { child, window } = await daemon.terminal(`cat > ${file}`);
  try {
    await viewer.drive();
    await viewer.click(200, 150);
    await daemon.focused(window);
    const text = "Holt says: Hello, World! @#$% (42) ~";
    await viewer.page.keyboard.type(text, { delay: 15 });
    await viewer.page.keyboard.press("Enter");
    await waitFor("the text", () => existsSync(file) && readFileSync(file, "utf8").includes("\n"), 15_000);
    assert.equal(readFileSync(file, "utf8"), `${text}\n`);
  } finally {
    child.kill();
  }
});

journey("pointer goes where it is on the page", async () => {
  await viewer.drive();
  for (const [x, y] of [[100, 100], [1200, 650], [640, 360]]) {
    const [px, py] = await viewer.at(x, y);
    await viewer.page.mouse.move(px, py);
    await waitFor(`pointer at ${x},${y}`, async () => {
      const at = (await daemon.x("xdotool", "getmouselocation")).match(/x:(\d+) y:(\d+)/).slice(1).map(Number);
      return Math.abs(at[0] - x) <= 1 && Math.abs(at[1] - y) <= 1;
    });
  }
});

journey("wheel turns down when it is turned down", async () => {
  const file = join(daemon.home, "wheel");
  // X10 mouse reports: button byte 0x60 is wheel up, 0x61 wheel down. The terminal is asked what it
  // is as well: the answer comes once it knows that it shall report.
  const { child } = await daemon.terminal(`stty raw -echo; printf '\\033[?1000h\\033[c'; cat > ${file}`);
  try {
    await waitFor("the terminal reports", () => existsSync(file) && /\x1b\[\?[\d;]*c/.test(readFileSync(file, "latin1")), 20_000);
    await viewer.drive();
    await viewer.click(200, 150);
    const [px, py] = await viewer.at(200, 150);
    await viewer.page.mouse.move(px, py);
    await viewer.page.mouse.wheel(0, 240);
    await waitFor("wheel down", () => existsSync(file) && readFileSync(file, "latin1").includes("\x1b[Ma"));
    assert.ok(!readFileSync(file, "latin1").includes("\x1b[M`"), "it also went up");
    await viewer.page.mouse.wheel(0, -240);
    await waitFor("wheel up", () => readFileSync(file, "latin1").includes("\x1b[M`"));
  } finally {
    child.kill();
  }
});

journey("sound packets arrive and carry energy", async () => {
  const rate = 48_000;
  const tone = Buffer.alloc(rate * 4 * 8); // eight seconds, two channels of 16 bits
  for (let i = 0; i < tone.length / 4; ++i) {
    const level = Math.round(12_000 * Math.sin((2 * Math.PI * 440 * i) / rate));
    tone.writeInt16LE(level, i * 4);
    tone.writeInt16LE(level, i * 4 + 2);
  }
  const player = await daemon.launch("pacat", ["--playback", "--device=audio_output", "--format=s16le", "--rate=48000", "--channels=2"], ["pipe", "ignore", "ignore"]);
  player.stdin.on("error", () => {});
  player.stdin.end(tone);
  try {
    const start = (await viewer.stats()).audio;
    await waitFor("sound", async () => {
      const now = (await viewer.stats()).audio;
      return (now.packetsReceived ?? 0) > (start.packetsReceived ?? 0) + 50 && (now.totalAudioEnergy ?? 0) > (start.totalAudioEnergy ?? 0) + 0.001;
    }, 15_000);
  } finally {
    player.kill();
  }
});

journey("clear hint that the sound is off, and a click turns it on", async () => {
  const fresh = await Viewer.open(browser, daemon);
  await fresh.live();
  const on = () => fresh.page.evaluate(() => document.querySelector("audio")?.muted === false);
  assert.equal(await on(), false);
  await fresh.part("sound-hint").click();
  await waitFor("sound on", on);
  await fresh.part("sound").click();
  await waitFor("sound off", async () => !(await on()));
  await fresh.close();
});

journey("picture follows a new size without a reload", async () => {
  await daemon.call("POST", "/v1/desktop/start", { width: 1024, height: 768 });
  try {
    await waitFor("1024x768", () => viewer.page.evaluate(() => document.querySelector("video").videoWidth === 1024 && document.querySelector("video").videoHeight === 768));
  } finally {
    await daemon.call("POST", "/v1/desktop/start", { width: 1280, height: 720 });
  }
  await waitFor("1280x720", () => viewer.page.evaluate(() => document.querySelector("video").videoWidth === 1280));
});

journey("page asks nobody else and breaks no rule of its policy", async () => {
  assert.deepEqual(viewer.foreign, []);
  assert.deepEqual(viewer.problems, []);
});
