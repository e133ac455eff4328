// SPDX-License-Identifier: Apache-2.0
// One terminal of a process: its socket, the offset up to which output has come, and the way back
// after a loss from exactly there. Whoever cannot take the output as fast as it comes is given a
// pause: the socket is closed and opened again at the offset. Owned by its tab; no document.

import type { Api } from './api.ts';
import { backoff_delay } from './backoff.ts';
import type { Clock } from './clock.ts';
import { Timers } from './clock.ts';
import { words_of_end, type ProcessInfo } from './processes.ts';
import { meaning_of_close } from './reasons.ts';
import { Store } from './store.ts';

export interface TerminalSocket {
  binaryType: string;
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** Where output goes; `done` once it has been drawn. */
export interface TerminalSink {
  write(bytes: Uint8Array, done: () => void): void;
  /** So many bytes were not kept and are missing here. */
  lost(bytes: number): void;
}

export interface TerminalState {
  readonly phase: 'idle' | 'opening' | 'live' | 'retrying' | 'ended';
  /** Why it is not live, a sentence; how the process ended. */
  readonly reason: string;
  /** The last thing that was refused. */
  readonly notice: { readonly id: number; readonly text: string } | undefined;
  /** The next byte that is expected; undefined until the daemon has said where we begin. */
  readonly offset: number | undefined;
}

export interface TerminalDeps {
  readonly api: Api;
  /** `ws://HOST`, without a path. */
  readonly ws_base: string;
  readonly make_socket: (url: string) => TerminalSocket;
  readonly clock: Clock;
  readonly random: () => number;
  signed_out(): void;
}

/** Bytes that wait to be drawn: above the one the socket is closed, below the other opened again. */
export const pause_above = 8 * 1024 * 1024;
export const resume_below = 1024 * 1024;
const open_limit_ms = 10_000;
const stable_ms = 5_000;
const input_piece = 16 * 1024;

export class TerminalLink {
  readonly state = new Store<TerminalState>({ phase: 'idle', reason: '', notice: undefined, offset: undefined });
  readonly id: string;
  readonly #deps: TerminalDeps;
  readonly #timers: Timers;
  readonly #created: number;
  #socket: TerminalSocket | undefined;
  #sink: TerminalSink | undefined;
  #attempt = 0;
  #round = 0;
  #waiting = 0;
  #paused = false;
  #stopped = false;
  #notices = 0;

  /** `whole`: from the first byte, else with the newest that is kept. */
  constructor(deps: TerminalDeps, process: ProcessInfo, whole: boolean) {
    this.#deps = deps;
    this.#timers = new Timers(deps.clock);
    this.id = process.id;
    this.#created = process.created_ms;
    if (whole) this.state.patch({ offset: 0 });
  }

  start(sink: TerminalSink): void {
    this.#sink = sink;
    if (this.state.get().phase === 'idle') this.#open('opening');
  }

  /** For good: the tab goes. The process runs on. */
  stop(): void {
    this.#stopped = true;
    this.#drop();
  }

  retry_now(): void {
    if (this.state.get().phase === 'retrying') void this.#again();
  }

  /** Keys and pasted text; false when nobody hears them. */
  input(text: string): boolean {
    return this.#send_bytes(new TextEncoder().encode(text));
  }

  /** Reports of the mouse: one byte a character. */
  input_binary(text: string): boolean {
    return this.#send_bytes(Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff));
  }

  resize(cols: number, rows: number): boolean {
    if (!this.#usable) return false;
    this.#socket?.send(JSON.stringify({ type: 'resize', cols, rows }));
    return true;
  }

  get #usable(): boolean {
    return this.state.get().phase === 'live' && this.#socket?.readyState === 1;
  }

  #send_bytes(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (!this.#usable) return false;
    for (let at = 0; at < bytes.length; at += input_piece) this.#socket?.send(bytes.slice(at, at + input_piece));
    return true;
  }

  // ---- the socket

