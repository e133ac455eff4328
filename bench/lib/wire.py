# SPDX-License-Identifier: Apache-2.0
"""The thinnest WebSocket client that will do: what a bench's client costs counts twice, so it
costs little. Text only, no fragments, blocking, every wait limited."""

from __future__ import annotations

import base64
import json
import os
import selectors
import socket
import struct
import threading

LIMIT_S = 15


class Socket:
    def __init__(self, port: int, target: str, token: str, host: str = "127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=LIMIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.split(b"\r\n")[0].decode(errors="replace"))

    def fill(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        self.buffer += data

    def say(self, event: str, payload: dict | None = None) -> None:
        self.frame(1, json.dumps({"event": event, "payload": payload or {}}).encode())

    def frame(self, opcode: int, body: bytes) -> None:
        """A mask of zeros is a mask too, and costs nothing."""
        size = len(body)
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size) if size < 126 else struct.pack(
            "!BBH", 0x80 | opcode, 0x80 | 126, size)
        self.socket.sendall(head + b"\0\0\0\0" + body)

    def pop(self) -> tuple[int, bytes] | None:
        """Opcode and body of the next frame, if all of it has come."""
        if len(self.buffer) < 2:
            return None
        size, at = self.buffer[1] & 0x7F, 2
        if size > 125:
            wide = 2 if size == 126 else 8
            if len(self.buffer) < 2 + wide:
                return None
            size, at = int.from_bytes(self.buffer[2:2 + wide], "big"), 2 + wide
        if len(self.buffer) < at + size:
            return None
        opcode, body = self.buffer[0] & 0x0F, self.buffer[at:at + size]
        self.buffer = self.buffer[at + size:]
        return opcode, body

    def next(self) -> tuple[int, bytes]:
        """The same, waited for."""
        while (frame := self.pop()) is None:
            self.fill()
        return frame

    def hear(self, event: str) -> dict:
        """Payload of the next message with this event; others are passed over."""
        mark = f'"{event}"'.encode()
        for _ in range(5000):
            opcode, body = self.next()
            if opcode == 8:
                raise ConnectionError(f"closed: {body[2:].decode(errors='replace')}")
            if opcode == 9:
                self.frame(10, body)
            elif opcode == 1 and mark in body:
                return json.loads(body).get("payload") or {}
        raise ConnectionError(f"no {event} among 5,000 messages")

    def close(self) -> None:
        try:
            self.frame(8, struct.pack("!H", 1000))
        except OSError:
            pass
        self.socket.close()


class Drain(threading.Thread):
    """Reads from many idle connections and answers their pings, or they would be cut."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.selector, self.ended, self.lost = selectors.DefaultSelector(), False, 0

    def add(self, one: Socket) -> None:
        self.selector.register(one.socket, selectors.EVENT_READ, one)

    def run(self) -> None:
        while not self.ended:
            for key, _ in self.selector.select(0.2):
                try:
                    key.data.fill()
                    while frame := key.data.pop():
                        if frame[0] == 9:
                            key.data.frame(10, frame[1])
                except OSError:
                    self.lost += 1
                    self.selector.unregister(key.fileobj)

    def stop(self) -> None:
        self.ended = True
        self.join(5)
