// SPDX-License-Identifier: Apache-2.0

// Every file method of the unmodified sandbox-agent client against a daemon:
//   files.mjs URL TOKEN FOLDER    FOLDER: empty, absolute
// Prints one JSON line of what was seen; the tar of the upload comes on stdin.

import { readFileSync } from 'node:fs';
import { refused, travel } from './lib.mjs';

await travel(/Fs/, async (client, seen, folder) => {
  const at = name => `${folder}/${name}`;
  const bytes = new Uint8Array(3 << 20).map((_, i) => i * 7 + (i >> 8));

  seen.mkdir = await client.mkdirFs({ path: at('a/b') });
  seen.write = await client.writeFsFile({ path: at('a/b/large') }, bytes);
  const back = await client.readFsFile({ path: at('a/b/large') });
  seen.same = back.length === bytes.length && Buffer.from(back).equals(Buffer.from(bytes));
  seen.stat = await client.statFs({ path: at('a/b/large') });
  seen.entries = await client.listFsEntries({ path: at('a/b') });
  seen.move = await client.moveFs({ from: at('a/b/large'), to: at('moved') });
  await client.writeFsFile({ path: at('other') }, 'text');
  seen.exists = await refused(() => client.moveFs({ from: at('moved'), to: at('other') }));
  seen.overwrite = await client.moveFs({ from: at('moved'), to: at('other'), overwrite: true });
  seen.missing = await refused(() => client.readFsFile({ path: at('none') }));
  seen.full = await refused(() => client.deleteFsEntry({ path: at('a') }));
  seen.deleted = await client.deleteFsEntry({ path: at('a'), recursive: true });
  seen.uploaded = await client.uploadFsBatch(readFileSync(0), { path: at('up') });
  await client.listFsEntries(); // without a path: where the daemon works
});
