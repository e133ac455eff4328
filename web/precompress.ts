// SPDX-License-Identifier: Apache-2.0
// Puts .gz and .br beside each text file of a folder, and prints what a first visit costs.
// Fails when it, or what is fetched later (the terminal), is larger than its budget.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const script_budget_bytes = 60_000;
const style_budget_bytes = 15_000;
const later_budget_bytes = 150_000;

const folder = process.argv[2];
if (folder === undefined) throw new Error('precompress.ts FOLDER');

const first = readFileSync(join(folder, 'index.html'), 'utf8');
let script = 0;
let style = 0;
let later = 0;
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(html|js|css|svg|json)$/.test(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const plain = readFileSync(path);
  const gz = gzipSync(plain, { level: 9 });
  const br = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  if (gz.length < plain.length) writeFileSync(`${path}.gz`, gz);
  if (br.length < plain.length) writeFileSync(`${path}.br`, br);
  if (entry.name.endsWith('.js') || entry.name.endsWith('.css')) {
    if (!first.includes(entry.name)) later += gz.length;
    else if (entry.name.endsWith('.js')) script += gz.length;
    else style += gz.length;
  }
}
const kilo = (bytes: number) => (bytes / 1000).toFixed(1);
console.log(`web: script ${kilo(script)} kB, style ${kilo(style)} kB, when it is needed ${kilo(later)} kB (gzip)`);
if (script > script_budget_bytes || style > style_budget_bytes || later > later_budget_bytes) {
  console.error(`web: over the budget of ${kilo(script_budget_bytes)}, ${kilo(style_budget_bytes)} and ${kilo(later_budget_bytes)} kB`);
  process.exit(1);
}
