#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the groups of tests and adds up what they say.

Called by scripts/test. Each group is a command with a limit on its time; its whole output goes to
build/test-logs/GROUP.log. A group that writes a JUnit file is counted by it, another one counts as
one test. The failed tests are printed with their output; the last line is the sum, and the exit
code is 1 when anything failed.

The groups run one after the other, what is cheap and fails often first. What only computes (the
header gate, the sanitizer build) runs beside those that mostly wait, and gets only the time of a
core that nobody else wants: the tests do not feel it, and it is not added to their time.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
NODE = ROOT / "tools" / "node" / "node_modules" / ".bin"
PYTHON = sys.executable
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
TAIL = 120  # lines of a failed test that are shown


@dataclass
class Group:
    name: str
    command: list[str]
    limit_s: int
    junit: bool = False  # the command writes LOGS/NAME.xml
    needs: list[str] = field(default_factory=list)  # groups that must have passed
    env: dict[str, str] = field(default_factory=dict)
    exists: str = ""  # a path without which there is nothing to test
    slow: bool = False  # left out with --fast
    beside: bool = False  # computes in the idle time of the groups after it


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)  # name, output
    skips: list[str] = field(default_factory=list)


def node_test(name: str) -> list[str]:
    return ["node", "--test", "--test-reporter=spec", "--test-reporter-destination=stdout",
            "--test-reporter=junit", f"--test-reporter-destination={LOGS / name}.xml"]


OPENAPI_TEST = "tests/functional/test_openapi.py"


def groups(fast: bool) -> list[Group]:
    jobs = str(os.cpu_count() or 2)
    ctest = ["ctest", "--output-on-failure", "-j", jobs, "--timeout", "120", "--no-tests=error",
             "--test-output-size-passed", "65536"]
    pytest = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", "-ra", "--junitxml",
              str(LOGS / "functional.xml"), "tests/functional"]
    browser = ["node", "tests/browser/run.mjs", "--junit", str(LOGS / "browser.xml")]
    return [
        Group("gates", [PYTHON, "scripts/gates.py", "--junit", str(LOGS / "gates.xml"),
                        "--but", "headers"], 120, junit=True),
        Group("web", [*node_test("web"), "test/**/*.test.ts"], 180, junit=True, exists="web/test"),
        Group("build", ["scripts/build", "dev"], 2400),
        Group("unit", [*ctest, "--test-dir", "build/dev", "--output-junit", str(LOGS / "unit.xml")],
              600, junit=True, needs=["build"]),
        Group("build-asan", ["scripts/build", "--no-page", "asan", "unit_tests"], 3600, slow=True,
              beside=True, env={"CMAKE_BUILD_PARALLEL_LEVEL": jobs}),
        Group("headers", [PYTHON, "scripts/gates.py", "--junit", str(LOGS / "headers.xml"),
                          "headers"], 3600, junit=True, beside=True),
        Group("page", [*node_test("page"), "test/page.browser.ts"], 180, junit=True,
              needs=["build"], exists="web/test/page.browser.ts"),
        Group("openapi", [*pytest[:-2], str(LOGS / "openapi.xml"), OPENAPI_TEST], 600, junit=True,
              needs=["build"], exists="app/main.cpp"),
        Group("functional", [*pytest, "--ignore", OPENAPI_TEST], 900, junit=True, needs=["build"],
              exists="app/main.cpp", env={"HOLT_TEST_FAST": "1"} if fast else {}),
        Group("agent", [PYTHON, "clients/python/check.py", "--junit", str(LOGS / "agent.xml")],
              420, junit=True, needs=["build"], exists="clients/python"),
        Group("browser", browser, 600, junit=True, needs=["build"], exists="app/main.cpp",
              env={"HOLT_TEST_FAST": "1"} if fast else {}),
        Group("nemesis", [PYTHON, "tests/nemesis/run.py", "--short", "--junit",
                          str(LOGS / "nemesis.xml")], 600, junit=True, needs=["build"],
              exists="app/main.cpp", slow=True),
        Group("unit-asan", [*ctest, "--test-dir", "build/asan", "--output-junit",
                            str(LOGS / "unit-asan.xml")], 900, junit=True, needs=["build-asan"],
              slow=True),
    ]


