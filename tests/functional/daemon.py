# SPDX-License-Identifier: Apache-2.0
"""A real daemon under test: started on free ports with a state folder of its own, ended with all
that it left behind. Every wait has a limit."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import web

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("HOLT_BIN", ROOT / "build" / "dev" / "bin"))
HOLT = BIN / "holt"
FAST = bool(os.environ.get("HOLT_TEST_FAST"))
READY_S = 30


def pause(seconds: float = 0.02) -> None:
    select.select([], [], [], seconds)


def slack() -> float:
    """What limits are multiplied with: 1 on a quiet machine, more where others hold its cores. The
    mean lags a minute behind, so what runs at this moment counts too."""
    mean, *_, now, _ = Path("/proc/loadavg").read_text().split()
    load = max(float(mean), int(now.split("/")[0]))
    return min(4.0, max(1.0, load / (os.cpu_count() or 1)))


class Limit:
    """The end of a wait, put off by the worst that the machine was in while it lasted."""

    def __init__(self, seconds: float):
        self.seconds, self.began, self.worst = seconds, time.monotonic(), 1.0

    def over(self) -> bool:
        self.worst = max(self.worst, slack())
        return time.monotonic() > self.began + self.seconds * self.worst


def wait_for(what: str, check, limit_s: float):
    """The first true answer of check(); fails with `what` when there is none in time."""
    limit = Limit(limit_s)
    while True:
        late = limit.over()  # before the look: who was held up meanwhile looks once more
        answer = check()
        if answer:
            return answer
        if late:
            raise AssertionError(f"not within {limit_s} s: {what}")
        pause()


# -- processes ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Process:
    """A process by number and start time: a later one with the same number is another."""

    pid: int
    started: str

    def alive(self) -> bool:
        now = stat_of(self.pid)
        return bool(now) and now[1] == self.started and now[2] != "Z"

    def describe(self) -> str:
        try:
            return f"{self.pid} {Path(f'/proc/{self.pid}/cmdline').read_bytes()!r}"
        except OSError:
            return str(self.pid)


def stat_of(pid: int):
    """(parent, start time, state), or None."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes().decode(errors="replace")  # a name may be cut
        fields = stat.rpartition(") ")[2].split()
        return int(fields[1]), fields[19], fields[0]
    except (OSError, IndexError):
        return None


def process(pid: int) -> Process:
    now = stat_of(pid)
    assert now, f"no process {pid}"
    return Process(pid, now[1])


def descendants(root: int) -> list[Process]:
    """All below `root`, not itself."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            now = stat_of(int(entry))
            if now:
                found[int(entry)] = now
    below, todo = [], [root]
    while todo:
        parent = todo.pop()
        for pid, (of, started, state) in found.items():
            if of == parent and state != "Z":
                below.append(Process(pid, started))
                todo.append(pid)
    return below


def none_left(processes: list[Process], limit_s: float) -> None:
    limit = Limit(limit_s)
    late = limit.over()
    while left := [p for p in processes if p.alive()]:
        if late:
            raise AssertionError(f"alive after {limit_s} s: {[p.describe() for p in left]}")
        pause()
        late = limit.over()


def environ_of(pid: int) -> dict[str, str]:
    raw = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    return dict(e.split("=", 1) for e in raw.split("\0") if "=" in e)


def open_files(pid: int) -> int:
    """Descriptors of a process. Daemon and engine hide theirs from an ordinary user, also from the
    one who started them: then 0, and only a run as root counts them."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        if os.getuid() == 0:
            raise
        return 0


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


# -- the daemon -----------------------------------------------------------------------------------


def environment(home: Path) -> dict[str, str]:
    """What a daemon or a verb is started with: nothing of ours, no configuration of the machine."""
    (home / "config").mkdir(parents=True, exist_ok=True)
    keep = {k: v for k, v in os.environ.items() if k.startswith(("ASAN_", "UBSAN_", "TSAN_"))}
    return {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(home / "config"), "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
            **keep}


def holt(home: Path, *arguments: str, limit_s: float = 60, **env: str):
    """One verb, to its end."""
    return subprocess.run([HOLT, *arguments], env={**environment(home), **env}, cwd=home,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=limit_s * slack())


