# SPDX-License-Identifier: Apache-2.0
"""The verbs over the API: a picture, a hand, files, processes, each as text and as JSON, and what
they say when something is wrong."""

from __future__ import annotations

import base64
import json

import pytest
from daemon import holt, wait_for


def sbx(daemon, *arguments: str, **more):
    """One verb against this daemon, found by its environment as on another machine."""
    return holt(daemon.home, *arguments, HOLT_URL=daemon.url, HOLT_TOKEN=daemon.token, **more)


def good(daemon, *arguments: str) -> str:
    answer = sbx(daemon, *arguments)
    assert answer.returncode == 0, (arguments, answer.stdout, answer.stderr)
    return answer.stdout


def refused(answer, code: int, *words: str) -> None:
    assert answer.returncode == code, (answer.returncode, answer.stdout, answer.stderr)
    rows = answer.stderr.strip().splitlines()
    assert len(rows) == 1 and rows[0].startswith("holt: "), answer.stderr
    for word in words:
        assert word.lower() in rows[0].lower(), (word, rows[0])


VERBS = ("screenshot", "click", "type", "press", "windows", "ps", "logs", "cat", "ls")


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example_and_json(home, verb):
    answer = holt(home, verb, "--help")
    assert answer.returncode == 0 and "Example:" in answer.stdout and f"holt {verb}" in answer.stdout
    assert "--json" in answer.stdout and "HOLT_URL" in answer.stdout


# -- the desktop ----------------------------------------------------------------------------------


def test_a_picture_in_a_file_and_through_a_pipe(daemon):
    target = daemon.home / "screen.png"
    told = json.loads(good(daemon, "screenshot", "--json", str(target)))
    assert target.read_bytes().startswith(b"\x89PNG") and told["bytes"] == target.stat().st_size
    assert told["size"] == "1280x720" and told["contentType"] == "image/png"
    good(daemon, "screenshot", "--region", "0,0,64,32", str(daemon.home / "part.jpg"))
    assert (daemon.home / "part.jpg").read_bytes().startswith(b"\xff\xd8")
    assert not [p for p in daemon.home.iterdir() if p.name.startswith(".holt-")]
    small = json.loads(good(daemon, "screenshot", "--json", "--scale", "0.5", str(target)))
    assert small["size"] == "640x360"


def test_a_picture_that_cannot_be(daemon, bare):
    refused(sbx(daemon, "screenshot", "--region", "1,2", "x.png"), 64, "--region")
    refused(sbx(daemon, "screenshot", "no/such/x.png"), 1, "no/such/x.png")
    refused(sbx(daemon, "screenshot", "--window", "1", "x.png"), 1, "window")
    refused(sbx(bare, "screenshot", "x.png"), 1, "holt start desktop")


def test_the_hand_on_the_desktop(daemon):
    at = json.loads(good(daemon, "click", "40", "50", "--count", "2", "--modifiers", "ctrl,shift",
                         "--json"))
    assert (at["x"], at["y"]) == (40, 50)
    assert good(daemon, "click", "41", "51", "--effect").strip() in ("confirmed", "no_visible_change")
    refused(sbx(daemon, "click", "1", "1", "--modifiers", "hyper"), 64, "hyper", "ctrl")
    refused(sbx(daemon, "click", "--", "-1", "1"), 1, "x")
    assert json.loads(good(daemon, "press", "ctrl+a", "--json"))["ok"]
    refused(sbx(daemon, "press", "NoSuchKey"), 1, "NoSuchKey")
    assert json.loads(good(daemon, "type", "--json", "--", "-grüße"))["ok"]
    refused(sbx(daemon, "type", "-"), 64, "nothing")  # stdin is empty


def test_clipboard_there_and_back(daemon):
    good(daemon, "clipboard", "set", "text 你好")
    assert good(daemon, "clipboard", "get") == "text 你好"
    assert json.loads(good(daemon, "clipboard", "get", "--json"))["text"] == "text 你好"
    assert "windows" in json.loads(good(daemon, "windows", "--json"))


# -- files ----------------------------------------------------------------------------------------


