// SPDX-License-Identifier: Apache-2.0
// The recordings of the desktop: the list, fetched while somebody looks, and what is done with
// them. Owned by the model; no document.

import { words_of_problem, type Answer, type Api, type Problem } from './api.ts';
import type { Clock } from './clock.ts';
import { Timers } from './clock.ts';
import { Store } from './store.ts';

export interface Recording {
  readonly id: string;
  readonly status: 'recording' | 'completed' | 'failed';
  readonly file_name: string;
  readonly bytes: number;
  readonly started_ms: number;
  readonly duration_ms: number;
  readonly reason: string;
}

export interface RecordingsState {
  /** Newest first; undefined until the first answer. */
  readonly list: readonly Recording[] | undefined;
  readonly problem: string;
  readonly busy: boolean;
  /** The daemon knows recordings at all. */
  readonly offered: boolean;
}

const refresh_ms = 10_000;
const running_ms = 2_000;

export function recording_of(value: unknown): Recording | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const row = value as Record<string, unknown>;
  if (typeof row.id !== 'string') return undefined;
  const started = Date.parse(String(row.startedAt));
  const ended = Date.parse(String(row.endedAt));
  const status = row.status === 'recording' || row.status === 'failed' ? row.status : 'completed';
  return {
    id: row.id,
    status,
    file_name: typeof row.fileName === 'string' ? row.fileName : `${row.id}.mp4`,
    bytes: typeof row.bytes === 'number' ? row.bytes : 0,
    started_ms: started,
    duration_ms: typeof row.durationMs === 'number' ? row.durationMs : Number.isNaN(ended) ? 0 : ended - started,
    reason: typeof row.reason === 'string' ? row.reason : '',
  };
}

export function recording_url(id: string): string {
  return `/v1/desktop/recordings/${encodeURIComponent(id)}/download`;
}

export class Recordings {
  readonly state = new Store<RecordingsState>({ list: undefined, problem: '', busy: false, offered: true });
  readonly #api: Api;
  readonly #timers: Timers;
  readonly #signed_out: () => void;
  #looking = false;

  constructor(api: Api, clock: Clock, signed_out: () => void) {
    this.#api = api;
    this.#timers = new Timers(clock);
    this.#signed_out = signed_out;
  }

  /** Somebody looks; returns what ends that. */
  watch(): () => void {
    this.#looking = true;
    void this.refresh();
    return () => {
      this.#looking = false;
      this.#timers.clear_all();
    };
  }

  /** The feed told of a change. */
  changed(): void {
    if (this.#looking) void this.refresh();
  }

  async refresh(): Promise<void> {
    const answer = await this.#api.get<{ recordings?: unknown[] }>('/v1/desktop/recordings');
    if (answer.ok) {
      const rows = Array.isArray(answer.value?.recordings) ? answer.value.recordings : [];
      const list = rows.map(recording_of).filter((one): one is Recording => one !== undefined).reverse();
      this.state.patch({ list, problem: '', offered: true });
    } else {
      const old = answer.problem.status === 404;
      this.state.patch({ problem: old ? 'This Holt makes no recordings.' : this.#words(answer.problem), offered: !old });
      if (old) return;
    }
    const runs = this.state.get().list?.some((one) => one.status === 'recording') ?? false;
    if (this.#looking) this.#timers.set('refresh', runs ? running_ms : refresh_ms, () => void this.refresh());
  }

  /** Empty when done, else why not; so for all that follow. */
  start(): Promise<string> {
    return this.#act(() => this.#api.post('/v1/desktop/recording/start', {}, 30_000));
  }

  stop(): Promise<string> {
    return this.#act(() => this.#api.post('/v1/desktop/recording/stop', undefined, 60_000));
  }

  remove(id: string): Promise<string> {
    return this.#act(() => this.#api.delete(`/v1/desktop/recordings/${encodeURIComponent(id)}`));
  }

  async #act(call: () => Promise<Answer<unknown>>): Promise<string> {
    this.state.patch({ busy: true });
    const answer = await call();
    this.state.patch({ busy: false });
    void this.refresh();
    return answer.ok ? '' : this.#words(answer.problem);
  }

  #words(problem: Problem): string {
    if (problem.status === 401) this.#signed_out();
    return words_of_problem(problem);
  }
}
