# SPDX-License-Identifier: Apache-2.0
"""An agent that speaks sbx/1 by the rules of docs/protocol-sbx1.md, section 8, over a bare WebSocket:
keeps what is pending, sends it again after a while and after every join and every `hello` of a new
daemon, drops second answers, releases what it has consumed. Everything it sends and hears goes into
the history. It is written against the text, not against our library."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

FIRST_RESEND_S = 0.6  # section 8 says 1 s; shorter makes more duplicates
LONGEST_RESEND_S = 4.0
SILENCE_S = 6.0  # nothing heard for so long: the connection is dead
HEARTBEAT_S = 2.0


@dataclass
class Pending:
    command: dict
    answer: asyncio.Future
    attempt: int = 0
    due: float = 0.0
    wait_s: float = FIRST_RESEND_S
    first: float = 0.0


class Agent:
    def __init__(self, name: str, port: Callable[[], int], access: Callable[[], dict],
                 history: Callable[..., None], chance: random.Random):
        self.src = name
        self.port, self.access, self.history, self.chance = port, access, history, chance
        self.pending: dict[str, Pending] = {}
        self.answered: set[str] = set()
        self.lately: deque[tuple[float, dict]] = deque(maxlen=60)  # sent, with their time
        self.joined = asyncio.Event()
        self.calm = False  # reconnects at once, for cuts byte by byte
        self.socket = None
        self.boot = None
        self.vsn = chance.choice(("1.0.0", "2.0.0"))
        self.refs = 0
        self.joins = 0
        self.heard = 0.0
        self.task = asyncio.create_task(self.live())

    # -- what the scripts use

    async def ask(self, command: dict) -> dict:
        command = {**command, "src": self.src}
        if self.chance.random() < 0.5:
            command["ack"] = True
        one = Pending(command, asyncio.get_running_loop().create_future())
        self.history("invoke", command=command)
        self.pending[command["id"]] = one
        await self.transmit(one)
        return await one.answer

    async def tell(self, command: dict) -> None:
        """Without an answer."""
        with contextlib.suppress(OSError, WebSocketException, asyncio.TimeoutError):
            await self.push({**command, "src": self.src})

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    # -- the link

    async def live(self) -> None:
        while True:
            try:
                await self.connection()
            except (OSError, WebSocketException, asyncio.TimeoutError, EOFError, ValueError) as why:
                self.history("link", src=self.src, what=type(why).__name__)
            finally:
                self.joined.clear()
                self.socket = None
            await asyncio.sleep(0 if self.calm else self.chance.uniform(0.01, 0.3))

    async def connection(self) -> None:
        access = self.access()
        self.topic = f"realtime:sandbox:{access['session']}"
        query = urlencode({"apikey": access["key"], "vsn": self.vsn})
        url = f"ws://127.0.0.1:{self.port()}/realtime/v1/websocket?{query}"
        async with connect(url, max_size=2**24, compression=None, open_timeout=4, close_timeout=1,
                           ping_interval=None, proxy=None) as socket:
            self.socket = socket
            self.refs += 1
            self.join_ref = str(self.refs)
            await self.frame("phx_join", {"config": {"broadcast": {"ack": False, "self": False},
                                                     "presence": {"key": self.src}}})
            self.heard = time.monotonic()
            beat = asyncio.create_task(self.heartbeat())
            try:
                async for text in socket:
                    self.heard = time.monotonic()
                    await self.on_frame(json.loads(text))
            finally:
                beat.cancel()
                await asyncio.gather(beat, return_exceptions=True)

    async def heartbeat(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.1)
            now = time.monotonic()
            if now - self.heard > SILENCE_S:
                await self.socket.close()
                return
            try:
                if now - last > HEARTBEAT_S:
                    last = now
                    await self.frame("heartbeat", {}, "phoenix")
                for one in list(self.pending.values()):
                    if self.joined.is_set() and now >= one.due:
                        await self.transmit(one)
            except (OSError, WebSocketException, asyncio.TimeoutError):
                return

    async def frame(self, event: str, payload, topic: str | None = None) -> None:
        self.refs += 1
        ref = self.join_ref if event == "phx_join" else str(self.refs)
        topic = topic or self.topic
        join_ref = None if topic == "phoenix" else self.join_ref
        if self.vsn == "2.0.0":
            text = json.dumps([join_ref, ref, topic, event, payload])
        else:
            text = json.dumps({"topic": topic, "event": event, "payload": payload, "ref": ref,
                               "join_ref": join_ref})
        await asyncio.wait_for(self.socket.send(text), 4)

    async def push(self, command: dict) -> None:
        if self.socket is not None:
            await self.frame("broadcast",
                             {"type": "broadcast", "event": "cmd", "payload": command})

    async def on_frame(self, frame) -> None:
        if isinstance(frame, list):
            _, ref, topic, event, payload = frame
        else:
            ref, topic, event, payload = (frame.get(k) for k in ("ref", "topic", "event", "payload"))
        if topic != self.topic:
            return
        if event == "phx_reply" and ref == self.join_ref:
            if payload.get("status") != "ok":
                raise ValueError(f"join refused: {payload}")
            self.joins += 1
            self.joined.set()
            self.history("link", src=self.src, what="joined")
            await self.resend_all()
        elif event in ("phx_close", "phx_error"):
            raise EOFError(event)
        elif event == "broadcast":
            await self.on_message(payload.get("payload"))

    # -- commands

    async def transmit(self, one: Pending) -> None:
        one.attempt += 1
        one.due = time.monotonic() + one.wait_s * self.chance.uniform(0.8, 1.2)
        one.wait_s = min(LONGEST_RESEND_S, one.wait_s * 2)
        command = one.command if one.attempt == 1 else {**one.command, "attempt": one.attempt}
        self.history("send", id=one.command["id"], attempt=one.attempt)
        self.lately.append((time.monotonic(), command))
        with contextlib.suppress(OSError, WebSocketException, asyncio.TimeoutError):
            if self.joined.is_set():
                await self.push(command)

    async def resend_all(self) -> None:
        for one in list(self.pending.values()):
            await self.transmit(one)

    async def repeat_some(self) -> None:
        """As a network does that delivers twice: the very bytes of commands of the last seconds."""
        for at, command in list(self.lately):
            if time.monotonic() - at < 20 and self.joined.is_set() and self.chance.random() < 0.3:
                self.history("copy", id=command["id"])
                with contextlib.suppress(OSError, WebSocketException, asyncio.TimeoutError):
                    await self.push(command)

    async def on_message(self, message) -> None:
        if not isinstance(message, dict):
            return
        kind, id_ = message.get("type"), message.get("id")
        if kind == "hello":
            self.history("hello", src=self.src, boot=message.get("boot"))
            if message.get("boot") != self.boot:
                self.boot = message.get("boot")
                await self.resend_all()
        elif kind == "result" and (id_ in self.pending or id_ in self.answered):
            self.history("result", id=id_, message=message)
            one = self.pending.pop(id_, None)
            self.answered.add(id_)
            if one is not None and not one.answer.done():
                one.answer.set_result(message)
        elif kind == "ack" and id_ in self.pending:
            self.history("ack", id=id_, state=message.get("state"))
