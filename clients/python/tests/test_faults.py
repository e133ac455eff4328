# SPDX-License-Identifier: Apache-2.0
"""The rules of the agent's side (docs/protocol-sbx1.md, section 8) against a link that breaks."""

from __future__ import annotations

import asyncio
import os
import random

import pytest

from holt import (
    AsyncHolt,
    CancelledError,
    ClosedError,
    CommandTimeoutError,
    InterruptedRunError,
    InvalidError,
    LinkError,
    NoAnswerError,
    NotFoundError,
)

from conftest import eventually
from realtime_double import RealtimeDouble
from sandbox_double import SandboxDouble

SEED = int(os.environ.get("HOLT_SEED", "0")) or random.randrange(1, 2**31)


async def test_a_file_is_written_and_read(holt: AsyncHolt) -> None:
    await holt.write("a/b.txt", "hällo\n")
    assert (await holt.read("a/b.txt")).text == "hällo\n"
    await holt.write("a/b.bin", bytes(range(256)))
    assert (await holt.read("a/b.bin")).data == bytes(range(256))
    with pytest.raises(NotFoundError) as missing:
        await holt.read("nowhere")
    assert missing.value.error == "not_found"


async def test_a_command_that_was_lost_is_sent_again_and_runs_once(
    server: RealtimeDouble, sandbox: SandboxDouble, holt: AsyncHolt
) -> None:
    lose = iter([0, 1])  # the command; the resend arrives
    server.faults.copies = lambda m: next(lose, 1) if m.get("type") == "shell.exec" else 1
    result = await holt.exec("echo x >> log; cat log")
    assert result.stdout == "x\n"
    came = [c["attempt"] for c in sandbox.commands if c["type"] == "shell.exec"]
    assert came[0] == 2  # a slow answer is asked for once more


async def test_a_result_that_was_lost_is_asked_for_and_the_effect_happens_once(
    server: RealtimeDouble, sandbox: SandboxDouble, holt: AsyncHolt
) -> None:
    lose = iter([0])
    server.faults.copies = lambda m: next(lose, 1) if m.get("type") == "result" else 1
    await holt.write("f", "1")
    assert list(sandbox.effects.values()) == [1]
    assert holt.counters.resent >= 1


async def test_results_that_come_twice_are_taken_once(
    server: RealtimeDouble, sandbox: SandboxDouble, holt: AsyncHolt
) -> None:
    server.faults.copies = lambda _m: 2
    await asyncio.gather(*(holt.exec(f"echo {n}") for n in range(5)))
    assert set(sandbox.effects.values()) == {1}
    await eventually("duplicates", lambda: holt.counters.duplicates >= 5)


async def test_every_way_a_connection_ends_is_survived(
    server: RealtimeDouble, sandbox: SandboxDouble, holt: AsyncHolt
) -> None:
    for way in ("cut", 1000, 1001, 1006, 1011, 1012):
        running = holt.exec(f"sleep 0.2; echo {way}")
        await eventually("it runs", lambda: bool(sandbox.running))
        if isinstance(way, int) and way != 1006:
            await server.close_all(way)
        else:
            server.cut()
        assert (await running).stdout == f"{way}\n"
    assert set(sandbox.effects.values()) == {1}


async def test_a_server_that_is_away_for_long_is_waited_for(
    server: RealtimeDouble, sandbox: SandboxDouble, holt: AsyncHolt
) -> None:
    await server.stop()
    write = asyncio.create_task(holt.write("late", "x"))
    await asyncio.sleep(2.5)  # the outage is what is tested; the official client tries 5 times
    assert not write.done()
    await server.start()
    await asyncio.wait_for(write, 60)
    assert (sandbox.root / "late").read_text() == "x"


@pytest.mark.parametrize("ending", ["phx_close", "system then phx_close", "phx_error"])
async def test_a_channel_that_was_closed_is_built_anew(
    server: RealtimeDouble, sandbox: SandboxDouble, holt: AsyncHolt, ending: str
) -> None:
    if ending.startswith("system"):
        system = {"extension": "system", "status": "error", "message": "Too many", "channel": "x"}
        server.emit(sandbox.topic, "system", system)
    server.emit(sandbox.topic, "phx_error" if ending == "phx_error" else "phx_close", {})
    await eventually("down", lambda: not holt.is_up or server.joins >= 2)
    await holt.write("again", ending)
    assert server.joins >= 2


async def test_a_listener_that_died_is_noticed(holt: AsyncHolt, server: RealtimeDouble) -> None:
    client = holt._link._client
    assert client and client._listen_task
    client._listen_task.cancel()
    await eventually("down", lambda: not holt.is_up or server.joins >= 2)
    await holt.write("f", "x")
    assert server.joins >= 2


