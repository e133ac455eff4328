// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../core/api.ts';
import { Follower } from '../core/follower.ts';
import { Session, take_ticket } from '../core/session.ts';
import { StatsReader } from '../core/stats.ts';
import { activity_of, counts_of, death_of, duration_text, label_of, memory_text, patch_tree, tally_of, tone_of, tree_of, words_of_death, words_of_tally } from '../core/supervision.ts';
import { FakeClock, FakeSocket, settle } from './fakes.ts';

type Answers = Record<string, (body: unknown) => { status: number; body?: unknown; text?: string }>;

function fake_api(answers: Answers) {
  const calls: string[] = [];
  const api = new Api(async (url, init) => {
    const name = `${init.method} ${url}`;
    calls.push(name);
    const found = answers[name] ?? answers[name.replace(/\?.*/, '')];
    if (!found) throw new TypeError('fetch failed');
    const { status, body, text } = found(init.body === undefined ? undefined : JSON.parse(String(init.body)));
    return new Response(status === 204 ? null : (text ?? JSON.stringify(body)), { status });
  });
  return { api, calls };
}

test('problems keep their code and sentence, and nothing throws', async () => {
  const { api } = fake_api({
    'GET /a': () => ({ status: 409, body: { title: 'Conflict', status: 409, code: 'control_held', detail: 'Ana holds it.' } }),
    'GET /b': () => ({ status: 500, text: '<html>' }),
    'GET /c': () => ({ status: 200, text: 'not json' }),
    'GET /d': () => ({ status: 204 }),
  });
  const a = await api.get('/a');
  assert.deepEqual(a, { ok: false, problem: { status: 409, code: 'control_held', title: 'Conflict', detail: 'Ana holds it.' } });
  const b = await api.get('/b');
  assert.ok(!b.ok && b.problem.code === 'http_500');
  assert.ok(!(await api.get('/c')).ok);
  assert.deepEqual(await api.get('/d'), { ok: true, value: null });
  const e = await api.get('/e');
  assert.ok(!e.ok && e.problem.status === 0 && e.problem.code === 'unreachable');
});

test('the ticket leaves the fragment and nothing else does', () => {
  assert.deepEqual(take_ticket('#ticket=abc%2B1'), { ticket: 'abc+1', rest: '' });
  assert.deepEqual(take_ticket('#tab=x&ticket=t'), { ticket: 't', rest: '#tab=x' });
  assert.deepEqual(take_ticket(''), { ticket: '', rest: '' });
});

test('a ticket signs in', async () => {
  const { api, calls } = fake_api({ 'POST /v1/session': (body) => ({ status: 200, body: { scopes: (body as { ticket: string }).ticket === 't' ? ['view'] : [] } }) });
  const session = new Session(api);
  await session.open('t');
  assert.equal(session.state.get().phase, 'signed_in');
  assert.ok(session.has('view') && !session.has('input'));
  assert.deepEqual(calls, ['POST /v1/session']);
});

test('a used ticket still lets an older cookie in, and says why when there is none', async () => {
  const refuse = () => ({ status: 401, body: { code: 'unauthorized' } });
  const cookie = fake_api({ 'POST /v1/session': refuse, 'GET /v1/session': () => ({ status: 200, body: { scopes: ['view', 'input'] } }) });
  const first = new Session(cookie.api);
  await first.open('old');
  assert.equal(first.state.get().phase, 'signed_in');
  const none = fake_api({ 'POST /v1/session': refuse, 'GET /v1/session': refuse });
  const second = new Session(none.api);
  await second.open('old');
  assert.equal(second.state.get().phase, 'signed_out');
  assert.match(second.state.get().reason, /used before/);
});

test('an answer of 204 is followed by asking for the scopes', async () => {
  const { api } = fake_api({ 'POST /v1/session': () => ({ status: 204 }), 'GET /v1/session': () => ({ status: 200, body: { scopes: ['input'] } }) });
  const session = new Session(api);
  assert.ok(await session.sign_in_with_token(' secret '));
  assert.ok(session.has('input'));
});

test('no daemon is not the same as no session', async () => {
  const session = new Session(fake_api({}).api);
  await session.open('');
  assert.equal(session.state.get().phase, 'unreachable');
});

const tree = {
  id: 'holt', kind: 'group', state: 'ready', children: [
    { id: 'engine', kind: 'process', state: 'ready', pid: 7, generation: 2, uptimeMs: 5, restarts: 1, budget: { used: 1, limit: 8 },
      deaths: [{ generation: 1, pid: 6, cause: 'signal', code: 9, detail: '', uptimeMs: 40, at: '2026-01-01T00:00:00.000Z', lastLines: ['a', 'b'], expected: false }], children: [] },
    { id: 'control', kind: 'actor', state: 'ready' },
  ],
};

