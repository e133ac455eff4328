# SPDX-License-Identifier: Apache-2.0
"""An agent that knows the four original messages and nothing else: no `src`, no acks, no release, no
`hello`. It sends a command, a second and a third time when no answer comes at once, and then gives
up; so it may miss an answer, and what it is still promised is judged: no effect twice, and no answer
that contradicts the files."""

from __future__ import annotations

import asyncio
import itertools
import random
import time

from agent import Agent, Pending

REPEAT_S = 0.8
# The last copy goes out within: the daemon takes one for a copy until 5 s after its answer.
LAST_COPY_S = 2.0
GIVE_UP_S = 8.0


class SimpleAgent(Agent):
    def __init__(self, *arguments):
        super().__init__("simple", *arguments)
        self.numbers = itertools.count(1)

    async def ask(self, command: dict) -> dict | None:
        """None: it gave up."""
        one = Pending(command, asyncio.get_running_loop().create_future())
        try:
            await asyncio.wait_for(self.joined.wait(), GIVE_UP_S)
        except asyncio.TimeoutError:
            return None  # it was never sent
        self.history("invoke", command=command, simple=True)
        one.first = time.monotonic()
        self.pending[command["id"]] = one
        await self.transmit(one)
        try:
            return await asyncio.wait_for(one.answer, GIVE_UP_S)
        except asyncio.TimeoutError:
            self.pending.pop(command["id"], None)
            self.answered.add(command["id"])  # an answer that still comes is judged too
            self.history("lost", id=command["id"])
            return None

    async def transmit(self, one: Pending) -> None:
        now = time.monotonic()
        one.due = now + REPEAT_S
        if one.attempt == 3 or now - one.first > LAST_COPY_S:
            one.due = float("inf")
            return
        one.attempt += 1
        self.history("send", id=one.command["id"], attempt=one.attempt)
        try:
            await self.push(one.command)
        except Exception:  # noqa: BLE001: whatever breaks a link is its reader's matter
            pass

    async def resend_all(self) -> None:
        """It has never heard of that."""


class SimpleWorker:
    """One command at a time until it is told to stop. Each file is written once, so that it does not
    matter in which order two copies of two commands arrive."""

    def __init__(self, agent: SimpleAgent, name: str, chance: random.Random):
        self.agent, self.name, self.chance = agent, name, chance
        self.written: list[str] = []
        self.stop = False
        self.asked = self.answers = 0

    def command(self) -> dict:
        number = next(self.agent.numbers)
        kind = self.chance.choices(("append", "write", "read", "list"), (5, 3, 3, 1))[0]
        id_ = f"req_{number}"
        if kind == "write":
            return {"type": "fs.write", "id": id_, "path": f"{self.name}/f{number}",
                    "content": f"{self.name} wrote {number}\n" + "x" * self.chance.choice((0, 70_000))}
        if kind == "read" and self.written:
            return {"type": "fs.read", "id": id_, "path": self.chance.choice(self.written)}
        if kind == "list" and self.written:
            return {"type": "fs.list", "id": id_, "path": self.name}
        token = f"{self.name}#{number}"
        return {"type": "shell.exec", "id": id_, "timeout": 30,
                "cmd": f"echo '{token}' >> effects.log; echo '{token}'"}

    async def run(self) -> None:
        while not self.stop:
            await self.once()

    async def once(self) -> dict | None:
        command = self.command()
        answer = await self.agent.ask(command)
        self.asked += 1
        self.answers += answer is not None
        if answer and answer.get("ok") and command["type"] == "fs.write":
            self.written.append(command["path"])
        return answer
