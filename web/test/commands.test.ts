// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../core/api.ts';
import { Commands, failed, matches, max_commands, max_output, time_of, words_of, type Command } from '../core/commands.ts';
import { Follower } from '../core/follower.ts';
import { activity_of, type ActivityEvent } from '../core/supervision.ts';
import { FakeClock, FakeSocket, settle } from './fakes.ts';

let seq = 0;
function event(data: object, kind = 'command'): ActivityEvent {
  seq += 1;
  const made = activity_of({ seq, ts: new Date(1_000 * seq).toISOString(), kind, data });
  assert.ok(made);
  return made;
}

const queued = (n: number, summary = 'make', type = 'shell.exec') =>
  event({ command: n, phase: 'queued', type, id: `req_${n}`, src: 'ag-1', session: 'main', summary });
const running = (n: number) => event({ command: n, phase: 'running' });
const output = (n: number, off: number, text: string, stream = 'stdout') =>
  event({ command: n, phase: 'output', stream, off, text });
const done = (n: number, more: object = { ok: true, exit_code: 0, duration_ms: 1500 }) =>
  event({ command: n, phase: 'done', ...more });

function only(commands: Commands): Command {
  const [first, ...rest] = commands.state.get().commands;
  assert.ok(first && rest.length === 0);
  return first;
}

test('a command goes from waiting over running with output to its result', () => {
  const commands = new Commands();
  commands.feed([queued(1)]);
  assert.equal(words_of(only(commands)), 'waiting');
  commands.feed([running(1)]);
  assert.equal(words_of(only(commands)), 'running');
  assert.equal(time_of(only(commands), Date.parse(only(commands).running_at) + 2_000), '2 s');
  commands.feed([output(1, 0, 'grün '), output(1, 6, 'ok\n'), output(1, 0, 'warning\n', 'stderr')]);
  assert.deepEqual(only(commands).output, [{ stream: 'stdout', text: 'grün ok\n' }, { stream: 'stderr', text: 'warning\n' }]);
  assert.equal(only(commands).missing, 0);
  commands.feed([done(1)]);
  assert.deepEqual([words_of(only(commands)), time_of(only(commands), 0), failed(only(commands))], ['exit 0', '1 s', false]);
});

test('a gap and a cut in the output are told', () => {
  const commands = new Commands();
  commands.feed([queued(1), running(1), output(1, 0, 'a'), output(1, 101, 'b')]);
  assert.equal(only(commands).missing, 100);
  commands.feed([output(1, 102, 'x'.repeat(max_output))]);
  const text = only(commands).output.map((piece) => piece.text).join('');
  assert.equal(text.length, max_output);
  assert.equal(only(commands).missing, 102);
});

test('a page that comes late shows what it has not seen the beginning of', () => {
  const commands = new Commands();
  commands.feed([output(7, 50, 'tail'), done(7, { ok: false, error: 'timeout', detail: '30 s' })]);
  assert.deepEqual([words_of(only(commands)), only(commands).missing, only(commands).type], ['Out of time', 50, '']);
});

test('a late word that it runs does not undo its end', () => {
  const commands = new Commands();
  commands.feed([queued(1), done(1), running(1)]);
  assert.equal(only(commands).phase, 'done');
});

test('commands stand in the order of their numbers', () => {
  const commands = new Commands();
  commands.feed([queued(2), queued(1)]);
  assert.deepEqual(commands.state.get().commands.map((command) => command.n), [1, 2]);
});

test('junk is left out', () => {
  const commands = new Commands();
  assert.equal(commands.feed([event({ phase: 'queued' }), event({ command: 'x', phase: 'done' }), event({ command: 1, phase: 'odd' }), event({}, 'control')]), false);
  assert.equal(commands.state.get().commands.length, 0);
});

test('many commands stay bounded and what runs is not forgotten', () => {
  const commands = new Commands();
  commands.feed([queued(1), running(1)]);
  for (let n = 2; n < 3 * max_commands; ++n) commands.feed([queued(n), done(n)]);
  const all = commands.state.get().commands;
  assert.equal(all.length, max_commands);
  assert.equal(all[0]?.n, 1);
});

test('filters find by state, kind and text, also in the output', () => {
  const commands = new Commands();
  commands.feed([
    queued(1, 'make test'), running(1), output(1, 0, 'FAILED test_a\n'), done(1, { ok: true, exit_code: 2 }),
    queued(2, '/workspace/main.py', 'fs.read'), done(2, { ok: true }),
    queued(3, 'sleep 9'), running(3), queued(4, 'x', 'fs.write'), done(4, { ok: false, error: 'denied' }),
  ]);
  const found = (show: 'all' | 'running' | 'failed' | 'shell' | 'files', text = '') =>
    commands.state.get().commands.filter((command) => matches(command, { show, text })).map((command) => command.n);
  assert.deepEqual(found('all'), [1, 2, 3, 4]);
  assert.deepEqual(found('running'), [3]);
  assert.deepEqual(found('failed'), [1, 4]);
  assert.deepEqual(found('shell'), [1, 3]);
  assert.deepEqual(found('files'), [2, 4]);
  assert.deepEqual(found('all', 'MAIN.py'), [2]);
  assert.deepEqual(found('all', 'failed test'), [1]);
});

test('the follower keeps commands apart from other events and cancels by number', async () => {
  seq = 0;
  const calls: string[] = [];
  const api = new Api(async (url, init) => {
    calls.push(`${init.method} ${url}`);
    if (url.startsWith('/v1/activity')) return new Response(JSON.stringify({ events: [], next: 0 }));
    if (url === '/v1/commands/2/cancel') return new Response(JSON.stringify({ title: 'Conflict', detail: 'It has ended.' }), { status: 409 });
    return new Response(url === '/v1/supervision' ? JSON.stringify({ id: 'holt', kind: 'group', state: 'ready' }) : null, { status: url === '/v1/supervision' ? 200 : 204 });
  });
  const sockets: FakeSocket[] = [];
  const follower = new Follower({
    api, url: 'ws://x/v1/activity/ws', clock: new FakeClock(), random: () => 0.5, signed_out: () => undefined,
    make_socket: (url) => {
      const made = new FakeSocket(url);
      sockets.push(made);
      return made;
    },
  });
  follower.start();
  await settle();
  const socket = sockets[0];
  assert.ok(socket);
  socket.onopen?.({} as Event);
  for (const e of [queued(1), running(1), event({ kind: 'none' }, 'control')])
    socket.onmessage?.({ data: JSON.stringify({ seq: e.seq, ts: e.ts, kind: e.kind, data: e.data }) } as MessageEvent);
  assert.deepEqual(follower.state.get().events.map((e) => e.kind), ['control']);
  assert.equal(follower.commands.state.get().commands.length, 1);
  assert.equal(await follower.cancel(1), '');
  assert.equal(await follower.cancel(2), 'It has ended.');
  assert.ok(calls.includes('POST /v1/commands/1/cancel'));
  follower.stop();
});
