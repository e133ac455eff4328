# SPDX-License-Identifier: Apache-2.0
"""The example runs to its end, also while the daemon dies in between."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

pytest.importorskip("langchain")

from conftest import ROOT, eventually
from live import LiveSandbox, needs_daemon
from realtime_double import RealtimeDouble
from sandbox_double import SandboxDouble

EXAMPLE = ROOT / "examples" / "fix_a_bug.py"


async def start(url: str, *arguments: str) -> asyncio.subprocess.Process:
    env = {**os.environ, "HOLT_REALTIME_URL": url, "HOLT_REALTIME_KEY": "k"}
    return await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), *arguments, env=env, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)  # fmt: skip


async def test_the_example_runs_to_its_end(server: RealtimeDouble, sandbox: SandboxDouble) -> None:
    example = await start(server.url)
    said, _ = await asyncio.wait_for(example.communicate(), 180)
    text = said.decode()
    assert example.returncode == 0, text
    assert "A test fails" in text and text.endswith("the tests pass\n"), text
    assert "    | test 1: total([],) = 0" in text, text


async def test_the_example_survives_a_daemon_that_dies(
    server: RealtimeDouble, sandbox: SandboxDouble
) -> None:
    example = await start(server.url, "--pause", "0.3")
    assert example.stdout
    text = ""
    deaths = 0
    while line := (await asyncio.wait_for(example.stdout.readline(), 180)).decode():
        text += line
        if "Now the tests" in line and deaths < 2:
            await eventually("the tests run", lambda: bool(sandbox.running))
            deaths += 1
            sandbox.die()
            await server.stop()
            await asyncio.sleep(0.2)
            await server.start()
            sandbox.come_back()
    assert await example.wait() == 0, text
    assert deaths == 2 and "interrupted" in text, text
    assert text.endswith("the tests pass\n"), text


@needs_daemon
async def test_the_example_survives_a_real_daemon_that_is_killed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    sandbox = LiveSandbox(tmp_path_factory.mktemp("example"))
    env = {k: v for k, v in os.environ.items() if not k.startswith("HOLT_REALTIME")}
    try:
        example = await asyncio.create_subprocess_exec(
            sys.executable, str(EXAMPLE), "--pause", "0.3", "--folder", "shop",
            env={**env, "HOLT_READY_FILE": str(sandbox.ready_file)},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT)  # fmt: skip
        assert example.stdout
        text, deaths = "", 0
        while line := (await asyncio.wait_for(example.stdout.readline(), 180)).decode():
            text += line
            if "| test 1" in line and deaths < 2:
                deaths += 1
                await asyncio.to_thread(sandbox.kill)
                await asyncio.to_thread(sandbox.start_again)
        assert await example.wait() == 0, text
        assert deaths == 2 and text.endswith("the tests pass\n"), text
        code = (sandbox.workspace / "shop" / "prices.py").read_text()
        assert "(100 - discount)" in code, code
    finally:
        sandbox.close()


async def test_a_model_that_is_not_to_be_had_is_said_in_a_sentence(
    server: RealtimeDouble, sandbox: SandboxDouble
) -> None:
    example = await start(server.url, "--model", "no_such_provider:name")
    said, _ = await asyncio.wait_for(example.communicate(), 180)
    text = said.decode()
    assert example.returncode == 1, text
    assert text.startswith("fix_a_bug: --model no_such_provider:name cannot be used: "), text
    assert "Traceback" not in text, text
