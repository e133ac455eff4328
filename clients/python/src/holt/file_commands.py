# SPDX-License-Identifier: Apache-2.0
"""The file commands of AsyncHolt: reading through the cache, writing with uploads for what is
large, looking, changing, watching. A half of that class, apart only because of its length."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from .cache import ReadCache
from .errors import HoltError, NotFoundError
from .types import Edit, Entry, FileContent, Listing, Matches, Written
from .watching import Watch
from .wire import carried, number, text, to_base64

PUT_BYTES = 512 * 1024  # of one piece of an upload, at most
PUT_WINDOW = 4  # pieces on their way at once
INLINE_SHARE = 0.6  # of the largest message: more content than that goes up in pieces


class FileCommands:
    """What AsyncHolt gives: `call`, the cache, and how large a message may be."""

    _cache: ReadCache | None
    _watches: dict[str, Watch]

    @property
    def max_payload(self) -> int:
        """Bytes of one message."""
        raise NotImplementedError

    def fresh_id(self) -> str:
        raise NotImplementedError

    async def call(
        self,
        message: Mapping[str, Any],
        *,
        id: str | None = None,
        keep: bool | None = None,
        own_time_s: float = 0.0,
    ) -> dict[str, Any]:
        raise NotImplementedError

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
        if len(data) > self.max_payload * INLINE_SHARE:
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
        step = min(PUT_BYTES, int((self.max_payload - 2000) * 0.74))
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
        self,
        pattern: str,
        path: str = ".",
        *,
        kind: Literal["any", "file", "directory"] = "any",
        hidden: bool = False,
        limit: int | None = None,
        id: str | None = None,
    ) -> Listing:
        """What matches. Without `/` the pattern is for the name at any depth; with `/` for the path
        below `path`, with `**`. `hidden`: wildcards match a leading dot."""
        message: dict[str, Any] = {
            "type": "fs.glob",
            "pattern": pattern,
            "path": path,
            "stream": True,
        }
        if kind != "any":
            message["kind"] = kind
        if hidden:
            message["hidden"] = True
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
            message["max_count"] = limit
        if context:
            message["context"] = context
        if skip is not None:
            message["exclude"] = [*skip]
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

    async def watch(
        self, path: str = ".", *, recursive: bool = True, exclude: Sequence[str] | None = None
    ) -> Watch:
        """Changes below a path, as they happen: `async for change in await holt.watch()`. Whatever
        changes after this has returned is told. `exclude`: names of folders that are not entered,
        `.git` where it is not given."""
        watch = Watch(self, path, recursive, exclude)
        await watch.start()
        return watch

    def _on_change(self, payload: Mapping[str, Any]) -> None:
        watch = self._watches.get(text(payload, "watch"))
        if watch:
            watch.heard(payload)


def _or_raise(done: FileContent | BaseException) -> FileContent | HoltError:
    if isinstance(done, BaseException) and not isinstance(done, HoltError):
        raise done
    return done


def _entry_fields(answer: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """fs.stat answers flat; `type` is taken by the envelope."""
    kind = answer.get("kind")
    return {**answer, "type": kind if isinstance(kind, str) else "other",
            "path": text(answer, "path") or path}  # fmt: skip
