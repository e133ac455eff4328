# SPDX-License-Identifier: Apache-2.0
"""Processes, their logs and terminals over HTTP and WebSocket, as npm sandbox-agent 0.4.2 calls
them, and what goes beyond it."""

from __future__ import annotations

import base64
import http.client
import json
from pathlib import Path

import pytest
from daemon import descendants, process, wait_for
from websockets.exceptions import ConnectionClosed, InvalidStatus

API = "/v1/processes"


def create(daemon, command: str, *args: str, **more) -> dict:
    return daemon.post(API, {"command": command, "args": list(args), **more})


def sh(daemon, script: str, **more) -> dict:
    return create(daemon, "sh", "-c", script, **more)


def info(daemon, pid: str) -> dict:
    return daemon.get(f"{API}/{pid}")


def ended(daemon, pid: str) -> dict:
    def look():
        now = info(daemon, pid)
        return now if now["status"] == "exited" else None

    return wait_for(f"{pid} has exited", look, 20)


def entries(daemon, pid: str, query: str = "") -> list[dict]:
    return daemon.get(f"{API}/{pid}/logs{query}")["entries"]


def printed(daemon, pid: str, stream: str = "combined") -> bytes:
    return b"".join(base64.b64decode(e["data"]) for e in entries(daemon, pid, f"?stream={stream}"))


def sleepers(daemon, *seconds: int) -> list:
    """The living `sleep N` below the daemon."""
    wanted = {b"sleep\0%d\0" % n for n in seconds}
    found = []
    for one in descendants(daemon.pid):
        try:
            line = Path(f"/proc/{one.pid}/cmdline").read_bytes()
        except OSError:
            continue
        if line in wanted and one.alive():
            found.append(one)
    return found


def end(daemon, pid: str) -> None:
    daemon.post(f"{API}/{pid}/kill")
    assert daemon.client.call("DELETE", f"{API}/{pid}").status == 204


# -- one-shot -------------------------------------------------------------------------------------


def test_run_answers_the_fields_of_the_contract(bare):
    answer = bare.post(f"{API}/run", {"command": "sh", "args": ["-c", "echo out; echo err >&2; exit 3"],
                                      "env": {"A": "b"}, "cwd": "."})
    assert answer.pop("durationMs") >= 0
    assert answer == {"exitCode": 3, "timedOut": False, "stdout": "out\n", "stderr": "err\n",
                      "stdoutTruncated": False, "stderrTruncated": False}


def test_run_keeps_its_time_out_though_a_grandchild_holds_the_pipe(bare):
    answer = bare.post(f"{API}/run", {"command": "sh", "args": ["-c", "sleep 611 & sleep 612"],
                                      "timeoutMs": 300})
    assert answer["timedOut"] and answer["exitCode"] is None
    assert not sleepers(bare, 611, 612)


def test_run_is_not_held_up_by_what_it_left_behind(bare):
    answer = bare.post(f"{API}/run", {"command": "sh", "args": ["-c", "sleep 30 & echo hi"]})
    assert answer["stdout"] == "hi\n" and not answer["timedOut"] and answer["exitCode"] == 0
    assert answer["durationMs"] < 20_000


def test_run_cuts_output_and_says_so(bare):
    answer = bare.post(f"{API}/run", {"command": "sh", "args": ["-c", "head -c 100 /dev/zero | tr '\\0' a"],
                                      "maxOutputBytes": 10})
    assert answer["stdout"] == "a" * 10 and answer["stdoutTruncated"] and not answer["stderrTruncated"]


def test_run_ended_by_a_signal_has_no_exit_code(bare):
    answer = bare.post(f"{API}/run", {"command": "sh", "args": ["-c", "kill -9 $$"]})
    assert answer["exitCode"] is None and not answer["timedOut"] and answer["signal"] == 9


def test_run_takes_any_bytes(bare):
    args = ["\\377\\376x"]
    assert bare.post(f"{API}/run", {"command": "printf", "args": args})["stdout"] == "\ufffd\ufffdx"
    exact = bare.post(f"{API}/run", {"command": "printf", "args": args, "encoding": "base64"})
    assert base64.b64decode(exact["stdout"]) == b"\xff\xfex" and exact["encoding"] == "base64"


