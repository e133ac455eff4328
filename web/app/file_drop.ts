// SPDX-License-Identifier: Apache-2.0
// Files that were chosen or dropped, folders with all that is in them, on their way to the daemon.

import { join_path } from '../core/files.ts';
import { say } from './model.ts';
import { uploads } from './tools.ts';

const most_files = 2_000;

export function upload_files(into: string, files: FileList | null): void {
  for (const file of [...(files ?? [])]) uploads.add(join_path(into, file.name), file.name, file);
}

/** Must begin within the drop: the entries are gone afterwards. */
export async function upload_drop(into: string, what: DataTransfer): Promise<void> {
  const entries = [...what.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) {
    upload_files(into, what.files);
    return;
  }
  let left = most_files;
  const walk = async (entry: FileSystemEntry, path: string): Promise<void> => {
    if (left <= 0) return;
    if (entry.isFile) {
      left -= 1;
      const file = await new Promise<File>((done, fail) => { (entry as FileSystemFileEntry).file(done, fail); });
      uploads.add(join_path(into, path), path, file);
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((done, fail) => { reader.readEntries(done, fail); });
      if (some.length === 0) return;
      for (const one of some) await walk(one, `${path}/${one.name}`);
    }
  };
  try {
    for (const entry of entries) await walk(entry, entry.name);
    if (left <= 0) say(`Only the first ${most_files} files are uploaded.`, true);
  } catch {
    say('The browser could not read what was dropped.', true);
  }
}
