// SPDX-License-Identifier: Apache-2.0
// The binary data channel, big-endian: u8 operation, u16 length, body. What we send counts the
// body only; what the engine sends counts the header too, and the u16 overflows on a large
// cursor, so the message's own size is what counts. Never throws on what comes in.

/** The most wheel clicks that one message may carry. */
export const max_scroll_clicks = 20;

export type ServerMessage =
  | { readonly kind: 'cursor_position'; readonly x: number; readonly y: number }
  | {
      readonly kind: 'cursor_image';
      readonly width: number;
      readonly height: number;
      readonly hot_x: number;
      readonly hot_y: number;
      readonly png: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: 'pong'; readonly sent_ms: number; readonly server_ms: number };

const split = 4_294_967_295; // the engine's clients split milliseconds by 2^32 - 1, not by 2^32

function message(operation: number, body_bytes: number): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(3 + body_bytes));
  view.setUint8(0, operation);
  view.setUint16(1, body_bytes);
  return view;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(Math.round(value), low), high);
}

function number_message(operation: number, value: number): ArrayBuffer {
  const view = message(operation, 4);
  view.setUint32(3, value >>> 0);
  return view.buffer;
}

/** Pointer to a pixel of the screen. */
export function encode_move(x: number, y: number): ArrayBuffer {
  const view = message(0x01, 4);
  view.setUint16(3, clamp(x, 0, 65_535));
  view.setUint16(5, clamp(y, 0, 65_535));
  return view.buffer;
}

/** Wheel clicks: positive `up` scrolls up, positive `left` scrolls left. */
export function encode_scroll(left: number, up: number, control_held = false): ArrayBuffer {
  const view = message(0x02, 5);
  view.setInt16(3, clamp(left, -max_scroll_clicks, max_scroll_clicks));
  view.setInt16(5, clamp(up, -max_scroll_clicks, max_scroll_clicks));
  view.setUint8(7, control_held ? 1 : 0);
  return view.buffer;
}

export function encode_key(down: boolean, keysym: number): ArrayBuffer {
  return number_message(down ? 0x03 : 0x04, keysym);
}

/** 1 left, 2 middle, 3 right, 8 back, 9 forward. */
export function encode_button(down: boolean, button: number): ArrayBuffer {
  return number_message(down ? 0x05 : 0x06, button);
}

export function encode_ping(now_ms: number): ArrayBuffer {
  const view = message(0x07, 8);
  view.setUint32(3, Math.floor(now_ms / split));
  view.setUint32(7, Math.floor(now_ms % split));
  return view.buffer;
}

/** One message of the engine, or nothing when it is unknown or too short. */
export function decode(data: ArrayBuffer): ServerMessage | undefined {
  if (data.byteLength < 3) return undefined;
  const view = new DataView(data);
  const body = data.byteLength - 3;
  switch (view.getUint8(0)) {
    case 0x01:
      if (body < 4) return undefined;
      return { kind: 'cursor_position', x: view.getUint16(3), y: view.getUint16(5) };
    case 0x02:
      if (body < 8) return undefined;
      return {
        kind: 'cursor_image',
        width: view.getUint16(3),
        height: view.getUint16(5),
        hot_x: view.getUint16(7),
        hot_y: view.getUint16(9),
        png: new Uint8Array(data, 11),
      };
    case 0x03:
      if (body < 16) return undefined;
      return {
        kind: 'pong',
        sent_ms: view.getUint32(3) * split + view.getUint32(7),
        server_ms: view.getUint32(11) * split + view.getUint32(15),
      };
    default:
      return undefined;
  }
}
