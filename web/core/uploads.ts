// SPDX-License-Identifier: Apache-2.0
// Files on their way to the daemon: two at once, the others wait; each with its progress, and one
// that is there already waits for a word. Owned by the model; the requests are the caller's.

import { problem_of, words_of_problem, type Problem } from './api.ts';
import { file_url } from './files.ts';
import { Store } from './store.ts';

export interface Upload {
  readonly key: number;
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly sent: number;
  readonly phase: 'waiting' | 'sending' | 'exists' | 'done' | 'failed';
  readonly problem: string;
}

/** Sends one body and tells how far it is; rejects never. */
export type SendFile = (
  url: string,
  headers: Readonly<Record<string, string>>,
  file: Blob,
  progress: (sent: number) => void,
) => { readonly ended: Promise<{ readonly status: number; readonly body: string }>; readonly cancel: () => void };

const at_once = 2;

export class Uploads {
  readonly state = new Store<{ readonly list: readonly Upload[] }>({ list: [] });
  readonly #send: SendFile;
  readonly #signed_out: () => void;
  readonly #files = new Map<number, Blob>();
  readonly #cancels = new Map<number, () => void>();
  #made = 0;

  constructor(send: SendFile, signed_out: () => void) {
    this.#send = send;
    this.#signed_out = signed_out;
  }

  add(path: string, name: string, file: Blob): void {
    this.#made += 1;
    this.#files.set(this.#made, file);
    const row: Upload = { key: this.#made, path, name, size: file.size, sent: 0, phase: 'waiting', problem: '' };
    this.state.patch({ list: [...this.state.get().list, row] });
    this.#next();
  }

  /** The person wants what is there to be replaced. */
  replace(key: number): void {
    this.#begin(key, true);
  }

  /** Ends it, or takes it from the list. */
  drop(key: number): void {
    this.#cancels.get(key)?.();
    this.#files.delete(key);
    this.state.patch({ list: this.state.get().list.filter((one) => one.key !== key) });
    this.#next();
  }

  drop_done(): void {
    this.state.patch({ list: this.state.get().list.filter((one) => one.phase !== 'done') });
  }

  drop_all(): void {
    for (const one of this.state.get().list) this.drop(one.key);
  }

  #next(): void {
    const { list } = this.state.get();
    const busy = list.filter((one) => one.phase === 'sending').length;
    for (const one of list.filter((row) => row.phase === 'waiting').slice(0, Math.max(0, at_once - busy))) this.#begin(one.key, false);
  }

  #begin(key: number, over: boolean): void {
    const row = this.state.get().list.find((one) => one.key === key);
    const file = this.#files.get(key);
    if (!row || !file) return;
    this.#set(key, { phase: 'sending', sent: 0 });
    const headers: Record<string, string> = { 'content-type': 'application/octet-stream' };
    if (!over) headers['if-none-match'] = '*';
    const { ended, cancel } = this.#send(file_url(row.path), headers, file, (sent) => this.#set(key, { sent }));
    this.#cancels.set(key, cancel);
    void ended.then(({ status, body }) => {
      this.#cancels.delete(key);
      if (status >= 200 && status < 300) {
        this.#files.delete(key);
        this.#set(key, { phase: 'done', sent: row.size });
      } else if (status === 412 && !over) this.#set(key, { phase: 'exists' });
      else this.#set(key, { phase: 'failed', problem: this.#words(status, body) });
      this.#next();
    });
  }

  #words(status: number, body: string): string {
    if (status === 401) this.#signed_out();
    if (status === 0) return 'The connection was lost.';
    let problem: Problem = problem_of(status, null);
    try {
      problem = problem_of(status, JSON.parse(body));
    } catch {
      // The status alone, then.
    }
    return words_of_problem(problem);
  }

  #set(key: number, change: Partial<Upload>): void {
    const { list } = this.state.get();
    if (!list.some((one) => one.key === key)) return;
    this.state.patch({ list: list.map((one) => (one.key === key ? { ...one, ...change } : one)) });
  }
}
