# SPDX-License-Identifier: Apache-2.0
"""A watch on a path. When it has begun, every later change is told. It lives in the daemon: after a
daemon's new start it is asked for again, and a change of kind `overflow` says that something may
have been missed in between. The same comes where nobody took what was told, or the link was down
for long: then look anew."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .errors import HoltError
from .wire import objects, text

if TYPE_CHECKING:
    from .file_commands import FileCommands

MOST_WAITING = 10_000  # changes that nobody took

ChangeKind = Literal[
    "created", "modified", "removed", "moved", "attributes", "overflow", "gone", "other"
]
KINDS: dict[str, ChangeKind] = {
    "created": "created",
    "modified": "modified",
    "removed": "removed",
    "moved": "moved",
    "attributes": "attributes",
    "overflow": "overflow",
    "gone": "gone",
}


@dataclass(frozen=True)
class Change:
    """`path` is absolute; `moved_from` only of `moved`. After `gone` nothing comes."""

    kind: ChangeKind
    path: str
    is_directory: bool = False
    moved_from: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Change:
        return cls(
            kind=KINDS.get(text(answer, "kind"), "other"),
            path=text(answer, "path"),
            is_directory=text(answer, "entryType") == "directory",
            moved_from=text(answer, "from"),
        )


class Watch:
    """`async with await holt.watch("src") as watch: async for change in watch: …`"""

    def __init__(
        self, holt: FileCommands, path: str, recursive: bool, exclude: Sequence[str] | None
    ) -> None:
        self._holt = holt
        self._message: dict[str, Any] = {"type": "fs.watch", "path": path, "recursive": recursive}
        if exclude is not None:
            self._message["exclude"] = [*exclude]
        self._changes: deque[Change] = deque()
        self._more = asyncio.Event()
        self._over = False
        self._again: asyncio.Task[None] | None = None
        self.id = ""
        self.path = ""  # absolute, as changes name it

    async def start(self) -> None:
        self.id = self._holt.fresh_id()
        self._holt._watches[self.id] = self
        try:
            answer = await self._holt.call(self._message, id=self.id)
        except BaseException:
            self._holt._watches.pop(self.id, None)
            raise
        self.path = text(answer, "path")

    def heard(self, payload: Mapping[str, Any]) -> None:
        for one in objects(payload, "changes"):
            self._put(Change.of(one))

    def begin_again(self) -> None:
        """Another daemon knows nothing of this watch; or we were away, and changes were lost."""
        if not self._over and (self._again is None or self._again.done()):
            self._again = asyncio.get_running_loop().create_task(self._begin_again())

    async def _begin_again(self) -> None:
        try:
            await self._holt.call(self._message, id=self.id)
        except HoltError:
            self._put(Change("gone", self.path, True))
        else:
            self._put(Change("overflow", self.path, True))

    def _put(self, change: Change) -> None:
        if len(self._changes) >= MOST_WAITING:
            self._changes.clear()
            self._changes.append(Change("overflow", self.path, True))
        self._changes.append(change)
        if change.kind == "gone":
            self.end()
        self._more.set()

    def end(self) -> None:
        self._over = True
        self._holt._watches.pop(self.id, None)
        self._more.set()

    async def close(self) -> None:
        if self._again is not None:
            self._again.cancel()
        if self._over:
            return
        self.end()
        with contextlib.suppress(HoltError):
            await self._holt.call({"type": "fs.unwatch", "target": self.id})

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[Change]:
        while True:
            while self._changes:
                yield self._changes.popleft()
            if self._over:
                return
            self._more.clear()
            await self._more.wait()
