# SPDX-License-Identifier: Apache-2.0
"""LangChain tools. Every tool works in sync and async agents; what goes wrong in the sandbox is a
tool message with status "error", never the end of the run. The tool call's id is part of the
command's id: a call that an agent makes again after a crash is not done twice."""

from __future__ import annotations

import base64
import contextlib
import contextvars
import hashlib
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Literal, Self, Unpack

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools.base import BaseToolkit
from langgraph.config import get_stream_writer
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from .bridge import Bridge, Endpoint
from .client import AsyncHolt
from .errors import HoltError
from .model_text import describe, explain, shorten
from .pictures import picture_format
from .sync import Holt
from .types import Edit, Output

Answer = tuple[str | list[str | dict[str, Any]], dict[str, Any]]  # content, artifact
Writer = Callable[[Any], None]

_call_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("holt_call_id", default=None)


class ReadFile(BaseModel):
    path: str = Field(description="Absolute, or relative to the workspace")
    offset: int = Field(0, ge=0, description="First line to show, from 0")
    limit: int = Field(2000, ge=1, description="How many lines to show")


class WriteFile(BaseModel):
    path: str = Field(description="Absolute, or relative to the workspace")
    content: str = Field(description="The whole new content")


class EditFile(BaseModel):
    path: str = Field(description="Absolute, or relative to the workspace")
    old: str = Field(description="Text to replace, exactly as it is in the file")
    new: str = Field(description="What to put there")
    replace_all: bool = Field(False, description="Replace every place, not just one")


class ListDir(BaseModel):
    path: str = Field(".", description="Folder; absolute, or relative to the workspace")


class Glob(BaseModel):
    pattern: str = Field(description="As *.py (any depth) or src/**/*.py")
    path: str = Field(".", description="Folder to search")


class Grep(BaseModel):
    pattern: str = Field(description="Text to look for")
    path: str = Field(".", description="File or folder to search")
    include: str | None = Field(None, description="Only files that match this glob, as *.py")
    regex: bool = Field(False, description="The pattern is a regular expression")


class ShellExec(BaseModel):
    command: str = Field(description="Command line for the shell; stdin is closed")
    timeout: float = Field(120, gt=0, le=3600, description="Seconds until it is killed")
    cwd: str | None = Field(None, description="Folder to run in; default: the workspace")


class HoltTool(StructuredTool):
    """Remembers which tool call it serves, in whichever way it is called."""

    def run(self, tool_input: Any, *args: Any, tool_call_id: str | None = None, **more: Any) -> Any:
        token = _call_id.set(tool_call_id)
        try:
            return super().run(tool_input, *args, tool_call_id=tool_call_id, **more)
        finally:
            _call_id.reset(token)

    async def arun(
        self, tool_input: Any, *args: Any, tool_call_id: str | None = None, **more: Any
    ) -> Any:
        token = _call_id.set(tool_call_id)
        try:
            return await super().arun(tool_input, *args, tool_call_id=tool_call_id, **more)
        finally:
            _call_id.reset(token)


