// SPDX-License-Identifier: Apache-2.0

// Every recording method of the unmodified sandbox-agent client against a daemon with a desktop.
//   recordings.mjs URL TOKEN
// Prints one JSON line of what was seen.

import { refused, travel, until } from './lib.mjs';

await travel(/Recording/, async (client, seen) => {
  seen.started = await client.startDesktopRecording({ fps: 10 });
  const { id } = seen.started;
  seen.second = await refused(() => client.startDesktopRecording());
  await until('pictures', async () => (await client.getDesktopRecording(id)).bytes > 0, 40000);
  seen.stopped = await client.stopDesktopRecording();
  seen.listed = (await client.listDesktopRecordings()).recordings.filter(one => one.id === id);
  const bytes = await client.downloadDesktopRecording(id);
  seen.downloaded = bytes.length;
  seen.head = Buffer.from(bytes.slice(4, 8)).toString();
  await client.deleteDesktopRecording(id);
  seen.gone = await refused(() => client.getDesktopRecording(id));
  seen.stopped_again = await refused(() => client.stopDesktopRecording());
});
