# SPDX-License-Identifier: Apache-2.0
"""The clipboard by the API in every form, against xclip and a real terminal; its changes in the
feed, and typing by way of it."""

from __future__ import annotations

import base64
import json
import os
import struct
import subprocess
import zlib

import pytest

from daemon import holt, slack, wait_for
from desktop import x_command, x_env

C = "/v1/desktop/clipboard"


def png(side: int) -> bytes:
    """A picture that does not shrink."""
    rows = b"".join(b"\0" + os.urandom(side * 3) for _ in range(side))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def xclip_in(daemon, content: bytes, target: str | None = None, selection: str = "clipboard") -> None:
    subprocess.run(["xclip", "-selection", selection, *(["-t", target] if target else [])],
                   input=content, env=x_env(daemon), stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=30 * slack(), check=True)


def xclip_out(daemon, target: str, selection: str = "clipboard") -> bytes:
    return subprocess.run(["xclip", "-selection", selection, "-o", "-t", target], env=x_env(daemon),
                          capture_output=True, timeout=30 * slack(), check=True).stdout


def get(daemon, query: str = ""):
    return daemon.client.call("GET", f"{C}{query}")


def copied(daemon, body) -> None:
    answer = daemon.client.call("POST", C, body=body)
    assert answer.status == 200 and answer.json() == {"ok": True}, answer


def types(daemon, selection: str = "clipboard") -> list[str]:
    return daemon.get(f"{C}/types?selection={selection}")["types"]


def test_text_both_ways(desk):
    copied(desk, {"text": "hello clip ä"})
    assert get(desk).json() == {"text": "hello clip ä", "selection": "clipboard"}
    assert x_command(desk, "xclip", "-selection", "clipboard", "-o") == "hello clip ä"
    copied(desk, {"text": "first", "selection": "primary"})
    assert get(desk, "?selection=primary").json()["text"] == "first"
    assert get(desk).json()["text"] == "hello clip ä"
    copied(desk, {"text": "both of them", "selection": "both"})
    for selection in ("primary", "clipboard"):
        assert x_command(desk, "xclip", "-selection", selection, "-o") == "both of them"
    long = "0123456789abcdef" * 40_000
    copied(desk, {"text": long})
    assert x_command(desk, "xclip", "-selection", "clipboard", "-o") == long
    copied(desk, {"text": ""})
    assert get(desk).json()["text"] == ""


@pytest.mark.parametrize("selection", ["clipboard", "primary"])
def test_text_that_a_program_copied_is_read(desk, selection):
    for text in ("from a program ✓", "again"):
        xclip_in(desk, text.encode(), selection=selection)
        wait_for(text, lambda t=text: get(desk, f"?selection={selection}").json()["text"] == t, 30)


def test_html_and_a_picture_are_had_in_each_form(desk):
    picture = png(16)
    copied(desk, {"html": "<p>Grüße <b>日本</b></p><script>no()</script>",
                  "image": base64.b64encode(picture).decode(), "selection": "both"})
    for selection in ("clipboard", "primary"):
        assert xclip_out(desk, "text/html", selection).decode() == "<p>Grüße <b>日本</b></p><script>no()</script>"
        assert xclip_out(desk, "UTF8_STRING", selection).decode() == "Grüße 日本"
        assert xclip_out(desk, "image/png", selection) == picture
        assert types(desk, selection) == ["text/plain", "text/html", "image/png"]
        assert get(desk, f"?selection={selection}").json() == {"text": "Grüße 日本", "selection": selection}
    html = get(desk, "?format=html")
    assert html.status == 200 and html.body.decode().startswith("<p>Grüße")
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in html.headers["content-security-policy"]
    assert html.headers["content-disposition"] == "attachment"
    shown = get(desk, "?format=image")
    assert shown.body == picture and shown.headers["content-type"] == "image/png"
    assert get(desk, "?format=image/png").body == picture
    assert get(desk, "?format=text").body.decode() == "Grüße 日本"


def test_what_programs_copy_is_read_in_its_form(desk):
    picture = png(900)  # two megabytes: in pieces
    xclip_in(desk, picture, "image/png")
    wait_for("the picture", lambda: types(desk) == ["image/png"], 20)
    assert get(desk, "?format=image").body == picture
    assert get(desk).json() == {"text": "", "selection": "clipboard"}
    get(desk, "?format=html").problem(404, "not_found")
    xclip_in(desk, b"<svg onload='x()'/>", "image/svg+xml")
    wait_for("the drawing", lambda: types(desk) == ["image/svg+xml"], 20)
    drawing = get(desk, "?format=image")
    assert drawing.headers["content-type"] == "application/octet-stream"
    assert drawing.headers["holt-type"] == "image/svg+xml"


