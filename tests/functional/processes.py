# SPDX-License-Identifier: Apache-2.0
"""What the tests of processes, logs and terminals share."""

from __future__ import annotations

import base64
from pathlib import Path

from daemon import descendants, wait_for

API = "/v1/processes"


def create(daemon, command: str, *args: str, **more) -> dict:
    return daemon.post(API, {"command": command, "args": list(args), **more})


def sh(daemon, script: str, **more) -> dict:
    return create(daemon, "sh", "-c", script, **more)


def info(daemon, pid: str) -> dict:
    return daemon.get(f"{API}/{pid}")


def ended(daemon, pid: str) -> dict:
    def look():
        now = info(daemon, pid)
        return now if now["status"] == "exited" else None

    return wait_for(f"{pid} has exited", look, 60)


def entries(daemon, pid: str, query: str = "") -> list[dict]:
    return daemon.get(f"{API}/{pid}/logs{query}")["entries"]


def printed(daemon, pid: str, stream: str = "combined") -> bytes:
    return b"".join(base64.b64decode(e["data"]) for e in entries(daemon, pid, f"?stream={stream}"))


def sleepers(daemon, *seconds: int) -> list:
    """The living `sleep N` below the daemon."""
    wanted = {b"sleep\0%d\0" % n for n in seconds}
    found = []
    for one in descendants(daemon.pid):
        try:
            line = Path(f"/proc/{one.pid}/cmdline").read_bytes()
        except OSError:
            continue
        if line in wanted and one.alive():
            found.append(one)
    return found


def end(daemon, pid: str) -> None:
    daemon.post(f"{API}/{pid}/kill")
    assert daemon.client.call("DELETE", f"{API}/{pid}").status == 204
