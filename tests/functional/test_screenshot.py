# SPDX-License-Identifier: Apache-2.0
"""The desktop by the API: what is seen. Pictures of the screen, of a part and of a window, against
what was painted."""

from __future__ import annotations

import pytest

from daemon import wait_for
from desktop import D, Xterm, colour, done, get, pixels


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

    def still():
        """The frame of a window that closed before may still be on its way out."""
        before, shown, after = (get(desk, part + more).body for more in ("", "&showCursor=true", ""))
        return (pixels(shown), pixels(before)) if before == after else None

    with_it, without = wait_for("a still picture", still, 20)
    f = float(scale)
    different = [(x, y) for y in range(without[1]) for x in range(without[0])
                 if colour(with_it[2], x, y) != colour(without[2], x, y)]
    assert different
    assert all(80 * f - 2 <= x <= 132 * f and 80 * f - 2 <= y <= 132 * f for x, y in different), \
        different[:9]
