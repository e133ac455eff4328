# SPDX-License-Identifier: Apache-2.0
"""Who drives, by the API: take, give, pause, epochs, and the trace of what a person did."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from daemon import Daemon, slack, wait_for
from desktop import Xterm, x_command, x_env
from test_signaling import cookie
from web import hear, say

MOVE = "/v1/desktop/mouse/move"
AT = {"x": 30, "y": 40}
LONG_WAIT = [{"type": "wait", "ms": 10000}] * 4  # longer than it takes to look at the keys


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    d = Daemon(tmp_path_factory.mktemp("control"), "--desktop-width", "800", "--desktop-height", "600")
    yield d
    d.kill()


class Person:
    """Somebody with the page open: a browser's session."""

    def __init__(self, daemon, *flags):
        self.daemon = daemon
        self.headers = {"Cookie": cookie(daemon, *flags), "Origin": daemon.client.origin}

    def post(self, path, body=None, expect=200):
        answer = self.daemon.client.call("POST", path, body=body if body is not None else {},
                                         headers=self.headers, token=None)
        assert answer.status == expect, answer
        return answer.json() if expect not in (204,) else None

    def get(self, path):
        answer = self.daemon.client.call("GET", path, headers=self.headers, token=None)
        assert answer.status == 200, answer
        return answer.json()

    def viewer(self):
        return self.daemon.client.ws(token=None, headers=self.headers)


@pytest.fixture
def person(desk):
    one = Person(desk)
    yield one
    one.post("/v1/control/release", expect=204)
    one.post("/v1/control/resume")


