// SPDX-License-Identifier: Apache-2.0

// Every desktop method of the unmodified sandbox-agent client, without stream and recordings,
// against a daemon with a running desktop:
//   desktop.mjs URL TOKEN FOLDER    FOLDER: empty, absolute
// Prints one JSON line of what was seen.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { refused, travel, until } from './lib.mjs';

const head = (bytes, from, to) => Buffer.from(bytes.subarray(from, to)).toString('latin1');

/** Width and height of a PNG. */
const size_of = bytes => [16, 20].map(at => Buffer.from(bytes).readUInt32BE(at));

const about = /^(?!.*(Stream|Recording)).*(Desktop|Health)/;
const internal = /^(awaitHealthy|startHealthWait|runHealthWait|requestHealth)$/;

await travel({ test: name => about.test(name) && !internal.test(name) }, async (client, seen, folder) => {
  seen.health = (await client.getHealth()).status;

  // -- off and on
  seen.stopped = await client.stopDesktop();
  seen.stopped_again = (await client.stopDesktop()).state;
  seen.while_stopped = await refused(() => client.takeDesktopScreenshot());
  seen.no_size = await refused(() => client.startDesktop({ width: 0, height: 600 }));
  seen.no_display = await refused(() => client.startDesktop({ displayNum: -1 }));
  seen.started = await client.startDesktop({ width: 1000, height: 700, dpi: 96, streamVideoCodec: 'vp8', streamFrameRate: 30, recordingFps: 10 });
  seen.started_again = (await client.startDesktop()).state;
  seen.display = await client.getDesktopDisplayInfo();

  // -- pictures
  const png = await client.takeDesktopScreenshot();
  seen.png = size_of(png);
  seen.half = size_of(await client.takeDesktopScreenshot({ scale: 0.5, showCursor: true }));
  seen.jpeg = head(await client.takeDesktopScreenshot({ format: 'jpeg', quality: 60 }), 0, 2);
  seen.webp = head(await client.takeDesktopScreenshot({ format: 'webp', quality: 60 }), 8, 12);
  seen.region = size_of(await client.takeDesktopRegionScreenshot({ x: 990, y: 10, width: 40, height: 30 }));
  seen.wrong_scale = await refused(() => client.takeDesktopScreenshot({ scale: 3 }));

  // -- a program and its window
  seen.empty = await client.listDesktopWindows();
  seen.no_focus = await refused(() => client.getDesktopFocusedWindow());
  const typed = `${folder}/typed`;
  seen.launched = await client.launchDesktopApp({ app: 'xterm', args: ['-u8', '-T', 'client', '-e', 'sh', '-c', `stty -echo; exec cat > ${typed}`], wait: true });
  const window = await until('the window', async () => (await client.listDesktopWindows()).windows.find(w => w.title === 'client'));
  seen.window = window;
  seen.window_is_the_launched = window.id === seen.launched.windowId;
  seen.focused = (await client.focusDesktopWindow(window.id)).isActive;
  seen.focused_id = (await client.getDesktopFocusedWindow()).id === window.id;
  const moved = await client.moveDesktopWindow(window.id, { x: 200, y: 150 });
  const sized = await client.resizeDesktopWindow(window.id, { width: 400, height: 300 });
  seen.moved = Math.abs(moved.x - 200) < 30 && Math.abs(moved.y - 150) < 60;
  seen.sized = [sized.width, sized.height];
  seen.missing_window = await refused(() => client.focusDesktopWindow('999999'));
  // Left out where the X server is slow to say.
  seen.status = await until('the windows of the status', async () => {
    const now = await client.getDesktopStatus();
    return now.windows && now;
  });

  // -- hands
  seen.move = await client.moveDesktopMouse({ x: 321, y: 234 });
  seen.position = await client.getDesktopMousePosition();
  seen.click = await client.clickDesktop({ x: 300, y: 250, button: 'left', clickCount: 2 });
  seen.down = await client.mouseDownDesktop({ x: 310, y: 260, button: 'middle' });
  seen.up = await client.mouseUpDesktop({ button: 'middle' });
  seen.drag = await client.dragDesktopMouse({ startX: 700, startY: 600, endX: 750, endY: 640, button: 'left' });
  seen.scroll = await client.scrollDesktop({ x: 320, y: 240, deltaX: -1, deltaY: 2 });
  seen.outside = await refused(() => client.moveDesktopMouse({ x: 99999, y: 1 }));
  await client.focusDesktopWindow(window.id);
  await until('the terminal reads', () => existsSync(typed));
  seen.type = await client.typeDesktopText({ text: 'Grüße, Привет\n', delayMs: 1 });
  await until('the first line', () => readFileSync(typed, 'utf8').includes('\n'));
  seen.press = await client.pressDesktopKey({ key: 'a', modifiers: { shift: true } });
  seen.key_down = await client.keyDownDesktop({ key: 'Shift_L' });
  await client.pressDesktopKey({ key: 'b' });
  seen.key_up = await client.keyUpDesktop({ key: 'Shift_L' });
  await client.pressDesktopKey({ key: 'Enter' });
  await client.pressDesktopKey({ key: 'ctrl+d' });
  await until('both lines', () => readFileSync(typed, 'utf8').split('\n').length > 2);
  seen.typed = readFileSync(typed, 'utf8');
  seen.no_key = await refused(() => client.pressDesktopKey({ key: 'NoSuchKey' }));

  // -- clipboard
  seen.set = await client.setDesktopClipboard({ text: 'copied ✓' });
  seen.copied = await client.getDesktopClipboard();
  await client.setDesktopClipboard({ text: 'first', selection: 'primary' });
  seen.primary = await client.getDesktopClipboard({ selection: 'primary' });
  await client.setDesktopClipboard({ text: 'both', selection: 'both' });
  seen.both = [(await client.getDesktopClipboard()).text, (await client.getDesktopClipboard({ selection: 'primary' })).text];

  // -- what opens a file
  const page = `${folder}/page.txt`;
  writeFileSync(page, 'text\n');
  const opened = await client.openDesktopTarget({ target: page });
  seen.opened = { processId: typeof opened.processId, pid: typeof opened.pid };
  seen.no_app = await refused(() => client.launchDesktopApp({ app: 'no-such-app' }));
});
