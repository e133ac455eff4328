# SPDX-License-Identifier: Apache-2.0
"""holt exec without a terminal: stdin, output, exit codes, and that nothing is left running."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import subprocess

import pytest
from daemon import HOLT, descendants, environment, holt, slack, wait_for

LIMIT_S = 60


def exec_(daemon, *arguments: str, stdin: bytes = b"", **env: str):
    given = {**environment(daemon.home), "HOLT_URL": daemon.url, "HOLT_TOKEN": daemon.token, **env}
    return subprocess.run([HOLT, "exec", *arguments], env=given, cwd=daemon.home, input=stdin,
                          capture_output=True, timeout=LIMIT_S * slack())


def hear_signals() -> None:
    """Whoever runs the tests may ignore some: nohup, a shell's background."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def begun(daemon, *arguments: str, **more) -> subprocess.Popen:
    given = {**environment(daemon.home), "HOLT_URL": daemon.url, "HOLT_TOKEN": daemon.token}
    return subprocess.Popen([HOLT, "exec", *arguments], env=given, cwd=daemon.home,
                            preexec_fn=hear_signals, **more)


def processes(daemon) -> list[dict]:
    return daemon.get("/v1/processes")["processes"]


def sleepers(daemon, seconds: int) -> list:
    found = []
    for one in descendants(daemon.pid):
        try:
            with open(f"/proc/{one.pid}/cmdline", "rb") as f:
                if f.read() == b"sleep\0%d\0" % seconds and one.alive():
                    found.append(one)
        except OSError:
            continue
    return found


