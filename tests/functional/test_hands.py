# SPDX-License-Identifier: Apache-2.0
"""The desktop by the API: what hands do. Mouse, keyboard, several acts in one request, and what the
feed tells of them; against the X server's own tools and a real terminal."""

from __future__ import annotations

import pytest

from daemon import wait_for
from desktop import D, Xterm, done, get, post, x_command


def test_mouse(desk):
    assert done(desk, "/mouse/move", {"x": 321, "y": 234, "foo": 1})["x"] == 321
    where = get(desk, "/mouse/position").json()
    assert (where["x"], where["y"], where["screen"]) == (321, 234, 0) and where["window"].isdigit()
    told = x_command(desk, "xdotool", "getmouselocation")
    assert "x:321 y:234" in told
    assert done(desk, "/mouse/click", {"x": 700, "y": 500, "button": "middle", "clickCount": 2})["y"] == 500
    assert done(desk, "/mouse/drag", {"startX": 600, "startY": 500, "endX": 650, "endY": 540}) \
        .items() >= {"x": 650, "y": 540}.items()
    assert done(desk, "/mouse/scroll", {"x": 10, "y": 11, "deltaY": 2})["x"] == 10
    assert done(desk, "/mouse/down", {"x": 5, "y": 6})["x"] == 5
    assert done(desk, "/mouse/up", {})["y"] == 6


@pytest.mark.parametrize("path,body,name", [
    ("move", {"x": -1, "y": 1}, "x"), ("move", {"x": 99999, "y": 1}, "x"),
    ("move", {"x": 1, "y": 600}, "y"), ("click", {"x": 1, "y": 1, "clickCount": 0}, "clickCount"),
    ("down", {"x": 5}, "y"), ("drag", {"startX": -5, "startY": 1, "endX": 2, "endY": 2}, "startX"),
    ("drag", {"startX": 5, "startY": 1, "endX": 2000, "endY": 2}, "x"),
    ("scroll", {"x": 1, "y": 1}, "deltaX")])
def test_mouse_out_of_range(desk, path, body, name):
    assert name in post(desk, f"/mouse/{path}", body).problem(400, "desktop_invalid_action")["detail"]


@pytest.mark.parametrize("path,body,name", [
    ("mouse/move", {"x": 1}, "y"), ("mouse/move", {"x": 1.5, "y": 2}, "x"),
    ("mouse/click", {"x": 1, "y": 1, "button": "side"}, "button"),
    ("keyboard/type", {"text": 5}, "text"), ("keyboard/press", {}, "key"),
    ("keyboard/press", {"key": "a", "modifiers": {"ctrl": 3}}, "ctrl")])
def test_wrong_types(desk, path, body, name):
    assert name in post(desk, f"/{path}", body).problem(422, "unprocessable")["detail"]


@pytest.mark.parametrize("path,body,name", [
    ("type", {"text": ""}, "text"), ("type", {"text": "\x07"}, "U+0007"),
    ("press", {"key": ""}, "key"), ("press", {"key": "NoSuchKey"}, "NoSuchKey"),
    ("press", {"key": "ctrl+Nope"}, "Nope"), ("down", {"key": "\t\n "}, "key")])
def test_no_such_key(desk, path, body, name):
    assert name in post(desk, f"/keyboard/{path}", body).problem(400, "desktop_invalid_action")["detail"]


def test_bodies_that_are_none(desk):
    call = desk.client.call
    call("POST", f"{D}/mouse/move", raw=b"{", headers={"Content-Type": "application/json"}) \
        .problem(400, "invalid_request")
    call("POST", f"{D}/mouse/move", raw=b'{"x":1,"y":1}', headers={"Content-Type": "text/plain"}) \
        .problem(415, "unsupported_type")


SCRIPTS = ["plain text, 0123456789 {}[]|\\~`'\"", "äöüß€ ÀÉÎÕÛ", "Привет мир", "Γειά σου Κόσμε",
           "漢字とかな", "한국어 문장", "עברית", "العربية", "हिन्दी", "ไทย", "Tiếng Việt", "🎉😀"]


def test_text_in_many_scripts_arrives_byte_for_byte(daemon_of, tmp_path):
    """Line by line: a program that lags must have read one before its keys get another meaning. On
    a desktop of its own, since the window manager is busy with all the new keys for a while."""
    d = daemon_of("--stream-autostart", "false")
    target = tmp_path / "typed"
    with Xterm(d, "typing", script=f"stty -echo; exec cat > {target}") as term:
        done(d, f"/windows/{term.info['id']}/focus")
        wait_for("cat", target.exists, 20)
        expected = b""
        for line in SCRIPTS:
            expected += line.encode() + b"\n"
            assert done(d, "/keyboard/type", {"text": line + "\n"}) == {"ok": True}
            wait_for(line, lambda: target.read_bytes().count(b"\n") == expected.count(b"\n"), 20)
            assert target.read_bytes() == expected


