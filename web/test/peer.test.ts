// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backoff_delay } from '../core/backoff.ts';
import { candidate_address, with_stereo } from '../core/peer.ts';

test('jitter stays within a fifth', () => {
  assert.equal(backoff_delay(1, () => 0), 400);
  assert.equal(backoff_delay(1, () => 1), 600);
  assert.equal(backoff_delay(1_000, () => 0.5), 15_000);
});

test('stereo is asked for exactly once', () => {
  const sdp = (fmtp: string) => `m=audio 9\r\na=rtpmap:111 opus/48000/2\r\n${fmtp}a=x\r\n`;
  assert.equal(with_stereo(sdp('a=fmtp:111 minptime=10;useinbandfec=1\r\n')), sdp('a=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r\n'));
  assert.equal(with_stereo(sdp('a=fmtp:111 stereo=0;a=b\r\n')), sdp('a=fmtp:111 a=b;stereo=1\r\n'));
  const done = sdp('a=fmtp:111 stereo=1\r\n');
  assert.equal(with_stereo(done), done);
  assert.equal(with_stereo(sdp('')), sdp('a=fmtp:111 stereo=1\r\n'));
  assert.equal(with_stereo('m=video 9\r\n'), 'm=video 9\r\n');
});

test('candidate lines give their address', () => {
  assert.equal(candidate_address('candidate:1 1 UDP 21 fd00::2 4659 typ host'), 'fd00::2:4659/udp');
  assert.equal(candidate_address('nonsense'), undefined);
});
