// SPDX-License-Identifier: Apache-2.0
// A viewer on fakes, and the way to its live picture: what the tests of the viewer share.
import assert from 'node:assert/strict';

import { Viewer, type Diagnosis } from '../core/viewer.ts';
import { FakeClock, FakePeer, FakeSocket, settle } from './fakes.ts';

export function make(diagnosis?: Diagnosis) {
  const clock = new FakeClock();
  const page = { visible: true };
  const log: string[] = [];
  FakeSocket.made.length = 0;
  FakePeer.made.length = 0;
  const viewer = new Viewer(
    {
      url: 'ws://h/v1/desktop/stream/signaling',
      make_socket: (url) => new FakeSocket(url),
      make_peer: (configuration) => new FakePeer(configuration) as unknown as RTCPeerConnection,
      clock,
      random: () => 0.5,
      visible: () => page.visible,
      diagnose: () => Promise.resolve(diagnosis),
    },
    {
      track: (kind) => log.push(`track ${kind}`),
      before_drop: () => log.push('keep picture'),
      release_input: () => log.push('release input'),
      signed_out: (reason) => log.push(`signed out: ${reason}`),
    },
  );
  const socket = () => FakeSocket.made.at(-1) as FakeSocket;
  const peer = () => FakePeer.made.at(-1) as FakePeer;
  const phase = () => viewer.state.get().phase;
  return { page, viewer, clock, log, socket, peer, phase };
}

export type Rig = ReturnType<typeof make>;

export const init = { session_id: 's1', screen_size: { width: 1280, height: 720, rate: 60 }, settings: { heartbeat_interval: 5 }, sessions: { s1: {} } };

export function begin(rig: Rig, engine = 'builtin') {
  rig.socket().open();
  rig.socket().say('system/init', init);
  rig.socket().say('holt/session', { id: 's1', name: 'Ana', canControl: true, engine, engineVersion: '1' });
}

export async function go_live(rig: Rig, engine = 'builtin') {
  await show_picture(rig, engine);
  return rig.peer().open_channel();
}

/** Live, but the channel for input is not there yet. */
export async function show_picture(rig: Rig, engine = 'builtin') {
  if (rig.phase() === 'idle') rig.viewer.start();
  begin(rig, engine);
  rig.socket().say('signal/provide', { sdp: 'v=0', iceservers: [] });
  await settle();
  rig.peer().become('connected');
  rig.viewer.frame_shown();
  assert.equal(rig.phase(), 'live');
}
