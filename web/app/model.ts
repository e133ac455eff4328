// SPDX-License-Identifier: Apache-2.0
// The page's one model: the core's stores as signals, the media elements' streams, preferences,
// and the few acts that touch more than one part. Components read it and call it; they own
// nothing that outlives them.

import { effect, signal, type Signal } from '@preact/signals';

import { Api } from '../core/api.ts';
import { system_clock } from '../core/clock.ts';
import { Follower } from '../core/follower.ts';
import { Keyboard, platform_of } from '../core/keyboard.ts';
import { Session } from '../core/session.ts';
import { StatsReader, type StreamFigures } from '../core/stats.ts';
import type { Readable } from '../core/store.ts';
import { Viewer, type Diagnosis } from '../core/viewer.ts';
import type { ViewerState } from '../core/viewer_state.ts';

export function mirror<T extends object>(store: Readable<T>): Signal<T> {
  const mirrored = signal(store.get());
  store.subscribe((state) => {
    mirrored.value = state;
  });
  return mirrored;
}

export const ws_base = `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}`;

export function remembered(key: string): string {
  try {
    return localStorage.getItem(`holt.${key}`) ?? '';
  } catch {
    return ''; // storage may be forbidden
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`holt.${key}`, value);
  } catch {
    // Forgotten, then.
  }
}

interface Health {
  readonly version?: string;
  readonly engine?: string | null;
  readonly degraded?: readonly string[];
}

export type Theme = 'auto' | 'light' | 'dark';

export const api = new Api((url, init) => fetch(url, init));
export const session = new Session(api);

async function diagnose(): Promise<Diagnosis | undefined> {
  const who = await api.get('/v1/session');
  if (!who.ok && who.problem.status === 401)
    return { title: 'Sign in again', detail: 'The session has ended.', then: 'sign_in' };
  if (!who.ok && who.problem.status === 0)
    return { title: who.problem.title, detail: 'Is “holt serve” running?', then: 'retry' };
  const stream = await api.get<{ active?: boolean }>('/v1/desktop/stream/status');
  if (stream.ok && stream.value?.active === false)
    return { title: 'The desktop is stopped', detail: 'Nothing is streamed until it is started.', then: 'stopped' };
  return undefined;
}

/** The live picture's track and the sound's; the stage hangs them on its elements. */
export const video_stream = signal<MediaStream | undefined>(undefined);
export const audio_stream = signal<MediaStream | undefined>(undefined);
/** Set by the stage: keeps the last picture. */
export const stage_hooks: { keep_picture: () => void; release_input: () => void } = {
  keep_picture: () => undefined,
  release_input: () => undefined,
};

export const viewer = new Viewer(
  {
    url: `${ws_base}/v1/desktop/stream/signaling`,
    make_socket: (url) => new WebSocket(url),
    make_peer: (configuration) => new RTCPeerConnection(configuration),
    clock: system_clock,
    random: Math.random,
    visible: () => !document.hidden,
    diagnose,
  },
  {
    track(kind, track) {
      (kind === 'audio' ? audio_stream : video_stream).value = new MediaStream([track]);
    },
    before_drop: () => stage_hooks.keep_picture(),
    release_input: () => stage_hooks.release_input(),
    signed_out: (reason) => session.expired(reason),
  },
);

export const follower = new Follower({
  api,
  url: `${ws_base}/v1/activity/ws`,
  make_socket: (url) => new WebSocket(url),
  clock: system_clock,
  random: Math.random,
  signed_out: () => session.expired('The session has ended.'),
});

export const session_state = mirror(session.state);
export const view = signal(viewer.state.get());
/** Apart from `view`: they change many times a second and few components look. */
export const cursor = signal(viewer.state.get().cursor);
export const rtt_ms = signal(viewer.state.get().rtt_ms);
viewer.state.subscribe((state) => {
  cursor.value = state.cursor;
  rtt_ms.value = state.rtt_ms;
  const shown = view.peek();
  const keys = Object.keys(state) as (keyof ViewerState)[];
  if (keys.some((key) => key !== 'cursor' && key !== 'rtt_ms' && state[key] !== shown[key])) view.value = state;
});
export const follow = mirror(follower.state);
export const timeline = mirror(follower.commands.state);
export const figures = signal<StreamFigures | undefined>(undefined);
export const now_ms = signal(Date.now());
export const health = signal<Health>({});

export const sound_on = signal(false);
/** False until the person has switched the sound on or off once. */
export const sound_chosen = signal(false);
export const keyboard_captured = signal(false);
export const touch_keys_open = signal(false);
export const stats_open = signal(remembered('stats') === 'open');
export const panel_open = signal(remembered('panel') !== 'closed');
export const theme = signal<Theme>((remembered('theme') || 'auto') as Theme);
export const toast = signal<{ readonly text: string; readonly bad: boolean } | undefined>(undefined);
export const desktop_busy = signal(false);

