# SPDX-License-Identifier: Apache-2.0
"""Commands over the own broker, as an agent sees them that speaks the wire format and nothing of
ours: the original messages, then everything that is optional."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request

import pytest

from agent import Agent
from daemon import holt, pause

@pytest.fixture
def agent(bare):
    with Agent(bare) as one:
        yield one


def post_broadcast(bare, key, topic, payload):
    body = json.dumps({"messages": [{"topic": topic, "event": "e", "payload": payload}]}).encode()
    to = urllib.request.Request(bare.url + "/realtime/v1/api/broadcast", body,
                                {"Content-Type": "application/json", "apikey": key})
    try:
        with urllib.request.urlopen(to, timeout=20) as got:
            return got.status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_a_key_for_other_programs(bare):
    said = json.loads(holt(bare.home, "link", "--app", "--json", "--state-dir",
                           str(bare.state)).stdout)
    assert set(said) == {"url", "key"} and said["url"] == bare.info["realtime"]["url"]
    text = holt(bare.home, "link", "--app", "--state-dir", str(bare.state)).stdout
    assert said["url"] in text and "sandbox:*" in text
    assert post_broadcast(bare, said["key"], "room:1", {"n": 1}) == 202
    assert post_broadcast(bare, said["key"], "sandbox:s1", {"n": 1}) == 403
    assert bare.client.call("GET", "/v1/link/access?app=1", token=None).status == 401


def test_a_large_broadcast_needs_a_key(bare):
    large = {"text": "x" * 20_000}
    assert post_broadcast(bare, "wrong", "room:1", {"n": 1}) == 401
    assert post_broadcast(bare, "wrong", "room:1", large) == 413
    key = bare.client.call("GET", "/v1/link/access?app=1").json()["key"]
    assert post_broadcast(bare, key, "room:1", large) == 202


def test_the_four_original_messages(bare, agent):
    wrote = agent.ask({"type": "fs.write", "id": "req_2", "path": "/workspace/main.py",
                       "content": "print('Hello')\n"})
    assert {k: wrote[k] for k in ("type", "id", "ok")} == \
        {"type": "result", "id": "req_2", "ok": True}
    assert (bare.home / "workspace" / "main.py").read_text() == "print('Hello')\n"
    read = agent.ask({"type": "fs.read", "id": "req_1", "path": "/workspace/main.py"})
    assert read["ok"] is True and read["content"] == "print('Hello')\n"
    listed = agent.ask({"type": "fs.list", "id": "req_3", "path": "/workspace"})
    assert "main.py" in [entry["name"] for entry in listed["entries"]]
    ran = agent.ask({"type": "shell.exec", "id": "req_4", "cmd": "python3 main.py", "timeout": 30})
    assert (ran["ok"], ran["stdout"], ran["stderr"], ran["exit_code"]) == (True, "Hello\n", "", 0)
    late = agent.ask({"type": "shell.exec", "id": "req_5", "cmd": "sleep 20", "timeout": 0.3})
    assert (late["ok"], late["error"]) == (False, "timeout")


def test_the_unmodified_realtime_client_of_python_is_an_agent(bare):
    """It knows the original messages and nothing else."""
    realtime = pytest.importorskip("realtime")
    access = bare.info["realtime"]
    asked = [
        {"type": "fs.write", "id": "req_2", "path": "/workspace/plain.py",
         "content": "print('Hello')\n"},
        {"type": "fs.read", "id": "req_1", "path": "/workspace/plain.py"},
        {"type": "fs.list", "id": "req_3", "path": "/workspace"},
        {"type": "shell.exec", "id": "req_4", "cmd": "python3 plain.py", "timeout": 30},
    ]
    got: dict[str, dict] = {}

    async def journey():
        client = realtime.AsyncRealtimeClient(access["url"], access["key"])
        await client.connect()
        channel = client.channel("sandbox:main", {"config": {"broadcast": {}}})
        joined, answered = asyncio.Event(), asyncio.Event()

        def heard(message):
            got[message["payload"]["id"]] = message["payload"]
            answered.set()

        channel.on_broadcast("result", heard)
        await channel.subscribe(lambda *what: "SUBSCRIBED" in str(what[0]) and joined.set())
        await asyncio.wait_for(joined.wait(), 60)
        for command in asked:
            answered.clear()
            await channel.send_broadcast("cmd", command)
            await asyncio.wait_for(answered.wait(), 60)
        await client.close()

    asyncio.run(journey())
    assert all(got[one["id"]]["type"] == "result" for one in asked)
    assert got["req_2"]["ok"] is True
    assert (got["req_1"]["ok"], got["req_1"]["content"]) == (True, "print('Hello')\n")
    assert "plain.py" in [entry["name"] for entry in got["req_3"]["entries"]]
    ran = got["req_4"]
    assert (ran["ok"], ran["stdout"], ran["stderr"], ran["exit_code"]) == (True, "Hello\n", "", 0)


SECRET = "Zk3mXw9cQ0aVt7RrB2yLs8HdEf5UjNpG"


def signed(command: dict, secret: str = SECRET, kid: str = "agent") -> dict:
    """As docs/protocol-sbx1.md says it; of text like this, sorted JSON is the canonical one."""
    auth = {"kid": kid, "ts": int(time.time() * 1000)}
    text = json.dumps({**command, "auth": auth}, sort_keys=True, separators=(",", ":"),
                      ensure_ascii=False)
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {**command, "auth": {**auth, "mac": mac}}


def test_signed_commands(daemon_of):
    d = daemon_of("--no-desktop", "--link-command-keys", f"agent:{SECRET}")
    log = d.home / "workspace" / "log"
    run = {"type": "shell.exec", "id": "s1", "cmd": "echo ran >> log"}
    with Agent(d) as agent:
        for wrong in (run, signed(run, "x" * 32), signed(run, kid="other"),
                      {**signed(run), "cmd": "echo forged >> log"}):
            got = agent.ask(wrong)
            assert (got["ok"], got["error"]) == (False, "unauthorized"), got
        assert not log.exists()
        good = signed(run)
        assert agent.ask(good)["exit_code"] == 0
        # The same signature again is a copy while it may be one, and later a theft.
        end = time.monotonic() + 60
        while (got := agent.ask(good))["ok"]:
            assert got["dup"] is True and time.monotonic() < end, got
            pause(0.2)
        assert got["error"] == "unauthorized"
        assert log.read_text() == "ran\n"
        assert agent.ask(signed({**run, "id": "s2"}))["exit_code"] == 0
        assert log.read_text() == "ran\nran\n"