def test_output_and_exit_code_are_the_programs(bare):
    got = exec_(bare, "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (got.returncode, got.stdout, got.stderr) == (7, b"out\n", b"err\n")
    got = exec_(bare, "sh", "-c", "kill -9 $$")
    assert got.returncode == 128 + 9
    assert processes(bare) == [], "it leaves no entry behind"


def test_arguments_arrive_as_they_were_typed(bare):
    words = ["[ab]", "[a,b]", "-l", "--json", "--", "", "a b", "ls", "*", "ü"]
    got = exec_(bare, "printf", "<%s>", *words)
    assert got.stdout.decode() == "".join(f"<{w}>" for w in words)


def test_stdin_is_passed_through_to_its_end(bare):
    data = os.urandom(3_000_000)
    got = exec_(bare, "sha256sum", stdin=data)
    assert got.returncode == 0 and got.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()
    assert exec_(bare, "-n", "cat").stdout == b""
    # It takes nothing of it: no fault.
    assert exec_(bare, "true", stdin=data).returncode == 0


def test_folder_and_environment(bare):
    (bare.home / "workspace" / "below").mkdir(exist_ok=True)
    got = exec_(bare, "--cwd", "below", "-e", "A=1", "--env", "B", "sh", "-c", "pwd; echo $A-$B-$C",
                B="two")
    where = str((bare.home / "workspace" / "below").resolve())
    assert got.stdout.decode().splitlines() == [where, "1-two-"]


def test_what_cannot_be_run(bare, home):
    assert exec_(bare, "no-such-program").returncode == 127
    assert exec_(bare, "--cwd", "no/such", "true").returncode == 1
    assert exec_(bare, "-t", "true").returncode == 64
    assert exec_(bare, "-e", "=x", "true").returncode == 64
    assert exec_(bare).returncode == 64
    assert holt(home, "exec", "true").returncode == 69


def test_a_time_out_kills_the_tree(bare):
    got = exec_(bare, "--timeout", "0.5", "sh", "-c", "sleep 631 & sleep 631")
    assert got.returncode == 124 and b"--timeout" in got.stderr
    assert not sleepers(bare, 631) and processes(bare) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_kills_the_tree(bare, number):
    p = begun(bare, "sh", "-c", "setsid sleep 632 & echo up; sleep 632", stdin=subprocess.PIPE,
              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert p.stdout.readline() == b"up\n"
    wait_for("both", lambda: len(sleepers(bare, 632)) == 2, 20)
    p.send_signal(number)
    assert p.wait(LIMIT_S * slack()) == 128 + number
    assert not sleepers(bare, 632) and processes(bare) == []


def test_output_comes_while_it_runs(bare):
    p = begun(bare, "sh", "-c", "echo 1; read x; echo 2; read x", stdin=subprocess.PIPE,
              stdout=subprocess.PIPE)
    assert p.stdout.readline() == b"1\n"
    p.stdin.write(b"\n")
    p.stdin.flush()
    assert p.stdout.readline() == b"2\n"
    p.stdin.close()
    assert p.wait(LIMIT_S * slack()) == 1  # read at the end of its input
    p.stdout.close()


def test_a_reader_that_leaves_ends_it(bare):
    p = begun(bare, "sh", "-c", "while :; do echo y; sleep 0.01; done", stdin=subprocess.DEVNULL,
              stdout=subprocess.PIPE)
    assert p.stdout.readline() == b"y\n"
    p.stdout.close()
    assert p.wait(LIMIT_S * slack()) == 128 + signal.SIGPIPE
    assert processes(bare) == []


def test_a_slow_reader_loses_nothing_and_holds_up_nobody_else(bare):
    """Far more than is kept, to a reader that takes its time: the program waits for it. Somebody
    else who looks at the same log and reads nothing is not waited for."""
    limits = bare.get("/v1/processes/config")
    bare.post("/v1/processes/config", {**limits, "maxLogBytesPerProcess": 300_000})
    try:
        p = begun(bare, "-n", "sh", "-c", "seq 1 2000000; echo over >&2", stdout=subprocess.PIPE,
                  stderr=subprocess.PIPE)
        assert p.stdout.read(2) == b"1\n"
    finally:
        bare.post("/v1/processes/config", limits)
    pid = processes(bare)[0]["id"]
    other = http.client.HTTPConnection(bare.client.host, bare.client.port, timeout=LIMIT_S)
    other.request("GET", f"/v1/processes/{pid}/logs?follow=true",
                  headers={"Authorization": f"Bearer {bare.token}"})
    stuck = other.getresponse()
    digest, expected = hashlib.sha256(b"1\n"), hashlib.sha256()
    for first in range(1, 2_000_001, 100_000):
        expected.update(b"".join(b"%d\n" % n for n in range(first, first + 100_000)))
        digest.update(p.stdout.read(400_000))  # while the other side makes text of numbers
    while piece := p.stdout.read(1 << 16):
        digest.update(piece)
    assert p.wait(LIMIT_S * slack()) == 0 and p.stderr.read() == b"over\n"
    assert digest.hexdigest() == expected.hexdigest()
    assert stuck.status == 200
    other.close()
    p.stdout.close()
    p.stderr.close()


def test_what_waits_for_a_reader_is_killed_with_it(bare):
    p = begun(bare, "-n", "cat", "/dev/zero", stdout=subprocess.PIPE)
    assert p.stdout.read(1) == b"\0"
    p.kill()
    p.wait(LIMIT_S)
    p.stdout.close()
    pid = processes(bare)[0]["id"]
    bare.post(f"/v1/processes/{pid}/kill?waitMs=20000")
    assert bare.client.call("DELETE", f"/v1/processes/{pid}").status == 204


def test_json_tells_each_event(bare):
    got = exec_(bare, "--json", "sh", "-c", "echo hi; exit 3")
    rows = [json.loads(row) for row in got.stdout.splitlines()]
    assert [r["event"] for r in rows] == ["log", "exit"] and rows[1]["exitCode"] == 3
    assert got.returncode == 3


def test_detached_it_runs_on(bare):
    got = exec_(bare, "-d", "sh", "-c", "echo there; sleep 600")
    pid = got.stdout.decode().strip()
    assert got.returncode == 0 and pid.startswith("proc_")
    wait_for("its line", lambda: holt(bare.home, "logs", pid, HOLT_URL=bare.url,
                                      HOLT_TOKEN=bare.token).stdout == "there\n", 20)
    bare.post(f"/v1/processes/{pid}/kill")
    bare.client.call("DELETE", f"/v1/processes/{pid}")
