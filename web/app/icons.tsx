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
  paste: 'M6 5H4.5v12h11V5H14M7 3.5h6v3H7z',
  terminal: 'M2.5 4h15v12h-15zM5.5 8l2.5 2-2.5 2M10 12.5h4',
  tree: 'M3.5 4h5v3.5h-5zM11.5 8.5h5V12h-5zM11.5 13h5v3.5h-5zM6 7.5v7.2h5.5M6 10.2h5.5',
  commands: 'M4 5.5l3 2.5-3 2.5M9 10.5h7M4 15h12',
  activity: 'M2.5 10.5h3.5l2.5-6 3.5 11 2.5-5h3',
  processes: 'M7.5 5.5h9M7.5 10h9M7.5 14.5h9M3.7 5.5h.01M3.7 10h.01M3.7 14.5h.01',
  files: 'M2.5 5h5l1.5 2h8.5v9h-15z',
  file: 'M5 2.5h6.5l3.5 3.5v11.5H5zM11.5 2.5V6H15',
  image: 'M3 4h14v12H3zM3 13.5l4-4 3.5 3.5 2-2 4.5 4M13 7.5h.01',
  captures: 'M2.5 6.5h3.5l1.5-2h5l1.5 2h3.5v9h-15zM10 13.6a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6',
  record: 'M10 15.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11',
  windows: 'M2.5 3.5h10v8h-10zM7.5 11.5v5h10v-8h-5M2.5 6h10',
  minimise: 'M5 14.5h10',
  maximise: 'M4.5 4.5h11v11h-11zM4.5 7h11',
  restore: 'M7 7V4.5h8.5V13H13M4.5 7H13v8.5H4.5z',
  clipboard: 'M6.5 4.5H4.5v12.5h11V4.5h-2M7 3h6v3.2H7zM7.5 10h5M7.5 13h5',
  plus: 'M10 4v12M4 10h12',
  download: 'M10 3.5v9M6.5 9l3.5 3.5L13.5 9M4 16.5h12',
  upload: 'M10 13V4M6.5 7.5L10 4l3.5 3.5M4 16.5h12',
  folder_new: 'M2.5 5h5l1.5 2h8.5v9h-15zM10 9.2v5M7.5 11.7h5',
  edit: 'M4 16l.8-3.4L13.5 4l2.5 2.5-8.6 8.7z',
  trash: 'M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.8 11.5h7.4l.8-11.5M8.5 8.5v5.5M11.5 8.5v5.5',
  reader: 'M3 4.5h14v8H3zM7 16h6M10 12.5V16M6 7.5h5M6 9.8h8',
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