async def test_a_callback_that_raises_does_not_kill_the_listener(
    holt: AsyncHolt, server: RealtimeDouble, sandbox: SandboxDouble
) -> None:
    for poison in (
        {"type": "result"},
        {"type": "hello", "limits": 7, "rseq": "x"},
        {"type": "result", "id": []},
        ["a", "list"],
        "text",
        None,
    ):
        server.broadcast(sandbox.topic, "result", poison)
    await holt.write("f", "x")
    assert server.joins == 1


async def test_a_presence_listener_that_is_added_does_not_cost_the_channel(
    holt: AsyncHolt, server: RealtimeDouble
) -> None:
    channel = holt._link._channel
    assert channel
    channel.on_presence_sync(lambda: None)
    await eventually("joined again", lambda: server.joins == 2 and holt.is_up)
    await holt.write("f", "x")
    assert holt._link._channel is channel


async def test_a_mute_server_is_noticed(
    holt: AsyncHolt, server: RealtimeDouble, sandbox: SandboxDouble, monkeypatch
) -> None:
    monkeypatch.setattr("holt.link.PING_LIMIT_S", 0.3)
    server.faults.mute = True
    # Its TCP lives and it answers pings: only the resends go on.
    write = asyncio.create_task(holt.write("f", "x"))
    await eventually("resends", lambda: holt.counters.resent >= 1)
    server.faults.mute = False
    await asyncio.wait_for(write, 60)


async def test_a_daemon_that_died_answers_after_it_came_back(
    holt: AsyncHolt, sandbox: SandboxDouble
) -> None:
    sandbox.say_hello()
    running = holt.exec("sleep 30")
    await eventually("it runs", lambda: bool(sandbox.running))
    sandbox.die()
    write = asyncio.create_task(holt.write("f", "x"))
    await asyncio.sleep(0.05)
    sandbox.come_back()
    with pytest.raises(InterruptedRunError):
        await running
    await write
    assert holt.hello.boot == "b2"
    assert holt._link.max_payload == sandbox.max_payload


async def test_large_results_come_in_chunks_and_gaps_are_mended(
    holt: AsyncHolt, sandbox: SandboxDouble
) -> None:
    data = random.Random(SEED).randbytes(1_500_000)
    (sandbox.root / "big").write_bytes(data)
    sandbox.drop_chunks = {0, 3, 4, 22}
    assert (await holt.read("big")).data == data, f"seed {SEED}"


async def test_large_files_go_up_in_pieces(holt: AsyncHolt, sandbox: SandboxDouble) -> None:
    data = random.Random(SEED).randbytes(3_000_000)
    await holt.write("big", data)
    assert (sandbox.root / "big").read_bytes() == data, f"seed {SEED}"


async def test_live_output_is_whole_although_chunks_were_lost(
    holt: AsyncHolt, sandbox: SandboxDouble
) -> None:
    sandbox.drop_chunks = {1, 2}
    run = holt.exec("seq 1 60000", stream=True)
    text = "".join([piece.text async for piece in run])
    assert text == "".join(f"{n}\n" for n in range(1, 60001))
    assert (await run).stdout == text


async def test_long_output_of_an_ordinary_command_is_fetched_whole(
    holt: AsyncHolt, sandbox: SandboxDouble
) -> None:
    sandbox.max_payload = 40_000
    result = await holt.exec("seq 1 60000", max_fetch=1_000_000)
    assert result.stdout.endswith("60000\n") and result.stdout.startswith("1\n2\n")
    assert not result.truncated


async def test_a_cancelled_command_shows_what_it_did(
    holt: AsyncHolt, sandbox: SandboxDouble
) -> None:
    run = holt.exec("sleep 30")
    await eventually("it runs", lambda: bool(sandbox.running))
    stopped = await run.cancel()
    assert stopped and stopped.stdout == "so far\n"
    with pytest.raises(CancelledError):
        await run


async def test_a_cancelled_task_stops_its_command(holt: AsyncHolt, sandbox: SandboxDouble) -> None:
    async def work() -> None:
        await holt.exec("sleep 30")

    task = asyncio.create_task(work())
    await eventually("it runs", lambda: bool(sandbox.running))
    task.cancel()
    await eventually("it is stopped", lambda: not sandbox.running)


async def test_a_timeout_is_an_error_with_the_output_so_far(holt: AsyncHolt) -> None:
    with pytest.raises(CommandTimeoutError) as late:
        await holt.exec("sleep 30", timeout=0.1)
    assert late.value.fields["stdout"] == ""


async def test_answers_are_released_unless_they_have_an_id_of_their_own(
    holt: AsyncHolt, sandbox: SandboxDouble
) -> None:
    first = await holt.exec("true")
    await holt.exec("echo kept >> log", id="call_1")
    again = await holt.exec("echo kept >> log", id="call_1")
    assert again.duplicate and (sandbox.root / "log").read_text() == "kept\n"
    await eventually("released", lambda: first.id in sandbox.released)
    assert "call_1" not in sandbox.released


