# SPDX-License-Identifier: Apache-2.0
"""The book of commands that are waiting for their answer: docs/protocol-sbx1.md, section 8. Sends
again what got no answer, after every join and when the daemon is another one than before; drops
answers that came twice; tells the journal what it may forget. Owned by AsyncHolt; runs on its
loop; knows nothing of how the link works."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import ClosedError, InvalidError, NoAnswerError, TooLargeError, error_of
from .link import Link
from .signing import Signer
from .wire import json_size

log = logging.getLogger("holt.commands")

RESEND_MIN_S = 1.0
RESEND_MAX_S = 15.0
ACKED_RESEND_S = 15.0  # it is known to run: only asks whether the answer got lost
RELEASE_AFTER_S = 0.5
RELEASE_AT = 64  # answers
ENVELOPE_BYTES = 600  # what the frame and our own fields add to a command


@dataclass
class Waiting:
    """One command on its way."""

    id: str
    message: dict[str, Any]
    answer: asyncio.Future[dict[str, Any]]
    keep: bool  # its answer stays in the journal: the caller may repeat the command
    on_chunk: Callable[[Mapping[str, Any]], None] | None = None
    attempt: int = 0
    acked: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)  # an ack or the answer came
    sent_at: float | None = None
    wait_s: float = 0.0
    timer: asyncio.TimerHandle | None = None


class RoundTrip:
    """Smoothed round trip as TCP does it; only of commands that were sent once."""

    def __init__(self) -> None:
        self.smoothed_s: float | None = None

    def sample(self, seconds: float) -> None:
        old = self.smoothed_s
        self.smoothed_s = seconds if old is None else old + (seconds - old) / 8

    @property
    def resend_s(self) -> float:
        return min(max(RESEND_MIN_S, 4 * (self.smoothed_s or 0)), RESEND_MAX_S)


@dataclass
class Counters:
    """For people and tests."""

    sent: int = 0
    resent: int = 0
    answered: int = 0
    duplicates: int = 0
    released: int = 0
    boots: int = 0


@dataclass
class Hello:
    """What the daemon said of itself at its last join."""

    sandbox: str = ""
    boot: str = ""
    caps: frozenset[str] = field(default_factory=frozenset)
    max_payload: int = 0
    rseq: int = 0


class CommandBook:
    def __init__(self, src: str | None = None, signer: Signer | None = None, to: str = "") -> None:
        self.src = src or "py-" + secrets.token_hex(8)
        self.to = to
        self.link: Link | None = None
        self.hello = Hello()
        self.counters = Counters()
        self.round_trip = RoundTrip()
        self.on_hello: Callable[[Hello], None] | None = None
        self.on_linked: Callable[[], None] | None = None
        self.on_change: Callable[[Mapping[str, Any]], None] | None = None  # of a watch
        self._signer = signer
        self._waiting: dict[str, Waiting] = {}
        self._release: list[str] = []
        self._release_timer: asyncio.TimerHandle | None = None
        self._next = 0
        self._salt = secrets.token_hex(3)  # a stable src is used by more than one process life
        self._closed = False

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def fresh_id(self) -> str:
        self._next += 1
        return f"{self.src[:150]}.{self._salt}.{self._next}"

    # -- sending ----------------------------------------------------------------------------------

    def submit(
        self,
        message: Mapping[str, Any],
        *,
        id: str | None = None,
        keep: bool = False,
        on_chunk: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Waiting:
        """Sends it, now or as soon as the channel is joined. The same id again, while the first is
        still waiting, is the same command."""
        if self._closed:
            raise ClosedError
        own = id or self.fresh_id()
        if not 0 < len(own.encode()) <= 200:
            raise InvalidError("id must be 1 to 200 bytes long", command=own)
        full = {**message, "id": own, "src": self.src}
        if self.to:
            full["to"] = self.to
        if already := self._waiting.get(own):
            if _same(already.message, full):
                return already
            raise InvalidError("another command with this id is on its way", command=own)
        limit = self.link.max_payload if self.link else 0
        try:
            size = json_size(full) + ENVELOPE_BYTES
        except (TypeError, ValueError) as problem:  # also a lone surrogate
            raise InvalidError(f"this is no JSON: {problem}", command=own) from None
        if limit and size > limit:
            raise TooLargeError(f"{size} bytes, at most {limit} fit into one message", command=own)
        entry = Waiting(own, full, asyncio.get_running_loop().create_future(), keep, on_chunk)
        self._waiting[own] = entry
        self._send(entry)
        return entry

    async def wait(self, entry: Waiting, limit_s: float | None) -> dict[str, Any]:
        """The answer; raises what it says when it is an error. Whoever stops waiting here forgets
        the command: its answer is released when it comes."""
        try:
            async with asyncio.timeout(limit_s):
                answer = await asyncio.shield(entry.answer)
        except TimeoutError:
            self.forget(entry)
            raise NoAnswerError(f"nothing came within {limit_s:g} s", command=entry.id) from None
        except asyncio.CancelledError:
            self.forget(entry)
            raise
        if answer.get("ok") is not True:
            raise error_of(answer, entry.id)
        return answer

    def notify(self, message: Mapping[str, Any]) -> None:
        """A command that has no answer (release); lost when the link is down."""
        full = {**message, "src": self.src}
        if self.to:
            full["to"] = self.to
        if self.link:
            self.link.send("cmd", self._signed(full))

    def cancel(self, entry: Waiting) -> None:
        """Asks the daemon to stop it; the answer still comes, as `cancelled` or as it was."""
        if entry.id in self._waiting:
            self.submit({"type": "cancel", "target": entry.id})

    def forget(self, entry: Waiting) -> None:
        if entry.timer:
            entry.timer.cancel()
        if self._waiting.get(entry.id) is entry:
            del self._waiting[entry.id]

    def _send(self, entry: Waiting) -> None:
        if entry.timer:
            entry.timer.cancel()
            entry.timer = None
        link = self.link
        if link is None or not link.is_up:
            return  # linked() sends it
        entry.attempt += 1
        message = entry.message
        if entry.attempt > 1:
            # The ack tells a command that still runs from one that never arrived.
            message = {**message, "attempt": entry.attempt, "ack": True}
            self.counters.resent += 1
        if not link.send("cmd", self._signed(message)):
            entry.attempt -= 1
            return
        self.counters.sent += 1
        loop = asyncio.get_running_loop()
        entry.sent_at = loop.time()
        if entry.acked:
            entry.wait_s = ACKED_RESEND_S
        elif entry.attempt == 1 or not entry.wait_s:
            entry.wait_s = self.round_trip.resend_s
        else:
            entry.wait_s = min(entry.wait_s * 2, RESEND_MAX_S)
        entry.timer = loop.call_later(entry.wait_s, self._overdue, entry)

    def _overdue(self, entry: Waiting) -> None:
        entry.timer = None
        if entry.id not in self._waiting:
            return
        if self.link and entry.attempt >= 2:
            self.link.doubt()
        self._send(entry)

    def _signed(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._signer.sign(message) if self._signer else message

    # -- what the link tells ----------------------------------------------------------------------

    def linked(self) -> None:
        """SUBSCRIBED: whatever was sent before may be lost."""
        for entry in list(self._waiting.values()):
            entry.wait_s = 0.0
            self._send(entry)
        if self._release:
            self._flush_release()
        if self.on_linked:
            self.on_linked()

    def unlinked(self) -> None:
        for entry in self._waiting.values():
            if entry.timer:
                entry.timer.cancel()
                entry.timer = None

    def heard(self, payload: dict[str, Any]) -> None:
        kind = payload.get("type")
        if kind == "hello":
            self._hello(payload)
            return
        own = payload.get("id")
        if not isinstance(own, str) or payload.get("src") not in (None, self.src):
            return
        entry = self._waiting.get(own)
        if kind == "result":
            self._answered(own, entry, payload)
        elif kind == "change" and self.on_change:
            self.on_change(payload)
        elif entry is None:
            return
        elif kind == "ack":
            self._sample(entry)
            entry.acked = True
            entry.arrived.set()
            if entry.timer:
                entry.timer.cancel()
            loop = asyncio.get_running_loop()
            entry.timer = loop.call_later(ACKED_RESEND_S, self._overdue, entry)
        elif kind == "chunk" and entry.on_chunk:
            entry.on_chunk(payload)

    def _answered(self, own: str, entry: Waiting | None, payload: dict[str, Any]) -> None:
        if entry is None:
            self.counters.duplicates += 1
            return
        if not entry.acked:
            self._sample(entry)
        self.forget(entry)
        self.counters.answered += 1
        entry.arrived.set()
        if not entry.answer.done():
            entry.answer.set_result(payload)
        if not entry.keep and "rseq" in payload:
            self._to_release(own)

    def _sample(self, entry: Waiting) -> None:
        if entry.attempt == 1 and entry.sent_at is not None:
            self.round_trip.sample(asyncio.get_running_loop().time() - entry.sent_at)

    def _hello(self, payload: Mapping[str, Any]) -> None:
        limits = payload.get("limits")
        most = limits.get("max_payload") if isinstance(limits, dict) else None
        caps = payload.get("caps")
        new = Hello(
            sandbox=str(payload.get("sandbox") or ""),
            boot=str(payload.get("boot") or ""),
            caps=frozenset(c for c in caps if isinstance(c, str))
            if isinstance(caps, list)
            else frozenset(),
            max_payload=most if isinstance(most, int) and most > 0 else 0,
            rseq=payload["rseq"] if isinstance(payload.get("rseq"), int) else 0,
        )
        another = new.boot != self.hello.boot
        self.hello = new
        if self.on_hello:
            self.on_hello(new)
        if another:
            self.counters.boots += 1
            for entry in list(self._waiting.values()):
                entry.acked = False  # the new one may know nothing of it
                entry.wait_s = 0.0
                self._send(entry)

    # -- what the journal may forget --------------------------------------------------------------

    def release(self, *ids: str) -> None:
        for own in ids:
            self._to_release(own)

    def _to_release(self, own: str) -> None:
        self._release.append(own)
        if len(self._release) >= RELEASE_AT:
            self._flush_release()
        elif self._release_timer is None:
            loop = asyncio.get_running_loop()
            self._release_timer = loop.call_later(RELEASE_AFTER_S, self._flush_release)

    def _flush_release(self) -> None:
        if self._release_timer:
            self._release_timer.cancel()
            self._release_timer = None
        if not self._release or not self.link or not self.link.is_up:
            return  # linked() does it; what is lost, the journal's age limit removes
        ids, self._release = self._release, []
        self.counters.released += len(ids)
        self.notify({"type": "release", "ids": ids})

    def close(self) -> None:
        if self._closed:
            return
        with contextlib.suppress(Exception):
            self._flush_release()
        self._closed = True
        for entry in list(self._waiting.values()):
            self.forget(entry)
            if not entry.answer.done():
                entry.answer.set_exception(ClosedError(command=entry.id))
                entry.answer.exception()  # nobody may be waiting: that is no mistake


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one == other
