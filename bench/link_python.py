#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/link_python.py: the Python client against a daemon of its own (or --ready-file): round
trips, and what cache, batching and prefetch are worth, each with and without. --double measures
the client alone, against the in-memory sandbox of its tests. Run it with build/venv/bin/python."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("HOLT_BIN", str(ROOT / "build" / "release" / "bin"))
sys.path[:0] = [str(ROOT / p) for p in ("clients/python/src", "clients/python/tests", "bench/lib",
                                        "tests/functional")]
sys.dont_write_bytecode = True

from realtime import AsyncRealtimeClient  # noqa: E402
from report import Report  # noqa: E402

from holt import AsyncHolt, Holt  # noqa: E402
from holt.settings import Endpoint, endpoint_source  # noqa: E402

TREE = 200  # files of the tree that is prefetched
MANY = 50  # file commands of one tick


async def timed(count: int, work: Callable[[], Awaitable[Any]]) -> list[float]:
    """Milliseconds of each run, after a tenth to warm up."""
    taken = []
    for number in range(-max(count // 10, 1), count):
        began = time.perf_counter()
        await work()
        if number >= 0:
            taken.append(1000 * (time.perf_counter() - began))
    return taken


def add(report: Report, what: str, taken: list[float], aim: float | None = None) -> None:
    report.add(what, taken, "ms", aim)
    taken = sorted(taken)
    print(f"   {what}: p50 {taken[len(taken) // 2]:.3f}  p95 {taken[int(len(taken) * 0.95)]:.3f}  "
          f"p99 {taken[int(len(taken) * 0.99)]:.3f} ms", flush=True)


async def round_trips(report: Report, holt: AsyncHolt, count: int) -> None:
    for name, size in (("1 KB", 1024), ("64 KB", 65_536)):
        await holt.write(f"{name}.txt", "x" * (size - 1) + "\n")
        taken = await timed(count, lambda n=name: holt.read(f"{n}.txt"))
        add(report, f"AsyncHolt: fs.read {name}", taken, 0.5 if size == 1024 else None)
    add(report, "AsyncHolt: fs.write 1 KB", await timed(count, lambda: holt.write("w", "x" * 1024)))

    async def run() -> None:
        await holt.exec("true")

    add(report, "AsyncHolt: shell.exec true", await timed(count // 2, run))
    for flying in (1, 16, 32):
        left = count * 2

        async def worker() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await holt.read("1 KB.txt", range=(0, 1024))

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(flying)))
        rate = count * 2 / (time.perf_counter() - began)
        report.add(f"AsyncHolt: fs.read 1 KB, {flying} in flight", [rate], "1/s")
        print(f"   {flying} in flight: {rate:.0f} /s", flush=True)


async def plain_client(report: Report, to: Endpoint, count: int) -> None:
    """The official client with nothing of ours around it."""
    client = AsyncRealtimeClient(to.url, to.key)
    await client.connect()
    channel = client.channel(f"sandbox:{to.session}")
    waiting: dict[str, asyncio.Future[Any]] = {}

    def heard(message: Any) -> None:
        future = waiting.pop(message["payload"].get("id", ""), None)
        if future:
            future.set_result(None)

    channel.on_broadcast("result", heard)
    await channel.subscribe()
    number = 0

    async def read() -> None:
        nonlocal number
        number += 1
        own = f"plain-{os.getpid()}-{number}"
        waiting[own] = asyncio.get_running_loop().create_future()
        command = {"type": "fs.read", "id": own, "path": "1 KB.txt"}
        await channel.send_broadcast("cmd", command)
        await waiting[own]

    add(report, "realtime-py alone: fs.read 1 KB", await timed(count, read))
    await client.close()


def sync_client(report: Report, to: Endpoint, count: int) -> None:
    with Holt.connect(to.url, to.session, to.key) as holt:
        taken = []
        for number in range(-20, count):
            began = time.perf_counter()
            holt.read("1 KB.txt")
            if number >= 0:
                taken.append(1000 * (time.perf_counter() - began))
        add(report, "Holt (sync): fs.read 1 KB", taken)


async def with_and_without(report: Report, to: Endpoint, count: int) -> None:
    async def client(**how: Any) -> AsyncHolt:
        return await AsyncHolt.connect(to.url, to.session, to.key, **how)

    async with AsyncExitStack() as all_:
        plain = await all_.enter_async_context(await client(batching=False, cache=False))
        cached = await all_.enter_async_context(await client(batching=False, cache=True))
        batched = await all_.enter_async_context(await client(batching="all", cache=False))
        for name, size in (("64 KB", 65_536), ("512 KB", 524_288)):
            await plain.write(f"c{size}", "0123456789abcde\n" * (size // 16))
            for who, holt in (("without", plain), ("with", cached)):
                taken = await timed(count // 4, lambda h=holt, s=size: h.read(f"c{s}"))
                add(report, f"read again {name}, {who} cache", taken)
        if cached.cache:
            report.add("reads that the cache served", [cached.cache.hits], "")
        for number in range(MANY):
            await plain.write(f"m/{number}", "x" * 1024)
        for who, holt in (("without", plain), ("with", batched)):
            names = [f"m/{n}" for n in range(MANY)]
            taken = await timed(count // 20, lambda h=holt, n=names: h.read_many(n))
            add(report, f"{MANY} reads of one tick, {who} batching", taken)

            async def write(h: AsyncHolt = holt, n: list[str] = names) -> None:
                await asyncio.gather(*(h.write(name, "y" * 1024) for name in n))

            add(report, f"{MANY} writes of one tick, {who} batching",
                await timed(count // 20, write))
        await prefetch(report, plain, batched, count)


async def prefetch(report: Report, plain: AsyncHolt, batched: AsyncHolt, count: int) -> None:
    """An agent's first look around: every folder listed and every file's state known."""
    await asyncio.gather(*(batched.write(f"tree/d{n % 20}/s{n % 4}/f{n}.py", f"# {n}\n" * 40)
                           for n in range(TREE)))

    async def walk() -> int:
        seen, todo = 0, ["tree"]
        while todo:
            for entry in (await plain.list(todo.pop())).entries:
                seen += 1
                if entry.is_directory:
                    todo.append(entry.path)
        return seen

    async def tree() -> int:
        return len((await plain.tree("tree", depth=8)).entries)

    if await walk() != await tree():
        raise SystemExit("the walk and the tree differ")
    add(report, f"look around {TREE} files: folder by folder", await timed(count // 50, walk))
    add(report, f"look around {TREE} files: one fs.tree with hashes",
        await timed(count // 50, tree))


async def measure(report: Report, to: Endpoint, count: int, only: set[str]) -> None:
    if "trips" in only:
        async with await AsyncHolt.connect(to.url, to.session, to.key, cache=False) as holt:
            await round_trips(report, holt, count)
        await plain_client(report, to, count)
        await asyncio.to_thread(sync_client, report, to, count)
    if "worth" in only:
        await with_and_without(report, to, count)


async def against_double(report: Report, count: int, only: set[str]) -> None:
    from realtime_double import RealtimeDouble
    from sandbox_double import SandboxDouble

    with tempfile.TemporaryDirectory() as folder:
        server = RealtimeDouble()
        await server.start()
        sandbox = SandboxDouble(server, Path(folder))
        sandbox.max_payload = 880_000
        await measure(report, Endpoint(server.url, "main", "k"), count, only)
        await server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ready-file", help="of a daemon that runs")
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", default="trips,worth")
    args = parser.parse_args()
    only = set(args.only.split(","))
    count = 200 if args.short else 1000
    report = Report("link_python")
    if args.double:
        asyncio.run(against_double(report, count, only))
    elif args.ready_file:
        to = endpoint_source(ready_file=args.ready_file)()
        asyncio.run(measure(report, to, count, only))
    else:
        from daemon import Daemon

        with tempfile.TemporaryDirectory() as home:
            daemon = Daemon(Path(home), "--no-desktop")
            try:
                to = endpoint_source(ready_file=daemon.ready_file)()
                asyncio.run(measure(report, to, count, only))
            finally:
                daemon.kill()
    report.write(ROOT / "build" / "bench" / "link_python.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
