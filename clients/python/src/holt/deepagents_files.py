# SPDX-License-Identifier: Apache-2.0
"""What the file methods of HoltSandbox do over the link, each with deepagents' result for every
answer: nothing of the sandbox's is raised."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from deepagents.backends.protocol import (
    ASYNC_GLOB_TIMEOUT,
    ASYNC_GREP_TIMEOUT,
    FILE_NOT_FOUND,
    INVALID_PATH,
    IS_DIRECTORY,
    PERMISSION_DENIED,
    DeleteResult,
    EditResult,
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
from deepagents.backends.sandbox import MAX_BINARY_BYTES, MAX_OUTPUT_BYTES, TRUNCATION_MSG
from deepagents.backends.utils import (
    EMPTY_OLD_STRING_ERROR,
    _get_backend_read_file_type,
    normalize_read_bounds,
)

from .client import AsyncHolt
from .deepagents_text import base64_data, is_cut_text, literal, shows, window
from .errors import HoltError, NoAnswerError, TooLargeError
from .types import Edit
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


def word(problem: HoltError) -> str:
    return WORDS.get(problem.error, problem.error)


def sentence(problem: HoltError) -> str:
    said = word(problem)
    return f"{said}: {problem.detail}" if problem.detail else said


# -- looking


async def ls(holt: AsyncHolt, path: str) -> LsResult:
    if not path.startswith("/"):
        return LsResult(error=f"Path '{path}': {INVALID_PATH}")
    try:
        found = await holt.list(path)
    except HoltError as problem:
        return LsResult(error=f"Path '{path}': {sentence(problem)}")
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


async def read(holt: AsyncHolt, path: str, offset: int, limit: int) -> ReadResult:
    offset, limit = normalize_read_bounds(offset, limit)
    try:
        if not path.startswith("/"):
            return ReadResult(error=f"File '{path}': {INVALID_PATH}")
        if _get_backend_read_file_type(path) != "text":
            return await read_binary(holt, path)
        return await read_lines(holt, path, offset, limit)
    except HoltError as problem:
        return ReadResult(error=f"File '{path}': {sentence(problem)}")


async def read_binary(holt: AsyncHolt, path: str) -> ReadResult:
    try:
        found = await holt.read(path, encoding="base64", max_bytes=MAX_BINARY_BYTES)
    except TooLargeError:
        why = f"Binary file exceeds maximum preview size of {MAX_BINARY_BYTES} bytes"
        return ReadResult(error=f"File '{path}': {why}")
    if not found.data:
        return ReadResult(file_data=FileData(content=EMPTY_FILE, encoding="utf-8"))
    return ReadResult(file_data=base64_data(found.data))


async def read_lines(holt: AsyncHolt, path: str, offset: int, limit: int) -> ReadResult:
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
        return await read_binary(holt, path)
    if limit <= 0:
        return ReadResult(file_data=FileData(content="", encoding="utf-8"), no_lines_requested=True)
    total = None if cut else page.total_lines
    if not page.data:
        lines = "?" if page.total_lines is None else str(page.total_lines)
        why = f"Line offset {offset} exceeds file length ({lines} lines)"
        return ReadResult(error=f"File '{path}': {why}")
    return window(page, offset, cap, cut, total)


async def grep(
    holt: AsyncHolt,
    pattern: str,
    path: str | None,
    glob: str | None,
    max_count: int | None,
    exclude: Iterable[str],
) -> GrepResult:
    where = path or "."
    if glob and ".." in glob.replace("\\", "/").split("/"):
        return GrepResult(error=f"Path '{where}': glob contains path traversal")
    more = None if max_count is None else max(max_count, 0) + 1
    skip = [d for d in exclude if d != where.rstrip("/").rpartition("/")[2]]
    try:
        async with asyncio.timeout(ASYNC_GREP_TIMEOUT):
            found = await holt.grep(pattern, where, glob=glob, limit=more, skip=skip)
    except (TimeoutError, NoAnswerError):
        return GrepResult(
            error=f"Error: grep timed out after {ASYNC_GREP_TIMEOUT}s. "
            "Try a more specific pattern or a narrower path."
        )
    except HoltError as problem:
        return GrepResult(error=f"Path '{where}': {sentence(problem)}")
    matches: list[GrepMatch] = [
        {"path": m.path, "line": m.line, "text": m.text} for m in found.matches
    ]
    if max_count is not None and len(matches) > max_count:
        return GrepResult(matches=matches[:max_count], truncated=True)
    return GrepResult(matches=matches, truncated=found.truncated)


async def glob(holt: AsyncHolt, pattern: str, path: str | None) -> GlobResult:
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
        return GlobResult(error=f"Path '{root}': {sentence(problem)}")
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


# -- changing


async def write(holt: AsyncHolt, path: str, content: str) -> WriteResult:
    if not path.startswith("/"):
        return WriteResult(error=f"Failed to write file '{path}': {INVALID_PATH}")
    try:
        await holt.write(path, content)
    except HoltError as problem:
        return WriteResult(error=f"Failed to write file '{path}': {sentence(problem)}")
    return WriteResult(path=path)


async def edit(holt: AsyncHolt, path: str, old: str, new: str, everywhere: bool) -> EditResult:
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
        return await edit_again(holt, path, old, new, everywhere, problem)


async def edit_again(
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
            return EditResult(error=f"Error editing file '{path}': {sentence(problem)}")
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
        return EditResult(error=f"Error editing file '{path}': {sentence(worse)}")


async def delete(holt: AsyncHolt, path: str) -> DeleteResult:
    if not path.startswith("/"):
        return DeleteResult(error=f"Error deleting file '{path}': {INVALID_PATH}")
    try:
        await holt.remove(path, recursive=True)
    except HoltError as problem:
        if problem.error == "not_found":
            return DeleteResult(error=f"Error: '{path}' not found")
        return DeleteResult(error=f"Error deleting file '{path}': {sentence(problem)}")
    return DeleteResult(path=path)


# -- transfers: all at once, in order


async def upload(holt: AsyncHolt, files: Sequence[tuple[str, bytes]]) -> list[FileUploadResponse]:
    async def one(path: str, content: bytes) -> FileUploadResponse:
        if not path.startswith("/"):
            return FileUploadResponse(path=path, error=INVALID_PATH)
        try:
            await holt.write(path, content)
        except HoltError as problem:
            return FileUploadResponse(path=path, error=word(problem))
        return FileUploadResponse(path=path, error=None)

    return await few_at_once([one(path, content) for path, content in files])


async def download(holt: AsyncHolt, paths: Sequence[str]) -> list[FileDownloadResponse]:
    async def one(path: str) -> FileDownloadResponse:
        if not path.startswith("/"):
            return FileDownloadResponse(path=path, error=INVALID_PATH)
        try:
            found = await holt.read(path)
        except HoltError as problem:
            return FileDownloadResponse(path=path, error=word(problem))
        return FileDownloadResponse(path=path, content=found.data)

    return await few_at_once([one(path) for path in paths])


async def few_at_once(work: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """In the order given; small ones share a message, and few large ones are on their way."""
    slots = asyncio.Semaphore(64)

    async def one(job: Coroutine[Any, Any, Any]) -> Any:
        async with slots:
            return await job

    return list(await asyncio.gather(*(one(job) for job in work)))
