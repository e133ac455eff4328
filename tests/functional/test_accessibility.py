# SPDX-License-Identifier: Apache-2.0
"""The accessibility tree over the API, with real programs: what they say of themselves agrees with
the screen, acts reach them, and one that hangs or ends hurts nobody else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

from daemon import Daemon, descendants, holt, none_left, wait_for
from test_desktop_api import pixels
from web import Client

A = "/v1/desktop/accessibility"
PROGRAM = Path(__file__).with_name("tree_program.py")
PYTHON = "/usr/bin/python3"


def missing() -> str:
    if not Path("/usr/libexec/at-spi-bus-launcher").exists():
        return "at-spi2-core is not installed"
    gtk = subprocess.run([PYTHON, "-c", "import gi; gi.require_version('Gtk', '3.0')"], capture_output=True)
    return "" if gtk.returncode == 0 else "python3-gi with GTK 3 is not installed"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
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
            return found[0] if len(found) == 1 else None

        return wait_for(f"one node of {self.title} is {query}", look, 10)

    def end(self) -> None:
        try:
            os.kill(self.pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
        self.desk.client.call("POST", f"/v1/processes/{self.id}/kill")


@pytest.fixture
def program_of(desk):
    made: list[Program] = []

    def make(title: str) -> Program:
        made.append(Program(desk, title))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture(scope="module")
def program(desk):
    p = Program(desk, "Tree one")
    yield p
    p.end()


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


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
