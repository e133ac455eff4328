# SPDX-License-Identifier: Apache-2.0
"""The desktop by the API: its windows, against the X server's own tools, and the programs that open
them."""

from __future__ import annotations

import base64
import os
import re
import threading

from daemon import wait_for
from desktop import D, Xterm, done, get, post, x_command


def xwininfo(desk, window: str) -> dict[str, int]:
    text = x_command(desk, "xwininfo", "-id", window)
    names = {"x": "Absolute upper-left X", "y": "Absolute upper-left Y", "width": "Width",
             "height": "Height"}
    return {k: int(re.search(rf"{v}:\s+(-?\d+)", text).group(1)) for k, v in names.items()}


def inner(window) -> dict[str, int]:
    return {k: window[k] for k in ("x", "y", "width", "height")}


def test_no_window(desk):
    assert desk.get(f"{D}/windows") == {"windows": []}
    get(desk, "/windows/focused").problem(404, "no_focused_window")
    for path, body in (("focus", None), ("move", {"x": 1, "y": 1}), ("close", None)):
        for window in ("999999", "abc", "99999999999999"):
            post(desk, f"/windows/{window}/{path}", body).problem(404, "window_not_found")


def test_windows_are_where_the_x_server_says(desk):
    with Xterm(desk, "geometry", "-geometry", "40x10+50+60") as term:
        w = term.info
        assert inner(w) == xwininfo(desk, w["id"])
        frame = w["frame"]
        assert frame["x"] <= w["x"] and frame["y"] < w["y"], "the title bar is part of the frame"
        moved = done(desk, f"/windows/{w['id']}/move", {"x": 200, "y": 150})
        assert (moved["frame"]["x"], moved["frame"]["y"]) == (200, 150)
        assert inner(moved) == xwininfo(desk, w["id"])
        sized = done(desk, f"/windows/{w['id']}/resize", {"width": 400, "height": 300})
        assert inner(sized) == xwininfo(desk, w["id"])
        assert 380 < sized["width"] <= 400 and 270 < sized["height"] <= 300, "xterm has whole cells"
        assert desk.get(f"{D}/windows/focused")["id"] == w["id"]
        for body in ({"width": 0, "height": 9}, {"width": 5, "height": -1}):
            post(desk, f"/windows/{w['id']}/resize", body).problem(400, "desktop_invalid_action")
        post(desk, f"/windows/{w['id']}/resize", {"width": 7}).problem(422, "unprocessable")
        big = done(desk, f"/windows/{w['id']}/maximise")
        assert big["maximised"] and big["width"] > 700
        back = done(desk, f"/windows/{w['id']}/restore")
        assert not back["maximised"]
        away = done(desk, f"/windows/{w['id']}/minimise")
        assert away["minimised"]
        again = done(desk, f"/windows/{w['id']}/focus")
        assert again["isActive"] and not again["minimised"]


def test_close(desk):
    with Xterm(desk, "closing") as term:
        answer = done(desk, f"/windows/{term.info['id']}/close")
        assert answer.get("closed") or answer["id"] == term.info["id"]
        wait_for("it closed", lambda: not term.window(), 20)


def test_windows_that_close_meanwhile_are_no_error(desk):
    """A list while windows come and go."""
    stop = threading.Event()
    answers = []

    def ask():
        while not stop.is_set():
            answers.append(get(desk, "/windows").status)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        for i in range(4):
            with Xterm(desk, f"brief {i}"):
                pass
    finally:
        stop.set()
        asker.join()
    assert set(answers) == {200}


# -- programs -------------------------------------------------------------------------------------


def test_launch_waits_for_the_window(desk):
    answer = done(desk, "/launch", {"app": "xterm", "args": ["-T", "launched"], "wait": True})
    assert answer["processId"] and answer["pid"] > 1
    window = next(w for w in desk.get(f"{D}/windows")["windows"] if w["id"] == answer["windowId"])
    done(desk, f"/windows/{window['id']}/close")
    wait_for("it closed", lambda: not desk.get(f"{D}/windows")["windows"], 20)


def test_launch_follows_a_program_that_forks(desk):
    answer = done(desk, "/launch", {"app": "sh", "wait": True, "args": [
        "-c", "(setsid xterm -T forked & ) ; exit 0"]})
    found = [w for w in desk.get(f"{D}/windows")["windows"] if w["id"] == answer["windowId"]]
    assert found and found[0]["title"] == "forked"
    os.kill(found[0]["pid"], 9)
    wait_for("it is gone", lambda: not desk.get(f"{D}/windows")["windows"], 20)


def test_a_launched_program_is_a_process_of_the_list(desk):
    answer = done(desk, "/launch", {"app": "sh", "wait": True, "args": [
        "-c", "echo said; exec xterm -T listed"]})
    pid = answer["processId"]
    listed = [p for p in desk.get("/v1/processes?owner=desktop&tag=launch")["processes"]
              if p["id"] == pid]
    assert [(p["status"], p["pid"], p["command"]) for p in listed] == [
        ("running", answer["pid"], "sh")]
    assert pid not in [p["id"] for p in desk.get("/v1/processes?owner=user")["processes"]]
    log = desk.get(f"/v1/processes/{pid}/logs")["entries"]
    assert base64.b64decode(log[0]["data"]) == b"said\n"
    ended = desk.post(f"/v1/processes/{pid}/kill?waitMs=20000")
    assert ended["status"] == "exited" and ended["signal"] == 9
    wait_for("its window is gone", lambda: not desk.get(f"{D}/windows")["windows"], 20)
    assert desk.client.call("DELETE", f"/v1/processes/{pid}").status == 204


def test_launch_nonsense(desk):
    for app in ("no-such-app", ""):
        problem = post(desk, "/launch", {"app": app}).problem(404, "app_not_found")
        assert f"'{app}'" in problem["detail"]
    post(desk, "/launch", {}).problem(422, "unprocessable")
    post(desk, "/launch", {"app": "xterm", "args": "x"}).problem(422, "unprocessable")
    post(desk, "/open", {"target": ""}).problem(400, "desktop_invalid_action")
    post(desk, "/open", {"target": "no/such/file"}).problem(404, "not_found")


def test_applications(desk):
    for one in desk.get(f"{D}/applications")["applications"]:
        assert one["id"] and one["name"] and one["command"]
