// SPDX-License-Identifier: Apache-2.0
// The built page in a real Chromium against the fake daemon: what only a browser can show
// (focus, pointer, wheel, composition, policy). `npm run test:browser`; prints SKIPPED without
// Chromium.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

import { FakeDaemon } from './fake_daemon.ts';

const chrome = '/usr/bin/chromium';
const built = fileURLToPath(new URL('../../build/web', import.meta.url));
let browser: Browser;
let daemon: FakeDaemon;
let context: BrowserContext;
let page: Page;
const problems: string[] = [];

if (!existsSync(chrome)) {
  console.log(`SKIPPED page.browser: ${chrome} is missing`);
  process.exit(0);
}

before(async () => {
  browser = await chromium.launch({
    executablePath: chrome,
    args: ['--no-sandbox', '--disable-quic', '--disable-features=WebRtcHideLocalIpsWithMdns', '--autoplay-policy=no-user-gesture-required'],
  });
  daemon = new FakeDaemon(built);
  const url = await daemon.listen();
  context = await browser.newContext({ viewport: { width: 1280, height: 800 }, hasTouch: true });
  const engine = await context.newPage();
  await engine.goto(`${url}/fake/engine.html`);
  await engine.waitForFunction(() => document.title === 'engine ready');
  page = await context.newPage();
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (line) => /Content Security Policy/.test(line.text()) && problems.push(line.text()));
  await page.goto(`${url}/#ticket=good`);
  await phase('live');
});

after(async () => {
  await browser?.close();
  daemon?.close();
});

/** `ms` on a quiet machine, more where others hold its cores. */
const limit = (ms: number) => Math.round(ms * Math.min(4, Math.max(1, (loadavg()[0] ?? 0) / availableParallelism())));
const phase = (wanted: string) => page.locator(`[data-testid=desktop][data-phase=${wanted}]`).waitFor({ timeout: limit(20_000) });

