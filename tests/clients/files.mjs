// SPDX-License-Identifier: Apache-2.0

// Every file method of the unmodified sandbox-agent client against a daemon:
//   files.mjs URL TOKEN FOLDER    FOLDER: empty, absolute
// Prints one JSON line of what was seen; the tar of the upload comes on stdin.

import { readFileSync } from 'node:fs';
import { SandboxAgent } from 'sandbox-agent';

const [baseUrl, token, folder] = process.argv.slice(2);
const seen = {};

function within(what, promise, ms = 20000) {
  let timer;
  const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error(`not in time: ${what}`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function refused(call) {
  try {
    await call();
    return 'not refused';
  } catch (why) {
    return { status: why.status, title: why.problem?.title, type: why.problem?.type };
  }
}

const client = await within('connect', SandboxAgent.connect({ baseUrl, token }));
const at = name => `${folder}/${name}`;
const bytes = new Uint8Array(3 << 20).map((_, i) => i * 7 + (i >> 8));

seen.mkdir = await within('mkdir', client.mkdirFs({ path: at('a/b') }));
seen.write = await within('write', client.writeFsFile({ path: at('a/b/large') }, bytes));
const back = await within('read', client.readFsFile({ path: at('a/b/large') }));
seen.same = back.length === bytes.length && Buffer.from(back).equals(Buffer.from(bytes));
seen.stat = await within('stat', client.statFs({ path: at('a/b/large') }));
seen.entries = await within('entries', client.listFsEntries({ path: at('a/b') }));
seen.move = await within('move', client.moveFs({ from: at('a/b/large'), to: at('moved') }));
await within('write', client.writeFsFile({ path: at('other') }, 'text'));
seen.exists = await refused(() => client.moveFs({ from: at('moved'), to: at('other') }));
seen.overwrite = await within('move', client.moveFs({ from: at('moved'), to: at('other'), overwrite: true }));
seen.missing = await refused(() => client.readFsFile({ path: at('none') }));
seen.full = await refused(() => client.deleteFsEntry({ path: at('a') }));
seen.deleted = await within('delete', client.deleteFsEntry({ path: at('a'), recursive: true }));
seen.uploaded = await within('upload', client.uploadFsBatch(readFileSync(0), { path: at('up') }));
await client.dispose?.();
console.log(JSON.stringify(seen));
process.exit(0);
