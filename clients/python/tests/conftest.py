# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the double for faults, and the real daemon (tests/functional/daemon.py) where it is
built."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests" / "functional")]

from holt import AsyncHolt  # noqa: E402

from realtime_double import RealtimeDouble  # noqa: E402
from sandbox_double import SandboxDouble  # noqa: E402


async def eventually(what: str, check: Callable[[], Any], limit_s: float = 30.0) -> None:
    end = asyncio.get_running_loop().time() + limit_s
    while True:
        late = asyncio.get_running_loop().time() > end  # before the look: see wait_for in daemon.py
        if check():
            return
        assert not late, f"not within {limit_s} s: {what}"
        await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[RealtimeDouble]:
    server = RealtimeDouble()
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture
async def sandbox(server: RealtimeDouble, tmp_path: Path) -> SandboxDouble:
    return SandboxDouble(server, tmp_path)


@pytest_asyncio.fixture
async def holt(server: RealtimeDouble, sandbox: SandboxDouble) -> AsyncIterator[AsyncHolt]:
    async with await AsyncHolt.connect(server.url, key="k", timeout=30) as holt:
        yield holt


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One daemon for the tests of a module."""
    from live import LiveSandbox

    sandbox = LiveSandbox(tmp_path_factory.mktemp("live"))
    yield sandbox
    sandbox.close()


@pytest_asyncio.fixture
async def at(live: Any) -> AsyncIterator[AsyncHolt]:
    """A client of the real daemon."""
    async with await AsyncHolt.connect(ready_file=live.ready_file, timeout=60) as holt:
        yield holt
