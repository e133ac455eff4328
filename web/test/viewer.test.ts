// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FakePeer, FakeSocket, settle } from './fakes.ts';
import { begin, go_live, init, make, type Rig } from './viewer_rig.ts';

test('the way to a live picture, each step in words', async () => {
  const rig = make();
  rig.viewer.start();
  assert.equal(rig.phase(), 'connecting');
  begin(rig);
  assert.equal(rig.phase(), 'negotiating');
  assert.deepEqual(rig.socket().sent.at(-1), { event: 'signal/request', payload: { video: {}, audio: {} } });
  rig.socket().say('signal/provide', { sdp: 'v=0', iceservers: [{ urls: 'stun:x' }, { no: 1 }, 7] });
  await settle();
  assert.deepEqual(rig.peer().configuration, { iceServers: [{ urls: ['stun:x'] }] });
  assert.equal(rig.viewer.state.get().title, 'Opening the media path');
  const answer = rig.socket().sent.find((m) => m.event === 'signal/answer');
  assert.match(String(answer?.payload.sdp), /useinbandfec=1;stereo=1/);
  rig.peer().become('connected');
  assert.equal(rig.viewer.state.get().title, 'Waiting for the first picture');
  rig.viewer.frame_shown();
  assert.equal(rig.phase(), 'live');
  assert.deepEqual(rig.viewer.state.get().screen, { width: 1280, height: 720, rate: 60 });
});

test('candidates before the offer wait for it', async () => {
  const rig = make();
  rig.viewer.start();
  begin(rig);
  rig.socket().say('signal/candidate', { candidate: 'one', sdpMid: '0' });
  rig.socket().say('signal/provide', { sdp: 'v=0' });
  await settle();
  rig.socket().say('signal/candidate', { candidate: 'two', sdpMid: '0' });
  assert.deepEqual(rig.peer().log, ['remote', 'candidate one', 'local', 'candidate two']);
});

test('the request does not wait long for holt/session', () => {
  const rig = make();
  rig.viewer.start();
  rig.socket().open();
  rig.socket().say('system/init', init);
  assert.ok(!rig.socket().events().includes('signal/request'));
  rig.clock.advance(300);
  assert.ok(rig.socket().events().includes('signal/request'));
  rig.socket().say('holt/session', { engine: 'builtin', canControl: true });
  assert.equal(rig.socket().events().filter((e) => e === 'signal/request').length, 1);
});

test('neko is asked without video first, and for it once connected', async () => {
  const rig = make();
  rig.viewer.start();
  begin(rig, 'neko');
  assert.deepEqual(rig.socket().sent.at(-1)?.payload, { video: { disabled: true }, audio: {} });
  rig.socket().say('signal/provide', { sdp: 'v=0' });
  await settle();
  rig.peer().become('connected');
  assert.deepEqual(rig.socket().sent.at(-1), { event: 'signal/video', payload: { disabled: false } });
});

test('waiting for the engine shows its reason and how long', () => {
  const rig = make();
  rig.viewer.start();
  rig.socket().open();
  rig.socket().say('holt/waiting', { reason: 'the engine is restarting', elapsedMs: 2_400 });
  assert.equal(rig.phase(), 'waiting');
  assert.equal(rig.viewer.state.get().detail, 'The engine is restarting. 2 s so far.');
});

test('an engine restart keeps the picture, lets go of input and comes back soon', async () => {
  const rig = make();
  await go_live(rig);
  rig.socket().say('system/disconnect', { message: 'the engine was killed' });
  rig.socket().end(1012, 'restart');
  assert.deepEqual(rig.log, ['release input', 'keep picture']);
  assert.equal(rig.phase(), 'retrying');
  assert.equal(rig.viewer.state.get().detail, 'The engine was killed.');
  rig.clock.advance(600);
  assert.equal(rig.phase(), 'connecting');
  assert.equal(FakeSocket.made.length, 2);
  await go_live(rig);
});

