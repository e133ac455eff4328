# SPDX-License-Identifier: Apache-2.0
"""Contents of files that were read, by path, to be used again after the daemon has said in the
same read that the file still has this hash (`if_none_match`). So a read never shows what another
writer has replaced; what is saved is sending the content again. Bounded; oldest use goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from .types import FileContent


class ReadCache:
    def __init__(self, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[Hashable, FileContent] = OrderedDict()
        self._bytes = 0
        self.hits = 0
        self.misses = 0

    def get(self, key: Hashable) -> FileContent | None:
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: Hashable, content: FileContent) -> None:
        self.drop(key)
        if not content.sha256 or len(content.data) > self._max_bytes // 4:
            return
        self._held[key] = content
        self._bytes += len(content.data)
        while self._bytes > self._max_bytes:
            _, old = self._held.popitem(last=False)
            self._bytes -= len(old.data)

    def drop(self, key: Hashable) -> None:
        old = self._held.pop(key, None)
        if old is not None:
            self._bytes -= len(old.data)

    def clear(self) -> None:
        self._held.clear()
        self._bytes = 0
