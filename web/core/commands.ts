// SPDX-License-Identifier: Apache-2.0
// The commands of agents as the feed tells them: one entry each, with its output as far as it is
// kept here. Pure but for the store; bounded in entries and in text; lenient as supervision.ts is.

import { Store } from './store.ts';
import type { ActivityEvent } from './supervision.ts';
import { duration_text } from './supervision.ts';

export const max_commands = 300;
/** Characters of output kept of one command, and of all. */
export const max_output = 64 * 1024;
export const max_all_output = 2 * 1024 * 1024;

export type Phase = 'queued' | 'running' | 'done';

export interface Piece {
  readonly stream: string;
  readonly text: string;
}

export interface Command {
  /** The daemon's own number. */
  readonly n: number;
  readonly phase: Phase;
  readonly type: string;
  readonly id: string;
  readonly src: string;
  readonly session: string;
  /** The command line or the path. */
  readonly summary: string;
  /** ISO times of the feed; empty when that event was not seen. */
  readonly queued_at: string;
  readonly running_at: string;
  readonly done_at: string;
  readonly output: readonly Piece[];
  /** Bytes that are not shown: cut here, or never seen. */
  readonly missing: number;
  readonly ok: boolean;
  readonly error: string;
  readonly detail: string;
  readonly exit_code: number | undefined;
  readonly signal: number | undefined;
  readonly duration_ms: number | undefined;
  readonly truncated: boolean;
  readonly dup: boolean;
}

export interface Timeline {
  /** Oldest first. */
  readonly commands: readonly Command[];
}

const str = (value: unknown) => (typeof value === 'string' ? value : '');
const num = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);

function blank(n: number): Command {
  return {
    n, phase: 'queued', type: '', id: '', src: '', session: '', summary: '', queued_at: '', running_at: '', done_at: '',
    output: [], missing: 0, ok: true, error: '', detail: '', exit_code: undefined, signal: undefined,
    duration_ms: undefined, truncated: false, dup: false,
  };
}

const utf8 = new TextEncoder();
const length_of = (pieces: readonly Piece[]) => pieces.reduce((sum, piece) => sum + piece.text.length, 0);

/** The pieces' tail of at most `limit` characters, and how many characters went. */
function tail_of(pieces: readonly Piece[], limit: number): { pieces: readonly Piece[]; gone: number } {
  let over = length_of(pieces) - limit;
  if (over <= 0) return { pieces, gone: 0 };
  const gone = over;
  const kept: Piece[] = [];
  for (const piece of pieces) {
    if (over >= piece.text.length) over -= piece.text.length;
    else {
      kept.push(over > 0 ? { stream: piece.stream, text: piece.text.slice(over) } : piece);
      over = 0;
    }
  }
  return { pieces: kept, gone };
}

export class Commands {
  readonly state = new Store<Timeline>({ commands: [] });
  #all = new Map<number, Command>();
  /** Bytes seen so far of `n/stream`: what is missing in between is told. */
  #seen = new Map<string, number>();