class Daemon:
    """holt serve. `process` is the keeper, `pid` the daemon below it."""

    def __init__(self, home: Path, *arguments: str, state: Path | None = None, ready=True, **env):
        self.home = home
        self.state = state or home / "state"
        self.ready_file = home / "ready.json"
        self.ready_file.unlink(missing_ok=True)
        self.output = home / "output.log"
        (home / "workspace").mkdir(parents=True, exist_ok=True)
        self.command = [str(HOLT), "serve", "--port", "0", "--state-dir", str(self.state),
                        "--workspace", str(home / "workspace"), "--ready-file",
                        str(self.ready_file), "--stream-media-port", "0", *arguments]
        if "--stream-engine" not in arguments:
            self.command += ["--stream-engine", "builtin"]
        self.info: dict = {}
        self.seen: dict[int, Process] = {}
        self.began = time.monotonic()
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(self.command, env={**environment(home), **env},
                                            cwd=home, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT, start_new_session=True)
        self.keeper = process(self.process.pid)
        if ready:
            self.wait_ready()

    def wait_ready(self, limit_s: float = READY_S) -> dict:
        def look():
            if self.process.poll() is not None:
                raise AssertionError(f"holt serve ended with {self.process.returncode}:\n{self.text()}")
            return self.ready_file.exists()

        try:
            wait_for(f"ready file of {' '.join(self.command)}", look, limit_s)
        except AssertionError as late:
            self.kill()
            raise AssertionError(f"{late}\n{self.text()[-4000:]}") from None
        self.ready_after_s = time.monotonic() - self.began
        self.info = json.loads(self.ready_file.read_text())
        return self.info

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def pid(self) -> int:
        return self.info["pid"] if self.info else self.daemon_json()["pid"]

    @property
    def url(self) -> str:
        return self.info["url"] if self.info else self.daemon_json()["url"]

    def daemon_json(self) -> dict:
        path = self.state / "daemon.json"
        return json.loads(wait_for("daemon.json", lambda: path.exists() and path.read_text(), 10))

    @property
    def token(self) -> str:
        return (self.state / "token").read_text().strip()

    @property
    def client(self) -> web.Client:
        return web.Client(self.url, self.token)

    def get(self, path: str):
        answer = self.client.call("GET", path)
        assert answer.status == 200, answer
        return answer.json()

    def post(self, path: str, body=None, expect: int = 200):
        answer = self.client.call("POST", path, body=body)
        assert answer.status == expect or (expect == 200 and answer.status in (202, 204)), answer
        return answer.json() if answer.body else None

    def nodes(self) -> dict[str, dict]:
        """The supervision tree, flat, by id."""
        flat, todo = {}, [self.get("/v1/supervision")]
        while todo:
            node = todo.pop()
            if "id" in node:
                flat[node["id"]] = node
            todo += node.get("children", [])
        return flat

    def node(self, child: str) -> dict:
        return self.nodes()[child]

    def wait_state(self, child: str, state: str, limit_s: float, after_generation: int = -1) -> dict:
        def look():
            node = self.nodes().get(child)
            right = node and node["state"] == state and node["generation"] > after_generation
            return node if right else None

        return wait_for(f"{child} {state} after generation {after_generation}", look, limit_s)

    def family(self) -> list[Process]:
        """The keeper and everything that is or was seen below it."""
        if self.keeper.alive():  # its number may be another's by now
            for p in [self.keeper, *descendants(self.keeper.pid)]:
                self.seen[p.pid] = p
        return list(self.seen.values())

    def desktop_environment(self) -> dict[str, str]:
        """DISPLAY and XAUTHORITY as the window manager has them."""
        env = environ_of(self.node("window_manager")["pid"])
        return {k: env[k] for k in ("DISPLAY", "XAUTHORITY") if k in env}

    def wait_gone(self, child: str, generation: int, limit_s: float) -> None:
        """This run of the child is over or not ready; the next one may be ready already."""
        def look():
            node = self.node(child)
            return node["generation"] > generation or node["state"] != "ready"

        wait_for(f"{child} {generation} is gone", look, limit_s)

    def wait_end(self, limit_s: float) -> int:
        try:
            wait_for("its end", lambda: self.process.poll() is not None, limit_s)
        except AssertionError:
            raise AssertionError(f"still running after {limit_s} s\n{self.text()[-2000:]}") from None
        return self.process.returncode

    def terminate(self, limit_s: float = 10) -> int:
        self.family()
        self.process.send_signal(signal.SIGTERM)
        return self.wait_end(limit_s)

    def kill(self) -> None:
        """Whatever happened, nothing of it is left."""
        family = self.family()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(12 * slack())
            except subprocess.TimeoutExpired:
                pass
        for p in family:
            if p.alive():
                with suppress(ProcessLookupError):  # it went by itself at this moment
                    os.kill(p.pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.wait(60)