test('the tree is read as the daemon writes it, and leniently', () => {
  const root = tree_of(tree);
  assert.equal(root?.children[0]?.budget_limit, 8);
  assert.deepEqual(root?.children[0]?.deaths[0]?.last_lines, ['a', 'b']);
  assert.deepEqual(counts_of(root), { ready: 2, total: 2, bad: 0 });
  for (const junk of [null, 7, [], {}, { id: 7 }, 'x']) assert.equal(tree_of(junk), undefined);
  let deep: object = { id: 'x' };
  for (let i = 0; i < 5_000; i += 1) deep = { id: 'x', children: [deep] };
  assert.ok(tree_of(deep));
});

test('an event changes one child of the tree at once', () => {
  const root = tree_of(tree);
  const change = activity_of({ seq: 3, ts: 't', kind: 'supervision', data: { id: 'engine', from: 'ready', to: 'backoff', generation: 2, reason: 'killed' } })?.change;
  assert.ok(root && change);
  const patched = patch_tree(root, change);
  assert.equal(patched?.children[0]?.state, 'backoff');
  assert.equal(patched?.children[1], root.children[1]);
  assert.equal(patch_tree(root, { ...change, id: 'nobody' }), root);
  assert.equal(counts_of(patched).bad, 1);
});

test('deaths, states and times have words', () => {
  const death = (cause: string, code: number) => words_of_death({ ...(death_of({}) as NonNullable<ReturnType<typeof death_of>>), cause, code });
  assert.deepEqual([death('exit', 3), death('signal', 9), death('signal', 64), death('probe', 0), death('new', 0)],
    ['Exited with code 3', 'Killed by SIGKILL', 'Killed by signal 64', 'Stopped answering', 'new']);
  assert.deepEqual([20, 61_000, 3_600_000, 90_000_000].map(duration_text), ['20 ms', '1 min 1 s', '1 h', '1 d 1 h']);
  assert.deepEqual(['x_server', 'signaling/7', 'fs_worker/1'].map(label_of), ['X server', 'Viewer 7', 'Fs worker/1']);
  assert.deepEqual(['ready', 'starting', 'backoff', 'failed', 'stopped', 'new'].map(tone_of), ['good', 'busy', 'warn', 'bad', 'off', 'off']);
});

test('the peak of memory and the tally of deaths are read leniently', () => {
  assert.equal(death_of({ peakRssBytes: 5_000_000_000 })?.peak_rss_bytes, 5_000_000_000);
  for (const junk of [undefined, 0, -1, '7', null]) assert.equal(death_of({ peakRssBytes: junk })?.peak_rss_bytes, undefined);
  assert.deepEqual([300_000, 322_000_000, 5_000_000_000].map(memory_text), ['293 KiB', '307 MiB', '4.7 GiB']);
  const node = tree_of({ id: 'engine', deathTally: { deaths: 12, unexpected: 10, since: 't', causes: { 'exit 0': 4, 'signal 9': 8, odd: 'x' } } });
  assert.ok(node?.tally);
  assert.equal(words_of_tally(node.tally), 'The last 12 ends, 10 unexpected: signal 9 ×8, exit 0 ×4');
  for (const junk of [undefined, null, 7, [], {}, { deaths: 0 }, { deaths: 'x' }]) assert.equal(tally_of(junk), undefined);
  const bare = tally_of({ deaths: 1, causes: 7 });
  assert.ok(bare);
  assert.equal(words_of_tally(bare), 'The last end, 0 unexpected');
});

function follower(answers: Answers) {
  const clock = new FakeClock();
  FakeSocket.made.length = 0;
  const { api, calls } = fake_api(answers);
  let out = 0;
  const made = new Follower({
    api, url: 'ws://h/v1/activity/ws', make_socket: (url) => new FakeSocket(url), clock, random: () => 0.5,
    signed_out: () => { out += 1; },
  });
  return { made, clock, calls, signed_out: () => out, socket: () => FakeSocket.made.at(-1) as FakeSocket };
}

const line = (seq: number, kind = 'supervision', data: object = { id: 'engine', from: 'ready', to: 'backoff' }) => ({ seq, ts: '2026-01-01T00:00:00Z', kind, data });
const drain = async () => { for (let i = 0; i < 20; i += 1) { await settle(); await new Promise(setImmediate); } };

