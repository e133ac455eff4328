#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The nemesis: agents work through a gate on a real daemon while links break and the daemon is
killed, stopped and started again; check.py judges the recorded history.

  scripts/nemesis [--seeds N] [--commands N] [--seed S] [--keep DIR] [--junit FILE]
  scripts/nemesis --short      what scripts/test runs
  --seed S       one seed alone, to play it again
  --keep DIR     histories and logs of every seed stay there (else only of broken ones)

A seed decides what is asked and which faults come; when exactly they strike depends on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

sys.path.insert(0, str(Path(__file__).resolve().parent))

from agent import Agent  # noqa: E402
from gate import Gate, Weather  # noqa: E402
from house import BIN, ROOT, House  # noqa: E402
from simple import SimpleAgent, SimpleWorker  # noqa: E402
from trouble import History, Trouble  # noqa: E402
from work import KINDS, Worker  # noqa: E402

AGENTS = 3
WORKERS = 6  # of an agent
SIMPLE_WORKERS = 2  # of the one agent that knows the four original messages only
STALL_S = 0.7  # the machine stood still, when a sleep of nothing takes so long
CALM_S = 90  # after the last fault everything must come to its end within


def what_is_left(house: House) -> dict:
    log = house.workspace / "effects.log"
    files = {}
    for path in house.workspace.rglob("*"):
        if path.is_file() and path != log:
            with contextlib.suppress(FileNotFoundError):  # one of a write that a late copy began
                files[str(path.relative_to(house.workspace))] = path.read_text()
    return {"log": log.read_text().splitlines() if log.exists() else [], "files": files}


async def possible_kinds(agent: Agent, house: House) -> dict[str, int]:
    """In calm weather: each kind of command works, or the run says which does not."""
    chance = random.Random(1)
    out = {}
    for kind, weight in KINDS.items():
        worker = Worker(agent, f"probe_{kind}", chance, {kind: 1})
        for step in ({"write": 1}, {kind: 1}):
            worker.kinds = step
            worker.path = lambda name=worker.name: f"{name}/f"
            command = {**worker.command(), "id": f"{worker.name}-{next(worker.numbers)}"}
            answer = await asyncio.wait_for(agent.ask(command), CALM_S)
            worker.note(command, answer)
        if answer.get("error") == "unsupported":
            print(f"SKIPPED nemesis of {kind}: unsupported")
            continue
        out[kind] = weight
    return out


async def note_stalls(history: History) -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.1)
        took = time.monotonic() - before
        if took > STALL_S:
            history("stall", s=round(took, 2))


