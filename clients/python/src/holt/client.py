# SPDX-License-Identifier: Apache-2.0
"""AsyncHolt: the sandbox from an asyncio program. Every command of sbx/1 is a method with a typed
result; what goes wrong is an exception (holt.errors). Links may break and daemons die in between:
each command still has one answer, and its effect happens once."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from .batching import Batcher
from .cache import ReadCache
from .commands import CommandBook, Counters, Hello, Waiting
from .errors import BusyError, CorruptError, HoltError, error_of
from .execution import Execution, Process, whole_field
from .file_commands import FileCommands
from .link import RealtimeLink
from .outputs import Pieces, chunk_bytes
from .settings import endpoint_source
from .signing import Signer
from .types import ExecResult
from .watching import Watch
from .wire import carried, field_bytes, number, text

PATIENCE_S = 300.0  # for an answer, beyond the time that the command itself may take
BUSY_WAIT_S = 0.05  # before a command that was refused as `busy` is sent anew, doubling
BUSY_MOST_S = 7.0
Batching = Literal["reads", "all", False]
EXEC_TIMEOUT_S = 120.0  # the daemon's default


class AsyncHolt(FileCommands):
    """Use `async with await AsyncHolt.connect() as holt`, or close() it yourself. One object is one
    agent (`src`): ids of commands are unique within it."""

    def __init__(self, book: CommandBook, link: RealtimeLink, patience_s: float | None) -> None:
        self._book = book
        self._link = link
        self._patience_s = patience_s
        self._batcher: Batcher | None = None
        self._cache: ReadCache | None = ReadCache()
        self._watches: dict[str, Watch] = {}
        self._boot = ""
        self._closed = False

    # -- life -------------------------------------------------------------------------------------

    @classmethod
    async def connect(
        cls,
        url: str | None = None,
        session: str | None = None,
        key: str | None = None,
        *,
        ready_file: str | Path | None = None,
        src: str | None = None,
        to: str = "",
        private: bool = False,
        command_key: tuple[str, str] | None = None,
        timeout: float = 30.0,
        patience: float | None = PATIENCE_S,
        batching: Batching = "reads",
        cache: bool = True,
    ) -> Self:
        """Joins `sandbox:{session}`. What is not given comes from HOLT_REALTIME_URL/_SESSION/_KEY,
        else from the ready file. `src` names this agent: give the same one again to be served what
        an earlier life of it was promised. `command_key` is (kid, secret). `patience` (seconds;
        None: for ever) is how long an answer may take beyond the command's own time. Raises
        LinkError when the channel is not joined within `timeout`. `batching`: which file commands
        of one tick share a message (see holt.batching)."""
        book = CommandBook(src, Signer(*command_key) if command_key else None, to)
        link = RealtimeLink(
            endpoint_source(url, session, key, ready_file),
            on_message=lambda _event, payload: book.heard(payload),
            on_up=book.linked,
            on_down=lambda _why: book.unlinked(),
            private=private,
        )
        self = cls(book, link, patience)
        if batching:
            self._batcher = Batcher(
                self._ask_plain, lambda: link.max_payload, changes=batching == "all"
            )
        if not cache:
            self._cache = None
        book.link = link
        book.on_hello = self._on_hello
        book.on_change = self._on_change
        book.on_linked = self._begin_watches_again
        link.start()
        try:
            await link.wait_up(timeout)
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Leaves. Commands that wait for their answer raise ClosedError; what runs, runs on."""
        if self._closed:
            return
        self._closed = True
        for watch in list(self._watches.values()):
            watch.end()
        self._book.close()
        await self._link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def src(self) -> str:
        return self._book.src

    @property
    def is_up(self) -> bool:
        """Joined at this moment. Commands may be given at any time."""
        return self._link.is_up

    @property
    def last_error(self) -> str:
        """Why the link last went down."""
        return self._link.last_error

    @property
    def hello(self) -> Hello:
        """What the daemon last said of itself; empty until it (re)joins while we listen."""
        return self._book.hello

    @property
    def max_payload(self) -> int:
        return self._link.max_payload

    def fresh_id(self) -> str:
        return self._book.fresh_id()

    @property
    def counters(self) -> Counters:
        return self._book.counters

    @property
    def round_trip_s(self) -> float | None:
        return self._book.round_trip.smoothed_s

    @property
    def cache(self) -> ReadCache | None:
        return self._cache

    @property
    def batcher(self) -> Batcher | None:
        return self._batcher

    def _on_hello(self, hello: Hello) -> None:
        if hello.max_payload:
            self._link.max_payload = hello.max_payload
        if self._batcher:
            self._batcher.offered = True  # another daemon may do what the last one did not
        if hello.boot != self._boot:
            self._boot = hello.boot
            self._begin_watches_again()

    def _begin_watches_again(self) -> None:
        for watch in list(self._watches.values()):
            watch.begin_again()

    # -- any command ------------------------------------------------------------------------------

    async def call(
        self,
        message: Mapping[str, Any],
        *,
        id: str | None = None,
        keep: bool | None = None,
        own_time_s: float = 0.0,
    ) -> dict[str, Any]:
        """Sends any command and gives its whole answer. The same `id` again is the same command:
        it is not run twice, and with an `id` its answer stays in the daemon's journal (`keep`)
        until release() or a day."""
        limit = None if self._patience_s is None else self._patience_s + own_time_s
        if id is not None:
            return await self._call(message, id, keep, limit)
        wait_s = BUSY_WAIT_S
        while True:
            try:
                return await self._call(message, None, keep, limit)
            except BusyError:  # nothing was done; a new id asks anew
                if wait_s > BUSY_MOST_S:
                    raise
            await asyncio.sleep(wait_s * (0.5 + random.random()))
            wait_s *= 2

    async def _call(
        self, message: Mapping[str, Any], id: str | None, keep: bool | None, limit: float | None
    ) -> dict[str, Any]:
        if id is None and keep is None and self._batcher and self._batcher.takes(message):
            return await self._batcher.run(message, limit)
        return await self._ask(message, id, bool(id) if keep is None else keep, limit)

    async def _ask(
        self, message: Mapping[str, Any], id: str | None, keep: bool, limit_s: float | None
    ) -> dict[str, Any]:
        """One command; a content that came in chunks is put back into the answer."""
        if not message.get("stream"):
            return await self._book.wait(self._book.submit(message, id=id, keep=keep), limit_s)
        pieces = Pieces()

        def chunk(part: Mapping[str, Any]) -> None:
            pieces.add(number(part, "off"), chunk_bytes(part))

        entry: Waiting = self._book.submit(message, id=id, keep=keep, on_chunk=chunk)
        answer = await self._book.wait(entry, limit_s)
        if "content" not in answer and "parts" in answer:
            data = await whole_field(answer, "content", pieces, self.fetch, entry.id)
            answer = _joined(answer, data)
        elif "content_of" in answer:
            answer = _joined(answer, field_bytes(answer, "content"))
        return answer

    async def _ask_plain(self, message: Mapping[str, Any], limit_s: float | None) -> dict[str, Any]:
        return await self._ask(message, None, False, limit_s)

    async def batch(
        self,
        items: Sequence[Mapping[str, Any]],
        *,
        stop_on_error: bool = False,
        id: str | None = None,
    ) -> list[dict[str, Any] | HoltError]:
        """Several commands in one message, run in order. An item that failed is its exception, not
        raised; with `stop_on_error` the list ends there."""
        message: dict[str, Any] = {"type": "batch", "items": [dict(i) for i in items]}
        if stop_on_error:
            message["stop_on_error"] = True
        answer = await self.call(message, id=id)
        results = answer.get("results")
        return [
            r if r.get("ok") is True else error_of(r)
            for r in (results if isinstance(results, list) else [])
            if isinstance(r, dict)
        ]

    # -- shell ------------------------------------------------------------------------------------

    def exec(
        self,
        cmd: str,
        *,
        timeout: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        max_output: int | None = None,
        max_fetch: int = 0,
        stream: bool = False,
        id: str | None = None,
    ) -> Execution:
        """Runs a command line; sent at once. `await` it for the result. With `stream`, iterate over
        it first for the output as it comes. `timeout` in seconds. Of long output the result holds
        head and tail (`truncated`); up to `max_fetch` bytes of it are fetched whole."""
        message = _shell("shell.exec", cmd, cwd, env)
        if timeout is not None:
            message["timeout"] = timeout
        if stdin is not None:
            message["stdin"] = stdin
        if max_output is not None:
            message["max_output"] = max_output
        message["ack"] = True
        if stream:
            message["stream"] = True
        own = EXEC_TIMEOUT_S if timeout is None else timeout
        return self._execution(message, id, own, max_fetch)

    async def run(self, cmd: str, *, timeout: float | None = None) -> ExecResult:
        return await self.exec(cmd, timeout=timeout)

    def start(
        self,
        cmd: str,
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        pty: bool = False,
        columns: int = 80,
        rows: int = 24,
        id: str | None = None,
    ) -> Process:
        """A long-lived process, with a terminal if `pty`."""
        message = _shell("shell.start", cmd, cwd, env)
        message |= {"ack": True, "stream": True}
        if pty:
            message |= {"pty": True, "columns": columns, "rows": rows}
        return Process(self._execution(message, id, None, 0), self.call)

    def _execution(
        self, message: Mapping[str, Any], id: str | None, own_s: float | None, max_fetch: int
    ) -> Execution:
        limit = None if self._patience_s is None or own_s is None else self._patience_s + own_s
        return Execution(
            self._book,
            message,
            self.fetch,
            id=id,
            keep=bool(id),
            limit_s=limit,
            max_fetch=max_fetch,
        )

    # -- about commands ---------------------------------------------------------------------------

    async def cancel(self, target: str) -> None:
        """Stops a command of this agent by its id; its own answer says `cancelled`."""
        await self.call({"type": "cancel", "target": target})

    async def query(self, ids: Sequence[str]) -> dict[str, Any]:
        """What became of commands."""
        return await self.call({"type": "query", "ids": [*ids]})

    async def resume(self, after: int = 0) -> dict[str, Any]:
        """Has every answer after a journal position sent again."""
        return await self.call({"type": "resume", "after": after})

    async def fetch(self, target: str, stream: str, off: int, length: int) -> bytes:
        """Stored output of a command again, from a byte on."""
        message = {"type": "fetch", "target": target, "stream": stream, "off": off, "len": length}
        answer = await self.call(message)
        if "content" in answer:
            return field_bytes(answer, "content")
        return chunk_bytes(answer)

    def release(self, *ids: str) -> None:
        """The journal may forget them. Answers without an own `id` are released by themselves."""
        self._book.release(*ids)


def _shell(kind: str, cmd: str, cwd: str | None, env: Mapping[str, str] | None) -> dict[str, Any]:
    message: dict[str, Any] = {"type": kind, "cmd": cmd}
    if cwd is not None:
        message["cwd"] = cwd
    if env:
        message["env"] = dict(env)
    return message


def _joined(answer: Mapping[str, Any], data: bytes) -> dict[str, Any]:
    """An answer with what came in chunks: its content, one of its fields, or all of them."""
    out = dict(answer)
    field = "" if answer.get("parts_of") == "fields" else text(answer, "content_of")
    if not field and answer.get("parts_of") != "fields":
        return out | carried(data)
    try:
        found = json.loads(data)
    except ValueError as problem:
        raise CorruptError(f"what came in chunks is no JSON: {problem}") from None
    if field:
        out.pop("content", None)
        out[field] = found
    elif isinstance(found, dict):
        out |= {k: v for k, v in found.items() if k not in ("type", "id", "ok")}
        if "content_of" in found:
            out = _joined(
                {k: v for k, v in out.items() if k != "parts_of"}, field_bytes(found, "content")
            )
    return out
