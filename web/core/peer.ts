// SPDX-License-Identifier: Apache-2.0
// One media connection: answers the engine's offer, holds candidates back until the offer is in,
// and owns the data channel that the engine opens. Used once; a new request makes a new one.

import type { ServerMessage } from './codec.ts';
import { decode } from './codec.ts';

export type MakePeer = (configuration: RTCConfiguration) => RTCPeerConnection;

export interface PeerEvents {
  answer(sdp: string): void;
  candidate(candidate: RTCIceCandidateInit): void;
  track(kind: string, track: MediaStreamTrack, streams: readonly MediaStream[]): void;
  message(message: ServerMessage): void;
  channel_open(): void;
  state(state: RTCPeerConnectionState): void;
  /** The offer could not be used, a sentence. */
  failed(why: string): void;
}

/** Above this, moves are left out: they would only arrive late. */
const busy_bytes = 64 * 1024;
const max_early_candidates = 64;
/** Of input made after the media path stood and before its channel did. */
const max_early_input = 256;

/** Opus stays mono in Chromium unless the answer asks for stereo. */
export function with_stereo(sdp: string): string {
  const opus = /^a=rtpmap:(\d+) opus\/48000/im.exec(sdp)?.[1];
  if (opus === undefined) return sdp;
  const fmtp = new RegExp(`^(a=fmtp:${opus} )(.*)$`, 'm');
  const found = fmtp.exec(sdp);
  if (!found)
    return sdp.replace(new RegExp(`^(a=rtpmap:${opus} .*)$`, 'm'), `$1\r\na=fmtp:${opus} stereo=1`);
  const parameters = (found[2] ?? '').replace(/\r$/, '');
  if (/(^|;)\s*stereo=1(;|$)/.test(parameters)) return sdp;
  const kept = parameters.split(';').filter((p) => !/^\s*stereo=/.test(p) && p.trim() !== '');
  return sdp.replace(fmtp, `$1${[...kept, 'stereo=1'].join(';')}`);
}

/** `address:port/protocol` of a candidate line, for people who look for the blocked path. */
export function candidate_address(candidate: string): string | undefined {
  const fields = candidate.replace(/^a=/, '').split(' ');
  const [, , protocol, , address, port] = fields;
  if (!candidate.includes('candidate:') || !address || !port || !protocol) return undefined;
  return `${address}:${port}/${protocol.toLowerCase()}`;
}

export class Peer {
  readonly #make: MakePeer;
  readonly #events: PeerEvents;
  #connection: RTCPeerConnection | undefined;
  #channel: RTCDataChannel | undefined;
  #early: RTCIceCandidateInit[] = [];
  #early_input: { data: ArrayBuffer; droppable: boolean }[] = [];
  #gave_up_early = false; // more came than waits
  #described = false;
  #ended = false;
  readonly local_addresses = new Set<string>();
  readonly remote_addresses = new Set<string>();

  constructor(make: MakePeer, events: PeerEvents) {
    this.#make = make;
    this.#events = events;
  }

  get connection(): RTCPeerConnection | undefined {
    return this.#ended ? undefined : this.#connection;
  }

  /** Input is taken: the channel is open, or will be in a moment and what comes now waits for it. */
  get takes_input(): boolean {
    return this.#is_open || (this.#will_open && !this.#gave_up_early);
  }

