# SPDX-License-Identifier: Apache-2.0
"""A TCP gate between agents and the daemon that does what networks do: refuses, cuts at a byte,
resets, swallows, delays, slices, lets frames overtake each other, keeps a dead connection alive on the far side and delivers its last
bytes late. One task a direction; everything random comes from the caller's generator."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field


@dataclass
class Weather:
    """What holds for connections that are made from now on, and for bytes that flow."""

    refuse: bool = False
    cut_up: list[int] = field(default_factory=list)  # the next connections: bytes that get through
    cut_down: list[int] = field(default_factory=list)
    swallow: bool = False  # bytes disappear, connections stay
    delay_s: float = 0.0  # of each piece, at most
    slice: bool = False  # byte by byte, for the first few hundred
    reorder: float = 0.0  # share of WebSocket frames that later ones overtake
    linger: float = 0.0  # share of cuts after which the far side stays and hears the rest late


OVERTAKEN_S = 0.05  # a frame waits so long for one that overtakes it


class Frames:
    """Where the WebSocket frames of one direction end, whether they are passed on whole or in pieces,
    and which of them wait for others to overtake them. A TCP stream does not do that; a Realtime of
    several nodes does."""

    def __init__(self, gate: Gate):
        self.gate = gate
        self.buffer = b""  # what is no whole frame yet
        self.passed = 0  # bytes of it that went on already
        self.head = True  # of HTTP
        self.waiting: list[bytes] = []

    def whole(self) -> int:
        """Length of the unit at the front of the buffer; 0: not all of it is here."""
        have = self.buffer
        if self.head:
            return have.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in have else 0
        if len(have) < 2:
            return 0
        length, at = have[1] & 0x7F, 2
        if length >= 126:
            more = 2 if length == 126 else 8
            if len(have) < at + more:
                return 0
            length, at = int.from_bytes(have[at:at + more], "big"), at + more
        total = at + (4 if have[1] & 0x80 else 0) + length
        return total if len(have) >= total else 0

    def feed(self, piece: bytes, share: float) -> bytes:
        """What goes on now."""
        self.buffer += piece
        out = []
        while end := self.whole():
            unit, untouched = self.buffer[self.passed:end], self.passed == 0
            movable = untouched and not self.head and unit[0] in (0x81, 0x82)
            self.buffer, self.passed, self.head = self.buffer[end:], 0, False
            if movable and self.gate.chance.random() < share:
                self.waiting.append(unit)
                continue
            out.append(unit)
            if self.waiting and not (share and self.gate.chance.random() < 0.5):
                self.gate.count("overtaken")
                out.append(self.flush())
        if not share and self.passed == 0:
            out.append(self.flush())
        if not self.waiting and (not share or self.passed):
            out.append(self.buffer[self.passed:])
            self.passed = len(self.buffer)
        return b"".join(out)

    def flush(self) -> bytes:
        """What waits, unless that would come into the middle of a frame."""
        if self.passed:
            return b""
        out, self.waiting = b"".join(self.waiting), []
        return out


class Pipe:
    """One connection through the gate."""

    def __init__(self, gate: Gate, near, far):
        self.gate, self.near, self.far = gate, near, far  # (reader, writer) each
        self.up_limit = gate.weather.cut_up.pop(0) if gate.weather.cut_up else None
        self.down_limit = gate.weather.cut_down.pop(0) if gate.weather.cut_down else None
        self.late: list[bytes] = []
        self.near_gone = False

    async def run(self) -> None:
        up = asyncio.create_task(self.carry(self.near[0], self.far[1], "up", self.up_limit))
        down = asyncio.create_task(self.carry(self.far[0], self.near[1], "down", self.down_limit))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            self.cut(reset=False)

    async def carry(self, source, sink, way: str, limit: int | None) -> None:
        passed = 0
        frames = Frames(self.gate)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                try:
                    piece = await asyncio.wait_for(source.read(65536),
                                                   OVERTAKEN_S if frames.waiting else None)
                except asyncio.TimeoutError:
                    piece = frames.flush()
                else:
                    if not piece:
                        return
                    piece = frames.feed(piece, self.gate.weather.reorder)
                weather = self.gate.weather
                if not piece:
                    continue
                if weather.swallow:
                    self.gate.count("swallowed")
                    continue
                if weather.delay_s:
                    await asyncio.sleep(self.gate.chance.random() * weather.delay_s)
                if limit is not None and passed + len(piece) >= limit:
                    sink.write(piece[:limit - passed])
                    await sink.drain()
                    self.gate.count(f"cut_{way}")
                    # So that the bytes before the cut are read, and not thrown away by a reset.
                    await asyncio.sleep(0.001)
                    return
                if self.near_gone and way == "up":
                    self.late.append(piece)
                    continue
                if weather.slice and passed < 600:
                    for i in range(len(piece)):
                        sink.write(piece[i:i + 1])
                        await sink.drain()
                        await asyncio.sleep(0)
                else:
                    sink.write(piece)
                    await sink.drain()
                passed += len(piece)

    def cut(self, reset: bool) -> None:
        for _, writer in (self.near, self.far):
            close(writer, reset)

    async def linger(self, seconds: float) -> None:
        """The near side is gone; the far side does not know, and hears the last bytes late."""
        self.near_gone = True
        await asyncio.sleep(0.01)
        close(self.near[1], True)
        await asyncio.sleep(seconds)
        with contextlib.suppress(OSError):
            for piece in self.late:
                self.far[1].write(piece)
            await self.far[1].drain()
            await asyncio.sleep(0.05)
        close(self.far[1], False)


def close(writer, reset: bool) -> None:
    with contextlib.suppress(OSError, AttributeError):
        if reset:
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


class Gate:
    def __init__(self, target_port: int, chance: random.Random):
        self.target_port, self.chance = target_port, chance
        self.weather = Weather()
        self.pipes: dict[Pipe, asyncio.Task] = {}
        self.counts: dict[str, int] = {}
        self.port = 0
        self.tasks: set[asyncio.Task] = set()

    async def open(self) -> None:
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self.server.close()
        self.reset_all()
        for task in [*self.tasks, *self.pipes.values()]:
            task.cancel()

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    async def accept(self, reader, writer) -> None:
        self.count("accepted")
        if self.weather.refuse:
            close(writer, True)
            return
        try:
            far = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            close(writer, True)
            return
        pipe = Pipe(self, (reader, writer), far)
        self.pipes[pipe] = asyncio.current_task()
        try:
            await pipe.run()
        finally:
            self.pipes.pop(pipe, None)

    # -- at once

    def reset_all(self) -> None:
        for pipe in list(self.pipes):
            pipe.cut(reset=True)

    def break_one(self) -> None:
        """One connection ends; sometimes only its near side knows."""
        if not self.pipes:
            return
        pipe = self.chance.choice(list(self.pipes))
        if self.chance.random() < 0.6:
            self.count("lingered")
            task = asyncio.create_task(pipe.linger(self.chance.uniform(0.05, 1.5)))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            self.count("broken")
            pipe.cut(reset=True)
