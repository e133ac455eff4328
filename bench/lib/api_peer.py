# SPDX-License-Identifier: Apache-2.0
"""The npm package's own server (@sandbox-agent/cli-linux-x64) as a bench's other side: fetched by
npm, kept outside of the repository, checked, started with a home of its own, ended with all it left."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

VERSION = "0.4.2"
SHA256 = "bab098abef874ade481aa7b50463662814fbf27294399f545307fedb638f029b"


def fetched(root: Path) -> Path:
    """The program; npm downloads it once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "holt-bench"
    folder = cache / f"sandbox-agent-{VERSION}"
    program = folder / "node_modules/@sandbox-agent/cli-linux-x64/bin/sandbox-agent"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        npm = root / "tools/node/node_modules/.bin/npm"
        env = {**os.environ, "PATH": f"{npm.parent}:{os.environ['PATH']}"}
        subprocess.run([npm, "install", "--prefix", folder, "--ignore-scripts", "--no-fund", "--no-audit",
                        "--loglevel=error", f"@sandbox-agent/cli-linux-x64@{VERSION}"],
                       env=env, check=True, timeout=120, stdout=subprocess.DEVNULL)
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{program} is not the published {VERSION}: {digest}")
    program.chmod(0o755)
    return program


class Peer:
    token = ""

    def __init__(self, program: Path, home: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.mark = f"HOLT_BENCH={home}"
        env = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOLT_BENCH": str(home)}
        self.log = (home / "peer.log").open("wb")
        self.process = subprocess.Popen(
            [program, "server", "--no-telemetry", "--no-token", "--port", str(self.port)],
            env=env, cwd=home, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
            start_new_session=True)
        until = time.monotonic() + 20
        while True:
            try:
                self.call("GET", "/v1/health")
                return
            except OSError:
                if time.monotonic() > until:
                    self.end()
                    raise
                time.sleep(0.05)

    @property
    def pid(self) -> int:
        return self.process.pid

    def call(self, method: str, path: str, body=None, limit_s: float = 60):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method,
                                         headers={"Content-Type": "application/json"} if data else {})
        with urllib.request.urlopen(request, timeout=limit_s) as answer:
            text = answer.read()
        return json.loads(text) if text.startswith(b"{") else text

    def end(self) -> None:
        """It leaves its X server, window manager and programs behind: they carry our mark."""
        for by in (signal.SIGTERM, signal.SIGKILL):
            for entry in os.listdir("/proc"):
                try:
                    if entry.isdigit() and self.mark.encode() in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0"):
                        os.kill(int(entry), by)
                except OSError:
                    pass
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                pass
        self.process.wait(5)
        self.log.close()
