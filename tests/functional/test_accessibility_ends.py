# SPDX-License-Identifier: Apache-2.0
"""The accessibility tree where something of it ends: a node, a program, the session bus, its own
bus; and where there is none. Nobody else is hurt, and it comes back."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from accessibility import A, act, desk_with_tree, flat, tree, whole
from daemon import Daemon, descendants, none_left, wait_for


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    yield from desk_with_tree(tmp_path_factory)


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_node_that_is_gone_is_404(desk, program_of):
    brief = program_of("Tree brief")
    button = brief.one(name="Press me")
    leave = brief.one(name="Leave")
    assert act(desk, leave["id"], "action")["ok"]
    wait_for("the program ended", lambda: desk.get(f"/v1/processes/{brief.id}")["status"] != "running", 20)
    for what, body in (("action", {}), ("focus", {}), ("text", {"text": "x"}), ("value", {"value": 1})):
        desk.client.call("POST", f"{A}/{button['id']}/{what}", body=body).problem(404, "node_not_found")
    desk.client.call("GET", f"{A}?node={button['id']}").problem(404, "node_not_found")
    for junk in ("x", "0000.1.2-3", "~", button["id"] + "~0", button["id"].replace("-", "_")):
        desk.client.call("POST", f"{A}/{junk}/action", body={}).problem(404, "node_not_found")


def test_a_program_that_hangs_costs_only_its_own_part(desk, program, program_of):
    stuck = program_of("Tree stuck")
    button = stuck.one(name="Press me")
    os.kill(stuck.pid, signal.SIGSTOP)

    def told():
        got = tree(desk)
        late = {one.get("pid") for one in got["nodes"] if one.get("timedOut")}
        other = {one["name"] for root in got["nodes"] if root.get("pid") == program.pid for one in flat([root])}
        return got["timedOut"] and stuck.pid in late and "Press me" in other

    wait_for("the one is late and the other whole", told, 20)
    assert len(whole(desk, pid=program.pid)["nodes"]) == 1
    desk.client.call("POST", f"{A}/{button['id']}/action", body={}).problem(504, "timeout")
    os.kill(stuck.pid, signal.SIGCONT)
    wait_for("it is there again", lambda: stuck.find(name="Press me"), 20)


def test_the_tree_comes_back_after_the_session_bus_died(desk, program_of):
    was = desk.node("session_bus")
    os.kill(was["pid"], signal.SIGKILL)
    desk.wait_state("session_bus", "ready", 30, after_generation=was["generation"])
    assert program_of("Tree again").one(name="Press me")["bounds"]


def test_the_tree_comes_back_after_its_own_bus_died(desk, program_of):
    tree(desk)

    def buses():
        below = [p for p in descendants(desk.pid) if b"at-spi2/accessibility.conf" in command_of(p.pid)]
        return below if len(below) == 1 else None

    below = wait_for("there is one accessibility bus", buses, 20)
    os.kill(below[0].pid, signal.SIGKILL)
    none_left(below, 20)
    wait_for("the tree is answered again", lambda: desk.client.call("GET", A).status == 200, 30)
    assert program_of("Tree anew").one(name="Press me")["bounds"]


def test_switched_off_it_says_so(tmp_path):
    d = Daemon(tmp_path, "--desktop-accessibility", "false", "--stream-autostart", "false")
    try:
        why = d.client.call("GET", A).problem(503, "accessibility_unavailable")
        assert "desktop.accessibility" in why["detail"]
        shown = d.post("/v1/processes/run", {"command": "env"})["stdout"]
        assert "NO_AT_BRIDGE=1" in shown.splitlines()
    finally:
        d.kill()


def test_without_a_desktop_it_is_409(tmp_path):
    d = Daemon(tmp_path, "--desktop-autostart", "false")
    try:
        d.client.call("GET", A).problem(409, "desktop_runtime_inactive")
        d.client.call("POST", f"{A}/x/focus", body={}).problem(409, "desktop_runtime_inactive")
    finally:
        d.kill()
