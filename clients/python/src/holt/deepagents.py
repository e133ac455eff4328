# SPDX-License-Identifier: Apache-2.0
"""HoltSandbox: a deepagents 0.7 backend. Every method and its async twin is one command of the
sandbox's own, one round trip each (an edit that does not fit and a page above 500 KiB take two);
nothing needs Python, grep or find over there. Errors come back in the result, never raised."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Self

from deepagents.backends.protocol import (
    ASYNC_GLOB_TIMEOUT,
    ASYNC_GREP_TIMEOUT,
    FILE_NOT_FOUND,
    INVALID_PATH,
    IS_DIRECTORY,
    PERMISSION_DENIED,
    DeleteResult,
    EditResult,
    ExecuteOffloadResult,
    ExecuteResponse,
    FileData,
    FileDownloadResponse,
    FileInfo,
    FileUploadResponse,
    GlobResult,
    GrepMatch,
    GrepResult,
    LsResult,
    ReadResult,
    WriteResult,
)
from deepagents.backends.sandbox import (
    MAX_BINARY_BYTES,
    MAX_OUTPUT_BYTES,
    TRUNCATION_MSG,
    BaseSandbox,
)
from deepagents.backends.utils import (
    EMPTY_OLD_STRING_ERROR,
    _get_backend_read_file_type,
    normalize_read_bounds,
)

from .bridge import Bridge
from .client import AsyncHolt
from .deepagents_text import base64_data, is_cut_text, literal, preview, shows, window
from .errors import CommandTimeoutError, HoltError, NoAnswerError, TooLargeError
from .sync import Holt
from .types import Edit, ExecResult
from .wire import number

WORDS = {
    "not_found": FILE_NOT_FOUND,
    "denied": PERMISSION_DENIED,
    "read_only": PERMISSION_DENIED,
    "is_directory": IS_DIRECTORY,
    "not_directory": INVALID_PATH,
    "invalid": INVALID_PATH,
}
MULTIPLE = (
    "Error: String '{}' appears multiple times. Use replace_all=True to replace all occurrences."
)
EMPTY_FILE = "System reminder: File exists but has empty contents"
MAX_TIMEOUT_S = 3600  # what `timeout=0` (none) becomes
WHOLE_OUTPUT = 16 * 1024 * 1024  # of a command, fetched in pieces where it is long
TIMED_OUT = 124  # exit code, as deepagents' local backend has it


def _word(problem: HoltError) -> str:
    return WORDS.get(problem.error, problem.error)


def _sentence(problem: HoltError) -> str:
    word = _word(problem)
    return f"{word}: {problem.detail}" if problem.detail else word


class HoltSandbox(BaseSandbox):
    """`HoltSandbox.connect(url=, session=, key=)`, or around a Holt or AsyncHolt of your own."""

    enable_capture_offload = False  # execute_with_offload below does it without a wrapper script

    def __init__(self, holt: Holt | AsyncHolt) -> None:
        self._bridge = Bridge(holt)
        self._id = f"holt-{self._bridge.aio.src}"

    @classmethod
    def connect(
        cls,
        url: str | None = None,
        session: str | None = None,
        key: str | None = None,
        *,
        ready_file: str | Path | None = None,
        src: str | None = None,
        timeout: float = 30.0,
    ) -> Self:
        return cls(Holt.connect(url, session, key, ready_file=ready_file, src=src, timeout=timeout))

    def close(self) -> None:
        self._bridge.close()

    async def aclose(self) -> None:
        await self._bridge.aclose()

    @property
    def id(self) -> str:
        return self._id

    # -- execute ----------------------------------------------------------------------------------

    async def _execute(
        self, holt: AsyncHolt, command: str, timeout: int | None, whole: int = WHOLE_OUTPUT
    ) -> ExecuteResponse:
        if timeout is not None and timeout < 0:
            return ExecuteResponse("Error: timeout must not be negative", 1)
        limit = None if timeout is None else timeout or MAX_TIMEOUT_S
        try:
            result = await holt.exec(command, timeout=limit, max_fetch=whole)
        except CommandTimeoutError as late:
            so_far = ExecResult.of(late.fields)
            text = so_far.stdout + so_far.stderr
            return ExecuteResponse(
                f"{text}\nError: Command timed out and was killed.".lstrip("\n"),
                TIMED_OUT,
                so_far.truncated,
            )
        except HoltError as problem:
            so_far = ExecResult.of(problem.fields)
            text = so_far.stdout + so_far.stderr
            return ExecuteResponse(f"{text}\nError: {problem}".lstrip("\n"), None)
        return ExecuteResponse(
            result.stdout + result.stderr, result.exit_code, truncated=result.truncated
        )

    def execute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        return self._bridge.call(lambda holt: self._execute(holt, command, timeout))

    async def aexecute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        return await self._bridge.acall(lambda holt: self._execute(holt, command, timeout))

    async def _offload(
        self,
        holt: AsyncHolt,
        command: str,
        capture_path: str,
        max_inline_bytes: int,
        max_capture_bytes: int | None,
        timeout: int | None,
    ) -> ExecuteOffloadResult:
        most = 10 * 1024 * 1024 if max_capture_bytes is None else max_capture_bytes
        response = await self._execute(holt, command, timeout, most)
        data = response.output.encode()
        if len(data) <= max_inline_bytes:
            return ExecuteOffloadResult(offloaded=False, response=response)
        try:
            await holt.write(capture_path, data[:most])
        except HoltError:
            return ExecuteOffloadResult(offloaded=False, response=response)
        text, marked = preview(response.output, max_inline_bytes)
        shown = ExecuteResponse(
            text, response.exit_code, truncated=response.truncated or len(data) > most
        )
        return ExecuteOffloadResult(True, shown, preview_has_truncation_marker=marked)

    def execute_with_offload(
        self,
        command: str,
        capture_path: str,
        *,
        max_inline_bytes: int,
        max_capture_bytes: int | None = None,
        timeout: int | None = None,
    ) -> ExecuteOffloadResult:
        return self._bridge.call(
            lambda holt: self._offload(
                holt, command, capture_path, max_inline_bytes, max_capture_bytes, timeout
            )
        )

    async def aexecute_with_offload(
        self,
        command: str,
        capture_path: str,
        *,
        max_inline_bytes: int,
        max_capture_bytes: int | None = None,
        timeout: int | None = None,
    ) -> ExecuteOffloadResult:
        return await self._bridge.acall(
            lambda holt: self._offload(
                holt, command, capture_path, max_inline_bytes, max_capture_bytes, timeout
            )
        )

    # -- looking ----------------------------------------------------------------------------------

    async def _ls(self, holt: AsyncHolt, path: str) -> LsResult:
        if not path.startswith("/"):
            return LsResult(error=f"Path '{path}': {INVALID_PATH}")
        try:
            found = await holt.list(path)
        except HoltError as problem:
            return LsResult(error=f"Path '{path}': {_sentence(problem)}")
        base = path.rstrip("/")
        entries: list[FileInfo] = [
            {
                "path": f"{base}/{e.name}",
                "is_dir": e.is_directory,
                "size": e.size,
                "modified_at": e.modified.isoformat(),
            }
            for e in found.entries
        ]
        return LsResult(entries=entries)

    def ls(self, path: str) -> LsResult:
        return self._bridge.call(lambda holt: self._ls(holt, path))

    async def als(self, path: str) -> LsResult:
        return await self._bridge.acall(lambda holt: self._ls(holt, path))

    async def _read(self, holt: AsyncHolt, path: str, offset: int, limit: int) -> ReadResult:
        offset, limit = normalize_read_bounds(offset, limit)
        try:
            if not path.startswith("/"):
                return ReadResult(error=f"File '{path}': {INVALID_PATH}")
            if _get_backend_read_file_type(path) != "text":
                return await self._read_binary(holt, path)
            return await self._read_lines(holt, path, offset, limit)
        except HoltError as problem:
            return ReadResult(error=f"File '{path}': {_sentence(problem)}")

    async def _read_binary(self, holt: AsyncHolt, path: str) -> ReadResult:
        try:
            found = await holt.read(path, encoding="base64", max_bytes=MAX_BINARY_BYTES)
        except TooLargeError:
            why = f"Binary file exceeds maximum preview size of {MAX_BINARY_BYTES} bytes"
            return ReadResult(error=f"File '{path}': {why}")
        if not found.data:
            return ReadResult(file_data=FileData(content=EMPTY_FILE, encoding="utf-8"))
        return ReadResult(file_data=base64_data(found.data))

    async def _read_lines(self, holt: AsyncHolt, path: str, offset: int, limit: int) -> ReadResult:
        cap = MAX_OUTPUT_BYTES - len(TRUNCATION_MSG.encode())
        cut = False
        try:
            page = await holt.read(path, offset=offset, limit=max(limit, 1), max_bytes=cap)
        except TooLargeError:
            cut = True
            if offset == 0:  # the page starts where the file starts
                page = await holt.read(path, range=(0, cap))
            else:
                page = await holt.read(path, offset=offset, limit=limit)
        if page.size == 0:
            return ReadResult(file_data=FileData(content=EMPTY_FILE, encoding="utf-8"))
        if not page.is_text and not (cut and is_cut_text(page.data)):
            return await self._read_binary(holt, path)
        if limit <= 0:
            return ReadResult(
                file_data=FileData(content="", encoding="utf-8"), no_lines_requested=True
            )
        total = None if cut else page.total_lines
        if not page.data:
            lines = "?" if page.total_lines is None else str(page.total_lines)
            why = f"Line offset {offset} exceeds file length ({lines} lines)"
            return ReadResult(error=f"File '{path}': {why}")
        return window(page, offset, cap, cut, total)

    def read(self, file_path: str, offset: int = 0, limit: int = 2000) -> ReadResult:
        return self._bridge.call(lambda holt: self._read(holt, file_path, offset, limit))

    async def aread(self, file_path: str, offset: int = 0, limit: int = 2000) -> ReadResult:
        return await self._bridge.acall(lambda holt: self._read(holt, file_path, offset, limit))

    async def _grep(
        self,
        holt: AsyncHolt,
        pattern: str,
        path: str | None,
        glob: str | None,
        max_count: int | None,
    ) -> GrepResult:
        where = path or "."
        if glob and ".." in glob.replace("\\", "/").split("/"):
            return GrepResult(error=f"Path '{where}': glob contains path traversal")
        more = None if max_count is None else max(max_count, 0) + 1
        skip = [d for d in self.grep_exclude_dirs if d != where.rstrip("/").rpartition("/")[2]]
        try:
            async with asyncio.timeout(ASYNC_GREP_TIMEOUT):
                found = await holt.grep(pattern, where, glob=glob, limit=more, skip=skip)
        except (TimeoutError, NoAnswerError):
            return GrepResult(
                error=f"Error: grep timed out after {ASYNC_GREP_TIMEOUT}s. "
                "Try a more specific pattern or a narrower path."
            )
        except HoltError as problem:
            return GrepResult(error=f"Path '{where}': {_sentence(problem)}")
        matches: list[GrepMatch] = [
            {"path": m.path, "line": m.line, "text": m.text} for m in found.matches
        ]
        if max_count is not None and len(matches) > max_count:
            return GrepResult(matches=matches[:max_count], truncated=True)
        return GrepResult(matches=matches, truncated=found.truncated)

    def grep(
        self,
        pattern: str,
        path: str | None = None,
        glob: str | None = None,
        *,
        max_count: int | None = None,
    ) -> GrepResult:
        return self._bridge.call(lambda holt: self._grep(holt, pattern, path, glob, max_count))

    async def agrep(
        self,
        pattern: str,
        path: str | None = None,
        glob: str | None = None,
        *,
        max_count: int | None = None,
    ) -> GrepResult:
        return await self._bridge.acall(
            lambda holt: self._grep(holt, pattern, path, glob, max_count)
        )

    async def _glob(self, holt: AsyncHolt, pattern: str, path: str | None) -> GlobResult:
        # Never a relative root: deny rules match absolute paths only.
        root = path if path and path.startswith("/") else f"/{path or ''}"
        if ".." in pattern.replace("\\", "/").split("/"):
            return GlobResult(error=f"Path '{root}': pattern must not contain '..'")
        try:
            async with asyncio.timeout(ASYNC_GLOB_TIMEOUT):
                anchored = pattern.startswith("/")  # to the root of the search
                where = literal(root.rstrip("/")) + pattern if anchored else pattern
                # A bare pattern also looks into folders with a leading dot.
                bare = "/" not in pattern
                found = await holt.glob(where, root, kind="file", hidden=bare)
        except (TimeoutError, NoAnswerError):
            return GlobResult(
                error=f"Error: glob timed out after {ASYNC_GLOB_TIMEOUT}s. "
                "Try a more specific pattern or a narrower path."
            )
        except HoltError as problem:
            return GlobResult(error=f"Path '{root}': {_sentence(problem)}")
        base = root.rstrip("/")
        matches: list[FileInfo] = [
            {"path": e.path if e.path.startswith("/") else f"{base}/{e.path}", "is_dir": False}
            for e in found.entries
            if not e.is_directory and (not bare or shows(pattern, e.name))
        ]
        unread = found.reason == "unreadable"
        if not found.truncated and not unread:
            return GlobResult(matches=matches)
        return GlobResult(
            matches=matches,
            truncated=True,
            truncation_reason="unreadable" if unread else "budget",
        )

    def glob(self, pattern: str, path: str | None = None) -> GlobResult:
        return self._bridge.call(lambda holt: self._glob(holt, pattern, path))

    async def aglob(self, pattern: str, path: str | None = None) -> GlobResult:
        return await self._bridge.acall(lambda holt: self._glob(holt, pattern, path))

    # -- changing ---------------------------------------------------------------------------------

    async def _write(self, holt: AsyncHolt, path: str, content: str) -> WriteResult:
        if not path.startswith("/"):
            return WriteResult(error=f"Failed to write file '{path}': {INVALID_PATH}")
        try:
            await holt.write(path, content)
        except HoltError as problem:
            return WriteResult(error=f"Failed to write file '{path}': {_sentence(problem)}")
        return WriteResult(path=path)

    def write(self, file_path: str, content: str) -> WriteResult:
        return self._bridge.call(lambda holt: self._write(holt, file_path, content))

    async def awrite(self, file_path: str, content: str) -> WriteResult:
        return await self._bridge.acall(lambda holt: self._write(holt, file_path, content))

    async def _edit(
        self, holt: AsyncHolt, path: str, old: str, new: str, everywhere: bool
    ) -> EditResult:
        if not old:
            return EditResult(error=EMPTY_OLD_STRING_ERROR)
        if not path.startswith("/"):
            return EditResult(error=f"Error editing file '{path}': {INVALID_PATH}")
        try:
            done = await holt.edit(path, [Edit(old, new, everywhere)])
            return EditResult(path=path, occurrences=done.replaced or 1)
        except HoltError as problem:
            if number(problem.fields, "occurrences") > 1 and not everywhere:
                return EditResult(error=MULTIPLE.format(old))
            return await self._edit_again(holt, path, old, new, everywhere, problem)

    async def _edit_again(
        self,
        holt: AsyncHolt,
        path: str,
        old: str,
        new: str,
        everywhere: bool,
        problem: HoltError,
    ) -> EditResult:
        """Why it did not fit; or it fits with the file's own line ends, which reading hides."""
        try:
            found = await holt.read(path)
            if not found.is_text:
                return EditResult(error=f"Error: File '{path}' is not a text file")
            text = found.data.decode()
            count = text.count(old)
            if count > 1 and not everywhere:
                return EditResult(error=MULTIPLE.format(old))
            if count:
                return EditResult(error=f"Error editing file '{path}': {_sentence(problem)}")
            for ends in ("\r\n", "\n"):
                other = old.replace("\r\n", "\n").replace("\n", ends)
                if other in text:
                    other_new = new.replace("\r\n", "\n").replace("\n", ends)
                    if text.count(other) > 1 and not everywhere:
                        return EditResult(error=MULTIPLE.format(old))
                    edit = Edit(other, other_new, everywhere)
                    done = await holt.edit(path, [edit], if_match=found.sha256 or None)
                    return EditResult(path=path, occurrences=done.replaced or 1)
            return EditResult(error=f"Error: String not found in file: '{old}'")
        except HoltError as worse:
            if worse.error == "not_found":
                return EditResult(error=f"Error: File '{path}' not found")
            if worse.error == "is_directory":
                return EditResult(error=f"Error: '{path}' is not a regular file")
            if worse.error == "denied":
                return EditResult(error=f"Error: Permission denied editing file '{path}'")
            return EditResult(error=f"Error editing file '{path}': {_sentence(worse)}")

    def edit(
        self, file_path: str, old_string: str, new_string: str, replace_all: bool = False
    ) -> EditResult:
        return self._bridge.call(
            lambda holt: self._edit(holt, file_path, old_string, new_string, replace_all)
        )

    async def aedit(
        self, file_path: str, old_string: str, new_string: str, replace_all: bool = False
    ) -> EditResult:
        return await self._bridge.acall(
            lambda holt: self._edit(holt, file_path, old_string, new_string, replace_all)
        )

    async def _delete(self, holt: AsyncHolt, path: str) -> DeleteResult:
        if not path.startswith("/"):
            return DeleteResult(error=f"Error deleting file '{path}': {INVALID_PATH}")
        try:
            await holt.remove(path, recursive=True)
        except HoltError as problem:
            if problem.error == "not_found":
                return DeleteResult(error=f"Error: '{path}' not found")
            return DeleteResult(error=f"Error deleting file '{path}': {_sentence(problem)}")
        return DeleteResult(path=path)

    def delete(self, file_path: str) -> DeleteResult:
        return self._bridge.call(lambda holt: self._delete(holt, file_path))

    async def adelete(self, file_path: str) -> DeleteResult:
        return await self._bridge.acall(lambda holt: self._delete(holt, file_path))

    # -- transfers: all at once, in order, never raised -------------------------------------------

    async def _upload(
        self, holt: AsyncHolt, files: Sequence[tuple[str, bytes]]
    ) -> list[FileUploadResponse]:
        async def one(path: str, content: bytes) -> FileUploadResponse:
            if not path.startswith("/"):
                return FileUploadResponse(path=path, error=INVALID_PATH)
            try:
                await holt.write(path, content)
            except HoltError as problem:
                return FileUploadResponse(path=path, error=_word(problem))
            return FileUploadResponse(path=path, error=None)

        return await _few_at_once([one(path, content) for path, content in files])

    def upload_files(self, files: list[tuple[str, bytes]]) -> list[FileUploadResponse]:
        return self._bridge.call(lambda holt: self._upload(holt, files))

    async def aupload_files(self, files: list[tuple[str, bytes]]) -> list[FileUploadResponse]:
        return await self._bridge.acall(lambda holt: self._upload(holt, files))

    async def _download(self, holt: AsyncHolt, paths: Sequence[str]) -> list[FileDownloadResponse]:
        async def one(path: str) -> FileDownloadResponse:
            if not path.startswith("/"):
                return FileDownloadResponse(path=path, error=INVALID_PATH)
            try:
                found = await holt.read(path)
            except HoltError as problem:
                return FileDownloadResponse(path=path, error=_word(problem))
            return FileDownloadResponse(path=path, content=found.data)

        return await _few_at_once([one(path) for path in paths])

    def download_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        return self._bridge.call(lambda holt: self._download(holt, paths))

    async def adownload_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        return await self._bridge.acall(lambda holt: self._download(holt, paths))


async def _few_at_once(work: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """In the order given; small ones share a message, and few large ones are on their way."""
    slots = asyncio.Semaphore(64)

    async def one(job: Coroutine[Any, Any, Any]) -> Any:
        async with slots:
            return await job

    return list(await asyncio.gather(*(one(job) for job in work)))
