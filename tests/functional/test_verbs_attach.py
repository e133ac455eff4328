# SPDX-License-Identifier: Apache-2.0
"""holt attach and exec -t on a real terminal: keys, size, leaving, a broken connection, and that
our own terminal is as before on every way out."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pytest
from cut import Wire
from daemon import HOLT, environment, slack, wait_for

LIMIT_S = 40


class Tty:
    """A verb whose stdin, stdout and stderr are a terminal of its own."""

    def __init__(self, daemon, *arguments: str, url: str = "", rows: int = 24, cols: int = 80):
        self.master, self.slave = pty.openpty()
        self.size(rows, cols)
        self.before = termios.tcgetattr(self.slave)
        env = {**environment(daemon.home), "HOLT_URL": url or daemon.url, "HOLT_TOKEN": daemon.token,
               "TERM": "xterm"}
        self.process = subprocess.Popen([HOLT, *arguments], env=env, cwd=daemon.home,
                                        stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.seen = b""

    def size(self, rows: int, cols: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def hear(self) -> bool:
        if not select.select([self.master], [], [], 0.02)[0]:
            return False
        try:
            self.seen += os.read(self.master, 65536)
        except OSError:
            return False
        return True

    def until(self, wanted: bytes, after: int = 0) -> int:
        """Where it ends, once it was printed."""
        end = time.monotonic() + LIMIT_S * slack()
        while wanted not in self.seen[after:]:
            assert time.monotonic() < end, (wanted, self.seen[-2000:])
            self.hear()
        return self.seen.index(wanted, after) + len(wanted)

    def end(self) -> int:
        """Its exit code; all that it printed was seen, and the terminal is as before."""
        end = time.monotonic() + LIMIT_S * slack()
        while self.process.poll() is None:
            assert time.monotonic() < end, self.seen[-2000:]
            self.hear()
        while self.hear():
            pass
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is as before"
        os.close(self.slave)
        os.close(self.master)
        return self.process.returncode


def shell(daemon, script: str = "", **more) -> str:
    body = {"command": "bash", "args": ["-c", script] if script else ["--norc", "--noprofile"],
            "tty": True, "interactive": True, "env": {"PS1": "$ ", "TERM": "xterm"}, **more}
    return daemon.post("/v1/processes", body)["id"]


def end(daemon, pid: str) -> None:
    daemon.post(f"/v1/processes/{pid}/kill")
    daemon.client.call("DELETE", f"/v1/processes/{pid}")


def status(daemon, pid: str) -> str:
    return daemon.get(f"/v1/processes/{pid}")["status"]


def test_exec_t_is_a_terminal_of_our_size_with_the_programs_exit_code(bare):
    t = Tty(bare, "exec", "-t", "sh", "-c", "stty size; tty; read x; echo got-$x; exit 5", rows=31, cols=97)
    t.until(b"31 97")
    t.until(b"/dev/pts/")
    t.type("you\r")
    t.until(b"got-you")
    assert t.end() == 5
    assert bare.get("/v1/processes")["processes"] == []


def test_ctrl_c_goes_to_the_program(bare):
    t = Tty(bare, "exec", "-t", "sh", "-c", "trap 'echo caught; exit 3' INT; echo up; while :; do sleep 0.05; done")
    t.until(b"up")
    t.type("\x03")
    t.until(b"caught")
    assert t.end() == 3


def test_attach_leave_and_come_back(bare):
    pid = shell(bare)
    t = Tty(bare, "attach", pid, rows=40, cols=120)
    t.until(b"$ ")
    t.type("stty size; echo first-$((40+1))\r")
    t.until(b"40 120")
    t.until(b"first-41")
    t.size(20, 60)
    t.process.send_signal(signal.SIGWINCH)
    wait_for("the size", lambda: bare.get(f"/v1/processes/{pid}").get("cols") == 60, 20)
    t.type("\x10\x11")
    assert t.end() == 0
    assert b"runs on" in t.seen and status(bare, pid) == "running"
    again = Tty(bare, "attach", pid)
    again.until(b"first-41")  # what was printed before is shown again
    again.type("echo second-$((40+2)); exit 6\r")
    again.until(b"second-42")
    assert again.end() == 6
    end(bare, pid)


def test_other_detach_keys_and_a_ctrl_p_that_is_one(bare):
    pid = shell(bare, "stty raw -echo; echo up; cat -v")
    t = Tty(bare, "attach", "--detach-keys", "ctrl-],q", pid)
    t.until(b"up")
    t.type("\x10\x11\x1dx")
    t.until(b"^P^Q^]x")
    t.type("\x1dq")
    assert t.end() == 0 and status(bare, pid) == "running"
    end(bare, pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT,
                                    signal.SIGSEGV])
def test_a_signal_leaves_the_terminal_as_it_was_and_the_process_alone(bare, number):
    pid = shell(bare, "printf '\\033[?1049h\\033[?25lup\\n'; sleep 600")
    t = Tty(bare, "attach", pid)
    t.until(b"up")
    wait_for("raw mode", lambda: termios.tcgetattr(t.slave) != t.before, 20)
    t.process.send_signal(number)
    code = t.end()
    if number in (signal.SIGQUIT, signal.SIGSEGV):
        assert code == -number
    else:
        assert code == 128 + number
        assert b"\x1b[?1049l" in t.seen and b"\x1b[?25h" in t.seen
    assert status(bare, pid) == "running"
    end(bare, pid)


def test_a_signal_to_exec_t_ends_what_it_began(bare):
    t = Tty(bare, "exec", "-t", "sh", "-c", "echo up; sleep 600")
    t.until(b"up")
    t.process.send_signal(signal.SIGTERM)
    assert t.end() == 128 + signal.SIGTERM
    assert bare.get("/v1/processes")["processes"] == []


def test_a_broken_connection_leaves_no_gap(bare):
    wire = Wire(bare.client.host, bare.client.port)
    pid = shell(bare, "stty -echo; echo up; for i in $(seq 1 3000); do echo n$i; "
                      "if [ $((i % 1000)) = 0 ]; then echo wait$i; read x; fi; done; echo over; exit 9")
    t = Tty(bare, "attach", pid, url=wire.url)
    for cut in (1000, 2000):
        t.until(b"wait%d" % cut)
        before = wire.accepted
        wire.cut(hold=True)
        bare.post(f"/v1/processes/{pid}/input", {"data": "\n", "encoding": "utf8"})
        wire.let()
        wait_for("another connection", lambda: wire.accepted > before, 30)
    t.until(b"wait3000")
    t.type("\r")  # typed over the third connection
    t.until(b"over")
    assert t.end() == 9
    wire.close()
    numbers = [int(row[1:]) for row in t.seen.replace(b"\r", b"").split(b"\n") if row[:1] == b"n"]
    assert numbers == list(range(1, 3001))
    end(bare, pid)


def test_what_cannot_be_attached(bare):
    plain = bare.post("/v1/processes", {"command": "sleep", "args": ["600"]})["id"]
    t = Tty(bare, "attach", plain)
    assert t.end() == 1 and b"holt logs -f" in t.seen
    t = Tty(bare, "attach", "proc_999999")
    assert t.end() == 1 and b"proc_999999" in t.seen
    t = Tty(bare, "attach", plain, url="http://127.0.0.1:1")
    assert t.end() == 69
    t = Tty(bare, "attach", "--detach-keys", "hyper-x", plain)
    assert t.end() == 64
    end(bare, plain)
    none = subprocess.run([HOLT, "attach", "x"], env=environment(bare.home), stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=LIMIT_S * slack())
    assert none.returncode == 64