def test_five_megabytes_both_ways(desk):
    text = "0123456789 grün\n" * 300_000
    xclip_in(desk, text.encode())
    wait_for("the text", lambda: len(get(desk, "?format=text").body) == len(text.encode()), 60)
    assert get(desk).json()["text"] == text
    copied(desk, {"text": text + "again"})
    assert xclip_out(desk, "UTF8_STRING").decode() == text + "again"


def test_addresses_of_files_are_for_file_managers(desk):
    copied(desk, {"uris": ["file:///tmp/a%20b", "file:///tmp/c"]})
    assert xclip_out(desk, "text/uri-list") == b"file:///tmp/a%20b\r\nfile:///tmp/c\r\n"
    assert xclip_out(desk, "x-special/gnome-copied-files") == b"copy\nfile:///tmp/a%20b\nfile:///tmp/c"
    assert get(desk, "?format=uris").body == b"file:///tmp/a%20b\r\nfile:///tmp/c\r\n"


@pytest.mark.parametrize("body,status,code,field", [
    ({}, 422, "unprocessable", "text"),
    ({"text": 7}, 422, "unprocessable", "text"),
    ({"html": 7}, 422, "unprocessable", "html"),
    ({"image": []}, 422, "unprocessable", "image"),
    ({"image": "***"}, 400, "invalid_request", "image"),
    ({"image": base64.b64encode(b"no picture").decode()}, 400, "invalid_request", "image"),
    ({"image": "data:image/png,xx"}, 400, "invalid_request", "image"),
    ({"uris": "file:///a"}, 422, "unprocessable", "uris"),
    ({"uris": []}, 400, "invalid_request", "uris"),
    ({"uris": ["file:///a", 3]}, 422, "unprocessable", "uris[1]"),
    ({"uris": ["a b"]}, 400, "invalid_request", "uris[0]"),
    ({"html": "x", "selection": "secondary"}, 400, "invalid_request", "selection"),
    ({"text": "x", "selection": "zzz"}, 400, "invalid_request", "selection"),
    ({"html": "x", "selection": 1}, 422, "unprocessable", "selection"),
], ids=lambda value: None)
def test_wrong_fields_are_named(desk, body, status, code, field):
    copied(desk, {"text": "stays"})
    problem = desk.client.call("POST", C, body=body).problem(status, code)
    assert field in problem["detail"]
    assert get(desk).json()["text"] == "stays"


@pytest.mark.parametrize("value", ["", "gif", "a/b%20c", "/", "image/", "TARGETS", "UTF8_STRING"])
def test_wrong_format_is_named(desk, value):
    assert "format" in get(desk, f"?format={value}").problem(400, "invalid_request")["detail"]


def test_wrong_selection_is_named(desk):
    assert "selection" in get(desk, "?selection=zzz").problem(400, "invalid_request")["detail"]


def test_too_much_is_refused(desk):
    picture = b"\x89PNG\r\n\x1a\n" + bytes(16 * 1024 * 1024)
    answer = desk.client.call("POST", C, body={"image": base64.b64encode(picture).decode()})
    assert "16 MiB" in answer.problem(413, "payload_too_large")["detail"]
    xclip_in(desk, bytes(b"x" * (17 * 1024 * 1024)))
    wait_for("the refusal", lambda: get(desk).status == 413, 60)
    get(desk).problem(413, "payload_too_large")
    copied(desk, {"text": "after that"})
    assert xclip_out(desk, "UTF8_STRING") == b"after that"


