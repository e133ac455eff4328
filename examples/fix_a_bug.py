#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An agent works in the sandbox: makes a small Python project, runs its tests, sees the bug, fixes
it, and sees them pass. Without any account a scripted model plays the part: it reacts to what the
tools answer, as a real one does. With one, a real model does the same work:

    python examples/fix_a_bug.py                           # scripted
    python examples/fix_a_bug.py --model anthropic:NAME    # real

A real one needs its package (for this one langchain-anthropic) and its key in the environment.

Where the sandbox is comes from HOLT_READY_FILE (what `holt serve --ready-file` writes), or from
HOLT_REALTIME_URL, HOLT_REALTIME_SESSION and HOLT_REALTIME_KEY (what `holt link` prints). The daemon
may be killed and started again in between: the work goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from holt import Holt, HoltError
from holt.langchain import HoltToolkit

TASK = """In the folder {folder} make a Python project: prices.py with total(prices, discount), \
where discount is in percent, and test_prices.py with tests that run by `python test_prices.py`. \
Run them. When one fails, find the bug, fix it, and run them again until all pass. Then say so."""

PRICES = '''\
"""Prices of a shopping basket, in cents."""


def total(prices, discount=0):
    """The sum after a discount in percent."""
    return sum(prices) - discount
'''
BUG = "return sum(prices) - discount"
FIX = "return sum(prices) * (100 - discount) // 100"

TESTS = """\
import time

from prices import total

CASES = [(([],), 0), (([100, 250],), 350), (([1000], 10), 900), (([999, 1], 50), 500)]

for number, (arguments, wanted) in enumerate(CASES, 1):
    time.sleep({pause})
    got = total(*arguments)
    print(f"test {{number}}: total{{arguments}} = {{got}}", flush=True)
    assert got == wanted, f"expected {{wanted}}, got {{got}}"
print("all tests passed")
"""


class ScriptedModel(BaseChatModel):
    """Decides by the last answer, never by counting: an answer that is an error (the daemon died
    in between) is tried again, a test that fails is looked into."""

    folder: str
    pause: float = 0.0
    patience: int = 20  # tries again, in all

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> ScriptedModel:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self.next(messages))])

    def next(self, messages: list[BaseMessage]) -> AIMessage:
        calls = {c["id"]: c for m in messages if isinstance(m, AIMessage) for c in m.tool_calls}
        answers = [m for m in messages if isinstance(m, ToolMessage)]
        if not answers:
            return AIMessage(
                "I write the module and its tests.",
                tool_calls=[
                    _call("write_file", path=f"{self.folder}/prices.py", content=PRICES),
                    _call(
                        "write_file",
                        path=f"{self.folder}/test_prices.py",
                        content=TESTS.format(pause=self.pause),
                    ),
                ],
            )
        newest = [m for m in messages if isinstance(m, AIMessage)][-1]
        latest = [a for a in answers if a.tool_call_id in {c["id"] for c in newest.tool_calls}]
        failed = [calls[a.tool_call_id] for a in latest if a.status == "error"]
        if failed:
            if sum(a.status == "error" for a in answers) > self.patience:
                return AIMessage(f"I give up: {latest[-1].text}")
            said = next(a.text for a in latest if a.status == "error").splitlines()[0]
            again = [_call(c["name"], **c["args"]) for c in failed]
            return AIMessage(f"That did not work ({said}). Once more.", tool_calls=again)
        last, text = calls[latest[-1].tool_call_id], latest[-1].text
        if last["name"] in ("write_file", "edit_file"):
            run = _call("shell_exec", command=f"cd {self.folder} && python test_prices.py")
            return AIMessage("Now the tests.", tool_calls=[run])
        if last["name"] == "read_file":
            if BUG not in text:
                return AIMessage(f"I do not find the bug in:\n{text}")
            fix = _call("edit_file", path=f"{self.folder}/prices.py", old=BUG, new=FIX)
            return AIMessage("The discount is percent, not cents.", tool_calls=[fix])
        if "all tests passed" in text and "exit code 0" in text:
            return AIMessage("Done: all tests pass.")
        if "AssertionError" in text:
            look = _call("read_file", path=f"{self.folder}/prices.py")
            return AIMessage("A test fails. I look at the code.", tool_calls=[look])
        return AIMessage(f"I do not understand:\n{text}")


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "args": arguments, "id": f"call_{uuid4().hex}", "type": "tool_call"}


def show(mode: str, part: Any) -> None:
    """What people see: what the model says and does, and a command's output as it comes."""
    if mode == "custom":
        for line in part["text"].rstrip("\n").split("\n"):
            print(f"    | {line}", flush=True)
        return
    for update in part.values():
        for message in (update or {}).get("messages", []):
            if isinstance(message, AIMessage):
                if message.text:
                    print(f"agent: {message.text}", flush=True)
                for call in message.tool_calls:
                    about = call["args"].get("command") or call["args"].get("path") or ""
                    print(f"  -> {call['name']} {about}", flush=True)
            elif isinstance(message, ToolMessage):
                ends = message.text.strip().splitlines()
                print(f"  <- {ends[-1] if ends else ''}", flush=True)


def work(holt: Holt, model: BaseChatModel, folder: str) -> str:
    """The agent's last word."""
    agent = create_agent(model, tools=HoltToolkit(holt=holt).get_tools())
    start = {"messages": [("user", TASK.format(folder=folder))]}
    last = ""
    for mode, part in agent.stream(
        start, {"recursion_limit": 100}, stream_mode=["updates", "custom"]
    ):
        show(mode, part)
        if mode == "updates" and "model" in part:
            last = part["model"]["messages"][-1].text
    return last


def passes(holt: Holt, folder: str) -> bool:
    """Not what the agent says: what is there."""
    for _ in range(20):
        try:
            result = holt.exec(f"cd {folder} && python test_prices.py")
        except HoltError as problem:
            if problem.error not in ("interrupted", "shutdown"):
                raise
        else:
            return result.ok
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", help="provider:name of a real model; without: scripted")
    parser.add_argument("--folder", help="made in the workspace; default: a new one")
    parser.add_argument("--ready-file", help="of the daemon; default: HOLT_READY_FILE")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds that each test takes")
    arguments = parser.parse_args()
    folder = arguments.folder or f"shop-{uuid4().hex[:6]}"
    try:
        model: BaseChatModel = (
            init_chat_model(arguments.model)
            if arguments.model
            else ScriptedModel(folder=folder, pause=arguments.pause)
        )
    except (ImportError, ValueError) as problem:  # no package, or no such provider
        print(f"fix_a_bug: --model {arguments.model} cannot be used: {problem}", file=sys.stderr)
        return 1
    try:
        with Holt.connect(ready_file=arguments.ready_file) as holt:
            last = work(holt, model, folder)
            good = passes(holt, folder)
    except HoltError as problem:
        print(f"fix_a_bug: {problem}", file=sys.stderr)
        return 1
    print(f"agent's last word: {last}\nthe tests {'pass' if good else 'FAIL'}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
