# SPDX-License-Identifier: Apache-2.0
"""The local API, side by side in one run with the npm package's own server and with the floor: what
the machine takes for the same without a server. See bench/README.md; bench/api starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("HOLT_BIN", str(ROOT / "build" / "release" / "bin"))
sys.path[:0] = [str(ROOT / "tests" / "functional"), str(ROOT / "bench" / "lib")]
sys.dont_write_bytecode = True

from api_peer import Peer, fetched  # noqa: E402
from daemon import Daemon  # noqa: E402
from report import quantile  # noqa: E402

MADE = ROOT / "build" / "bench"
ROUNDS = 3  # all sides in turns, so often
FLOODS = 64
D = "/v1/desktop"
SHORT = "--short" in sys.argv
ONLY = next((a.split("=")[1].split(",") for a in sys.argv if a.startswith("--only=")), None)
BEGAN = time.monotonic()
LIMIT_S = 420.0  # the rest is left out then


def late() -> bool:
    return time.monotonic() - BEGAN > LIMIT_S


def program(name: str, *libraries: str) -> Path:
    source, made = ROOT / "bench" / f"{name}.cpp", MADE / name
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        MADE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["c++", "-std=c++20", "-O2", "-Wall", source, "-o", made, *libraries], check=True)
    return made


def numbers(command: list, limit_s: float = 150, env=None) -> list[float]:
    """Milliseconds that a program prints as microseconds, one a line."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=limit_s, env=env)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-300:])
    return [float(line) / 1000 for line in done.stdout.split()]


@dataclass
class Side:
    """A server under measure."""

    port: int
    token: str
    pid: int

    def ask(self, steps, callers: int, count: int, seconds: float) -> list[float]:
        flat = [part for step in steps for part in step]
        return numbers([program("api_client"), self.port, self.token, callers, count, seconds, *flat])


