# SPDX-License-Identifier: Apache-2.0
"""The desktop and the stream as a whole: stop, start, size, what is on it."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from daemon import environ_of, wait_for


def x_command(daemon, *command: str) -> str:
    env = {**os.environ, **daemon.desktop_environment()}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_status(daemon):
    status = daemon.get("/v1/desktop/status")
    assert status["state"] == "active" and status["display"].startswith(":")
    assert status["resolution"] == {"width": 1280, "height": 720, "dpi": 96}
    assert status["missingDependencies"] == []
    assert status["display"] == daemon.desktop_environment()["DISPLAY"]


def test_display_is_for_its_owner(daemon):
    """Without the cookie nobody gets in."""
    env = {**os.environ, **daemon.desktop_environment(), "XAUTHORITY": "/dev/null"}
    done = subprocess.run(["xdpyinfo"], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0


def test_size_is_changed_while_it_lives(daemon):
    before = daemon.node("x_server")["pid"]
    answer = daemon.post("/v1/desktop/start", {"width": 1024, "height": 768})
    assert answer["resolution"]["width"] == 1024 and answer["resolution"]["height"] == 768
    wait_for("the root window", lambda: "1024x768" in x_command(daemon, "xdpyinfo"), 20)
    daemon.post("/v1/desktop/start", {"width": 1280, "height": 720})
    wait_for("the root window", lambda: "1280x720" in x_command(daemon, "xdpyinfo"), 20)
    assert daemon.node("x_server")["pid"] == before


def test_start_while_active_answers_the_status(daemon):
    assert daemon.post("/v1/desktop/start", {})["state"] == "active"


def test_too_large_a_size_is_refused(daemon):
    answer = daemon.client.call("POST", "/v1/desktop/start", {"width": 100_000, "height": 768})
    assert answer.status == 400, answer


def windows(daemon) -> str:
    """The window tree; empty while a window goes away under xwininfo's feet."""
    try:
        return x_command(daemon, "xwininfo", "-root", "-tree")
    except AssertionError as problem:
        gone = ("Bad Window", "Bad Drawable", "BadWindow", "BadDrawable", "Can't query window tree")
        if any(word in str(problem) for word in gone):
            return ""
        raise


def test_window_manager_and_panel_are_there(daemon):
    wait_for("a window manager", lambda: "window id" in x_command(
        daemon, "xprop", "-root", "_NET_SUPPORTING_WM_CHECK"), 10)
    wait_for("a panel", lambda: "tint2" in windows(daemon), 15)


def test_stream_status(daemon):
    status = daemon.get("/v1/desktop/stream/status")
    assert status["active"] is True


def test_stream_stop_and_start(daemon):
    daemon.post("/v1/desktop/stream/stop")
    daemon.wait_state("engine", "stopped", 20)
    assert daemon.get("/v1/desktop/stream/status")["active"] is False
    assert daemon.client.ws_status() == 409
    daemon.post("/v1/desktop/stream/start")
    daemon.wait_state("engine", "ready", 20)
    assert daemon.client.ws_status() == 101


def test_desktop_stop_and_start(daemon):
    daemon.post("/v1/desktop/stop")
    for child in ("x_server", "window_manager", "session_bus", "audio"):
        daemon.wait_state(child, "stopped", 20)
    assert not daemon.node("engine").get("pid"), "the engine runs without a display"
    assert daemon.get("/v1/desktop/status")["state"] == "inactive"
    assert daemon.get("/v1/health")["status"] == "ok"
    assert daemon.client.ws_status() == 409
    daemon.post("/v1/desktop/start", {})
    for child in ("x_server", "window_manager", "engine"):
        daemon.wait_state(child, "ready", 30)
    assert daemon.get("/v1/desktop/status")["state"] == "active"
    assert daemon.get("/v1/desktop/stream/status")["active"] is True


def test_stop_twice_is_no_error(bare):
    for _ in range(2):
        assert bare.post("/v1/desktop/stop")["state"] == "inactive"


def test_children_know_nothing_secret(daemon):
    """The daemon's token stands in no environment, no command line and no log."""
    token = daemon.token
    daemon.client.ws_status(token=None, query=f"?access_token={token}")
    for child in daemon.family():
        if child.pid in (daemon.pid, daemon.process.pid) or not child.alive():
            continue
        try:
            env = environ_of(child.pid)
            line = Path(f"/proc/{child.pid}/cmdline").read_bytes().decode(errors="replace")
        except PermissionError:  # the engine hides its own, from its own user too
            assert os.getuid() != 0
            continue
        except (FileNotFoundError, ProcessLookupError):  # it ended at this moment
            continue
        assert token not in " ".join(env.values()), child.describe()
        leaks = [k for k in env if "TOKEN" in k.upper() and not k.startswith("HOLT_STREAM_")]
        assert not leaks, (child.describe(), leaks)
        assert token not in line
    logs = [p for p in daemon.state.rglob("*") if p.is_file() and p.name != "token"]
    assert logs
    for path in [*logs, daemon.output]:
        with suppress(FileNotFoundError):  # a file of a moment, as SQLite has them
            assert token.encode() not in path.read_bytes(), path
