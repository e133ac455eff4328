// SPDX-License-Identifier: Apache-2.0
// The least of a WebSocket server, for the fake daemon: unfragmented text frames and close codes.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

export class FakeSocket {
  on_text: (text: string) => void = () => undefined;
  on_close: () => void = () => undefined;
  readonly #stream: Duplex;
  #buffer = Buffer.alloc(0);
  #open = true;

  constructor(request: IncomingMessage, stream: Duplex) {
    this.#stream = stream;
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    stream.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('close', () => this.#ended());
    stream.on('error', () => this.#ended());
  }

  send(value: unknown): void {
    this.#frame(1, Buffer.from(JSON.stringify(value)));
  }

  close(code: number, reason = ''): void {
    const body = Buffer.alloc(2 + Buffer.byteLength(reason));
    body.writeUInt16BE(code);
    body.write(reason, 2);
    this.#frame(8, body);
    this.#ended();
  }

  /** No close frame: the browser sees 1006. */
  cut(): void {
    this.#stream.destroy();
  }

  #frame(operation: number, body: Buffer): void {
    if (!this.#open) return;
    const head = body.length < 126 ? Buffer.alloc(2) : Buffer.alloc(body.length < 65536 ? 4 : 10);
    head[0] = 0x80 | operation;
    if (body.length < 126) head[1] = body.length;
    else if (body.length < 65536) {
      head[1] = 126;
      head.writeUInt16BE(body.length, 2);
    } else {
      head[1] = 127;
      head.writeBigUInt64BE(BigInt(body.length), 2);
    }
    this.#stream.write(Buffer.concat([head, body]));
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const data = this.#buffer;
      if (data.length < 2) return;
      const operation = (data[0] ?? 0) & 15;
      let length = (data[1] ?? 0) & 127;
      let at = 2;
      if (length === 126) {
        if (data.length < 4) return;
        length = data.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (data.length < 10) return;
        length = Number(data.readBigUInt64BE(2));
        at = 10;
      }
      if (data.length < at + 4 + length) return;
      const mask = data.subarray(at, at + 4);
      const body = Buffer.from(data.subarray(at + 4, at + 4 + length));
      for (let i = 0; i < body.length; i += 1) body[i] = (body[i] ?? 0) ^ (mask[i % 4] ?? 0);
      this.#buffer = data.subarray(at + 4 + length);
      if (operation === 1) this.on_text(body.toString());
      else if (operation === 8) this.close(1000);
    }
  }

  #ended(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stream.end();
    this.on_close();
  }
}
