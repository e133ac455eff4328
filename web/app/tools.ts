// SPDX-License-Identifier: Apache-2.0
// The half of the page's model that is used beside the live desktop: terminals, processes, and
// which panel stands open. As in the model: components read it and call it, and own nothing that
// outlives them.

import { effect, signal } from '@preact/signals';

import { system_clock } from '../core/clock.ts';
import { Folder } from '../core/files.ts';
import { Processes, type ProcessInfo } from '../core/processes.ts';
import type { Scope } from '../core/session.ts';
import { Terminals } from '../core/terminals.ts';
import { Uploads } from '../core/uploads.ts';
import { drop_shots, recordings } from './captures.ts';
import { api, follower, mirror, remember, remembered, session, session_state, ws_base } from './model.ts';
import { send_file } from './send_file.ts';

const signed_out = () => session.expired('The session has ended.');

export const processes = new Processes({ api, clock: system_clock, signed_out });
export const process_list = mirror(processes.state);

export const terminals = new Terminals(
  {
    api,
    ws_base,
    make_socket: (url) => new WebSocket(url),
    clock: system_clock,
    random: Math.random,
    signed_out,
  },
  processes,
);
export const terminal_tabs = mirror(terminals.state);
export const dock_open = signal(false);
/** It was open once: then it is kept, and its terminals live on while it is hidden. */
export const dock_wanted = signal(false);
/** Pixels; 0: as the style says. */
export const dock_height = signal(Number(remembered('dock')) || 0);

export const folder = new Folder(api, system_clock, signed_out);
export const folder_state = mirror(folder.state);
export const uploads = new Uploads(send_file, signed_out);
export const upload_list = mirror(uploads.state);

export function show_dock(open: boolean): void {
  if (open) dock_wanted.value = true;
  dock_open.value = open;
}

/** Shows the terminal of a process that exists. */
export function show_terminal(process: ProcessInfo): void {
  terminals.attach(process);
  show_dock(true);
}

export function set_dock_height(pixels: number): void {
  dock_height.value = pixels;
  remember('dock', String(pixels));
}

export const panels = [
  { id: 'tree', label: 'System', icon: 'tree', needs: 'view' },
  { id: 'commands', label: 'Commands', icon: 'commands', needs: 'view' },
  { id: 'activity', label: 'Activity', icon: 'activity', needs: 'view' },
  { id: 'processes', label: 'Processes', icon: 'processes', needs: 'exec' },
  { id: 'files', label: 'Files', icon: 'files', needs: 'fs' },
  { id: 'captures', label: 'Captures', icon: 'captures', needs: 'view' },
  { id: 'windows', label: 'Windows', icon: 'windows', needs: 'view' },
  { id: 'clipboard', label: 'Clipboard', icon: 'clipboard', needs: 'input' },
] as const satisfies readonly { id: string; label: string; icon: string; needs: Scope }[];

export type PanelId = (typeof panels)[number]['id'];
export const panel_tab = signal<PanelId>('tree');

/** The number in the feed of the last change of each selection; 0: none was heard of. */
export const clipboard_changes = signal<Readonly<Record<string, number>>>({});

/** Called once, by main. */
export function run_tools(): void {
  let seen = 0;
  follower.state.subscribe(({ events }) => {
    const newest = events.at(-1);
    if (!newest || newest.seq === seen) return;
    const fresh = events.filter((event) => event.seq > seen || newest.seq < seen);
    seen = newest.seq;
    if (fresh.some((event) => event.kind === 'process')) processes.changed();
    if (fresh.some((event) => event.kind === 'recording')) recordings.changed();
    const copied = fresh.filter((event) => event.kind === 'clipboard').map((event) => [String(event.data.selection), event.seq] as const);
    if (copied.length > 0) clipboard_changes.value = { ...clipboard_changes.value, ...Object.fromEntries(copied) };
  });
  effect(() => {
    if (session_state.value.phase !== 'signed_out') return;
    terminals.close_all();
    uploads.drop_all();
    drop_shots();
    dock_open.value = false;
    dock_wanted.value = false;
  });
  addEventListener('online', () => terminals.retry_now());
}
