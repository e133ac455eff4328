# SPDX-License-Identifier: Apache-2.0
"""The desktop by the API: what is seen, what hands do, windows, clipboard; against the X server's
own tools."""

from __future__ import annotations

import base64
import os
import re
import struct
import subprocess
import threading
import zlib

import pytest

from daemon import Daemon, slack, wait_for

D = "/v1/desktop"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A desktop of a size that scales without a rest."""
    d = Daemon(tmp_path_factory.mktemp("desk"), "--desktop-width", "800", "--desktop-height", "600", "--stream-autostart", "false")
    yield d
    d.kill()


def x_env(daemon) -> dict[str, str]:
    return {**os.environ, **daemon.desktop_environment(), "LANG": "C.UTF-8"}


def x_command(daemon, *command: str, **options) -> str:
    done = subprocess.run(command, env=x_env(daemon), capture_output=True, text=True,
                          timeout=20 * slack(), **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def get(daemon, path, headers=None):
    return daemon.client.call("GET", f"{D}{path}", headers=headers)


def post(daemon, path, body=None):
    return daemon.client.call("POST", f"{D}{path}", body=body)


def done(daemon, path, body=None):
    answer = post(daemon, path, body)
    assert answer.status == 200, answer
    return answer.json()


def pixels(png: bytes):
    """(width, height, rows of RGB) of a PNG as Holt writes them: eight bits, no interlace."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    stream, width, height, at = b"", 0, 0, 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        content = png[at + 8:at + 8 + size]
        assert zlib.crc32(kind + content) == struct.unpack(">I", png[at + 8 + size:at + 12 + size])[0]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", content[:10])
            assert (depth, colour) == (8, 2)
        elif kind == b"IDAT":
            stream += content
        at += 12 + size
    raw, rows, before = zlib.decompress(stream), [], bytes(width * 3)
    for y in range(height):
        kind, row = raw[y * (width * 3 + 1)], bytearray(raw[y * (width * 3 + 1) + 1:(y + 1) * (width * 3 + 1)])
        for i in range(len(row)):
            left = row[i - 3] if i >= 3 else 0
            if kind == 1:
                row[i] = (row[i] + left) & 255
            elif kind == 2:
                row[i] = (row[i] + before[i]) & 255
            else:
                assert kind == 0
        before = bytes(row)
        rows.append(before)
    return width, height, rows


def colour(rows, x, y):
    return tuple(rows[y][x * 3:x * 3 + 3])


