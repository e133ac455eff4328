#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that holds for the Python package: format and lint, types, tests.

clients/python/check.py [--junit FILE] [PYTEST ARGUMENT...]
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"


def main() -> int:
    arguments = sys.argv[1:]
    if "--junit" in arguments:
        at = arguments.index("--junit")
        arguments[at : at + 2] = [f"--junitxml={Path(arguments[at + 1]).resolve()}"]
    config = ["--config", str(HERE / "pyproject.toml")]
    paths = ["src", "tests", "check.py", *([str(EXAMPLES)] if EXAMPLES.exists() else [])]
    path = [str(HERE / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    # The other styles parse the source of expected failures, which Python 3.11.2 cannot do while
    # another thread does (SystemError: AST constructor recursion depth mismatch).
    tracebacks = ["--tb=native"]
    steps = [
        [sys.executable, "-m", "ruff", "check", "--no-cache", *config, *paths],
        [sys.executable, "-m", "ruff", "format", "--no-cache", "--check", *config, *paths],
        [sys.executable, "-m", "mypy"],
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tracebacks, "-ra", *arguments],
    ]
    failed = 0
    for step in steps:
        print("==", " ".join(step[2:5]), flush=True)
        failed |= subprocess.run(step, cwd=HERE, env=env, check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
