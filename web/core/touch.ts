// SPDX-License-Identifier: Apache-2.0
// Fingers into mouse: tap is a click, a long press the right button, one moving finger a drag,
// two fingers scroll, two tapping fingers the right button as well. Pure but for its one timer.

import type { Clock } from './clock.ts';
import { Timers } from './clock.ts';
import type { Point } from './geometry.ts';

export interface TouchOutput {
  move(at: Point): void;
  button(down: boolean, button: number): void;
  /** Pixels that the fingers moved: down and right are positive. */
  scroll(dx: number, dy: number): void;
}

const slop_px = 10;
const long_press_ms = 500;

type Gesture = 'none' | 'maybe_tap' | 'drag' | 'long' | 'two' | 'scroll' | 'over';

export class TouchGestures {
  readonly #output: TouchOutput;
  readonly #timers: Timers;
  readonly #fingers = new Map<number, Point>();
  #gesture: Gesture = 'none';
  #start: Point = { x: 0, y: 0 };

  constructor(output: TouchOutput, clock: Clock) {
    this.#output = output;
    this.#timers = new Timers(clock);
  }

  down(id: number, at: Point): void {
    this.#fingers.set(id, at);
    if (this.#fingers.size === 1) {
      this.#gesture = 'maybe_tap';
      this.#start = at;
      this.#timers.set('long', long_press_ms, () => this.#long_press());
      return;
    }
    this.#timers.clear('long');
    if (this.#gesture === 'drag') this.#output.button(false, 1);
    this.#gesture = this.#fingers.size === 2 && this.#gesture !== 'long' ? 'two' : 'over';
    this.#start = this.#middle();
  }

  move(id: number, at: Point): void {
    if (!this.#fingers.has(id)) return;
    const before = this.#middle();
    this.#fingers.set(id, at);
    const now = this.#middle();
    switch (this.#gesture) {
      case 'maybe_tap':
        if (!this.#left_start(now)) return;
        this.#timers.clear('long');
        this.#gesture = 'drag';
        this.#output.move(this.#start);
        this.#output.button(true, 1);
        this.#output.move(at);
        return;
      case 'drag':
        this.#output.move(at);
        return;
      case 'two':
        if (!this.#left_start(now)) return;
        this.#gesture = 'scroll';
        this.#output.move(this.#start);
        this.#output.scroll(now.x - this.#start.x, now.y - this.#start.y);
        return;
      case 'scroll':
        this.#output.scroll(now.x - before.x, now.y - before.y);
        return;
      default:
    }
  }

  up(id: number): void {
    if (!this.#fingers.delete(id)) return;
    this.#timers.clear('long');
    const gesture = this.#gesture;
    if (gesture === 'two') {
      this.#gesture = 'over';
      this.#click(3);
    } else if (gesture === 'scroll') {
      this.#gesture = 'over';
    }
    if (this.#fingers.size > 0) return;
    this.#gesture = 'none';
    if (gesture === 'maybe_tap') this.#click(1);
    else if (gesture === 'drag') this.#output.button(false, 1);
  }

  cancel(): void {
    this.#timers.clear_all();
    if (this.#gesture === 'drag') this.#output.button(false, 1);
    this.#fingers.clear();
    this.#gesture = 'none';
  }

  #long_press(): void {
    if (this.#gesture !== 'maybe_tap') return;
    this.#gesture = 'long';
    this.#click(3);
  }

  #click(button: number): void {
    this.#output.move(this.#start);
    this.#output.button(true, button);
    this.#output.button(false, button);
  }

  #left_start(at: Point): boolean {
    return Math.hypot(at.x - this.#start.x, at.y - this.#start.y) > slop_px;
  }

  #middle(): Point {
    let x = 0;
    let y = 0;
    for (const finger of this.#fingers.values()) {
      x += finger.x;
      y += finger.y;
    }
    const count = Math.max(this.#fingers.size, 1);
    return { x: x / count, y: y / count };
  }
}
