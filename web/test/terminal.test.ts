// SPDX-License-Identifier: Apache-2.0
// One terminal's socket: offsets, losses, ends, and pauses when output comes too fast.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../core/api.ts';
import { process_of, words_of_end, type ProcessInfo } from '../core/processes.ts';
import { pause_above, TerminalLink, type TerminalSocket } from '../core/terminal.ts';
import { FakeClock, settle } from './fakes.ts';

class Socket implements TerminalSocket {
  binaryType = '';
  readyState = 1;
  onopen = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readonly sent: (string | Uint8Array)[] = [];
  readonly url: string;
  closed = false;

  constructor(url: string) {
    this.url = url;
  }

  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }

  close(): void {
    this.closed = true;
    this.readyState = 3;
  }

  frame(value: object): void {
    this.onmessage?.({ data: JSON.stringify(value) } as MessageEvent);
  }

  bytes(count: number): void {
    this.onmessage?.({ data: new ArrayBuffer(count) } as MessageEvent);
  }

  end(code: number, reason = ''): void {
    this.onclose?.({ code, reason } as CloseEvent);
  }
}

const info = process_of({ id: 'proc_1', command: 'bash', tty: true, status: 'running', createdAtMs: 77 }) as ProcessInfo;

function rig(whole = true) {
  const clock = new FakeClock();
  const sockets: Socket[] = [];
  const held: (() => void)[] = [];
  const seen = { bytes: 0, lost: 0, signed_out: 0 };
  const answer = { status: 200, created: 77 };
  const link = new TerminalLink(
    {
      api: new Api(async () => new Response(JSON.stringify({ createdAtMs: answer.created }), { status: answer.status })),
      ws_base: 'ws://h',
      make_socket: (url) => {
        const made = new Socket(url);
        sockets.push(made);
        return made;
      },
      clock,
      random: () => 0.5,
      signed_out: () => { seen.signed_out += 1; },
    },
    info,
    whole,
  );
  const draw = { at_once: true };
  link.start({
    write(bytes, done) {
      seen.bytes += bytes.length;
      if (draw.at_once) done();
      else held.push(done);
    },
    lost: (bytes) => { seen.lost += bytes; },
  });
  const newest = () => sockets.at(-1) as Socket;
  /** Past every back-off. */
  const later = async () => {
    clock.advance(20_000);
    for (let i = 0; i < 10; i += 1) await settle();
    await new Promise((next) => setImmediate(next));
  };
  return { clock, sockets, link, seen, answer, draw, held, newest, later };
}

test('a terminal of our own is read from its first byte, one that ran before from what is kept', () => {
  assert.match(rig().newest().url, /\/v1\/processes\/proc_1\/terminal\/ws\?events=1&offset=0$/);
  const other = rig(false);
  assert.match(other.newest().url, /\?events=1$/);
  other.newest().frame({ type: 'ready', processId: 'proc_1', offset: 500 });
  assert.equal(other.link.state.get().offset, 500);
});

test('after a loss it goes on at the byte where it stopped', async () => {
  const { newest, later, link, sockets } = rig();
  newest().frame({ type: 'ready', offset: 0 });
  newest().bytes(100);
  newest().bytes(23);
  newest().end(1006);
  assert.equal(link.state.get().phase, 'retrying');
  await later();
  assert.equal(sockets.length, 2);
  assert.match(newest().url, /offset=123$/);
  newest().frame({ type: 'ready', offset: 123 });
  assert.equal(link.state.get().phase, 'live');
});

test('what was not kept is told and skipped', () => {
  const { newest, seen, link } = rig();
  newest().frame({ type: 'ready', offset: 0 });
  newest().frame({ type: 'lost', bytes: 40, offset: 40 });
  newest().bytes(2);
  assert.deepEqual([seen.lost, link.state.get().offset], [40, 42]);
});

test('an exit is the end, in words', () => {
  const { newest, link, clock } = rig();
  newest().frame({ type: 'ready', offset: 0 });
  newest().frame({ type: 'exit', exitCode: 3 });
  assert.equal(link.state.get().phase, 'ended');
  assert.equal(link.state.get().reason, 'Ended with exit code 3.');
  assert.equal(clock.waiting, 0);
  assert.equal(words_of_end(undefined, 9), 'Ended by SIGKILL.');
});

test('a number that is another process now is not taken for the old one', async () => {
  const { newest, later, link, answer, sockets } = rig();
  newest().frame({ type: 'ready', offset: 0 });
  answer.created = 78;
  newest().end(1001);
  await later();
  assert.equal(link.state.get().phase, 'ended');
  assert.match(link.state.get().reason, /started anew/);
  assert.equal(sockets.length, 1);
});

test('no daemon: it goes on trying', async () => {
  const { newest, later, link, answer, sockets } = rig();
  newest().frame({ type: 'ready', offset: 0 });
  answer.status = 503;
  newest().end(1006);
  await later();
  assert.equal(link.state.get().phase, 'retrying');
  answer.status = 200;
  await later();
  assert.equal(sockets.length, 2);
});

test('an ended session signs out and ends', () => {
  const { newest, link, seen } = rig();
  newest().frame({ type: 'ready', offset: 0 });
  newest().end(4401);
  assert.equal(seen.signed_out, 1);
  assert.equal(link.state.get().phase, 'ended');
});

test('output that comes faster than it is drawn pauses the socket and goes on without a gap', () => {
  const { newest, link, draw, held, sockets } = rig();
  newest().frame({ type: 'ready', offset: 0 });
  draw.at_once = false;
  newest().bytes(pause_above);
  assert.equal(newest().closed, false);
  newest().bytes(1);
  assert.equal(newest().closed, true);
  for (const done of held.splice(0)) done();
  assert.equal(sockets.length, 2);
  assert.match(newest().url, new RegExp(`offset=${pause_above + 1}$`));
  newest().frame({ type: 'ready', offset: pause_above + 1 });
  assert.equal(link.state.get().phase, 'live');
});

test('keys go out as bytes, a long paste in pieces, nothing while it is not live', () => {
  const { newest, link } = rig();
  assert.equal(link.input('a'), false);
  newest().frame({ type: 'ready', offset: 0 });
  assert.equal(link.input('é'), true);
  assert.deepEqual([...(newest().sent[0] as Uint8Array)], [0xc3, 0xa9]);
  link.input('x'.repeat(40_000));
  assert.deepEqual(newest().sent.slice(1).map((piece) => piece.length), [16384, 16384, 7232]);
  link.input_binary('\x1b[M\xff');
  assert.equal((newest().sent.at(-1) as Uint8Array).at(-1), 255);
  link.resize(90, 20);
  assert.deepEqual(JSON.parse(String(newest().sent.at(-1))), { type: 'resize', cols: 90, rows: 20 });
});

test('a closed tab hears nothing more', async () => {
  const { newest, link, later, sockets } = rig();
  newest().frame({ type: 'ready', offset: 0 });
  const old = newest();
  link.stop();
  assert.equal(old.closed, true);
  assert.equal(old.onmessage, null);
  await later();
  assert.equal(sockets.length, 1);
});