  /** Takes what concerns commands; answers whether it did. */
  feed(events: readonly ActivityEvent[]): boolean {
    let changed = false;
    for (const event of events) if (event.kind === 'command') changed = this.#take(event) || changed;
    if (changed) {
      this.#bound();
      // By number: a short command may be told of before one that came earlier.
      this.state.patch({ commands: [...this.#all.values()].sort((a, b) => a.n - b.n) });
    }
    return changed;
  }

  clear(): void {
    this.#all.clear();
    this.#seen.clear();
    this.state.patch({ commands: [] });
  }

  #take(event: ActivityEvent): boolean {
    const { data, ts } = event;
    const n = num(data.command);
    if (n === undefined) return false;
    const old = this.#all.get(n) ?? blank(n);
    switch (data.phase) {
      case 'queued':
        this.#all.set(n, {
          ...old, type: str(data.type), id: str(data.id), src: str(data.src), session: str(data.session),
          summary: str(data.summary), queued_at: ts,
        });
        return true;
      case 'running':
        this.#all.set(n, { ...old, phase: old.phase === 'done' ? 'done' : 'running', running_at: ts });
        return true;
      case 'output':
        this.#all.set(n, this.#more(old, data));
        return true;
      case 'done':
        this.#all.set(n, {
          ...old, phase: 'done', done_at: ts, ok: data.ok === true, error: str(data.error), detail: str(data.detail),
          exit_code: num(data.exit_code), signal: num(data.signal), duration_ms: num(data.duration_ms),
          truncated: data.truncated === true, dup: data.dup === true,
        });
        for (const stream of ['stdout', 'stderr', 'content']) this.#seen.delete(`${n}/${stream}`);
        return true;
      default:
        return false;
    }
  }

  #more(old: Command, data: Readonly<Record<string, unknown>>): Command {
    const stream = str(data.stream) || 'stdout';
    const text = str(data.text);
    const key = `${old.n}/${stream}`;
    const expected = this.#seen.get(key) ?? 0;
    const off = num(data.off) ?? expected;
    this.#seen.set(key, off + utf8.encode(text).length);
    const last = old.output.at(-1);
    const joined =
      last?.stream === stream && off === expected
        ? [...old.output.slice(0, -1), { stream, text: last.text + text }]
        : [...old.output, { stream, text }];
    const { pieces, gone } = tail_of(joined, max_output);
    return { ...old, output: pieces, missing: old.missing + gone + Math.max(off - expected, 0) };
  }

  #bound(): void {
    // The map keeps the order of arrival: the oldest that is done goes first.
    for (const [n, command] of this.#all) {
      if (this.#all.size <= max_commands) break;
      if (command.phase === 'done') this.#all.delete(n);
    }
    for (const n of this.#all.keys()) {
      if (this.#all.size <= 2 * max_commands) break;
      this.#all.delete(n);
    }
    let over = -max_all_output;
    for (const command of this.#all.values()) over += length_of(command.output);
    for (const [n, command] of this.#all) {
      if (over <= 0) break;
      const size = length_of(command.output);
      if (size === 0) continue;
      over -= size;
      this.#all.set(n, { ...command, output: [], missing: command.missing + size });
    }
  }
}

export type Show = 'all' | 'running' | 'failed' | 'shell' | 'files';

export interface Filter {
  readonly text: string;
  readonly show: Show;
}

/** Also a command line that ended with another code than 0. */
export function failed(command: Command): boolean {
  return command.phase === 'done' && (!command.ok || command.signal !== undefined || (command.exit_code ?? 0) !== 0);
}

export function matches(command: Command, filter: Filter): boolean {
  switch (filter.show) {
    case 'running':
      if (command.phase === 'done') return false;
      break;
    case 'failed':
      if (!failed(command)) return false;
      break;
    case 'shell':
      if (!command.type.startsWith('shell.')) return false;
      break;
    case 'files':
      if (!command.type.startsWith('fs.')) return false;
      break;
    case 'all':
      break;
  }
  const wanted = filter.text.trim().toLowerCase();
  if (wanted === '') return true;
  return [command.summary, command.type, command.id, command.src, command.error].some((part) => part.toLowerCase().includes(wanted))
    || command.output.some((piece) => piece.text.toLowerCase().includes(wanted));
}

const words_of_error: Readonly<Record<string, string>> = {
  timeout: 'Out of time',
  cancelled: 'Cancelled',
  expired: 'Came too late',
  interrupted: 'Interrupted: the daemon ended while it ran',
  busy: 'Refused: too much is waiting',
  denied: 'Not allowed',
  not_found: 'Not found',
  exists: 'Exists already',
  is_directory: 'Is a folder',
  not_directory: 'Is not a folder',
  too_large: 'Too large',
  conflict: 'Changed meanwhile',
  no_space: 'The disk is full',
  read_only: 'The disk is read-only',
  unauthorized: 'Wrong signature',
  shutdown: 'The daemon stopped',
  invalid: 'Malformed',
};

/** How it stands, in a few words. */
export function words_of(command: Command): string {
  if (command.phase === 'queued') return 'waiting';
  if (command.phase === 'running') return 'running';
  if (!command.ok) return words_of_error[command.error] ?? (command.error || 'failed');
  if (command.signal !== undefined) return `signal ${command.signal}`;
  if (command.exit_code !== undefined) return `exit ${command.exit_code}`;
  return 'done';
}

/** How long it took or has taken so far; empty when that is not known. */
export function time_of(command: Command, now_ms: number): string {
  if (command.duration_ms !== undefined) return duration_text(command.duration_ms);
  const began = Date.parse(command.running_at);
  return command.phase === 'running' && !Number.isNaN(began) ? duration_text(now_ms - began) : '';
}