def test_long_text_is_not_cut(desk, tmp_path):
    target = tmp_path / "long"
    with Xterm(desk, "long", script=f"stty -echo; exec cat > {target}") as term:
        done(desk, f"/windows/{term.info['id']}/focus")
        wait_for("cat", target.exists, 20)
        text = "".join(f"Line {i:04} of a long TEXT, with äöü.\n" for i in range(120))
        done(desk, "/keyboard/type", {"text": text})
        try:
            wait_for("the end", lambda: len(target.read_bytes()) >= len(text.encode()), 30)
        finally:
            assert target.read_text(errors="replace") == text


def test_combinations_and_keys(desk, tmp_path):
    target = tmp_path / "keys"
    with Xterm(desk, "keys", script=f"stty raw -echo; exec cat > {target}") as term:
        done(desk, f"/windows/{term.info['id']}/focus")
        wait_for("cat", target.exists, 20)
        done(desk, "/keyboard/press", {"key": "ctrl+b"})
        done(desk, "/keyboard/press", {"key": "a", "modifiers": {"ctrl": True, "shift": False}})
        for key in ("Enter", "ArrowUp", "Escape", "Tab", "Backspace", "shift+a", " "):
            done(desk, "/keyboard/press", {"key": key})
        done(desk, "/keyboard/down", {"key": "Shift_L"})
        done(desk, "/keyboard/press", {"key": "X"})
        done(desk, "/keyboard/up", {"key": "Shift_L"})
        want = b"\x02\x01\r\x1b[A\x1b\t\x08A X"
        wait_for("all keys", lambda: target.exists() and len(target.read_bytes()) >= len(want), 20)
        assert target.read_bytes().replace(b"\x7f", b"\x08") == want


def test_several_acts_in_one_request(desk):
    answer = done(desk, "/actions", {"actions": [
        {"type": "move", "x": 10, "y": 20}, {"type": "click", "x": 30, "y": 40},
        {"type": "wait", "ms": 5}, {"type": "move", "x": 50, "y": 60}]})
    assert answer["completed"] is True
    assert [(r["x"], r["y"]) for r in answer["results"]] == [(10, 20), (30, 40), (30, 40), (50, 60)]
    problem = post(desk, "/actions", {"actions": [{"type": "move", "x": 1, "y": 1},
                                                  {"type": "move", "x": 800, "y": 1}]}) \
        .problem(400, "desktop_invalid_action")
    assert "actions[1].x" in problem["detail"]
    assert get(desk, "/mouse/position").json()["x"] == 50, "nothing of it was done"
    post(desk, "/actions", {"actions": [{"type": "fly"}]}).problem(422, "unprocessable")
    post(desk, "/actions", {"actions": []}).problem(400, "desktop_invalid_action")
    post(desk, "/actions", {}).problem(422, "unprocessable")


def test_effect(desk):
    with Xterm(desk, "effect") as term:
        done(desk, f"/windows/{term.info['id']}/focus")
        get(desk, "/screenshot?settle=300")
        answer = done(desk, "/actions", {"effect": "wait", "effectMs": 2000, "actions": [
            {"type": "type", "text": "visible"}]})
        assert answer["results"][0]["effect"] == "confirmed"
    get(desk, "/screenshot?settle=500")
    # The panel's clock may move on at that very moment.
    wait_for("an act that changes nothing", lambda: done(desk, "/mouse/move?effect=wait", {
        "x": 700, "y": 300})["effect"] == "no_visible_change", 20)
    problem = post(desk, "/mouse/move?effect=wait&effectMs=9999", {"x": 1, "y": 1})
    problem.problem(400, "desktop_invalid_action")


def test_acts_are_in_the_feed_without_what_was_typed(desk):
    before = desk.get("/v1/activity")["next"]
    done(desk, "/keyboard/type", {"text": "hunter2"})
    done(desk, "/mouse/click", {"x": 3, "y": 4})

    def told():
        events = desk.get(f"/v1/activity?after={before}")["events"]
        acts = [e["data"] for e in events if e["kind"] == "act"]
        return acts if len(acts) >= 2 else None

    typed, click = wait_for("two acts", told, 20)[:2]
    assert typed["act"] == "type" and typed["characters"] == 7 and "hunter2" not in str(typed)
    assert click["act"] == "click" and (click["x"], click["y"]) == (3, 4)
