// SPDX-License-Identifier: Apache-2.0
// What one KeyboardEvent means as an X keysym. A pure table: the browser has already applied
// the person's layout, Shift, AltGr and dead keys, so the character in `key` is the truth and
// `code` is asked only which side and whether it is the keypad.

export interface KeyInput {
  readonly key: string;
  readonly code: string;
  /** 0 standard, 1 left, 2 right, 3 keypad. */
  readonly location: number;
}

export const XK = {
  BackSpace: 0xff08,
  Tab: 0xff09,
  Return: 0xff0d,
  Escape: 0xff1b,
  Delete: 0xffff,
  Home: 0xff50,
  Left: 0xff51,
  Up: 0xff52,
  Right: 0xff53,
  Down: 0xff54,
  Page_Up: 0xff55,
  Page_Down: 0xff56,
  End: 0xff57,
  Shift_L: 0xffe1,
  Shift_R: 0xffe2,
  Control_L: 0xffe3,
  Control_R: 0xffe4,
  Alt_L: 0xffe9,
  Alt_R: 0xffea,
  Super_L: 0xffeb,
  Super_R: 0xffec,
  Level3: 0xfe03,
} as const;

/** [standard or left, right]. */
const modifiers: Readonly<Record<string, readonly [number, number]>> = {
  Shift: [XK.Shift_L, XK.Shift_R],
  Control: [XK.Control_L, XK.Control_R],
  Alt: [XK.Alt_L, XK.Alt_R],
  Meta: [XK.Super_L, XK.Super_R],
  OS: [XK.Super_L, XK.Super_R],
  Super: [XK.Super_L, XK.Super_R],
  Hyper: [0xffed, 0xffee],
  AltGraph: [XK.Level3, XK.Level3],
};

const named: Readonly<Record<string, number>> = {
  Backspace: XK.BackSpace,
  Tab: XK.Tab,
  Clear: 0xff0b,
  Enter: XK.Return,
  Pause: 0xff13,
  Escape: XK.Escape,
  Delete: XK.Delete,
  Home: XK.Home,
  ArrowLeft: XK.Left,
  ArrowUp: XK.Up,
  ArrowRight: XK.Right,
  ArrowDown: XK.Down,
  PageUp: XK.Page_Up,
  PageDown: XK.Page_Down,
  End: XK.End,
  Select: 0xff60,
  PrintScreen: 0xff61,
  Execute: 0xff62,
  Insert: 0xff63,
  Undo: 0xff65,
  Redo: 0xff66,
  ContextMenu: 0xff67,
  Find: 0xff68,
  Cancel: 0xff69,
  Help: 0xff6a,
  ModeChange: 0xff7e,
  ScrollLock: 0xff14,
  // Input methods and Asian keyboards.
  Convert: 0xff23,
  NonConvert: 0xff22,
  KanaMode: 0xff2d,
  KanjiMode: 0xff21,
  Romaji: 0xff24,
  Hiragana: 0xff25,
  Katakana: 0xff26,
  HiraganaKatakana: 0xff27,
  Zenkaku: 0xff28,
  Hankaku: 0xff29,
  ZenkakuHankaku: 0xff2a,
  Eisu: 0xff30,
  HangulMode: 0xff31,
  HanjaMode: 0xff34,
  // XF86 media and system keys.
  AudioVolumeDown: 0x1008ff11,
  AudioVolumeMute: 0x1008ff12,
  AudioVolumeUp: 0x1008ff13,
  MediaPlayPause: 0x1008ff14,
  MediaPlay: 0x1008ff14,
  MediaPause: 0x1008ff31,
  MediaStop: 0x1008ff15,
  MediaTrackPrevious: 0x1008ff16,
  MediaTrackNext: 0x1008ff17,
  MediaRecord: 0x1008ff1c,
  MediaRewind: 0x1008ff3e,
  MediaFastForward: 0x1008ff97,
  MicrophoneVolumeMute: 0x1008ffb2,
  BrowserBack: 0x1008ff26,
  BrowserForward: 0x1008ff27,
  BrowserRefresh: 0x1008ff29,
  BrowserStop: 0x1008ff28,
  BrowserSearch: 0x1008ff1b,
  BrowserFavorites: 0x1008ff30,
  BrowserHome: 0x1008ff18,
  LaunchMail: 0x1008ff19,
  LaunchApplication1: 0x1008ff33,
  LaunchApplication2: 0x1008ff1d,
  LaunchCalculator: 0x1008ff1d,
  LaunchMediaPlayer: 0x1008ff32,
  BrightnessDown: 0x1008ff03,
  BrightnessUp: 0x1008ff02,
  Eject: 0x1008ff2c,
  Copy: 0x1008ff57,
  Cut: 0x1008ff58,
  Paste: 0x1008ff6d,
  ZoomIn: 0x1008ff8b,
  ZoomOut: 0x1008ff8c,
};

