# SPDX-License-Identifier: Apache-2.0
"""Processes over HTTP, as npm sandbox-agent 0.4.2 calls them, and what goes beyond it."""

from __future__ import annotations

import base64

import pytest
from daemon import descendants, process, wait_for
from processes import API, create, end, ended, printed, sh, sleepers


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
