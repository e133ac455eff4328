# SPDX-License-Identifier: Apache-2.0
"""Terminals over WebSocket, as npm sandbox-agent 0.4.2 uses them, and what goes beyond it."""

from __future__ import annotations

import base64
import json

import pytest
from processes import API, create, end, ended, info, printed, sh
from web import LIMIT_S
from websockets.exceptions import ConnectionClosed, InvalidStatus


class Terminal:
    def __init__(self, daemon, pid: str, query: str = ""):
        # As the published client: only the query carries the token.
        self.ws = daemon.client.ws(f"{API}/{pid}/terminal/ws", token=None,
                                   query=f"?access_token={daemon.token}{query}").__enter__()
        self.bytes = b""
        self.frames: list[dict] = []

    def hear(self) -> None:
        got = self.ws.recv(timeout=LIMIT_S)
        if isinstance(got, bytes):
            self.bytes += got
        else:
            self.frames.append(json.loads(got))

    def until(self, check):
        for _ in range(100_000):
            if check(self):
                return self
            self.hear()
        raise AssertionError((self.frames, self.bytes[-2000:]))

    def say(self, **frame) -> None:
        self.ws.send(json.dumps(frame))

    def rest(self) -> "Terminal":
        """To its end."""
        try:
            while True:
                self.hear()
        except ConnectionClosed:
            return self


def bash(daemon, **more) -> str:
    return create(daemon, "bash", "--norc", "--noprofile", tty=True, interactive=True,
                  env={"TERM": "xterm", "PS1": "$ "}, **more)["id"]


def test_a_terminal_as_the_published_client_uses_it(bare):
    pid = bash(bare)
    t = Terminal(bare, pid).until(lambda t: t.frames)
    assert t.frames[0]["type"] == "ready" and t.frames[0]["processId"] == pid
    t.say(type="resize", cols=100, rows=30)
    t.say(type="input", data="stty size; tty\n")
    t.until(lambda t: b"30 100\r\n" in t.bytes and b"/dev/pts/" in t.bytes)
    t.say(type="input", data=base64.b64encode("echo gr\u00fc\u00dfe\n".encode()).decode(), encoding="base64")
    t.until(lambda t: "gr\u00fc\u00dfe\r\n".encode() in t.bytes)
    assert (info(bare, pid)["cols"], info(bare, pid)["rows"]) == (100, 30)
    for frame in ({"type": "bogus"}, {"type": "resize", "cols": 0, "rows": 0}, {"type": "input"}):
        t.frames.clear()
        t.say(**frame)
        t.until(lambda t: t.frames)
        assert t.frames[0]["type"] == "error" and t.frames[0]["message"]
    t.frames.clear()
    t.say(type="input", data="exit 5\n")
    t.rest()
    assert t.frames == [{"type": "exit", "exitCode": 5}]
    assert b"rror" not in t.bytes
    assert ended(bare, pid)["exitCode"] == 5
    assert printed(bare, pid, "pty").startswith(t.bytes[:20])
    again = Terminal(bare, pid).rest()
    assert [f["type"] for f in again.frames] == ["ready", "exit"] and again.bytes == t.bytes
    bare.client.call("POST", f"{API}/{pid}/terminal/resize", body={"cols": 90, "rows": 20}) \
        .problem(409, "conflict")
    end(bare, pid)


def test_a_terminal_begins_with_its_size(bare):
    pid = sh(bare, "stty size", tty=True, cols=132, rows=50)["id"]
    ended(bare, pid)
    assert printed(bare, pid, "pty") == b"50 132\r\n"
    end(bare, pid)


def test_resize_over_http(bare):
    pid = bash(bare)
    assert bare.post(f"{API}/{pid}/terminal/resize", {"cols": 90, "rows": 20}) == {"cols": 90, "rows": 20}
    for body, status in (({"cols": 0, "rows": 20}, 400), ({"cols": 90}, 422), ({"cols": "x", "rows": 1}, 422)):
        assert bare.client.call("POST", f"{API}/{pid}/terminal/resize", body=body).status == status
    end(bare, pid)
    plain = create(bare, "cat")["id"]
    bare.client.call("POST", f"{API}/{plain}/terminal/resize", body={"cols": 9, "rows": 9}) \
        .problem(409, "conflict")
    end(bare, plain)


def test_several_viewers_see_the_same_and_each_may_type(bare):
    pid = bash(bare)
    one, two = Terminal(bare, pid), Terminal(bare, pid, "&replay=0")
    two.until(lambda t: t.frames)
    # One after the other: the terminal may echo a key in the middle of a line that is printed.
    for typist, n in ((one, 41), (two, 42)):
        typist.say(type="input", data=f"echo from-$(({n - 1}+1))\n")
        for t in (one, two):
            t.until(lambda t, n=n: b"from-%d\r\n" % n in t.bytes)
    two.say(type="close")
    two.rest()
    assert info(bare, pid)["status"] == "running"
    late = Terminal(bare, pid).until(lambda t: b"from-42\r\n" in t.bytes)
    both = min(len(late.bytes), len(one.bytes))
    assert late.bytes[:both] == one.bytes[:both]
    end(bare, pid)


def test_a_terminal_goes_on_from_an_offset_without_a_gap(bare):
    pid = sh(bare, "stty -echo; seq 1 2000; read x; seq 2001 4000", tty=True)["id"]
    first = Terminal(bare, pid).until(lambda t: b"\n1000\r\n" in t.bytes)
    have, start = first.bytes, first.frames[0]["offset"]
    first.ws.close()
    bare.post(f"{API}/{pid}/input", {"data": "\n", "encoding": "utf8"})
    second = Terminal(bare, pid, f"&offset={start + len(have)}").rest()
    assert second.frames[0]["offset"] == start + len(have)
    whole = (have + second.bytes).replace(b"\r\n", b"\n").split(b"\n")
    assert [n for n in whole if n] == [b"%d" % n for n in range(1, 4001)]
    end(bare, pid)


def test_a_viewer_that_does_not_read_holds_nobody_up(bare):
    pid = sh(bare, "stty -echo; echo go; read x; head -c 40000000 /dev/zero | tr '\\0' a; echo; echo done",
             tty=True)["id"]
    slow, told = Terminal(bare, pid), Terminal(bare, pid, "&events=1")
    told.until(lambda t: t.bytes == b"go\r\n")
    bare.post(f"{API}/{pid}/input", {"data": "\n", "encoding": "utf8"})
    assert ended(bare, pid)["exitCode"] == 0
    told.rest()
    slow.rest()
    lost = sum(f["bytes"] for f in told.frames if f["type"] == "lost")
    assert told.frames[-1] == {"type": "exit", "exitCode": 0}
    assert lost + len(told.bytes) == 40_000_000 + len(b"go\r\n\r\ndone\r\n")
    assert told.bytes.endswith(b"done\r\n")
    assert {f["type"] for f in slow.frames} <= {"ready", "exit"}
    end(bare, pid)


def test_terminals_that_are_none(bare):
    plain = create(bare, "cat")["id"]
    for path, status in ((f"{API}/proc_999999/terminal/ws", 404), (f"{API}/{plain}/terminal/ws", 409)):
        with pytest.raises(InvalidStatus) as refused:
            bare.client.ws(path)
        assert refused.value.response.status_code == status
    bare.client.call("GET", f"{API}/{plain}/terminal/ws").problem(400, "upgrade_required")
    end(bare, plain)
