# SPDX-License-Identifier: Apache-2.0
"""A watch on a path: asked for again after every daemon's start, because a watch lives in the
daemon. Changes are hints to look again, never the truth: some may be missed while the link is
down, and then one change of kind `overflow` says so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from .errors import HoltError

if TYPE_CHECKING:
    from .file_commands import FileCommands

QUEUE = 10_000  # changes that nobody took


class Watch:
    def __init__(self, holt: FileCommands, path: str, recursive: bool) -> None:
        self._holt = holt
        self._path = path
        self._recursive = recursive
        self._queue: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue(QUEUE)
        self.id = ""

    async def start(self) -> None:
        self.id = self._holt.fresh_id()
        self._holt._watches[self.id] = self
        try:
            await self._holt.call(self._message(), id=self.id, keep=False)
        except BaseException:
            self._holt._watches.pop(self.id, None)
            raise

    def _message(self) -> dict[str, Any]:
        return {
            "type": "fs.watch",
            "path": self._path,
            "recursive": self._recursive,
            "stream": True,
        }

    def heard(self, payload: Mapping[str, Any]) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait(payload)

    def end(self) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait(None)

    async def close(self) -> None:
        self._holt._watches.pop(self.id, None)
        self.end()
        with contextlib.suppress(HoltError):
            await self._holt.call({"type": "fs.unwatch", "target": self.id, "watch": self.id})

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        while (change := await self._queue.get()) is not None:
            yield change
