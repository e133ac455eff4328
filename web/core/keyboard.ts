// SPDX-License-Identifier: Apache-2.0
// Keys that are down, and what is sent for them. A key goes up as the keysym with which it went
// down, whatever Shift did meanwhile; everything goes up when the page loses focus or control.
// It decides what the browser may not act upon; Ctrl+Alt+Shift is always the person's way out.

import type { Clock } from './clock.ts';
import { Timers } from './clock.ts';
import type { KeyInput } from './keysym.ts';
import {
  is_composing_key,
  is_modifier,
  is_shift,
  keysym_of_key,
  keysyms_of_text,
  us_shift,
  XK,
} from './keysym.ts';

export interface KeyboardEventLike extends KeyInput {
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly repeat: boolean;
  readonly isComposing: boolean;
  readonly keyCode?: number;
}

export type Platform = 'mac' | 'windows' | 'other';

export interface KeyboardOptions {
  readonly platform: Platform;
  /** What Cmd is on the desktop: Control makes Cmd+C copy; Super passes it as it is. */
  readonly cmd: 'control' | 'super';
  /**
   * True for an engine that presses the key of a keysym without caring for Shift (real neko with
   * its US layout): Shift is then put right around each character.
   */
  level_fix: boolean;
}

export interface KeyboardOutput {
  key(down: boolean, keysym: number): void;
  /** Ctrl+Alt+Shift: everything is up already; the page gives the keyboard back. */
  released_by_person(): void;
}

/** How long a Control on Windows waits to see whether it is half of an AltGr. */
const altgr_wait_ms = 60;
/** neko lets go of a key after ten seconds; a repeat after that presses it again. */
const press_again_ms = 9_000;

interface Held {
  readonly keysym: number;
  since_ms: number;
}

export class Keyboard {
  readonly #output: KeyboardOutput;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #held = new Map<string, Held>();
  readonly #sticky = new Set<number>();
  #pending_control: (() => void) | undefined;
  options: KeyboardOptions;

  constructor(output: KeyboardOutput, clock: Clock, options: KeyboardOptions) {
    this.#output = output;
    this.#clock = clock;
    this.#timers = new Timers(clock);
    this.options = options;
  }