test('the feed is caught up, followed and deduplicated by number', async () => {
  const rig = follower({
    'GET /v1/supervision': () => ({ status: 200, body: tree }),
    'GET /v1/activity': () => ({ status: 200, body: { events: [line(1), line(2, 'later', { x: 1 })], next: 2 } }),
  });
  rig.made.start();
  await drain();
  assert.equal(rig.socket().url, 'ws://h/v1/activity/ws?after=2');
  rig.socket().open();
  rig.socket().raw(JSON.stringify(line(2)));
  rig.socket().raw(JSON.stringify(line(3)));
  rig.socket().raw('{');
  assert.deepEqual(rig.made.state.get().events.map((e) => e.seq), [1, 2, 3]);
  assert.equal(rig.made.state.get().root?.children[0]?.state, 'backoff');
  rig.made.stop();
  assert.equal(rig.clock.waiting, 0);
});

test('a lost feed comes back from where it was, a new daemon from the start', async () => {
  let next = 5;
  const rig = follower({
    'GET /v1/supervision': () => ({ status: 200, body: tree }),
    'GET /v1/activity': () => ({ status: 200, body: { events: next === 5 ? [line(5)] : [line(1)], next } }),
  });
  rig.made.start();
  await drain();
  rig.socket().open();
  next = 1;
  rig.socket().end(1006);
  assert.equal(rig.made.state.get().connected, false);
  rig.clock.advance(600);
  await drain();
  rig.clock.advance(2_000);
  await drain();
  assert.deepEqual(rig.made.state.get().events.map((e) => e.seq), [1]);
  assert.ok(rig.calls.includes('GET /v1/activity?after=5'));
});

test('the feed is bounded', async () => {
  const rig = follower({ 'GET /v1/supervision': () => ({ status: 200, body: tree }), 'GET /v1/activity': () => ({ status: 200, body: { events: [], next: 0 } }) });
  rig.made.start();
  await drain();
  rig.socket().open();
  for (let i = 1; i <= 700; i += 1) rig.socket().raw(JSON.stringify(line(i)));
  assert.equal(rig.made.state.get().events.length, 500);
  assert.equal(rig.made.state.get().events.at(-1)?.seq, 700);
});

test('a child is acted upon by its encoded id, a refusal is a sentence', async () => {
  const rig = follower({
    'GET /v1/supervision': () => ({ status: 200, body: tree }),
    'GET /v1/activity': () => ({ status: 200, body: { events: [], next: 0 } }),
    'POST /v1/supervision/signaling%2F7/restart': () => ({ status: 403, body: { title: 'Forbidden', detail: 'Needs admin.' } }),
    'POST /v1/supervision/engine/stop': () => ({ status: 202, body: {} }),
  });
  rig.made.start();
  await drain();
  assert.equal(await rig.made.act('signaling/7', 'restart'), 'Needs admin.');
  assert.equal(await rig.made.act('engine', 'stop'), '');
  assert.deepEqual(rig.made.state.get().busy, []);
});

test('a session that ended stops the follower', async () => {
  const rig = follower({ 'GET /v1/supervision': () => ({ status: 401, body: {} }), 'GET /v1/activity': () => ({ status: 401, body: {} }) });
  rig.made.start();
  await drain();
  assert.ok(rig.signed_out() > 0);
  assert.equal(rig.clock.waiting, 0);
});

test('figures are differences of two reports', () => {
  const reader = new StatsReader();
  const report = (n: number) => [
    { id: 'v', type: 'inbound-rtp', kind: 'video', codecId: 'c', frameWidth: 1280, frameHeight: 720, framesDecoded: 30 * n, bytesReceived: 125_000 * n, packetsReceived: 99 * n, packetsLost: n, jitter: 0.004, totalDecodeTime: 0.06 * n, jitterBufferDelay: 0.3 * n, jitterBufferEmittedCount: 30 * n },
    { id: 'c', type: 'codec', mimeType: 'video/VP8' },
    { id: 't', type: 'transport', selectedCandidatePairId: 'p' },
    { id: 'p', type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r', currentRoundTripTime: 0.002 },
    { id: 'r', type: 'remote-candidate', address: '127.0.0.1', port: 4659, protocol: 'udp' },
  ];
  assert.equal(reader.read(report(1), 1_000).fps, 0);
  const second = reader.read(report(2), 2_000);
  assert.equal(second.fps, 30);
  assert.equal(second.video_kbps, 1000);
  assert.equal(second.loss_percent, 1);
  assert.ok(Math.abs(second.decode_ms - 2) < 1e-9 && Math.abs(second.buffer_ms - 10) < 1e-9);
  assert.deepEqual([second.codec, second.ice_rtt_ms, second.remote_address, second.transport], ['VP8', 2, '127.0.0.1:4659', 'udp']);
  assert.equal(reader.read([], 3_000).fps, 0);
});
