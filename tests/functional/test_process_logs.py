# SPDX-License-Identifier: Apache-2.0
"""Output of processes over HTTP: by sequence, from an offset, as it comes, and what is lost."""

from __future__ import annotations

import base64
import http.client
import json

from daemon import wait_for
from processes import API, create, end, ended, entries, printed, sh
from web import LIMIT_S


def test_logs_by_sequence_tail_and_offset(bare):
    pid = sh(bare, "for i in 1 2 3; do echo $i; read x; done")["id"]
    for n in (1, 2, 3):
        wait_for("a line", lambda n=n: len(entries(bare, pid)) == n, 20)
        bare.post(f"{API}/{pid}/input", {"data": "\n", "encoding": "utf8"})
    ended(bare, pid)
    whole = entries(bare, pid)
    assert [e["sequence"] for e in whole] == [1, 2, 3]
    assert [e["offset"] for e in whole] == [0, 2, 4]
    assert entries(bare, pid, "?tail=1") == whole[2:]
    assert entries(bare, pid, "?since=1") == whole[1:]
    assert entries(bare, pid, "?stream=stderr") == []
    assert [e["offset"] for e in entries(bare, pid, "?stream=stdout&offset=3")] == [3, 4]
    for wrong in ("?stream=zzz", "?tail=x", "?since=-1", "?offset=1"):
        bare.client.call("GET", f"{API}/{pid}/logs{wrong}").problem(400, "invalid_request")
    end(bare, pid)


class Follower:
    """GET …/logs?follow=true, event by event."""

    def __init__(self, daemon, pid: str, query: str = "", headers: dict | None = None):
        client = daemon.client
        self.http = http.client.HTTPConnection(client.host, client.port, timeout=LIMIT_S)
        self.http.request("GET", f"{API}/{pid}/logs?follow=true{query}",
                          headers={"Authorization": f"Bearer {daemon.token}",
                                   "Accept": "text/event-stream", **(headers or {})})
        self.answer = self.http.getresponse()
        assert self.answer.status == 200
        assert self.answer.headers["content-type"] == "text/event-stream"

    def event(self):
        """(name, id, data); None at the end."""
        name, number, data = "", "", None
        while line := self.answer.readline().decode():
            line = line.rstrip("\n")
            if not line:
                if name:
                    return name, number, data
                continue
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "id":
                number = value
            elif field == "data":
                data = json.loads(value)
        return None

    def rest(self) -> list:
        return list(iter(self.event, None))


def test_follow_tells_what_was_what_comes_and_the_end(bare):
    pid = sh(bare, "echo 1; read x; echo 2 >&2; read x; echo 3; exit 6")["id"]
    wait_for("the first", lambda: printed(bare, pid), 20)
    f = Follower(bare, pid)
    name, number, data = f.event()
    assert (name, number, base64.b64decode(data["data"])) == ("log", "1", b"1\n")
    bare.post(f"{API}/{pid}/input", {"data": "\n", "encoding": "utf8"})
    name, number, data = f.event()
    assert (name, number, data["stream"], data["encoding"]) == ("log", "2", "stderr", "base64")
    bare.post(f"{API}/{pid}/input", {"data": "\n", "encoding": "utf8"})
    *_, last, end_event = f.rest()
    assert last[2]["sequence"] == 3
    assert end_event[0] == "exit" and end_event[2]["exitCode"] == 6 and end_event[2]["processId"] == pid
    assert [e[0] for e in Follower(bare, pid).rest()] == ["log", "log", "log", "exit"]
    assert [e[0] for e in Follower(bare, pid, "&tail=1").rest()] == ["log", "exit"]
    assert [e[1] for e in Follower(bare, pid, "&since=2").rest()] == ["3", ""]
    assert [e[1] for e in Follower(bare, pid, headers={"Last-Event-ID": "1"}).rest()] == ["2", "3", ""]
    assert [e[0] for e in Follower(bare, pid, "&stream=stderr").rest()] == ["log", "exit"]
    bare.client.call("GET", f"{API}/{pid}/logs?follow=true&since=x").problem(400, "invalid_request")
    bare.client.call("GET", f"{API}/proc_999999/logs?follow=true").problem(404, "not_found")
    end(bare, pid)


def test_follow_of_a_flood_is_whole_or_says_what_is_lost(bare):
    pid = sh(bare, "read x; seq 1 3000000; echo over")["id"]
    followers = [Follower(bare, pid) for _ in range(3)]
    bare.post(f"{API}/{pid}/input", {"data": "\n", "encoding": "utf8"})
    whole = len(b"over\n") + sum(9 * 10 ** (d - 1) * (d + 1) for d in range(1, 7)) + 2_000_001 * 8
    for f in followers:
        events = f.rest()
        came = sum(len(base64.b64decode(e[2]["data"])) for e in events if e[0] == "log")
        lost = sum(e[2]["bytes"] for e in events if e[0] == "lost")
        assert came + lost == whole
        assert events[-1][0] == "exit"
        numbers = [e[2]["sequence"] for e in events if e[0] == "log"]
        assert numbers == sorted(set(numbers))
    end(bare, pid)


def test_a_follower_that_leaves_is_forgotten(bare):
    pid = create(bare, "cat")["id"]
    for _ in range(5):
        f = Follower(bare, pid)
        f.answer.close()
        f.http.close()
    bare.post(f"{API}/{pid}/input", {"data": "still\n", "encoding": "utf8"})
    wait_for("the echo", lambda: printed(bare, pid) == b"still\n", 20)
    end(bare, pid)


def test_more_than_is_kept_is_told_as_lost(bare):
    limits = bare.get(f"{API}/config")
    bare.post(f"{API}/config", {**limits, "maxLogBytesPerProcess": 65_536})
    try:
        pid = sh(bare, "head -c 3000000 /dev/zero | tr '\\0' a; echo end")["id"]
    finally:
        bare.post(f"{API}/config", limits)
    ended(bare, pid)
    page = bare.get(f"{API}/{pid}/logs")
    kept = b"".join(base64.b64decode(e["data"]) for e in page["entries"])
    assert kept.endswith(b"aend\n")
    assert page["lost"]["bytes"] + len(kept) == 3_000_004
    assert page["entries"][0]["offset"] == page["lost"]["bytes"]
    end(bare, pid)


def test_output_beyond_memory_comes_back_whole(bare):
    pid = sh(bare, "seq 1 400000")["id"]
    ended(bare, pid)
    assert printed(bare, pid) == b"".join(b"%d\n" % n for n in range(1, 400_001))
    end(bare, pid)