test('the back-off doubles while nothing works and is gone after a stable while', async () => {
  const rig = make({ title: 'down', detail: '', then: 'retry' });
  rig.viewer.start();
  const waits: number[] = [];
  for (let i = 0; i < 7; i += 1) {
    rig.socket().end(1006);
    await settle();
    waits.push((rig.viewer.state.get().retry_at_ms ?? 0) - rig.clock.now());
    rig.clock.advance(20_000);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  await go_live(rig);
  rig.clock.advance(9_000);
  assert.equal(rig.viewer.state.get().attempt, 0);
});

test('retry now and cancel do what they say', async () => {
  const rig = make({ title: 'down', detail: '', then: 'retry' });
  rig.viewer.start();
  rig.socket().end(1006);
  await settle();
  rig.viewer.cancel_retry();
  rig.clock.advance(60_000);
  assert.equal(FakeSocket.made.length, 1);
  rig.viewer.retry_now();
  assert.equal(FakeSocket.made.length, 2);
});

for (const [code, phase] of [[4401, 'ended'], [4409, 'stopped'], [1001, 'retrying'], [1013, 'retrying'], [4502, 'retrying'], [4503, 'retrying'], [4504, 'retrying'], [4999, 'retrying']] as const)
  test(`close code ${code} leads to ${phase}, with words`, async () => {
    const rig = make();
    await go_live(rig);
    rig.socket().end(code);
    assert.equal(rig.phase(), phase);
    assert.notEqual(rig.viewer.state.get().title, '');
    assert.equal(rig.log.some((line) => line.startsWith('signed out')), code === 4401);
  });

test('a socket that never opens is asked about over HTTP', async () => {
  const rig = make({ title: 'The desktop is stopped', detail: '', then: 'stopped' });
  rig.viewer.start();
  rig.socket().end(1006);
  await settle();
  assert.equal(rig.phase(), 'stopped');
  rig.viewer.retry_now();
  assert.equal(rig.phase(), 'connecting');
});

for (const [name, until, limit] of [
  ['open', (_: Rig) => undefined, 10_000],
  ['init', (r: Rig) => r.socket().open(), 20_000],
  ['offer', (r: Rig) => begin(r), 12_000],
] as const)
  test(`the wait for ${name} has a limit`, async () => {
    const rig = make();
    rig.viewer.start();
    until(rig);
    rig.clock.advance(limit - 1);
    assert.notEqual(rig.phase(), 'retrying');
    rig.clock.advance(2);
    await settle();
    assert.equal(rig.phase(), 'retrying');
    assert.notEqual(rig.viewer.state.get().title, '');
  });

test('a connection without a picture is given up with that reason', async () => {
  const rig = make();
  rig.viewer.start();
  begin(rig);
  rig.socket().say('signal/provide', { sdp: 'v=0' });
  await settle();
  rig.peer().become('connected');
  rig.clock.advance(12_100);
  assert.equal(rig.viewer.state.get().title, 'Connected, but no picture arrives');
});

test('a page in the background is live when the media is connected', async () => {
  const rig = make();
  rig.page.visible = false;
  rig.viewer.start();
  begin(rig);
  rig.socket().say('signal/provide', { sdp: 'v=0' });
  await settle();
  rig.peer().become('connected');
  assert.equal(rig.phase(), 'live');
  rig.clock.advance(15_000);
  assert.equal(rig.phase(), 'live');
});

test('a failed path is reported with its addresses, tried again, then backed off', async () => {
  const rig = make();
  rig.viewer.start();
  begin(rig);
  for (let round = 0; round < 3; round += 1) {
    rig.socket().say('signal/provide', { sdp: 'v=0' });
    rig.socket().say('signal/candidate', { candidate: 'candidate:1 1 udp 2130706431 10.0.0.2 4659 typ host' });
    await settle();
    rig.peer().become('failed');
  }
  const reports = rig.socket().sent.filter((m) => m.event === 'holt/ice_failed');
  assert.equal(reports.length, 3);
  assert.deepEqual(reports[0]?.payload, { local: [], remote: ['10.0.0.2:4659/udp'], state: 'failed' });
  assert.equal(rig.phase(), 'retrying');
  assert.deepEqual(rig.viewer.state.get().addresses, ['10.0.0.2:4659/udp']);
});

test('a short interruption heals itself, a long one asks again', async () => {
  const rig = make();
  await go_live(rig);
  rig.peer().become('disconnected');
  rig.clock.advance(2_000);
  rig.peer().become('connected');
  rig.clock.advance(5_000);
  assert.equal(rig.phase(), 'live');
  const first = rig.peer();
  first.become('disconnected');
  rig.clock.advance(4_100);
  assert.equal(rig.phase(), 'negotiating');
  assert.equal(first.connectionState, 'closed');
});

test('signal/close asks for the stream again on a new connection', async () => {
  const rig = make();
  await go_live(rig);
  const old = rig.peer();
  rig.socket().say('signal/close', {});
  assert.equal(old.connectionState, 'closed');
  rig.socket().say('signal/candidate', { candidate: 'late' });
  assert.ok(!old.log.includes('candidate late'));
  rig.socket().say('signal/provide', { sdp: 'v=0' });
  await settle();
  assert.notEqual(rig.peer(), old);
  assert.ok(rig.peer().log.includes('candidate late'));
});

test('an offer that the browser refuses is a reason', async () => {
  const rig = make();
  rig.viewer.start();
  begin(rig);
  const made = FakePeer.prototype.setRemoteDescription;
  FakePeer.prototype.setRemoteDescription = () => Promise.reject(new Error('no codec'));
  rig.socket().say('signal/provide', { sdp: 'v=0' });
  await settle();
  FakePeer.prototype.setRemoteDescription = made;
  assert.deepEqual([rig.phase(), rig.viewer.state.get().detail], ['retrying', 'No codec.']);
});

test('errors of the engine are told apart, those of control only noted', async () => {
  const rig = make();
  await go_live(rig);
  rig.socket().say('holt/error', { code: 'control_held', detail: 'Ana holds it', retryable: false });
  assert.equal(rig.phase(), 'live');
  assert.match(rig.viewer.state.get().notice?.text ?? '', /Ana holds it/);
  rig.socket().say('holt/error', { code: 'stream_pipeline', detail: 'no capture', addresses: [], retryable: true });
  assert.equal(rig.phase(), 'retrying');
  const other = make();
  await go_live(other);
  other.socket().say('holt/error', { code: 'stream_ice', detail: 'blocked', addresses: ['1.2.3.4:5', 6], retryable: false });
  assert.equal(other.phase(), 'failed');
  assert.deepEqual(other.viewer.state.get().addresses, ['1.2.3.4:5']);
});

test('heartbeats go out as often as the engine wants, silence ends the connection', async () => {
  const rig = make();
  await go_live(rig);
  rig.clock.advance(11_000);
  assert.equal(rig.socket().events().filter((e) => e === 'client/heartbeat').length, 2);
  for (let i = 0; i < 6; i += 1) {
    rig.clock.advance(10_000);
    rig.socket().say('system/heartbeat');
  }
  assert.equal(rig.phase(), 'live');
  rig.clock.advance(36_000);
  assert.notEqual(rig.phase(), 'live');
});

test('the round trip comes from ping and pong', async () => {
  const rig = make();
  const channel = await go_live(rig);
  const ping = channel.sent.find((m) => m[0] === 7) as Uint8Array;
  rig.clock.advance(12);
  const pong = new Uint8Array(19);
  pong.set([3, 0, 19]);
  pong.set(ping.slice(3, 11), 3);
  channel.onmessage?.({ data: pong.buffer } as MessageEvent);
  assert.equal(rig.viewer.state.get().rtt_ms, 12);
});

test('junk from the socket and the channel changes nothing', async () => {
  const rig = make();
  const channel = await go_live(rig);
  const before = rig.viewer.state.get();
  for (const junk of ['', '{', '[]', 'null', '{"event":7}', '{"event":"holt/unknown"}', new ArrayBuffer(4), '{"event":"signal/provide","payload":{}}', '{"event":"screen/updated","payload":null}'])
    rig.socket().raw(junk);
  channel.onmessage?.({ data: 'text' } as MessageEvent);
  channel.onmessage?.({ data: new ArrayBuffer(2) } as MessageEvent);
  assert.deepEqual(rig.viewer.state.get(), before);
});

test('a stopped viewer leaves no timer, socket or connection', async () => {
  const rig = make();
  await go_live(rig);
  rig.viewer.stop();
  assert.equal(rig.clock.waiting, 0);
  assert.equal(rig.socket().closed_with, 1000);
  assert.equal(rig.peer().connectionState, 'closed');
  assert.equal(rig.phase(), 'ended');
});

test('two hundred losses leave no timer behind', async () => {
  const rig = make();
  await go_live(rig);
  for (let i = 0; i < 200; i += 1) {
    rig.socket().end(1012);
    rig.clock.advance(700);
    await go_live(rig);
  }
  assert.ok(rig.clock.waiting < 8, String(rig.clock.waiting));
  assert.equal(FakePeer.made.filter((p) => p.connectionState !== 'closed').length, 1);
});
