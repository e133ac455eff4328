# SPDX-License-Identifier: Apache-2.0
"""What processes cost over HTTP, with the floor beside it in turns: `run true` against a bare
posix_spawn and one round trip; create, kill and delete; a ping while 64 processes flood.

    HOLT_BIN=build/release/bin python3 bench/process_api.py [ROUNDS]

Prints least, median, p95 and p99 in milliseconds."""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "functional")]
sys.dont_write_bytecode = True

from daemon import Daemon  # noqa: E402

FLOODS = 64


class Line:
    """One connection that is kept."""

    def __init__(self, daemon: Daemon):
        client = daemon.client
        self.http = http.client.HTTPConnection(client.host, client.port, timeout=60)
        self.headers = {"Authorization": f"Bearer {daemon.token}"}

    def call(self, method: str, path: str, body=None):
        headers = self.headers | ({"Content-Type": "application/json"} if body is not None else {})
        self.http.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.http.getresponse()
        data = answer.read()
        assert answer.status < 300, (answer.status, data)
        return json.loads(data) if data else None


def timed(times: list[float], act) -> None:
    began = time.perf_counter()
    act()
    times.append((time.perf_counter() - began) * 1000)


def bare_spawn() -> None:
    os.waitpid(os.posix_spawn("/usr/bin/true", ["true"], {"PATH": "/usr/bin"}), 0)


def show(name: str, times: list[float]) -> None:
    times.sort()
    at = [times[min(len(times) - 1, int(len(times) * q))] for q in (0.5, 0.95, 0.99)]
    print(f"{name:34} least {times[0]:8.3f}  median {at[0]:8.3f}  p95 {at[1]:8.3f}  "
          f"p99 {at[2]:8.3f}  n {len(times)}", flush=True)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as home:
        daemon = Daemon(Path(home), "--no-desktop")
        try:
            line = Line(daemon)
            ping, bare, run, life = [], [], [], []
            for _ in range(rounds):
                timed(ping, lambda: line.call("GET", "/v1/health"))
                timed(bare, bare_spawn)
                timed(run, lambda: line.call("POST", "/v1/processes/run", {"command": "true"}))

                def whole() -> None:
                    made = line.call("POST", "/v1/processes", {"command": "sleep", "args": ["60"]})
                    line.call("POST", f"/v1/processes/{made['id']}/kill")
                    line.call("DELETE", f"/v1/processes/{made['id']}")

                timed(life, whole)
            show("health", ping)
            show("bare posix_spawn true", bare)
            show("run true", run)
            show("create, kill, delete", life)
            floods = [line.call("POST", "/v1/processes", {"command": "yes"})["id"] for _ in range(FLOODS)]
            quiet = threading.Event()
            loaded: list[float] = []
            for _ in range(max(rounds, 500)):
                timed(loaded, lambda: line.call("GET", "/v1/health"))
                quiet.wait(0.005)
            show(f"health, {FLOODS} processes flood", loaded)
            for one in floods:
                line.call("POST", f"/v1/processes/{one}/kill")
        finally:
            daemon.kill()


if __name__ == "__main__":
    main()
