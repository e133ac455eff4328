// SPDX-License-Identifier: Apache-2.0
// Server-sent events over fetch, which unlike the browser's own reader tells why it was refused.
// Reads until it is stopped; after a loss it asks again, where the caller says from. No document.

import type { Api, Problem } from './api.ts';
import { backoff_delay } from './backoff.ts';
import type { Clock } from './clock.ts';
import { Timers } from './clock.ts';

export interface FeedEvent {
  readonly name: string;
  readonly id: string;
  readonly data: unknown;
}

/** Pieces of text in, whole events out. */
export class EventParser {
  #rest = '';

  feed(text: string): FeedEvent[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    const out: FeedEvent[] = [];
    for (const block of blocks) {
      let name = 'message';
      let id = '';
      let data = '';
      for (const line of block.split('\n')) {
        const at = line.indexOf(':');
        const value = line.slice(at + 1).replace(/^ /, '');
        if (at > 0 && line.startsWith('event')) name = value;
        else if (at > 0 && line.startsWith('id')) id = value;
        else if (at > 0 && line.startsWith('data')) data += value;
      }
      if (data === '') continue;
      try {
        out.push({ name, id, data: JSON.parse(data) as unknown });
      } catch {
        // Not ours.
      }
    }
    return out;
  }
}

export interface FeedOwner {
  /** Where to ask, each time. */
  path(): string;
  event(event: FeedEvent): void;
  /** Refused, or lost: undefined when it is whole again. */
  problem(problem: Problem | undefined): void;
}

export class EventFeed {
  readonly #api: Api;
  readonly #timers: Timers;
  readonly #owner: FeedOwner;
  #ended = new AbortController();
  #attempt = 0;

  constructor(api: Api, clock: Clock, owner: FeedOwner) {
    this.#api = api;
    this.#timers = new Timers(clock);
    this.#owner = owner;
    void this.#read();
  }

  stop(): void {
    this.#ended.abort();
    this.#timers.clear_all();
  }

  async #read(): Promise<void> {
    const { signal } = this.#ended;
    const answer = await this.#api.raw(this.#owner.path(), { signal, headers: { accept: 'text/event-stream' } });
    if (signal.aborted) return;
    if (!answer.ok) {
      this.#owner.problem(answer.problem);
      if (answer.problem.status === 0 || answer.problem.status >= 500) this.#later();
      return;
    }
    this.#owner.problem(undefined);
    const parser = new EventParser();
    const reader = answer.value.body?.pipeThrough(new TextDecoderStream()).getReader();
    try {
      for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
        this.#attempt = 0;
        for (const event of parser.feed(piece.value)) if (!signal.aborted) this.#owner.event(event);
      }
    } catch {
      // Cut: the same as an end.
    }
    if (!signal.aborted) this.#later();
  }

  #later(): void {
    this.#attempt += 1;
    this.#timers.set('again', backoff_delay(this.#attempt, () => 0.5), () => void this.#read());
  }
}