class Xterm:
    """A terminal of its own that does what a test needs, closed with it."""

    def __init__(self, daemon, title: str, *arguments: str, script="sleep 600"):
        self.daemon, self.title = daemon, title
        self.process = subprocess.Popen(
            ["xterm", "-u8", "-T", title, "-xrm", "*cursorBlink: false", *arguments, "-e", "sh", "-c",
             script], env=x_env(daemon), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.info = wait_for(f"window {title}", self.window, 20)

    def window(self):
        return next((w for w in self.daemon.get(f"{D}/windows")["windows"]
                     if w["title"] == self.title), None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(60)
        wait_for(f"{self.title} is gone", lambda: not self.window(), 20)


# -- the screen -----------------------------------------------------------------------------------


def test_display_info(desk):
    info = desk.get(f"{D}/display/info")
    assert info["resolution"] == {"width": 800, "height": 600, "dpi": 96}
    assert info["display"] == desk.desktop_environment()["DISPLAY"]


def test_formats(desk):
    heads = {"png": b"\x89PNG", "jpeg": b"\xff\xd8\xff", "webp": b"RIFF"}
    for name, head in heads.items():
        answer = get(desk, f"/screenshot?format={name}&quality=50")
        assert answer.status == 200 and answer.body.startswith(head)
        assert answer.headers["content-type"] == f"image/{name}"
        assert answer.headers["holt-area"] == "800x600+0+0"
        assert answer.headers["holt-size"] == "800x600"
    assert get(desk, "/screenshot").headers["content-type"] == "image/png"
    assert get(desk, "/screenshot?scale=0.5").headers["holt-size"] == "400x300"


@pytest.mark.parametrize("query", ["scale=0.05", "scale=1.5", "quality=0", "quality=101",
                                   "settle=-1"])
def test_out_of_range_of_a_picture(desk, query):
    problem = get(desk, f"/screenshot?{query}").problem(400, "desktop_invalid_action")
    assert query.split("=")[0] in problem["detail"]


@pytest.mark.parametrize("query", ["format=gif", "scale=abc", "quality=1.5", "showCursor=maybe",
                                   "scale=nan"])
def test_nonsense_of_a_picture(desk, query):
    problem = get(desk, f"/screenshot?{query}").problem(400, "invalid_request")
    assert query.split("=")[0] in problem["detail"]


def test_region(desk):
    answer = get(desk, "/screenshot/region?x=10&y=20&width=30&height=40")
    assert pixels(answer.body)[:2] == (30, 40)
    clipped = get(desk, "/screenshot/region?x=790&y=590&width=100&height=100")
    assert clipped.headers["holt-area"] == "10x10+790+590"
    assert get(desk, "/screenshot/region?x=0&y=0&width=99999&height=99999").headers["holt-size"] \
        == "800x600"
    for query in ("x=-1&y=0&width=10&height=10", "x=0&y=0&width=0&height=10",
                  "x=5000&y=5000&width=10&height=10"):
        get(desk, f"/screenshot/region?{query}").problem(400, "desktop_invalid_action")
    problem = get(desk, "/screenshot/region?x=0&y=0").problem(400, "invalid_request")
    assert "width" in problem["detail"]


def test_pixels_of_a_window_are_those_that_it_painted(desk):
    with Xterm(desk, "painted", "-bg", "#123456", "-b", "0", "-geometry", "40x10+50+60",
               script="printf '\\033[?25l'; sleep 600") as term:
        w = term.window()

        def seen():
            answer = get(desk, f"/screenshot/region?x={w['x']}&y={w['y']}"
                               f"&width={w['width']}&height={w['height']}&settle=100")
            width, height, rows = pixels(answer.body)
            assert (width, height) == (w["width"], w["height"])
            return all(colour(rows, x, y) == (0x12, 0x34, 0x56)
                       for x in range(width) for y in range(height))

        wait_for("the window's colour", seen, 20)
        by_window = get(desk, f"/screenshot?window={w['id']}")
        assert by_window.headers["holt-area"] == f"{w['width']}x{w['height']}+{w['x']}+{w['y']}"
        assert pixels(by_window.body)[:2] == (w["width"], w["height"])
    get(desk, "/screenshot?window=77").problem(404, "window_not_found")
    get(desk, "/screenshot?window=x").problem(404, "window_not_found")


def test_unchanged_screen_is_304(desk):
    def unchanged():
        tag = get(desk, "/screenshot?settle=200").headers["etag"]
        answer = get(desk, "/screenshot", {"If-None-Match": tag})
        return answer.status == 304 and answer.body == b"" and answer.headers["etag"] == tag

    wait_for("304", unchanged, 20)
    tag = get(desk, "/screenshot?settle=200").headers["etag"]
    assert get(desk, "/screenshot?scale=0.5", {"If-None-Match": tag}).status == 200
    with Xterm(desk, "changes"):  # in the list it is before it is seen
        wait_for("200", lambda: get(desk, "/screenshot", {"If-None-Match": tag}).status == 200, 20)


@pytest.mark.parametrize("scale", ["1", "0.5", "0.25"])
def test_pointer_is_in_the_picture_at_every_scale(desk, scale):
    done(desk, "/mouse/move", {"x": 400, "y": 300})
    # Of a part only: elsewhere a clock may have moved on.
    part = f"/screenshot/region?x=300&y=200&width=200&height=200&scale={scale}"
    with_it = pixels(get(desk, f"{part}&showCursor=true").body)
    without = pixels(get(desk, part).body)
    f = float(scale)
    different = [(x, y) for y in range(without[1]) for x in range(without[0])
                 if colour(with_it[2], x, y) != colour(without[2], x, y)]
    assert different
    assert all(80 * f - 2 <= x <= 132 * f and 80 * f - 2 <= y <= 132 * f for x, y in different), \
        different[:9]


# -- hands ----------------------------------------------------------------------------------------


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


# -- windows --------------------------------------------------------------------------------------


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


# -- clipboard ------------------------------------------------------------------------------------


def test_clipboard(desk):
    assert done(desk, "/clipboard", {"text": "hello clip ä"}) == {"ok": True}
    assert get(desk, "/clipboard").json() == {"text": "hello clip ä", "selection": "clipboard"}
    assert x_command(desk, "xclip", "-selection", "clipboard", "-o") == "hello clip ä"
    done(desk, "/clipboard", {"text": "first", "selection": "primary"})
    assert get(desk, "/clipboard?selection=primary").json()["text"] == "first"
    assert get(desk, "/clipboard").json()["text"] == "hello clip ä"
    done(desk, "/clipboard", {"text": "both of them", "selection": "both"})
    for selection in ("primary", "clipboard"):
        assert x_command(desk, "xclip", "-selection", selection, "-o") == "both of them"
    long = "0123456789abcdef" * 40_000
    done(desk, "/clipboard", {"text": long})
    assert x_command(desk, "xclip", "-selection", "clipboard", "-o") == long
    done(desk, "/clipboard", {"text": ""})
    assert get(desk, "/clipboard").json()["text"] == ""


@pytest.mark.parametrize("selection", ["clipboard", "primary"])
def test_what_a_program_copied_is_read(desk, selection):
    for text in ("from a program ✓", "again"):
        subprocess.run(["xclip", "-selection", selection], input=text.encode(), env=x_env(desk),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=True)
        wait_for(text, lambda t=text: get(desk, f"/clipboard?selection={selection}").json()["text"] == t, 30)


def test_clipboard_nonsense(desk):
    get(desk, "/clipboard?selection=zzz").problem(400, "invalid_request")
    post(desk, "/clipboard", {"text": "x", "selection": "zzz"}).problem(400, "invalid_request")
    post(desk, "/clipboard", {}).problem(422, "unprocessable")
    post(desk, "/clipboard", {"text": 7}).problem(422, "unprocessable")


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


# -- who may ---------------------------------------------------------------------------------------


CALLS = [("GET", "/display/info", None), ("GET", "/screenshot", None),
         ("GET", "/screenshot/region?x=0&y=0&width=10&height=10", None),
         ("GET", "/mouse/position", None), ("GET", "/windows", None),
         ("GET", "/windows/focused", None), ("GET", "/clipboard", None),
         ("POST", "/mouse/move", {"x": 1, "y": 1}), ("POST", "/keyboard/type", {"text": "a"}),
         ("POST", "/clipboard", {"text": "a"}), ("POST", "/windows/5/focus", None),
         ("POST", "/actions", {"actions": [{"type": "move", "x": 1, "y": 1}]}),
         ("POST", "/launch", {"app": "xterm"}), ("POST", "/open", {"target": "/tmp"})]


def test_a_desktop_that_is_stopped_is_409(daemon_of):
    d = daemon_of("--stream-autostart", "false")
    d.post(f"{D}/stop")
    for method, path, body in CALLS:
        d.client.call(method, f"{D}{path}", body=body).problem(409, "desktop_runtime_inactive")
    d.post(f"{D}/start", {})
    for method, path, body in CALLS[:5]:
        assert d.client.call(method, f"{D}{path}", body=body).status == 200


def test_a_daemon_without_a_desktop_says_so(bare):
    for method, path, body in CALLS:
        bare.client.call(method, f"{D}{path}", body=body).problem(409, "desktop_runtime_inactive")


def test_every_call_needs_a_token(bare):
    for method, path, body in CALLS:
        bare.client.call(method, f"{D}{path}", body=body, token=None).problem(401, "token_invalid")
