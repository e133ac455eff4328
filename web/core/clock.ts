// SPDX-License-Identifier: Apache-2.0
// Time as a dependency, so that tests own it. `Timers` groups the timers of one owner: setting a
// name again replaces it, and ending the owner ends them all.

export interface Clock {
  /** Milliseconds since some fixed point. */
  now(): number;
  after(ms: number, run: () => void): unknown;
  cancel(handle: unknown): void;
}

export const system_clock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => setTimeout(run, ms),
  cancel: (handle) => clearTimeout(handle as Parameters<typeof clearTimeout>[0]),
};

export class Timers {
  readonly #clock: Clock;
  readonly #running = new Map<string, unknown>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(name: string, ms: number, run: () => void): void {
    this.clear(name);
    this.#running.set(
      name,
      this.#clock.after(ms, () => {
        this.#running.delete(name);
        run();
      }),
    );
  }

  has(name: string): boolean {
    return this.#running.has(name);
  }

  clear(name: string): void {
    const handle = this.#running.get(name);
    if (handle === undefined) return;
    this.#running.delete(name);
    this.#clock.cancel(handle);
  }

  clear_all(): void {
    for (const name of [...this.#running.keys()]) this.clear(name);
  }
}
