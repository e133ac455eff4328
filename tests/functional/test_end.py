# SPDX-License-Identifier: Apache-2.0
"""However it ends, nothing is left running, and the next start is clean."""

import os
import signal
import stat

import pytest

from daemon import FAST, none_left, wait_for
from web import closed_with, hear

# Stands in for an engine: leaves a process of its own session behind and never becomes ready.
RUNAWAY = """#!/bin/sh
case " $* " in *" serve "*) ;; *) echo "Version v3.1.5"; exit 0 ;; esac
exec python3 -c 'import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("{note}", "a").write(str(os.getpid()) + "\\n")
        time.sleep(600)
    os._exit(0)
time.sleep(600)'
"""


def test_sigterm_ends_in_order(daemon_of):
    d = daemon_of()
    with d.client.ws() as viewer, d.client.ws("/v1/activity/ws") as feed:
        hear(viewer, "system/init")
        family = d.family()
        d.process.send_signal(signal.SIGTERM)
        assert closed_with(viewer)[0] == 1001
        assert closed_with(feed)[0] == 1001
    assert d.wait_end(10) == 0
    none_left(family, 2)
    assert not (d.state / "daemon.json").exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_signal_to_the_daemon_itself(daemon_of, sent):
    d = daemon_of("--no-desktop")
    family = d.family()
    os.kill(d.pid, sent)
    assert d.wait_end(10) == 0
    none_left(family, 2)


def test_second_sigterm_hurries(daemon_of):
    d = daemon_of()
    family = d.family()
    for name in ("engine", "window_manager", "audio"):
        os.kill(d.node(name)["pid"], signal.SIGSTOP)  # cannot end by itself
    d.process.send_signal(signal.SIGTERM)
    wait_for("stopping", lambda: not listening(d), 20)
    d.process.send_signal(signal.SIGTERM)
    assert d.wait_end(2.5) == 0  # a second is promised; the rest is the keeper's and the disk's
    none_left(family, 2)


def listening(d) -> bool:
    try:
        return d.client.call("GET", "/v1/health").status == 200
    except OSError:
        return False


def test_sighup_reopens_the_logs_and_ends_nothing(daemon_of):
    d = daemon_of("--no-desktop")
    log = d.state / "log" / "holt.jsonl"
    os.rename(log, f"{log}.old")
    d.process.send_signal(signal.SIGHUP)
    wait_for("a new log", lambda: listening(d) and log.exists(), 20)


def with_runaway(daemon_of, tmp_path):
    note, engine = tmp_path / "note", tmp_path / "engine"
    engine.write_text(RUNAWAY.format(note=str(note)))
    engine.chmod(stat.S_IRWXU)
    d = daemon_of("--stream-engine", "neko", "--stream-neko-path", str(engine), ready=False)
    pid = int(wait_for("the runaway", lambda: note.exists() and note.read_text(), 60).split()[-1])
    family = d.family()
    assert pid in {p.pid for p in family} or os.path.exists(f"/proc/{pid}")
    from daemon import process

    return d, [*family, process(pid)]


def test_killed_daemon_leaves_nothing(daemon_of, tmp_path):
    d, family = with_runaway(daemon_of, tmp_path)
    os.kill(d.pid, signal.SIGKILL)
    none_left(family, 10)
    assert d.wait_end(10) == 128 + 9


def test_killed_keeper_leaves_nothing(daemon_of, tmp_path):
    d, family = with_runaway(daemon_of, tmp_path)
    os.kill(d.process.pid, signal.SIGKILL)
    d.wait_end(10)
    none_left(family, 10)


def test_killed_engine_leaves_nothing(daemon_of, tmp_path):
    d, family = with_runaway(daemon_of, tmp_path)
    runaway = family[-1]
    os.kill(d.node("engine")["pid"], signal.SIGKILL)
    none_left([runaway], 10)


@pytest.mark.timeout(880)
def test_start_after_a_kill_is_clean_again_and_again(daemon_of):
    rounds = 5 if FAST else 20
    token = None
    before = x_sockets()
    for n in range(rounds):
        d = daemon_of()
        assert token in (None, d.token), "another token"
        token = d.token
        assert not d.get("/v1/health")["degraded"], f"round {n}"
        family = d.family()
        if n % 2:
            os.kill(d.pid, signal.SIGKILL)
            none_left(family, 10)
        else:
            assert d.terminate() == 0
            none_left(family, 2)
        d.wait_end(10)
    assert len(x_sockets() - before) < rounds, "X sockets pile up"


def x_sockets() -> set[str]:
    return set(os.listdir("/tmp/.X11-unix")) if os.path.isdir("/tmp/.X11-unix") else set()


def test_root_that_gives_up_exits_70(daemon_of, tmp_path):
    """An X server that always dies: the budget is used up, the daemon ends and says so."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "Xvfb").write_text("#!/bin/sh\necho cannot start today\nexit 1\n")
    (tools / "Xvfb").chmod(stat.S_IRWXU)
    d = daemon_of("--supervision-budget-deaths", "2", "--supervision-backoff-min-ms", "10",
                  "--supervision-backoff-max-ms", "50", ready=False,
                  PATH=f"{tools}:{os.environ['PATH']}")
    assert d.wait_end(30) == 70
    assert "cannot start today" in d.text() or "x_server" in d.text()
