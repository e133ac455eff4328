# SPDX-License-Identifier: Apache-2.0
"""The daemon under the nemesis: started on one port and one state folder again and again, killed,
stopped and continued. Ends only what it started."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("HOLT_BIN", ROOT / "build" / "dev" / "bin"))
READY_S = 90


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class House:
    def __init__(self, home: Path, *arguments: str):
        self.home, self.arguments = home, arguments
        self.port = free_port()
        self.workspace = home / "workspace"
        self.workspace.mkdir(parents=True, exist_ok=True)
        (home / "config").mkdir(exist_ok=True)
        self.process: subprocess.Popen | None = None
        self.info: dict = {}
        self.lives = 0
        self.started_in_s: list[float] = []

    @property
    def access(self) -> dict:
        return self.info["realtime"]

    async def start(self, **env: str) -> None:
        ready = self.home / "ready.json"
        ready.unlink(missing_ok=True)
        command = [str(BIN / "holt"), "serve", "--port", str(self.port), "--state-dir",
                   str(self.home / "state"), "--workspace", str(self.workspace), "--ready-file",
                   str(ready), "--no-desktop", *self.arguments]
        keep = {k: v for k, v in os.environ.items() if k.startswith(("ASAN_", "UBSAN_", "TSAN_"))}
        began = time.monotonic()
        with (self.home / "output.log").open("ab") as out:
            self.process = subprocess.Popen(
                command, cwd=self.home, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True,
                env={"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                     "XDG_CONFIG_HOME": str(self.home / "config"), **keep, **env})
        self.lives += 1
        while not ready.exists():
            if self.process.poll() is not None:
                raise RuntimeError(f"holt serve ended with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() - began > READY_S:
                raise RuntimeError(f"not ready within {READY_S} s:\n{self.tail()}")
            await asyncio.sleep(0.005)
        self.started_in_s.append(time.monotonic() - began)
        self.info = json.loads(ready.read_text())

    def tail(self) -> str:
        return (self.home / "output.log").read_text(errors="replace")[-3000:]

    async def ended(self, limit_s: float = 60) -> int:
        """Waits for the keeper; its exit code."""
        end = time.monotonic() + limit_s
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise RuntimeError(f"the keeper is there {limit_s} s after the daemon's end")
            await asyncio.sleep(0.005)
        return self.process.returncode

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.info["pid"], number)

    async def kill(self, **env: str) -> None:
        """kill -9 of the daemon, and a new one."""
        self.signal(signal.SIGKILL)
        await self.ended()
        await self.start(**env)

    async def pause(self, seconds: float) -> None:
        self.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.signal(signal.SIGCONT)

    async def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            await self.ended()
        except RuntimeError:
            self.process.kill()
            self.process.wait()
