# SPDX-License-Identifier: Apache-2.0
"""A chat model that follows a script: each step sees the messages so far and says what comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

Step = Callable[[list[ToolMessage]], AIMessage]


def call(name: str, **args: Any) -> AIMessage:
    wanted = {"name": name, "args": args, "id": f"call_{uuid4().hex}", "type": "tool_call"}
    return AIMessage("", tool_calls=[wanted])


class Scripted(BaseChatModel):
    replies: list[Step]
    step: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Scripted:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        answers = [m for m in messages if isinstance(m, ToolMessage)]
        reply = self.replies[self.step](answers)
        self.step += 1
        return ChatResult(generations=[ChatGeneration(message=reply)])
