# SPDX-License-Identifier: Apache-2.0
"""holt-mcp: the sandbox as an MCP server, over stdio or streamable HTTP. Tools are annotated and
answer with structure; pictures come as pictures; a command's output is progress while it runs, and
a call that the client gives up is stopped over there. State lives in the sandbox, never here."""

from __future__ import annotations

import argparse
import hmac
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from . import __version__
from .client import AsyncHolt
from .errors import HoltError
from .model_text import explain, shorten
from .pictures import picture_format
from .types import Edit, Entry

LOOKS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
REPLACES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
EDITS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)
RUNS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
)
PICTURE_BYTES = 4_000_000
PROGRESS_TEXT = 2_000  # characters of one progress message


class FileRead(BaseModel):
    path: str
    size: int = Field(description="Bytes of the whole file")
    text: str = ""
    mime_type: str = ""
    start_line: int = Field(default=0, description="First line shown, from 0")
    end_line: int | None = None
    total_lines: int | None = None
    binary: bool = False


class FileWritten(BaseModel):
    path: str
    sha256: str
    created: bool = False
    replaced: int = 0


class EntryInfo(BaseModel):
    path: str
    type: Literal["file", "directory", "symlink", "other"]
    size: int
    modified_ms: int

    @classmethod
    def of(cls, entry: Entry) -> EntryInfo:
        return cls(path=entry.path, type=entry.type, size=entry.size, modified_ms=entry.modified_ms)


class Entries(BaseModel):
    entries: list[EntryInfo]
    truncated: bool = False


class FoundLine(BaseModel):
    path: str
    line: int
    text: str


class Found(BaseModel):
    matches: list[FoundLine]
    truncated: bool = False


class Ran(BaseModel):
    exit_code: int | None
    signal: int | None = None
    stdout: str
    stderr: str
    truncated: bool = False
    duration_ms: int = 0
    still_running: list[int] = Field(
        default_factory=list, description="Background children that hold the output open"
    )


Path = Annotated[str, Field(description="Absolute, or relative to the workspace")]


def make_server(connect: Callable[[], Awaitable[AsyncHolt]]) -> MCPServer[AsyncHolt]:
    """`connect` is called once, when the server starts."""

    @asynccontextmanager
    async def life(_server: MCPServer[AsyncHolt]) -> AsyncIterator[AsyncHolt]:
        holt = await connect()
        try:
            yield holt
        finally:
            await holt.close()

    server = MCPServer[AsyncHolt](
        "holt",
        version=__version__,
        instructions="Files and commands of a sandbox. Relative paths start in its workspace.",
        lifespan=life,
        log_level="WARNING",
    )
    _add_looking(server)
    _add_changing(server)
    return server


def _holt(ctx: Context[AsyncHolt, Any]) -> AsyncHolt:
    return ctx.request_context.lifespan_context


@asynccontextmanager
async def _words() -> AsyncIterator[None]:
    """The sandbox's error word reaches the model; any other exception the SDK hides."""
    try:
        yield
    except HoltError as problem:
        raise ToolError(explain(problem)) from problem


def _add_looking(server: MCPServer[AsyncHolt]) -> None:
    @server.tool(title="Read a file", annotations=LOOKS)
    async def read_file(
        path: Path,
        ctx: Context[AsyncHolt, Any],
        offset: Annotated[int, Field(ge=0, description="First line, from 0")] = 0,
        limit: Annotated[int, Field(ge=1, description="How many lines")] = 2000,
    ) -> Annotated[CallToolResult, FileRead]:
        """Read a text file by lines, or look at a picture (png, jpeg, gif, webp)."""
        async with _words():
            kind = picture_format(path)
            if kind:
                picture = await _holt(ctx).read(path, encoding="base64", max_bytes=PICTURE_BYTES)
                image = Image(data=picture.data, format=kind.removeprefix("image/"))
                about = FileRead(path=path, size=picture.size, mime_type=kind, binary=True)
                return CallToolResult(
                    content=[image.to_image_content()], structured_content=about.model_dump()
                )
            found = await _holt(ctx).read(path, offset=offset, limit=limit)
        binary = not found.is_text
        about = FileRead(
            path=path,
            size=found.size,
            text="" if binary else shorten(found.text),
            start_line=offset,
            end_line=found.end_line,
            total_lines=found.total_lines,
            binary=binary,
        )
        shown = f"[binary file, {found.size} bytes]" if binary else about.text
        return CallToolResult(
            content=[TextContent(type="text", text=shown)], structured_content=about.model_dump()
        )

    @server.tool(title="List a folder", annotations=LOOKS)
    async def list_dir(ctx: Context[AsyncHolt, Any], path: Path = ".") -> Entries:
        """List a folder."""
        async with _words():
            found = await _holt(ctx).list(path)
        entries = [EntryInfo.of(e) for e in found.entries]
        return Entries(entries=entries, truncated=found.truncated)

    @server.tool(title="Find files by name", annotations=LOOKS)
    async def glob(
        pattern: Annotated[str, Field(description="As *.py (any depth) or src/**/*.py")],
        ctx: Context[AsyncHolt, Any],
        path: Path = ".",
    ) -> Entries:
        """Find files by name."""
        async with _words():
            found = await _holt(ctx).glob(pattern, path)
        entries = [EntryInfo.of(e) for e in found.entries]
        return Entries(entries=entries, truncated=found.truncated)

    @server.tool(title="Search in files", annotations=LOOKS)
    async def grep(
        pattern: str,
        ctx: Context[AsyncHolt, Any],
        path: Path = ".",
        include: Annotated[str | None, Field(description="Only files like *.py")] = None,
        regex: bool = False,
    ) -> Found:
        """Find lines that hold a text (or match a regular expression)."""
        async with _words():
            found = await _holt(ctx).grep(pattern, path, glob=include, regex=regex)
        lines = [FoundLine(path=m.path, line=m.line, text=m.text) for m in found.matches]
        return Found(matches=lines, truncated=found.truncated)


