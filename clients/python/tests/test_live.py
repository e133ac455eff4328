# SPDX-License-Identifier: Apache-2.0
"""Every command against the real daemon and its broker."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal

import pytest

from holt import (
    AsyncHolt,
    CancelledError,
    CommandTimeoutError,
    ConflictError,
    DeniedError,
    Edit,
    ExistsError,
    FolderError,
    Holt,
    HoltError,
    IdConflictError,
    InterruptedRunError,
    NotDirectoryError,
    NotFoundError,
    TooLargeError,
)

from conftest import eventually
from live import LiveSandbox, needs_daemon

pytestmark = needs_daemon
SEED = int(os.environ.get("HOLT_SEED", "0")) or random.randrange(1, 2**31)


async def test_files_are_written_read_and_described(at: AsyncHolt, live: LiveSandbox) -> None:
    done = await at.write("d/a.txt", "one\ntwo\nthree\n")
    assert done.created and done.sha256 == hashlib.sha256(b"one\ntwo\nthree\n").hexdigest()
    assert not (await at.write("d/a.txt", "one\ntwo\nthree\n")).created
    assert (live.workspace / "d/a.txt").read_text() == "one\ntwo\nthree\n"
    whole = await at.read("d/a.txt")
    assert (whole.text, whole.size) == ("one\ntwo\nthree\n", 14)
    window = await at.read("d/a.txt", offset=1, limit=1)
    assert (window.text, window.total_lines, window.end_line) == ("two\n", 3, 2)
    assert (await at.read("d/a.txt", range=(4, 3))).data == b"two"
    entry = await at.stat("d/a.txt")
    assert (entry.type, entry.size, entry.name) == ("file", 14, "a.txt")
    assert (await at.stat("d")).is_directory
    await at.write("d/b.sh", "#!/bin/sh\n", mode=0o755)
    assert (await at.stat("d/b.sh")).mode & 0o777 == 0o755
    listed = await at.list("d")
    assert [(e.name, e.type) for e in listed.entries] == [("a.txt", "file"), ("b.sh", "file")]


async def test_bytes_of_every_kind_survive(at: AsyncHolt) -> None:
    for data in (b"", bytes(range(256)), "hällo 世界 🎉".encode(), b"\xff\xfe", b"a\x00b\r\n"):
        await at.write("bytes", data)
        assert (await at.read("bytes")).data == data


async def test_files_are_edited_moved_and_removed(at: AsyncHolt) -> None:
    await at.write("e/x.py", "a = 1\nb = 1\n")
    with pytest.raises(ConflictError):
        await at.edit("e/x.py", [("1", "2")])
    done = await at.edit("e/x.py", [("a = 1", "a = 5"), Edit("b = 1", "b = 6")])
    assert done.replaced == 2 and (await at.read_text("e/x.py")) == "a = 5\nb = 6\n"
    done = await at.edit("e/x.py", [Edit(" = ", "=", all=True)])
    assert done.replaced == 2
    with pytest.raises(ConflictError):
        await at.write("e/x.py", "z", if_match="0" * 64)
    await at.move("e/x.py", "f/y.py")
    assert not await at.exists("e/x.py") and (await at.read_text("f/y.py")) == "a=5\nb=6\n"
    await at.mkdir("g/h")
    with pytest.raises(HoltError):
        await at.remove("g")
    await at.remove("g", recursive=True)
    assert not await at.exists("g")


async def test_files_are_found(at: AsyncHolt, live: LiveSandbox) -> None:
    for name in ("s/a.py", "s/t/b.py", "s/t/c.txt"):
        await at.write(name, f"# {name}\nneedle (x) | y\n")
    base = f"{live.workspace}/s"
    assert [e.path for e in (await at.glob("*.py", "s")).entries] == [f"{base}/a.py",
                                                                     f"{base}/t/b.py"]  # fmt: skip
    assert [e.path for e in (await at.glob("t/*.txt", "s")).entries] == [f"{base}/t/c.txt"]
    found = await at.grep("(x) | y", "s")
    assert [(m.path, m.line, m.text) for m in found.matches] == [
        (f"{base}/{n}", 2, "needle (x) | y") for n in ("a.py", "t/b.py", "t/c.txt")
    ]
    assert len((await at.grep("NEEDLE", "s", glob="*.py", ignore_case=True)).matches) == 2
    assert len((await at.grep(r"ne+dle \(", "s", regex=True)).matches) == 3
    tree = await at.tree("s")
    assert {e.path.removeprefix(base + "/") for e in tree.entries} == {
        "a.py", "t", "t/b.py", "t/c.txt",
    }  # fmt: skip
    file = next(e for e in tree.entries if e.name == "a.py")
    assert file.sha256 == hashlib.sha256(b"# s/a.py\nneedle (x) | y\n").hexdigest()


async def test_errors_have_their_class(at: AsyncHolt) -> None:
    await at.write("er/file", "x")
    for kind, work in (
        (NotFoundError, at.read("er/none")),
        (FolderError, at.read("er")),
        (NotDirectoryError, at.list("er/file")),
        (DeniedError, at.read("/etc/hostname")),
        (DeniedError, at.write("../outside", "x")),
        (ExistsError, at.write("er/file", "x", create="new")),
        (TooLargeError, at.read("er/file", max_bytes=0)),
        (NotFoundError, at.exec("true", cwd="nowhere").result()),
    ):
        with pytest.raises(kind):
            await work


async def test_large_files_go_both_ways(at: AsyncHolt, live: LiveSandbox) -> None:
    data = random.Random(SEED).randbytes(5_000_000)
    await at.write("big", data)
    assert (live.workspace / "big").read_bytes() == data, f"seed {SEED}"
    assert (await at.read("big")).data == data, f"seed {SEED}"
    text = "".join(f"line {n} é\n" for n in range(200_000))
    await at.write("big.txt", text)
    assert (await at.read("big.txt")).text == text


async def test_a_command_tells_how_it_ended(at: AsyncHolt, live: LiveSandbox) -> None:
    result = await at.exec("echo out; echo err >&2; exit 3")
    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "err\n", 3)
    assert (await at.exec("kill -9 $$")).signal == 9
    assert (await at.exec("pwd")).stdout.strip() == str(live.workspace)
    await at.mkdir("cw")
    result = await at.exec("pwd; echo $A; cat", cwd="cw", env={"A": "b"}, stdin="typed")
    assert result.stdout == f"{live.workspace}/cw\nb\ntyped"
    assert (await at.exec("printf '\\377'")).stdout_bytes == b"\xff"
    with pytest.raises(CommandTimeoutError) as late:
        await at.exec("echo early; sleep 60", timeout=5)  # a shell may take a while to begin
    assert late.value.fields["stdout"] == "early\n"


async def test_output_comes_live_and_whole(at: AsyncHolt, live: LiveSandbox) -> None:
    """Each line but the first waits for a file that is made when the one before it was heard."""
    wait = "until [ -e heard$n ]; do sleep 0.05; done"
    run = at.exec(f"for n in 1 2; do echo $n; {wait}; done; echo 3", stream=True, timeout=60)
    heard = ""
    async for piece in run:
        heard += piece.text
        for n in heard.split():
            (live.workspace / f"heard{n}").touch()
    assert heard == "1\n2\n3\n"
    assert (await run).stdout == "1\n2\n3\n"


async def test_much_output_is_whole_where_it_is_wanted(at: AsyncHolt) -> None:
    wanted = "".join(f"{n}\n" for n in range(1, 300_001))
    result = await at.exec("seq 1 300000")
    assert result.truncated and result.stdout.startswith("1\n2\n")
    assert result.stdout.endswith("300000\n") and len(result.stdout) < len(wanted)
    result = await at.exec("seq 1 300000", max_fetch=4_000_000)
    assert not result.truncated and result.stdout == wanted
    run = at.exec("seq 1 300000", stream=True)
    assert "".join([piece.text async for piece in run]) == wanted


async def test_a_command_is_cancelled(at: AsyncHolt) -> None:
    run = at.exec("echo begun; sleep 60", stream=True)
    async for _ in run:
        break_ = await run.cancel()
        assert break_ and break_.stdout == "begun\n"
        break
    with pytest.raises(CancelledError):
        await run
    pid = at.exec("echo $$ > pid; exec sleep 60")
    await eventually("it runs", lambda: not pid.done)

    async def text() -> str:
        return await at.read_text("pid") if await at.exists("pid") else ""

    while not (number := (await text()).strip()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    task = asyncio.ensure_future(pid.result())
    await asyncio.sleep(0)
    task.cancel()
    await eventually("its process is gone", lambda: not os.path.exists(f"/proc/{number}"))


async def test_a_process_is_talked_to(at: AsyncHolt) -> None:
    process = at.start("while read line; do echo got $line; done; echo end")
    out: list[str] = []

    async def listen() -> None:
        async for piece in process:
            out.append(piece.text)

    listening = asyncio.create_task(listen())
    await process.write("one\n")
    await eventually("an answer", lambda: "got one\n" in "".join(out))
    await process.write("two\n", close=True)
    assert (await asyncio.wait_for(process.wait(), 60)).exit_code == 0
    await listening
    assert "".join(out) == "got one\ngot two\nend\n"


async def test_the_same_id_is_the_same_command(at: AsyncHolt) -> None:
    first = await at.exec("echo x >> once; cat once", id="once-1")
    again = await at.exec("echo x >> once; cat once", id="once-1")
    assert (first.stdout, again.stdout, again.duplicate) == ("x\n", "x\n", True)
    with pytest.raises(IdConflictError):
        await at.exec("echo other", id="once-1")
    at.release("once-1")


async def test_reads_of_one_tick_and_the_cache_tell_the_truth(
    at: AsyncHolt, live: LiveSandbox
) -> None:
    await asyncio.gather(*(at.write(f"many/{n}", str(n)) for n in range(40)))
    found = await at.read_many([*(f"many/{n}" for n in range(40)), "many/none"])
    assert [f.text for f in found[:-1] if not isinstance(f, HoltError)] == [*map(str, range(40))]
    assert isinstance(found[-1], NotFoundError)
    path = live.workspace / "changing"
    for n in range(30):
        path.write_text(f"{n:04}")
        assert [(await at.read("changing")).text for _ in range(2)] == [f"{n:04}"] * 2


def test_the_same_without_asyncio(live: LiveSandbox) -> None:
    with Holt.connect(ready_file=live.ready_file) as holt:
        holt.write("s.txt", "x")
        assert holt.read("s.txt").text == "x" and holt.exists("s.txt")
        assert holt.exec("cat s.txt").stdout == "x"
        assert "".join(p.text for p in holt.stream("echo a; echo b")) == "a\nb\n"
        with pytest.raises(NotFoundError):
            holt.read("none")


async def test_a_daemon_that_is_killed_loses_and_doubles_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    sandbox = LiveSandbox(tmp_path_factory.mktemp("killed"))
    dice = random.Random(SEED)
    try:
        async with await AsyncHolt.connect(ready_file=sandbox.ready_file, timeout=60) as holt:
            await holt.write("log", "")
            answers: dict[int, str] = {}

            async def one(n: int) -> None:
                await asyncio.sleep(dice.uniform(0, 3))
                try:
                    result = await holt.exec(f"echo {n} >> log; echo {n}")
                    answers[n] = result.stdout
                except InterruptedRunError:
                    answers[n] = "interrupted"
                await holt.write(f"file-{n}", str(n))

            work = asyncio.gather(*(one(n) for n in range(60)))
            for _ in range(2):
                await asyncio.sleep(dice.uniform(0.3, 1.0))
                await asyncio.to_thread(sandbox.kill)
                await asyncio.to_thread(sandbox.start_again)
            await asyncio.wait_for(work, 180)
            lines = (sandbox.workspace / "log").read_text().split()
            assert len(lines) == len({*lines}), f"twice, seed {SEED}"
            for n in range(60):
                assert (sandbox.workspace / f"file-{n}").read_text() == str(n), f"seed {SEED}"
                if answers[n] != "interrupted":
                    assert answers[n] == f"{n}\n" and str(n) in lines, f"seed {SEED}"
            assert sum(a == "interrupted" for a in answers.values()) < 60, f"seed {SEED}"
    finally:
        sandbox.close()


async def test_a_stopped_daemon_is_waited_for(at: AsyncHolt, live: LiveSandbox) -> None:
    pid = live._daemon.pid
    os.kill(pid, signal.SIGSTOP)
    write = asyncio.create_task(at.write("frozen", "x"))
    await asyncio.sleep(2.5)  # more than one resend
    os.kill(pid, signal.SIGCONT)
    await asyncio.wait_for(write, 60)
    assert (live.workspace / "frozen").read_text() == "x"
