# SPDX-License-Identifier: Apache-2.0
"""The thinnest WebSocket client that will do: what a bench's client costs counts twice, so it
costs little. Text only, no fragments, blocking, every wait limited."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct

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

    def next(self) -> tuple[int, bytes]:
        """Opcode and body of the next frame."""
        while True:
            if len(self.buffer) >= 2:
                size, at = self.buffer[1] & 0x7F, 2
                if size == 126 and len(self.buffer) >= 4:
                    size, at = struct.unpack("!H", self.buffer[2:4])[0], 4
                elif size == 127 and len(self.buffer) >= 10:
                    size, at = struct.unpack("!Q", self.buffer[2:10])[0], 10
                if size not in (126, 127) or at > 2:
                    if len(self.buffer) >= at + size:
                        opcode = self.buffer[0] & 0x0F
                        body, self.buffer = self.buffer[at:at + size], self.buffer[at + size:]
                        return opcode, body
            self.fill()

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
