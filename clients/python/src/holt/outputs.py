# SPDX-License-Identifier: Apache-2.0
"""Output that comes in pieces: chunks put together by their offset, gaps found, text decoded
without cutting characters. Pure: who repairs a gap is the client's affair."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from .types import Output, OutputStream
from .wire import number, text, unbase64


def chunk_bytes(chunk: Mapping[str, Any]) -> bytes:
    data = text(chunk, "data")
    return unbase64(data) if text(chunk, "enc") == "base64" else data.encode("utf-8")


class Pieces:
    """One stream: `ready` bytes from the start on are there without a gap."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._later: dict[int, bytes] = {}  # beyond the first gap, by offset

    @property
    def ready(self) -> int:
        return len(self.data)

    @property
    def gap(self) -> tuple[int, int] | None:
        """The first missing range, as (offset, length), when something is known beyond it."""
        if not self._later:
            return None
        return self.ready, min(self._later) - self.ready

    @property
    def known(self) -> int:
        """The end of what is known to exist."""
        return max([self.ready, *(off + len(d) for off, d in self._later.items())])

    def add(self, offset: int, piece: bytes) -> None:
        """Pieces may come twice, overlap, or come out of order."""
        if offset < 0 or not piece:
            return
        if offset > self.ready:
            if len(self._later.get(offset, b"")) < len(piece):
                self._later[offset] = piece
            return
        self.data += piece[self.ready - offset :]
        while self._later and min(self._later) <= self.ready:
            at = min(self._later)
            self.data += self._later.pop(at)[self.ready - at :]

    def missing(self, size: int) -> list[tuple[int, int]]:
        """What is not there of a stream of `size` bytes."""
        gaps, at = [], self.ready
        for offset in sorted(self._later):
            if offset > at:
                gaps.append((at, min(offset, size) - at))
            at = max(at, offset + len(self._later[offset]))
        if at < size:
            gaps.append((at, size - at))
        return [(off, length) for off, length in gaps if length > 0]


class LiveStream:
    """One stream as it is handed out: each byte once, in order."""

    def __init__(self, name: OutputStream) -> None:
        self.name = name
        self.pieces = Pieces()
        self.given = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lost = 0

    def take(self) -> Output | None:
        """What has become ready since the last call."""
        data = bytes(self.pieces.data[self.given :])
        if not data:
            return None
        offset = self.given
        self.given += len(data)
        lost, self._lost = self._lost, 0
        return Output(self.name, data, offset, self._decoder.decode(data), lost)

    def skip(self, size: int) -> None:
        """The next `size` bytes are gone for good: they count, as zero bytes of nothing."""
        self._lost += size
        self.pieces.add(self.pieces.ready, bytes(size))
        self.given += size

    def end(self) -> Output | None:
        """What the decoder still holds of a character that never came to its end."""
        rest = self._decoder.decode(b"", final=True)
        return Output(self.name, b"", self.given, rest) if rest else None

    def take_chunk(self, chunk: Mapping[str, Any]) -> None:
        self.pieces.add(number(chunk, "off"), chunk_bytes(chunk))
