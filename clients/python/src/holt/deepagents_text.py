# SPDX-License-Identifier: Apache-2.0
"""Texts as deepagents wants them: pages of lines, previews, patterns. Pure."""

from __future__ import annotations

import base64
import fnmatch

from deepagents.backends.protocol import FileData, ReadResult
from deepagents.backends.sandbox import TRUNCATION_MSG

from .types import FileContent


def literal(path: str) -> str:
    """A path as a pattern that matches only itself."""
    return "".join(f"\\{c}" if c in "*?[]{}\\" else c for c in path)


def shows(pattern: str, name: str) -> bool:
    """Whether a bare pattern that matched with hidden names shows this one: a leading dot must
    stand in the pattern itself."""
    if not name.startswith("."):
        return True
    if not pattern.startswith("{"):
        return pattern.startswith((".", "\\."))
    inner, _, rest = pattern[1:].partition("}")
    return any(
        one.startswith(".") and fnmatch.fnmatchcase(name, one + rest) for one in inner.split(",")
    )


def base64_data(data: bytes) -> FileData:
    return FileData(content=base64.b64encode(data).decode("ascii"), encoding="base64")


def is_cut_text(data: bytes) -> bool:
    """UTF-8 but for a last character that a range cut."""
    return any(_decodes(data[: len(data) - n]) for n in range(4))


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def window(page: FileContent, offset: int, cap: int, cut: bool, total: int | None) -> ReadResult:
    """A page of lines as deepagents wants it: LF, without the last line's end, at most `cap`
    bytes. `cut`: there is more of it than was read or may be shown."""
    text = page.data.decode("utf-8", "ignore").replace("\r\n", "\n")
    if not cut:
        lines = text.removesuffix("\n").split("\n")
        shown, end = "\n".join(lines), offset + len(lines)
        after = end if total is not None and end < total else None
        if total is None and page.raw.get("next_offset") is not None:
            after = end
    else:
        kept = text.encode()[:cap].decode("utf-8", "ignore")
        whole = kept.count("\n")  # lines that are whole; one that is cut is read again
        shown, end = kept + TRUNCATION_MSG, offset + max(whole, 1)
        after = end
    return ReadResult(
        file_data=FileData(content=shown, encoding="utf-8"),
        total_lines=total,
        start_line=offset + 1,
        end_line=end,
        next_offset=after,
    )


def preview(text: str, most: int) -> tuple[str, bool]:
    """Head and tail lines within `most` bytes, and whether a marker stands between them."""
    lines = text.split("\n")
    half = max(most // 2, 1)
    head: list[str] = []
    tail: list[str] = []
    size = 0
    for line in lines:
        size += len(line.encode()) + 1
        if size > half:
            break
        head.append(line)
    size = 0
    for line in reversed(lines[len(head) :]):
        size += len(line.encode()) + 1
        if size > half:
            break
        tail.insert(0, line)
    left = len(lines) - len(head) - len(tail)
    if left == 0 or not (head or tail):
        return text.encode()[:most].decode("utf-8", "ignore"), False
    return "\n".join([*head, f"... [{left} lines truncated] ...", *tail]), True
