# SPDX-License-Identifier: Apache-2.0
"""The unmodified npm client sandbox-agent 0.4.2 on Holt: every desktop, stream, recording, process and
terminal method it has is called (tests/clients), its file methods in test_files_more.py, the DesktopViewer of
its React package in tests/browser. What differs from its own server stands in
docs/compatibility.md."""

from __future__ import annotations

import json
import subprocess

import pytest

from daemon import ROOT, Daemon, slack

CLIENTS = ROOT / "tests" / "clients"
NODE = ROOT / "tools" / "node" / "node_modules" / ".bin" / "node"

pytestmark = [pytest.mark.timeout(700), pytest.mark.skipif(
    not NODE.exists() or not (CLIENTS / "node_modules" / "sandbox-agent").exists(),
    reason="scripts/setup installs Node and tests/clients")]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    d = Daemon(tmp_path_factory.mktemp("desk"), "--root", "/")
    yield d
    d.kill()


def travel(daemon, name: str, *arguments) -> dict:
    """What the client saw; every method of its part was called."""
    ran = subprocess.run([NODE, CLIENTS / f"{name}.mjs", daemon.url, daemon.token, *arguments],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=150 * slack())
    assert ran.returncode == 0, ran.stderr + daemon.text()[-2000:]
    seen = json.loads(ran.stdout)
    assert seen["untried"] == [] and seen["methods"] > 0
    return seen


def problem(status: int, code: str) -> dict:
    return {"status": status, "title": code.replace("_", " ").title(),
            "type": f"urn:sandbox-agent:error:{code}"}


def has(seen: dict, **types) -> None:
    """These fields, of these types."""
    for name, kind in types.items():
        assert isinstance(seen[name], kind), (name, seen)


# -- processes and terminals ----------------------------------------------------------------------


def test_processes_and_terminals(bare):
    seen = travel(bare, "processes")
    limits = {"maxConcurrentProcesses": 64, "defaultRunTimeoutMs": 30000, "maxRunTimeoutMs": 300000,
              "maxOutputBytes": 1048576, "maxLogBytesPerProcess": 10485760,
              "maxInputBytesPerRequest": 65536}
    assert seen["config"] == seen["restored"] == limits
    assert seen["changed"] == limits | {"maxConcurrentProcesses": 65}
    assert seen["run"].pop("durationMs") >= 0
    assert seen["run"] == {"exitCode": 3, "timedOut": False, "stdout": "hé\n", "stderr": "e\n",
                           "stdoutTruncated": False, "stderrTruncated": False}
    assert seen["late"]["timedOut"] and seen["late"]["exitCode"] is None
    assert seen["cut"]["stdout"] == "0123" and seen["cut"]["stdoutTruncated"]
    assert seen["unknown_program"] == problem(404, "not_found")

    created = seen["created"]
    has(created, id=str, pid=int, createdAtMs=int)
    assert created.items() >= {"command": "cat", "args": [], "tty": False, "interactive": True,
                               "owner": "user", "status": "running"}.items()
    assert "exitCode" not in created and "exitedAtMs" not in created
    assert seen["got"] == created and seen["listed"] and seen["listed_user"] == []
    assert seen["input"] == {"bytesWritten": 4} and seen["input_utf8"] == {"bytesWritten": 5}
    assert seen["followed"] == ["stdout base64"] and seen["rising"]
    assert seen["logs"] == {"processId": True, "stream": "stdout", "text": "one\nzwö\n"}
    assert seen["tail"] == 1 and seen["since"] == 0
    for refusal in ("no_terminal", "alive", "input_late"):
        assert seen[refusal] == problem(409, "conflict")
    assert seen["stopped"]["status"] == "exited" and "pid" not in seen["stopped"]
    has(seen["stopped"], exitedAtMs=int)
    assert seen["stopped_again"] == "exited" and seen["deleted"]
    assert seen["missing"] == problem(404, "not_found")
    assert seen["killed"]["status"] == "exited"

    assert seen["tty"] == {"tty": True, "interactive": True} and seen["url"]
    assert seen["ready"].items() >= {"type": "ready", "processId": True}.items()
    assert seen["resized"] == {"cols": 77, "rows": 17} and seen["second"] == "ready"
    assert seen["exits"] == [{"type": "exit", "exitCode": 5}]
    assert seen["errors"] == [] and not seen["foreign_text"]
    assert seen["ended"] == {"exitCode": 5, "pid": None} and seen["pty"]
    assert seen["attached_late"] == {"type": "exit", "exitCode": 5}
    assert seen["wrong_token"] == "Terminal websocket connection failed."


