// SPDX-License-Identifier: Apache-2.0
// The daemon's activity feed and its supervision tree: one socket that follows by sequence
// number, one tree that is fetched again when an event says so. Bounded; reconnects by itself.

import type { Api, Problem } from './api.ts';
import { backoff_delay } from './backoff.ts';
import type { Clock } from './clock.ts';
import { Timers } from './clock.ts';
import { Commands } from './commands.ts';
import type { MakeSocket, SocketLike } from './signaling.ts';
import { Store } from './store.ts';
import type { ActivityEvent, TreeNode } from './supervision.ts';
import { activity_of, patch_tree, tree_of } from './supervision.ts';

export const max_events = 500;
const refresh_ms = 10_000;
const settle_ms = 150;
const silence_limit_ms = 60_000;

export interface FollowerState {
  readonly root: TreeNode | undefined;
  /** On the follower's clock: uptimes count on from here. */
  readonly fetched_at_ms: number;
  readonly events: readonly ActivityEvent[];
  readonly connected: boolean;
  /** Why the tree cannot be shown or may be old. */
  readonly problem: string;
  /** Ids with a start, stop or restart under way. */
  readonly busy: readonly string[];
}

export type Verb = 'start' | 'stop' | 'restart';

export interface FollowerDeps {
  readonly api: Api;
  /** `…/v1/activity/ws`, without the query. */
  readonly url: string;
  readonly make_socket: MakeSocket;
  readonly clock: Clock;
  readonly random: () => number;
  signed_out(): void;
}

export class Follower {
  readonly state = new Store<FollowerState>({
    root: undefined,
    fetched_at_ms: 0,
    events: [],
    connected: false,
    problem: '',
    busy: [],
  });
  /** What agents do; not among `events`, of which it would leave nothing. */
  readonly commands = new Commands();
  readonly #deps: FollowerDeps;
  readonly #timers: Timers;
  #socket: SocketLike | undefined;
  #next = 0;
  #attempt = 0;
  #running = false;
  #fetching = false;
  #fetch_again = false;

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
    this.#timers = new Timers(deps.clock);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.refresh();
    void this.#catch_up();
  }

  stop(): void {
    this.#running = false;
    this.#timers.clear_all();
    this.#drop_socket();
    this.state.patch({ connected: false });
  }

  /** The network came back: an old socket may be dead without having said so. */
  reconnect(): void {
    if (!this.#running) return;
    this.#drop_socket();
    this.state.patch({ connected: false });
    this.#again();
    void this.refresh();
  }

  /** Fetches the tree; calls while one is under way make one more, not many. */
  async refresh(): Promise<void> {
    if (!this.#running) return;
    if (this.#fetching) {
      this.#fetch_again = true;
      return;
    }
    this.#fetching = true;
    const answer = await this.#deps.api.get<unknown>('/v1/supervision');
    this.#fetching = false;
    if (!this.#running) return;
    if (answer.ok) {
      const root = tree_of(answer.value);
      this.state.patch({ root, fetched_at_ms: this.#deps.clock.now(), problem: root ? '' : 'The tree is empty.' });
    } else {
      this.#failed(answer.problem);
      if (answer.problem.status === 401) return;
    }
    this.#timers.set('refresh', this.#fetch_again ? settle_ms : refresh_ms, () => void this.refresh());
    this.#fetch_again = false;
  }

  /** The daemon's answer as nothing (done) or a sentence (refused). */
  async act(id: string, verb: Verb): Promise<string> {
    this.state.patch({ busy: [...this.state.get().busy, id] });
    const path = `/v1/supervision/${encodeURIComponent(id)}/${verb}`;
    const answer = await this.#deps.api.post<unknown>(path, undefined, 30_000);
    this.state.patch({ busy: this.state.get().busy.filter((other) => other !== id) });
    void this.refresh();
    if (answer.ok) return '';
    if (answer.problem.status === 401) this.#deps.signed_out();
    return answer.problem.detail || answer.problem.title;
  }

  /** Ends a command that waits or runs; empty, or why not. */
  async cancel(n: number): Promise<string> {
    const answer = await this.#deps.api.post<unknown>(`/v1/commands/${n}/cancel`);
    if (answer.ok) return '';
    if (answer.problem.status === 401) this.#deps.signed_out();
    return answer.problem.detail || answer.problem.title;
  }

  async #catch_up(): Promise<void> {
    const answer = await this.#deps.api.get<{ events?: unknown[]; next?: unknown }>(
      `/v1/activity?after=${this.#next}`,
    );
    if (!this.#running) return;
    if (!answer.ok) {
      this.#failed(answer.problem);
      if (this.#running) this.#again();
      return;
    }
    const events = Array.isArray(answer.value?.events) ? answer.value.events : [];
    const next = answer.value?.next;
    // A daemon that was started anew counts from the beginning.
    if (typeof next === 'number' && next < this.#next) {
      this.#next = 0;
      this.state.patch({ events: [] });
      this.commands.clear();
      this.#again();
      return;
    }
    this.#append(events.map(activity_of).filter((e): e is ActivityEvent => e !== undefined));
    this.#open();
  }

  #open(): void {
    this.#drop_socket();
    const socket = this.#deps.make_socket(`${this.#deps.url}?after=${this.#next}`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#attempt = 0;
      this.state.patch({ connected: true });
      void this.refresh();
    };
    socket.onmessage = (message) => {
      if (typeof message.data !== 'string') return;
      this.#timers.clear('silence');
      try {
        const event = activity_of(JSON.parse(message.data) as unknown);
        if (event) this.#append([event]);
      } catch {
        // Not JSON: nothing to show.
      }
    };
    socket.onerror = () => undefined;
    socket.onclose = (event) => {
      this.#socket = undefined;
      this.state.patch({ connected: false });
      if (event.code === 4401) this.#deps.signed_out();
      else if (this.#running) this.#again();
    };
    this.#timers.set('silence', silence_limit_ms, () => {
      if (!this.state.get().connected) socket.close();
    });
  }

  #again(): void {
    this.#attempt += 1;
    this.#timers.set('open', backoff_delay(this.#attempt, this.#deps.random), () => void this.#catch_up());
  }

  #append(fresh: readonly ActivityEvent[]): void {
    const added = fresh.filter((event) => event.seq === 0 || event.seq > this.#next);
    if (added.length === 0) return;
    for (const event of added) this.#next = Math.max(this.#next, event.seq);
    this.commands.feed(added);
    const others = added.filter((event) => event.kind !== 'command');
    if (others.length === 0) return;
    const { root } = this.state.get();
    let tree = root;
    for (const event of others) if (event.change) tree = patch_tree(tree, event.change);
    this.state.patch({ root: tree, events: [...this.state.get().events, ...others].slice(-max_events) });
    if (others.some((event) => event.kind === 'supervision'))
      this.#timers.set('refresh', settle_ms, () => void this.refresh());
  }

  #failed(problem: Problem): void {
    if (problem.status === 401) {
      this.stop();
      this.#deps.signed_out();
      return;
    }
    this.state.patch({ problem: problem.detail || problem.title });
  }

  #drop_socket(): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = undefined;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(1000, 'done');
  }
}
