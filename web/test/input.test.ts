// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decode, encode_button, encode_key, encode_move, encode_ping, encode_scroll } from '../core/codec.ts';
import { contain, to_screen, x_button } from '../core/geometry.ts';
import { TouchGestures } from '../core/touch.ts';
import { WheelAccumulator } from '../core/wheel.ts';
import { FakeClock } from './fakes.ts';

const hex = (data: ArrayBuffer) => Buffer.from(data).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex')).buffer as ArrayBuffer;

test('what we send counts the body only, big-endian', () => {
  assert.equal(hex(encode_move(640, 360)), '010004' + '0280' + '0168');
  assert.equal(hex(encode_scroll(0, 1)), '020005' + '0000' + '0001' + '00');
  assert.equal(hex(encode_scroll(-2, -3, true)), '020005' + 'fffe' + 'fffd' + '01');
  assert.equal(hex(encode_key(true, 0xffe1)), '030004' + '0000ffe1');
  assert.equal(hex(encode_key(false, 0x010020ac)), '040004' + '010020ac');
  assert.equal(hex(encode_button(true, 1)), '050004' + '00000001');
  assert.equal(hex(encode_button(false, 9)), '060004' + '00000009');
});

test('a ping splits milliseconds by 2^32 - 1', () => {
  assert.equal(hex(encode_ping(4_294_967_295 * 3 + 7)), '070008' + '00000003' + '00000007');
});

test('positions and scrolls beyond their fields are clamped', () => {
  assert.equal(hex(encode_move(-5, 99_999)), '010004' + '0000' + 'ffff');
  assert.equal(hex(encode_scroll(0, 4_000)), '020005' + '0000' + '0014' + '00');
});

test('what the engine sends is read by its size, not by its length field', () => {
  assert.deepEqual(decode(bytes('010007' + '0280' + '0168')), { kind: 'cursor_position', x: 640, y: 360 });
  const image = decode(bytes('020000' + '0010' + '0012' + '0001' + '0002' + '89504e47'));
  assert.ok(image?.kind === 'cursor_image');
  assert.deepEqual([image.width, image.height, image.hot_x, image.hot_y], [16, 18, 1, 2]);
  assert.equal(Buffer.from(image.png).toString('hex'), '89504e47');
  const pong = decode(bytes('030013' + '00000003' + '00000007' + '00000000' + '00000009'));
  assert.deepEqual(pong, { kind: 'pong', sent_ms: 4_294_967_295 * 3 + 7, server_ms: 9 });
});

test('short and unknown messages of the engine are nothing', () => {
  for (const junk of ['', '01', '0100', '010007', '01000702', '02000b0000', '0300130000', 'ff0000', '000000000000'])
    assert.equal(decode(bytes(junk)), undefined, junk);
});

test('every cut of a valid message is read without an exception', () => {
  for (const whole of ['010007028001680000', '02000f00100012000100028950', '0300130000000300000007000000000000000900'])
    for (let length = 0; length <= whole.length; length += 2) decode(bytes(whole.slice(0, length)));
});

const still = { deltaX: 0, deltaY: 0, deltaMode: 0 };

test('one notch of a wheel is one click, up is positive', () => {
  const wheel = new WheelAccumulator();
  assert.deepEqual(wheel.add({ ...still, deltaY: 120, wheelDeltaY: -120 }, 0), { left: 0, up: -1 });
  assert.deepEqual(wheel.add({ ...still, deltaY: -53, wheelDeltaY: 120 }, 20), { left: 0, up: 1 });
  assert.deepEqual(wheel.add({ ...still, deltaX: 120, wheelDeltaX: -120 }, 40), { left: -1, up: 0 });
  assert.deepEqual(wheel.add({ ...still, deltaY: 3, deltaMode: 1 }, 60), { left: 0, up: -1 });
  assert.deepEqual(wheel.add({ ...still, deltaY: -1, deltaMode: 2 }, 80), { left: 0, up: 1 });
});

test('small deltas of a touch pad add up to clicks', () => {
  const wheel = new WheelAccumulator();
  let down = 0;
  for (let i = 0; i < 60; i += 1) down -= wheel.add({ ...still, deltaY: 10, wheelDeltaY: -30 }, i * 10).up;
  assert.equal(down, 10);
});

