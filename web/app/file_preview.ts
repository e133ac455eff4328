// SPDX-License-Identifier: Apache-2.0
// A file looked at: pictures as such, everything else as text as far as it is text. Never more than
// its limit is fetched, and nothing of it is run.

import { words_of_problem } from '../core/api.ts';
import { file_url, type FileEntry } from '../core/files.ts';
import { size_text } from '../core/units.ts';
import { look_at } from './lightbox.tsx';
import { api, say } from './model.ts';

const text_limit = 512 * 1024;
const image_limit = 20_000_000;
const images: Readonly<Record<string, string>> = {
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', svg: 'image/svg+xml', avif: 'image/avif',
  bmp: 'image/bmp', ico: 'image/x-icon',
};

export async function preview(entry: FileEntry): Promise<void> {
  if (entry.kind === 'other') {
    say(`${entry.name} is no file that can be looked at.`, true);
    return;
  }
  const type = images[entry.name.split('.').at(-1)?.toLowerCase() ?? ''];
  const image = type !== undefined && entry.size <= image_limit;
  const headers: Record<string, string> = image ? {} : { range: `bytes=0-${text_limit - 1}` };
  const answer = await api.raw(file_url(entry.path), { headers, signal: AbortSignal.timeout(30_000) });
  // An empty file has no range.
  const empty = !answer.ok && answer.problem.status === 416;
  if (!answer.ok && !empty) {
    say(`${entry.name}: ${words_of_problem(answer.problem)}`, true);
    return;
  }
  try {
    const bytes = answer.ok ? await answer.value.arrayBuffer() : new ArrayBuffer(0);
    const common = { title: entry.name, save: entry.name };
    if (image) {
      const url = URL.createObjectURL(new Blob([bytes], { type }));
      look_at({ ...common, kind: 'image', url, note: size_text(bytes.byteLength) }, () => URL.revokeObjectURL(url));
      return;
    }
    const part = new Uint8Array(bytes);
    const size = Math.max(entry.size, part.length);
    const note = type !== undefined
      ? `A picture of ${size_text(size)}: too large to be shown. Download it.`
      : part.includes(0) ? `${size_text(size)}, not text. Download it.`
      : size > part.length ? `The first ${size_text(part.length)} of ${size_text(size)}.` : size_text(size);
    const text = type !== undefined || part.includes(0) ? '' : new TextDecoder().decode(part);
    look_at({ ...common, kind: 'text', text, url: file_url(entry.path), note });
  } catch {
    say(`${entry.name} could not be read to its end.`, true);
  }
}