# -- the desktop ----------------------------------------------------------------------------------


def check_status(status: dict) -> None:
    has(status, display=str, startedAt=str, processes=list, missingDependencies=list,
        runtimeLogPath=str)
    assert status["state"] == "active"
    assert status["resolution"] == {"width": 1000, "height": 700, "dpi": 96}
    for one in status["processes"]:
        has(one, name=str, running=bool)


def check_window(window: dict) -> None:
    has(window, id=str, title=str, x=int, y=int, width=int, height=int, isActive=bool)
    assert window["id"].isdigit()


def test_the_desktop(desk, tmp_path):
    seen = travel(desk, "desktop", tmp_path)
    assert seen["health"] == "ok"
    assert seen["stopped"]["state"] == seen["stopped_again"] == "inactive"
    assert seen["while_stopped"] == problem(409, "desktop_runtime_inactive")
    for refusal in ("no_size", "no_display", "wrong_scale", "outside", "no_key"):
        assert seen[refusal] == problem(400, "desktop_invalid_action"), refusal
    check_status(seen["started"])
    assert seen["started_again"] == "active"
    assert seen["display"] == {"display": seen["started"]["display"],
                               "resolution": {"width": 1000, "height": 700, "dpi": 96}}

    assert seen["png"] == [1000, 700] and seen["half"] == [500, 350]
    assert seen["jpeg"] == "\xff\xd8" and seen["webp"] == "WEBP"
    assert seen["region"] == [10, 30], "clipped"

    assert seen["empty"] == {"windows": []}
    assert seen["no_focus"] == problem(404, "no_focused_window")
    has(seen["launched"], processId=str, pid=int, windowId=str)
    check_window(seen["window"])
    assert seen["window_is_the_launched"] and seen["focused"] and seen["focused_id"]
    assert seen["moved"]
    width, height = seen["sized"]
    assert 380 < width <= 400 and 270 < height <= 300, "xterm has whole cells"
    assert seen["missing_window"] == problem(404, "window_not_found")
    check_status(seen["status"])
    assert [w["title"] for w in seen["status"]["windows"]] == ["client"]
    check_window(seen["status"]["windows"][0])

    for act, x, y in (("move", 321, 234), ("position", 321, 234), ("click", 300, 250),
                      ("down", 310, 260), ("up", 310, 260), ("drag", 750, 640),
                      ("scroll", 320, 240)):
        assert (seen[act]["x"], seen[act]["y"], seen[act]["screen"]) == (x, y, 0), act
    for act in ("type", "press", "key_down", "key_up", "set"):
        assert seen[act] == {"ok": True}
    assert seen["typed"] == "Grüße, Привет\nAb\n"

    assert seen["copied"] == {"text": "copied ✓", "selection": "clipboard"}
    assert seen["primary"] == {"text": "first", "selection": "primary"}
    assert seen["both"] == ["both", "both"]
    assert seen["opened"] == {"processId": "string", "pid": "number"}
    assert seen["no_app"] == problem(404, "app_not_found")


def test_the_stream(desk):
    seen = travel(desk, "stream")
    assert seen["stopped"] is seen["stopped_again"] is seen["status_stopped"] is False
    assert seen["started"]["active"] and seen["started_again"] and seen["status"]["active"]
    assert seen["url"] == "/v1/desktop/stream/signaling"
    assert seen["ready"]["type"] == "ready" and seen["ready"]["width"] > 0
    # Without one in the offer the client would ask a public server of its own choice.
    assert seen["ice"] and not [url for url in seen["ice"] if "google" in url]
    assert seen["offer"] == ["m=video", "m=audio", "m=application"]
    assert seen["errors"] == [] and seen["raw"] == "system/init"
    assert seen["wrong_token"] == "Desktop stream signaling connection failed."


# -- recordings -----------------------------------------------------------------------------------


def test_recordings(desk):
    seen = travel(desk, "recordings")
    has(seen["started"], id=str, fileName=str, startedAt=str, bytes=int)
    assert seen["started"]["status"] == "recording"
    assert seen["second"] == problem(409, "conflict")
    done = seen["stopped"]
    assert done["id"] == seen["started"]["id"] and done["status"] == "completed" and done["endedAt"]
    assert seen["listed"] == [done]
    assert seen["head"] == "ftyp" and seen["downloaded"] == done["bytes"] > 0
    assert seen["gone"] == problem(404, "not_found")
    assert seen["stopped_again"] == problem(409, "conflict")
