# SPDX-License-Identifier: Apache-2.0
"""One client for callers on any thread and any event loop: what the adapters for agent frameworks
stand on. Work always runs on the client's own loop; a caller that is cancelled cancels it there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from .client import AsyncHolt
from .errors import ClosedError
from .sync import Holt

T = TypeVar("T")
Work = Callable[[AsyncHolt], Coroutine[Any, Any, T]]


class Endpoint(TypedDict, total=False):
    """What the adapters' connect() passes on to Holt.connect, beside url, session and key."""

    ready_file: str | Path | None
    src: str | None
    timeout: float


class Bridge:
    """Of a Holt, or of an AsyncHolt that was connected on the loop that is running now."""

    def __init__(self, client: Holt | AsyncHolt) -> None:
        if isinstance(client, Holt):
            self.aio = client.aio
            self._loop = client.thread.loop
        else:
            self.aio = client
            self._loop = asyncio.get_running_loop()
        self._owner = client
        self._thread = threading.get_ident() if isinstance(client, AsyncHolt) else 0

    def call(self, work: Work[T]) -> T:
        """From a thread that may wait."""
        if threading.get_ident() == self._thread:
            raise ClosedError(
                "this client lives on the event loop of this thread: await instead, or use a Holt"
            )
        if self._loop.is_closed():
            raise ClosedError
        future = asyncio.run_coroutine_threadsafe(work(self.aio), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def acall(self, work: Work[T]) -> T:
        """From any event loop."""
        if asyncio.get_running_loop() is self._loop:
            return await work(self.aio)
        if self._loop.is_closed():
            raise ClosedError
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(work(self.aio), self._loop)
        )

    def close(self) -> None:
        if isinstance(self._owner, Holt):
            self._owner.close()
        else:
            self.call(lambda aio: aio.close())

    async def aclose(self) -> None:
        if isinstance(self._owner, Holt):
            await asyncio.to_thread(self._owner.close)
        else:
            await self._owner.close()
