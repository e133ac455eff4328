// SPDX-License-Identifier: Apache-2.0
// Pictures of every state of the page, at two sizes and in both themes, against the fake daemon:
// node test/screenshots.ts [PAGE] [FOLDER]. Looks; judges nothing.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';

import { FakeDaemon } from './fake_daemon.ts';

const built = process.argv[2] ?? fileURLToPath(new URL('../../build/web', import.meta.url));
const folder = process.argv[3] ?? fileURLToPath(new URL('../../build/web-shots', import.meta.url));
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-features=WebRtcHideLocalIpsWithMdns', '--autoplay-policy=no-user-gesture-required', '--disable-quic'],
});
const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

for (const [name, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const daemon = new FakeDaemon(built);
    const url = await daemon.listen();
    const context = await browser.newContext({ viewport, colorScheme, hasTouch: name === 'phone', isMobile: name === 'phone' });
    const engine = await context.newPage();
    await engine.goto(`${url}/fake/engine.html`);
    await engine.waitForFunction(() => document.title === 'engine ready');
    const page = await context.newPage();
    page.on('console', (line) => line.type() === 'error' && console.log(`${name} ${colorScheme}: ${line.text()}`));
    page.on('pageerror', (error) => console.log(`${name} ${colorScheme}: ${String(error)}`));
    const shot = (what: string) => page.screenshot({ path: join(folder, `${name}-${colorScheme}-${what}.png`) });
    const phase = (wanted: string) => page.locator(`[data-testid=desktop][data-phase=${wanted}]`).waitFor({ timeout: 15_000 });

    await page.goto(url);
    await page.getByTestId('sign-in').waitFor();
    await shot('1-sign-in');
    await page.goto(`${url}/#ticket=good`);
    await page.reload();
    await page.bringToFront();
    await phase('live');
    if (page.url().includes('ticket')) console.log('the ticket is still in the address');
    await page.waitForTimeout(1_500);
    await shot('2-watching');
    await page.getByTestId('drive').click();
    await page.locator('.picture.driver-you').waitFor();
    await page.waitForTimeout(2_000);
    await shot('3-driving');
    daemon.ask_for_control('Maria');
    await page.getByTestId('stats-toggle').click();
    await page.waitForTimeout(1_200);
    await shot('4-asked-and-stats');
    await page.getByTestId('stats-toggle').click();
    daemon.kill_engine();
    await phase('retrying');
    await page.getByTestId('node-engine').locator('.node-main').click();
    await page.getByTestId('node-engine').locator('summary').click();
    await page.waitForTimeout(150);
    await shot('5-lost');
    await phase('waiting');
    await shot('6-waiting');
    daemon.engine_back();
    await phase('live');
    daemon.set_control('agent', 'release-check');
    daemon.command(1, 'fs.write', '/workspace/calc.py', [], { ok: true, duration_ms: 2 });
    daemon.command(2, 'shell.exec', 'python -m pytest -q', [
      ['stdout', 'F.                                                         [100%]\n=================== FAILURES ===================\n    def test_add():\n>       assert add(2, 2) == 4\nE       assert 0 == 4\n'],
      ['stderr', 'warning: no tests cached\n'],
    ], { ok: true, exit_code: 1, duration_ms: 412 });
    daemon.command(3, 'fs.edit', '/workspace/calc.py', [], { ok: true, duration_ms: 3 });
    daemon.command(4, 'fs.read', '/etc/shadow', [], { ok: false, error: 'denied', detail: '/etc/shadow is outside the allowed folders', duration_ms: 1 });
    daemon.command(5, 'shell.exec', 'make -j2 all', [['stdout', '[1/3] cc a.c\n[2/3] cc b.c\n']]);
    await page.getByTestId('tab-commands').click();
    await page.getByTestId('command-output').waitFor();
    await shot('7a-commands');
    await page.getByTestId('command-2').locator('.node-main').click();
    await shot('7b-command-failed');
    await page.getByTestId('tab-activity').click();
    await page.getByTestId('menu').click();
    await shot('7-agent-activity-menu');
    await page.keyboard.press('Escape');
    daemon.stop_desktop();
    await phase('stopped');
    await page.getByTestId('tab-tree').click();
    await shot('8-stopped');
    await page.getByTestId('start-desktop').click();
    await phase('live');
    daemon.close();
    await page.waitForTimeout(2_500);
    await shot('9-daemon-gone');
    await context.close();
    await engine_gone(engine);
  }
}
await browser.close();

async function engine_gone(engine: Page): Promise<void> {
  if (!engine.isClosed()) await engine.close();
}