def test_cat_prints_files_of_any_bytes(bare):
    (bare.home / "workspace" / "a.txt").write_text("one\n")
    (bare.home / "workspace" / "b.txt").write_text("two\n")
    assert good(bare, "cat", "a.txt", "sbx:b.txt") == "one\ntwo\n"
    both = sbx(bare, "cat", "nope", "b.txt")
    assert both.returncode == 1 and both.stdout == "two\n" and "nope" in both.stderr
    told = json.loads(good(bare, "cat", "--json", "a.txt"))
    assert told["data"] == "one\n" and told["encoding"] == "utf8" and told["size"] == 4


def test_ls_of_a_folder_a_file_and_everything_below(bare):
    top = bare.home / "workspace" / "listed"
    (top / "sub").mkdir(parents=True)
    (top / "f").write_text("12345")
    (top / "sub" / "g").write_text("")
    (top / "f").chmod(0o640)
    assert good(bare, "ls", "listed").split() == ["f", "sub/"]
    assert good(bare, "ls", "-R", "sbx:listed").split() == ["f", "sub/", "sub/g"]
    row = good(bare, "ls", "-l", "listed").splitlines()[0]
    assert row.startswith("-rw-r-----") and " 5 " in row and row.endswith(" f")
    assert [e["name"] for e in json.loads(good(bare, "ls", "--json", "listed"))] == ["f", "sub"]
    assert "-rw-r-----" in good(bare, "ls", "-l", "listed/f")
    refused(sbx(bare, "ls", "no/such"), 1, "no/such")


# -- processes ------------------------------------------------------------------------------------


def made(daemon, script: str, **more) -> str:
    return daemon.post("/v1/processes", {"command": "sh", "args": ["-c", script], **more})["id"]


def ended(daemon, pid: str) -> None:
    wait_for("its end", lambda: daemon.get(f"/v1/processes/{pid}")["status"] == "exited", 20)


def test_ps_shows_what_runs_and_with_all_what_ended(bare):
    runs, gone = made(bare, "sleep 600"), made(bare, "exit 3")
    ended(bare, gone)
    shown = good(bare, "ps")
    assert runs in shown and gone not in shown
    assert "exit 3" in next(row for row in good(bare, "ps", "--all").splitlines() if gone in row)
    assert runs in [p["id"] for p in json.loads(good(bare, "ps", "--json"))["processes"]]
    bare.post(f"/v1/processes/{runs}/kill")


def test_logs_whole_their_tail_and_what_follows(bare):
    pid = made(bare, "echo one; echo two >&2; printf 'three\\nfour'; exit 4")
    ended(bare, pid)
    answer = sbx(bare, "logs", pid)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "one\nthree\nfour", "two\n")
    plain = made(bare, "printf 'one\\nthree\\nfour'")  # which of two pipes is read first is anybody's guess
    ended(bare, plain)
    assert good(bare, "logs", "--tail", "1", plain) == "four"
    assert good(bare, "logs", "--tail", "2", plain) == "three\nfour"
    assert good(bare, "logs", "--since", "1h", pid) == "one\nthree\nfour"
    assert "one" in good(bare, "logs", "-f", pid)
    rows = [json.loads(row) for row in good(bare, "logs", "-f", "--json", pid).splitlines()]
    assert rows[-1] == {"event": "exit", "exitCode": 4}
    told = [base64.b64decode(row["data"]) for row in rows[:-1] if row["stream"] == "stdout"]
    assert b"".join(told) == b"one\nthree\nfour"
    refused(sbx(bare, "logs", "proc_999999"), 1, "proc_999999")
    refused(sbx(bare, "logs", "-f", "proc_999999"), 1, "proc_999999")
    refused(sbx(bare, "logs", "--since", "soon", pid), 64, "--since")


# -- who answers ----------------------------------------------------------------------------------


def test_a_daemon_that_is_not_there_or_refuses(home, bare):
    refused(holt(home, "ls", "--url", "http://127.0.0.1:1", "--token", "x"), 69, "no daemon")
    refused(holt(home, "ls", "--url", "ftp://x"), 64, "http://HOST:PORT")
    refused(holt(home, "ls", "--url", bare.url, "--token", "wrong"), 1, "HOLT_TOKEN")
    refused(holt(home, "ls"), 69, "holt serve")


def test_the_token_of_this_machine_is_shown_to_its_own_daemon_only(home, bare):
    """With an address of its own and no token, a verb that would have one here shows none."""
    state = home / ".local" / "state" / "holt"
    state.mkdir(parents=True)
    (state / "token").write_text(bare.token)
    (state / "token").chmod(0o600)
    refused(holt(home, "ls", "--url", bare.url), 1, "token")