def test_run_has_a_clean_environment_and_starts_in_the_workspace(bare):
    seen = bare.post(f"{API}/run", {"command": "env", "env": {"X": "1"}})["stdout"].splitlines()
    assert "X=1" in seen and any(line.startswith("PATH=") for line in seen)
    assert not [line for line in seen if bare.token in line]
    where = bare.post(f"{API}/run", {"command": "pwd"})["stdout"].strip()
    assert where == str((bare.home / "workspace").resolve())


@pytest.mark.parametrize("body, status, code, field", [
    ({}, 422, "unprocessable", "command"),
    ({"command": ""}, 400, "invalid_request", "command"),
    ({"command": 7}, 422, "unprocessable", "command"),
    ({"command": "no-such-command-here"}, 404, "not_found", "command"),
    ({"command": "true", "args": "x"}, 422, "unprocessable", "args"),
    ({"command": "true", "args": [1]}, 422, "unprocessable", "args[0]"),
    ({"command": "true", "args": ["a\0b"]}, 400, "invalid_request", "args[0]"),
    ({"command": "true", "args": ["a" * 200_000]}, 400, "invalid_request", "args[0]"),
    ({"command": "true", "env": []}, 422, "unprocessable", "env"),
    ({"command": "true", "env": {"A": 1}}, 422, "unprocessable", "env.A"),
    ({"command": "true", "env": {"A=": "x"}}, 400, "invalid_request", "env"),
    ({"command": "true", "cwd": 5}, 422, "unprocessable", "cwd"),
    ({"command": "true", "cwd": "no/such"}, 404, "not_found", "cwd"),
    ({"command": "true", "cwd": "/etc"}, 403, "denied", "cwd"),
    ({"command": "true", "timeoutMs": -1}, 400, "invalid_request", "timeoutMs"),
    ({"command": "true", "timeoutMs": "x"}, 422, "unprocessable", "timeoutMs"),
    ({"command": "true", "maxOutputBytes": 1.5}, 400, "invalid_request", "maxOutputBytes"),
    ({"command": "true", "encoding": "zzz"}, 400, "invalid_request", "encoding"),
])
def test_what_is_wrong_with_a_run_is_named(bare, body, status, code, field):
    problem = bare.client.call("POST", f"{API}/run", body=body).problem(status, code)
    assert problem["detail"].startswith(field), problem


def test_bodies_that_are_none(bare):
    bare.client.call("POST", f"{API}/run", raw=b"{", headers={"content-type": "application/json"}) \
        .problem(400, "invalid_request")
    bare.client.call("POST", f"{API}/run", body=[1]).problem(422, "unprocessable")
    bare.client.call("POST", API, raw=b"x", headers={"content-type": "text/plain"}) \
        .problem(415, "unsupported_type")


# -- long-lived -----------------------------------------------------------------------------------


def test_a_process_from_its_start_to_its_removal(bare):
    made = sh(bare, "echo hi; echo e >&2; exit 7", cwd=".", env={"X": "1"})
    assert made.pop("status") in ("running", "exited")
    assert made.pop("createdAtMs") > 0
    made.pop("pid", None)
    pid = made.pop("id")
    assert pid.startswith("proc_")
    for late in ("exitCode", "exitedAtMs"):
        made.pop(late, None)
    assert made == {"command": "sh", "args": ["-c", "echo hi; echo e >&2; exit 7"], "cwd": ".",
                    "tty": False, "interactive": False, "owner": "user"}
    last = ended(bare, pid)
    assert last["exitCode"] == 7 and "pid" not in last and last["exitedAtMs"] >= last["createdAtMs"]
    assert pid in [p["id"] for p in bare.get(API)["processes"]]
    assert printed(bare, pid, "stdout") == b"hi\n" and printed(bare, pid, "stderr") == b"e\n"
    assert bare.client.call("DELETE", f"{API}/{pid}").status == 204
    for method, path in (("GET", ""), ("GET", "/logs"), ("DELETE", ""), ("POST", "/kill")):
        problem = bare.client.call(method, f"{API}/{pid}{path}").problem(404, "not_found")
        assert problem["details"] == {"id": pid, "resource": "process"}


