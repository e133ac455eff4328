# SPDX-License-Identifier: Apache-2.0
"""holt-mcp from the SDK's own client, in process and as a program over stdio."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("mcp")

import anyio
import pytest_asyncio
from mcp import Client, StdioServerParameters

from holt import AsyncHolt
from holt.mcp_server import BearerGuard, main, make_server

from conftest import eventually
from realtime_double import RealtimeDouble
from sandbox_double import SandboxDouble

assert anyio.open_process  # imported here: deep in a test, pytest's rewriting of it fails (3.11)


@pytest_asyncio.fixture
async def client(server: RealtimeDouble, sandbox: SandboxDouble) -> AsyncIterator[Client]:
    async def connect() -> AsyncHolt:
        return await AsyncHolt.connect(server.url, key="k")

    # Enter and leave in one task: the SDK's cancel scopes want it.
    ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def life() -> None:
        async with Client(make_server(connect)) as client:
            ready.set_result(client)
            await done.wait()

    task = asyncio.create_task(life())
    yield await asyncio.wait_for(ready, 60)
    done.set()
    await task


async def test_tools_say_what_they_are(client: Client) -> None:
    tools = {t.name: t for t in (await client.list_tools()).tools}
    assert {*tools} == {"read_file", "write_file", "edit_file", "list_dir", "glob", "grep",
                        "remove", "shell_exec"}  # fmt: skip
    for tool in tools.values():
        about = tool.annotations
        assert about and tool.output_schema, tool.name
        assert None not in (about.read_only_hint, about.destructive_hint,
                            about.idempotent_hint, about.open_world_hint)  # fmt: skip
    read = tools["read_file"].annotations
    assert read and read.read_only_hint


async def test_files_and_commands_have_structure(client: Client) -> None:
    await client.call_tool("write_file", {"path": "a.txt", "content": "one\ntwo\n"})
    await client.call_tool("edit_file", {"path": "a.txt", "old": "two", "new": "three"})
    read = await client.call_tool("read_file", {"path": "a.txt", "offset": 1})
    assert read.structured_content and read.structured_content["text"] == "three\n"
    assert read.structured_content["total_lines"] == 2
    found = await client.call_tool("grep", {"pattern": "thr"})
    assert found.structured_content and found.structured_content["matches"][0]["line"] == 2
    ran = await client.call_tool("shell_exec", {"command": "cat a.txt; exit 2"})
    assert ran.structured_content
    assert (ran.structured_content["stdout"], ran.structured_content["exit_code"]) == (
        "one\nthree\n",
        2,
    )
    assert not ran.is_error


async def test_an_error_keeps_its_word(client: Client) -> None:
    answer = await client.call_tool("read_file", {"path": "nowhere"})
    assert answer.is_error and "not_found" in answer.content[0].text


async def test_a_picture_is_a_picture(client: Client, sandbox: SandboxDouble) -> None:
    (sandbox.root / "p.png").write_bytes(b"\x89PNG")
    answer = await client.call_tool("read_file", {"path": "p.png"})
    block = answer.content[0]
    assert block.type == "image" and base64.b64decode(block.data) == b"\x89PNG"
    assert block.mime_type == "image/png"


async def test_output_is_progress(client: Client) -> None:
    heard: list[tuple[float, str | None]] = []

    async def progress(done: float, _total: float | None, message: str | None) -> None:
        heard.append((done, message))

    await client.call_tool("shell_exec", {"command": "echo hi"}, progress_callback=progress)
    await eventually("its output", lambda: bool(heard))
    assert heard == [(3, "hi\n")]


async def test_a_call_that_is_given_up_is_stopped(client: Client, sandbox: SandboxDouble) -> None:
    async def work() -> Any:
        return await client.call_tool("shell_exec", {"command": "sleep 60"})

    task = asyncio.create_task(work())
    await eventually("it runs", lambda: bool(sandbox.running))
    task.cancel()
    await eventually("it is stopped", lambda: not sandbox.running)


async def test_the_program_speaks_over_stdio(
    server: RealtimeDouble, sandbox: SandboxDouble
) -> None:
    program = StdioServerParameters(
        command=sys.executable,
        args=["-m", "holt.mcp_server", "--url", server.url],
        env={**os.environ, "HOLT_REALTIME_KEY": "k"},
    )
    async with Client(program) as client:
        ran = await client.call_tool("shell_exec", {"command": "echo from afar"})
        assert ran.structured_content and ran.structured_content["stdout"] == "from afar\n"


async def test_http_without_the_token_is_refused() -> None:
    said: list[dict[str, Any]] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        said.append({"status": 200})

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    guard = BearerGuard(app, "secret")
    await guard({"type": "http", "headers": []}, None, send)
    assert said[0]["status"] == 401
    said.clear()
    await guard({"type": "http", "headers": [(b"authorization", b"Bearer secret")]}, None, send)
    assert said == [{"status": 200}]


def test_other_machines_need_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLT_MCP_TOKEN", raising=False)
    assert main(["--http", "--host", "0.0.0.0"]) == 64
