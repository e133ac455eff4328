// SPDX-License-Identifier: Apache-2.0
// A folder as the page shows it: its entries, kept right by watching, and what is done with them.
// Paths are those of the daemon, absolute. Owned by the panel that shows it; no document.

import { words_of_problem, type Answer, type Api, type Problem } from './api.ts';
import type { Clock } from './clock.ts';
import { Timers } from './clock.ts';
import { EventFeed } from './event_feed.ts';
import { Store } from './store.ts';

export interface FileEntry {
  readonly name: string;
  readonly path: string;
  readonly folder: boolean;
  readonly kind: string;
  readonly size: number;
  readonly modified_ms: number;
}

export interface FolderState {
  /** Empty until the daemon has said where the workspace is. */
  readonly path: string;
  readonly workspace: string;
  readonly entries: readonly FileEntry[] | undefined;
  readonly truncated: boolean;
  readonly problem: string;
}

export const most_entries = 2_000;
const settle_ms = 200;

export function entry_of(value: unknown): FileEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const row = value as Record<string, unknown>;
  if (typeof row.name !== 'string' || typeof row.path !== 'string') return undefined;
  return {
    name: row.name,
    path: row.path,
    folder: row.entryType === 'directory',
    kind: typeof row.kind === 'string' ? row.kind : '',
    size: typeof row.size === 'number' ? row.size : 0,
    modified_ms: typeof row.modified === 'string' ? Date.parse(row.modified) : NaN,
  };
}

/** Folders first, then by name as people order them. */
export function in_order(entries: readonly FileEntry[]): FileEntry[] {
  const by_name = new Intl.Collator(undefined, { numeric: true });
  return [...entries].sort((a, b) => Number(b.folder) - Number(a.folder) || by_name.compare(a.name, b.name));
}

export function parent_of(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1)) || '/';
}

export function join_path(folder: string, name: string): string {
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

/** Why a name cannot be given to a file; empty when it can. */
export function name_problem(name: string): string {
  if (name === '' || name === '.' || name === '..') return 'A name is needed.';
  if (name.includes('/')) return 'A name has no slash in it.';
  return new TextEncoder().encode(name).length > 255 ? 'The name is too long.' : '';
}

const query = (path: string) => `path=${encodeURIComponent(path)}`;

export function file_url(path: string): string {
  return `/v1/fs/file?${query(path)}`;
}

/** `skip`: without what cannot be read; else there is no archive where something cannot be. */
export function archive_url(path: string, skip = false): string {
  return `/v1/fs/archive?${query(path)}&format=tar${skip ? '&skipUnreadable=true' : ''}`;
}

export class Folder {
  readonly state = new Store<FolderState>({ path: '', workspace: '', entries: undefined, truncated: false, problem: '' });
  readonly #api: Api;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #signed_out: () => void;
  #feed: EventFeed | undefined;
  #round = 0;

  constructor(api: Api, clock: Clock, signed_out: () => void) {
    this.#api = api;
    this.#clock = clock;
    this.#timers = new Timers(clock);
    this.#signed_out = signed_out;
  }

  /** Somebody looks, where they looked last; returns what ends that. */
  watch(): () => void {
    const { path } = this.state.get();
    if (path === '') void this.#begin();
    else this.go(path);
    return () => this.#stop();
  }

  go(path: string): void {
    this.#stop();
    this.state.patch({ path, entries: path === this.state.get().path ? this.state.get().entries : undefined, problem: '' });
    this.#feed = new EventFeed(this.#api, this.#clock, {
      path: () => `/v1/fs/watch?${query(path)}`,
      event: ({ name }) => {
        if (name === 'ready') void this.refresh();
        else this.#timers.set('refresh', settle_ms, () => void this.refresh());
      },
      problem: (problem) => {
        if (!problem) return;
        // The list says it better, and works where watching does not.
        void this.refresh();
      },
    });
  }

  async refresh(): Promise<void> {
    const { path } = this.state.get();
    this.#round += 1;
    const round = this.#round;
    const answer = await this.#api.raw(`/v1/fs/entries?${query(path)}&limit=${most_entries}`, { signal: AbortSignal.timeout(15_000) });
    const rows: unknown = answer.ok ? await answer.value.json().catch(() => []) : [];
    if (round !== this.#round) return;
    if (!answer.ok) {
      this.state.patch({ entries: undefined, problem: this.#words(answer.problem) });
      return;
    }
    const entries = (Array.isArray(rows) ? rows : []).map(entry_of).filter((one): one is FileEntry => one !== undefined);
    const truncated = answer.value.headers.get('holt-truncated') !== null;
    this.state.patch({ entries: in_order(entries), truncated, problem: '' });
  }

  /** Empty when done, else why not; so for all that follow. */
  make_folder(name: string): Promise<string> {
    const wrong = name_problem(name);
    if (wrong !== '') return Promise.resolve(wrong);
    return this.#done(this.#api.post(`/v1/fs/mkdir?${query(join_path(this.state.get().path, name))}`));
  }

  rename(entry: FileEntry, name: string): Promise<string> {
    const wrong = name_problem(name);
    if (wrong !== '') return Promise.resolve(wrong);
    return this.#done(this.#api.post('/v1/fs/move', { from: entry.path, to: join_path(parent_of(entry.path), name), overwrite: false }));
  }

  remove(entry: FileEntry): Promise<string> {
    const whole = entry.folder && entry.kind !== 'symlink' ? '&recursive=true' : '';
    return this.#done(this.#api.delete(`/v1/fs/entry?${query(entry.path)}${whole}`));
  }

  async #begin(): Promise<void> {
    const answer = await this.#api.get<{ path?: unknown }>('/v1/fs/stat?path=.');
    if (!answer.ok) {
      this.state.patch({ problem: this.#words(answer.problem) });
      return;
    }
    const workspace = typeof answer.value?.path === 'string' ? answer.value.path : '/';
    this.state.patch({ workspace });
    this.go(workspace);
  }

  #stop(): void {
    this.#feed?.stop();
    this.#feed = undefined;
    this.#timers.clear_all();
    this.#round += 1;
  }

  async #done(call: Promise<Answer<unknown>>): Promise<string> {
    const answer = await call;
    void this.refresh();
    return answer.ok ? '' : this.#words(answer.problem);
  }

  #words(problem: Problem): string {
    if (problem.status === 401) this.#signed_out();
    return words_of_problem(problem);
  }
}
