#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cheap gates of docs/style.md, one after the other, each a test of its own.

    scripts/gates.py [--junit FILE] [--but GATE] [GATE...]
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("*.cpp", "*.hpp")
LONGEST = 600  # lines of a file


def tracked(*patterns: str) -> list[str]:
    out = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard", "--", *patterns],
                         cwd=ROOT, capture_output=True, text=True)
    if out.returncode == 0:
        return [p for p in out.stdout.split("\0") if p and (ROOT / p).is_file()]
    found = (p.relative_to(ROOT) for pattern in patterns for p in ROOT.rglob(pattern))
    return [str(p) for p in found if p.parts[0] != "build" and "node_modules" not in p.parts]


def call(*command: str) -> str:
    """Empty when the command succeeds, else what it said."""
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return "" if out.returncode == 0 else (out.stdout + out.stderr).strip() or "failed"


def format_() -> str:
    said = call("clang-format-14", "--dry-run", "--Werror", *tracked(*SOURCES))
    files = re.findall(r"^([\w/.-]+):\d+:\d+: error", said, re.M)
    counted = [f"{f}: {files.count(f)} places; clang-format-14 -i mends them"
               for f in dict.fromkeys(files)]
    return "\n".join(counted) or said


def arrows() -> str:
    return call(sys.executable, "scripts/arrows")


def headers() -> str:
    return call(sys.executable, "scripts/headers")


def names() -> str:
    return call(sys.executable, "scripts/names")


def co_await() -> str:
    """GCC 12.2 miscompiles a co_await with a braced temporary or a lambda in its expression."""
    said = []
    for path in tracked(*SOURCES):
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            code = line.split("//")[0]
            if re.search(r"\bco_await\b.*(\{|\[[^\]]*\]\s*[({])", code.rstrip(" {") + " "):
                said.append(f"{path}:{number}: nothing braced and no lambda beside co_await")
    return "\n".join(said)


def length() -> str:
    said = []
    for path in tracked(*SOURCES, "*.ts", "*.tsx", "*.py", "*.mjs", "*.css", "*.sh", "scripts/*"):
        lines = (ROOT / path).read_text(errors="replace").count("\n")
        if lines > LONGEST:
            said.append(f"{path}: {lines} lines, at most {LONGEST}")
    return "\n".join(said)


def spdx() -> str:
    bare = [p for p in tracked(*SOURCES, "*.ts", "*.tsx", "*.mjs", "*.py", "*.sh", "scripts/*")
            if "SPDX-License-Identifier" not in (ROOT / p).read_text(errors="replace")[:300]]
    return "\n".join(f"{p}: no SPDX line at its top" for p in bare)


def lock_files() -> str:
    """A lock file that names the server it was made against ties everybody to it."""
    said = [p for p in tracked("*package-lock.json", "tests/requirements.txt")
            if re.search(r'"resolved": "http|--(extra-)?index-url', (ROOT / p).read_text())]
    return "\n".join(f"{p}: names a download address" for p in said)


def checks() -> str:
    """CAF's own macros compare what has died already (tests/check.hpp says how)."""
    said = [p for p in tracked("tests/*.cpp", "tests/*.hpp")
            if p != "tests/check.hpp" and "<caf/test/unit_test.hpp>" in (ROOT / p).read_text()]
    return "\n".join(f"{p}: include \"check.hpp\", not <caf/test/unit_test.hpp>" for p in said)


GATES = {"format": format_, "arrows": arrows, "headers": headers, "names": names,
         "co_await": co_await, "checks": checks, "length": length, "spdx": spdx,
         "lock files": lock_files}


def main() -> int:
    arguments, report = sys.argv[1:], None
    if "--junit" in arguments:
        at = arguments.index("--junit")
        report, arguments = Path(arguments[at + 1]), arguments[:at] + arguments[at + 2:]
    left_out = None
    if "--but" in arguments:
        at = arguments.index("--but")
        left_out, arguments = arguments[at + 1], arguments[:at] + arguments[at + 2:]
    suite = ET.Element("testsuite", name="gates")
    failed = 0
    for name, gate in GATES.items():
        if name == left_out or (arguments and name not in arguments):
            continue
        began = time.monotonic()
        said = gate()
        case = ET.SubElement(suite, "testcase", name=name, classname="gates",
                             time=f"{time.monotonic() - began:.2f}")
        print(f"{'FAILED' if said else 'ok':<7}{name:<12}{time.monotonic() - began:6.1f} s")
        if said:
            failed += 1
            ET.SubElement(case, "failure", message=f"gate {name}").text = said
            print(said)
    if report:
        ET.ElementTree(suite).write(report)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
