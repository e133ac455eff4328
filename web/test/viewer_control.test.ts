// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { go_live, make, show_picture } from './viewer_rig.ts';

test('nothing is sent without control, and control shows who has it', async () => {
  const rig = make();
  const channel = await go_live(rig);
  channel.sent.length = 0;
  rig.viewer.move(1, 2);
  rig.viewer.key(true, 0x61);
  rig.viewer.button(true, 1);
  rig.viewer.scroll(0, 1, false);
  assert.equal(channel.sent.length, 0);
  rig.viewer.driving.request();
  rig.socket().say('holt/control', { epoch: 1, kind: 'person', name: 'Ana', you: true });
  rig.viewer.key(true, 0x61);
  rig.viewer.move(1, 2);
  assert.deepEqual(channel.sent.map((m) => m[0]), [3, 1]);
  rig.socket().say('holt/control', { epoch: 2, kind: 'agent', name: 'bot', you: false });
  assert.deepEqual(rig.log.at(-1), 'release input');
  assert.match(rig.viewer.state.get().notice?.text ?? '', /bot drives now/);
  rig.viewer.key(false, 0x61);
  assert.equal(channel.sent.length, 2);
});

test('releasing control lets go of every key first', async () => {
  const rig = make();
  await go_live(rig);
  rig.socket().say('holt/control', { kind: 'person', name: 'Ana', you: true });
  rig.log.length = 0;
  rig.viewer.driving.release();
  assert.deepEqual(rig.log, ['release input']);
  assert.equal(rig.socket().events().at(-1), 'control/release');
});

test('moves are left out when the channel is full, keys are not', async () => {
  const rig = make();
  const channel = await go_live(rig);
  rig.socket().say('holt/control', { kind: 'person', you: true });
  channel.sent.length = 0;
  channel.bufferedAmount = 100_000;
  rig.viewer.move(1, 2);
  rig.viewer.key(true, 0x61);
  assert.deepEqual(channel.sent.map((m) => m[0]), [3]);
});

for (const announced of [false, true]) {
  test(`what is typed before the channel is open is sent when it is${announced ? ', also once it is announced' : ''}`, async () => {
    const rig = make();
    await show_picture(rig);
    rig.viewer.key(true, 0x60);
    rig.socket().say('holt/control', { kind: 'person', you: true });
    assert.equal(rig.viewer.may_drive, true);
    const early = announced ? rig.peer().open_channel('connecting') : undefined;
    rig.viewer.move(0, 2);
    rig.viewer.move(1, 2);
    rig.viewer.key(true, 0x61);
    rig.viewer.key(false, 0x61);
    const channel = early ?? rig.peer().open_channel();
    assert.equal(early?.sent.length ?? 0, 0);
    channel.readyState = 'open';
    channel.onopen?.();
    rig.viewer.key(true, 0x62);
    assert.deepEqual(channel.sent.map((m) => m[0]).filter((kind) => kind !== 7), [1, 3, 4, 3]);
  });
}

test('moves before the channel is open take no place of keys, and no press is sent without its release', async () => {
  const rig = make();
  await show_picture(rig);
  rig.socket().say('holt/control', { kind: 'person', you: true });
  for (let i = 0; i < 1_000; i += 1) rig.viewer.move(i, i);
  rig.viewer.key(true, 0x61);
  assert.equal(rig.viewer.may_drive, true);
  for (let i = 0; i < 300; i += 1) rig.viewer.key(i % 2 === 1, 0x62);
  assert.equal(rig.viewer.may_drive, false);
  const channel = rig.peer().open_channel();
  assert.deepEqual(channel.sent.map((m) => m[0]), [7]);
  rig.viewer.key(true, 0x63);
  assert.deepEqual(channel.sent.map((m) => m[0]), [7, 3]);
});

test('what was typed early is not sent by somebody who no longer drives', async () => {
  const rig = make();
  await show_picture(rig);
  rig.socket().say('holt/control', { kind: 'person', you: true });
  rig.viewer.key(true, 0x61);
  rig.socket().say('holt/control', { kind: 'agent', name: 'bot', you: false });
  const channel = rig.peer().open_channel();
  assert.deepEqual(channel.sent.map((m) => m[0]), [7]);
});

test('without a media path nothing waits', async () => {
  const rig = make();
  const channel = await go_live(rig);
  rig.socket().say('holt/control', { kind: 'person', you: true });
  channel.readyState = 'closed';
  assert.equal(rig.viewer.may_drive, false);
  rig.viewer.key(true, 0x61);
  assert.equal(rig.viewer.may_drive, false);
});

test('somebody asks, is handed control or not', async () => {
  const rig = make();
  await go_live(rig);
  rig.socket().say('holt/control', { kind: 'person', you: true });
  for (let i = 0; i < 20; i += 1) rig.socket().say('holt/control_request', { id: `v${i % 12}`, name: 'Bo' });
  assert.equal(rig.viewer.state.get().requests.length, 8);
  rig.viewer.driving.give('v1');
  assert.deepEqual(rig.socket().sent.at(-1), { event: 'control/give', payload: { id: 'v1' } });
  assert.equal(rig.viewer.state.get().requests.length, 7);
});

test('asking waits until somebody answers', async () => {
  const rig = make();
  await go_live(rig);
  rig.socket().say('holt/control', { kind: 'person', name: 'Bo', you: false });
  rig.viewer.driving.request();
  assert.ok(rig.viewer.state.get().asking);
  rig.socket().say('holt/control', { kind: 'person', name: 'Ana', you: true });
  assert.ok(!rig.viewer.state.get().asking);
});
