// SPDX-License-Identifier: Apache-2.0
// The page's own icons: strokes on a 20 × 20 grid, coloured by the text around them.

const paths = {
  sound: 'M4 8v4h3l4 3.5v-11L7 8H4zM14 7.5a3.5 3.5 0 0 1 0 5M16 5a7 7 0 0 1 0 10',
  muted: 'M4 8v4h3l4 3.5v-11L7 8H4zM14 8l4 4M18 8l-4 4',
  keyboard: 'M2.5 5.5h15v9h-15zM5 8.2h.01M8 8.2h.01M11 8.2h.01M14.5 8.2h.01M6.5 11.6h7',
  stats: 'M3 16.5h14M5 13.5v-4M10 13.5V4.5M15 13.5V8',
  full: 'M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4',
  unfull: 'M7.5 3.5v4h-4M16.5 7.5h-4v-4M12.5 16.5v-4h4M3.5 12.5h4v4',
  panel: 'M2.5 4h15v12h-15zM12.5 4v12',
  menu: 'M10 4.2v.6M10 9.7v.6M10 15.2v.6',
  restart: 'M16 10a6 6 0 1 1-1.8-4.3M16.2 3v3.4h-3.4',
  stop: 'M5.5 5.5h9v9h-9z',
  play: 'M6.5 4.5l8 5.5-8 5.5z',
  pause: 'M7 5v10M13 5v10',
  chevron: 'M7.5 5l5 5-5 5',
  hand: 'M4.5 3.5l11.5 5-4.8 1.7L9 15.5z',
  close: 'M5 5l10 10M15 5L5 15',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  warn: 'M10 3.5l7.5 13h-15zM10 8.5v3.5M10 14.2h.01',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path d="M10 7v18M22 7v18M10 17c3-4 9-4 12 0" />
    </svg>
  );
}
