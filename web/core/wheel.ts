// SPDX-License-Identifier: Apache-2.0
// Wheel events into whole wheel clicks. A notch of a real wheel is one click, whatever the
// browser calls it in pixels; a touch pad's small deltas add up. The engine counts up and left
// as positive, the DOM down and right.

import { max_scroll_clicks } from './codec.ts';

export interface WheelInput {
  readonly deltaX: number;
  readonly deltaY: number;
  /** 0 pixels, 1 lines, 2 pages. */
  readonly deltaMode: number;
  /** Chromium and Safari: 120 per notch, down is negative. */
  readonly wheelDeltaX?: number;
  readonly wheelDeltaY?: number;
}

export interface Clicks {
  readonly left: number;
  readonly up: number;
}

const pixels_per_click = 60;
const lines_per_click = 3;
const idle_ms = 400;

function notches(delta: number, mode: number, legacy: number | undefined): number | undefined {
  if (mode !== 0 || legacy === undefined) return undefined;
  // A touch pad reports three times its pixels here, so 40 px look like a notch: ask for both.
  if (legacy === 0 || legacy % 120 !== 0 || Math.abs(delta) < 50) return undefined;
  return -legacy / 120;
}

export class WheelAccumulator {
  #x = 0;
  #y = 0;
  #last_ms = Number.NEGATIVE_INFINITY;

  /** The whole clicks that are due now; what is left over waits for the next event. */
  add(event: WheelInput, now_ms: number): Clicks {
    if (now_ms - this.#last_ms > idle_ms) this.reset();
    this.#last_ms = now_ms;
    const right = this.#axis('x', event.deltaX, event.deltaMode, event.wheelDeltaX);
    const down = this.#axis('y', event.deltaY, event.deltaMode, event.wheelDeltaY);
    return { left: right === 0 ? 0 : -right, up: down === 0 ? 0 : -down };
  }

  reset(): void {
    this.#x = 0;
    this.#y = 0;
  }

  #axis(axis: 'x' | 'y', delta: number, mode: number, legacy: number | undefined): number {
    if (delta === 0 || !Number.isFinite(delta)) return 0;
    const unit = mode === 0 ? pixels_per_click : mode === 1 ? lines_per_click : 1;
    let sum = axis === 'x' ? this.#x : this.#y;
    if (Math.sign(sum) !== Math.sign(delta)) sum = 0; // turning round acts at once
    sum += notches(delta, mode, legacy) ?? delta / unit;
    const whole = Math.trunc(sum + Math.sign(sum) * 1e-6); // six sixths are one
    const rest = sum - whole;
    if (axis === 'x') this.#x = rest;
    else this.#y = rest;
    return Math.min(Math.max(whole, -max_scroll_clicks), max_scroll_clicks);
  }
}
