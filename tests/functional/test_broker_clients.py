# SPDX-License-Identifier: Apache-2.0
"""Unmodified clients of Supabase Realtime and Phoenix against Holt's broker: the JavaScript ones
make the journey of tests/clients/journey.mjs, the Python one the same here."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

from daemon import BIN, ROOT

SERVER = BIN / "broker_server"
NODE = ROOT / "tools" / "node" / "node_modules" / ".bin" / "node"
CLIENTS = ROOT / "tests" / "clients"
LIMIT_S = 60


class Broker:
    """A broker in a process of its own, which can be ended and started again on its port."""

    def __init__(self, *arguments: str):
        self.arguments = arguments
        self.port = 0
        self.start()

    def start(self) -> None:
        port = ("--port", str(self.port)) if self.port else ()
        self.process = subprocess.Popen(
            [SERVER, *self.arguments, *port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        assert line, "the broker did not start"
        self.keys = json.loads(line)
        self.port = self.keys["port"]

    def end(self) -> None:
        if self.process.poll() is None:
            try:
                self.process.communicate("end\n", timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise

    def restart(self) -> None:
        self.end()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def broker_of(tmp_path):
    if not SERVER.exists():
        pytest.skip(f"{SERVER} is not built")
    made: list[Broker] = []

    def make(*arguments: str) -> Broker:
        made.append(Broker("--mailbox", str(tmp_path / "mailbox.db"), *arguments))
        return made[-1]

    yield make
    for one in made:
        one.process.kill()
        one.process.wait()


@pytest.mark.parametrize("kind", ["realtime", "realtime-v1", "old", "phoenix"])
def test_a_javascript_client_makes_the_whole_journey(broker_of, kind):
    if not NODE.exists() or not (CLIENTS / "node_modules").exists():
        pytest.skip("scripts/setup installs Node and tests/clients")
    broker = broker_of()
    client = subprocess.Popen(
        [
            NODE,
            CLIENTS / "journey.mjs",
            kind,
            broker.url,
            broker.keys["agent"],
            broker.keys["app"],
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    limit = threading.Timer(240, client.kill)
    limit.start()
    seen = {}
    for line in client.stdout:
        if line == "want restart\n":
            broker.restart()
        elif line.startswith("{"):
            seen = json.loads(line)
    limit.cancel()
    assert client.wait() == 0, seen
    assert seen["joined"] == "SUBSCRIBED"
    assert seen["sandbox_present"]
    assert seen["ack"] == "ok" and seen["tracked"] == "ok" and seen["left"] == "ok"
    assert seen["result"]["ok"] and seen["result"]["id"] == "req_1"
    assert "Unauthorized" in seen["refused"]
    assert seen["greet"] == {"text": "é", "list": [1, None]}
    assert seen["back"]
    if kind == "realtime":
        assert seen["bytes"] == [0xDE, 0xAD]
    if kind.startswith("realtime"):
        assert seen["http"] and seen["posted"] == {"by": "http"}


@pytest.mark.parametrize("kind", ["realtime", "realtime-v1"])
def test_a_javascript_client_gets_replays_and_is_told_of_the_limits(broker_of, kind):
    if not NODE.exists() or not (CLIENTS / "node_modules").exists():
        pytest.skip("scripts/setup installs Node and tests/clients")
    broker = broker_of("--join-rate", "2")  # ten at once
    said = subprocess.run(
        [NODE, CLIENTS / "limits.mjs", kind, broker.url, broker.keys["app"]],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    seen = json.loads(said.stdout)
    assert [n for n, *_ in seen["replayed"]] == [2, 3, 4, 5], seen
    assert [again for _, again, _ in seen["replayed"]] == [True, True, True, False]
    assert {kind for *_, kind in seen["replayed"][:3]} == {"string"}
    assert seen["tracked"] == ["ok"] * 5
    assert seen["presence_reason"] == "Client presence rate limit exceeded"
    assert seen["joined"] >= 10 and "ClientJoinRateLimitReached" in seen["join_error"]
    assert seen["back"]


def test_the_python_client_gets_what_was_said_before_its_join(broker_of):
    broker = broker_of()

    async def journey():
        client = realtime_client(broker, broker.keys["app"])
        broadcast = {"ack": True, "self": False}
        first = client.channel(
            "room:past", {"config": {"broadcast": broadcast, "private": True, "presence": {}}}
        )
        await within("join", first.subscribe())
        for n in range(3):
            acked = asyncio.Event()
            push = await first.push(
                "broadcast", {"type": "broadcast", "event": "e", "payload": {"n": n}}
            )
            push.receive("ok", lambda _, acked=acked: acked.set())
            await within("an ack", acked.wait())
        other = realtime_client(broker, broker.keys["app"])
        heard: list[dict] = []
        replay = {**broadcast, "replay": {"since": int(time.time() * 1000) - 60_000, "limit": 2}}
        second = other.channel(
            "room:past", {"config": {"broadcast": replay, "private": True, "presence": {}}}
        )
        second.on_broadcast("e", heard.append)
        await within("join with replay", second.subscribe())
        await until("what was said before", lambda: len(heard) == 2)
        assert [one["payload"]["n"] for one in heard] == [1, 2]
        assert all(one["meta"]["replayed"] is True and one["meta"]["id"] for one in heard)
        await client.close()
        await other.close()

    asyncio.run(journey())


async def within(what: str, awaitable):
    try:
        return await asyncio.wait_for(awaitable, LIMIT_S)
    except asyncio.TimeoutError:
        raise AssertionError(f"not in time: {what}") from None


async def until(what: str, check) -> None:
    async def poll():
        while not check():
            await asyncio.sleep(0.01)

    await within(what, poll())


def realtime_client(broker: Broker, key: str):
    realtime = pytest.importorskip("realtime")
    return realtime.AsyncRealtimeClient(f"{broker.url}/realtime/v1", key, max_retries=100)


def test_the_python_client_makes_the_whole_journey(broker_of):
    broker = broker_of()

    async def journey():
        client = realtime_client(broker, broker.keys["agent"])
        results: list[dict] = []
        present: list[dict] = []
        channel = client.channel(
            "sandbox:s1",
            {
                "config": {
                    "broadcast": {"ack": True, "self": False},
                    "presence": {"enabled": True, "key": "agent-1"},
                    "private": False,
                }
            },
        )
        channel.on_broadcast("result", lambda message: results.append(message["payload"]))
        channel.on_presence_sync(lambda: present.append(channel.presence_state()))
        await within("join", channel.subscribe())
        await until("the sandbox is present", lambda: any("sbx-1" in one for one in present))
        await channel.send_broadcast("cmd", {"type": "fs.read", "id": "req_1", "path": "/a"})
        await until("a result", lambda: any(one["id"] == "req_1" for one in results))
        await channel.track({"role": "agent", "n": 1})
        await channel.track({"role": "agent", "n": 2})
        await until("itself", lambda: any("agent-1" in one for one in present))

        await asyncio.to_thread(broker.restart)

        async def answered():
            n = 0
            while not any(one["id"].startswith("again") for one in results):
                n += 1
                await channel.send_broadcast("cmd", {"type": "fs.read", "id": f"again_{n}"})
                await asyncio.sleep(0.1)

        await within("an answer after the restart", answered())
        await within("the end", client.close())

    asyncio.run(journey())


def test_a_message_for_nobody_waits_and_the_python_client_gets_it(broker_of):
    first = broker_of("--no-daemon")

    async def speak():
        client = realtime_client(first, first.keys["agent"])
        channel = client.channel("sandbox:s1", {"config": {"broadcast": {"ack": True}}})
        await within("join", channel.subscribe())
        acked = asyncio.Event()
        push = await channel.push(
            "broadcast",
            {"type": "broadcast", "event": "cmd", "payload": {"type": "fs.read", "id": "req_7"}},
        )
        push.receive("ok", lambda _: acked.set())
        await within("the ack", acked.wait())
        await client.close()

    asyncio.run(speak())
    first.process.kill()  # what was acknowledged is on disk
    first.process.wait()

    second = broker_of()  # its daemon hears the command, answers, and nobody is there

    async def listen():
        client = realtime_client(second, second.keys["agent"])
        results: list[dict] = []
        channel = client.channel("sandbox:s1", {"config": {"broadcast": {}}})
        channel.on_broadcast("result", results.append)
        await within("join", channel.subscribe())
        await until("the result", lambda: results)
        assert results[0]["payload"] == {
            "type": "result",
            "id": "req_7",
            "ok": True,
            "replayed": True,
        }
        assert results[0]["meta"]["replayed"] is True
        await client.close()

    asyncio.run(listen())


def test_an_expired_token_closes_the_channel_with_the_reason(broker_of):
    pytest.importorskip("realtime")  # its import takes a while, and the key has six seconds
    broker = broker_of()

    async def expire():
        client = realtime_client(broker, broker.keys["short"])
        told: list[dict] = []
        states: list[str] = []
        channel = client.channel("room:1", {"config": {}})
        channel.on_system(told.append)
        await within("join", channel.subscribe(lambda *what: states.append(str(what))))
        await until("the end of the token", lambda: any("CLOSED" in one for one in states))
        assert any("Token has expired" in str(one) for one in [*told, *states]), states
        await client.close()

    asyncio.run(expire())


def post(broker: Broker, path: str, body: bytes, **headers: str):
    request = urllib.request.Request(
        broker.url + path, data=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read(), refusal.headers


def test_http_refusals_say_what_is_wrong(broker_of):
    broker = broker_of()
    path = "/realtime/v1/api/broadcast"
    json_type = {"Content_Type": "application/json"}
    key = {"Authorization": f"Bearer {broker.keys['app']}", **json_type}
    good = {"topic": "room:1", "event": "e", "payload": {}}
    rows = [
        ({"messages": [good]}, json_type, 401, "Unauthorized"),
        ({"messages": [{**good, "topic": None}]}, key, 422, "topic"),
        ({"messages": [good, {**good, "payload": 1}]}, key, 422, "messages[1]"),
        ({"messages": 1}, key, 422, "messages"),
        ({"messages": [{**good, "topic": "sandbox:s1"}]}, key, 403, "sandbox:s1"),
        ({"messages": [good]}, key, 202, ""),
    ]
    for body, headers, status, word in rows:
        got, text, answered = post(broker, path, json.dumps(body).encode(), **headers)
        assert (got, answered["Access-Control-Allow-Origin"]) == (status, "*"), (body, text)
        assert word in text.decode()
    single = path + "/room%3A1/events/e?apikey=x&vsn=2.0.0"
    assert post(broker, single, b"{}", **key)[0] == 202
    assert post(broker, single, b"no", **key)[0] == 422
    assert post(broker, single, b"<a/>", **{**key, "Content_Type": "text/xml"})[0] == 415