  get #is_open(): boolean {
    return !this.#ended && this.#channel?.readyState === 'open';
  }

  get #will_open(): boolean {
    const opening = this.#channel === undefined || this.#channel.readyState === 'connecting';
    return !this.#ended && opening && this.#connection?.connectionState === 'connected';
  }

  /** An offer: the first one, an ICE restart or a renegotiation. */
  async offer(sdp: string, ice_servers: RTCIceServer[]): Promise<void> {
    if (this.#ended) return;
    try {
      const connection = (this.#connection ??= this.#open(ice_servers));
      await connection.setRemoteDescription({ type: 'offer', sdp });
      if (this.#ended) return;
      this.#described = true;
      for (const candidate of this.#early.splice(0)) this.#add(candidate);
      const answer = await connection.createAnswer();
      const stereo = with_stereo(answer.sdp ?? '');
      if (this.#ended) return;
      await connection.setLocalDescription({ type: 'answer', sdp: stereo });
      if (!this.#ended) this.#events.answer(stereo);
    } catch (thrown) {
      if (!this.#ended) this.#events.failed(thrown instanceof Error ? thrown.message : 'bad offer');
    }
  }

  candidate(candidate: RTCIceCandidateInit): void {
    if (this.#ended) return;
    const address = candidate_address(candidate.candidate ?? '');
    if (address && this.remote_addresses.size < max_early_candidates) this.remote_addresses.add(address);
    if (this.#described) this.#add(candidate);
    else if (this.#early.length < max_early_candidates) this.#early.push(candidate);
  }

  /** False when there is no channel and none is about to be. */
  send(data: ArrayBuffer, droppable = false): boolean {
    const channel = this.#channel;
    if (this.#will_open) return this.#wait_with(data, droppable);
    if (!this.#is_open || channel === undefined) return false;
    if (droppable && channel.bufferedAmount > busy_bytes) return false;
    try {
      channel.send(data);
      return true;
    } catch {
      return false; // its buffer is full or it has just closed
    }
  }

  /** Of moves in a row only the last waits. When there is too much, all goes: no press stays without its release. */
  #wait_with(data: ArrayBuffer, droppable: boolean): boolean {
    if (this.#gave_up_early) return false;
    const last = this.#early_input.at(-1);
    if (droppable && last?.droppable) {
      last.data = data;
    } else if (this.#early_input.length < max_early_input) {
      this.#early_input.push({ data, droppable });
    } else {
      this.#early_input = [];
      this.#gave_up_early = true;
    }
    return !this.#gave_up_early;
  }

  /** What waits for the channel is no longer wanted. */
  forget_early_input(): void {
    this.#early_input = [];
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    const connection = this.#connection;
    if (this.#channel) this.#channel.onmessage = null;
    if (!connection) return;
    connection.ontrack = null;
    connection.onicecandidate = null;
    connection.ondatachannel = null;
    connection.onconnectionstatechange = null;
    connection.close();
  }

  #open(ice_servers: RTCIceServer[]): RTCPeerConnection {
    const connection = this.#make({ iceServers: ice_servers });
    connection.ontrack = (event) => {
      // Interactive: show a frame as soon as it is there.
      const receiver = event.receiver as RTCRtpReceiver & { jitterBufferTarget?: number | null };
      if (event.track.kind === 'video' && 'jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
      this.#events.track(event.track.kind, event.track, event.streams);
    };
    connection.onicecandidate = (event) => {
      if (!event.candidate) return;
      const init = event.candidate.toJSON();
      const address = candidate_address(init.candidate ?? '');
      if (address && this.local_addresses.size < max_early_candidates) this.local_addresses.add(address);
      this.#events.candidate(init);
    };
    connection.ondatachannel = (event) => this.#adopt(event.channel);
    connection.onconnectionstatechange = () => {
      if (!this.#ended) this.#events.state(connection.connectionState);
    };
    return connection;
  }

  #adopt(channel: RTCDataChannel): void {
    this.#channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => this.#opened();
    channel.onmessage = (event) => {
      if (!(event.data instanceof ArrayBuffer)) return;
      const message = decode(event.data);
      if (message && !this.#ended) this.#events.message(message);
    };
    if (channel.readyState === 'open') this.#opened();
  }

  #opened(): void {
    if (this.#ended) return;
    for (const { data } of this.#early_input.splice(0)) this.send(data);
    this.#events.channel_open();
  }

  #add(candidate: RTCIceCandidateInit): void {
    // One bad candidate is no reason to drop the others.
    this.#connection?.addIceCandidate(candidate).catch(() => undefined);
  }
}
