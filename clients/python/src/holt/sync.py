# SPDX-License-Identifier: Apache-2.0
"""Holt: the same as AsyncHolt for programs without asyncio. A private thread runs the event loop;
every method waits for its answer and may be called from any thread but that one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from .client import PATIENCE_S, AsyncHolt, Batching
from .commands import Counters, Hello
from .errors import ClosedError, HoltError
from .execution import Execution, Process
from .types import Edit, Entry, ExecResult, FileContent, Listing, Matches, Output, Written

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

    def call(self, message: Mapping[str, Any], *, id: str | None = None) -> dict[str, Any]:
        return self.thread.wait(self.aio.call(message, id=id))

    def batch(
        self,
        items: Sequence[Mapping[str, Any]],
        *,
        stop_on_error: bool = False,
        id: str | None = None,
    ) -> list[dict[str, Any] | HoltError]:
        return self.thread.wait(self.aio.batch(items, stop_on_error=stop_on_error, id=id))

    def read(
        self,
        path: str,
        *,
        offset: int | None = None,
        limit: int | None = None,
        range: tuple[int, int] | None = None,
        encoding: Literal["utf8", "base64"] | None = None,
        max_bytes: int | None = None,
        id: str | None = None,
    ) -> FileContent:
        work = self.aio.read(
            path,
            offset=offset,
            limit=limit,
            range=range,
            encoding=encoding,
            max_bytes=max_bytes,
            id=id,
        )
        return self.thread.wait(work)

    def read_text(self, path: str) -> str:
        return self.read(path).text

    def read_many(self, paths: Iterable[str]) -> list[FileContent | HoltError]:
        return self.thread.wait(self.aio.read_many(paths))

    def write(
        self,
        path: str,
        content: str | bytes,
        *,
        mode: int | None = None,
        create: Literal["new", "any"] | None = None,
        if_match: str | None = None,
        id: str | None = None,
    ) -> Written:
        work = self.aio.write(path, content, mode=mode, create=create, if_match=if_match, id=id)
        return self.thread.wait(work)

    def edit(
        self,
        path: str,
        edits: Sequence[Edit | tuple[str, str]],
        *,
        if_match: str | None = None,
        id: str | None = None,
    ) -> Written:
        return self.thread.wait(self.aio.edit(path, edits, if_match=if_match, id=id))

    def list(self, path: str = ".", *, id: str | None = None) -> Listing:
        return self.thread.wait(self.aio.list(path, id=id))

    def stat(self, path: str) -> Entry:
        return self.thread.wait(self.aio.stat(path))

    def exists(self, path: str) -> bool:
        return self.thread.wait(self.aio.exists(path))

    def mkdir(self, path: str, *, parents: bool = True, id: str | None = None) -> None:
        self.thread.wait(self.aio.mkdir(path, parents=parents, id=id))

    def move(self, source: str, to: str, *, overwrite: bool = False, id: str | None = None) -> None:
        self.thread.wait(self.aio.move(source, to, overwrite=overwrite, id=id))

    def remove(self, path: str, *, recursive: bool = False, id: str | None = None) -> None:
        self.thread.wait(self.aio.remove(path, recursive=recursive, id=id))

    def glob(
        self,
        pattern: str,
        path: str = ".",
        *,
        kind: Literal["any", "file", "directory"] = "any",
        hidden: bool = False,
        limit: int | None = None,
        id: str | None = None,
    ) -> Listing:
        work = self.aio.glob(pattern, path, kind=kind, hidden=hidden, limit=limit, id=id)
        return self.thread.wait(work)

    def grep(
        self,
        pattern: str,
        path: str = ".",
        *,
        glob: str | None = None,
        regex: bool = False,
        ignore_case: bool = False,
        limit: int | None = None,
        context: int = 0,
        id: str | None = None,
    ) -> Matches:
        work = self.aio.grep(
            pattern,
            path,
            glob=glob,
            regex=regex,
            ignore_case=ignore_case,
            limit=limit,
            context=context,
            id=id,
        )
        return self.thread.wait(work)

    def tree(
        self,
        path: str = ".",
        *,
        depth: int | None = None,
        hash_max: int | None = None,
        exclude: Sequence[str] | None = None,
    ) -> Listing:
        work = self.aio.tree(path, depth=depth, hash_max=hash_max, exclude=exclude)
        return self.thread.wait(work)

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

    def cancel(self, target: str) -> None:
        self.thread.wait(self.aio.cancel(target))

    def query(self, ids: Sequence[str]) -> dict[str, Any]:
        return self.thread.wait(self.aio.query(ids))

    def fetch(self, target: str, stream: str, off: int, length: int) -> bytes:
        return self.thread.wait(self.aio.fetch(target, stream, off, length))

    def release(self, *ids: str) -> None:
        self.thread.loop.call_soon_threadsafe(self.aio.release, *ids)
