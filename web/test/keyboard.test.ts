// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Keyboard, platform_of, type KeyboardEventLike, type KeyboardOptions } from '../core/keyboard.ts';
import { keysym_of_key, keysyms_of_text, XK } from '../core/keysym.ts';
import { FakeClock } from './fakes.ts';

// key, code, location → keysym (undefined: none)
const table: readonly (readonly [string, string, number, number | undefined])[] = [
  ['a', 'KeyA', 0, 0x61], ['A', 'KeyA', 0, 0x41], [' ', 'Space', 0, 0x20], ['1', 'Digit1', 0, 0x31],
  ['!', 'Digit1', 0, 0x21], ['/', 'Digit7', 0, 0x2f], ['@', 'KeyQ', 0, 0x40], ['~', 'Backquote', 0, 0x7e],
  ['ä', 'Quote', 0, 0xe4], ['Ä', 'Quote', 0, 0xc4], ['ß', 'Minus', 0, 0xdf], ['é', 'Digit2', 0, 0xe9],
  ['ñ', 'Semicolon', 0, 0xf1], ['¿', 'Equal', 0, 0xbf], ['\u00a0', 'Space', 0, 0xa0],
  ['€', 'KeyE', 0, 0x010020ac], ['ł', 'KeyL', 0, 0x01000142], ['ж', 'Semicolon', 0, 0x01000436],
  ['ω', 'KeyV', 0, 0x010003c9], ['א', 'KeyT', 0, 0x010005d0], ['あ', 'Digit3', 0, 0x01003042],
  ['漢', '', 0, 0x01006f22], ['😀', '', 0, 0x0101f600],
  ['Shift', 'ShiftLeft', 1, 0xffe1], ['Shift', 'ShiftRight', 2, 0xffe2],
  ['Control', 'ControlLeft', 1, 0xffe3], ['Control', 'ControlRight', 2, 0xffe4],
  ['Alt', 'AltLeft', 1, 0xffe9], ['Alt', 'AltRight', 2, 0xffea], ['AltGraph', 'AltRight', 2, 0xfe03],
  ['Meta', 'MetaLeft', 1, 0xffeb], ['Meta', 'MetaRight', 2, 0xffec], ['OS', 'OSLeft', 1, 0xffeb],
  ['CapsLock', 'CapsLock', 0, undefined], ['NumLock', 'NumLock', 3, undefined], ['Fn', 'Fn', 0, undefined],
  ['Backspace', 'Backspace', 0, 0xff08], ['Tab', 'Tab', 0, 0xff09], ['Enter', 'Enter', 0, 0xff0d],
  ['Escape', 'Escape', 0, 0xff1b], ['Delete', 'Delete', 0, 0xffff], ['Insert', 'Insert', 0, 0xff63],
  ['Home', 'Home', 0, 0xff50], ['End', 'End', 0, 0xff57], ['PageUp', 'PageUp', 0, 0xff55],
  ['PageDown', 'PageDown', 0, 0xff56], ['ArrowLeft', 'ArrowLeft', 0, 0xff51], ['ArrowUp', 'ArrowUp', 0, 0xff52],
  ['ArrowRight', 'ArrowRight', 0, 0xff53], ['ArrowDown', 'ArrowDown', 0, 0xff54],
  ['F1', 'F1', 0, 0xffbe], ['F12', 'F12', 0, 0xffc9], ['F24', 'F24', 0, 0xffd5], ['F36', '', 0, undefined],
  ['ContextMenu', 'ContextMenu', 0, 0xff67], ['PrintScreen', 'PrintScreen', 0, 0xff61],
  ['Pause', 'Pause', 0, 0xff13], ['ScrollLock', 'ScrollLock', 0, 0xff14],
  ['0', 'Numpad0', 3, 0xffb0], ['9', 'Numpad9', 3, 0xffb9], ['.', 'NumpadDecimal', 3, 0xffae],
  [',', 'NumpadDecimal', 3, 0xffac], ['+', 'NumpadAdd', 3, 0xffab], ['-', 'NumpadSubtract', 3, 0xffad],
  ['*', 'NumpadMultiply', 3, 0xffaa], ['/', 'NumpadDivide', 3, 0xffaf], ['=', 'NumpadEqual', 3, 0xffbd],
  ['Enter', 'NumpadEnter', 3, 0xff8d], ['Home', 'Numpad7', 3, 0xff95], ['ArrowDown', 'Numpad2', 3, 0xff99],
  ['Clear', 'Numpad5', 3, 0xff9d], ['Delete', 'NumpadDecimal', 3, 0xff9f],
  ['AudioVolumeMute', 'AudioVolumeMute', 0, 0x1008ff12], ['AudioVolumeUp', '', 0, 0x1008ff13],
  ['MediaPlayPause', '', 0, 0x1008ff14], ['MediaTrackNext', '', 0, 0x1008ff17], ['BrowserBack', '', 0, 0x1008ff26],
  ['Dead', 'BracketRight', 0, undefined], ['Process', 'KeyA', 0, undefined], ['Unidentified', '', 0, undefined],
  ['', '', 0, undefined], ['SomethingNew', 'X', 0, undefined], ['\ud83d', '', 0, undefined],
];

