# SPDX-License-Identifier: Apache-2.0
"""The accessibility tree over the API, with real programs: what they say of themselves agrees with
the screen, acts reach them, and only of whoever may act."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from accessibility import A, act, desk_with_tree, find, flat, tree, whole, window_called
from daemon import holt, wait_for
from desktop import pixels
from web import Client


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    yield from desk_with_tree(tmp_path_factory)


def colour(desk, x: int, y: int) -> tuple[int, ...]:
    shot = desk.client.call("GET", f"/v1/desktop/screenshot/region?x={x}&y={y}&width=1&height=1")
    assert shot.status == 200, shot
    return tuple(pixels(shot.body)[2][0][:3])


def test_the_tree_shows_programs_with_windows_with_widgets(desk, program):
    def placed():
        """Its window is known as one of the X server's."""
        seen = whole(desk, pid=program.pid)
        return seen if all("windowId" in below for one in seen["nodes"] for below in one.get("children", [])) else None

    got = wait_for("the frame is a window", placed, 20)
    assert [one["role"] for one in got["nodes"]] == ["application"]
    assert got["nodes"][0]["pid"] == program.pid
    (frame,) = got["nodes"][0]["children"]
    assert (frame["role"], frame["name"]) == ("frame", program.title)
    windows = {w["id"]: w for w in desk.get("/v1/desktop/windows")["windows"]}
    assert windows[frame["windowId"]]["title"] == program.title
    assert not got["truncated"] and not got["timedOut"]
    names = {one["name"] for one in flat(got["nodes"])}
    assert {"Press me", "Tick", "Leave", "Your name"} <= names
    assert "Hidden" not in names
    everything = whole(desk, pid=program.pid, showing="false")
    assert "Hidden" in {one["name"] for one in flat(everything["nodes"])}


