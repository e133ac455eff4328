# SPDX-License-Identifier: Apache-2.0
"""What the agents do under the nemesis: commands whose every effect can be counted or seen
afterwards. Each worker owns its folder and has one command at a time."""

from __future__ import annotations

import itertools
import random

from agent import Agent

KINDS = {"append": 40, "write": 16, "read": 14, "edit": 10, "create": 6, "move": 6, "list": 4,
         "batch": 4}


class Worker:
    def __init__(self, agent: Agent, name: str, chance: random.Random, kinds: dict[str, int]):
        self.agent, self.name, self.chance, self.kinds = agent, name, chance, kinds
        self.numbers = itertools.count(1)
        self.versions = itertools.count(1)
        self.texts: dict[str, str] = {}  # what its files hold, as far as it knows
        self.consumed: list[str] = []
        self.done = 0
        self.release_after = 8  # answers

    def path(self) -> str:
        return f"{self.name}/f{self.chance.randrange(4)}"

    def text(self) -> str:
        version = f"{self.name} version {next(self.versions)}\n"
        return version + "x" * (self.chance.choice((0, 0, 10, 300, 60_000)))

    def token(self) -> str:
        return f"{self.name}#{next(self.versions)}"

    def command(self) -> dict:
        kind = self.chance.choices(list(self.kinds), list(self.kinds.values()))[0]
        path = self.path()
        if kind == "append":
            token = self.token()
            before, after = (self.chance.choice(("", "", "sleep 0.02; ", "sleep 0.2; "))
                             for _ in range(2))
            return {"type": "shell.exec", "timeout": 30,
                    "cmd": f"{before}echo '{token}' >> effects.log; {after}echo '{token}'"}
        if kind == "read":
            return {"type": "fs.read", "path": path}
        if kind == "list":
            return {"type": "fs.list", "path": self.name}
        if kind == "create":
            return {"type": "fs.write", "path": f"{self.name}/new{next(self.versions)}",
                    "content": self.text(), "create": "new"}
        if kind == "edit" and self.texts.get(path):
            old = self.texts[path].splitlines()[0]
            return {"type": "fs.edit", "path": path,
                    "edits": [{"old": old, "new": f"{self.name} version {next(self.versions)}"}]}
        if kind == "move" and self.texts.get(path):
            return {"type": "fs.move", "from": path, "to_path": f"{path}.{next(self.versions)}"}
        if kind == "batch":
            token = self.token()
            return {"type": "batch", "items": [
                {"type": "fs.write", "path": path, "content": self.text()},
                {"type": "shell.exec", "cmd": f"echo '{token}' >> effects.log; echo '{token}'"}]}
        return {"type": "fs.write", "path": path, "content": self.text()}

    def note(self, command: dict, answer: dict) -> None:
        """What the worker may believe of its files; only to choose commands that make sense."""
        path, ok = command.get("path"), answer.get("ok")
        if command["type"] == "fs.write":
            self.texts[path] = command["content"] if ok else ""
        elif command["type"] == "fs.read":
            self.texts[path] = answer.get("content", "") if ok else ""
        elif command["type"] == "fs.edit":
            for edit in command["edits"]:
                self.texts[path] = self.texts[path].replace(edit["old"], edit["new"], 1) if ok else ""
        elif command["type"] == "fs.move":
            self.texts[command["from"]] = ""
        elif command["type"] == "batch":
            self.texts[command["items"][0]["path"]] = ""

    async def run(self, commands: int) -> None:
        for _ in range(commands):
            command = {**self.command(), "id": f"{self.name}-{next(self.numbers)}"}
            answer = await self.agent.ask(command)
            self.note(command, answer)
            self.done += 1
            self.consumed.append(command["id"])
            if len(self.consumed) >= self.release_after and self.chance.random() < 0.3:
                ids, self.consumed = self.consumed[:4], self.consumed[4:]
                self.agent.history("release", ids=ids)
                await self.agent.tell({"type": "release", "ids": ids})
