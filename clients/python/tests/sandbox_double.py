# SPDX-License-Identifier: Apache-2.0
"""A small sandbox that answers sbx/1 on a folder: enough to test the agent's side against faults.
It keeps a journal (key → answer), counts effects, and can die and come back with another boot."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import Any

from realtime_double import RealtimeDouble

Message = dict[str, Any]
EFFECTS = {"fs.write", "fs.edit", "fs.mkdir", "fs.move", "fs.remove", "shell.exec"}
CHUNK = 64 * 1024


class SandboxDouble:
    def __init__(self, server: RealtimeDouble, root: Path, session: str = "main") -> None:
        self.server = server
        self.root = root
        self.topic = f"realtime:sandbox:{session}"
        self.boot = 1
        self.alive = True
        self.max_payload = 300_000
        self.journal: dict[tuple[str, str], Message] = {}
        self.running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self.stored: dict[tuple[str, str], dict[str, bytes]] = {}
        self.uploads: dict[str, bytearray] = {}
        self.effects: Counter[str] = Counter()  # id → how often it took effect
        self.released: set[str] = set()
        self.commands: list[Message] = []
        self.busy = 0  # so many commands are refused
        self.drop_chunks: set[int] = set()  # by seq
        server.join(self.topic, self.heard)

    def die(self) -> None:
        """What ran is gone; the journal and the files stay."""
        self.alive = False
        for key, task in list(self.running.items()):
            task.cancel()
            if key not in self.journal:
                self.journal[key] = {"ok": False, "error": "interrupted"}
        self.running.clear()

    def come_back(self) -> None:
        self.boot += 1
        self.alive = True
        self.say_hello()

    def say_hello(self) -> None:
        hello = {"type": "hello", "sandbox": "sbx-1", "boot": f"b{self.boot}", "proto": "sbx/1",
                 "caps": ["fs", "shell"], "limits": {"max_payload": self.max_payload},
                 "rseq": len(self.journal)}  # fmt: skip
        self.server.broadcast(self.topic, "ctl", hello)

    def send(self, message: Message) -> None:
        if self.alive:
            self.server.broadcast(self.topic, "result", message)

    def heard(self, message: Message) -> None:
        if not self.alive:
            return
        self.commands.append(message)
        kind, own, src = message["type"], message.get("id", ""), message.get("src", "anon")
        key = (src, own)
        if kind == "release":
            self.released |= set(message["ids"])
            return
        if key in self.journal:
            self.send({**self.journal[key], "type": "result", "id": own, "dup": True})
            return
        if key in self.running:
            if message.get("ack"):
                self.send({"type": "ack", "id": own, "state": "running", "dup": True})
            return
        if self.busy > 0:
            self.busy -= 1
            self.journal[key] = {"ok": False, "error": "busy"}
            self.send({"type": "result", "id": own, **self.journal[key]})
            return
        if message.get("ack"):
            self.send({"type": "ack", "id": own, "state": "running"})
        self.running[key] = asyncio.get_running_loop().create_task(self._run(key, message))

    async def _run(self, key: tuple[str, str], message: Message) -> None:
        try:
            answer = await self.answer(key, message)
        except FileNotFoundError as problem:
            answer = {"ok": False, "error": "not_found", "detail": str(problem)}
        except IsADirectoryError:
            answer = {"ok": False, "error": "is_directory"}
        except Problem as problem:
            answer = {"ok": False, "error": problem.word, "detail": problem.detail}
        if has_effect(message):
            answer["rseq"] = len(self.journal) + 1
            self.journal[key] = answer
        self.running.pop(key, None)
        self.send({"type": "result", "id": key[1], **answer})

    def path(self, message: Message, name: str = "path") -> Path:
        return self.root / message[name].lstrip("/")

    async def answer(self, key: tuple[str, str], message: Message) -> Message:
        kind = message["type"]
        if has_effect(message) and kind != "batch":
            self.effects[key[1]] += 1
        if kind == "shell.exec":
            return await self.exec(key, message)
        if kind == "fs.read":
            return self.read(key, message)
        if kind == "fs.write":
            return self.write(message)
        if kind == "fs.put":
            data = self.uploads.setdefault(message["upload"], bytearray())
            piece = base64.b64decode(message["data"])
            data.extend(bytes(max(0, message["off"] + len(piece) - len(data))))
            data[message["off"] : message["off"] + len(piece)] = piece
            return {"ok": True}
        if kind == "fs.edit":
            return self.edit(message)
        if kind == "fs.glob":
            found = sorted(self.path(message).rglob(message["pattern"]))
            return {"ok": True, "entries": [{"path": str(p), "type": "file"} for p in found]}
        if kind == "fs.grep":
            return self.grep(message)
        if kind == "fs.list":
            names = sorted(os.listdir(self.path(message)))
            return {"ok": True, "entries": [{"name": n, "path": n, "type": "file"} for n in names]}
        if kind == "batch":
            results = []
            for number, item in enumerate(message["items"]):
                own = (key[0], f"{key[1]}/{number}")
                try:
                    results.append(await self.answer(own, item))
                except FileNotFoundError as problem:
                    results.append({"ok": False, "error": "not_found", "detail": str(problem)})
                except Problem as problem:
                    results.append({"ok": False, "error": problem.word})
            return {"ok": True, "results": results}
        if kind == "cancel":
            target = (key[0], message["target"])
            task = self.running.pop(target, None)
            if task:
                task.cancel()
                answer = {"ok": False, "error": "cancelled", "stdout": "so far\n"}
                self.journal[target] = answer
                self.send({"type": "result", "id": target[1], **answer})
            return {"ok": True}
        if kind == "fetch":
            data = self.stored.get((key[0], message["target"]), {}).get(message["stream"])
            if data is None:
                raise Problem("not_found")
            piece = data[message["off"] : message["off"] + message["len"]]
            if len(piece) == message["len"] > 1:
                piece = piece[:-1]  # as the daemon does where a character would be cut
            return {"ok": True, **carried(piece)}
        raise Problem("unsupported")

    def read(self, key: tuple[str, str], message: Message) -> Message:
        data = self.path(message).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        about: Message = {"ok": True, "size": len(data), "sha256": digest}
        if "max_bytes" in message and len(data) > message["max_bytes"]:
            raise Problem("too_large", str(len(data)))
        if "limit" in message:
            lines = data.splitlines(keepends=True)
            first, end = message["offset"], message["offset"] + message["limit"]
            data = b"".join(lines[first:end])
            about |= {"total_lines": len(lines), "start_line": first}
            about["end_line"] = min(end, len(lines))
        if message.get("if_none_match") == digest:
            return {**about, "not_modified": True}
        if len(data) <= self.max_payload // 2:
            return {**about, **carried(data)}
        if not message.get("stream"):
            raise Problem("too_large", str(len(data)))
        self.stored[key] = {"content": data}
        self.chunks(key, "content", data)
        return {**about, "bytes": len(data), "parts": -(-len(data) // CHUNK)}

    def write(self, message: Message) -> Message:
        if "upload" in message:
            data = bytes(self.uploads.pop(message["upload"]))
            if hashlib.sha256(data).hexdigest() != message["sha256"]:
                raise Problem("conflict")
        elif message.get("encoding") == "base64":
            data = base64.b64decode(message["content"])
        else:
            data = message["content"].encode()
        path = self.path(message)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return {"ok": True, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def edit(self, message: Message) -> Message:
        path = self.path(message)
        text, places = path.read_text(), 0
        for edit in message["edits"]:
            count = text.count(edit["old"])
            if count == 0 or (count > 1 and not edit.get("all")):
                raise Problem("conflict", f"old is there {count} times")
            text = text.replace(edit["old"], edit["new"])
            places += count
        path.write_text(text)
        return {"ok": True, "replacements": places}

    def grep(self, message: Message) -> Message:
        found = [
            {"path": str(path), "line": number, "text": line}
            for path in sorted(self.path(message).rglob(message.get("glob", "*")))
            if path.is_file()
            for number, line in enumerate(path.read_text().split("\n"), 1)
            if message["pattern"] in line
        ]
        return {"ok": True, "matches": found}

    async def exec(self, key: tuple[str, str], message: Message) -> Message:
        process = await asyncio.create_subprocess_shell(
            message["cmd"], cwd=self.root, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)  # fmt: skip
        try:
            out, err = await asyncio.wait_for(process.communicate(), message.get("timeout", 60))
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        except TimeoutError:
            process.kill()
            return {"ok": False, "error": "timeout", "stdout": "", "stderr": ""}
        self.stored[key] = {"stdout": out, "stderr": err}
        if message.get("stream"):
            self.chunks(key, "stdout", out)
        answer: Message = {"ok": True, "exit_code": process.returncode, "duration_ms": 1}
        answer["stderr"] = err.decode()
        if len(out) <= self.max_payload // 2:
            answer["stdout"] = out.decode()
        elif message.get("stream"):
            answer |= {"parts": 1, "bytes": len(out), "sha256": hashlib.sha256(out).hexdigest()}
        else:
            answer |= {"stdout": out[:1000].decode(), "truncated": True, "stdout_bytes": len(out)}
        return answer

    def chunks(self, key: tuple[str, str], stream: str, data: bytes) -> None:
        for seq, off in enumerate(range(0, len(data), CHUNK)):
            if seq in self.drop_chunks:
                continue
            piece = data[off : off + CHUNK]
            self.send({"type": "chunk", "id": key[1], "seq": seq, "stream": stream, "off": off,
                       "enc": "base64", "data": base64.b64encode(piece).decode()})  # fmt: skip


class Problem(Exception):
    def __init__(self, word: str, detail: str = "") -> None:
        self.word, self.detail = word, detail


def has_effect(message: Message) -> bool:
    if message["type"] == "batch":
        return any(has_effect(item) for item in message["items"])
    return message["type"] in EFFECTS


def carried(data: bytes) -> Message:
    try:
        return {"content": data.decode()}
    except UnicodeDecodeError:
        return {"content": base64.b64encode(data).decode(), "encoding": "base64"}