@dataclass
class Row:
    name: str
    aim: float | None = None  # the most that the median (or `of`) may be
    of: float = 0.5           # the quantile that the aim is about
    unit: str = "ms"
    most: bool = True         # False: the aim is the least it may be
    values: dict[str, list[float]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def add(self, side: str, values) -> None:
        self.values.setdefault(side, []).extend(values)

    def verdict(self) -> str:
        got = self.values.get("holt")
        if self.aim is None or not got:
            return ""
        value = quantile(got, self.of)
        return "met" if (value <= self.aim if self.most else value >= self.aim) else "MISSED"


def shown(value: float | None) -> str:
    if value is None or value != value:
        return ""
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 \
        else f"{value:.2f}" if size >= 0.995 else f"{value:.3f}"


def three(row: Row, side: str) -> str:
    values = row.values.get(side)
    if not values:
        return row.why.get(side, "")
    return " / ".join(shown(quantile(values, q)) for q in ((0.5, 0.95, 0.99) if len(values) > 1 else (0.5,)))


def ratio(row: Row, a: str, b: str) -> str:
    if not row.values.get(a) or not row.values.get(b):
        return ""
    below = quantile(row.values[b], 0.5)
    return shown(quantile(row.values[a], 0.5) / below) if below > 0.001 else ""


def table(rows: list[Row]) -> str:
    out = ["| measure | unit | Holt p50 / p95 / p99 | its own server | its ÷ ours | floor | ours ÷ floor | aim | verdict |",
           "|---|---|--:|--:|--:|--:|--:|--:|---|"]
    for row in rows:
        sign = "≤" if row.most else "≥"
        at = "" if row.of == 0.5 else f" p{row.of * 100:.0f}"
        aim = "" if row.aim is None else f"{sign} {shown(row.aim)}{at}"
        out.append(f"| {row.name} | {row.unit} | {three(row, 'holt')} | {three(row, 'peer')} | "
                   f"{ratio(row, 'peer', 'holt')} | {three(row, 'floor')} | {ratio(row, 'holt', 'floor')} | {aim} | {row.verdict()} |")
    return "\n".join(out)


class Bench:
    def __init__(self, home: Path):
        self.rows: list[Row] = []
        self.notes: list[str] = []
        for name in ("holt", "peer", "files"):
            (home / name).mkdir()
        self.files = home / "files"
        self.daemon = Daemon(home / "holt", "--root", "/", "--desktop-width", "1440", "--desktop-height", "900")
        self.holt = Side(int(self.daemon.url.rstrip("/").rsplit(":", 1)[1]), self.daemon.token, self.daemon.pid)
        self.peer = None
        self.peer_desktop = False
        self.peer_server = None
        if "--no-peer" not in sys.argv:
            try:
                self.peer_server = Peer(fetched(ROOT), home / "peer")
                self.peer = Side(self.peer_server.port, "", self.peer_server.pid)
                self.start_peer_desktop()
            except Exception as why:  # the rest is worth having without it
                self.notes.append(f"its own server does not run here: {why}")

    def start_peer_desktop(self) -> None:
        status = self.peer_server.call("GET", f"{D}/status")
        if status.get("missingDependencies"):
            self.notes.append("its own server has no desktop here; it wants " + ", ".join(status["missingDependencies"]))
            return
        self.peer_server.call("POST", f"{D}/start", {"width": 1440, "height": 900})
        self.peer_desktop = True

    def end(self) -> None:
        if self.peer_server:
            self.peer_server.end()
        self.daemon.kill()

    def measure(self, row: Row, steps, *, count=200, slow=10, callers=1, desktop=False, floor=None, peer_steps=None) -> Row:
        """Rounds of all sides in turns; `slow`: how many of the other server's, which may be slow."""
        self.rows.append(row)
        if late():
            row.why["holt"] = "out of time"
            return row
        rounds = 1 if SHORT or callers > 1 else ROUNDS
        for _ in range(rounds):
            row.add("holt", self.holt.ask(steps, callers, count, 8))
            peer = self.peer if not desktop or self.peer_desktop else None
            if peer and slow and "peer" not in row.why:
                try:
                    row.add("peer", peer.ask(peer_steps or steps, callers, slow, 8))
                except Exception as why:
                    row.why["peer"] = "fails"
                    self.notes.append(f"{row.name}, its own server: {str(why)[-160:]}")
            if floor:
                what, *more = floor
                env = {**os.environ, **self.daemon.desktop_environment()} if desktop else None
                row.add("floor", numbers([program("api_floor", "-lxcb", "-lxcb-shm", "-lxcb-xtest"), what, count, *more], env=env))
        print(f"  {row.name}: {three(row, 'holt')}  |  {three(row, 'peer')}  |  {three(row, 'floor')}  {row.verdict()}", file=sys.stderr, flush=True)
        return row

    # -- parts

    def desktop(self) -> None:
        click = ("POST", f"{D}/mouse/click", json.dumps({"x": 1400, "y": 850}))
        self.measure(Row("click", 0.5), [click], count=100, desktop=True, floor=("click",))
        self.measure(Row("pointer query", 0.15), [("GET", f"{D}/mouse/position", "-")], count=300, desktop=True, floor=("pointer",))
        term = self.daemon.post(f"{D}/launch", {"app": "xterm", "args": ["-geometry", "100x40+40+40", "-e", "sh", "-c",
                                "cd /usr/include && head -c 4000 stdio.h; exec sleep 900"], "wait": True})
        try:
            self.measure(Row("screenshot PNG 1440×900", 25), [("GET", f"{D}/screenshot", "-")], count=20, slow=5, desktop=True, floor=("shm",))
            self.measure(Row("screenshot JPEG 1440×900", 6), [("GET", f"{D}/screenshot?format=jpeg&quality=85", "-")], count=40, slow=5,
                         desktop=True, floor=("shm",))
            self.measure(Row("windows list", 1), [("GET", f"{D}/windows", "-")], count=150, slow=5, desktop=True, floor=("windows",))
        finally:
            if "pid" in term:
                self.daemon.client.call("POST", f"{D}/windows/{term.get('windowId')}/close")
        clip = ("POST", f"{D}/clipboard", json.dumps({"text": "a line of text for the clipboard"}))
        self.measure(Row("clipboard write", 1), [clip], count=150, slow=0, desktop=True).why["peer"] = "never answers"
        self.measure(Row("64 callers: click"), [click], count=600, slow=1, callers=64, desktop=True)
        self.measure(Row("64 callers: pointer query"), [("GET", f"{D}/mouse/position", "-")], count=2000, slow=1, callers=64, desktop=True)
        row = Row("desktop ready", 250)
        self.rows.append(row)
        for _ in range(1 if SHORT or late() else 4):
            for name, side in (("holt", self.daemon), ("peer", self.peer_server if self.peer_desktop else None)):
                if side is None:
                    continue
                call = side.post if name == "holt" else lambda path, body=None: side.call("POST", path, body)
                call(f"{D}/stop")
                began = time.perf_counter()
                call(f"{D}/start", {})
                row.add(name, [(time.perf_counter() - began) * 1000])

    def processes(self) -> None:
        true = ("POST", "/v1/processes/run", json.dumps({"command": "true"}))
        run = self.measure(Row("run true", 0.9), [true], count=200, slow=100, floor=("spawn",))
        if run.values.get("floor"):
            share = Row("run true ÷ bare spawn", 1.3, unit="×")
            share.add("holt", [quantile(run.values["holt"], 0.5) / quantile(run.values["floor"], 0.5)])
            self.rows.append(share)
        life = [("POST", "/v1/processes", json.dumps({"command": "sleep", "args": ["60"]})),
                ("POST", "/v1/processes/{id}/kill?waitMs=5000", "-"), ("DELETE", "/v1/processes/{id}", "-")]
        self.measure(Row("create + kill + delete", 2), life, count=80, slow=15)
        self.measure(Row("64 callers: run true"), [true], count=600, slow=600, callers=64)

    def content(self) -> None:
        def wanted(name: str):
            return [("GET", f"/v1/fs/file?path={quote(str(self.files / name))}", "-")]

        for name, size in (("4k", 4096), ("1m", 1 << 20)):
            (self.files / name).write_bytes(os.urandom(size))
        many = self.files / "many"
        many.mkdir()
        for i in range(1000):
            (many / f"file number {i:04}").touch()
        self.measure(Row("read 4 KB", 0.2), wanted("4k"), count=400, slow=200, floor=("read", self.files / "4k"))
        self.measure(Row("read 1 MB", 1.5), wanted("1m"), count=60, slow=40, floor=("read", self.files / "1m"))
        entries = [("GET", f"/v1/fs/entries?path={quote(str(many))}", "-")]
        self.measure(Row("list of 1,000", 1.5), entries, count=60, slow=40, floor=("list", many))
        self.measure(Row("64 callers: read 4 KB"), wanted("4k"), count=3000, slow=2000, callers=64)
        self.measure(Row("64 callers: list of 1,000"), entries, count=300, slow=300, callers=64)
        if not late():
            self.giant(wanted)

    def giant(self, wanted) -> None:
        size = 1 << (28 if SHORT else 30)
        big = self.files / "big"
        with big.open("wb") as out:
            block = os.urandom(1 << 20)
            for _ in range(size >> 20):
                out.write(block)
        label = f"read {size >> 20} MB"
        speed, memory = Row(label, 1, unit="GB/s", most=False), Row(f"{label}: memory over idle", 10, unit="MiB")
        self.rows += [speed, memory]
        available = int(next(line.split()[1] for line in Path("/proc/meminfo").read_text().splitlines() if "MemAvailable" in line))
        for name, side in (("holt", self.holt), ("peer", self.peer)):
            if side is None or (name == "peer" and available < (size >> 10) * 3):
                continue
            high = peak(side.pid)
            try:
                times = [side.ask(wanted("big"), 1, 1, 60)[0] for _ in range(1 if name == "peer" else 2)]
            except Exception as why:
                self.notes.append(f"{label}, {name}: {str(why)[-160:]}")
                continue
            speed.add(name, [size / 1e9 / (t / 1000) for t in times])
            memory.add(name, [max(0.0, (peak(side.pid, False) - high) / 1024)])
        program("api_floor", "-lxcb", "-lxcb-shm", "-lxcb-xtest")
        speed.add("floor", [size / 1e9 / (t / 1000) for t in numbers([MADE / "api_floor", "read", 2, big])])
        big.unlink()

    def health(self) -> None:
        steps = [("GET", "/v1/health", "-")]
        self.measure(Row("health"), steps, count=1000, slow=500)
        row = Row("health, 64 callers and the generator on the same cores", 30_000, unit="a second", most=False)
        self.rows.append(row)
        for _ in range(1 if SHORT else ROUNDS):
            for name, side in (("holt", self.holt), ("peer", self.peer)):
                if side and not late():
                    began = time.perf_counter()
                    done = side.ask(steps, 64, 10_000_000, 2)
                    row.add(name, [len(done) / (time.perf_counter() - began)])
        flood = Row(f"health while {FLOODS} processes flood", 5, of=0.99)
        self.rows.append(flood)
        for name, side in (("holt", self.holt), ("peer", self.peer)):
            if side is None or late():
                continue
            create = self.daemon.post if name == "holt" else lambda path, body=None: self.peer_server.call("POST", path, body)
            made = []
            try:
                for _ in range(FLOODS):  # one by one: what was made is ended also when the next is refused
                    made.append(create("/v1/processes", {"command": "yes"})["id"])
                flood.add(name, side.ask(steps, 1, 3000, 4))
            except Exception as why:
                self.notes.append(f"{flood.name}, {name}: {str(why)[-160:]}")
            finally:
                for one in made:
                    create(f"/v1/processes/{one}/kill?waitMs=2000")


def peak(pid: int, afresh: bool = True) -> int:
    """KiB that the process held at most, since the last question that began afresh."""
    if afresh:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    return int(next(line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line))


def main() -> None:
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="holt-bench-") as home:
        bench = Bench(Path(home))
        try:
            for name in ("health", "processes", "content", "desktop"):
                if ONLY is None or name in ONLY:
                    getattr(bench, name)()
        finally:
            bench.end()
    print(table(bench.rows))
    for note in dict.fromkeys(bench.notes):
        print(f"\n- {note}")
    aims = [row for row in bench.rows if row.verdict()]
    print(f"\n{sum(row.verdict() == 'met' for row in aims)} of {len(aims)} aims met; load before {load:.1f}, after "
          f"{os.getloadavg()[0]:.1f}; {time.monotonic() - BEGAN:.0f} s; Holt's programs from {os.environ['HOLT_BIN']}")
    MADE.mkdir(parents=True, exist_ok=True)
    (MADE / "api.json").write_text(json.dumps([{**vars(row), "verdict": row.verdict()} for row in bench.rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