const platform = platform_of(navigator.platform || navigator.userAgent);

export const keyboard = new Keyboard(
  {
    key: (down, keysym) => viewer.key(down, keysym),
    released_by_person: () => document.getElementById('desktop')?.focus(),
  },
  system_clock,
  { platform, cmd: remembered('cmd') === 'super' ? 'super' : 'control', level_fix: false },
);

let toast_timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string, bad = false): void {
  clearTimeout(toast_timer);
  toast.value = { text, bad };
  toast_timer = setTimeout(() => {
    toast.value = undefined;
  }, bad ? 9_000 : 5_000);
}

export function set_sound(on: boolean): void {
  sound_on.value = on;
  sound_chosen.value = true;
}

export function set_theme(next: Theme): void {
  theme.value = next;
  remember('theme', next);
}

async function desktop_call(path: string, body: object | undefined, done: string): Promise<boolean> {
  desktop_busy.value = true;
  const answer = await api.post(path, body, 30_000);
  desktop_busy.value = false;
  if (answer.ok) {
    if (done !== '') say(done);
    return true;
  }
  if (answer.problem.status === 401) session.expired('The session has ended.');
  else say(answer.problem.detail || answer.problem.title, true);
  return false;
}

/** Desktop and stream, then the picture. */
export async function start_desktop(): Promise<void> {
  if (!(await desktop_call('/v1/desktop/start', {}, ''))) return;
  if (!(await desktop_call('/v1/desktop/stream/start', {}, ''))) return;
  viewer.retry_now();
}

export async function stop_desktop(): Promise<void> {
  await desktop_call('/v1/desktop/stop', {}, 'The desktop was stopped.');
}

export async function resize_desktop(width: number, height: number): Promise<void> {
  await desktop_call('/v1/desktop/start', { width, height }, `The desktop is ${width} × ${height} now.`);
}

export async function sign_out(): Promise<void> {
  viewer.stop();
  follower.stop();
  await session.sign_out();
}

async function read_health(): Promise<void> {
  const answer = await api.get<Health>('/v1/health');
  if (answer.ok && answer.value) health.value = answer.value;
}

/** A new link was opened in this very tab. */
export async function sign_in_again(ticket: string): Promise<void> {
  await session.open(ticket);
  if (session.state.get().phase !== 'signed_in') return;
  viewer.stop();
  viewer.start();
  follower.reconnect();
}

/** Called once, by main. */
export function run_model(ticket: string): void {
  effect(() => {
    document.documentElement.style.colorScheme = theme.value === 'auto' ? '' : theme.value;
  });
  effect(() => {
    if (session_state.value.phase === 'signed_in') {
      viewer.start();
      follower.start();
      void read_health();
    } else if (session_state.value.phase === 'signed_out') {
      viewer.stop();
      follower.stop();
    }
  });
  effect(() => {
    const { phase, title, control } = view.value;
    const state = session_state.value.phase !== 'signed_in' ? 'Sign in' : phase !== 'live' ? title : control.you ? 'You drive' : '';
    document.title = state === '' ? 'Holt' : `${state} · Holt`;
  });
  effect(() => {
    keyboard.options.level_fix = view.value.engine === 'neko';
  });
  let said = 0;
  effect(() => {
    const { notice } = view.value;
    if (!notice || notice.id === said) return;
    said = notice.id;
    say(notice.text);
  });
  let was_down = false;
  // Somebody started the desktop elsewhere: the tree says so first.
  effect(() => {
    const root = follow.value.root;
    if (view.value.phase !== 'stopped' || desktop_busy.value || !root) return;
    const stack = [root];
    for (let node = stack.pop(); node; node = stack.pop()) {
      if (node.id === 'engine' && node.state === 'ready' && was_down) {
        was_down = false;
        queueMicrotask(() => viewer.retry_now());
        return;
      }
      if (node.id === 'engine' && node.state !== 'ready') was_down = true;
      stack.push(...node.children);
    }
  });
  const reader = new StatsReader();
  let ticks = 0;
  setInterval(() => {
    now_ms.value = Date.now();
    ticks += 1;
    if (ticks % 20 === 0 && !document.hidden && session_state.peek().phase === 'signed_in') void read_health();
    void read_stats(reader);
  }, 1_000);
  addEventListener('online', () => {
    viewer.retry_now();
    follower.reconnect();
  });
  void session.open(ticket);
}

let read_from: RTCPeerConnection | undefined;

async function read_stats(reader: StatsReader): Promise<void> {
  const connection = viewer.connection;
  if (!connection || document.hidden) {
    if (!connection) figures.value = undefined;
    return;
  }
  if (connection !== read_from) reader.reset();
  read_from = connection;
  try {
    const report = await connection.getStats();
    figures.value = reader.read(report.values() as Iterable<Record<string, unknown>>, performance.now());
  } catch {
    figures.value = undefined; // it was closed meanwhile
  }
}
