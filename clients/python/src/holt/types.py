# SPDX-License-Identifier: Apache-2.0
"""Results of commands as values. Each is made from the daemon's answer by `of()`; `raw` keeps the
whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from .wire import as_text, field_bytes, flag, number, objects, optional_number, text

EntryType = Literal["file", "directory", "symlink", "other"]
OutputStream = Literal["stdout", "stderr"]
TYPES: dict[str, EntryType] = {"file": "file", "directory": "directory", "symlink": "symlink"}


@dataclass(frozen=True)
class Entry:
    """A file, folder or link. `sha256` only where it was asked for and the file is small."""

    name: str
    path: str  # absolute
    type: EntryType
    size: int  # bytes
    modified_ms: int  # since 1970
    mode: int  # permission bits
    sha256: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_directory(self) -> bool:
        return self.type == "directory"

    @property
    def modified(self) -> datetime:
        return datetime.fromtimestamp(self.modified_ms / 1000, UTC)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Entry:
        kind = text(answer, "type", "other")
        path = text(answer, "path")
        mode = answer.get("mode")
        return cls(
            name=text(answer, "name") or path.rpartition("/")[2],
            path=path,
            type=TYPES.get(kind, "other"),
            size=number(answer, "size"),
            modified_ms=number(answer, "modified_ms"),
            mode=int(mode, 8)
            if isinstance(mode, str) and mode.isdigit()
            else number(answer, "mode"),
            sha256=text(answer, "sha256"),
            raw=answer,
        )


@dataclass(frozen=True)
class FileContent:
    """What was read. `data` are the bytes; `text` reads them as UTF-8."""

    path: str
    data: bytes = field(repr=False)
    size: int  # bytes of the whole file
    sha256: str = ""  # of the whole file; empty when the daemon does not say
    total_lines: int | None = None
    start_line: int | None = None  # from 0; of a window of lines
    end_line: int | None = None  # one past the last
    not_modified: bool = False  # if_none_match was right: `data` is empty
    truncated: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def text(self) -> str:
        return as_text(self.data)

    @property
    def is_text(self) -> bool:
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True

    @classmethod
    def of(cls, path: str, answer: Mapping[str, Any], data: bytes | None = None) -> FileContent:
        got = field_bytes(answer, "content") if data is None else data
        size = optional_number(answer, "size")
        return cls(
            path=text(answer, "path") or path,
            data=got,
            size=len(got) if size is None else size,
            sha256=text(answer, "sha256") or text(answer, "file_sha256"),
            total_lines=optional_number(answer, "total_lines"),
            start_line=optional_number(answer, "start_line"),
            end_line=optional_number(answer, "end_line"),
            not_modified=flag(answer, "not_modified"),
            truncated=flag(answer, "truncated"),
            raw=answer,
        )


@dataclass(frozen=True)
class Written:
    """A file that was written or edited."""

    path: str
    sha256: str = ""
    size: int = 0
    created: bool = False
    replaced: int = 0  # places, of an edit
    duplicate: bool = False  # it had been done before; this is the answer of then
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, path: str, answer: Mapping[str, Any]) -> Written:
        replaced = optional_number(answer, "replaced")
        if replaced is None:
            replaced = number(answer, "replacements", number(answer, "occurrences"))
        return cls(
            path=text(answer, "path") or path,
            sha256=text(answer, "sha256"),
            size=number(answer, "size", number(answer, "bytes")),
            created=flag(answer, "created"),
            replaced=replaced,
            duplicate=flag(answer, "dup"),
            raw=answer,
        )


@dataclass(frozen=True)
class Listing:
    """Entries of list, glob or tree, in the daemon's order."""

    entries: tuple[Entry, ...]
    truncated: bool = False  # there are more
    reason: str = ""  # why there may be more: limit, budget, unreadable
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, answer: Mapping[str, Any], name: str = "entries") -> Listing:
        return cls(
            entries=tuple(Entry.of(e) for e in objects(answer, name)),
            truncated=flag(answer, "truncated"),
            reason="unreadable"
            if number(answer, "unreadable") and not flag(answer, "truncated")
            else text(answer, "truncation_reason"),
            raw=answer,
        )


@dataclass(frozen=True)
class Match:
    """One line that grep found."""

    path: str
    line: int  # from 1
    text: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matches:
    matches: tuple[Match, ...]
    truncated: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Matches:
        def lines(of: Mapping[str, Any], name: str) -> tuple[str, ...]:
            value = of.get(name)
            return tuple(str(v) for v in value) if isinstance(value, list) else ()

        found = (
            Match(text(m, "path"), number(m, "line"), text(m, "text"), lines(m, "before"),
                  lines(m, "after"))
            for m in objects(answer, "matches")
        )  # fmt: skip
        return cls(tuple(found), flag(answer, "truncated"), answer)


@dataclass(frozen=True)
class ExecResult:
    """A command line that ran to its end. Of one that a signal ended, `signal` is its number and
    the exit code 128 + that."""

    exit_code: int | None
    stdout_bytes: bytes = field(repr=False)
    stderr_bytes: bytes = field(repr=False)
    signal: int | None = None
    truncated: bool = False  # head and tail only
    duration_ms: int = 0
    held_open_by: tuple[int, ...] = ()  # pids of background children that still hold the output
    duplicate: bool = False
    id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def stdout(self) -> str:
        return as_text(self.stdout_bytes)

    @property
    def stderr(self) -> str:
        return as_text(self.stderr_bytes)

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    @classmethod
    def of(
        cls,
        answer: Mapping[str, Any],
        stdout: bytes | None = None,
        stderr: bytes | None = None,
        truncated: bool | None = None,
    ) -> ExecResult:
        held = answer.get("held_open_by")
        return cls(
            exit_code=optional_number(answer, "exit_code"),
            stdout_bytes=field_bytes(answer, "stdout") if stdout is None else stdout,
            stderr_bytes=field_bytes(answer, "stderr") if stderr is None else stderr,
            signal=optional_number(answer, "signal"),
            truncated=flag(answer, "truncated") if truncated is None else truncated,
            duration_ms=number(answer, "duration_ms"),
            held_open_by=tuple(p for p in held if isinstance(p, int))
            if isinstance(held, list)
            else (),
            duplicate=flag(answer, "dup"),
            id=text(answer, "id"),
            raw=answer,
        )


@dataclass(frozen=True)
class Output:
    """A piece of live output, in order. `lost` bytes before it could not be had any more."""

    stream: OutputStream
    data: bytes
    offset: int  # bytes from the start of the stream
    text: str  # decoded; a character that is cut waits for its rest
    lost: int = 0


@dataclass(frozen=True)
class Edit:
    """One replacement. `old` must be there once, unless `all`."""

    old: str
    new: str
    all: bool = False

    def to_wire(self) -> dict[str, Any]:
        out: dict[str, Any] = {"old": self.old, "new": self.new}
        if self.all:
            out["all"] = True
        return out
