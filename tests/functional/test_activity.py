# SPDX-License-Identifier: Apache-2.0
"""The ordered feed: what happened, once each, from any point on."""

import json
import os
import signal

import pytest
from web import LIMIT_S


def test_sequence_has_no_gap(daemon):
    events = daemon.get("/v1/activity?after=0")["events"]
    numbers = [e["seq"] for e in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert all(e["ts"].endswith("Z") and e["kind"] for e in events)


def test_start_of_every_child_is_told(daemon):
    events = daemon.get("/v1/activity?after=0")["events"]
    ready = {e["data"]["id"] for e in events if e["kind"] == "supervision" and e["data"]["to"] == "ready"}
    assert {"x_server", "engine"} <= ready


def test_replay_after_a_number(daemon):
    whole = daemon.get("/v1/activity?after=0")["events"]
    middle = whole[len(whole) // 2]["seq"]
    rest = daemon.get(f"/v1/activity?after={middle}")
    assert [e["seq"] for e in rest["events"]][:1] == [middle + 1]
    assert rest["next"] >= rest["events"][-1]["seq"]
    assert daemon.get(f"/v1/activity?after={rest['next'] + 1000}")["events"] == []


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=99999999999999999999999"])
def test_wrong_number(daemon, query):
    daemon.client.call("GET", f"/v1/activity?{query}").problem(400, "invalid_request")


def test_death_is_followed_live_and_replayed_the_same(daemon):
    last = daemon.get("/v1/activity?after=0")["next"]
    with daemon.client.ws("/v1/activity/ws", query=f"?after={last}") as feed:
        node = daemon.wait_state("session_bus", "ready", 10)
        os.kill(node["pid"], signal.SIGKILL)
        heard = []
        for _ in range(200):
            heard.append(json.loads(feed.recv(timeout=LIMIT_S)))
            data = heard[-1].get("data", {})
            if data.get("id") == "session_bus" and data.get("to") == "ready":
                break
    deaths = [e["data"]["death"] for e in heard if e.get("data", {}).get("death")]
    assert any(d["cause"] == "signal" and d["code"] == 9 for d in deaths)
    replayed = {e["seq"]: e for e in daemon.get(f"/v1/activity?after={last}")["events"]}
    assert all(replayed[e["seq"]] == e for e in heard)


def test_socket_replays_what_was_missed(daemon):
    events = daemon.get("/v1/activity?after=0")["events"]
    start = events[-3]["seq"]
    with daemon.client.ws("/v1/activity/ws", query=f"?after={start}") as feed:
        assert json.loads(feed.recv(timeout=LIMIT_S))["seq"] == start + 1


def test_feed_needs_a_token(daemon):
    assert daemon.client.ws_status(path="/v1/activity/ws", token=None) == 401