for (const [key, code, location, keysym] of table)
  test(`key ${JSON.stringify(key)} at ${code || 'no code'}, ${location}`, () => {
    assert.equal(keysym_of_key({ key, code, location })?.toString(16), keysym?.toString(16));
  });

test('text becomes keysyms, line ends one Return each', () => {
  assert.deepEqual(keysyms_of_text('aß\r\n\t€'), [0x61, 0xdf, XK.Return, XK.Tab, 0x010020ac]);
  assert.equal(keysyms_of_text('x'.repeat(50), 20).length, 20);
  assert.deepEqual(keysyms_of_text('\u0001\u0085'), []);
});

function board(options: Partial<KeyboardOptions> = {}) {
  const clock = new FakeClock();
  const log: string[] = [];
  const keyboard = new Keyboard(
    {
      key: (down, keysym) => log.push(`${down ? '+' : '-'}${keysym.toString(16)}`),
      released_by_person: () => log.push('given back'),
    },
    clock,
    { platform: 'other', cmd: 'control', level_fix: false, ...options },
  );
  return { clock, keyboard, log };
}

function event(key: string, code: string, more: Partial<KeyboardEventLike> = {}): KeyboardEventLike {
  const location = code.endsWith('Left') && code !== 'ArrowLeft' ? 1 : code.endsWith('Right') && code !== 'ArrowRight' ? 2 : 0;
  return { key, code, location, ctrlKey: false, altKey: false, shiftKey: false, repeat: false, isComposing: false, ...more };
}

test('a key goes up as it went down, whatever Shift did meanwhile', () => {
  const { keyboard, log } = board();
  keyboard.down(event('Shift', 'ShiftLeft'));
  keyboard.down(event('A', 'KeyA'));
  keyboard.up(event('Shift', 'ShiftLeft'));
  keyboard.up(event('a', 'KeyA'));
  assert.deepEqual(log, ['+ffe1', '+41', '-ffe1', '-41']);
});

test('everything goes up at once, newest first, and no timer is left', () => {
  const { keyboard, log, clock } = board({ platform: 'windows' });
  keyboard.down(event('Shift', 'ShiftLeft'));
  keyboard.down(event('x', 'KeyX'));
  keyboard.down(event('Control', 'ControlLeft'));
  keyboard.release_all();
  assert.deepEqual(log, ['+ffe1', '+78', '-78', '-ffe1']);
  assert.equal(keyboard.held_count, 0);
  assert.equal(clock.waiting, 0);
});

test('Control, Alt and Shift together give the keyboard back with every key up', () => {
  const { keyboard, log } = board();
  keyboard.down(event('Control', 'ControlLeft', { ctrlKey: true }));
  keyboard.down(event('Alt', 'AltLeft', { ctrlKey: true, altKey: true }));
  keyboard.down(event('Shift', 'ShiftLeft', { ctrlKey: true, altKey: true, shiftKey: true }));
  assert.deepEqual(log, ['+ffe3', '+ffe9', '-ffe9', '-ffe3', 'given back']);
});

test('repeats are the far side’s business', () => {
  const { keyboard, log } = board();
  keyboard.down(event('a', 'KeyA'));
  assert.ok(keyboard.down(event('a', 'KeyA', { repeat: true })));
  assert.deepEqual(log, ['+61']);
});

test('neko gets a held key again before it lets go of it', () => {
  const { keyboard, log, clock } = board({ level_fix: true });
  keyboard.down(event('a', 'KeyA'));
  clock.advance(9_500);
  keyboard.down(event('a', 'KeyA', { repeat: true }));
  assert.deepEqual(log, ['+61', '+61']);
});