  #open(phase: 'opening' | 'retrying'): void {
    this.#drop();
    if (this.#stopped) return;
    this.state.patch({ phase });
    const { offset } = this.state.get();
    const where = offset === undefined ? 'events=1' : `events=1&offset=${offset}`;
    const socket = this.#deps.make_socket(
      `${this.#deps.ws_base}/v1/processes/${encodeURIComponent(this.id)}/terminal/ws?${where}`,
    );
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = (event) => this.#lost(event.code, event.reason);
    socket.onerror = () => undefined; // a close always follows
    this.#timers.set('open', open_limit_ms, () => this.#lost(1006, 'the daemon did not answer in time'));
  }

  #heard(data: unknown): void {
    if (data instanceof ArrayBuffer) this.#output(new Uint8Array(data));
    else if (typeof data === 'string') this.#frame(data);
  }

  #output(bytes: Uint8Array): void {
    this.state.patch({ offset: (this.state.get().offset ?? 0) + bytes.length });
    this.#waiting += bytes.length;
    this.#sink?.write(bytes, () => {
      this.#waiting -= bytes.length;
      if (!this.#paused || this.#waiting > resume_below || this.#stopped) return;
      this.#paused = false;
      this.#open('retrying');
    });
    if (this.#waiting <= pause_above || this.#paused) return;
    this.#paused = true;
    this.#drop();
    this.state.patch({ phase: 'retrying', reason: 'Output comes faster than it can be drawn.' });
  }

  #frame(text: string): void {
    let frame: Record<string, unknown>;
    try {
      frame = JSON.parse(text) as Record<string, unknown>;
    } catch {
      return;
    }
    const { offset } = frame;
    switch (frame.type) {
      case 'ready':
        this.#timers.clear('open');
        this.#timers.set('stable', stable_ms, () => { this.#attempt = 0; });
        this.state.patch({ phase: 'live', reason: '', offset: typeof offset === 'number' ? offset : this.state.get().offset });
        return;
      case 'lost':
        this.#sink?.lost(typeof frame.bytes === 'number' ? frame.bytes : 0);
        if (typeof offset === 'number') this.state.patch({ offset });
        return;
      case 'exit':
        this.#end(words_of_end(number_or_none(frame.exitCode), number_or_none(frame.signal)));
        return;
      case 'error':
        this.#notices += 1;
        this.state.patch({ notice: { id: this.#notices, text: String(frame.message ?? 'The terminal refused that.') } });
        return;
      default: // what newer daemons say
    }
  }

  #lost(code: number, reason: string): void {
    this.#drop();
    const meaning = meaning_of_close(code, reason);
    if (code === 4401) this.#deps.signed_out();
    if (meaning.then === 'sign_in') {
      this.#end(code === 4403 ? 'This sign-in may not use terminals.' : 'The session has ended.');
      return;
    }
    this.#wait(meaning.detail === '' ? meaning.title : `${meaning.title}: ${meaning.detail}`);
  }

  #wait(why: string): void {
    this.#attempt += 1;
    this.state.patch({ phase: 'retrying', reason: why });
    this.#timers.set('retry', backoff_delay(this.#attempt, this.#deps.random), () => void this.#again());
  }

  /** The same process still? After a restart of the daemon its number may be another's. */
  async #again(): Promise<void> {
    this.#timers.clear('retry');
    this.#round += 1;
    const round = this.#round;
    const answer = await this.#deps.api.get<{ createdAtMs?: unknown }>(`/v1/processes/${encodeURIComponent(this.id)}`);
    if (this.#stopped || round !== this.#round || this.state.get().phase !== 'retrying') return;
    if (answer.ok && answer.value?.createdAtMs === this.#created) this.#open('retrying');
    else if (answer.ok || answer.problem.status === 404) this.#end('The process is gone: Holt was started anew, or somebody removed it.');
    else if (answer.problem.status === 401) {
      this.#end('The session has ended.');
      this.#deps.signed_out();
    } else this.#wait(answer.problem.title);
  }

  #end(reason: string): void {
    this.#stopped = true;
    this.#drop();
    this.state.patch({ phase: 'ended', reason });
  }

  #drop(): void {
    this.#timers.clear_all();
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(1000, 'done');
  }
}

function number_or_none(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
