// SPDX-License-Identifier: Apache-2.0
// What the page knows about the live desktop, as one typed value. Owned by Viewer; read by all.

import type { Size } from './geometry.ts';

export type Phase =
  | 'idle' // not asked for
  | 'connecting' // the signaling socket opens
  | 'waiting' // the engine is not ready yet
  | 'negotiating' // a stream was asked for, no picture yet
  | 'live' // pictures arrive
  | 'retrying' // lost; the next attempt has a time
  | 'stopped' // the desktop or its stream is stopped: somebody must start it
  | 'failed' // no automatic attempt would help
  | 'ended'; // signed out

export interface Control {
  readonly kind: 'agent' | 'person' | 'none';
  readonly name: string;
  readonly you: boolean;
  /** Exclusive: the agent is held off. */
  readonly taken: boolean;
  readonly epoch: number;
  /** A person paused the agent; undefined: this daemon knows no pause. */
  readonly paused: boolean | undefined;
  readonly paused_by: string;
  /** What was left for the agent when control was given back. */
  readonly note: string;
}

export interface ControlRequest {
  readonly id: string;
  readonly name: string;
}

export interface CursorImage {
  readonly width: number;
  readonly height: number;
  readonly hot_x: number;
  readonly hot_y: number;
  readonly png: Uint8Array<ArrayBuffer>;
}

export interface ViewerState {
  readonly phase: Phase;
  /** Always set: what is going on, in words. */
  readonly title: string;
  readonly detail: string;
  /** Media addresses that were tried, after an ICE failure. */
  readonly addresses: readonly string[];
  /** On the viewer's clock, while retrying. */
  readonly retry_at_ms: number | undefined;
  readonly attempt: number;
  readonly screen: (Size & { readonly rate: number }) | undefined;
  readonly session_id: string;
  readonly name: string;
  readonly can_control: boolean;
  readonly engine: string;
  readonly engine_version: string;
  readonly control: Control;
  /** We asked the driver and wait. */
  readonly asking: boolean;
  /** Others who ask us while we drive. */
  readonly requests: readonly ControlRequest[];
  readonly viewers: number;
  readonly has_audio: boolean;
  readonly rtt_ms: number | undefined;
  readonly cursor: { readonly x: number; readonly y: number } | undefined;
  readonly cursor_image: CursorImage | undefined;
  readonly clipboard: string;
  /** A passing sentence, with a number that changes each time. */
  readonly notice: { readonly id: number; readonly text: string } | undefined;
  /** Milliseconds from asking for the stream to the first picture. */
  readonly first_frame_ms: number | undefined;
}

export const nobody: Control = { kind: 'none', name: '', you: false, taken: false, epoch: 0, paused: undefined, paused_by: '', note: '' };

export const initial_viewer_state: ViewerState = {
  phase: 'idle',
  title: 'Not connected',
  detail: '',
  addresses: [],
  retry_at_ms: undefined,
  attempt: 0,
  screen: undefined,
  session_id: '',
  name: '',
  can_control: false,
  engine: '',
  engine_version: '',
  control: nobody,
  asking: false,
  requests: [],
  viewers: 0,
  has_audio: false,
  rtt_ms: undefined,
  cursor: undefined,
  cursor_image: undefined,
  clipboard: '',
  notice: undefined,
  first_frame_ms: undefined,
};

export function text(value: unknown, limit = 500): string {
  return typeof value === 'string' ? value.slice(0, limit) : '';
}

export function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

export function control_of(payload: Readonly<Record<string, unknown>>): Control {
  const kind = payload.kind === 'agent' || payload.kind === 'person' ? payload.kind : 'none';
  return {
    kind,
    name: text(payload.name, 80),
    you: payload.you === true,
    taken: payload.taken === true,
    epoch: count(payload.epoch),
    paused: typeof payload.paused === 'boolean' ? payload.paused : undefined,
    paused_by: text(payload.pausedBy, 80),
    note: text(payload.note, 1000),
  };
}

export function screen_of(value: unknown): ViewerState['screen'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const { width, height, rate } = value as Record<string, unknown>;
  if (count(width) <= 0 || count(height) <= 0) return undefined;
  return { width: count(width), height: count(height), rate: count(rate) };
}

/** Only what RTCPeerConnection accepts; a malformed entry is left out. */
export function ice_servers_of(value: unknown): RTCIceServer[] {
  if (!Array.isArray(value)) return [];
  const servers: RTCIceServer[] = [];
  for (const entry of value as unknown[]) {
    if (typeof entry !== 'object' || entry === null) continue;
    const { urls, username, credential } = entry as Record<string, unknown>;
    const list = (Array.isArray(urls) ? urls : [urls]).filter((u): u is string => typeof u === 'string');
    if (list.length === 0) continue;
    const server: RTCIceServer = { urls: list };
    if (typeof username === 'string') server.username = username;
    if (typeof credential === 'string') server.credential = credential;
    servers.push(server);
  }
  return servers;
}
