# SPDX-License-Identifier: Apache-2.0
"""bench/daemon: how soon the daemon is ready and what it costs. See bench/README.md."""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("HOLT_BIN", str(ROOT / "build" / "release" / "bin"))
sys.path[:0] = [str(ROOT / "bench" / "lib"), str(ROOT / "tests" / "functional")]
sys.dont_write_bytecode = True

from daemon import BIN, Daemon  # noqa: E402
from report import Report  # noqa: E402
from wire import Drain, Socket  # noqa: E402

SIGNALING = "/v1/desktop/stream/signaling"
TICKS = os.sysconf("SC_CLK_TCK")
IDLE_CONNECTIONS = 1000


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_kib(pid: int) -> int:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def cpu_percent(pid: int, seconds: float) -> float:
    began, at = time.monotonic(), cpu_s(pid)
    time.sleep(seconds)
    return 100 * (cpu_s(pid) - at) / (time.monotonic() - began)


def wakeups(pid: int) -> int:
    """Context switches of all threads so far."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        total += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", status.read_text())))
    return total


class Homes:
    """Folders for daemons, all gone at the end."""

    def __enter__(self) -> "Homes":
        self.root, self.count = Path(tempfile.mkdtemp(prefix="holt-bench-")), 0
        return self

    def fresh(self) -> Path:
        self.count += 1
        return self.root / str(self.count)

    def __exit__(self, *_) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


def started(home: Path, *arguments: str) -> tuple[Daemon, float]:
    """A ready daemon and the milliseconds from exec to its ready file."""
    home.mkdir(parents=True, exist_ok=True)
    daemon = Daemon(home, *arguments)
    # Two clocks of one file system: the file's own time is finer than our looking for it.
    ready_ns = daemon.ready_file.stat().st_mtime_ns
    late = (time.time_ns() - ready_ns) / 1e6
    return daemon, (time.monotonic() - daemon.began) * 1000 - late


def cold_starts(report: Report, homes: Homes, count: int) -> None:
    fresh, again, bare = [], [], []
    stops = []
    for _ in range(count):
        home = homes.fresh()
        for rows in (fresh, again):
            daemon, ms = started(home)
            rows.append(ms)
            began = time.monotonic()
            daemon.terminate()
            stops.append((time.monotonic() - began) * 1000)
    for _ in range(max(3, count // 2)):
        daemon, ms = started(homes.fresh(), "--no-desktop")
        bare.append(ms)
        daemon.terminate()
    report.add("start to all ready, fresh state folder", fresh, "ms", 2000)
    report.add("start to all ready, the same folder again", again, "ms", 2000)
    report.add("start to all ready, --no-desktop", bare, "ms")
    report.add("SIGTERM to the end of everything", stops, "ms", 10_000)


def idle(report: Report, daemon: Daemon, rounds: int, seconds: float) -> None:
    time.sleep(2)
    before, began = wakeups(daemon.pid), time.monotonic()
    used = [cpu_percent(daemon.pid, seconds) for _ in range(rounds)]
    switches = (wakeups(daemon.pid) - before) / (time.monotonic() - began)
    report.add("idle: CPU of the daemon", used, "% core", 0.5)
    report.add("idle: RSS of the daemon", rss_kib(daemon.pid) / 1024, "MiB", 30)
    report.add("idle: RSS of the keeper", rss_kib(daemon.process.pid) / 1024, "MiB")
    report.add("idle: context switches of the daemon", switches, "a second")
    engine = daemon.node("engine")["pid"]
    report.add("idle: CPU of the engine", cpu_percent(engine, seconds), "% core", 0.5)
    report.add("idle: RSS of the engine", rss_kib(engine) / 1024, "MiB")


# -- relay


class Engine:
    """holt-stream on the daemon's display, silent, with an API token that we know."""

    def __init__(self, environment: dict[str, str]):
        self.token = secrets.token_hex(24)
        self.process = subprocess.Popen(
            [str(BIN / "holt-stream"), "--bind", "127.0.0.1:0", "--media-port", "0", "--no-audio",
             "--display", environment["DISPLAY"]],
            env={"PATH": os.environ["PATH"], **environment, "HOLT_STREAM_API_TOKEN": self.token},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if not select.select([self.process.stdout], [], [], 10)[0]:
            self.stop()
            raise TimeoutError("holt-stream was not ready within 10 s")
        self.port = json.loads(self.process.stdout.readline())["http"]

    def call(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read())

    def session(self) -> str:
        name = secrets.token_hex(8)
        profile = {"can_login": True, "can_connect": True, "can_watch": True}
        self.call("/api/members", {"username": name, "password": name, "profile": profile})
        return self.call("/api/login", {"username": name, "password": name})["token"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(5)


def raw_round_trips(count: int, size: int) -> list[float]:
    """A TCP echo of a process of ours on loopback: the floor of any exchange here."""
    listener = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if child == 0:
        peer, _ = listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := peer.recv(4096):
            peer.sendall(data)
        os._exit(0)
    out = []
    with socket.create_connection(listener.getsockname(), timeout=5) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            began = time.perf_counter_ns()
            s.sendall(b"x" * size)
            s.recv(4096)
            out.append((time.perf_counter_ns() - began) / 1e6)
    listener.close()
    os.waitpid(child, 0)
    return out


def relay(report: Report, daemon: Daemon, count: int) -> None:
    """signal/video and its answer: the shortest exchange that the engine answers. A request opens
    it; that nobody answers the offer does not matter for the 30 s that the engine waits."""
    engine = Engine(daemon.desktop_environment())
    try:
        ways = {"proxied": Socket(daemon.client.port, SIGNALING, daemon.token),
                "direct": Socket(engine.port, "/api/ws", engine.session())}
        for way in ways.values():
            way.hear("system/init")
            way.say("signal/request", {"video": {}, "audio": {}})
            way.hear("signal/provide")
        times: dict[str, list[float]] = {name: [] for name in ways}
        began = time.monotonic()
        for i in range(count + 50):
            for name, way in ways.items():
                at = time.perf_counter_ns()
                way.say("signal/video", {"disabled": i % 2 == 0})
                way.hear("signal/video")
                if i >= 50:
                    times[name].append((time.perf_counter_ns() - at) / 1e6)
            if time.monotonic() - began > 20:
                break
        for way in ways.values():
            way.close()
    finally:
        engine.stop()
    report.add("signaling round trip through the daemon", times["proxied"], "ms")
    report.add("signaling round trip at an engine alone", times["direct"], "ms")
    # Two messages a round trip, each relayed once.
    over = [(a - b) / 2 for a, b in zip(times["proxied"], times["direct"])]
    report.add("relay overhead a message", over, "ms", 0.3)
    report.add("floor: TCP echo on loopback, same size", raw_round_trips(count, 55), "ms")


# -- a thousand viewers who look at nothing


def many(report: Report, daemon: Daemon, count: int) -> None:
    engine = daemon.node("engine")["pid"]
    sockets: list[Socket] = []
    drain = Drain()
    drain.start()
    before = rss_kib(daemon.pid), rss_kib(engine)
    began = time.monotonic()
    try:
        for _ in range(count):
            one = Socket(daemon.client.port, SIGNALING, daemon.token)
            sockets.append(one)
            one.hear("system/init")
            drain.add(one)
            if time.monotonic() - began > 120:
                report.note(f"only {len(sockets)} connections within 120 s")
                break
        opened = (time.monotonic() - began) * 1000 / len(sockets)
        began = time.monotonic()
        while cpu_percent(daemon.pid, 1) > 5 and time.monotonic() - began < 30:
            pass  # each opening tells all others, and they are still reading
        after = rss_kib(daemon.pid), rss_kib(engine)
        n = len(sockets)
        report.add(f"{n} idle signaling connections: opening one", opened, "ms")
        report.add(f"{n} idle: until the daemon rests", time.monotonic() - began, "s")
        report.add(f"{n} idle: daemon, for each", (after[0] - before[0]) / n, "KiB", 60)
        report.add(f"{n} idle: engine, for each", (after[1] - before[1]) / n, "KiB")
        report.add(f"{n} idle: CPU of the daemon", [cpu_percent(daemon.pid, 5) for _ in range(2)],
                   "% core")
        report.add(f"{n} idle: CPU of the engine", cpu_percent(engine, 5), "% core")
        if drain.lost:
            report.note(f"{drain.lost} of them were cut meanwhile")
    finally:
        drain.stop()
        for one in sockets:
            one.close()
    end = time.monotonic() + 15
    while time.monotonic() < end and any(i.startswith("signaling/") for i in daemon.nodes()):
        time.sleep(0.2)
    time.sleep(1)
    report.add("all closed: RSS of the daemon", rss_kib(daemon.pid) / 1024, "MiB")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/daemon", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer runs")
    parser.add_argument("--only", default="start,idle,relay,many", help="parts, by commas")
    parts = parser.parse_args().only.split(","), parser.parse_args().short
    wanted, short = parts
    report = Report("bench/daemon")
    with Homes() as homes:
        if "start" in wanted:
            cold_starts(report, homes, 3 if short else 9)
        daemon, _ = started(homes.fresh())
        try:
            if "idle" in wanted:
                idle(report, daemon, 2 if short else 4, 5)
            if "relay" in wanted:
                relay(report, daemon, 200 if short else 1000)
            if "many" in wanted:
                many(report, daemon, 200 if short else IDLE_CONNECTIONS)
        finally:
            daemon.kill()
    report.write(ROOT / "build" / "bench" / "daemon.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