  /** True when the browser must not act upon the event. */
  down(event: KeyboardEventLike): boolean {
    if (event.isComposing || event.keyCode === 229 || is_composing_key(event.key)) {
      this.#flush_control();
      return false; // the text comes by `text`
    }
    let keysym = keysym_of_key(event);
    if (keysym === undefined) return event.key === 'CapsLock' ? false : event.key.length > 1;
    if (this.#control_or_altgr(event, keysym)) return true;
    keysym = this.#mapped(keysym);
    const id = event.code || event.key;
    if (event.repeat && this.#held.has(id)) {
      this.#repeat(id);
      return true;
    }
    const all_three = event.ctrlKey && event.altKey && event.shiftKey;
    if (is_modifier(keysym) && all_three && !this.#level3_is_held()) {
      this.release_all();
      this.#output.released_by_person();
      return true;
    }
    // macOS never tells of a key's end while Cmd is down.
    const momentary =
      this.options.platform === 'mac' && !is_modifier(keysym) && this.#cmd_is_held();
    if (!this.#held.has(id)) this.#press(id, keysym);
    if (momentary) this.#lift(id);
    return true;
  }

  up(event: KeyboardEventLike): boolean {
    this.#flush_control();
    const id = event.code || event.key;
    const known = this.#held.has(id);
    this.#lift(id);
    return known;
  }

  /** Text that no single key stands for: dead keys, input methods, pasted and touch keyboards. */
  text(text: string): number {
    const keysyms = keysyms_of_text(text);
    for (const keysym of keysyms) this.tap(keysym);
    return keysyms.length;
  }

  /** One key down and up, with the sticky modifiers around it. */
  tap(keysym: number): void {
    for (const modifier of this.#sticky) this.#output.key(true, modifier);
    this.#with_level(keysym, () => {
      this.#output.key(true, keysym);
      this.#output.key(false, keysym);
    });
    for (const modifier of [...this.#sticky].reverse()) this.#output.key(false, modifier);
    this.#sticky.clear();
  }

  /** Modifier buttons of the touch bar: they hold for the next tapped key. */
  toggle_sticky(keysym: number): boolean {
    if (this.#sticky.delete(keysym)) return false;
    this.#sticky.add(keysym);
    return true;
  }

  is_sticky(keysym: number): boolean {
    return this.#sticky.has(keysym);
  }

  /** Everything up: blur, a hidden page, control lost, the connection gone. */
  release_all(): void {
    this.#timers.clear_all();
    this.#pending_control = undefined;
    this.#sticky.clear();
    for (const id of [...this.#held.keys()].reverse()) this.#lift(id);
  }

  get held_count(): number {
    return this.#held.size;
  }

  /** Windows sends Control before each AltGr; that Control was never pressed by anyone. */
  #control_or_altgr(event: KeyboardEventLike, keysym: number): boolean {
    if (this.options.platform !== 'windows') return false;
    if (keysym === XK.Control_L && !event.repeat && !this.#held.has(event.code)) {
      this.#pending_control = () => this.#press(event.code, XK.Control_L);
      this.#timers.set('altgr', altgr_wait_ms, () => this.#flush_control());
      return true;
    }
    if (event.code === 'AltRight' && this.#pending_control) {
      this.#timers.clear('altgr');
      this.#pending_control = undefined;
      this.#press(event.code, XK.Level3);
      return true;
    }
    this.#flush_control();
    return false;
  }

  #flush_control(): void {
    const press = this.#pending_control;
    if (!press) return;
    this.#pending_control = undefined;
    this.#timers.clear('altgr');
    press();
  }

  #mapped(keysym: number): number {
    if (this.options.platform !== 'mac') return keysym;
    if (this.options.cmd === 'control') {
      if (keysym === XK.Super_L) return XK.Control_L;
      if (keysym === XK.Super_R) return XK.Control_R;
    }
    // Option writes characters on a Mac: it is AltGr, not Alt.
    return keysym === XK.Alt_R ? XK.Level3 : keysym;
  }

  /** AltGr+Shift looks like Ctrl+Alt+Shift on Windows, and is not. */
  #level3_is_held(): boolean {
    return [...this.#held.values()].some((held) => held.keysym === XK.Level3);
  }

  #cmd_is_held(): boolean {
    return this.#held.has('MetaLeft') || this.#held.has('MetaRight');
  }

  #press(id: string, keysym: number): void {
    const sent = this.options.level_fix ? plain_keypad(keysym) : keysym;
    this.#held.set(id, { keysym: sent, since_ms: this.#clock.now() });
    this.#with_level(sent, () => this.#output.key(true, sent));
  }

  #lift(id: string): void {
    const held = this.#held.get(id);
    if (!held) return;
    this.#held.delete(id);
    for (const other of this.#held.values()) if (other.keysym === held.keysym) return;
    this.#output.key(false, held.keysym);
  }

  #repeat(id: string): void {
    const held = this.#held.get(id);
    if (!held || !this.options.level_fix) return;
    const now = this.#clock.now();
    if (now - held.since_ms < press_again_ms) return;
    held.since_ms = now;
    this.#output.key(true, held.keysym);
  }

  #with_level(keysym: number, send: () => void): void {
    const wanted = this.options.level_fix ? us_shift(keysym) : undefined;
    if (wanted === undefined) {
      send();
      return;
    }
    const shifts = [...this.#held.values()].map((h) => h.keysym).filter(is_shift);
    if (wanted === shifts.length > 0) {
      send();
    } else if (wanted) {
      this.#output.key(true, XK.Shift_L);
      send();
      this.#output.key(false, XK.Shift_L);
    } else {
      for (const shift of shifts) this.#output.key(false, shift);
      send();
      for (const shift of shifts) this.#output.key(true, shift);
    }
  }
}

/** Keypad digits need NumLock on the far side; the plain characters do not. */
function plain_keypad(keysym: number): number {
  if (keysym >= 0xffb0 && keysym <= 0xffb9) return 0x30 + keysym - 0xffb0;
  return keysym === 0xffae ? 0x2e : keysym === 0xffac ? 0x2c : keysym;
}

/** From `navigator.platform` and the like. */
export function platform_of(name: string): Platform {
  if (/mac|iphone|ipad/i.test(name)) return 'mac';
  return /win/i.test(name) ? 'windows' : 'other';
}