def asked(sandbox: SandboxDouble) -> list[str]:
    """The types of its commands, each once: a slow answer is asked for once more."""
    return [*{c["id"]: c["type"] for c in sandbox.commands if c["type"] != "release"}.values()]


async def test_file_commands_of_one_tick_are_one_message(
    server: RealtimeDouble, sandbox: SandboxDouble
) -> None:
    holt = await AsyncHolt.connect(server.url, key="k", batching="all")
    await asyncio.gather(*(holt.write(f"f{n}", str(n)) for n in range(10)))
    assert asked(sandbox) == ["batch"]
    found = await holt.read_many([f"f{n}" for n in range(10)] + ["none"])
    assert asked(sandbox) == ["batch", "batch"]
    assert [f.text for f in found[:10]] == [str(n) for n in range(10)]  # type: ignore[union-attr]
    assert isinstance(found[10], NotFoundError)
    await holt.close()


async def test_a_large_file_in_a_batch_comes_alone(holt: AsyncHolt, sandbox: SandboxDouble) -> None:
    (sandbox.root / "big").write_bytes(b"x" * 400_000)
    (sandbox.root / "small").write_bytes(b"y")
    big, small = await asyncio.gather(holt.read("big"), holt.read("small"))
    assert (len(big.data), small.text) == (400_000, "y")


async def test_the_cache_never_shows_what_another_writer_replaced(
    holt: AsyncHolt, sandbox: SandboxDouble
) -> None:
    path = sandbox.root / "f"
    for n in range(20):
        path.write_text(f"{n:04}")  # same size, same millisecond perhaps
        assert (await holt.read("f")).text == f"{n:04}"
        assert (await holt.read("f")).text == f"{n:04}"
    assert holt.cache and (holt.cache.hits, holt.cache.misses) == (20, 20)


async def test_a_busy_sandbox_is_asked_again(holt: AsyncHolt, sandbox: SandboxDouble) -> None:
    sandbox.busy = 3
    await holt.write("f", "x")
    assert sum(sandbox.effects.values()) == 1


async def test_nobody_waits_for_ever(holt: AsyncHolt, sandbox: SandboxDouble) -> None:
    sandbox.alive = False
    holt._patience_s = 0.2
    with pytest.raises(NoAnswerError):
        await holt.write("f", "x")
    assert holt._book.waiting == 0


async def test_close_ends_what_waits(server: RealtimeDouble, sandbox: SandboxDouble) -> None:
    holt = await AsyncHolt.connect(server.url, key="k")
    sandbox.alive = False
    write = asyncio.create_task(holt.write("f", "x"))
    await eventually("it waits", lambda: holt._book.waiting == 1)
    await holt.close()
    with pytest.raises(ClosedError):
        await write
    with pytest.raises(ClosedError):
        await holt.write("f", "x")


async def test_connecting_to_nothing_says_so(unused_tcp_port: int) -> None:
    with pytest.raises(LinkError, match="not joined"):
        await AsyncHolt.connect(f"http://127.0.0.1:{unused_tcp_port}/realtime/v1", timeout=0.3)
    with pytest.raises(LinkError, match="http"):
        await AsyncHolt.connect("127.0.0.1:1", timeout=0.3)


async def test_a_refused_join_is_tried_again(
    server: RealtimeDouble, sandbox: SandboxDouble
) -> None:
    server.faults.refuse_joins = 2
    async with await AsyncHolt.connect(server.url, key="k", timeout=30) as holt:
        await holt.write("f", "x")


async def test_what_is_no_json_is_refused_here(holt: AsyncHolt) -> None:
    with pytest.raises(InvalidError):
        await holt.call({"type": "fs.read", "path": "\ud800"}, id="x")
    with pytest.raises(InvalidError):
        await holt.call({"type": "fs.read", "path": "x"}, id="x" * 201)
    await holt.write("f", "x")


async def test_a_hundred_commands_through_a_link_that_breaks_all_the_time(
    server: RealtimeDouble, sandbox: SandboxDouble, holt: AsyncHolt
) -> None:
    dice = random.Random(SEED)
    server.faults.copies = lambda _m: dice.choice([0, 1, 1, 1, 1, 2])

    async def saw() -> None:
        while True:
            await asyncio.sleep(dice.uniform(0.05, 0.5))
            server.cut()

    async def one(n: int) -> None:
        result = await holt.exec(f"echo {n} >> log; echo {n}")
        assert result.stdout == f"{n}\n"

    trouble = asyncio.create_task(saw())
    await asyncio.wait_for(asyncio.gather(*(one(n) for n in range(100))), 120)
    trouble.cancel()
    lines = (sandbox.root / "log").read_text().split()
    assert sorted(map(int, lines)) == list(range(100)), f"seed {SEED}"
