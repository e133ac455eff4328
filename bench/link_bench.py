# SPDX-License-Identifier: Apache-2.0
"""bench/link: what the command link reaches, beside a small Node stack, a small Python stack and a plain
WebSocket echo in the same run. See bench/README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("HOLT_BIN", str(ROOT / "build" / "release" / "bin"))
sys.path[:0] = [str(ROOT / "bench" / "lib"), str(ROOT / "tests" / "functional")]
sys.dont_write_bytecode = True

from daemon import BIN, Daemon  # noqa: E402
from report import Report  # noqa: E402
from wire import Drain, Socket  # noqa: E402

NODE = ROOT / "tools" / "node" / "node_modules" / ".bin" / "node"
READ_1K = {"type": "fs.read", "path": "1k.txt"}
READ_64K = {"type": "fs.read", "path": "64k.txt"}
WRITE_1K = {"type": "fs.write", "path": "out.txt", "content": "w" * 1024}
EXEC = {"type": "shell.exec", "cmd": "true"}
COMMANDS = {"fs.read 1 KB": READ_1K, "fs.read 64 KB": READ_64K, "fs.write 1 KB": WRITE_1K,
            "exec true": EXEC}
SESSION = "main"
PARTS = ("trip", "flight", "clients", "spawn", "memory", "fair")


class Peer:
    """A stack to be measured: where its socket is and how one joins."""

    def __init__(self, name: str, port: int, target: str, key: str):
        self.name, self.port, self.target, self.key = name, port, target, key


def client_program() -> Path:
    """Compiles bench/link_client.cpp when it is newer than its program."""
    source, program = ROOT / "bench" / "link_client.cpp", ROOT / "build" / "bench" / "link_client"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["c++", "-std=c++20", "-O2", source, "-o", program], check=True)
    return program


def trips(peer: Peer, command: dict | str, count: int, in_flight: int = 1) -> tuple[list[float], float]:
    """Milliseconds of each round trip, and commands a second."""
    text = command if isinstance(command, str) else json.dumps(command, separators=(",", ":"))
    said = subprocess.run(
        [client_program(), str(peer.port), peer.target, peer.key, SESSION, str(in_flight), str(count), text],
        capture_output=True, text=True, timeout=120)
    if said.returncode:
        raise RuntimeError(f"{peer.name}: {said.stderr.strip()}")
    *rows, total = said.stdout.split("\n")[:-1]
    return [float(row) / 1000 for row in rows], count / float(total.split()[1])


class Helper:
    """A program of bench/peers that prints its port."""

    def __init__(self, *command: str):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if not select.select([self.process.stdout], [], [], 15)[0]:
            self.stop()
            raise TimeoutError(f"{command} did not print its port")
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def add_trips(report: Report, name: str, ms: list[float], p50=None, p99=None) -> float:
    from report import quantile
    median = report.add(name, ms, "ms", p50)
    report.add(f"{name}, p99", quantile(ms, 0.99), "ms", p99)
    return median


def sequential(report: Report, holt: Peer, peers: list[Peer], echo: Peer, count: int) -> None:
    floor, _ = trips(echo, "echo", count)
    report.add("floor: echo of 40 bytes by Node ws", floor, "ms")
    for name, command in COMMANDS.items():
        n = max(50, count // 4) if command is EXEC else count
        trips(holt, command, 50)
        ms, _ = trips(holt, command, n)
        p50, p99 = (0.2, 1.0) if command is READ_1K else (None, None)
        ours = add_trips(report, f"{name}: Holt, C++ client", ms, p50, p99)
        for peer in peers:
            theirs, _ = trips(peer, command, n)
            median = add_trips(report, f"{name}: {peer.name}, C++ client", theirs)
            report.add(f"{name}: Holt / {peer.name}", ours / median, "×")


def flights(report: Report, holt: Peer, peers: list[Peer], count: int) -> None:
    for in_flight in (1, 16, 32):
        for peer in [holt, *peers]:
            _, rate = trips(peer, READ_1K, count * (4 if in_flight > 1 else 1), in_flight)
            report.add(f"fs.read 1 KB, {in_flight} in flight: {peer.name}", rate, "a second")


async def realtime_py(url: str, key: str, count: int, command: dict) -> list[float]:
    from realtime import AsyncRealtimeClient
    client = AsyncRealtimeClient(url, key)
    channel = client.channel(f"sandbox:{SESSION}", {"config": {"broadcast": {"ack": False, "self": False}}})
    waiting: dict[str, asyncio.Future] = {}

    def heard(message: dict) -> None:
        payload = message["payload"]
        if future := waiting.pop(payload.get("id"), None):
            future.set_result(payload)

    channel.on_broadcast("result", heard)
    await channel.subscribe()
    rows, src = [], f"py{time.monotonic_ns()}"  # ids start anew with each
    for i in range(count):
        waiting[f"py{i}"] = answer = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        await channel.send_broadcast("cmd", {**command, "id": f"py{i}", "src": src})
        result = await asyncio.wait_for(answer, 10)
        rows.append((time.perf_counter() - began) * 1000)
        assert result["ok"], result
    await client.close()
    return rows


def clients(report: Report, url: str, key: str, count: int) -> None:
    for name, command in COMMANDS.items():
        n = max(50, count // 4) if command is EXEC else count
        ms = asyncio.run(realtime_py(url, key, n, command))
        add_trips(report, f"{name}: Holt, realtime-py", ms, 0.5 if command is READ_1K else None)
        said = subprocess.run(
            [NODE, ROOT / "bench" / "peers" / "realtime_js.mjs", url, key, SESSION, str(n), json.dumps(command)],
            capture_output=True, text=True, timeout=120)
        if said.returncode:
            report.note(f"realtime-js: {said.stderr.strip()[-300:]}")
            continue
        add_trips(report, f"{name}: Holt, realtime-js", [float(row) / 1000 for row in said.stdout.split()])


def spawn_floor(report: Report, holt: Peer, count: int) -> None:
    """A bare spawn + wait of the same shell, and one round trip: what exec may cost at least."""
    rows = []
    for _ in range(count):
        began = time.perf_counter()
        pid = os.posix_spawn("/bin/sh", ["/bin/sh", "-c", "true"], {"PATH": os.environ["PATH"]})
        os.waitpid(pid, 0)
        rows.append((time.perf_counter() - began) * 1000)
    bare = report.add("floor: posix_spawn of sh -c true and wait", rows, "ms")
    trip = sorted(trips(holt, READ_1K, count)[0])[count // 2]
    ours = sorted(trips(holt, EXEC, count)[0])[count // 2]
    report.add("exec true / (bare spawn + one round trip)", ours / (bare + trip), "×", 1.3)


def rss_kib(pid: int) -> int:
    return next(int(row.split()[1]) for row in Path(f"/proc/{pid}/status").read_text().splitlines()
                if row.startswith("VmRSS:"))


def memory(report: Report, daemon: Daemon, holt: Peer, count: int) -> None:
    drain, sockets = Drain(), []
    drain.start()

    def join(number: int) -> None:
        one = Socket(holt.port, f"{holt.target}?apikey={holt.key}&vsn=2.0.0", "none")
        topic = f"realtime:sandbox:{SESSION}"
        config = {"config": {"broadcast": {}, "presence": {"enabled": False}, "private": False}}
        one.frame(1, json.dumps([str(number), str(number), topic, "phx_join", config]).encode())
        one.next()
        sockets.append(one)
        drain.add(one)

    try:
        for number in range(100):
            join(number)
        before = rss_kib(daemon.pid)
        for number in range(count):
            join(number)
        report.add(f"{count} joined connections: daemon, for each", (rss_kib(daemon.pid) - before) / count,
                   "KiB", 30)
    finally:
        drain.stop()
        for one in sockets:
            one.close()


def fair(report: Report, daemon: Daemon, holt: Peer, count: int) -> None:
    """All slots and all places are one agent's; what another one's reads take then. The last part:
    what runs ends with the daemon."""
    from agent import Agent
    from daemon import wait_for
    with Agent(daemon, SESSION) as crowd:
        for number in range(32 + 256):
            crowd.send({"type": "shell.exec", "id": f"crowd{number}", "src": "crowd", "cmd": "sleep 1000"})
        queued = wait_for("the queue is full", lambda: max(
            0, daemon.get("/v1/link")["queue"]["queued"] - 255), 30)
        ms, _ = trips(holt, READ_1K, count)
        add_trips(report, f"fs.read 1 KB while another agent has {queued + 255} queued", ms, None, 50)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/link", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer runs")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, by commas: {','.join(PARTS)}")
    args = parser.parse_args()
    wanted, count = args.only.split(","), 300 if args.short else 2000
    if unknown := [part for part in wanted if part not in PARTS]:
        print(f"bench/link: no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 64
    report = Report("bench/link")
    with tempfile.TemporaryDirectory(prefix="holt-bench-") as folder:
        home = Path(folder) / "home"
        workspace = home / "workspace"
        workspace.mkdir(parents=True)
        (workspace / "1k.txt").write_text("r" * 1024)
        (workspace / "64k.txt").write_text("R" * 65536)
        daemon = Daemon(home, "--no-desktop")
        helpers = []
        try:
            realtime = daemon.info["realtime"]
            url = urlsplit(realtime["url"])
            holt = Peer("Holt", url.port, url.path + "/websocket", realtime["key"])
            helpers = [Helper(str(NODE), str(ROOT / "bench/peers/node_stack.mjs"), str(workspace)),
                       Helper(sys.executable, str(ROOT / "bench/peers/python_stack.py"), str(workspace)),
                       Helper(str(NODE), str(ROOT / "bench/peers/node_echo.mjs"))]
            node, python, echo = (Peer(n, h.port, "/socket/websocket", "x") for n, h in
                                  zip(("Node", "Python", "echo"), helpers))
            if "trip" in wanted:
                sequential(report, holt, [node, python], echo, count)
            if "spawn" in wanted:
                spawn_floor(report, holt, max(50, count // 4))
            if "flight" in wanted:
                flights(report, holt, [node, python], count)
            if "clients" in wanted:
                clients(report, realtime["url"], realtime["key"], count)
            if "memory" in wanted:
                memory(report, daemon, holt, 200 if args.short else 1000)
            if "fair" in wanted:
                fair(report, daemon, holt, count)
        finally:
            for helper in helpers:
                helper.stop()
            daemon.kill()
    report.write(ROOT / "build" / "bench" / "link.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
