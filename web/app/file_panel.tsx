// SPDX-License-Identifier: Apache-2.0
// The files of the sandbox: a folder that keeps itself right, and what a person does with it. Files
// can be dropped anywhere on the panel.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { archive_url, file_url, join_path, most_entries, parent_of, type FileEntry } from '../core/files.ts';
import { size_text, when_text } from '../core/units.ts';
import { ask, ask_text } from './ask.tsx';
import { upload_drop, upload_files } from './file_drop.ts';
import { preview } from './file_preview.ts';
import { IconButton } from './icon_button.tsx';
import { Icon } from './icons.tsx';
import { api, now_ms, say } from './model.ts';
import { folder, folder_state } from './tools.ts';
import { UploadList } from './upload_list.tsx';

async function tell(done: Promise<string>, what: string): Promise<void> {
  const refused = await done;
  if (refused !== '') say(`${what}: ${refused}`, true);
}

async function make_folder(): Promise<void> {
  const name = await ask_text('New folder', 'Name', '', 'Make');
  if (name !== undefined) await tell(folder.make_folder(name), 'Not made');
}

async function rename(entry: FileEntry): Promise<void> {
  const name = await ask_text(`Rename ${entry.name}`, 'New name', entry.name, 'Rename');
  if (name !== undefined && name !== entry.name) await tell(folder.rename(entry, name), 'Not renamed');
}

async function remove(entry: FileEntry): Promise<void> {
  const text = entry.folder ? 'The folder and everything in it is deleted. This cannot be undone.' : 'This cannot be undone.';
  if ((await ask(`Delete ${entry.name}?`, text, [{ value: 'delete', label: 'Delete', grave: true }])) === 'delete')
    await tell(folder.remove(entry), 'Not deleted');
}

export function FilePanel() {
  useEffect(() => folder.watch(), []);
  const over = useSignal(0);
  const { path, entries, truncated, problem } = folder_state.value;
  return (
    <section
      class={`files${over.value > 0 ? ' drop-here' : ''}`}
      aria-label="Files"
      data-testid="files"
      onDragEnter={(event) => { event.preventDefault(); over.value += 1; }}
      onDragLeave={() => { over.value = Math.max(0, over.value - 1); }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        over.value = 0;
        if (event.dataTransfer) void upload_drop(path, event.dataTransfer);
      }}
    >
      <Tools path={path} />
      <UploadList />
      {problem !== '' && <p class="panel-note" role="alert" data-testid="files-problem">{problem}</p>}
      {entries === undefined && problem === '' && <p class="empty" role="status">Reading the folder…</p>}
      {entries?.length === 0 && <p class="empty">This folder is empty. Drop files here to upload them.</p>}
      <ul class="file-list">{entries?.map((entry) => <Row key={entry.name} entry={entry} />)}</ul>
      {truncated && <p class="empty">Only the first {most_entries} entries are shown.</p>}
    </section>
  );
}

function Tools({ path }: { readonly path: string }) {
  const field = useRef<HTMLInputElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const { workspace } = folder_state.value;
  return (
    <div class="file-tools">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const given = input.current?.value.trim() ?? '';
          if (given !== '') folder.go(given.startsWith('/') ? given : join_path(workspace, given));
        }}
      >
        <IconButton icon="chevron" extra="up" label="Up to the parent folder" test="files-up" off={path === '' || path === '/'} act={() => folder.go(parent_of(path))} />
        <input ref={input} type="text" aria-label="Folder" spellcheck={false} autocomplete="off" class="mono" data-testid="files-path" key={path} defaultValue={path} />
      </form>
      <div class="row">
        <button type="button" class="choice" data-testid="files-workspace" disabled={path === workspace} onClick={() => folder.go(workspace)}>Workspace</button>
        <span class="dock-space" />
        <IconButton icon="folder_new" label="New folder" test="files-mkdir" off={path === ''} act={() => void make_folder()} />
        <IconButton icon="upload" label="Upload files" test="files-upload" off={path === ''} act={() => field.current?.click()} />
        <IconButton icon="restart" label="Read the folder again" test="files-refresh" off={path === ''} act={() => void folder.refresh()} />
        <input
          ref={field}
          type="file"
          multiple
          hidden
          data-testid="files-input"
          onChange={(event) => {
            upload_files(path, event.currentTarget.files);
            event.currentTarget.value = '';
          }}
        />
      </div>
    </div>
  );
}

/** Looked through first: what an archive lacks is said before it is there. */
async function download_folder(entry: FileEntry): Promise<void> {
  const look = await api.raw(archive_url(entry.path), { method: 'HEAD' });
  const lacking = !look.ok && look.problem.status === 403;
  if (lacking) say(`Some of ${entry.name} cannot be read: the archive is without it.`, true);
  const link = document.createElement('a');
  link.href = archive_url(entry.path, lacking);
  link.download = `${entry.name}.tar`;
  link.click();
}

function Row({ entry }: { readonly entry: FileEntry }) {
  const when = Number.isNaN(entry.modified_ms) ? '' : when_text(entry.modified_ms, now_ms.peek());
  const facts = [entry.kind === 'symlink' ? 'link' : '', entry.folder ? '' : size_text(entry.size), when].filter((one) => one !== '').join(' · ');
  return (
    <li class="file-row" data-testid="file-row" data-name={entry.name}>
      <button
        type="button"
        class="file-main"
        onClick={() => { if (entry.folder) folder.go(entry.path); else void preview(entry); }}
      >
        <Icon name={entry.folder ? 'files' : /\.(png|jpe?g|gif|webp|svg|avif|bmp|ico)$/i.test(entry.name) ? 'image' : 'file'} />
        <span class="file-text">
          <span class="file-name">{entry.name}<span class="visually-hidden">{entry.folder ? ', folder' : ''}</span></span>
          <span class="muted small">{facts}</span>
        </span>
      </button>
      <span class="file-acts">
        <a
          class="icon-button small"
          href={entry.folder ? archive_url(entry.path) : file_url(entry.path)}
          download={entry.folder ? `${entry.name}.tar` : entry.name}
          aria-label={`Download ${entry.name}`}
          title="Download"
          data-testid="file-download"
          onClick={(event) => {
            if (!entry.folder) return;
            event.preventDefault();
            void download_folder(entry);
          }}
        >
          <Icon name="download" />
        </a>
        <IconButton icon="edit" label={`Rename ${entry.name}`} test="file-rename" act={() => void rename(entry)} />
        <IconButton icon="trash" label={`Delete ${entry.name}`} test="file-delete" act={() => void remove(entry)} />
      </span>
    </li>
  );
}
