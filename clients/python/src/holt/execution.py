# SPDX-License-Identifier: Apache-2.0
"""One shell command on its way: await it for the result, or iterate over its live output first.
Gaps in the output (a link that broke) are read again from the daemon's store."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from typing import Any

from .commands import CommandBook, Waiting
from .errors import CancelledError, CorruptError, HoltError, LinkError, NotFoundError
from .outputs import LiveStream, Pieces, chunk_bytes
from .types import ExecResult, Output, OutputStream
from .wire import field_bytes, flag, number, optional_number, text

Fetch = Callable[[str, str, int, int], Awaitable[bytes]]

FETCH_BYTES = 64 * 1024  # one piece of stored output: the daemon's most
FETCH_WINDOW = 8  # pieces on their way at once
START_S = 10.0  # until a process that was asked for runs


async def fetch_range(fetch: Fetch, target: str, stream: str, off: int, length: int) -> bytes:
    """All of it, or as much as the daemon still has from `off` on."""
    slots = asyncio.Semaphore(FETCH_WINDOW)
    end = off + length

    async def piece(at: int) -> bytes:
        """The daemon cuts at whole characters: a short answer need not be the end."""
        want, got = min(FETCH_BYTES, end - at), b""
        async with slots:
            while len(got) < want:
                try:
                    more = await fetch(target, stream, at + len(got), want - len(got))
                except NotFoundError:
                    if not got:
                        raise
                    break
                if not more:
                    break
                got += more
        return got

    starts = range(off, end, FETCH_BYTES)
    out = bytearray()
    for at, data in zip(starts, await asyncio.gather(*map(piece, starts)), strict=True):
        out += data
        if len(data) < min(FETCH_BYTES, end - at):
            break
    return bytes(out)


async def whole_field(
    answer: Mapping[str, Any], name: str, pieces: Pieces, fetch: Fetch, target: str
) -> bytes:
    """A field of a result: in it, or announced with its size and hash and sent in chunks."""
    if name in answer:
        return field_bytes(answer, name)
    size = _said(answer, name, "bytes")
    if size is None:
        return bytes(pieces.data)
    for off, length in pieces.missing(size):
        pieces.add(off, await fetch_range(fetch, target, name, off, length))
    data = bytes(pieces.data[:size])
    digest = _said_text(answer, name, "sha256")
    if len(data) != size or (digest and hashlib.sha256(data).hexdigest() != digest):
        data = await fetch_range(fetch, target, name, 0, size)
        if len(data) != size or (digest and hashlib.sha256(data).hexdigest() != digest):
            raise CorruptError(f"{name}: {len(data)} of {size} bytes", command=target)
    return data


def _said(answer: Mapping[str, Any], name: str, what: str) -> int | None:
    own = optional_number(answer, f"{name}_{what}")
    return own if own is not None else optional_number(answer, what)


def _said_text(answer: Mapping[str, Any], name: str, what: str) -> str:
    return text(answer, f"{name}_{what}") or text(answer, what)


class Execution:
    """`await run` gives the ExecResult; `async for piece in run` the live output, after which
    `await run` still gives the result. A command that failed to run, was cancelled or timed out
    raises; the output so far is in the exception's `fields` and in `partial()`."""

    def __init__(
        self,
        book: CommandBook,
        message: Mapping[str, Any],
        fetch: Fetch,
        *,
        id: str | None,
        keep: bool,
        limit_s: float | None,
        max_fetch: int,
    ) -> None:
        self._book = book
        self._fetch = fetch
        self._limit_s = limit_s
        self._max_fetch = max_fetch
        self._streams: dict[str, LiveStream] = {
            "stdout": LiveStream("stdout"),
            "stderr": LiveStream("stderr"),
        }
        self._news = asyncio.Event()
        self._entry: Waiting = book.submit(message, id=id, keep=keep, on_chunk=self._chunk)
        self._entry.answer.add_done_callback(lambda _: self._news.set())
        self._result: asyncio.Task[ExecResult] | None = None

    @property
    def id(self) -> str:
        return self._entry.id

    @property
    def done(self) -> bool:
        return self._entry.answer.done()

    def __await__(self) -> Generator[Any, None, ExecResult]:
        return self.result().__await__()

    async def result(self) -> ExecResult:
        if self._result is None:
            self._result = asyncio.create_task(self._finish())
        try:
            return await asyncio.shield(self._result)
        except asyncio.CancelledError:
            # Nobody waits any more: what runs over there must not run on.
            if not self._result.done():
                self.stop()
                self._result.cancel()
            raise

    async def cancel(self) -> ExecResult | None:
        """Stops it over there; the output so far, or None when there is none."""
        self.stop()
        try:
            return await self.result()
        except CancelledError as stopped:
            return ExecResult.of(stopped.fields)
        except HoltError:
            return None

    def stop(self) -> None:
        with contextlib.suppress(HoltError):
            self._book.cancel(self._entry)

    async def arrived(self) -> None:
        """The daemon has it; or it is over already."""
        await self._entry.arrived.wait()

    def partial(self) -> str:
        """Live output so far, stdout and then stderr."""
        return "".join(
            bytes(s.pieces.data).decode("utf-8", "replace") for s in self._streams.values()
        )

    def _chunk(self, chunk: Mapping[str, Any]) -> None:
        stream = self._streams.get(text(chunk, "stream"))
        if stream:
            stream.pieces.add(number(chunk, "off"), chunk_bytes(chunk))
            self._news.set()

    async def _finish(self) -> ExecResult:
        answer = await self._book.wait(self._entry, self._limit_s)
        out: dict[str, bytes] = {}
        truncated = flag(answer, "truncated")
        cut = False
        for name, stream in self._streams.items():
            data = await whole_field(answer, name, stream.pieces, self._fetch, self.id)
            total = optional_number(answer, f"{name}_bytes")
            if truncated and total is not None and total > len(data):
                data, complete = await self._whole(name, stream, data, total)
                cut = cut or not complete
            out[name] = data
        return ExecResult.of(answer, out["stdout"], out["stderr"], truncated and cut)

    async def _whole(
        self, name: str, stream: LiveStream, shown: bytes, total: int
    ) -> tuple[bytes, bool]:
        """The middle that the answer leaves out, where the caller wants it and it is kept."""
        if stream.pieces.ready >= total:
            return bytes(stream.pieces.data[:total]), True
        if total <= self._max_fetch:
            with contextlib.suppress(HoltError):
                data = await fetch_range(self._fetch, self.id, name, 0, total)
                if len(data) == total:
                    return data, True
        return shown, False

    # -- live -------------------------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[Output]:
        return self._output()

    async def _output(self) -> AsyncIterator[Output]:
        finish = asyncio.ensure_future(self.result())
        finish.add_done_callback(lambda _: self._news.set())
        try:
            while not finish.done():
                self._news.clear()
                await self._mend()
                for stream in self._streams.values():
                    if piece := stream.take():
                        yield piece
                if not finish.done():
                    await self._news.wait()
            answer: Mapping[str, Any] = {}
            if not finish.cancelled():
                problem = finish.exception()
                if isinstance(problem, HoltError):
                    answer = problem.fields
                elif problem is None:
                    answer = finish.result().raw
            for name, stream in self._streams.items():
                await self._complete(stream, name, answer)
                for piece in (stream.take(), stream.end()):
                    if piece:
                        yield piece
        finally:
            if not finish.done():
                finish.cancel()  # who leaves the loop early stops the command
            elif not finish.cancelled():
                finish.exception()

    async def _mend(self) -> None:
        """A gap that the link tore: read it again, or count it as lost."""
        for name, stream in self._streams.items():
            while gap := stream.pieces.gap:
                await self._fill(stream, name, *gap)

    async def _fill(self, stream: LiveStream, name: str, off: int, length: int) -> None:
        data = b""
        with contextlib.suppress(HoltError):
            data = await fetch_range(self._fetch, self.id, name, off, length)
        stream.pieces.add(off, data)
        if len(data) < length and stream.pieces.ready < off + length:
            stream.skip(off + length - stream.pieces.ready)

    async def _complete(self, stream: LiveStream, name: str, answer: Mapping[str, Any]) -> None:
        """What the answer shows of a stream and the chunks did not."""
        while gap := stream.pieces.gap:
            await self._fill(stream, name, *gap)
        if name not in answer:
            return
        shown = field_bytes(answer, name)
        total = optional_number(answer, f"{name}_bytes")
        if total is None or total == len(shown):
            stream.pieces.add(0, shown)
        elif stream.pieces.ready < total:
            off = stream.pieces.ready
            await self._fill(stream, name, off, total - off)


