// SPDX-License-Identifier: Apache-2.0
// The media half of the viewer: asks the engine for a stream, answers its offer, watches the
// path, and measures the input round trip. It asks again by itself a few times; what it cannot
// mend it hands to its owner, which has the signaling socket and decides what comes next.

import type { Clock } from './clock.ts';
import { Timers } from './clock.ts';
import type { ServerMessage } from './codec.ts';
import { encode_ping } from './codec.ts';
import type { MakePeer } from './peer.ts';
import { Peer } from './peer.ts';
import type { Words } from './reasons.ts';
import { sentence, words_of_error } from './reasons.ts';
import type { Payload } from './signaling.ts';
import { ice_servers_of, text } from './viewer_state.ts';

export interface MediaDeps {
  readonly make_peer: MakePeer;
  readonly clock: Clock;
  /** False in a background tab: no picture is ever presented there. */
  visible(): boolean;
}

export interface MediaOwner {
  /** False when signaling is gone. */
  send(event: string, payload: Payload): boolean;
  /** A further step towards the first picture, in words. */
  step(title: string): void;
  /** The first picture, so many milliseconds after it was asked for. */
  live(first_frame_ms: number): void;
  /** It cannot be mended on this signaling connection. */
  lose(words: Words): void;
  /** Addresses of the engine that could not be reached. */
  unreachable(addresses: readonly string[]): void;
  before_drop(): void;
  track(kind: string, track: MediaStreamTrack, streams: readonly MediaStream[]): void;
  message(message: ServerMessage): void;
}

const limits = {
  provide_ms: 12_000,
  connect_ms: 15_000,
  first_frame_ms: 12_000,
  enable_again_ms: 3_000,
  disconnected_ms: 4_000,
  ping_ms: 1_000,
} as const;
const max_requests_in_a_row = 2;
const max_reported_addresses = 16;

export class Media {
  readonly #deps: MediaDeps;
  readonly #owner: MediaOwner;
  readonly #timers: Timers;
  #peer: Peer | undefined;
  #live = false;
  #late_video = false;
  #requested_at_ms = 0;
  #requests_in_a_row = 0;

  constructor(deps: MediaDeps, owner: MediaOwner) {
    this.#deps = deps;
    this.#owner = owner;
    this.#timers = new Timers(deps.clock);
  }

  get connection(): RTCPeerConnection | undefined {
    return this.#peer?.connection;
  }

  get asked(): boolean {
    return this.#peer !== undefined;
  }

  get takes_input(): boolean {
    return this.#peer?.takes_input ?? false;
  }

  forget_early_input(): void {
    this.#peer?.forget_early_input();
  }

  send(data: ArrayBuffer, droppable = false): void {
    this.#peer?.send(data, droppable);
  }

  /** A new signaling connection: its requests are counted from none. */
  begin(): void {
    this.#requests_in_a_row = 0;
  }

  /**
   * Asks for sound and picture on a new connection; the old one is dropped first. `late_video`:
   * the picture is asked for once connected (neko's first key frame precedes ICE otherwise).
   */
  request(late_video: boolean): void {
    this.drop();
    this.#late_video = late_video;
    const peer = new Peer(this.#deps.make_peer, {
      answer: (sdp) => this.#owner.send('signal/answer', { sdp }),
      candidate: (candidate) => this.#owner.send('signal/candidate', { ...candidate }),
      track: (kind, track, streams) => this.#owner.track(kind, track, streams),
      message: (message) => this.#owner.message(message),
      channel_open: () => this.#ping(),
      state: (state) => this.#on_state(peer, state),
      failed: (why) =>
        this.#owner.lose({ title: 'The offered stream cannot be used', detail: sentence(why) }),
    });
    this.#peer = peer;
    this.#requested_at_ms = this.#deps.clock.now();
    this.#owner.send('signal/request', { video: late_video ? { disabled: true } : {}, audio: {} });
    this.#owner.step('Asking for the video');
    this.#timers.set('provide', limits.provide_ms, () =>
      this.#owner.lose(words_of_error('engine_no_answer', 'it made no offer within 12 s')),
    );
  }

  /** The engine's offer: the first, an ICE restart or a renegotiation. */
  offer(payload: Payload): void {
    const sdp = text(payload.sdp, 65_536);
    if (sdp === '' || !this.#peer) return;
    this.#timers.clear('provide');
    if (!this.#live) {
      this.#owner.step('Opening the media path');
      this.#timers.set('connect', limits.connect_ms, () => this.#ice_failed('timeout'));
    }
    void this.#peer.offer(sdp, ice_servers_of(payload.iceservers));
  }

  candidate(payload: Payload): void {
    this.#peer?.candidate(payload as RTCIceCandidateInit);
  }

  closed_by_engine(payload: Payload): void {
    if (!this.#peer) return;
    this.#again({ title: 'The engine ended the stream', detail: sentence(text(payload.reason)) });
  }

  /** The app has shown a picture of the present connection. */
  frame_shown(): void {
    if (this.#live || this.#peer?.connection?.connectionState !== 'connected') return;
    this.#live = true;
    this.#timers.clear('first_frame');
    if (this.#deps.visible()) this.#timers.clear('enable');
    this.#requests_in_a_row = 0;
    this.#owner.live(this.#deps.clock.now() - this.#requested_at_ms);
  }

  drop(): void {
    this.#timers.clear_all();
    this.#live = false;
    if (!this.#peer) return;
    this.#owner.before_drop();
    this.#peer.close();
    this.#peer = undefined;
  }

  #again(words: Words): void {
    this.#requests_in_a_row += 1;
    if (this.#requests_in_a_row > max_requests_in_a_row) this.#owner.lose(words);
    else this.request(this.#late_video);
  }

  #on_state(peer: Peer, state: RTCPeerConnectionState): void {
    if (peer !== this.#peer) return;
    if (state === 'connected') {
      this.#timers.clear('connect');
      this.#timers.clear('disconnected');
      if (this.#live) return;
      this.#owner.step('Waiting for the first picture');
      if (this.#late_video) this.#enable_video(true);
      if (!this.#deps.visible()) this.frame_shown();
      else this.#timers.set('first_frame', limits.first_frame_ms, () => this.#no_frame());
    } else if (state === 'disconnected') {
      this.#timers.set('disconnected', limits.disconnected_ms, () =>
        this.#again({ title: 'The media path was interrupted', detail: 'Nothing arrived for some seconds.' }),
      );
    } else if (state === 'failed') {
      this.#ice_failed('failed');
    } else if (state === 'closed') {
      this.#again({ title: 'The media connection was closed', detail: '' });
    }
  }

  #no_frame(): void {
    if (!this.#deps.visible()) this.frame_shown();
    else
      this.#owner.lose({
        title: 'Connected, but no picture arrives',
        detail: 'Media packets may be blocked on the way.',
      });
  }

  #enable_video(again: boolean): void {
    this.#owner.send('signal/video', { disabled: false });
    if (again) this.#timers.set('enable', limits.enable_again_ms, () => this.#enable_video(false));
  }

  #ice_failed(state: string): void {
    const local = [...(this.#peer?.local_addresses ?? [])].slice(0, max_reported_addresses);
    const remote = [...(this.#peer?.remote_addresses ?? [])].slice(0, max_reported_addresses);
    this.#owner.send('holt/ice_failed', { local, remote, state });
    this.#again(words_of_error('stream_ice', ''));
    this.#owner.unreachable(remote);
  }

  #ping(): void {
    this.#peer?.send(encode_ping(this.#deps.clock.now()));
    this.#timers.set('ping', limits.ping_ms, () => this.#ping());
  }
}