def test_bounds_agree_with_the_screen(desk, program):
    red = (255, 0, 0)

    def agrees():
        """The button is red inside its bounds and not outside; a window may still be moving."""
        at = program.one(role="push button", name="Press me", exact="true").get("bounds")
        right = (at and at["width"] >= 200 and at["height"] >= 60
                 and colour(desk, at["x"] + 4, at["y"] + 4) == red
                 and colour(desk, at["x"] + at["width"] - 4, at["y"] + at["height"] - 4) == red
                 and colour(desk, at["x"] + 4, at["y"] - 4) != red
                 and colour(desk, at["x"] + 4, at["y"] + at["height"] + 4) != red)
        return at if right else None

    at = wait_for("the bounds agree with the screen", agrees, 20)
    # A click there is a click on it.
    before = len([line for line in program.said() if line.startswith("clicked")])
    desk.post("/v1/desktop/mouse/click", {"x": at["x"] + at["width"] // 2, "y": at["y"] + at["height"] // 2})
    wait_for("the click arrived", lambda: len([line for line in program.said() if line.startswith("clicked")]) > before, 10)


def test_text_is_set_and_read_and_an_action_clicks(desk, program):
    entry = program.one(name="Your name")
    assert "editable" in entry["states"]
    assert act(desk, entry["id"], "text", {"text": "Grüße 🎈"})["ok"]
    wait_for("the text is told", lambda: program.one(name="Your name").get("text") == "Grüße 🎈", 10)
    button = program.one(role="button", name="press ME")
    assert act(desk, button["id"], "action", {"action": button["actions"][0]})["ok"]
    wait_for("the program was clicked", lambda: "clicked Grüße 🎈" in program.said(), 10)
    why = desk.client.call("POST", f"{A}/{button['id']}/action", body={"action": "fly"})
    assert button["actions"][0] in why.problem(400, "desktop_invalid_action")["detail"]


def test_a_value_is_set_and_a_state_is_told(desk, program):
    slider = program.one(role="slider")
    assert (slider["value"]["minimum"], slider["value"]["maximum"]) == (0, 100)
    assert act(desk, slider["id"], "value", {"value": 42})["ok"]
    wait_for("the value is told", lambda: program.one(role="slider").get("value", {}).get("current") == 42, 10)
    wait_for("the program knows it", lambda: "scale 42.0" in program.said(), 10)
    tick = program.one(name="Tick")
    assert "checked" not in tick["states"]
    act(desk, tick["id"], "action")
    wait_for("it is checked", lambda: [one["name"] for one in program.find(state="checked")] == ["Tick"], 10)
    act(desk, tick["id"], "action")


def test_focus_is_given(desk, program):
    entry = program.one(name="Your name")
    window = wait_for("the frame is a window", lambda: program.one(role="frame").get("windowId"), 10)
    desk.post(f"/v1/desktop/windows/{window}/focus")
    assert act(desk, entry["id"], "focus")["ok"]
    wait_for("it has the keyboard", lambda: "focused" in program.one(name="Your name")["states"], 10)


def test_a_password_is_not_read(desk, program):
    secret = program.one(role="password text")
    assert "text" not in secret
    assert "hunter2" not in str(tree(desk, pid=program.pid, showing="false"))


def test_limits_cut_and_say_so(desk, program):
    few = whole(desk, pid=program.pid, limit=3)
    assert few["truncated"] and len(list(flat(few["nodes"]))) <= 3
    shallow = whole(desk, pid=program.pid, depth=1)
    assert [one["role"] for one in flat(shallow["nodes"])] == ["application", "frame"]
    assert shallow["nodes"][0]["children"][0]["truncated"]
    short = [one for one in flat(whole(desk, pid=program.pid, text=9)["nodes"]) if one.get("text", "").startswith("word")]
    assert [(one["text"], one["textTruncated"]) for one in short] == [("word word", True)]

    def first():
        found = find(desk, pid=program.pid, limit=1)
        return found if found["truncated"] and len(found["nodes"]) == 1 else None

    wait_for("one is found, and said to be not all", first, 20)


def test_a_part_can_be_asked_by_its_id(desk, program):
    frame = program.one(role="frame")
    below = whole(desk, node=frame["id"])
    assert [one["id"] for one in below["nodes"]] == [frame["id"]]
    assert "Press me" in {one["name"] for one in flat(below["nodes"])}
    (child,) = wait_for("the button is found below it", lambda: find(desk, node=frame["id"], name="Press me")["nodes"], 20)
    assert whole(desk, node=child["id"], depth=0)["nodes"][0]["name"] == "Press me"


def test_one_window_is_told_from_another(desk, program, program_of):
    other = program_of("Tree two")
    for title in (program.title, other.title):
        window = wait_for(f"{title} is a window", lambda: window_called(desk, title), 20)

        def alone():
            got = whole(desk, window=window)
            return [one["name"] for one in flat(got["nodes"]) if one["role"] == "frame"] == [title]

        def pressed():
            found = find(desk, window=window, name="Press me")["nodes"]
            return [one.get("windowId") for one in found] == [window]

        wait_for(f"only {title} is shown", alone, 20)
        wait_for(f"the button of {title} is found in it", pressed, 20)
    frame = program.one(role="frame")["id"]
    wait_for("a node counts, not a window beside it", lambda: find(
        desk, node=frame, window=4000000000, name="Press me")["nodes"], 20)
    desk.client.call("GET", f"{A}?window=4000000000").problem(404, "window_not_found")


def test_acts_are_the_agents_only_while_it_may(desk, program):
    button = program.one(name="Press me")
    before = len(program.said())
    seen = str(desk.get("/v1/control")["epoch"])
    desk.post("/v1/control/pause")
    try:
        desk.client.call("POST", f"{A}/{button['id']}/action", body={}).problem(409, "control_paused")
        assert desk.client.call("GET", A, headers={"Holt-Epoch": seen}).status == 409
        wait_for("it is looked at all the same", lambda: program.find(name="Press me"), 20)
    finally:
        desk.post("/v1/control/resume")
    assert len(program.said()) == before
    assert act(desk, button["id"], "action")["ok"]


def test_a_token_that_views_does_not_act(desk, program):
    button = program.one(name="Press me")
    made = desk.post("/v1/tokens", {"scopes": ["view"]}, expect=201)
    viewer = Client(desk.url, made["token"])
    assert viewer.call("GET", f"{A}?pid={program.pid}").status == 200
    viewer.call("POST", f"{A}/{button['id']}/action", body={}).problem(403, "forbidden")


@pytest.mark.parametrize("query", ["depth=x", "depth=-1", "depth=65", "limit=0", "showing=maybe", "timeoutMs=0",
                                   "pid=0", "text=-1"])
def test_wrong_queries_are_400(desk, query):
    for path in (A, f"{A}/find"):
        assert desk.client.call("GET", f"{path}?{query}").status == 400


@pytest.mark.parametrize("what, body", [("text", {}), ("text", {"text": 5}), ("value", {}), ("value", {"value": "x"}),
                                        ("action", {"action": 5}), ("action", {"act": "x"}), ("focus", {"x": 1}),
                                        ("text", {"text": "x", "more": 1}), ("value", {"value": 1, "more": 1}),
                                        ("text", {"text": "a\uffff"}), ("text", {"text": "\ufdd0"}),
                                        ("text", {"text": "a\U0001fffe"}), ("action", {"action": "\ufffe"})])
def test_wrong_bodies_are_422(desk, program, what, body):
    desk.client.call("POST", f"{A}/x/{what}", body=body).problem(422, "unprocessable")


def test_the_verb_shows_a_line_for_each_node(desk, program):
    button = program.one(role="button", name="Press me")
    at = button["bounds"]

    def line():
        shown = holt(desk.home, "tree", "--app", "tree_program.py", "--state-dir", str(desk.state))
        assert shown.returncode == 0, shown.stderr
        its = [one for one in shown.stdout.splitlines() if button["id"] in one.split()]
        return its[0] if len(its) == 1 else None

    shown = wait_for("the verb shows the button", line, 30)
    assert 'push button "Press me"' in shown and f"{at['width']}x{at['height']}+{at['x']}+{at['y']}" in shown

    def found():
        got = holt(desk.home, "tree", "--role", "button", "--name", "press me", "--json", "--state-dir", str(desk.state))
        return button["id"] in {one["id"] for one in json.loads(got.stdout)["nodes"]}

    wait_for("the verb finds the button", found, 30)


PAGE = """<!doctype html><meta charset=utf-8><title>Tree page</title>
<button onclick="document.title = 'pressed ' + document.querySelector('input').value">Send it</button>
<input aria-label="Subject" value="old"><p>A paragraph of the page.</p>"""


def test_a_page_in_chromium_is_read_and_driven(desk):
    if subprocess.run(["which", "chromium"], capture_output=True).returncode != 0:
        print("SKIPPED a page in chromium: chromium is not installed")
        pytest.skip("chromium is not installed")
    page = desk.home / "page.html"
    page.write_text(PAGE)
    browser = desk.state / "run" / "browser"
    if not browser.exists():  # the state folder's path was too long for sockets
        browser = Path(environ_run_dir(desk)) / "browser"
    made = desk.post("/v1/desktop/launch", {"app": str(browser), "args": [f"file://{page}"]})
    try:
        def button():
            found = find(desk, role="push button", name="Send it", showing="true", timeoutMs=20000)["nodes"]
            return found[0] if found and "bounds" in found[0] else None

        send = wait_for("the page's button stands in the tree", button, 60)
        assert send["bounds"]["width"] > 10
        subject = wait_for("the page's field stands in the tree", lambda: find(
            desk, name="Subject", state="editable", timeoutMs=20000)["nodes"], 60)[0]
        # A page's fields take no text this way; they take the keyboard.
        assert act(desk, subject["id"], "focus")["ok"]
        wait_for("the field has the keyboard", lambda: find(desk, name="Subject", state="focused")["nodes"], 20)
        desk.post("/v1/desktop/keyboard/press", {"key": "ctrl+a"})
        desk.post("/v1/desktop/keyboard/type", {"text": "new"})
        wait_for("the text is read", lambda: [one.get("text") for one in find(desk, name="Subject", state="editable")["nodes"]] == ["new"], 20)
        act(desk, send["id"], "action")
        wait_for("the page changed", lambda: any(
            w["title"].startswith("pressed new") for w in desk.get("/v1/desktop/windows")["windows"]), 20)
    finally:
        with suppress(ProcessLookupError):
            os.kill(made["pid"], signal.SIGTERM)


def environ_run_dir(desk) -> str:
    return str(Path(desk.desktop_environment()["XAUTHORITY"]).parent)
