// SPDX-License-Identifier: Apache-2.0
// Who drives: what the person asks of the daemon about it, and what the daemon tells. A part of
// Viewer: of its state it patches `control`, `asking` and `requests`. Decides nothing itself: the
// daemon's word counts, an answer that never comes leaves things as they are.

import type { Payload } from './signaling.ts';
import type { Store } from './store.ts';
import type { ViewerState } from './viewer_state.ts';
import { control_of, nobody, text } from './viewer_state.ts';

export interface DrivingOwner {
  /** False when signaling is gone. */
  send(event: string, payload?: Payload): boolean;
  /** Control is about to go: every key and button up, while that can still be said. */
  release_input(): void;
  /** Control is gone: nothing of what still waits may be sent. */
  forget_early_input(): void;
  /** A passing sentence for the person. */
  notice(words: string): void;
}

/** Without a connection nobody drives, as far as the page knows. */
export const undriven = { control: nobody, asking: false, requests: [] } as const;

const max_requests = 8;

export class Driving {
  readonly #state: Store<ViewerState>;
  readonly #owner: DrivingOwner;

  constructor(state: Store<ViewerState>, owner: DrivingOwner) {
    this.#state = state;
    this.#owner = owner;
  }

  // ---- what the person asks

  /** Drive beside the agent; the present driver is asked when there is one. */
  request(): boolean {
    const { control } = this.#state.get();
    const sent = this.#owner.send('control/request');
    if (sent && control.kind === 'person' && !control.you) this.#state.patch({ asking: true });
    return sent;
  }

  /** Exclusive: everybody else and the agent are held off until release. */
  take(): boolean {
    return this.#owner.send('control/take');
  }

  release(): boolean {
    this.#owner.release_input();
    return this.#owner.send('control/release');
  }

  give(id: string): void {
    this.#owner.send('control/give', { id });
    this.ignore_request(id);
  }

  ignore_request(id: string): void {
    this.#state.patch({ requests: this.#state.get().requests.filter((r) => r.id !== id) });
  }

  // ---- what the daemon tells

  /** `holt/control`: who drives from now on. */
  told(payload: Payload): void {
    const before = this.#state.get().control;
    const control = control_of(payload);
    const lost = before.you && !control.you;
    if (lost) this.#owner.release_input();
    if (lost) this.#owner.forget_early_input();
    this.#state.patch({
      control,
      asking: this.#state.get().asking && control.kind === 'person' && !control.you,
      requests: control.you ? this.#state.get().requests : [],
    });
    if (lost) this.#owner.notice(control.kind === 'none' ? 'You no longer drive.' : `${control.name || 'Somebody else'} drives now.`);
  }

  /** `holt/control_request`: somebody asks us, who drive. */
  asked(payload: Payload): void {
    const id = text(payload.id);
    const { requests } = this.#state.get();
    if (id === '' || requests.length >= max_requests || requests.some((r) => r.id === id)) return;
    this.#state.patch({ requests: [...requests, { id, name: text(payload.name, 80) || 'Somebody' }] });
  }

  /** `holt/error` about control: what we asked for will not be. */
  refused(): void {
    this.#state.patch({ asking: false });
  }
}
