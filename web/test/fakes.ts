// SPDX-License-Identifier: Apache-2.0
// Time, socket, peer connection and fetch that tests own. Nothing here waits on a real clock.

import type { Clock } from '../core/clock.ts';
import type { SocketLike } from '../core/signaling.ts';

export class FakeClock implements Clock {
  #now = 1_000_000;
  #next = 1;
  #queue: { id: number; at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): unknown {
    const id = this.#next++;
    this.#queue.push({ id, at: this.#now + ms, run });
    return id;
  }

  cancel(handle: unknown): void {
    this.#queue = this.#queue.filter((entry) => entry.id !== handle);
  }

  /** Runs everything that is due within `ms`, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#queue.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at || a.id - b.id)[0];
      if (!due) break;
      this.#queue = this.#queue.filter((entry) => entry !== due);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
  }

  get waiting(): number {
    return this.#queue.length;
  }
}

export class FakeSocket implements SocketLike {
  static readonly made: FakeSocket[] = [];
  readonly url: string;
  readyState = 0;
  bufferedAmount = 0;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readonly sent: { event: string; payload: Record<string, unknown> }[] = [];
  closed_with: number | undefined;

  constructor(url: string) {
    this.url = url;
    FakeSocket.made.push(this);
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data) as never);
  }

  close(code = 1000): void {
    this.readyState = 3;
    this.closed_with = code;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.({} as Event);
  }

  say(event: string, payload: unknown = {}): void {
    this.raw(JSON.stringify({ event, payload }));
  }

  raw(data: unknown): void {
    this.onmessage?.({ data } as MessageEvent);
  }

  end(code: number, reason = ''): void {
    this.readyState = 3;
    this.onclose?.({ code, reason } as CloseEvent);
  }

  events(): string[] {
    return this.sent.map((message) => message.event);
  }
}

export class FakeChannel {
  readyState = 'open';
  binaryType = '';
  bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  readonly sent: Uint8Array[] = [];

  send(data: ArrayBuffer): void {
    this.sent.push(new Uint8Array(data));
  }
}

export class FakePeer {
  static readonly made: FakePeer[] = [];
  connectionState: RTCPeerConnectionState = 'new';
  ontrack: ((event: unknown) => void) | null = null;
  onicecandidate: ((event: unknown) => void) | null = null;
  ondatachannel: ((event: unknown) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  readonly log: string[] = [];
  readonly configuration: RTCConfiguration;
  refuse_offer = false;

  constructor(configuration: RTCConfiguration) {
    this.configuration = configuration;
    FakePeer.made.push(this);
  }

  async setRemoteDescription(): Promise<void> {
    if (this.refuse_offer) throw new Error('bad sdp');
    this.log.push('remote');
  }

  async createAnswer(): Promise<RTCSessionDescriptionInit> {
    return { type: 'answer', sdp: 'v=0\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n' };
  }

  async setLocalDescription(): Promise<void> {
    this.log.push('local');
  }

  async addIceCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    this.log.push(`candidate ${candidate.candidate}`);
  }

  close(): void {
    this.log.push('closed');
    this.connectionState = 'closed';
  }

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  open_channel(state = 'open'): FakeChannel {
    const channel = new FakeChannel();
    channel.readyState = state;
    this.ondatachannel?.({ channel });
    return channel;
  }
}

/** Lets every promise that is already settled run its handlers. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}