def test_input_in_each_encoding_and_the_end_of_it(bare):
    pid = create(bare, "cat")["id"]
    say = f"{API}/{pid}/input"
    assert bare.post(say, {"data": "hello\n", "encoding": "utf8"}) == {"bytesWritten": 6}
    assert bare.post(say, {"data": "YjY0Cg=="}) == {"bytesWritten": 4}
    assert bare.post(say, {"data": "t\n", "encoding": "text"}) == {"bytesWritten": 2}
    wait_for("the echo", lambda: printed(bare, pid) == b"hello\nb64\nt\n", 20)
    for body, status, code in (({"data": "!!!"}, 400, "invalid_request"),
                               ({"data": "a", "encoding": "zzz"}, 400, "invalid_request"),
                               ({}, 422, "unprocessable"),
                               ({"data": "a" * 70_000, "encoding": "utf8"}, 413, "payload_too_large")):
        bare.client.call("POST", say, body=body).problem(status, code)
    bare.client.call("DELETE", f"{API}/{pid}").problem(409, "conflict")
    assert bare.client.call("POST", f"{say}/close").status == 204
    assert ended(bare, pid)["exitCode"] == 0
    bare.client.call("POST", say, body={"data": "x", "encoding": "utf8"}).problem(409, "conflict")
    end(bare, pid)


def test_stop_and_kill(bare):
    polite = create(bare, "sleep", "60")["id"]
    last = bare.post(f"{API}/{polite}/stop?waitMs=20000")
    assert last["status"] == "exited" and "exitCode" not in last and last["signal"] == 15
    assert bare.post(f"{API}/{polite}/stop")["status"] == "exited"
    deaf = sh(bare, "trap '' TERM; echo deaf; sleep 613 & wait; sleep 614")["id"]
    wait_for("its trap", lambda: printed(bare, deaf), 20)
    assert bare.post(f"{API}/{deaf}/stop?waitMs=100")["status"] == "running"
    assert bare.post(f"{API}/{deaf}/kill")["status"] == "exited"
    assert not sleepers(bare, 613, 614)
    bare.client.call("POST", f"{API}/{deaf}/kill?waitMs=x").problem(400, "invalid_request")
    for pid in (polite, deaf):
        end(bare, pid)


def test_kill_ends_also_what_left_its_session(bare):
    pid = sh(bare, "setsid sh -c 'setsid sleep 601 & sleep 602' & echo up; sleep 603")["id"]

    wait_for("three sleepers", lambda: len(sleepers(bare, 601, 602, 603)) == 3, 20)
    assert bare.post(f"{API}/{pid}/kill")["status"] == "exited"
    assert not sleepers(bare, 601, 602, 603)
    end(bare, pid)


def test_any_signal(bare):
    pid = sh(bare, "trap 'echo usr; exit 4' USR1; echo up; while :; do sleep 0.05; done")["id"]
    wait_for("its trap", lambda: printed(bare, pid), 20)
    for wrong in ({}, {"signal": "NOPE"}, {"signal": 0}, {"signal": 65}, {"signal": True}):
        assert bare.client.call("POST", f"{API}/{pid}/signal", body=wrong).status in (400, 422)
    bare.post(f"{API}/{pid}/signal", {"signal": "SIGUSR1"})
    assert ended(bare, pid)["exitCode"] == 4
    bare.client.call("POST", f"{API}/{pid}/signal", body={"signal": 10}).problem(409, "conflict")
    end(bare, pid)


def test_tags_and_owner_choose_from_the_list(bare):
    pid = create(bare, "cat", tags=["web", "x"])["id"]
    other = create(bare, "cat")["id"]
    assert [p["id"] for p in bare.get(f"{API}?tag=web")["processes"]] == [pid]
    assert {pid, other} <= {p["id"] for p in bare.get(f"{API}?owner=user")["processes"]}
    assert bare.get(f"{API}?owner=desktop")["processes"] == []
    bare.client.call("GET", f"{API}?owner=zzz").problem(400, "invalid_request")
    bare.client.call("POST", API, body={"command": "cat", "tags": [""]}).problem(400, "invalid_request")
    end(bare, pid)
    end(bare, other)


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
        self.http = http.client.HTTPConnection(client.host, client.port, timeout=20)
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


