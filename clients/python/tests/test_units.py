# SPDX-License-Identifier: Apache-2.0
"""The parts that need no link: signatures, pieces, settings, errors, resending in virtual time."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from holt import HoltError, LinkError
from holt.cache import ReadCache
from holt.commands import CommandBook
from holt.errors import BY_WORD, error_of
from holt.outputs import LiveStream, Pieces
from holt.settings import Endpoint, endpoint_source
from holt.signing import Signer, canonical_json
from holt.types import FileContent

from conftest import ROOT

SEED = int(os.environ.get("HOLT_SEED", "0")) or random.randrange(1, 2**31)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1e+21"), (1e20, "100000000000000000000"), (0.1, "0.1"), (1e-6, "0.000001"),
        (1e-7, "1e-7"), (123456.789, "123456.789"), (5e-324, "5e-324"), (30.0, "30"),
        (1.7976931348623157e308, "1.7976931348623157e+308"), (-0.0, "0"), (-1.5e300, "-1.5e+300"),
        (333333333.33333329, "333333333.3333333"), (2**53 + 1, "9007199254740992"),
        (True, "true"), (None, "null"), ("é\n\u2028", '"é\\n\u2028"'),
        ({"\ufb33": 1, "\U0001f600": 2, "a": []}, '{"a":[],"\U0001f600":2,"\ufb33":1}'),
    ],
)  # fmt: skip
def test_canonical_json_is_that_of_rfc_8785(value: Any, text: str) -> None:
    assert canonical_json(value) == text


def test_a_signature_covers_the_time() -> None:
    signed = Signer("k1", "secret", lambda: 12.5).sign({"type": "fs.read", "id": "1", "path": "é"})
    body = '{"auth":{"kid":"k1","ts":12500},"id":"1","path":"é","type":"fs.read"}'
    mac = hmac.new(b"secret", body.encode(), hashlib.sha256).hexdigest()
    assert signed["auth"] == {"kid": "k1", "ts": 12500, "mac": mac}


def test_pieces_come_together_in_any_order() -> None:
    dice = random.Random(SEED)
    for _ in range(300):
        data = dice.randbytes(dice.randrange(1, 400))
        begins = [dice.randrange(len(data)) for _ in range(dice.randrange(40))]
        cuts = [(begin, dice.randrange(begin, len(data)) + 1) for begin in begins]
        pieces = Pieces()
        for begin, end in cuts:
            pieces.add(begin, data[begin:end])
        there = {n for begin, end in cuts for n in range(begin, end)}
        holes = {n for off, size in pieces.missing(len(data)) for n in range(off, off + size)}
        assert holes == set(range(len(data))) - there, f"seed {SEED}"
        for off, size in pieces.missing(len(data)):
            pieces.add(off, data[off : off + size])
        assert bytes(pieces.data) == data and pieces.gap is None, f"seed {SEED}"


def test_live_text_never_cuts_a_character() -> None:
    data = "aé世🎉".encode() * 3
    stream, shown = LiveStream("stdout"), ""
    for off in range(len(data)):
        stream.pieces.add(off, data[off : off + 1])
        if piece := stream.take():
            shown += piece.text
    assert shown.encode() == data and stream.end() is None


def test_lost_output_is_told_not_made_up() -> None:
    stream = LiveStream("stdout")
    stream.pieces.add(0, b"ab")
    stream.take()
    stream.skip(3)
    stream.pieces.add(5, b"cd")
    piece = stream.take()
    assert piece and (piece.data, piece.offset, piece.lost) == (b"cd", 5, 3)


def test_every_word_of_the_protocol_has_its_exception() -> None:
    section = (ROOT / "docs" / "protocol-sbx1.md").read_text().split("## 6.")[1].split("## 7.")[0]
    assert {*re.findall(r"`([a-z_]+)`", section)} - {"if_match"} == {*BY_WORD}
    for word, kind in BY_WORD.items():
        made = error_of({"error": word, "detail": "why", "id": "7", "stdout": "so far"})
        assert type(made) is kind and str(made) == f"{word}: why" and made.command == "7"
        assert made.fields["stdout"] == "so far"
    unknown = error_of({"error": "from_the_future"})
    assert type(unknown) is HoltError and unknown.error == "from_the_future"


def test_the_place_comes_from_arguments_then_environment_then_ready_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("URL", "SESSION", "KEY"):
        monkeypatch.delenv(f"HOLT_REALTIME_{name}", raising=False)
    monkeypatch.delenv("HOLT_READY_FILE", raising=False)
    with pytest.raises(LinkError):
        endpoint_source()()
    ready = tmp_path / "ready.json"
    source = endpoint_source(ready_file=ready)
    with pytest.raises(LinkError, match="does not tell yet"):
        source()
    about = {"url": "http://127.0.0.1:1/realtime/v1", "session": "s", "key": "secret"}
    ready.write_text(json.dumps({"pid": 1, "realtime": about}))
    assert source() == Endpoint("http://127.0.0.1:1/realtime/v1", "s", "secret")
    assert "secret" not in repr(source())
    about["url"] = "http://127.0.0.1:2/realtime/v1"
    ready.write_text(json.dumps({"realtime": about}))
    assert source().url.endswith(":2/realtime/v1")
    monkeypatch.setenv("HOLT_REALTIME_URL", "wss://x.supabase.co/realtime/v1/websocket")
    assert source().url == "wss://x.supabase.co/realtime/v1"
    assert source().max_payload < 256_000 < endpoint_source("http://h/realtime/v1")().max_payload


def test_the_cache_is_bounded() -> None:
    cache = ReadCache(max_bytes=1000)
    for number in range(50):
        cache.put(number, FileContent(str(number), bytes(100), 100, sha256="h"))
    assert cache.get(49) and cache.get(40) and not cache.get(39)
    cache.put("big", FileContent("big", bytes(900), 900, sha256="h"))
    cache.put("no hash", FileContent("x", b"x", 1))
    assert not cache.get("big") and not cache.get("no hash")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time jumps to the next timer when there is nothing to do."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()


class FakeLink:
    def __init__(self) -> None:
        self.is_up = True
        self.max_payload = 100_000
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.doubts = 0

    def send(self, _event: str, payload: Mapping[str, Any]) -> bool:
        if self.is_up:
            self.sent.append((asyncio.get_running_loop().time(), dict(payload)))
        return self.is_up

    def doubt(self) -> None:
        self.doubts += 1


def in_virtual_time(work: Any) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


def test_resends_come_after_1_2_4_8_15_seconds_and_then_every_15() -> None:
    async def work() -> None:
        book, link = CommandBook("a"), FakeLink()
        book.link = link
        book.submit({"type": "fs.read", "path": "f"})
        await asyncio.sleep(61)
        assert [t for t, _ in link.sent] == [0, 1, 3, 7, 15, 30, 45, 60]
        assert [m.get("attempt", 1) for _, m in link.sent] == [*range(1, 9)]
        assert "ack" not in link.sent[0][1] and link.sent[1][1]["ack"] is True
        assert link.doubts > 0
        book.close()

    in_virtual_time(work())


def test_what_is_acknowledged_is_asked_for_rarely() -> None:
    async def work() -> None:
        book, link = CommandBook("a"), FakeLink()
        book.link = link
        entry = book.submit({"type": "shell.exec", "cmd": "make", "ack": True})
        await asyncio.sleep(0.5)
        book.heard({"type": "ack", "id": entry.id, "state": "running"})
        await asyncio.sleep(40)
        assert [t for t, _ in link.sent] == [0, 15.5, 30.5]
        assert book.round_trip.smoothed_s == 0.5
        book.close()

    in_virtual_time(work())


def test_an_outage_and_a_new_boot_send_all_that_waits() -> None:
    async def work() -> None:
        book, link = CommandBook("a"), FakeLink()
        book.link = link
        book.heard({"type": "hello", "boot": 1, "limits": {"max_payload": 5}})
        link.is_up = False
        entries = [book.submit({"type": "fs.stat", "path": str(n)}) for n in range(3)]
        await asyncio.sleep(100)
        assert link.sent == []
        link.is_up = True
        book.linked()
        assert [m["path"] for _, m in link.sent] == ["0", "1", "2"]
        book.heard({"type": "hello", "boot": 1})
        assert len(link.sent) == 3
        book.heard({"type": "hello", "boot": 2})
        assert len(link.sent) == 6
        book.heard({"type": "result", "id": entries[0].id, "ok": True})
        book.heard({"type": "result", "id": entries[1].id, "ok": True, "src": "somebody else"})
        assert entries[0].answer.done() and not entries[1].answer.done() and book.waiting == 2
        book.close()

    in_virtual_time(work())


def test_ids_of_two_lives_of_one_agent_differ() -> None:
    first, second = CommandBook("agent"), CommandBook("agent")
    assert first.src == second.src == "agent"
    assert first.fresh_id() != second.fresh_id()
