// SPDX-License-Identifier: Apache-2.0
// One piece of typed state with one owner. The owner patches it; everybody else reads it or is
// told of changes. No framework: the app hangs a signal on it, a test hangs an array on it.

export type Listener<T> = (state: T) => void;

export interface Readable<T> {
  get(): T;
  /** Called after each change, never at once. Returns the function that ends it. */
  subscribe(listener: Listener<T>): () => void;
}

export class Store<T extends object> implements Readable<T> {
  #state: T;
  readonly #listeners = new Set<Listener<T>>();

  constructor(initial: T) {
    this.#state = initial;
  }

  get(): T {
    return this.#state;
  }

  /** Replaces the named members. Nobody is told when nothing changed. */
  patch(change: Partial<T>): void {
    const keys = Object.keys(change) as (keyof T)[];
    if (keys.every((key) => Object.is(this.#state[key], change[key]))) return;
    this.#state = { ...this.#state, ...change };
    for (const listener of [...this.#listeners]) listener(this.#state);
  }

  subscribe(listener: Listener<T>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