const keypad: Readonly<Record<string, number>> = {
  Enter: 0xff8d,
  Home: 0xff95,
  ArrowLeft: 0xff96,
  ArrowUp: 0xff97,
  ArrowRight: 0xff98,
  ArrowDown: 0xff99,
  PageUp: 0xff9a,
  PageDown: 0xff9b,
  End: 0xff9c,
  Clear: 0xff9d,
  Insert: 0xff9e,
  Delete: 0xff9f,
  '=': 0xffbd,
  '*': 0xffaa,
  '+': 0xffab,
  ',': 0xffac,
  '-': 0xffad,
  '.': 0xffae,
  '/': 0xffaf,
};

/**
 * Lock keys stay here: what they do is already in the character, and a second lock on the far
 * side could only disagree with ours.
 */
const kept_here = new Set(['CapsLock', 'NumLock', 'Fn', 'FnLock', 'Symbol', 'SymbolLock']);

/** The keysym of one character, as X defines it: Latin-1 is itself, the rest is Unicode + 2^24. */
export function keysym_of_char(char: string): number | undefined {
  const point = char.codePointAt(0);
  if (point === undefined) return undefined;
  if (point === 0x0a || point === 0x0d) return XK.Return;
  if (point === 0x09) return XK.Tab;
  if (point === 0x08) return XK.BackSpace;
  if (point === 0x1b) return XK.Escape;
  if (point === 0x7f) return XK.Delete;
  if (point < 0x20 || (point > 0x7f && point < 0xa0)) return undefined;
  if (point >= 0xd800 && point <= 0xdfff) return undefined; // half a surrogate pair
  return point <= 0xff ? point : 0x01000000 | point;
}

/** True for a key whose text comes later, from a composition or an input method. */
export function is_composing_key(key: string): boolean {
  return key === 'Dead' || key === 'Process' || key === 'Compose' || key === 'Unidentified';
}

/** The keysym, or nothing for a key that has none (dead keys, locks, unknown names). */
export function keysym_of_key(input: KeyInput): number | undefined {
  const { key, location } = input;
  if (key === '' || is_composing_key(key) || kept_here.has(key)) return undefined;
  const modifier = modifiers[key];
  if (modifier) return location === 2 || input.code.endsWith('Right') ? modifier[1] : modifier[0];
  if (location === 3) {
    if (key.length === 1 && key >= '0' && key <= '9') return 0xffb0 + Number(key);
    const pad = keypad[key];
    if (pad !== undefined) return pad;
  }
  const special = named[key];
  if (special !== undefined) return special;
  const function_key = /^F([1-9]|[12][0-9]|3[0-5])$/.exec(key);
  if (function_key) return 0xffbd + Number(function_key[1]);
  const chars = Array.from(key);
  return chars.length === 1 ? keysym_of_char(key) : undefined;
}

/** The keysyms that type a text, line ends as Return. What X cannot name is left out. */
export function keysyms_of_text(text: string, limit = 10_000): number[] {
  const keysyms: number[] = [];
  for (const char of text.replace(/\r\n/g, '\n')) {
    if (keysyms.length >= limit) break;
    const keysym = keysym_of_char(char);
    if (keysym !== undefined) keysyms.push(keysym);
  }
  return keysyms;
}

export function is_shift(keysym: number): boolean {
  return keysym === XK.Shift_L || keysym === XK.Shift_R;
}

export function is_modifier(keysym: number): boolean {
  return keysym === XK.Level3 || (keysym >= 0xffe1 && keysym <= 0xffee);
}

/** Whether a US keyboard needs Shift for this printable ASCII keysym; nothing for all others. */
export function us_shift(keysym: number): boolean | undefined {
  if (keysym <= 0x20 || keysym > 0x7e) return undefined;
  const char = String.fromCharCode(keysym);
  return /[A-Z~!@#$%^&*()_+{}|:"<>?]/.test(char);
}
