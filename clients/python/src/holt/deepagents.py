# SPDX-License-Identifier: Apache-2.0
"""HoltSandbox: a deepagents 0.7 backend. Every method and its async twin is one command of the
sandbox's own, one round trip each (an edit that does not fit and a page above 500 KiB take two);
nothing needs Python, grep or find over there. Errors come back in the result, never raised."""

from __future__ import annotations

from typing import Self, Unpack

from deepagents.backends.protocol import (
    DeleteResult,
    EditResult,
    ExecuteOffloadResult,
    ExecuteResponse,
    FileDownloadResponse,
    FileUploadResponse,
    GlobResult,
    GrepResult,
    LsResult,
    ReadResult,
    WriteResult,
)
from deepagents.backends.sandbox import BaseSandbox

from . import deepagents_files as file_work
from . import deepagents_run as run_work
from .bridge import Bridge, Endpoint
from .client import AsyncHolt
from .sync import Holt


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
        **how: Unpack[Endpoint],
    ) -> Self:
        return cls(Holt.connect(url, session, key, **how))

    def close(self) -> None:
        self._bridge.close()

    async def aclose(self) -> None:
        await self._bridge.aclose()

    @property
    def id(self) -> str:
        return self._id

    # -- execute ----------------------------------------------------------------------------------

    def execute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        return self._bridge.call(lambda holt: run_work.execute(holt, command, timeout))

    async def aexecute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        return await self._bridge.acall(lambda holt: run_work.execute(holt, command, timeout))

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
            lambda holt: run_work.offload(
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
            lambda holt: run_work.offload(
                holt, command, capture_path, max_inline_bytes, max_capture_bytes, timeout
            )
        )

    # -- looking ----------------------------------------------------------------------------------

    def ls(self, path: str) -> LsResult:
        return self._bridge.call(lambda holt: file_work.ls(holt, path))

    async def als(self, path: str) -> LsResult:
        return await self._bridge.acall(lambda holt: file_work.ls(holt, path))

    def read(self, file_path: str, offset: int = 0, limit: int = 2000) -> ReadResult:
        return self._bridge.call(lambda holt: file_work.read(holt, file_path, offset, limit))

    async def aread(self, file_path: str, offset: int = 0, limit: int = 2000) -> ReadResult:
        return await self._bridge.acall(lambda holt: file_work.read(holt, file_path, offset, limit))

    def grep(
        self,
        pattern: str,
        path: str | None = None,
        glob: str | None = None,
        *,
        max_count: int | None = None,
    ) -> GrepResult:
        return self._bridge.call(
            lambda holt: file_work.grep(
                holt, pattern, path, glob, max_count, self.grep_exclude_dirs
            )
        )

    async def agrep(
        self,
        pattern: str,
        path: str | None = None,
        glob: str | None = None,
        *,
        max_count: int | None = None,
    ) -> GrepResult:
        return await self._bridge.acall(
            lambda holt: file_work.grep(
                holt, pattern, path, glob, max_count, self.grep_exclude_dirs
            )
        )

    def glob(self, pattern: str, path: str | None = None) -> GlobResult:
        return self._bridge.call(lambda holt: file_work.glob(holt, pattern, path))

    async def aglob(self, pattern: str, path: str | None = None) -> GlobResult:
        return await self._bridge.acall(lambda holt: file_work.glob(holt, pattern, path))

    # -- changing ---------------------------------------------------------------------------------

    def write(self, file_path: str, content: str) -> WriteResult:
        return self._bridge.call(lambda holt: file_work.write(holt, file_path, content))

    async def awrite(self, file_path: str, content: str) -> WriteResult:
        return await self._bridge.acall(lambda holt: file_work.write(holt, file_path, content))

    def edit(
        self, file_path: str, old_string: str, new_string: str, replace_all: bool = False
    ) -> EditResult:
        return self._bridge.call(
            lambda holt: file_work.edit(holt, file_path, old_string, new_string, replace_all)
        )

    async def aedit(
        self, file_path: str, old_string: str, new_string: str, replace_all: bool = False
    ) -> EditResult:
        return await self._bridge.acall(
            lambda holt: file_work.edit(holt, file_path, old_string, new_string, replace_all)
        )

    def delete(self, file_path: str) -> DeleteResult:
        return self._bridge.call(lambda holt: file_work.delete(holt, file_path))

    async def adelete(self, file_path: str) -> DeleteResult:
        return await self._bridge.acall(lambda holt: file_work.delete(holt, file_path))

    # -- transfers: all at once, in order, never raised -------------------------------------------

    def upload_files(self, files: list[tuple[str, bytes]]) -> list[FileUploadResponse]:
        return self._bridge.call(lambda holt: file_work.upload(holt, files))

    async def aupload_files(self, files: list[tuple[str, bytes]]) -> list[FileUploadResponse]:
        return await self._bridge.acall(lambda holt: file_work.upload(holt, files))

    def download_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        return self._bridge.call(lambda holt: file_work.download(holt, paths))

    async def adownload_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        return await self._bridge.acall(lambda holt: file_work.download(holt, paths))
