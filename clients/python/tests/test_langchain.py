# SPDX-License-Identifier: Apache-2.0
"""The LangChain tools: sync and async, alone and in an agent, when all goes well and when not."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain")

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool

from holt import AsyncHolt, Holt
from holt.langchain import HoltToolkit
from holt.sync import LoopThread

from realtime_double import RealtimeDouble
from sandbox_double import SandboxDouble
from scripted import Scripted, call


class World:
    """Double server and sandbox on a loop of their own, so that sync tests can wait."""

    def __init__(self, root: Path) -> None:
        self.thread = LoopThread("double")
        self.server = RealtimeDouble()

        async def start() -> SandboxDouble:
            await self.server.start()
            return SandboxDouble(self.server, root)

        self.sandbox = self.thread.wait(start())

    def close(self) -> None:
        self.thread.wait(self.server.stop())
        self.thread.stop()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def toolkit(world: World) -> Iterator[HoltToolkit]:
    toolkit = HoltToolkit.connect(world.server.url, key="k")
    yield toolkit
    toolkit.close()


def tools_of(toolkit: HoltToolkit) -> dict[str, BaseTool]:
    return {t.name: t for t in toolkit.get_tools()}


def tool_call(name: str, id: str = "call_1", **args: Any) -> dict[str, Any]:
    return {"type": "tool_call", "name": name, "args": args, "id": id}


def test_every_tool_works_without_asyncio(toolkit: HoltToolkit, world: World) -> None:
    tools = tools_of(toolkit)
    assert [*tools] == ["read_file", "write_file", "edit_file", "list_dir", "glob", "grep",
                        "shell_exec"]  # fmt: skip
    assert "written" in tools["write_file"].invoke({"path": "a.py", "content": "x = 1\ny = 2\n"})
    assert "one place" in tools["edit_file"].invoke({"path": "a.py", "old": "1", "new": "3"})
    assert tools["read_file"].invoke({"path": "a.py"}) == "x = 3\ny = 2\n"
    shown = tools["read_file"].invoke({"path": "a.py", "limit": 1})
    assert shown == "x = 3\n\n[lines 0 to 1 of 2]"
    assert "a.py" in tools["list_dir"].invoke({})
    assert "a.py" in tools["glob"].invoke({"pattern": "*.py"})
    assert "a.py:2: y = 2" in tools["grep"].invoke({"pattern": "y ="})
    assert tools["shell_exec"].invoke({"command": "printf hi"}) == "hi\n[exit code 0]"


async def test_every_tool_works_with_asyncio(world: World) -> None:
    async with await AsyncHolt.connect(world.server.url, key="k") as holt:
        tools = tools_of(HoltToolkit(holt=holt))
        await tools["write_file"].ainvoke({"path": "f", "content": "1"})
        many = [tools["read_file"].ainvoke({"path": "f"}) for _ in range(5)]
        assert await asyncio.gather(*many) == ["1"] * 5
        answer = await tools["shell_exec"].ainvoke(tool_call("shell_exec", command="exit 3"))
        assert answer.status == "success" and answer.artifact["exit_code"] == 3
        assert "exit code 3" in answer.content


def test_an_error_is_a_tool_message(toolkit: HoltToolkit) -> None:
    tools = tools_of(toolkit)
    message = tools["read_file"].invoke(tool_call("read_file", path="nowhere"))
    assert isinstance(message, ToolMessage) and message.status == "error"
    assert message.content.startswith("not_found")
    message = tools["shell_exec"].invoke(
        tool_call("shell_exec", command="echo so far; sleep 9", timeout=0.1)
    )
    assert message.status == "error" and message.content.startswith("timeout")
    message = tools["read_file"].invoke(tool_call("read_file", path="f", limit="many"))
    assert message.status == "error"


def test_a_call_that_is_made_again_is_not_done_twice(toolkit: HoltToolkit, world: World) -> None:
    tools = tools_of(toolkit)
    for _ in range(3):
        answer = tools["shell_exec"].invoke(
            tool_call("shell_exec", "call_7", command="echo x >> log; cat log")
        )
        assert answer.content == "x\n[exit code 0]"
    other = tool_call("shell_exec", "call_7", command="echo y >> log; cat log")
    assert tools["shell_exec"].invoke(other).content == "x\ny\n[exit code 0]"


def test_a_picture_is_a_picture(toolkit: HoltToolkit, world: World) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
    (world.sandbox.root / "p.png").write_bytes(picture)
    message = tools_of(toolkit)["read_file"].invoke(tool_call("read_file", path="p.png"))
    block = message.content[0]
    assert (block["type"], block["mime_type"]) == ("image", "image/png")
    assert base64.b64decode(block["base64"]) == picture


def agent_of(toolkit: HoltToolkit) -> Any:
    model = Scripted(
        replies=[
            lambda _: call("write_file", path="hello.sh", content="echo hello; sleep 0.1; exit 4"),
            lambda _: call("shell_exec", command="sh hello.sh"),
            lambda _: call("read_file", path="nowhere"),
            lambda said: AIMessage(f"it said {said[-2].content!r}, then {said[-1].status}"),
        ]
    )
    return create_agent(model, tools=toolkit.get_tools())


def test_an_agent_goes_on_after_errors_and_sees_output_live(toolkit: HoltToolkit) -> None:
    live, last = [], None
    for mode, part in agent_of(toolkit).stream(
        {"messages": [("user", "go")]}, stream_mode=["custom", "values"]
    ):
        if mode == "custom":
            live.append(part)
        else:
            last = part
    assert last and last["messages"][-1].content == "it said 'hello\\n[exit code 4]', then error"
    assert [(p["tool"], p["stream"], p["text"]) for p in live] == [
        ("shell_exec", "stdout", "hello\n")
    ]


async def test_an_async_agent_too(toolkit: HoltToolkit) -> None:
    live = []
    async for mode, part in agent_of(toolkit).astream(
        {"messages": [("user", "go")]}, stream_mode=["custom", "values"]
    ):
        if mode == "custom":
            live.append(part["text"])
        else:
            last = part
    assert last["messages"][-1].content == "it said 'hello\\n[exit code 4]', then error"
    assert live == ["hello\n"]


def test_two_sandboxes_have_names(world: World) -> None:
    holt = Holt.connect(world.server.url, key="k")
    names = [t.name for t in HoltToolkit(holt=holt, prefix="left_").get_tools()]
    assert "left_shell_exec" in names
    holt.close()


def test_a_closed_client_is_an_error_too(world: World) -> None:
    toolkit = HoltToolkit.connect(world.server.url, key="k")
    tools = tools_of(toolkit)
    toolkit.close()
    began = time.monotonic()
    message = tools["read_file"].invoke(tool_call("read_file", path="f"))
    assert message.status == "error" and time.monotonic() - began < 30
