# SPDX-License-Identifier: Apache-2.0
"""A real daemon with its own broker, for the tests that need one. It can be killed with -9 and come
back on another port: whoever connected by the ready file finds it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from daemon import HOLT, Daemon

needs_daemon = pytest.mark.skipif(not HOLT.exists(), reason=f"{HOLT} is not built")


class LiveSandbox:
    def __init__(self, home: Path, *arguments: str) -> None:
        self.home = home
        self._arguments = ("--no-desktop", *arguments)
        self._daemon = Daemon(home, *self._arguments)
        if "realtime" not in json.loads(self.ready_file.read_text()):
            self._daemon.kill()
            pytest.skip("this daemon has no broker yet")

    @property
    def ready_file(self) -> Path:
        return self._daemon.ready_file

    @property
    def workspace(self) -> Path:
        return self.home / "workspace"

    def kill(self) -> None:
        """The daemon at once; its keeper sweeps what it left, and ends."""
        os.kill(self._daemon.pid, signal.SIGKILL)
        self._daemon.wait_end(30)

    def start_again(self) -> None:
        self._daemon = Daemon(self.home, *self._arguments)

    def close(self) -> None:
        self._daemon.kill()
