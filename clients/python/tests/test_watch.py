# SPDX-License-Identifier: Apache-2.0
"""Watching files over the link, against the real daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holt import AsyncHolt, Change, DeniedError, NotFoundError, Watch

from live import LiveSandbox, needs_daemon

pytestmark = needs_daemon
LIMIT_S = 90.0


async def until(watch: Watch, kind: str, path: Path) -> list[Change]:
    seen: list[Change] = []
    async with asyncio.timeout(LIMIT_S):
        async for change in watch:
            seen.append(change)
            if change.kind == kind and change.path == str(path):
                return seen
    raise AssertionError(f"it ended before {kind} {path}: {seen}")


async def test_what_changes_after_the_answer_is_told(at: AsyncHolt, live: LiveSandbox) -> None:
    folder = live.workspace / "watched"
    (folder / "in").mkdir(parents=True)
    async with await at.watch("watched") as watch:
        assert watch.path == str(folder)
        (folder / "in" / "f").write_text("1")
        await until(watch, "created", folder / "in" / "f")
        await at.write("watched/in/f", "2")
        await until(watch, "modified", folder / "in" / "f")
        (folder / "in").rename(folder / "out")
        moved = (await until(watch, "moved", folder / "out"))[-1]
        assert moved.moved_from == str(folder / "in") and moved.is_directory
        (folder / "out" / "f").unlink()
        await until(watch, "removed", folder / "out" / "f")
    assert not at._watches
    async with asyncio.timeout(LIMIT_S):
        async for _ in watch:
            raise AssertionError("a closed watch tells nothing")


async def test_the_end_of_the_folder_ends_the_watch(at: AsyncHolt, live: LiveSandbox) -> None:
    folder = live.workspace / "short"
    folder.mkdir()
    watch = await at.watch("short", recursive=False)
    folder.rmdir()
    assert (await until(watch, "gone", folder))[-1].is_directory
    await watch.close()


async def test_a_wrong_path_is_refused(at: AsyncHolt) -> None:
    with pytest.raises(NotFoundError):
        await at.watch("not-there")
    with pytest.raises(DeniedError):
        await at.watch("/etc")
    assert not at._watches


async def test_a_watch_survives_the_daemon(at: AsyncHolt, live: LiveSandbox) -> None:
    folder = live.workspace / "long"
    folder.mkdir()
    async with await at.watch("long") as watch:
        live.kill()
        (folder / "unseen").write_text("1")
        live.start_again()
        await until(watch, "overflow", folder)
        (folder / "seen").write_text("1")
        await until(watch, "created", folder / "seen")