def _add_changing(server: MCPServer[AsyncHolt]) -> None:
    @server.tool(title="Write a file", annotations=REPLACES)
    async def write_file(path: Path, content: str, ctx: Context[AsyncHolt, Any]) -> FileWritten:
        """Write a file, whole; missing folders are made."""
        async with _words():
            done = await _holt(ctx).write(path, content)
        return FileWritten(path=path, sha256=done.sha256, created=done.created)

    @server.tool(title="Edit a file", annotations=EDITS)
    async def edit_file(
        path: Path,
        old: Annotated[str, Field(description="Text to replace, exactly as it is")],
        new: str,
        ctx: Context[AsyncHolt, Any],
        replace_all: bool = False,
    ) -> FileWritten:
        """Replace a text in a file. It must be there exactly once, unless replace_all."""
        async with _words():
            done = await _holt(ctx).edit(path, [Edit(old, new, replace_all)])
        return FileWritten(path=path, sha256=done.sha256, replaced=done.replaced)

    @server.tool(title="Remove a file or folder", annotations=EDITS)
    async def remove(
        path: Path, ctx: Context[AsyncHolt, Any], recursive: bool = False
    ) -> FileWritten:
        """Remove a file, or with `recursive` a folder and everything in it."""
        async with _words():
            await _holt(ctx).remove(path, recursive=recursive)
        return FileWritten(path=path, sha256="")

    @server.tool(title="Run a command", annotations=RUNS)
    async def shell_exec(
        command: Annotated[str, Field(description="Command line for the shell; stdin is closed")],
        ctx: Context[AsyncHolt, Any],
        timeout: Annotated[float, Field(gt=0, le=3600, description="Seconds")] = 120,
        cwd: Annotated[str | None, Field(description="Folder; default: the workspace")] = None,
    ) -> Ran:
        """Run a command line. Its output is reported as progress while it runs."""
        async with _words():
            run = _holt(ctx).exec(command, timeout=timeout, cwd=cwd, stream=True)
            total = 0
            async for piece in run:
                total += len(piece.data)
                if piece.data:
                    await ctx.report_progress(total, None, piece.text[-PROGRESS_TEXT:])
            result = await run
        return Ran(
            exit_code=result.exit_code,
            signal=result.signal,
            stdout=shorten(result.stdout),
            stderr=shorten(result.stderr),
            truncated=result.truncated,
            duration_ms=result.duration_ms,
            still_running=list(result.held_open_by),
        )


# -- HTTP: a token, where there is one -------------------------------------------------------------


class BearerGuard:
    """Lets only requests with the token through."""

    def __init__(self, app: Any, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._wanted):
                head = [(b"content-type", b"text/plain"), (b"www-authenticate", b"Bearer")]
                await send({"type": "http.response.start", "status": 401, "headers": head})
                await send({"type": "http.response.body", "body": b"unauthorized\n"})
                return
        await self._app(scope, receive, send)


def serve_http(server: MCPServer[AsyncHolt], host: str, port: int, token: str) -> None:
    import uvicorn

    app: Any = server.streamable_http_app(host=host)
    if token:
        app = BearerGuard(app, token)
    uvicorn.run(app, host=host, port=port, log_level="warning")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="holt-mcp", description=__doc__.split("\n")[0])
    parser.add_argument("--url", help="default: HOLT_REALTIME_URL, else the ready file")
    parser.add_argument("--session", help="default: HOLT_REALTIME_SESSION, else main")
    parser.add_argument("--ready-file", help="of the daemon; default: HOLT_READY_FILE")
    parser.add_argument("--http", action="store_true", help="streamable HTTP instead of stdio")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4660)
    parser.add_argument("--version", action="version", version=f"holt-mcp {__version__}")
    args = parser.parse_args(arguments)
    token = os.environ.get("HOLT_MCP_TOKEN", "")
    if args.http and not token and args.host not in ("127.0.0.1", "::1", "localhost"):
        print("holt-mcp: other machines could run commands: set HOLT_MCP_TOKEN", file=sys.stderr)
        return 64

    async def connect() -> AsyncHolt:
        return await AsyncHolt.connect(args.url, args.session, ready_file=args.ready_file)

    server = make_server(connect)
    if args.http:
        serve_http(server, args.host, args.port, token)
    else:
        server.run("stdio")
    return 0


if __name__ == "__main__":
    sys.exit(main())
