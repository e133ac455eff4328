# SPDX-License-Identifier: Apache-2.0
"""A Realtime server for faults: protocol 1.0.0 only, one room per topic, and every way to go wrong
that the tests ask for. The real thing is Holt's broker; this one loses, doubles and closes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve

Message = dict[str, Any]


@dataclass
class Faults:
    """What happens to each broadcast: called with its payload, says how often it is delivered."""

    copies: Callable[[Message], int] = lambda _payload: 1
    refuse_joins: int = 0
    mute: bool = False  # the server hears, and says nothing at all any more


@dataclass
class RealtimeDouble:
    """Members in process (the sandbox) get every broadcast of their topic and may send."""

    faults: Faults = field(default_factory=Faults)
    port: int = 0
    joins: int = 0
    seen: list[Message] = field(default_factory=list)  # payloads of broadcasts from sockets
    _server: Server | None = None
    _sockets: dict[ServerConnection, set[str]] = field(default_factory=dict)
    _members: dict[str, list[Callable[[Message], None]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/realtime/v1"

    async def start(self) -> None:
        self._server = await serve(
            self._socket, "127.0.0.1", self.port, ping_interval=None, max_size=8 << 20
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As kill -9 does it: connections are cut, nobody says goodbye."""
        self.cut()
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def cut(self) -> None:
        for socket in list(self._sockets):
            socket.transport.abort()

    async def close_all(self, code: int) -> None:
        for socket in list(self._sockets):
            await socket.close(code)

    def join(self, topic: str, heard: Callable[[Message], None]) -> None:
        self._members.setdefault(topic, []).append(heard)

    def broadcast(self, topic: str, event: str, payload: Any) -> None:
        copies = self.faults.copies(payload) if isinstance(payload, dict) else 1
        self.emit(topic, "broadcast", {"type": "broadcast", "event": event, "payload": payload},
                  copies)  # fmt: skip

    def emit(self, topic: str, event: str, payload: Message, copies: int = 1) -> None:
        if self.faults.mute:
            return
        frame = json.dumps({"topic": topic, "event": event, "payload": payload, "ref": None})
        for socket, topics in list(self._sockets.items()):
            if topic in topics:
                for _ in range(copies):
                    # Frames are written in the order of their tasks.
                    _background(socket.send(frame))

    async def _socket(self, socket: ServerConnection) -> None:
        self._sockets[socket] = set()
        try:
            async for raw in socket:
                await self._frame(socket, json.loads(raw))
        except Exception:
            pass
        finally:
            self._sockets.pop(socket, None)

    async def _frame(self, socket: ServerConnection, frame: Message) -> None:
        topic, event = frame["topic"], frame["event"]

        async def reply(status: str, response: Message) -> None:
            if not self.faults.mute:
                await socket.send(
                    json.dumps(
                        {
                            "topic": topic,
                            "event": "phx_reply",
                            "ref": frame["ref"],
                            "payload": {"status": status, "response": response},
                        }
                    )
                )

        if event == "heartbeat":
            await reply("ok", {})
        elif event == "phx_join":
            if self.faults.refuse_joins > 0:
                self.faults.refuse_joins -= 1
                await reply("error", {"reason": "Unauthorized: not you"})
                return
            self.joins += 1
            self._sockets[socket].add(topic)
            await reply("ok", {"postgres_changes": []})
        elif event == "phx_leave":
            self._sockets[socket].discard(topic)
            await reply("ok", {})
            self.emit(topic, "phx_close", {})
        elif event == "broadcast":
            payload = frame["payload"]["payload"]
            self.seen.append(payload)
            for _ in range(self.faults.copies(payload)):
                for heard in self._members.get(topic, []):
                    heard(payload)


_tasks: set[asyncio.Task[None]] = set()


def _background(work: Any) -> None:
    async def run() -> None:
        with contextlib.suppress(Exception):
            await work

    task = asyncio.get_running_loop().create_task(run())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
