// SPDX-License-Identifier: Apache-2.0
// The processes that the API started, as values and words, and the list of them: fetched while
// somebody looks, and again when the feed tells of a change. Owned by the model; no document.

import type { Answer, Api, Problem } from './api.ts';
import type { Clock } from './clock.ts';
import { Timers } from './clock.ts';
import { Store } from './store.ts';

export interface ProcessInfo {
  readonly id: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly tty: boolean;
  readonly owner: string;
  readonly running: boolean;
  readonly pid: number;
  readonly exit_code: number | undefined;
  readonly signal: number | undefined;
  readonly created_ms: number;
  readonly exited_ms: number | undefined;
  readonly tags: readonly string[];
  readonly cols: number;
  readonly rows: number;
}

/** On processes that this page opened as a terminal. */
export const terminal_tag = 'holt-page-terminal';

/** The best shell there is. */
const shell_line = 'for s in bash zsh; do command -v "$s" >/dev/null 2>&1 && exec "$s"; done; exec sh';

export function terminal_request(cols: number, rows: number): object {
  return { command: 'sh', args: ['-c', shell_line], tty: true, interactive: true, cols, rows, tags: [terminal_tag] };
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

export function process_of(value: unknown): ProcessInfo | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const row = value as Record<string, unknown>;
  if (words(row.id) === '') return undefined;
  return {
    id: words(row.id),
    command: words(row.command),
    args: list(row.args),
    cwd: words(row.cwd),
    tty: row.tty === true,
    owner: words(row.owner),
    running: row.status === 'running',
    pid: number(row.pid) ?? 0,
    exit_code: number(row.exitCode),
    signal: number(row.signal),
    created_ms: number(row.createdAtMs) ?? 0,
    exited_ms: number(row.exitedAtMs),
    tags: list(row.tags),
    cols: number(row.cols) ?? 80,
    rows: number(row.rows) ?? 24,
  };
}

const signal_names: Readonly<Record<number, string>> = {
  1: 'HUP', 2: 'INT', 3: 'QUIT', 4: 'ILL', 5: 'TRAP', 6: 'ABRT', 7: 'BUS', 8: 'FPE', 9: 'KILL', 10: 'USR1', 11: 'SEGV',
  12: 'USR2', 13: 'PIPE', 14: 'ALRM', 15: 'TERM', 18: 'CONT', 19: 'STOP', 20: 'TSTP', 24: 'XCPU', 25: 'XFSZ', 28: 'WINCH',
};
/** What the page offers, the gentle ones first. */
export const signals = ['INT', 'TERM', 'HUP', 'QUIT', 'USR1', 'USR2', 'STOP', 'CONT', 'KILL'] as const;

export function signal_name(number_of: number): string {
  return signal_names[number_of] ? `SIG${signal_names[number_of]}` : `signal ${number_of}`;
}

export function words_of_end(exit_code: number | undefined, signal: number | undefined): string {
  if (signal !== undefined) return `Ended by ${signal_name(signal)}.`;
  if (exit_code === undefined) return 'Ended.';
  return exit_code === 0 ? 'Ended well.' : `Ended with exit code ${exit_code}.`;
}

/** The command as one would type it. */
export function command_line(process: ProcessInfo): string {
  if (process.tags.includes(terminal_tag)) return 'Terminal';
  const quoted = (word: string) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  return [process.command, ...process.args].map(quoted).join(' ');
}

export interface ProcessesState {
  /** Newest first; undefined until the first answer. */
  readonly list: readonly ProcessInfo[] | undefined;
  readonly problem: string;
}

export interface ProcessesDeps {
  readonly api: Api;
  readonly clock: Clock;
  signed_out(): void;
}

const refresh_ms = 5_000;
const settle_ms = 150;

export class Processes {
  readonly state = new Store<ProcessesState>({ list: undefined, problem: '' });
  readonly #deps: ProcessesDeps;
  readonly #timers: Timers;
  #lookers = 0;
  #fetching = false;
  #again = false;

  constructor(deps: ProcessesDeps) {
    this.#deps = deps;
    this.#timers = new Timers(deps.clock);
  }

  /** Somebody looks at the list; returns what ends that. */
  watch(): () => void {
    this.#lookers += 1;
    if (this.#lookers === 1) void this.refresh();
    let looking = true;
    return () => {
      if (!looking) return;
      looking = false;
      this.#lookers -= 1;
      if (this.#lookers === 0) this.#timers.clear_all();
    };
  }

  /** The feed told of a change. */
  changed(): void {
    if (this.#lookers > 0) this.#timers.set('refresh', settle_ms, () => void this.refresh());
  }

  async refresh(): Promise<void> {
    if (this.#fetching) {
      this.#again = true;
      return;
    }
    this.#fetching = true;
    const answer = await this.#deps.api.get<{ processes?: unknown[] }>('/v1/processes');
    this.#fetching = false;
    if (answer.ok) {
      const rows = Array.isArray(answer.value?.processes) ? answer.value.processes : [];
      const found = rows.map(process_of).filter((one): one is ProcessInfo => one !== undefined);
      this.state.patch({ list: found.reverse(), problem: '' });
    } else {
      this.state.patch({ problem: this.#words(answer.problem) });
    }
    if (this.#lookers > 0) this.#timers.set('refresh', this.#again ? settle_ms : refresh_ms, () => void this.refresh());
    this.#again = false;
  }

  create(body: object): Promise<Answer<ProcessInfo>> {
    return this.#act(this.#deps.api.post<unknown>('/v1/processes', body, 30_000)).then((answer) => {
      if (!answer.ok) return answer;
      const made = process_of(answer.value);
      if (made) return { ok: true, value: made };
      return { ok: false, problem: { status: 502, code: 'internal', title: 'The daemon named no process', detail: '' } };
    });
  }

  /** Empty when done, else why not; so for all that follow. */
  async stop(id: string): Promise<string> {
    return this.#sentence(await this.#act(this.#deps.api.post(`${path_of(id)}/stop?waitMs=2000`)));
  }

  async kill(id: string): Promise<string> {
    return this.#sentence(await this.#act(this.#deps.api.post(`${path_of(id)}/kill?waitMs=5000`)));
  }

  async signal(id: string, name: string): Promise<string> {
    return this.#sentence(await this.#act(this.#deps.api.post(`${path_of(id)}/signal`, { signal: name })));
  }

  async remove(id: string): Promise<string> {
    return this.#sentence(await this.#act(this.#deps.api.delete(path_of(id))));
  }

  async #act<T>(call: Promise<Answer<T>>): Promise<Answer<T>> {
    const answer = await call;
    if (this.#lookers > 0) void this.refresh();
    return answer;
  }

  #sentence(answer: Answer<unknown>): string {
    return answer.ok ? '' : this.#words(answer.problem);
  }

  #words(problem: Problem): string {
    if (problem.status === 401) this.#deps.signed_out();
    return problem.detail || problem.title;
  }
}

function path_of(id: string): string {
  return `/v1/processes/${encodeURIComponent(id)}`;
}
