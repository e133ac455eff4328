# SPDX-License-Identifier: Apache-2.0
"""Scoped tokens: what they may, how they end, and what ends with them; pages of other origins."""

import http.client
import json
import stat

import pytest
from daemon import holt, wait_for
from web import LIMIT_S, Client, closed_with

FEED = "/v1/activity/ws"


def verb(daemon, *arguments: str, token: str | None = None):
    env = {"HOLT_TOKEN": token} if token else {}
    return holt(daemon.home, "token", *arguments, "--state-dir", str(daemon.state), **env)


def make(daemon, *arguments: str) -> str:
    got = verb(daemon, "create", *arguments, "--json")
    assert got.returncode == 0, got
    return json.loads(got.stdout)["token"]


def test_a_token_may_what_its_scopes_say_and_nothing_else(bare):
    client = Client(bare.url, make(bare, "--scopes", "fs,exec", "--expires", "24h", "--name", "ci"))
    assert client.call("GET", "/v1/fs/entries").status == 200
    assert client.call("GET", "/v1/processes").status == 200
    for method, path in (("GET", "/v1/supervision"), ("GET", "/v1/tokens"),
                         ("POST", "/v1/tickets"), ("POST", "/v1/desktop/mouse/move")):
        problem = client.call(method, path, body={} if method == "POST" else None)
        assert "lacks the scope" in problem.problem(403, "forbidden")["detail"]


def test_a_token_lives_through_a_restart_and_ends_when_it_is_revoked(daemon_of):
    d = daemon_of("--no-desktop", name="one")
    token = make(d, "--scopes", "view", "--name", "eye")
    kept = d.state / "tokens.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and token not in kept.read_text()
    assert d.terminate() == 0
    d = daemon_of("--no-desktop", name="one")
    client = Client(d.url, token)
    assert client.call("GET", "/v1/session").json() == {"scopes": ["view"], "name": "eye"}
    listed = json.loads(verb(d, "list", "--json").stdout)["tokens"]
    assert [one["name"] for one in listed] == ["eye"] and token not in json.dumps(listed)
    with client.ws(FEED) as ws:
        assert verb(d, "revoke", "eye").returncode == 0
        assert closed_with(ws)[0] == 4401
    client.call("GET", "/v1/session").problem(401, "token_invalid")
    assert verb(d, "revoke", "eye").returncode != 0


def test_an_open_websocket_ends_with_its_token(bare):
    token = make(bare, "--scopes", "view", "--expires", "10s")  # long enough to come in with it
    with Client(bare.url, token).ws(FEED) as ws:
        assert closed_with(ws)[0] == 4401
    wait_for("the token's end",
             lambda: Client(bare.url, token).call("GET", "/v1/session").status == 401, 20)


def opened(daemon, token: str, path: str):
    """An answer that goes on: its headers are there."""
    connection = http.client.HTTPConnection(daemon.client.host, daemon.client.port,
                                            timeout=LIMIT_S)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    return connection, answer


def last_event(answer) -> tuple[str, dict]:
    """Name and data of the event with which the stream ends."""
    blocks = [block for block in answer.read().decode().split("\n\n") if "event: " in block]
    lines = dict(line.split(": ", 1) for line in blocks[-1].splitlines())
    return lines["event"], json.loads(lines["data"])


@pytest.mark.parametrize("what", ["log", "watch"])
def test_an_event_stream_ends_with_its_token(bare, what):
    process = bare.post("/v1/processes", {"command": "cat", "interactive": True})
    path = f"/v1/processes/{process['id']}/logs?follow=true" if what == "log" else "/v1/fs/watch?path=."
    token = make(bare, "--scopes", "fs,exec", "--name", f"ear-{what}")
    connection, answer = opened(bare, token, path)
    other, unmoved = opened(bare, bare.token, path)
    assert verb(bare, "revoke", f"ear-{what}").returncode == 0
    name, data = last_event(answer)
    assert name == "end" and data["code"] == "token_invalid", (name, data)
    # Who came with another token hears on.
    if what == "log":
        bare.post(f"/v1/processes/{process['id']}/kill")
        assert last_event(unmoved)[0] == "exit"
    else:
        (bare.home / "workspace" / "heard").write_text("x")
        while not unmoved.readline().startswith(b"event: change"):
            pass
    for one in (connection, other):
        one.close()


def test_an_event_stream_ends_when_its_token_expires(bare):
    token = make(bare, "--scopes", "fs", "--expires", "10s")
    connection, answer = opened(bare, token, "/v1/fs/watch?path=.")
    assert last_event(answer)[0] == "end"
    connection.close()


def test_nobody_makes_a_token_that_may_more(bare):
    half = make(bare, "--scopes", "admin,view")
    client = Client(bare.url, half)
    client.call("POST", "/v1/tokens", {"scopes": ["exec"]}).problem(403, "forbidden")
    made = client.call("POST", "/v1/tokens", {"scopes": ["view"]})
    assert made.status == 201 and made.headers["cache-control"] == "no-store"
    Client(bare.url, made.json()["token"]).call("GET", "/v1/tokens").problem(403, "forbidden")


@pytest.mark.parametrize("arguments, word", [(["--scopes", "root"], "scopes"),
                                             (["--scopes", "fs", "--expires", "soon"], "--expires"),
                                             (["--scopes", "fs", "--name", "a b"], "name")])
def test_a_wrong_wish_is_named(bare, arguments, word):
    got = verb(bare, "create", *arguments)
    assert got.returncode != 0 and word in got.stderr, got


def test_no_page_of_another_origin_without_the_list(bare):
    ask = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    answer = bare.client.call("OPTIONS", "/v1/processes", headers=ask, token=None)
    answer.problem(403, "origin_refused")
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_on_the_list_may_ask(daemon_of):
    d = daemon_of("--no-desktop", "--http-allowed-origins", "https://app.example")
    ask = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT",
           "Access-Control-Request-Headers": "authorization, if-match"}
    answer = d.client.call("OPTIONS", "/v1/fs/file?path=a", headers=ask, token=None)
    assert answer.status == 204, answer
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization, if-match"
    assert "Origin" in answer.headers["vary"]
    for path, token in (("/v1/fs/entries", "own"), ("/v1/fs/entries", None), ("/v1/nothing", "own")):
        answer = d.client.call("GET", path, headers={"Origin": "https://app.example"}, token=token)
        assert answer.headers["access-control-allow-origin"] == "https://app.example", answer
        assert "ETag" in answer.headers["access-control-expose-headers"]
    answer = d.client.call("GET", "/v1/health", headers={"Origin": "https://evil.example"})
    answer.problem(403, "origin_refused")
