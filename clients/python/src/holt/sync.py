# SPDX-License-Identifier: Apache-2.0
"""Holt: the same as AsyncHolt for programs without asyncio. A private thread runs the event loop;
every method waits for its answer and may be called from any thread but that one."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from .client import PATIENCE_S, AsyncHolt, Batching
from .commands import Counters, Hello
from .errors import ClosedError
from .execution import Execution, Process
from .types import ExecResult, Output

P = ParamSpec("P")
T = TypeVar("T")


class LoopThread:
    """An event loop of its own, for the life of one client."""

    def __init__(self, name: str = "holt") -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        # What is left after a close: let it see its cancellation, then nothing of it remains.
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            work.close()
            raise ClosedError("not from the client's own thread, nor after close()")
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl+C here stops the command over there
            raise

    def stop(self) -> None:
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(5)


class Run:
    """A command line that runs. Iterate for live output, result() for its end."""

    def __init__(self, thread: LoopThread, start: Callable[[], Execution]) -> None:
        self._thread = thread

        async def begin() -> Execution:
            return start()

        self.execution = thread.wait(begin())

    @property
    def id(self) -> str:
        return self.execution.id

    def result(self) -> ExecResult:
        return self._thread.wait(self.execution.result())

    def cancel(self) -> ExecResult | None:
        return self._thread.wait(self.execution.cancel())

    def __iter__(self) -> Iterator[Output]:
        source = self.execution.__aiter__()

        async def take() -> Output | None:
            return await anext(source, None)

        while (piece := self._thread.wait(take())) is not None:
            yield piece


class RunningProcess:
    """A long-lived process."""

    def __init__(self, thread: LoopThread, start: Callable[[], Process]) -> None:
        self._thread = thread

        async def begin() -> Process:
            return start()

        self.process = thread.wait(begin())
        self._run = Run(thread, lambda: self.process.run)

    @property
    def id(self) -> str:
        return self.process.id

    def write(self, data: str, *, close: bool = False) -> None:
        self._thread.wait(self.process.write(data, close=close))

    def signal(self, signal: str | int) -> None:
        self._thread.wait(self.process.signal(signal))

    def resize(self, columns: int, rows: int) -> None:
        self._thread.wait(self.process.resize(columns, rows))

    def wait(self) -> ExecResult:
        return self._run.result()

    def cancel(self) -> ExecResult | None:
        return self._run.cancel()

    def __iter__(self) -> Iterator[Output]:
        return iter(self._run)


def _waits_for(
    method: Callable[Concatenate[AsyncHolt, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Holt, P], T]:
    """The method that waits for this one, with its parameters and its result."""

    @functools.wraps(method)
    def wait(self: Holt, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.thread.wait(method(self.aio, *args, **kwargs))

    return wait


class Holt:
    """See AsyncHolt for what each method does."""

    def __init__(self, thread: LoopThread, client: AsyncHolt) -> None:
        self.thread = thread
        self.aio = client  # the asyncio client; its loop is `thread.loop`

    @classmethod
    def connect(
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
        thread = LoopThread()
        try:
            client = thread.wait(
                AsyncHolt.connect(
                    url,
                    session,
                    key,
                    ready_file=ready_file,
                    src=src,
                    to=to,
                    private=private,
                    command_key=command_key,
                    timeout=timeout,
                    patience=patience,
                    batching=batching,
                    cache=cache,
                )
            )
        except BaseException:
            thread.stop()
            raise
        return cls(thread, client)

    def close(self) -> None:
        with contextlib.suppress(ClosedError):
            self.thread.wait(self.aio.close())
        self.thread.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def src(self) -> str:
        return self.aio.src

    @property
    def is_up(self) -> bool:
        return self.aio.is_up

    @property
    def hello(self) -> Hello:
        return self.aio.hello

    @property
    def counters(self) -> Counters:
        return self.aio.counters

    call = _waits_for(AsyncHolt.call)
    batch = _waits_for(AsyncHolt.batch)

    read = _waits_for(AsyncHolt.read)
    read_text = _waits_for(AsyncHolt.read_text)
    read_many = _waits_for(AsyncHolt.read_many)
    write = _waits_for(AsyncHolt.write)
    edit = _waits_for(AsyncHolt.edit)
    list = _waits_for(AsyncHolt.list)
    stat = _waits_for(AsyncHolt.stat)
    exists = _waits_for(AsyncHolt.exists)
    mkdir = _waits_for(AsyncHolt.mkdir)
    move = _waits_for(AsyncHolt.move)
    remove = _waits_for(AsyncHolt.remove)
    glob = _waits_for(AsyncHolt.glob)
    grep = _waits_for(AsyncHolt.grep)
    tree = _waits_for(AsyncHolt.tree)

    cancel = _waits_for(AsyncHolt.cancel)
    query = _waits_for(AsyncHolt.query)
    fetch = _waits_for(AsyncHolt.fetch)

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
        id: str | None = None,
    ) -> ExecResult:
        """Runs a command line to its end. Ctrl+C while it waits stops it over there."""

        async def work() -> ExecResult:
            return await self.aio.exec(
                cmd,
                timeout=timeout,
                cwd=cwd,
                env=env,
                stdin=stdin,
                max_output=max_output,
                max_fetch=max_fetch,
                id=id,
            )

        return self.thread.wait(work())

    def stream(
        self,
        cmd: str,
        *,
        timeout: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        id: str | None = None,
    ) -> Run:
        """Runs a command line with its output as it comes: `for piece in holt.stream("make")`."""
        return Run(
            self.thread,
            lambda: self.aio.exec(
                cmd, timeout=timeout, cwd=cwd, env=env, stdin=stdin, stream=True, id=id
            ),
        )

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
    ) -> RunningProcess:
        return RunningProcess(
            self.thread,
            lambda: self.aio.start(
                cmd, cwd=cwd, env=env, pty=pty, columns=columns, rows=rows, id=id
            ),
        )

    def release(self, *ids: str) -> None:
        self.thread.loop.call_soon_threadsafe(self.aio.release, *ids)