async function until(what: string, done: () => boolean): Promise<void> {
  const end = Date.now() + limit(20_000);
  while (!done()) {
    if (Date.now() > end) throw new Error(`no ${what}: ${JSON.stringify(daemon.inputs.slice(-12))}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

const u32 = (bytes: number[]) => Buffer.from(bytes.slice(3, 7)).readUInt32BE();
const keys = () => daemon.inputs.filter((i) => i.operation === 3 || i.operation === 4).map((i) => `${i.operation === 3 ? '+' : '-'}${u32(i.bytes).toString(16)}`);
const of = (operation: number) => daemon.inputs.filter((i) => i.operation === operation);

async function centre(): Promise<{ x: number; y: number }> {
  const box = await page.getByTestId('desktop').boundingBox();
  assert.ok(box);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

const mark = ['+ffc6', '-ffc6'];

/** F9 into the desktop: once it is there, all that was sent before it has arrived. */
async function arrived(): Promise<void> {
  const before = keys().filter((key) => key === mark[1]).length;
  await page.getByTestId('keyboard-sink').focus();
  await page.keyboard.press('F9');
  await until('mark', () => keys().filter((key) => key === mark[1]).length > before);
}

/** This page drives, its channel carries (the picture may be there before), and nothing is on its way. */
async function driving(): Promise<void> {
  if (!(await page.locator('.picture.driver-you').count())) await page.getByTestId('drive').click();
  await page.locator('.picture.driver-you').waitFor();
  await page.waitForFunction(() => (window as unknown as Inside).holt.viewer.rtt_ms !== undefined);
  await arrived();
  daemon.inputs.length = 0;
}

/** What the page has of its own for tests, and what `watch` keeps there. */
interface Inside {
  readonly holt: { readonly viewer: { readonly rtt_ms?: number } };
  shown: { phase: string; reason: string; at: number }[];
}

/** From here on the page keeps every phase and reason that it shows, also those that pass quickly. */
async function watch(): Promise<void> {
  await page.evaluate(() => {
    const shown: Inside['shown'] = [];
    (window as unknown as Inside).shown = shown;
    new MutationObserver(() => {
      const phase = document.querySelector<HTMLElement>('[data-testid=desktop]')?.dataset.phase ?? '';
      const reason = document.querySelector('[data-testid=reason]')?.textContent ?? '';
      const last = shown.at(-1);
      if (phase !== last?.phase || reason !== last.reason) shown.push({ phase, reason, at: Date.now() });
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributeFilter: ['data-phase'] });
  });
}

/** The first thing that the page showed since `watch` in this phase. */
async function showed(wanted: string): Promise<Inside['shown'][number]> {
  const found = await page.waitForFunction((name) => (window as unknown as Inside).shown.find((one) => one.phase === name), wanted);
  return (await found.jsonValue())!;
}

test('the ticket is out of the address', () => assert.equal(new URL(page.url()).hash, ''));

test('a click on the free desktop takes control, and the sound comes on', async () => {
  const { x, y } = await centre();
  await page.getByTestId('sound-hint').waitFor();
  await page.mouse.click(x, y);
  await page.locator('.picture.driver-you').waitFor();
  await page.getByTestId('sound-hint').waitFor({ state: 'detached' });
  assert.equal(await page.locator('audio').evaluate((a: HTMLAudioElement) => !a.muted && !a.paused), true);
});

test('the pointer lands on the screen’s pixel, with all three buttons', async () => {
  await driving();
  const { x, y } = await centre();
  await page.mouse.move(x, y);
  for (const button of ['left', 'middle', 'right'] as const) await page.mouse.click(x, y, { button });
  await until('clicks', () => of(6).length === 3);
  assert.deepEqual(of(5).map((i) => u32(i.bytes)), [1, 2, 3]);
  const last = Buffer.from(of(1).at(-1)?.bytes ?? []);
  assert.ok(Math.abs(last.readUInt16BE(3) - 640) <= 2 && Math.abs(last.readUInt16BE(5) - 360) <= 2);
});

test('a drag ends outside the picture and still lets go', async () => {
  await driving();
  const { x, y } = await centre();
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x, 2);
  await page.mouse.up();
  await until('release', () => of(6).length === 1);
});

test('the wheel turns the right way by whole clicks', async () => {
  await driving();
  const { x, y } = await centre();
  await page.mouse.move(x, y);
  await page.mouse.wheel(0, 120);
  await page.mouse.wheel(0, -240);
  await until('two scrolls', () => of(2).length >= 2);
  const sum = of(2).map((i) => Buffer.from(i.bytes).readInt16BE(5));
  assert.ok((sum[0] ?? 0) < 0 && (sum.at(-1) ?? 0) > 0, String(sum));
});

test('a word is typed with its Shift', async () => {
  await driving();
  await page.keyboard.press('Shift+H');
  await page.keyboard.type('i!');
  await until('keys', () => keys().includes('-21'));
  assert.deepEqual(keys().slice(0, 4), ['+ffe1', '+48', '-48', '-ffe1']);
});

test('text that no key makes is inserted', async () => {
  await driving();
  await page.keyboard.insertText('é漢');
  await until('text', () => keys().length === 4);
  assert.deepEqual(keys(), ['+e9', '-e9', '+1006f22', '-1006f22']);
});

test('a composition sends its result once', async () => {
  await driving();
  const cdp = await context.newCDPSession(page);
  await cdp.send('Input.imeSetComposition', { text: 'n', selectionStart: 1, selectionEnd: 1 });
  await cdp.send('Input.imeSetComposition', { text: 'ni', selectionStart: 2, selectionEnd: 2 });
  await cdp.send('Input.insertText', { text: '你' });
  await until('composition', () => keys().length >= 2);
  assert.deepEqual(keys(), ['+1004f60', '-1004f60']);
});

test('Tab reaches the desktop and does not leave the page’s field', async () => {
  await driving();
  await page.keyboard.press('Tab');
  await until('Tab', () => keys().includes('-ff09'));
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'TEXTAREA');
});

test('blur lets go of everything', async () => {
  await driving();
  await page.keyboard.down('Control');
  const { x, y } = await centre();
  await page.mouse.move(x, y);
  await page.mouse.down();
  await until('down', () => of(5).length === 1);
  await page.evaluate(() => window.dispatchEvent(new Event('blur')));
  await until('release', () => of(6).length === 1 && keys().includes('-ffe3'));
  await page.mouse.up();
  await page.keyboard.up('Control');
});

test('Control, Alt and Shift give the keyboard back', async () => {
  await driving();
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.down(key);
  await page.waitForFunction(() => document.activeElement?.id === 'desktop');
  for (const key of ['Shift', 'Alt', 'Control']) await page.keyboard.up(key);
  await until('both up', () => keys().length === 4);
  daemon.inputs.length = 0;
  await page.keyboard.press('Tab');
  assert.notEqual(await page.evaluate(() => document.activeElement?.id), 'desktop');
  await arrived();
  assert.deepEqual(keys(), mark);
});

test('fingers: tap and long press', async () => {
  await driving();
  const { x, y } = await centre();
  await page.touchscreen.tap(x, y);
  await until('tap', () => of(6).length === 1);
  assert.equal(u32(of(5)[0]?.bytes ?? []), 1);
  const cdp = await context.newCDPSession(page);
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y }] });
  await until('long press', () => of(6).length === 2);
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  assert.equal(u32(of(5)[1]?.bytes ?? []), 3);
});

test('the touch bar taps keys with sticky modifiers', async () => {
  await driving();
  await page.getByTestId('touch-keyboard').click();
  await page.getByRole('button', { name: 'Ctrl', exact: true }).click();
  await page.getByRole('button', { name: 'Left', exact: true }).click();
  await until('keys', () => keys().includes('-ffe3'));
  assert.deepEqual(keys(), ['+ffe3', '+ff51', '-ff51', '-ffe3']);
  await page.getByTestId('touch-keyboard').click();
});

test('a lost engine is a reason within a second, its picture stays, and it comes back', async () => {
  await watch();
  const killed = Date.now();
  daemon.kill_engine();
  const lost = await showed('retrying');
  assert.match(lost.reason, /restarting/);
  assert.ok(lost.at - killed <= limit(1_000), `${lost.at - killed} ms`);
  assert.equal(await page.locator('canvas.kept').isVisible(), true);
  await page.getByTestId('node-engine').and(page.locator('[data-state=backoff]')).waitFor();
  daemon.engine_back();
  await phase('live');
  await page.locator('canvas.kept').waitFor({ state: 'hidden' });
});

test('a cut connection comes back by itself', async () => {
  await watch();
  daemon.cut_viewers();
  await showed('retrying');
  await phase('live');
});

test('a new link in the same tab signs in again without a reload', async () => {
  await watch(); // gone after a reload
  await page.evaluate(() => {
    location.hash = '#ticket=good';
  });
  await page.waitForFunction(() => location.hash === '');
  await showed('connecting'); // until then it is live as before
  await phase('live');
  assert.equal(await page.title(), 'Holt');
});

test('signing out shows the sign-in panel, a token comes back', async () => {
  await page.getByTestId('menu').click();
  await page.getByTestId('sign-out').click();
  await page.getByTestId('sign-in').waitFor();
  await page.getByTestId('token').fill('wrong');
  await page.getByTestId('sign-in-button').click();
  await page.getByText('This token is not valid here.').waitFor();
  await page.getByTestId('token').fill('secret');
  await page.keyboard.press('Enter');
  await phase('live');
});

test('an agent’s commands are followed live, paused, filtered and cancelled', async () => {
  await page.getByTestId('tab-commands').click();
  daemon.command(1, 'shell.exec', 'make all', [['stdout', 'one\n'], ['stderr', 'two\n']], { ok: true, exit_code: 2, duration_ms: 900 });
  daemon.command(2, 'shell.exec', 'sleep 60', [['stdout', 'tick\n']]);
  const row = (n: number) => page.getByTestId(`command-${n}`);
  await row(2).getByTestId('command-output').getByText('tick').waitFor();
  assert.equal(await row(1).getByTestId('command-state').textContent(), 'exit 2');
  await page.getByTestId('follow').click();
  daemon.command(3, 'fs.read', '/workspace/a', [], { ok: true, duration_ms: 1 });
  await page.getByTestId('follow').getByText('1 new').waitFor();
  assert.equal(await row(3).count(), 0);
  await page.getByTestId('follow').click();
  await row(3).waitFor();
  await page.getByTestId('command-show').selectOption('failed');
  assert.equal(await page.locator('.command-row').count(), 1);
  await page.getByTestId('command-show').selectOption('all');
  await page.getByTestId('command-filter').fill('sleep');
  assert.equal(await page.locator('.command-row').count(), 1);
  await row(2).getByTestId('cancel').click();
  await row(2).getByText('Cancelled').waitFor();
  assert.equal(await row(2).getByTestId('cancel').count(), 0);
  await page.getByTestId('command-filter').fill('');
  await page.getByTestId('tab-tree').click();
});

test('the agent is paused, let go on, and handed back to with a note', async () => {
  await page.getByTestId('pause-agent').click();
  await page.getByText('The agent is paused by Viewer 1.').waitFor();
  await page.getByTestId('resume-agent').click();
  await page.getByTestId('pause-agent').waitFor();
  await driving();
  await page.getByTestId('hand-back').click();
  await page.getByTestId('ask-text').fill('the form is filled in');
  await page.keyboard.press('Enter');
  await page.locator('.picture.driver-agent').waitFor();
  await page.getByText('It was told: “the form is filled in').waitFor();
});

test('a recording is started, stopped and deleted', async () => {
  await page.getByTestId('tab-captures').click();
  await page.getByTestId('record-start').click();
  await page.getByTestId('record-stop').click();
  const row = page.getByTestId('recording').and(page.locator('[data-status=completed]'));
  await row.getByTestId('recording-delete').click();
  await page.getByTestId('ask-delete').click();
  await row.waitFor({ state: 'detached' });
  await page.getByTestId('tab-tree').click();
});

test('nothing broke the content policy or threw', () => assert.deepEqual(problems, []));