test('turning round and pausing drop what was left over', () => {
  const wheel = new WheelAccumulator();
  assert.equal(wheel.add({ ...still, deltaY: 59 }, 0).up, 0);
  assert.equal(wheel.add({ ...still, deltaY: -60 }, 10).up, 1);
  assert.equal(wheel.add({ ...still, deltaY: 59 }, 20).up, 0);
  assert.equal(wheel.add({ ...still, deltaY: 59 }, 1_000).up, 0);
});

test('a wild or broken delta stays within bounds', () => {
  const wheel = new WheelAccumulator();
  assert.equal(wheel.add({ ...still, deltaY: 1e9 }, 0).up, -20);
  assert.equal(wheel.add({ ...still, deltaY: Number.NaN }, 1).up, 0);
});

test('the picture is contained and centred, and its pixels are found', () => {
  const screen = { width: 1280, height: 720 };
  const rect = contain({ width: 1000, height: 1000 }, screen);
  assert.deepEqual(rect, { left: 0, top: 218.75, width: 1000, height: 562.5 });
  assert.deepEqual(to_screen({ x: 500, y: 500 }, rect, screen), { x: 640, y: 360 });
  assert.deepEqual(to_screen({ x: -40, y: 0 }, rect, screen), { x: 0, y: 0 });
  assert.deepEqual(to_screen({ x: 5000, y: 5000 }, rect, screen), { x: 1279, y: 719 });
  assert.equal(to_screen({ x: 1, y: 1 }, contain({ width: 0, height: 0 }, screen), screen), undefined);
});

test('mouse buttons have their X numbers', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5].map(x_button), [1, 2, 3, 8, 9, 0]);
});

function fingers() {
  const clock = new FakeClock();
  const log: string[] = [];
  const touch = new TouchGestures(
    {
      move: (at) => log.push(`move ${at.x},${at.y}`),
      button: (down, button) => log.push(`${down ? 'down' : 'up'} ${button}`),
      scroll: (dx, dy) => log.push(`scroll ${dx},${dy}`),
    },
    clock,
  );
  return { clock, log, touch };
}

test('a tap is a left click where the finger came down', () => {
  const { log, touch } = fingers();
  touch.down(1, { x: 10, y: 10 });
  touch.move(1, { x: 14, y: 12 });
  touch.up(1);
  assert.deepEqual(log, ['move 10,10', 'down 1', 'up 1']);
});

test('a long press is a right click and nothing follows it', () => {
  const { clock, log, touch } = fingers();
  touch.down(1, { x: 10, y: 10 });
  clock.advance(600);
  touch.move(1, { x: 90, y: 90 });
  touch.up(1);
  assert.deepEqual(log, ['move 10,10', 'down 3', 'up 3']);
});

test('a moving finger drags with the left button', () => {
  const { log, touch } = fingers();
  touch.down(1, { x: 10, y: 10 });
  touch.move(1, { x: 60, y: 10 });
  touch.move(1, { x: 90, y: 10 });
  touch.up(1);
  assert.deepEqual(log, ['move 10,10', 'down 1', 'move 60,10', 'move 90,10', 'up 1']);
});

test('two fingers scroll, two that only tap are a right click', () => {
  const { log, touch } = fingers();
  touch.down(1, { x: 0, y: 0 });
  touch.down(2, { x: 20, y: 0 });
  touch.move(1, { x: 0, y: 40 });
  touch.move(2, { x: 20, y: 40 });
  touch.up(1);
  touch.up(2);
  assert.deepEqual(log, ['move 10,0', 'scroll 0,20', 'scroll 0,20']);
  touch.down(1, { x: 0, y: 0 });
  touch.down(2, { x: 20, y: 0 });
  touch.up(2);
  touch.up(1);
  assert.deepEqual(log.slice(3), ['move 10,0', 'down 3', 'up 3']);
});

test('a cancelled drag lets go of the button', () => {
  const { log, touch, clock } = fingers();
  touch.down(1, { x: 10, y: 10 });
  touch.move(1, { x: 60, y: 10 });
  touch.cancel();
  assert.equal(log.at(-1), 'up 1');
  assert.equal(clock.waiting, 0);
});
