// SPDX-License-Identifier: Apache-2.0
// One signaling socket: events in and out as {event, payload}, the client's heartbeat, and the
// limits on waiting (opening, silence). It is used once; whoever owns it makes the next one.

import type { Clock } from './clock.ts';
import { Timers } from './clock.ts';

export interface SocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type MakeSocket = (url: string) => SocketLike;
export type Payload = Readonly<Record<string, unknown>>;

export interface SignalingEvents {
  opened(): void;
  event(name: string, payload: Payload): void;
  /** Once, last. `opened` is false when the socket never opened. */
  closed(code: number, reason: string, opened: boolean): void;
}

const open_limit_ms = 10_000;
/** The engine's heartbeat comes every 10 s. */
const silence_limit_ms = 35_000;
const default_heartbeat_ms = 10_000;

export class Signaling {
  readonly #socket: SocketLike;
  readonly #events: SignalingEvents;
  readonly #timers: Timers;
  #opened = false;
  #ended = false;
  #heartbeat_ms = default_heartbeat_ms;

  constructor(url: string, make: MakeSocket, clock: Clock, events: SignalingEvents) {
    this.#events = events;
    this.#timers = new Timers(clock);
    this.#socket = make(url);
    this.#socket.onopen = () => this.#on_open();
    this.#socket.onmessage = (event) => this.#on_message(event.data);
    this.#socket.onclose = (event) => this.#end(event.code, event.reason);
    this.#socket.onerror = () => undefined; // a close always follows
    this.#timers.set('open', open_limit_ms, () => this.#give_up('the daemon did not answer in time'));
  }

  get usable(): boolean {
    return this.#opened && !this.#ended;
  }

  send(event: string, payload: Payload = {}): boolean {
    if (!this.usable || this.#socket.readyState !== 1) return false;
    this.#socket.send(JSON.stringify({ event, payload }));
    return true;
  }

  set_heartbeat(seconds: number): void {
    if (!Number.isFinite(seconds) || seconds <= 0) return;
    this.#heartbeat_ms = Math.min(Math.max(seconds, 1), 120) * 1000;
    this.#beat();
  }

  /** Ends it from our side; `closed` is not called. */
  close(): void {
    this.#ended = true;
    this.#timers.clear_all();
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close(1000, 'done');
  }

  #on_open(): void {
    if (this.#ended) return;
    this.#opened = true;
    this.#timers.clear('open');
    this.#hear();
    this.#beat();
    this.#events.opened();
  }

  #on_message(data: unknown): void {
    if (this.#ended || typeof data !== 'string') return;
    this.#hear();
    let parsed: unknown;
    try {
      parsed = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof parsed !== 'object' || parsed === null) return;
    const { event, payload } = parsed as { event?: unknown; payload?: unknown };
    if (typeof event !== 'string') return;
    const fields = typeof payload === 'object' && payload !== null ? payload : {};
    this.#events.event(event, fields as Payload);
  }

  #hear(): void {
    this.#timers.set('silence', silence_limit_ms, () => this.#give_up('nothing was heard for 35 s'));
  }

  #beat(): void {
    this.#timers.set('heartbeat', this.#heartbeat_ms, () => {
      this.send('client/heartbeat');
      this.#beat();
    });
  }

  #give_up(reason: string): void {
    this.#socket.close(1000, 'timeout');
    this.#end(1006, reason);
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timers.clear_all();
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#events.closed(code, reason, this.#opened);
  }
}
