# SPDX-License-Identifier: Apache-2.0
"""AsyncHolt: the sandbox from an asyncio program. Every command of sbx/1 is a method with a typed
result; what goes wrong is an exception (holt.errors). Links may break and daemons die in between:
each command still has one answer, and its effect happens once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from .batching import Batcher
from .cache import ReadCache
from .commands import CommandBook, Counters, Hello, Waiting
from .errors import CorruptError, HoltError, NotFoundError, error_of
from .execution import Execution, Process, whole_field
from .link import RealtimeLink
from .outputs import Pieces, chunk_bytes
from .settings import endpoint_source
from .signing import Signer
from .types import Edit, Entry, ExecResult, FileContent, Listing, Matches, Written
from .watching import Watch
from .wire import carried, field_bytes, number, text, to_base64

PUT_BYTES = 512 * 1024  # of one piece of an upload, at most
PUT_WINDOW = 4  # pieces on their way at once
INLINE_SHARE = 0.6  # of the largest message: more content than that goes up in pieces
PATIENCE_S = 300.0  # for an answer, beyond the time that the command itself may take
EXEC_TIMEOUT_S = 120.0  # the daemon's default


class AsyncHolt:
    """Use `async with await AsyncHolt.connect() as holt`, or close() it yourself. One object is one
    agent (`src`): ids of commands are unique within it."""

    def __init__(self, book: CommandBook, link: RealtimeLink, patience_s: float | None) -> None:
        self._book = book
        self._link = link
        self._patience_s = patience_s
        self._batcher: Batcher | None = Batcher(self._ask_plain, lambda: link.max_payload)
        self._cache: ReadCache | None = ReadCache()
        self._watches: dict[str, Watch] = {}
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
        batching: bool = True,
        cache: bool = True,
    ) -> Self:
        """Joins `sandbox:{session}`. What is not given comes from HOLT_REALTIME_URL/_SESSION/_KEY,
        else from the ready file. `src` names this agent: give the same one again to be served what
        an earlier life of it was promised. `command_key` is (kid, secret). `patience` (seconds;
        None: for ever) is how long an answer may take beyond the command's own time. Raises
        LinkError when the channel is not joined within `timeout`."""
        book = CommandBook(src, Signer(*command_key) if command_key else None, to)
        link = RealtimeLink(
            endpoint_source(url, session, key, ready_file),
            on_message=lambda _event, payload: book.heard(payload),
            on_up=book.linked,
            on_down=lambda _why: book.unlinked(),
            private=private,
        )
        self = cls(book, link, patience)
        if not batching:
            self._batcher = None
        if not cache:
            self._cache = None
        book.link = link
        book.on_hello = self._on_hello
        book.on_event = self._on_event
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

    # -- files ------------------------------------------------------------------------------------

    async def read(
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
        """A file, or a window of it: `offset` and `limit` in lines (from 0), or `range` in bytes
        (from, length). Large ones come in chunks; more than `max_bytes` is TooLargeError."""
        message: dict[str, Any] = {"type": "fs.read", "path": path, "stream": True}
        if offset is not None:
            message["offset"] = offset
        if limit is not None:
            message["limit"] = limit
        if range is not None:
            message["range"] = {"off": range[0], "len": range[1]}
        if encoding is not None:
            message["encoding"] = encoding
        if max_bytes is not None:
            message["max_bytes"] = max_bytes
        cached = None
        at = (path, offset, limit, range)
        if self._cache is not None:
            cached = self._cache.get(at)
            if cached is not None:
                message["if_none_match"] = cached.sha256
        content = FileContent.of(path, await self.call(message, id=id))
        if self._cache is None:
            return content
        if content.not_modified and cached is not None:
            self._cache.hits += 1
            return cached
        self._cache.misses += 1
        self._cache.put(at, content)
        return content

    async def read_text(self, path: str) -> str:
        return (await self.read(path)).text

    async def read_many(self, paths: Iterable[str]) -> list[FileContent | HoltError]:
        """One round trip for all (with batching); what cannot be read is its exception."""
        done = await asyncio.gather(*(self.read(p) for p in paths), return_exceptions=True)
        return [_or_raise(d) for d in done]

    async def write(
        self,
        path: str,
        content: str | bytes,
        *,
        mode: int | None = None,
        create: Literal["new", "any"] | None = None,
        if_match: str | None = None,
        id: str | None = None,
    ) -> Written:
        """Replaces or makes a file, whole or not at all; missing folders are made. `create="new"`
        refuses an existing one, `if_match` (SHA-256) one that has changed. What is too large for
        one message goes up in pieces first."""
        data = content.encode() if isinstance(content, str) else content
        message: dict[str, Any] = {"type": "fs.write", "path": path}
        if mode is not None:
            message["mode"] = mode
        if create is not None:
            message["create"] = create
        if if_match is not None:
            message["if_match"] = if_match
        if len(data) > self._link.max_payload * INLINE_SHARE:
            message |= await self._upload(data, id)
        else:
            message |= carried(data)
        return Written.of(path, await self.call(message, id=id))

    async def _upload(self, data: bytes, id: str | None) -> dict[str, Any]:
        """Pieces go up a few at a time. Of a command with an id the upload is named after its
        content, so that the same command again is the same."""
        digest = hashlib.sha256(data).hexdigest()
        name = f"up-{digest[:32]}" if id else f"up-{secrets.token_hex(12)}"
        # Base64 makes it a third larger; what frames it has its share too.
        step = min(PUT_BYTES, int((self._link.max_payload - 2000) * 0.74))
        slots = asyncio.Semaphore(PUT_WINDOW)

        async def put(off: int) -> None:
            async with slots:
                await self.put(name, off, data[off : off + step])

        async with asyncio.TaskGroup() as group:
            for off in range(0, len(data), step):
                group.create_task(put(off))
        return {"upload": name, "sha256": digest}

    async def put(self, upload: str, off: int, data: bytes) -> None:
        """One piece of an upload; write() does it by itself for what is large."""
        message = {
            "type": "fs.put",
            "upload": upload,
            "off": off,
            "data": to_base64(data),
            "encoding": "base64",
        }
        await self.call(message)

    async def edit(
        self,
        path: str,
        edits: Sequence[Edit | tuple[str, str]],
        *,
        if_match: str | None = None,
        id: str | None = None,
    ) -> Written:
        """Replaces texts, all or none. Each `old` must be there exactly once, unless `all`."""
        wire = [e.to_wire() if isinstance(e, Edit) else Edit(*e).to_wire() for e in edits]
        message: dict[str, Any] = {"type": "fs.edit", "path": path, "edits": wire}
        if if_match is not None:
            message["if_match"] = if_match
        return Written.of(path, await self.call(message, id=id))

    async def list(self, path: str = ".", *, id: str | None = None) -> Listing:
        """A folder, sorted by name; of a very large one as many messages as it takes."""
        message: dict[str, Any] = {"type": "fs.list", "path": path, "stream": True}
        found = Listing.of(await self.call(message, id=id))
        entries = [*found.entries]
        while found.truncated and (after := number(found.raw, "next_offset")) > 0:
            found = Listing.of(await self.call({**message, "offset": after}))
            if number(found.raw, "next_offset", after + 1) <= after:
                break
            entries += found.entries
        return Listing(tuple(entries), found.truncated, found.reason, found.raw)

    async def stat(self, path: str) -> Entry:
        answer = await self.call({"type": "fs.stat", "path": path})
        inner = answer.get("entry")
        return Entry.of(inner if isinstance(inner, dict) else _entry_fields(answer, path))

    async def exists(self, path: str) -> bool:
        try:
            await self.stat(path)
        except NotFoundError:
            return False
        return True

    async def mkdir(self, path: str, *, parents: bool = True, id: str | None = None) -> None:
        await self.call({"type": "fs.mkdir", "path": path, "parents": parents}, id=id)

    async def move(
        self, source: str, to: str, *, overwrite: bool = False, id: str | None = None
    ) -> None:
        # Not `to`: that names the sandbox.
        message: dict[str, Any] = {"type": "fs.move", "from": source, "to_path": to}
        if overwrite:
            message["overwrite"] = True
        await self.call(message, id=id)

    async def remove(self, path: str, *, recursive: bool = False, id: str | None = None) -> None:
        message: dict[str, Any] = {"type": "fs.remove", "path": path}
        if recursive:
            message["recursive"] = True
        await self.call(message, id=id)

    async def glob(
        self, pattern: str, path: str = ".", *, limit: int | None = None, id: str | None = None
    ) -> Listing:
        """Files that match. Without `/` the pattern is for the name at any depth; with `/` for the
        path below `path`, with `**`."""
        message: dict[str, Any] = {
            "type": "fs.glob",
            "pattern": pattern,
            "path": path,
            "stream": True,
        }
        if limit is not None:
            message["limit"] = limit
        answer = await self.call(message, id=id)
        return Listing.of(answer, "matches" if "matches" in answer else "entries")

    async def grep(
        self,
        pattern: str,
        path: str = ".",
        *,
        glob: str | None = None,
        regex: bool = False,
        ignore_case: bool = False,
        limit: int | None = None,
        context: int = 0,
        skip: Sequence[str] | None = None,
        id: str | None = None,
    ) -> Matches:
        """Lines that hold `pattern`, taken literally unless `regex`. `skip`: names of folders that
        are not searched."""
        message: dict[str, Any] = {
            "type": "fs.grep",
            "pattern": pattern,
            "path": path,
            "stream": True,
        }
        if glob is not None:
            message["glob"] = glob
        if regex:
            message["regex"] = True
        if ignore_case:
            message["ignore_case"] = True
        if limit is not None:
            message["limit"] = limit
        if context:
            message["context"] = context
        if skip is not None:
            message["skip"] = [*skip]
        return Matches.of(await self.call(message, id=id))

    async def tree(
        self,
        path: str = ".",
        *,
        depth: int | None = None,
        hash_max: int | None = None,
        exclude: Sequence[str] | None = None,
    ) -> Listing:
        """Everything below a folder, nearest first, in one round trip: a picture of this moment.
        Files up to `hash_max` bytes come with their SHA-256."""
        message: dict[str, Any] = {"type": "fs.tree", "path": path, "stream": True}
        if depth is not None:
            message["depth"] = depth
        if hash_max is not None:
            message["hash_max"] = hash_max
        if exclude is not None:
            message["exclude"] = [*exclude]
        return Listing.of(await self.call(message))

    async def watch(self, path: str = ".", *, recursive: bool = True) -> Watch:
        """Changes below a path, as they happen: `async for change in await holt.watch()`."""
        watch = Watch(self, path, recursive)
        await watch.start()
        return watch

    def _on_event(self, payload: Mapping[str, Any]) -> None:
        watch = self._watches.get(text(payload, "watch") or text(payload, "id"))
        if watch:
            watch.heard(payload)

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

    async def changes(self, path: str = ".") -> AsyncIterator[Mapping[str, Any]]:
        watch = await self.watch(path)
        try:
            async for change in watch:
                yield change
        finally:
            await watch.close()


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


def _or_raise(done: FileContent | BaseException) -> FileContent | HoltError:
    if isinstance(done, BaseException) and not isinstance(done, HoltError):
        raise done
    return done


def _entry_fields(answer: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """fs.stat answers flat; `type` is taken by the envelope."""
    kind = answer.get("kind")
    return {**answer, "type": kind if isinstance(kind, str) else "other",
            "path": text(answer, "path") or path}  # fmt: skip