async def one_seed(seed: int, commands: int, home: Path, rough: float = 1.0) -> Path:
    """Runs it; answers the history."""
    chance = random.Random(seed)
    history = History(home / "history.jsonl")
    house = House(home)
    await house.start()
    gate = Gate(house.port, random.Random(seed + 1))
    await gate.open()
    agents: list[Agent] = []
    tasks: list[asyncio.Task] = [asyncio.create_task(note_stalls(history))]
    try:
        agents += [Agent(f"agent{n}s{seed}", lambda: gate.port, lambda: house.access, history,
                         random.Random(seed * 100 + n)) for n in range(AGENTS)]
        kinds = await possible_kinds(agents[0], house)
        each = max(1, commands // (AGENTS * WORKERS))
        workers = [Worker(agent, f"{agent.src}w{w}", random.Random(seed * 1000 + n * 50 + w), kinds)
                   for n, agent in enumerate(agents) for w in range(WORKERS)]
        nemesis = Trouble(house, gate, list(agents), history, chance, rough)
        trouble = asyncio.create_task(nemesis.run())
        tasks.append(trouble)
        simple = SimpleAgent(lambda: gate.port, lambda: house.access, history,
                             random.Random(seed * 100 + 99))
        agents.append(simple)
        simple_workers = [SimpleWorker(simple, f"simple{seed}w{w}", random.Random(seed * 7 + w))
                          for w in range(SIMPLE_WORKERS)]
        simple_work = asyncio.gather(*(w.run() for w in simple_workers))
        tasks.append(simple_work)
        work = asyncio.gather(*(w.run(each) for w in workers))
        while not work.done():
            await asyncio.wait((work, trouble), timeout=1, return_when=asyncio.FIRST_COMPLETED)
            if trouble.done():
                trouble.result()  # it does not end by itself: this raises what went wrong
            # Near the end only few commands are left: calm, so that each can come to its end.
            if sum(w.done for w in workers) >= each * len(workers) - len(workers) // 2:
                break
        nemesis.stop = True
        await asyncio.wait_for(trouble, CALM_S)
        gate.weather = Weather()
        history("calm")
        if house.process.poll() is not None:
            await house.start()
        house.signal(signal.SIGCONT)
        try:
            await asyncio.wait_for(work, CALM_S)
            for worker in simple_workers:
                worker.stop = True
            await asyncio.wait_for(simple_work, CALM_S)
            # In calm weather it gets its answers; it gives up soon, which a busy machine may outlast.
            answer = None
            for _ in range(3):
                answer = answer or await simple_workers[0].once()
            if answer is None or not answer.get("ok"):
                raise RuntimeError(f"in calm weather a simple agent was answered {answer}")
        except asyncio.TimeoutError:
            history("stuck", pending=[i for a in agents for i in a.pending])
        history("stats", lives=house.lives, gate=gate.counts, joins=[a.joins for a in agents],
                started_in_s=[round(s, 2) for s in house.started_in_s],
                simple=[[w.asked, w.answers] for w in simple_workers])
        await settle(house)
        history("final", **what_is_left(house))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for agent in agents:
            await agent.close()
        await gate.close()
        house.signal(signal.SIGCONT)
        await house.stop()
        history.close()
    return history.path


async def settle(house: House) -> None:
    """What a killed life's shells still write has been written: nothing changes any more."""
    log = house.workspace / "effects.log"
    size, since = -1, time.monotonic()
    while time.monotonic() - since < 0.6:
        now = log.stat().st_size if log.exists() else 0
        if now != size:
            size, since = now, time.monotonic()
        await asyncio.sleep(0.05)


async def cut_at_every_byte(home: Path, step: int = 1) -> Path:
    """One command at a time, each sent through connections that end after 1, 2, 3 … bytes of the
    handshake, the join and the command, first upwards, then downwards."""
    history = History(home / "history.jsonl")
    house = House(home)
    await house.start()
    gate = Gate(house.port, random.Random(1))
    await gate.open()
    agents: list[Agent] = []
    try:
        for vsn in ("1.0.0", "2.0.0"):
            for way in ("cut_up", "cut_down"):
                agent = Agent(f"cut{vsn[0]}{way[4:]}", lambda: gate.port, lambda: house.access,
                              history, random.Random(7))
                agents.append(agent)
                agent.vsn, agent.calm = vsn, True
                await asyncio.wait_for(agent.joined.wait(), CALM_S)
                # Bytes that one connection with join, command and answer takes.
                limit = 1500 if way == "cut_up" else 2400
                per_command = 120  # bytes that are tried while one command waits
                for first in range(1, limit, per_command * step):
                    history("fault", what=way)
                    getattr(gate.weather, way).extend(
                        range(first, min(limit, first + per_command * step), step))
                    gate.reset_all()
                    token = f"{agent.src}#{first}"
                    await asyncio.wait_for(agent.ask(
                        {"type": "shell.exec", "id": f"{agent.src}-{first}",
                         "cmd": f"echo '{token}' >> effects.log; echo '{token}'"}), 240)
                    getattr(gate.weather, way).clear()
                await agent.close()
        await settle(house)
        history("stats", gate=gate.counts, joins=[a.joins for a in agents])
        history("final", **what_is_left(house))
    finally:
        for agent in agents:
            await agent.close()
        await gate.close()
        await house.stop()
        history.close()
    return history.path


# Where the daemon kills itself: every step of the journal, and of a change of a file.
JOURNAL_STEPS = ("open_begun", "open_checked", "open_ready", "received_begun", "received_written",
                 "planned_begun", "planned_written", "done_begun", "done_made", "done_written",
                 "release_begun", "release_written", "checkpoint_begun", "checkpoint_written")
FILE_STEPS = ("temp_created", "temp_half", "temp_written", "temp_synced", "renamed", "folder_synced",
              "parents_made")


async def killed_at_every_step(home: Path, times: tuple[int, ...]) -> Path:
    """One agent works; the daemon ends at the n-th passing of a step and is started again."""
    history = History(home / "history.jsonl")
    house = House(home)
    await house.start()
    gate = Gate(house.port, random.Random(1))
    await gate.open()
    agent = Agent("steps", lambda: gate.port, lambda: house.access, history, random.Random(3))
    missed = []
    try:
        kinds = await possible_kinds(agent, house)
        round_ = 0
        for step in (*JOURNAL_STEPS, *FILE_STEPS):
            for nth in times if not step.startswith("open_") else (1,):
                round_ += 1
                history("fault", what="step", step=step, nth=nth)
                await house.stop()
                lives = house.lives + 1
                try:
                    await house.start(HOLT_TEST_KILL_AT=f"{step}:{nth}")
                except RuntimeError:
                    # Any step may come before it is ready: a release waits in the mailbox perhaps.
                    if house.process.poll() != 128 + signal.SIGKILL:
                        raise
                    await house.start()
                # A checkpoint comes after 1,000 pages, which only large files fill soon.
                mine = {"write": 1} if step.startswith("checkpoint_") else kinds
                workers = [Worker(agent, f"steps{round_}w{w}", random.Random(round_ * 10 + w), mine)
                           for w in range(4)]
                for worker in workers:
                    worker.release_after = 4
                    if step.startswith("checkpoint_"):
                        worker.text = lambda w=worker: f"{w.token()}\n" + "x" * 150_000
                work = asyncio.gather(*(w.run(8) for w in workers))
                while not work.done():
                    await asyncio.wait((work,), timeout=0.02)
                    if house.process.poll() is not None:
                        await house.start()
                await work
                if house.lives == lives and not step.startswith("open_"):
                    missed.append(f"{step}:{nth}")
        await settle(house)
        history("stats", lives=house.lives, missed=missed)
        history("final", **what_is_left(house))
        if missed:
            print(f"SKIPPED nemesis at steps that nothing passed: {' '.join(missed)}")
    finally:
        await agent.close()
        await gate.close()
        await house.stop()
        history.close()
    return history.path


# -- from the command line


def report(name: str, make, keep: Path | None) -> tuple[str, str, float]:
    """(name, what broke or nothing, seconds). The checker is a program of its own."""
    home = Path(tempfile.mkdtemp(prefix="holt-nemesis-"))
    began = time.monotonic()
    broke = ""
    try:
        history = asyncio.run(make(home))
        said = subprocess.run([sys.executable, str(ROOT / "tests/nemesis/check.py"), str(history)],
                              capture_output=True, text=True)
        print(f"{name}: {said.stdout.strip().partition(': ')[2]}", flush=True)
        if said.returncode != 0:
            broke = said.stdout + said.stderr
    except Exception as why:  # noqa: BLE001: whatever it is, it belongs into the report
        broke = f"{type(why).__name__}: {why}"
        print(f"{name}: BROKEN {broke}", flush=True)
    place = keep or (ROOT / "build" / "nemesis" if broke else None)
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)
        target = place / name.replace(" ", "-")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(home, target, ignore=shutil.ignore_patterns("*.sock", "run"))
        print(f"{name}: kept in {target}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    return name, broke, time.monotonic() - began


def junit(path: Path, rows) -> None:
    cases = []
    for name, broke, seconds in rows:
        inner = f"<failure message={quoteattr(broke[:200])}>{escape(broke)}</failure>" if broke else ""
        cases.append(f'<testcase name={quoteattr(name)} time="{seconds:.1f}">{inner}</testcase>')
    path.write_text("<testsuite>" + "".join(cases) + "</testsuite>")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/nemesis", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--commands", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--rough", type=float, default=1.0, help="faults come so much faster")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--junit", type=Path)
    args = parser.parse_args()
    # Ended from outside, the daemon of the seed must not stay.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # writes to cut connections
    if not (BIN / "holt").exists():
        parser.error(f"no {BIN / 'holt'}: scripts/build first, or set HOLT_BIN")
    seeds = range(args.first, args.first + args.seeds)
    commands, step = args.commands, 1
    if args.short:
        seeds, commands, step = range(1, 4), 240, 37
    if args.seed is not None:
        seeds = [args.seed]
    elif text := os.environ.get("HOLT_SEED"):
        seeds = [random.randrange(10**6) if text == "random" else int(text) % 10**6]
    rows = []
    if args.seed is None:
        rows.append(report("cut at every byte of a join",
                           lambda home: cut_at_every_byte(home, step), args.keep))
        rows.append(report("killed at every step of journal and files",
                           lambda home: killed_at_every_step(home, (1,) if args.short else (1, 3)),
                           args.keep))
    for seed in seeds:
        rows.append(report(f"seed {seed}",
                           lambda home, s=seed: one_seed(s, commands, home, args.rough), args.keep))
    if args.junit:
        junit(args.junit, rows)
    broken = [name for name, broke, _ in rows if broke]
    print(f"{len(rows) - len(broken)} kept, {len(broken)} broken"
          + (f": {', '.join(broken)}" if broken else ""))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