def test_changes_are_told_without_what_was_copied(desk):
    copied(desk, {"text": "before"})
    last = desk.get("/v1/activity?after=0")["next"]

    def told(selection: str, by: str):
        events = desk.get(f"/v1/activity?after={last}")["events"]
        return [e["data"] for e in events if e["kind"] == "clipboard"
                and e["data"]["selection"] == selection and e["data"]["by"] == by]

    copied(desk, {"html": "<b>secret</b>", "selection": "primary"})
    wait_for("the agent's", lambda: told("primary", "agent"), 20)
    one = told("primary", "agent")[-1]
    assert one["types"] == ["text/plain", "text/html"] and one["bytes"] == len("secret<b>secret</b>")
    xclip_in(desk, b"hidden words", selection="clipboard")
    wait_for("the program's", lambda: told("clipboard", "program"), 20)
    assert told("clipboard", "program")[-1]["types"] == ["text/plain"]
    events = [e for e in desk.get(f"/v1/activity?after={last}")["events"] if e["kind"] == "clipboard"]
    assert not any("secret" in json.dumps(e) or "hidden" in json.dumps(e) for e in events)


def test_who_only_watches_reads_nothing(desk):
    token = desk.client.call("POST", "/v1/tokens", body={"scopes": ["view"], "name": "eyes"}).json()["token"]
    for path in (C, f"{C}/types", f"{C}?format=html"):
        desk.client.call("GET", path, token=token).problem(403, "forbidden")


def test_a_text_is_typed_by_way_of_the_clipboard(desk, tmp_path):
    """xterm pastes what was selected: its key for the clipboard is set."""
    out = tmp_path / "typed"
    resources = ["-xrm", "XTerm.vt100.translations: #override Ctrl <Key>v: insert-selection(CLIPBOARD)"]
    program = subprocess.Popen(["xterm", *resources, "-T", "pasted here", "-e", "sh", "-c",
                                f"stty -echo; head -n 2 > {out}.part; mv {out}.part {out}; sleep 60"],
                               env=x_env(desk), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        focused = desk.client
        wait_for("the terminal", lambda: focused.call("GET", "/v1/desktop/windows/focused").status == 200
                 and focused.call("GET", "/v1/desktop/windows/focused").json()["title"] == "pasted here", 30)
        xclip_in(desk, b"<i>mine</i>", "text/html")
        wait_for("the former one", lambda: types(desk) == ["text/html"], 20)
        answer = desk.client.call("POST", "/v1/desktop/keyboard/type",
                                  body={"text": "Grüße 日本 😀\nsecond\n", "method": "paste"})
        assert answer.status == 200, answer
        wait_for("the text", out.exists, 30)
        assert out.read_text() == "Grüße 日本 😀\nsecond\n"
        assert types(desk) == ["text/html"]
        assert xclip_out(desk, "text/html") == b"<i>mine</i>"
    finally:
        program.kill()
        program.wait()


def test_verbs_take_and_give_every_form(desk, tmp_path):
    def verb(*arguments: str, **more):
        ran = holt(desk.home, "clipboard", *arguments, HOLT_URL=desk.url, HOLT_TOKEN=desk.token, **more)
        assert ran.returncode == 0, (arguments, ran.stdout, ran.stderr)
        return ran.stdout

    picture, page = tmp_path / "a.png", tmp_path / "page.html"
    picture.write_bytes(png(16))
    page.write_text("<p>from a <b>file</b></p>")
    verb("set", "--html", str(page), "--image", str(picture), "--selection", "both")
    assert verb("get", "--types").split() == ["text/plain", "text/html", "image/png"]
    assert json.loads(verb("get", "--types", "--json"))["types"][1] == "text/html"
    assert verb("get") == "from a file"
    assert verb("get", "--html") == "<p>from a <b>file</b></p>"
    assert verb("get", "--type", "text/html", "--selection", "primary") == "<p>from a <b>file</b></p>"
    told = json.loads(verb("get", "--image", str(tmp_path / "b.png"), "--json"))
    assert told == {"file": str(tmp_path / "b.png"), "bytes": picture.stat().st_size, "type": "image/png"}
    assert (tmp_path / "b.png").read_bytes() == picture.read_bytes()
    verb("set", "--file", str(page))
    assert xclip_out(desk, "UTF8_STRING").decode() == page.read_text()
    verb("set", "<i>x</i>", "--type", "html")
    assert xclip_out(desk, "text/html") == b"<i>x</i>"
    refused = holt(desk.home, "clipboard", "set", HOLT_URL=desk.url, HOLT_TOKEN=desk.token)
    assert refused.returncode == 64 and "TEXT" in refused.stderr
    missing = holt(desk.home, "clipboard", "get", "--image", "-", HOLT_URL=desk.url, HOLT_TOKEN=desk.token)
    assert missing.returncode != 0 and "image" in missing.stderr
