# SPDX-License-Identifier: Apache-2.0
"""File commands that are issued in the same tick of the event loop go out as one `batch`: one
message there, one back. Reads and changes go in batches of their own: a batch of reads whose
answer is too large is simply sent again one by one, which a change must never be. Changes are
batched only where it is asked for: of a change alone a crash leaves no doubt, since the daemon
settles it at its next start; a batch of changes that a crash cut short is `interrupted`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import (
    HoltError,
    InternalError,
    TooLargeError,
    UnsupportedError,
    error_of,
)
from .wire import json_size

Send = Callable[[Mapping[str, Any], float | None], Awaitable[dict[str, Any]]]

MAX_ITEMS = 64
READS = frozenset({"fs.read", "fs.list", "fs.stat", "fs.glob", "fs.grep"})
CHANGES = frozenset({"fs.write", "fs.edit", "fs.mkdir", "fs.move", "fs.remove"})


ALONE: dict[str, Any] = {}  # the answer of the batcher to who is the only one of its tick


@dataclass
class _Item:
    message: Mapping[str, Any]
    answer: asyncio.Future[dict[str, Any]]
    limit_s: float | None


class Batcher:
    """`send(message, limit_s)` sends one command and gives its answer or raises."""

    def __init__(self, send: Send, max_bytes: Callable[[], int], *, changes: bool = False) -> None:
        self._send = send
        self._types = READS | CHANGES if changes else READS
        self._max_bytes = max_bytes
        self._queues: dict[bool, list[_Item]] = {True: [], False: []}
        self._planned = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.offered = True  # until the daemon says that it is not
        self.batches = 0
        self.items = 0

    def takes(self, message: Mapping[str, Any]) -> bool:
        return self.offered and message.get("type") in self._types

    async def run(self, message: Mapping[str, Any], limit_s: float | None) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        item = _Item(message, loop.create_future(), limit_s)
        self._queues[message["type"] in READS].append(item)
        if not self._planned:
            self._planned = True
            loop.call_soon(self._flush)
        answer = await item.answer
        return await self._send(message, limit_s) if answer is ALONE else answer

    def _flush(self) -> None:
        self._planned = False
        for reads, queue in self._queues.items():
            if len(queue) == 1:
                _settle(queue[0], ALONE)
            elif queue:
                for group in self._groups(queue):
                    self._start(group, reads)
            queue.clear()

    def _groups(self, queue: list[_Item]) -> Iterator[list[_Item]]:
        room = max(self._max_bytes() - 1000, 1000)
        group: list[_Item] = []
        sum_ = 0
        for item in queue:
            try:
                size = json_size(item.message) + 1
            except (TypeError, ValueError):
                _settle(item, ALONE)  # sending says what is wrong with it
                continue
            if group and (sum_ + size > room or len(group) >= MAX_ITEMS):
                yield group
                group, sum_ = [], 0
            group.append(item)
            sum_ += size
        if group:
            yield group

    def _start(self, group: list[_Item], reads: bool) -> None:
        group = [item for item in group if not item.answer.done()]
        if len(group) == 1:
            _settle(group[0], ALONE)
        if len(group) < 2:
            return
        task = asyncio.create_task(self._together(group, reads))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one_by_one(self, group: list[_Item]) -> None:
        async def one(item: _Item) -> None:
            try:
                answer = await self._send(item.message, item.limit_s)
            except HoltError as problem:
                _settle(item, problem)
            else:
                _settle(item, answer)

        await asyncio.gather(*(one(item) for item in group))

    async def _together(self, group: list[_Item], reads: bool) -> None:
        self.batches += 1
        self.items += len(group)
        # Reads ask for `stream` each for itself; in a batch there are no chunks.
        items = [{k: v for k, v in i.message.items() if k != "stream"} for i in group]
        message: dict[str, Any] = {"type": "batch", "items": items}
        if reads:
            message["stream"] = True  # together they may be large
        limits = [i.limit_s for i in group]
        limit_s = None if None in limits else max(v for v in limits if v is not None)
        try:
            answer = await self._send(message, limit_s)
            results = answer.get("results")
            if not isinstance(results, list) or len(results) != len(group):
                raise InternalError("the batch has not as many answers as commands")
        except UnsupportedError:  # then nothing of it was done
            self.offered = False
            await self._one_by_one(group)
            return
        except TooLargeError as problem:
            if reads:
                await self._one_by_one(group)
            else:
                for item in group:
                    _settle(item, problem)
            return
        except HoltError as problem:
            for item in group:
                _settle(item, problem)
            return
        again = []
        for item, result in zip(group, results, strict=True):
            if not isinstance(result, dict):
                _settle(item, InternalError("an answer of the batch is no object"))
            elif result.get("ok") is True:
                _settle(item, result)
            elif reads and result.get("error") == "too_large":
                again.append(item)  # alone it may come in chunks
            else:
                _settle(item, error_of(result))
        if again:
            await self._one_by_one(again)


def _settle(item: _Item, what: dict[str, Any] | HoltError) -> None:
    if item.answer.done():
        return
    if isinstance(what, HoltError):
        item.answer.set_exception(what)
    else:
        item.answer.set_result(what)