# Where the kernel shares out by session, a session of idle processes would still get its share of a
# core, since it has a weight of its own: hence the second word.
ONLY_IDLE_TIME = ["sh", "-c", '(echo 19 >/proc/self/autogroup) 2>/dev/null; exec chrt --idle 0 "$@"',
                  "sh"]
RUNNING: set[int] = set()  # process groups


def end(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass
    RUNNING.discard(leader)


def run(group: Group) -> tuple[int | None, float]:
    """Exit code (None: out of time) and seconds. Nothing of its process group is left."""
    log = LOGS / f"{group.name}.log"
    (LOGS / f"{group.name}.xml").unlink(missing_ok=True)
    path = f"{NODE}:{ROOT / 'build' / 'venv' / 'bin'}:{os.environ.get('PATH', '')}"
    env = {**os.environ, **group.env, "PATH": path, "HOLT_BIN": str(ROOT / "build" / "dev" / "bin")}
    cwd = ROOT / "web" if group.name in ("web", "page") else ROOT
    began = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen([*(ONLY_IDLE_TIME if group.beside else []), *group.command],
                                   cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        RUNNING.add(process.pid)
        code = None
        while code is None and time.monotonic() - began < group.limit_s:
            try:
                code = process.wait(timeout=min(60, group.limit_s))
            except subprocess.TimeoutExpired:
                print(f"   … {group.name}: {time.monotonic() - began:.0f} s", flush=True)
        end(process.pid)
        process.wait()
    return code, time.monotonic() - began


def tail_of(text: str, lines: int = TAIL) -> str:
    rows = ESCAPES.sub("", text).rstrip().splitlines()
    cut = [f"[{len(rows) - lines} lines above are in the log]"] if len(rows) > lines else []
    return "\n".join(cut + rows[-lines:])


TELLING = re.compile(r"(?i)error|fail|not within|time.?out|\.(?:mjs|ts|py|[ch]pp):\d+")


def gist_of(output: str, limit: int = 500) -> str:
    """What of a failed test's output says most, in one line: CI may keep only the last lines."""
    rows = [" ".join(r.split()) for r in ESCAPES.sub("", output).splitlines()]
    passed = "** "  # how CAF begins a row of a check that passed
    rows = [r for r in dict.fromkeys(rows) if r and r != "Failed" and not r.startswith(passed)]
    return " | ".join([r for r in rows if TELLING.search(r)] or rows[-3:])[:limit]


def text_of(case: ET.Element, tags: tuple[str, ...]) -> str:
    parts = []
    for tag in tags:
        for element in case.iter(tag):
            parts += [element.get("message") or "", element.text or ""]
    return "\n".join(p for p in parts if p.strip())


def read_junit(path: Path) -> Tally:
    tally = Tally()
    # Control characters in a program's output are not allowed in XML, whoever wrote it.
    text = re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|&#x?[01]?[0-9a-fA-F];", "",
                  path.read_text(errors="replace"))
    for case in ET.fromstring(text).iter("testcase"):
        name = case.get("name") or "?"
        if case.find("failure") is not None or case.find("error") is not None:
            tally.failed += 1
            tally.failures.append((name, text_of(case, ("failure", "error", "system-out"))))
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            tally.skipped += 1
            tally.skips.append(f"{name}: {text_of(case, ('skipped',)).strip() or 'not run'}")
        else:
            said = re.findall(r"^.*\bSKIPPED (.+)$", text_of(case, ("system-out",)), re.M)
            if said:
                tally.skipped += 1
                tally.skips += [ESCAPES.sub("", s).strip() for s in said]
            else:
                tally.passed += 1
    return tally


def count(group: Group, code: int | None) -> Tally:
    log = (LOGS / f"{group.name}.log").read_text(errors="replace")
    report = LOGS / f"{group.name}.xml"
    tally = Tally()
    if group.junit and report.exists():
        try:
            tally = read_junit(report)
        except ET.ParseError as problem:
            tally.failed += 1
            tally.failures.append((f"{group.name}: unreadable report", str(problem)))
    elif code == 0 and not group.junit:
        tally.passed = 1
    if code is None:
        tally.failed += 1
        tally.failures.append((f"{group.name}: not done within {group.limit_s} s", tail_of(log)))
    elif code != 0 and tally.failed == 0:
        tally.failed += 1
        tally.failures.append((f"{group.name}: exit code {code}", tail_of(log)))
    elif group.junit and code == 0 and tally.passed + tally.skipped == 0:
        tally.failed += 1
        tally.failures.append((f"{group.name}: no test ran", tail_of(log)))
    return tally


@dataclass
class Sums:
    """What all groups said so far; groups that run beside each other add to it in turn."""

    total: Tally = field(default_factory=Tally)
    broken: set[str] = field(default_factory=set)
    rows: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def go(group: Group, sums: Sums) -> None:
    """Runs a group and adds up what it said."""
    if sums.broken & set(group.needs):
        seconds = 0.0
        tally = Tally(failed=1, failures=[(f"{group.name}: not run", "what it needs failed")])
    else:
        if not group.beside:
            print(f"\n== {group.name}: {' '.join(group.command)[:100]}", flush=True)
        code, seconds = run(group)
        tally = count(group, code)
    row = (f"{group.name:<12} {tally.passed:>5} passed {tally.failed:>4} failed "
           f"{tally.skipped:>4} skipped {seconds:>7.1f} s")
    with sums.lock:
        for name, output in tally.failures:
            print(f"\n--- FAILED {group.name}: {name}\n{tail_of(output)}\n", flush=True)
        print(f"   {row}", flush=True)
        if tally.failed:
            sums.broken.add(group.name)
        sums.rows.append(row)
        sums.total.passed += tally.passed
        sums.total.failed += tally.failed
        sums.total.skipped += tally.skipped
        sums.total.skips += tally.skips
        sums.total.failures += [(f"{group.name}: {name}", out) for name, out in tally.failures]


def go_after(group: Group, sums: Sums, before: list[threading.Thread]) -> None:
    for one in before:
        one.join()
    go(group, sums)


def wait_for_all(threads: list[threading.Thread], who: str) -> None:
    for one in threads:
        if one.is_alive():
            print(f"\n== {who} waits for what runs beside", flush=True)
        one.join()


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("only", nargs="*", metavar="GROUP")
    args = parser.parse_args()
    chosen = groups(args.fast)
    if args.list:
        print(*(g.name for g in chosen), sep="\n")
        return 0
    unknown = set(args.only) - {g.name for g in chosen}
    if unknown:
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    chosen = [g for g in chosen if (not args.only or g.name in args.only)
              and not (args.fast and g.slow)]
    sums = Sums()
    beside: list[threading.Thread] = []
    began = time.monotonic()
    for group in chosen:
        if group.exists and not (ROOT / group.exists).exists():
            print(f"\n== {group.name}: nothing there yet ({group.exists})", flush=True)
        elif group.beside:
            print(f"\n== {group.name}, beside the next: {' '.join(group.command)[:100]}", flush=True)
            beside.append(threading.Thread(target=go_after, args=(group, sums, beside[-1:]),
                                           daemon=True))
            beside[-1].start()
        else:
            if any(other.beside for other in chosen if other.name in group.needs):
                wait_for_all(beside, group.name)
            go(group, sums)
    wait_for_all(beside, "the end")
    total, rows = sums.total, sums.rows
    rows.append(f"{'together':<12} {time.monotonic() - began:.0f} s")
    for line in total.skips:
        print(f"SKIPPED {' '.join(line.split())[:300]}")
    print("\n== Summary", *rows, sep="\n   ")  # late: CI may keep only the last lines
    for name, output in total.failures:
        print(f"FAILED {name}: {gist_of(output)}")
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        for leader in list(RUNNING):  # when we were interrupted
            end(leader)