def test_config_is_checked_and_kept(bare):
    before = bare.get(f"{API}/config")
    assert before == {"maxConcurrentProcesses": 64, "defaultRunTimeoutMs": 30000,
                      "maxRunTimeoutMs": 300000, "maxOutputBytes": 1048576,
                      "maxLogBytesPerProcess": 10485760, "maxInputBytesPerRequest": 65536}
    bare.client.call("POST", f"{API}/config", body={**before, "maxOutputBytes": 0}) \
        .problem(400, "invalid_request")
    problem = bare.client.call("POST", f"{API}/config", body={"maxOutputBytes": 5}) \
        .problem(422, "unprocessable")
    assert problem["detail"].startswith("maxConcurrentProcesses")
    running = create(bare, "cat")["id"]
    assert bare.post(f"{API}/config", {**before, "maxConcurrentProcesses": 1})["maxConcurrentProcesses"] == 1
    for path in ("", "/run"):
        bare.client.call("POST", API + path, body={"command": "true"}).problem(409, "conflict")
    assert bare.post(f"{API}/config", before) == before
    end(bare, running)


def test_a_process_is_seen_in_the_feed(bare):
    after = bare.get("/v1/activity?after=0")["next"]
    pid = create(bare, "true", tags=["t"])["id"]
    ended(bare, pid)

    def told():
        events = bare.get(f"/v1/activity?after={after}")["events"]
        mine = [e["data"] for e in events if e["kind"] == "process" and e["data"]["id"] == pid]
        return mine if len(mine) == 2 else None

    first, last = wait_for("both events", told, 20)
    assert first["phase"] == "started" and first["command"] == "true" and first["tags"] == ["t"]
    assert last["phase"] == "exited" and last["exit_code"] == 0
    end(bare, pid)


def test_a_view_token_may_not_look_at_processes(bare):
    view = bare.post("/v1/tickets", {"view": True})["ticket"]
    session = bare.client.call("POST", "/v1/session", body={"ticket": view}, token=None)
    cookie = session.headers["set-cookie"].split(";")[0]
    for method, path in (("GET", API), ("POST", f"{API}/run"), ("GET", f"{API}/config")):
        answer = bare.client.call(method, path, token=None, body={} if method == "POST" else None,
                                  headers={"cookie": cookie, "origin": bare.client.origin})
        answer.problem(403, "forbidden")


# -- terminals ------------------------------------------------------------------------------------


class Terminal:
    def __init__(self, daemon, pid: str, query: str = ""):
        # As the published client: only the query carries the token.
        self.ws = daemon.client.ws(f"{API}/{pid}/terminal/ws", token=None,
                                   query=f"?access_token={daemon.token}{query}").__enter__()
        self.bytes = b""
        self.frames: list[dict] = []

    def hear(self) -> None:
        got = self.ws.recv(timeout=20)
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
    one.say(type="input", data="echo from-$((40+1))\n")
    two.say(type="input", data="echo from-$((40+2))\n")
    for t in (one, two):
        t.until(lambda t: b"from-41\r\n" in t.bytes and b"from-42\r\n" in t.bytes)
    two.say(type="close")
    two.rest()
    assert info(bare, pid)["status"] == "running"
    late = Terminal(bare, pid).until(lambda t: b"from-42\r\n" in t.bytes)
    both = min(len(late.bytes), len(one.bytes))
    assert late.bytes[:both] == one.bytes[:both]
    end(bare, pid)


def test_a_terminal_goes_on_from_an_offset_without_a_gap(bare):
    pid = sh(bare, "seq 1 2000; read x; seq 2001 4000", tty=True)["id"]
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


# -- the end --------------------------------------------------------------------------------------


def test_processes_end_with_the_daemon(daemon_of):
    d = daemon_of("--no-desktop")
    for tty in (False, True):
        sh(d, "trap '' TERM HUP; setsid sleep 621 & sleep 622", tty=tty)
    wait_for("sleepers", lambda: len(sleepers(d, 621, 622)) == 4, 20)
    below = descendants(d.pid)
    assert d.terminate() == 0
    assert not [p for p in below if p.alive()]


def test_a_crash_of_the_room_ends_its_processes_and_serves_again(daemon_of):
    d = daemon_of("--no-desktop")
    old = process(create(d, "sleep", "600")["pid"])
    d.post("/v1/supervision/processes/restart")
    wait_for("its end", lambda: not old.alive(), 20)
    d.wait_state("processes", "ready", 20, after_generation=1)
    assert d.post(f"{API}/run", {"command": "true"})["exitCode"] == 0
    assert d.get(API)["processes"] == []