class Process:
    """A long-lived process (shell.start): write to it, signal it, resize its terminal. Its output
    is that of the Execution; it ends when the process ends."""

    def __init__(self, run: Execution, call: Callable[[Mapping[str, Any]], Awaitable[Any]]) -> None:
        self.run = run
        self._send = call

    async def _call(self, message: Mapping[str, Any]) -> None:
        """Once it runs: it may still be on its way, or wait for its turn."""
        await self.run.arrived()
        wait_s = 0.02
        while True:
            try:
                await self._send(message)
                return
            except NotFoundError:
                if self.run.done or wait_s > START_S:
                    raise
            await asyncio.sleep(wait_s)
            wait_s *= 2

    @property
    def id(self) -> str:
        return self.run.id

    async def write(self, data: str, *, close: bool = False) -> None:
        message: dict[str, Any] = {"type": "shell.input", "target": self.id, "data": data}
        if close:
            message["close"] = True
        await self._call(message)

    async def signal(self, signal: str | int) -> None:
        await self._call({"type": "shell.signal", "target": self.id, "signal": signal})

    async def resize(self, columns: int, rows: int) -> None:
        await self._call(
            {"type": "shell.resize", "target": self.id, "columns": columns, "rows": rows}
        )

    def __aiter__(self) -> AsyncIterator[Output]:
        return self.run.__aiter__()

    async def wait(self) -> ExecResult:
        return await self.run.result()


__all__ = ["Execution", "LinkError", "OutputStream", "Process", "fetch_range", "whole_field"]
