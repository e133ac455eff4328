# SPDX-License-Identifier: Apache-2.0
"""Everything that can go wrong, as exception classes: one for each error word of sbx/1
(docs/protocol-sbx1.md, section 6), and those of the link itself. Words that a newer daemon may
add become a plain HoltError that still carries the word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class HoltError(Exception):
    """What the sandbox answered instead of a result. `fields` is the whole answer: a command that
    was stopped still shows its output so far there."""

    word: ClassVar[str] = "internal"
    sentence: ClassVar[str] = "An error inside Holt."

    def __init__(
        self,
        detail: str = "",
        *,
        command: str = "",
        word: str | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        self.detail = detail
        self.command = command  # the id of the command
        self.error = word or self.word
        self.fields: Mapping[str, Any] = fields or {}
        super().__init__(f"{self.error}: {detail or self.sentence}")


class InvalidError(HoltError):
    word, sentence = "invalid", "The command is malformed."


class NotFoundError(HoltError):
    word, sentence = "not_found", "There is no such thing."


class ExistsError(HoltError):
    word, sentence = "exists", "It exists already."


class FolderError(HoltError):
    word, sentence = "is_directory", "It is a folder."


class NotDirectoryError(HoltError):
    word, sentence = "not_directory", "It is not a folder."


class DeniedError(HoltError):
    word, sentence = "denied", "This is outside the allowed folders, or its permissions forbid it."


class TooLargeError(HoltError):
    word, sentence = "too_large", "It is too large for one message."


class CommandTimeoutError(HoltError):
    word, sentence = "timeout", "It took too long."


class CancelledError(HoltError):
    word, sentence = "cancelled", "It was cancelled."


class ExpiredError(HoltError):
    word, sentence = "expired", "Its deadline had passed when it arrived; nothing was done."


class InterruptedRunError(HoltError):
    word = "interrupted"
    sentence = "The daemon ended while it ran; whether it took effect is not known."


class IdConflictError(HoltError):
    word, sentence = "id_conflict", "Another command has this id."


class ConflictError(HoltError):
    word, sentence = "conflict", "The file is not what it was (if_match)."


class BusyError(HoltError):
    word, sentence = "busy", "Too much is waiting already."


class NoSpaceError(HoltError):
    word, sentence = "no_space", "The disk is full."


class ReadOnlyError(HoltError):
    word, sentence = "read_only", "The file system is read-only."


class UnauthorizedError(HoltError):
    word, sentence = "unauthorized", "The key or the signature is missing or wrong."


class UnsupportedError(HoltError):
    word, sentence = "unsupported", "This sandbox does not offer it."


class ShutdownError(HoltError):
    word, sentence = "shutdown", "The daemon is stopping."


class InternalError(HoltError):
    word, sentence = "internal", "An error inside Holt."


class LinkError(HoltError):
    """The way to the sandbox, not the sandbox."""

    word, sentence = "link", "The sandbox cannot be reached."


class NoAnswerError(LinkError):
    """Nothing came within the limit that the caller gave. The command may still run: ask for it
    with query(), or send it again with the same id."""

    word, sentence = "no_answer", "The sandbox did not answer in time."


class ClosedError(LinkError):
    word, sentence = "closed", "This client is closed."


class CorruptError(LinkError):
    """A large result did not have the hash that was announced, also when it was read again."""

    word, sentence = "corrupt", "The result arrived damaged."


BY_WORD: dict[str, type[HoltError]] = {
    kind.word: kind
    for kind in (
        InvalidError,
        NotFoundError,
        ExistsError,
        FolderError,
        NotDirectoryError,
        DeniedError,
        TooLargeError,
        CommandTimeoutError,
        CancelledError,
        ExpiredError,
        InterruptedRunError,
        IdConflictError,
        ConflictError,
        BusyError,
        NoSpaceError,
        ReadOnlyError,
        UnauthorizedError,
        UnsupportedError,
        ShutdownError,
        InternalError,
    )
}


def error_of(answer: Mapping[str, Any], command: str = "") -> HoltError:
    """The exception for a result with `ok: false`."""
    word = answer.get("error")
    word = word if isinstance(word, str) and word else "internal"
    detail = answer.get("detail")
    kind = BY_WORD.get(word, HoltError)
    return kind(
        detail if isinstance(detail, str) else "",
        command=command or str(answer.get("id") or ""),
        word=word,
        fields=answer,
    )
