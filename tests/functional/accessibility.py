# SPDX-License-Identifier: Apache-2.0
"""What the tests of the accessibility tree share: its routes, a desktop, and a program to look at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from daemon import Daemon, wait_for

A = "/v1/desktop/accessibility"
PROGRAM = Path(__file__).with_name("tree_program.py")
PYTHON = "/usr/bin/python3"


def missing() -> str:
    if not Path("/usr/libexec/at-spi-bus-launcher").exists():
        return "at-spi2-core is not installed"
    gtk = subprocess.run([PYTHON, "-c", "import gi; gi.require_version('Gtk', '3.0')"], capture_output=True)
    return "" if gtk.returncode == 0 else "python3-gi with GTK 3 is not installed"


def desk_with_tree(tmp_path_factory) -> Iterator[Daemon]:
    """The desktop of a module's tests; skipped where programs cannot tell of themselves."""
    if why := missing():
        print(f"SKIPPED accessibility: {why}")
        pytest.skip(why)
    d = Daemon(tmp_path_factory.mktemp("tree"), "--desktop-width", "1024", "--desktop-height", "768",
               "--stream-autostart", "false")
    yield d
    d.kill()


class Program:
    """The GTK program, started by the API as an agent would."""

    def __init__(self, desk: Daemon, title: str):
        self.desk, self.title = desk, title
        self.file = desk.home / f"{title}.txt"
        made = desk.post("/v1/processes", {"command": PYTHON, "args": [str(PROGRAM), title, str(self.file)]})
        self.id, self.pid = made["id"], made["pid"]
        wait_for("the tree is answered", lambda: desk.client.call("GET", A).status == 200, 60)
        wait_for(f"{title} stands in the tree", self.stands, 30)
        # The window manager may have it later than the tree.
        wait_for(f"{title} is a window", lambda: window_called(desk, title), 30)

    def stands(self) -> bool:
        """A bus that is still coming up is no error."""
        query = urlencode({"pid": self.pid, "role": "button", "name": "Press me"})
        got = self.desk.client.call("GET", f"{A}/find?{query}")
        return got.status == 200 and bool(json.loads(got.body)["nodes"])

    def said(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []

    def find(self, **query) -> list[dict]:
        return find(self.desk, pid=self.pid, **query)["nodes"]

    def one(self, **query) -> dict:
        """Exactly one, once its program answers."""
        def look():
            found = self.find(**query)
            return found[0] if len(found) == 1 and not found[0].get("timedOut") else None

        return wait_for(f"one node of {self.title} is {query}", look, 10)

    def end(self) -> None:
        try:
            os.kill(self.pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
        self.desk.client.call("POST", f"/v1/processes/{self.id}/kill")


def window_called(desk, title: str) -> int | None:
    """The id of the window of this title, once there is one."""
    return next((w["id"] for w in desk.get("/v1/desktop/windows")["windows"] if w["title"] == title), None)


def tree(desk, **query):
    return desk.get(f"{A}?{urlencode(query)}")


def whole(desk, **query):
    """The tree, once all of it is told."""
    def look():
        got = tree(desk, **query)
        return got if not got["timedOut"] else None

    return wait_for(f"the whole tree of {query}", look, 20)


def find(desk, **query):
    return desk.get(f"{A}/find?{urlencode(query)}")


def act(desk, node: str, what: str, body=None):
    return desk.post(f"{A}/{node}/{what}", body)


def flat(nodes):
    for one in nodes:
        yield one
        yield from flat(one.get("children", []))
