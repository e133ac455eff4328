# SPDX-License-Identifier: Apache-2.0
"""The channel `sandbox:{session}` over the official `realtime` client, supervised. One client
object serves one connection; whatever makes it doubtful (socket gone, listener dead, channel
closed for good, nothing heard although asked) ends it, and a new one is built with back-off, for
ever. Runs on the event loop it was started on; callbacks never raise into the listener."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates
from realtime.message import Message, ServerMessageAdapter
from websockets.exceptions import ConnectionClosed

from .errors import ClosedError, LinkError
from .settings import Endpoint

log = logging.getLogger("holt.link")

JOIN_LIMIT_S = 15.0  # above the 5 s that the hosted service delays a refusal
REJOIN_GRACE_S = 15.0  # an errored channel rejoins by itself after 1, 2, 5 s
CLOSED_GRACE_S = 1.0  # CLOSED between two SUBSCRIBED: adding a presence listener
PING_LIMIT_S = 5.0
BACKOFF_MIN_S = 0.05
BACKOFF_MAX_S = 10.0


class Link(Protocol):
    """What the commands above need of a way to the sandbox."""

    @property
    def is_up(self) -> bool: ...
    @property
    def max_payload(self) -> int: ...
    def send(self, event: str, payload: Mapping[str, Any]) -> bool:
        """False: not joined; then it was not and will not be sent."""

    def doubt(self) -> None:
        """Nothing is heard: look whether the connection still lives."""


class _LeanClient(AsyncRealtimeClient):
    """The official client with a listener that does not print every message for a log that nobody
    reads (three times its text, also when nothing is logged), and that takes broadcasts without
    matching them against every kind of message. All else goes the official way."""

    on_broadcast: Callable[[str, Any], None] | None = None  # event, payload

    async def _listen(self) -> None:
        socket = self._ws_connection
        if socket is None:
            raise LinkError("the connection was closed")
        why: Exception = LinkError("the connection was closed")
        try:
            async for raw in socket:
                self._take(raw)
        except ConnectionClosed as closed:
            why = closed
        if self._ws_connection is socket:
            self._ws_connection = None
            self._set_channels_errored(why)

    def _take(self, raw: str | bytes) -> None:
        try:
            frame = json.loads(raw)
            if frame["event"] == "broadcast" and self.on_broadcast:
                if frame["topic"] in self.channels:
                    inner = frame["payload"]
                    self.on_broadcast(inner["event"], inner["payload"])
                return
            message = ServerMessageAdapter.validate_python(frame)
        except (ValueError, KeyError, TypeError):
            log.debug("a frame that is none: %d bytes", len(raw))
            return
        if channel := self.channels.get(message.topic):
            channel._handle_message(message)


class RealtimeLink:
    """See the top. on_message(event, payload), on_up() and on_down(why) are called on the loop."""

    def __init__(
        self,
        source: Callable[[], Endpoint],
        *,
        on_message: Callable[[str, dict[str, Any]], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        private: bool = False,
    ) -> None:
        self._source = source
        self._on_message = on_message
        self._on_up = on_up
        self._on_down = on_down
        self._private = private
        self._client: _LeanClient | None = None
        self._channel: AsyncRealtimeChannel | None = None
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._status: RealtimeSubscribeStates | None = None
        self._changed = asyncio.Event()
        self._joined = asyncio.Event()
        self._up = False
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._probe: asyncio.Task[None] | None = None
        self._broken = ""  # why this connection is given up
        self._max_payload = 0
        self.last_error = ""
        self.connections = 0

    @property
    def is_up(self) -> bool:
        return self._up

    @property
    def max_payload(self) -> int:
        return self._max_payload

    @max_payload.setter
    def max_payload(self, value: int) -> None:
        self._max_payload = value

    def start(self) -> None:
        self._task = asyncio.create_task(self._supervise(), name="holt link")

    async def wait_up(self, limit_s: float) -> None:
        try:
            await asyncio.wait_for(self._joined.wait(), limit_s)
        except TimeoutError:
            raise LinkError(
                f"not joined within {limit_s:g} s: {self.last_error or 'no answer'}"
            ) from None
        if self._closing:
            raise ClosedError

    def send(self, event: str, payload: Mapping[str, Any]) -> bool:
        channel = self._channel
        client = self._client
        if not self._up or channel is None or client is None:
            return False
        # Not channel.push(): that keeps a task and an entry for 10 s for each broadcast.
        self._outbox.put_nowait(
            Message(
                topic=channel.topic,
                event="broadcast",
                payload={"type": "broadcast", "event": event, "payload": payload},
                ref=client._make_ref(),
                join_ref=channel.join_push.ref,
            )
        )
        return True

    def doubt(self) -> None:
        if self._up and self._probe is None:
            self._probe = asyncio.create_task(self._ping())
            self._probe.add_done_callback(self._probed)

    async def close(self) -> None:
        if self._up:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._outbox.join(), 0.5)
        self._closing = True
        self._joined.set()
        self._changed.set()
        if self._task:
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._task), 5)
            self._task.cancel()
        if self._probe:
            self._probe.cancel()

    # -- one connection after the other -----------------------------------------------------------

    async def _supervise(self) -> None:
        wait_s = BACKOFF_MIN_S
        while not self._closing:
            self._broken, self._status = "", None
            self._changed.clear()
            try:
                lived = await self._one_connection()
            except asyncio.CancelledError:
                raise
            except Exception as problem:
                lived = False
                self.last_error = _reason(problem)
                log.debug("connection ended: %s", self.last_error)
            if self._closing:
                return
            wait_s = BACKOFF_MIN_S if lived else min(wait_s * 2, BACKOFF_MAX_S)
            await self._pause(wait_s * (0.5 + random.random()))

    async def _one_connection(self) -> bool:
        """Whether it was joined at all."""
        endpoint = self._source()
        client = _LeanClient(
            endpoint.url,
            endpoint.key or None,
            auto_reconnect=False,  # one object, one connection: see the top
            max_retries=1,
        )
        self._client = client
        sender: asyncio.Task[None] | None = None
        joined_once = False
        try:
            async with asyncio.timeout(JOIN_LIMIT_S):
                await client.connect()
            self._watch_listener(client)
            channel = client.channel(
                f"sandbox:{endpoint.session}",
                {
                    "config": {
                        "broadcast": {"ack": False, "self": False},
                        "presence": {"key": "", "enabled": False},
                        "private": self._private,
                    }
                },
            )
            self._channel = channel
            client.on_broadcast = self._heard
            self._outbox = asyncio.Queue()
            sender = asyncio.create_task(self._send_all(client, self._outbox))
            async with asyncio.timeout(JOIN_LIMIT_S):
                await channel.subscribe(self._status_changed)
            if not self._max_payload:
                self._max_payload = endpoint.max_payload
            while not self._closing and not self._broken:
                self._changed.clear()
                if self._status == RealtimeSubscribeStates.SUBSCRIBED:
                    joined_once = True
                    await self._changed.wait()
                    continue
                closed = self._status == RealtimeSubscribeStates.CLOSED
                if not joined_once and not closed:
                    raise LinkError(self.last_error or "the join was refused")
                await self._wait_for_rejoin(CLOSED_GRACE_S if closed else REJOIN_GRACE_S)
            return joined_once
        finally:
            self._set_down(self._broken or self.last_error or "closed")
            if sender:
                sender.cancel()
            await self._dispose(client)

    async def _wait_for_rejoin(self, limit_s: float) -> None:
        try:
            async with asyncio.timeout(limit_s):
                while self._status != RealtimeSubscribeStates.SUBSCRIBED:
                    if self._closing or self._broken:
                        return
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self._give_up("the channel did not come back")

    async def _dispose(self, client: AsyncRealtimeClient) -> None:
        if self._client is client:
            self._client = self._channel = None
        for channel in client.get_channels():
            channel.rejoin_timer.reset()
            channel.join_push.destroy()
        # Closing waits for the other side's answer; who is dead gives none.
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.close(), 1.0)

    def _watch_listener(self, client: AsyncRealtimeClient) -> None:
        task: asyncio.Task[Any] | None = getattr(client, "_listen_task", None)
        if task is None:
            raise LinkError("the realtime client has no listener")

        def ended(done: asyncio.Task[Any]) -> None:
            problem = None if done.cancelled() else done.exception()
            if self._client is client:
                self._give_up(_reason(problem) if problem else "the connection was closed")

        task.add_done_callback(ended)

    async def _send_all(self, client: AsyncRealtimeClient, outbox: asyncio.Queue[Message]) -> None:
        try:
            while True:
                message = await outbox.get()
                await client.send(message)
                outbox.task_done()
        except asyncio.CancelledError:
            raise
        except Exception as problem:
            self._give_up(_reason(problem))

    # -- what the client calls: nothing may be raised here ----------------------------------------

    def _status_changed(self, status: RealtimeSubscribeStates, problem: Exception | None) -> None:
        self._status = status
        if problem is not None:
            self.last_error = _reason(problem)
        if status == RealtimeSubscribeStates.SUBSCRIBED:
            if not self._up:
                self._up = True
                self.connections += 1
                self._joined.set()
                self._guarded(self._on_up)
        else:
            self._set_down(self.last_error or str(status))
        self._changed.set()

    def _heard(self, event: str, payload: Any) -> None:
        try:
            if isinstance(payload, dict):
                self._on_message(event, payload)
        except Exception:
            log.exception("a message could not be taken")

    def _give_up(self, why: str) -> None:
        self._broken = self._broken or why
        self.last_error = why
        self._set_down(why)
        self._changed.set()

    def _set_down(self, why: str) -> None:
        if self._up:
            self._up = False
            if not self._closing:
                self._joined.clear()
            self._guarded(lambda: self._on_down(why))

    def _guarded(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception:
            log.exception("a callback failed")

    # -- is it still alive? -----------------------------------------------------------------------

    async def _ping(self) -> None:
        socket = getattr(self._client, "_ws_connection", None)
        if socket is None:
            raise LinkError("the connection was closed")
        async with asyncio.timeout(PING_LIMIT_S):
            await (await socket.ping())

    def _probed(self, done: asyncio.Task[None]) -> None:
        self._probe = None
        if not done.cancelled() and done.exception() is not None and self._up:
            self._give_up("the other side does not answer")

    async def _pause(self, seconds: float) -> None:
        self._changed.clear()
        if self._closing:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)


def _reason(problem: BaseException) -> str:
    """For people; an address may hold the key in its query, so none is shown."""
    text = str(problem) or type(problem).__name__
    return "refused" if "apikey=" in text else text[:300]
