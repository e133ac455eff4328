// SPDX-License-Identifier: Apache-2.0
// Keys that a touch keyboard lacks. Ctrl, Alt and Super hold for the next key.

import { useSignal } from '@preact/signals';

import { XK } from '../core/keysym.ts';
import { keyboard } from './model.ts';

const sticky = [['Ctrl', XK.Control_L], ['Alt', XK.Alt_L], ['Super', XK.Super_L]] as const;
const taps = [
  ['Esc', 'Esc', XK.Escape],
  ['Tab', 'Tab', XK.Tab],
  ['←', 'Left', XK.Left],
  ['↑', 'Up', XK.Up],
  ['↓', 'Down', XK.Down],
  ['→', 'Right', XK.Right],
  ['Del', 'Del', XK.Delete],
] as const;

export function TouchKeys() {
  const drawn = useSignal(0); // sticky keys live in the keyboard: count to draw again
  const again = () => {
    drawn.value += 1;
  };
  // Focus stays in the text field, else the touch keyboard would close.
  const keep_focus = (event: Event) => event.preventDefault();
  return (
    <div class="touch-keys" role="toolbar" aria-label="Keys" data-testid="touch-keys" data-drawn={drawn.value}>
      {sticky.map(([label, keysym]) => (
        <button
          type="button"
          class="key"
          key={label}
          aria-pressed={keyboard.is_sticky(keysym)}
          onPointerDown={keep_focus}
          onClick={() => { keyboard.toggle_sticky(keysym); again(); }}
        >
          {label}
        </button>
      ))}
      {taps.map(([label, name, keysym]) => (
        <button type="button" class="key" key={name} aria-label={name} onPointerDown={keep_focus} onClick={() => { keyboard.tap(keysym); again(); }}>
          {label}
        </button>
      ))}
    </div>
  );
}