def agent(desk, path=MOVE, body=None, **headers):
    return desk.client.call("POST", path, body=AT if body is None else body,
                            headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_take_holds_off_the_agent_and_not_the_person(desk, person):
    before = desk.get("/v1/control")["epoch"]
    now = person.post("/v1/control/take", {"name": "Ada"})
    assert now["taken"] and now["kind"] == "person" and now["name"] == "Ada"
    assert now["epoch"] == now["agentEpoch"] > before and now["mayAct"]
    refused = agent(desk).problem(409, "control_held")
    assert refused["holder"] == "Ada" and "Ada" in refused["detail"] and refused["epoch"] == now["epoch"]
    assert not desk.get("/v1/control")["mayAct"]
    person.post(MOVE, AT)
    person.post("/v1/control/release", {"note": "signed in"}, expect=204)
    after = desk.get("/v1/control")
    assert after["kind"] == "none" and after["note"] == "signed in" and after["mayAct"]
    moved = agent(desk)
    assert moved.status == 200 and moved.headers["holt-epoch"] == str(after["epoch"])


def test_knowledge_of_before_is_refused_after_a_take(desk, person):
    seen = str(desk.get("/v1/control")["epoch"])
    assert agent(desk, Holt_Epoch=seen).status == 200
    person.post("/v1/control/take", {"name": "Ada"})
    shot = {"headers": {"Holt-Epoch": seen}}
    held = desk.client.call("GET", "/v1/desktop/screenshot", **shot).problem(409, "control_held")
    assert held["holder"] == "Ada"
    assert desk.client.call("GET", "/v1/desktop/screenshot").status == 200
    person.post("/v1/control/give", {"to": "agent"})
    agent(desk, Holt_Epoch=seen).problem(409, "control_changed")
    desk.client.call("GET", "/v1/desktop/screenshot", **shot).problem(409, "control_changed")
    now = desk.get("/v1/control")
    assert now["kind"] == "agent"
    assert agent(desk, Holt_Epoch=str(now["epoch"])).status == 200
    agent(desk, Holt_Epoch="soon").problem(400, "invalid_request")


def test_a_paused_agent_waits(desk, person):
    now = person.post("/v1/control/pause")
    assert now["paused"] and now["pausedBy"] and not now["taken"] and now["mayAct"]
    refused = agent(desk).problem(409, "control_paused")
    assert refused["holder"] == now["pausedBy"]
    person.post(MOVE, AT)
    agent(desk, "/v1/desktop/clipboard", {"text": "x"}).problem(409, "control_paused")
    person.post("/v1/control/resume")
    assert agent(desk).status == 200


def test_an_act_in_flight_ends_with_a_pause(desk, person):
    got = []
    wait = {"actions": [{"type": "key_down", "key": "Shift"}, *LONG_WAIT]}
    caller = threading.Thread(target=lambda: got.append(agent(desk, "/v1/desktop/actions", wait)))
    caller.start()
    wait_for("Shift is down", lambda: keys_down(desk), 20)
    person.post("/v1/control/pause")
    caller.join(60)
    assert not caller.is_alive()
    results = got[0].json()
    assert not results["completed"] and results["results"][-1]["effect"] == "refused"
    wait_for("Shift is let go", lambda: not keys_down(desk), 10)


KEYS_DOWN = """
import ctypes
x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = ctypes.c_void_p
d, keys = x.XOpenDisplay(None), ctypes.create_string_buffer(32)
x.XQueryKeymap(ctypes.c_void_p(d), keys)
print(int(any(keys.raw)))
"""


def keys_down(desk) -> bool:
    return x_command(desk, sys.executable, "-c", KEYS_DOWN).strip() == "1"


def test_an_act_that_waited_does_not_outlast_a_take_and_release(desk, person):
    got = []
    wait = {"actions": [{"type": "key_down", "key": "Shift"}, *LONG_WAIT, {"type": "move", **AT}]}
    caller = threading.Thread(target=lambda: got.append(agent(desk, "/v1/desktop/actions", wait)))
    caller.start()
    wait_for("the first act is done", lambda: keys_down(desk), 20)
    person.post("/v1/control/take")
    person.post("/v1/control/release", expect=204)
    caller.join(60)
    assert not caller.is_alive()
    assert not got[0].json()["completed"]
    wait_for("Shift is let go", lambda: not keys_down(desk), 10)


def test_the_person_drives_the_live_view_with_one_call(desk, person):
    with person.viewer() as socket:
        me = hear(socket, "holt/session")["id"]
        hear(socket, "system/init")
        now = person.post("/v1/control/take", {"viewer": me})
        assert now["viewer"] == me and now["taken"]
        while not (control := hear(socket, "holt/control")).get("you"):
            pass
        assert {"agentEpoch", "paused", "pausedBy", "note"} <= control.keys()
        other = Person(desk, "--view")
        assert other.daemon.client.call("POST", "/v1/control/take", body={}, token=None,
                                        headers=other.headers).status == 403
        person.post("/v1/control/give", {"to": "agent", "note": "yours"})
        while (control := hear(socket, "holt/control"))["kind"] != "agent":
            pass
        assert control["note"] == "yours" and control["viewer"] is None


def test_a_take_on_the_signaling_lets_the_same_browser_act(desk, person):
    with person.viewer() as socket:
        hear(socket, "system/init")
        say(socket, "control/take")
        while not hear(socket, "holt/control").get("taken"):
            pass
        person.post(MOVE, AT)
        agent(desk).problem(409, "control_held")
        Person(desk).daemon.client.call("POST", MOVE, body=AT, token=None,
                                        headers=Person(desk).headers).problem(409, "control_held")


def test_a_caller_without_a_session_has_a_lease(desk):
    lease = agent(desk, "/v1/control/take", {"name": "script"}).json()["lease"]
    agent(desk).problem(409, "control_held")
    assert agent(desk, Holt_Lease=lease).status == 200
    assert agent(desk, "/v1/control/release", {}, Holt_Lease=lease).status == 204
    assert agent(desk).status == 200


def test_a_change_is_waited_for(desk, person):
    now = person.post("/v1/control/take")["epoch"]
    got = []
    path = f"/v1/control?after={now}&waitMs=60000"
    waiting = threading.Thread(target=lambda: got.append(desk.get(path)))
    waiting.start()
    person.post("/v1/control/give", {"to": "agent"})
    waiting.join(60)
    assert got and got[0]["epoch"] > now and got[0]["kind"] == "agent"
    same = got[0]["epoch"]
    assert desk.get(f"/v1/control?after={same}&waitMs=1")["epoch"] == same


@pytest.mark.parametrize("path, body, status", [
    ("take", {"viewer": 7}, 422), ("take", {"viewer": "999"}, 404), ("take", {"viewer": "x"}, 404),
    ("give", {"to": []}, 422), ("give", {"to": "999"}, 404), ("give", {"note": "x" * 1001}, 400),
    ("release", {"note": {}}, 422), ("take", [], 422)])
def test_control_nonsense(desk, path, body, status):
    assert agent(desk, f"/v1/control/{path}", body).status == status


def test_control_queries_nonsense(desk):
    for query in ("after=x", "waitMs=x", "waitMs=60001", "waitMs=-1"):
        assert desk.client.call("GET", f"/v1/control?{query}").status == 400
    for query in ("after=x", "limit=0", "limit=x"):
        assert desk.client.call("GET", f"/v1/control/trace?{query}").status == 400


# -- the trace ------------------------------------------------------------------------------------


def trace(desk, after=0):
    return desk.get(f"/v1/control/trace?after={after}")


def by_hand(desk, *arguments):
    """As a person's hands: from another X connection, as the live view's engine does."""
    subprocess.run(["xdotool", *arguments], env=x_env(desk), check=True, timeout=20 * slack())


def test_what_a_person_did_is_told_without_the_text(desk):
    with Xterm(desk, "traced", script="cat >/dev/null") as term:
        start = trace(desk)["next"] if not trace(desk)["entries"] else trace(desk)["entries"][-1]["seq"]
        x, y = term.info["x"] + 20, term.info["y"] + 20
        agent(desk, "/v1/desktop/mouse/click", {"x": x, "y": y})
        agent(desk, "/v1/desktop/keyboard/type", {"text": "by the agent"})
        by_hand(desk, "mousemove", str(x), str(y), "click", "--repeat", "2", "--delay", "50", "1")
        by_hand(desk, "type", "--delay", "5", "secret")
        by_hand(desk, "key", "Return")
        by_hand(desk, "key", "ctrl+l")
        by_hand(desk, "click", "--repeat", "3", "5")
        seen = []

        def all_of_it():
            seen.extend(trace(desk, seen[-1]["seq"] if seen else start)["entries"])
            return sum(-1 * e["dy"] if e["dy"] < 0 else e["dy"] for e in seen
                       if e["kind"] == "scroll") == 3

        wait_for("the trace of the wheel", all_of_it, 30)
        clicks = [e for e in seen if e["kind"] == "click"]
        assert sum(e["count"] for e in clicks) == 2
        assert clicks[0]["title"] == "traced" and clicks[0]["window"] == term.info["id"]
        assert (clicks[0]["x"], clicks[0]["y"], clicks[0]["button"]) == (x, y, 1)
        typed = [e for e in seen if e["kind"] == "type"]
        assert sum(e["keys"] for e in typed) == len("secret")
        assert not any("text" in e for e in typed)
        assert [e["key"] for e in seen if e["kind"] == "key"] == ["Return", "ctrl+l"]
        assert [e["title"] for e in seen if e["kind"] == "focus"] in (["traced"], [])
        assert [e["seq"] for e in seen] == sorted({e["seq"] for e in seen})
