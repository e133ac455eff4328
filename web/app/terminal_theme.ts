// SPDX-License-Identifier: Apache-2.0
// The terminal's colours: those of the page for ground and text, and sixteen of its own for each
// theme, which xterm.js can take only as values.

import type { ITheme } from '@xterm/xterm';

const light: ITheme = {
  black: '#1a1f1c', red: '#ad241c', green: '#17694c', yellow: '#855300', blue: '#1d5ba6', magenta: '#8a2f86', cyan: '#0f6b78', white: '#6d7771',
  brightBlack: '#59615c', brightRed: '#c8372e', brightGreen: '#1f8a63', brightYellow: '#a06a0a', brightBlue: '#2f74c9', brightMagenta: '#a545a0',
  brightCyan: '#178897', brightWhite: '#3a423d',
};
const dark: ITheme = {
  black: '#3a423d', red: '#ff938a', green: '#63d3a4', yellow: '#efb956', blue: '#88bcff', magenta: '#e0a3e8', cyan: '#79d2dc', white: '#d5dbd7',
  brightBlack: '#8d9891', brightRed: '#ffb4ad', brightGreen: '#8fe6c1', brightYellow: '#ffd58c', brightBlue: '#b0d3ff', brightMagenta: '#f0c4f5',
  brightCyan: '#a5e6ed', brightWhite: '#f4f6f4',
};

/** As the element and its theme stand now. */
export function theme_of(element: HTMLElement): ITheme {
  const style = getComputedStyle(element);
  const ground = style.backgroundColor;
  const parts = ground.match(/[\d.]+/g)?.map(Number) ?? [255];
  const is_dark = (parts[0] ?? 255) < 128;
  return {
    ...(is_dark ? dark : light),
    background: ground,
    foreground: style.color,
    cursor: style.caretColor === 'auto' ? style.color : style.caretColor,
    cursorAccent: ground,
    selectionBackground: is_dark ? '#3d5a4d' : '#bcd9cc',
    scrollbarSliderBackground: is_dark ? '#ffffff33' : '#00000033',
    scrollbarSliderHoverBackground: is_dark ? '#ffffff55' : '#00000055',
    scrollbarSliderActiveBackground: is_dark ? '#ffffff77' : '#00000077',
  };
}