test('dead keys and input methods are left to the text field', () => {
  const { keyboard, log } = board();
  assert.equal(keyboard.down(event('Dead', 'Equal')), false);
  assert.equal(keyboard.down(event('Process', 'KeyA')), false);
  assert.equal(keyboard.down(event('a', 'KeyA', { isComposing: true })), false);
  assert.equal(keyboard.down(event('a', 'KeyA', { keyCode: 229 })), false);
  assert.deepEqual(log, []);
  assert.equal(keyboard.text('é'), 1);
  assert.deepEqual(log, ['+e9', '-e9']);
});

test('the Control of an AltGr on Windows is never pressed', () => {
  const { keyboard, log, clock } = board({ platform: 'windows' });
  keyboard.down(event('Control', 'ControlLeft', { ctrlKey: true }));
  keyboard.down(event('AltGraph', 'AltRight', { ctrlKey: true, altKey: true }));
  keyboard.down(event('@', 'KeyQ', { ctrlKey: true, altKey: true }));
  keyboard.down(event('Shift', 'ShiftLeft', { ctrlKey: true, altKey: true, shiftKey: true }));
  clock.advance(1_000);
  assert.deepEqual(log, ['+fe03', '+40', '+ffe1']);
});

test('a Control of its own on Windows comes before the key that follows', () => {
  const { keyboard, log, clock } = board({ platform: 'windows' });
  keyboard.down(event('Control', 'ControlLeft', { ctrlKey: true }));
  keyboard.down(event('c', 'KeyC', { ctrlKey: true }));
  keyboard.up(event('c', 'KeyC', { ctrlKey: true }));
  keyboard.up(event('Control', 'ControlLeft'));
  assert.deepEqual(log, ['+ffe3', '+63', '-63', '-ffe3']);
  keyboard.down(event('Control', 'ControlLeft', { ctrlKey: true }));
  clock.advance(100);
  assert.deepEqual(log.slice(4), ['+ffe3']);
});

test('Cmd is Control on a Mac, and its keys go up at once', () => {
  const { keyboard, log } = board({ platform: 'mac' });
  keyboard.down(event('Meta', 'MetaLeft'));
  keyboard.down(event('c', 'KeyC'));
  keyboard.up(event('Meta', 'MetaLeft'));
  assert.deepEqual(log, ['+ffe3', '+63', '-63', '-ffe3']);
  const plain = board({ platform: 'mac', cmd: 'super' });
  plain.keyboard.down(event('Meta', 'MetaLeft'));
  assert.deepEqual(plain.log, ['+ffeb']);
});

test('Shift is put right around each character for an engine that presses bare keys', () => {
  const { keyboard, log } = board({ level_fix: true });
  keyboard.text('aB');
  assert.deepEqual(log, ['+61', '-61', '+ffe1', '+42', '-42', '-ffe1']);
  log.length = 0;
  // Shift+7 is a slash on a German keyboard and bare on the engine's.
  keyboard.down(event('Shift', 'ShiftLeft'));
  keyboard.down(event('/', 'Digit7', { shiftKey: true }));
  assert.deepEqual(log, ['+ffe1', '-ffe1', '+2f', '+ffe1']);
});

test('two keys with one keysym go up once, with the last of them', () => {
  const { keyboard, log } = board({ platform: 'mac' });
  keyboard.down(event('Control', 'ControlLeft'));
  keyboard.down(event('Meta', 'MetaLeft'));
  keyboard.up(event('Control', 'ControlLeft'));
  keyboard.up(event('Meta', 'MetaLeft'));
  assert.deepEqual(log, ['+ffe3', '+ffe3', '-ffe3']);
});

test('sticky modifiers hold for one tapped key', () => {
  const { keyboard, log } = board();
  assert.ok(keyboard.toggle_sticky(XK.Control_L));
  keyboard.tap(0x63);
  keyboard.tap(0x64);
  assert.deepEqual(log, ['+ffe3', '+63', '-63', '-ffe3', '+64', '-64']);
});

test('platforms are told apart', () => {
  assert.deepEqual(['MacIntel', 'Win32', 'Linux x86_64', 'iPhone', ''].map(platform_of), ['mac', 'windows', 'other', 'mac', 'other']);
});