class HoltToolkit(BaseToolkit):
    """`HoltToolkit.connect()` or `HoltToolkit(holt=...)` with a Holt or AsyncHolt of your own.
    `live` passes a command's output to the graph's stream writer (stream_mode "custom") as
    {"tool": "shell_exec", "tool_call_id", "stream", "text"}."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    holt: Any = Field(repr=False)  # Holt | AsyncHolt
    live: bool = True
    prefix: str = ""  # of the tools' names, where an agent has several sandboxes

    _bridge: Bridge = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        if not isinstance(self.holt, Holt | AsyncHolt):
            raise TypeError("holt must be a Holt or an AsyncHolt")
        self._bridge = Bridge(self.holt)

    @classmethod
    def connect(
        cls,
        url: str | None = None,
        session: str | None = None,
        key: str | None = None,
        *,
        live: bool = True,
        prefix: str = "",
        **how: Unpack[Endpoint],
    ) -> Self:
        """Give `src` (a name of this agent that stays) where a checkpointed run may go on in
        another process: then it is served the answers of the first."""
        return cls(holt=Holt.connect(url, session, key, **how), live=live, prefix=prefix)

    def close(self) -> None:
        self._bridge.close()

    async def aclose(self) -> None:
        await self._bridge.aclose()

    def get_tools(self) -> list[BaseTool]:
        return [
            self._tool("read_file", READ, ReadFile, self._read),
            self._tool("write_file", WRITE, WriteFile, self._write),
            self._tool("edit_file", EDIT, EditFile, self._edit),
            self._tool("list_dir", LIST, ListDir, self._list),
            self._tool("glob", GLOB, Glob, self._glob),
            self._tool("grep", GREP, Grep, self._grep),
            self._tool("shell_exec", EXEC, ShellExec, self._exec),
        ]

    def _tool(
        self,
        name: str,
        description: str,
        schema: type[BaseModel],
        work: Callable[..., Awaitable[Answer]],
    ) -> HoltTool:
        def job(arguments: dict[str, Any]) -> Callable[[AsyncHolt], Coroutine[Any, Any, Answer]]:
            call = _call_id.get()
            writer = _writer() if self.live else None

            async def run(holt: AsyncHolt) -> Answer:
                want = schema(**arguments)
                id = _command_id(call, name, arguments)
                return await work(holt, want, id, _Live(writer, name, call))

            return run

        def sync(**arguments: Any) -> Answer:
            with _as_tool_error():
                return self._bridge.call(job(arguments))

        async def coroutine(**arguments: Any) -> Answer:
            with _as_tool_error():
                return await self._bridge.acall(job(arguments))

        return HoltTool(
            name=self.prefix + name,
            description=description,
            args_schema=schema,
            func=sync,
            coroutine=coroutine,
            response_format="content_and_artifact",
            handle_tool_error=True,
            handle_validation_error=True,
        )

    # -- what the tools do: on the client's loop --------------------------------------------------

    async def _read(self, holt: AsyncHolt, want: ReadFile, _id: str | None, _live: _Live) -> Answer:
        kind = picture_format(want.path)
        if kind:
            picture = await holt.read(want.path, encoding="base64", max_bytes=4_000_000)
            block = {
                "type": "image",
                "base64": base64.b64encode(picture.data).decode("ascii"),
                "mime_type": kind,
            }
            return [block], {"path": want.path, "size": picture.size, "mime_type": kind}
        found = await holt.read(want.path, offset=want.offset, limit=want.limit)
        about = {"path": found.path, "size": found.size, "total_lines": found.total_lines}
        if not found.is_text:
            return f"[binary file, {found.size} bytes]", {**about, "binary": True}
        text = shorten(found.text)
        if found.total_lines is not None and (found.end_line or 0) < found.total_lines:
            text += f"\n[lines {want.offset} to {found.end_line} of {found.total_lines}]"
        return text or "[empty]", about

    async def _write(
        self, holt: AsyncHolt, want: WriteFile, id: str | None, _live: _Live
    ) -> Answer:
        done = await holt.write(want.path, want.content, id=id)
        verb = "created" if done.created else "written"
        return f"{want.path} {verb}", {"path": want.path, "sha256": done.sha256}

    async def _edit(self, holt: AsyncHolt, want: EditFile, id: str | None, _live: _Live) -> Answer:
        done = await holt.edit(want.path, [Edit(want.old, want.new, want.replace_all)], id=id)
        places = f"{done.replaced} places" if done.replaced > 1 else "one place"
        return f"{want.path}: {places} replaced", {"path": want.path, "replaced": done.replaced}

    async def _list(self, holt: AsyncHolt, want: ListDir, _id: str | None, _live: _Live) -> Answer:
        found = await holt.list(want.path)
        rows = [
            f"{e.name}/" if e.is_directory else f"{e.name}  {e.size} bytes" for e in found.entries
        ]
        return _rows(rows, found.truncated), {"entries": len(found.entries)}

    async def _glob(self, holt: AsyncHolt, want: Glob, _id: str | None, _live: _Live) -> Answer:
        found = await holt.glob(want.pattern, want.path)
        paths = [e.path for e in found.entries]
        return _rows(paths, found.truncated), {"paths": paths, "truncated": found.truncated}

    async def _grep(self, holt: AsyncHolt, want: Grep, _id: str | None, _live: _Live) -> Answer:
        found = await holt.grep(want.pattern, want.path, glob=want.include, regex=want.regex)
        rows = [f"{m.path}:{m.line}: {m.text}" for m in found.matches]
        return _rows(rows, found.truncated), {"matches": len(rows), "truncated": found.truncated}

    async def _exec(self, holt: AsyncHolt, want: ShellExec, id: str | None, live: _Live) -> Answer:
        run = holt.exec(want.command, timeout=want.timeout, cwd=want.cwd, id=id, stream=live.wanted)
        if live.wanted:
            async for piece in run:
                live.show(piece)
        result = await run
        return describe(result), {
            "exit_code": result.exit_code,
            "signal": result.signal,
            "truncated": result.truncated,
            "duration_ms": result.duration_ms,
            "duplicate": result.duplicate,
        }


@contextlib.contextmanager
def _as_tool_error() -> Iterator[None]:
    """The only exception that becomes a tool message; any other one ends the agent's run."""
    try:
        yield
    except HoltError as problem:
        raise ToolException(explain(problem)) from problem
    except Exception as problem:
        raise ToolException(f"internal: {type(problem).__name__}: {problem}") from problem


class _Live:
    """Where live output goes; a writer that fails costs the command nothing."""

    def __init__(self, writer: Writer | None, tool: str, call: str | None) -> None:
        self._writer = writer
        self._about = {"tool": tool, "tool_call_id": call}

    @property
    def wanted(self) -> bool:
        return self._writer is not None

    def show(self, piece: Output) -> None:
        if self._writer is None:
            return
        try:
            self._writer({**self._about, "stream": piece.stream, "text": piece.text})
        except Exception:
            self._writer = None


def _writer() -> Writer | None:
    """The graph's stream writer; none outside of a graph."""
    try:
        return get_stream_writer()
    except Exception:
        return None


def _command_id(call: str | None, tool: str, arguments: dict[str, Any]) -> str | None:
    """The call's id, and what it asks: the same call again is the same command, and another one
    under a name that a model used twice is another."""
    if not call:
        return None
    what = json.dumps([tool, arguments], sort_keys=True, default=str)
    short = call if len(call.encode()) <= 150 else hashlib.sha256(call.encode()).hexdigest()
    return f"{short}:{hashlib.sha256(what.encode()).hexdigest()[:12]}"


def _rows(rows: list[str], truncated: bool) -> str:
    text = shorten("\n".join(rows)) or "[nothing]"
    return text + "\n[there are more]" if truncated else text


READ = "Read a text file by lines, or look at a picture (png, jpeg, gif, webp)."
WRITE = "Write a file, whole: made if it is not there, replaced if it is. Missing folders are made."
EDIT = "Replace a text in a file. It must be there exactly once, unless replace_all."
LIST = "List a folder."
GLOB = "Find files by name."
GREP = "Find lines that hold a text."
EXEC = (
    "Run a command line in the sandbox. Gives its output and exit code; a command that is still "
    "running at its timeout is killed."
)

ToolName = Literal["read_file", "write_file", "edit_file", "list_dir", "glob", "grep", "shell_exec"]
