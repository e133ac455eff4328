// SPDX-License-Identifier: Apache-2.0
// What one process printed, followed: the newest that is kept, each stream decoded by itself, and
// how it ended. After a loss it goes on behind the last piece that came. No document.

import { words_of_problem, type Api } from './api.ts';
import type { Clock } from './clock.ts';
import { EventFeed, type FeedEvent } from './event_feed.ts';
import { words_of_end } from './processes.ts';
import { Store } from './store.ts';

export interface LogPiece {
  readonly key: number;
  readonly stream: string;
  readonly text: string;
}

export interface LogState {
  readonly pieces: readonly LogPiece[];
  /** Characters before that are not shown any more. */
  readonly dropped: number;
  readonly ended: string;
  readonly problem: string;
}

export const most_characters = 200_000;

/** Without colours and cursor movement: a log is no terminal. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])/g, '').replace(/\r\n/g, '\n');
}

export class ProcessLog {
  readonly state = new Store<LogState>({ pieces: [], dropped: 0, ended: '', problem: '' });
  readonly #decoders = new Map<string, TextDecoder>();
  readonly #feed: EventFeed;
  #sequence = '';

  constructor(api: Api, clock: Clock, id: string) {
    const path = `/v1/processes/${encodeURIComponent(id)}/logs?follow=true`;
    this.#feed = new EventFeed(api, clock, {
      path: () => (this.#sequence === '' ? `${path}&tail=2000` : `${path}&since=${this.#sequence}`),
      event: (event) => this.#on_event(event),
      problem: (problem) => this.state.patch({ problem: problem ? words_of_problem(problem) : '' }),
    });
  }

  stop(): void {
    this.#feed.stop();
  }

  #on_event({ name, id, data }: FeedEvent): void {
    const fields = data as Record<string, unknown>;
    if (name === 'log') {
      this.#sequence = id;
      this.#append(String(fields.stream), String(fields.data));
    } else if (name === 'lost') {
      this.#push('lost', '[Output was not kept here.]\n');
    } else if (name === 'exit') {
      const number = (value: unknown) => (typeof value === 'number' ? value : undefined);
      this.state.patch({ ended: words_of_end(number(fields.exitCode), number(fields.signal)) });
      this.stop();
    }
  }

  #append(stream: string, base64: string): void {
    const decoder = this.#decoders.get(stream) ?? new TextDecoder();
    this.#decoders.set(stream, decoder);
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    this.#push(stream, plain(decoder.decode(bytes, { stream: true })));
  }

  #key = 0;

  #push(stream: string, text: string): void {
    if (text === '') return;
    this.#key += 1;
    const pieces = [...this.state.get().pieces, { key: this.#key, stream, text }];
    let size = pieces.reduce((sum, piece) => sum + piece.text.length, 0);
    let { dropped } = this.state.get();
    while (size > most_characters && pieces.length > 1) {
      const gone = pieces.shift()?.text.length ?? 0;
      size -= gone;
      dropped += gone;
    }
    this.state.patch({ pieces, dropped });
  }
}
