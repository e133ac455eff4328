# SPDX-License-Identifier: Apache-2.0
"""What the command link keeps while parts of it, or the daemon, end and come back. The agent sends
each command once and never again."""

from __future__ import annotations

from collections import Counter

import pytest

from agent import Agent
from daemon import slack, wait_for


def collect(agent: Agent, ids: set[str], limit_s: float) -> dict[str, dict]:
    """The answer to each; later copies of an answer say the same."""
    got: dict[str, dict] = {}
    while ids - got.keys():
        try:
            one = agent.wait(lambda event, p: event == "result" and isinstance(p, dict)
                             and p.get("id") in ids, limit_s)
        except AssertionError as why:
            raise AssertionError(f"no answer to {sorted(ids - got.keys())}") from why
        one = {k: v for k, v in one.items() if k not in ("dup", "duration_ms")}
        if one.get("type") != "result":
            continue
        before = got.setdefault(one["id"], one)
        if "rseq" in one or "rseq" in before:  # a read may run again
            assert before == one
    return got


@pytest.mark.parametrize("part", ["commands", "channel", "journal"])
def test_commands_in_a_stream_outlive_a_restart(daemon_of, part):
    d = daemon_of("--no-desktop")
    log = d.home / "workspace" / "log"
    (d.home / "workspace" / "here").write_text("here")
    ids = set()
    with Agent(d) as agent:
        for i in range(150):
            kind = i % 3
            id = f"{('read', 'write', 'exec')[kind]}{i}"
            ids.add(id)
            agent.send([{"type": "fs.read", "path": "here"},
                        {"type": "fs.write", "path": f"new{i}", "content": id, "create": "new"},
                        {"type": "shell.exec", "cmd": f"echo {id} >> log"}][kind]
                       | {"id": id, "src": "stream"})
            if i in (50, 100):
                d.post(f"/v1/supervision/{part}/restart")
        got = collect(agent, ids, 40 * slack())
    ran = Counter(log.read_text().split())
    for id, answer in got.items():
        if id.startswith("exec"):
            assert answer["ok"] or answer["error"] == "interrupted", answer
            assert ran[id] == 1 or (ran[id] == 0 and not answer["ok"]), (answer, ran[id])
        else:
            assert answer["ok"], answer


def test_what_only_waited_at_a_crash_runs_at_the_next_start(daemon_of):
    d = daemon_of("--no-desktop", "--exec-running", "1",
                  HOLT_TEST_KILL_AT="received_written:4")
    log = d.home / "workspace" / "log"
    log.touch()
    with Agent(d) as agent:
        # One slot, and the express one that every agent has.
        for id, word in (("k0", "zero"), ("k1", "one")):
            agent.send({"type": "shell.exec", "id": id, "src": "a",
                        "cmd": f"echo {word} >> log; sleep 60"})
        wait_for("both run", lambda: len(log.read_text().split()) == 2, 20)
        agent.send({"type": "shell.exec", "id": "k2", "src": "a", "cmd": "echo two >> log"})
        agent.send({"type": "shell.exec", "id": "k3", "src": "a", "cmd": "echo three >> log",
                    "deadline_ms": 1})
        agent.send({"type": "batch", "id": "k4", "src": "a", "items": [
            {"type": "shell.exec", "cmd": "echo four >> log"},
            {"type": "fs.read", "path": "log"}]})
        d.wait_end(40)  # with the row of k4, the fourth: k3 gets none
    again = daemon_of("--no-desktop", "--exec-running", "1")
    with Agent(again, key=d.info["realtime"]["key"]) as agent:
        got = collect(agent, {"k0", "k1", "k2", "k4"}, 20 * slack())
    assert got["k0"]["error"] == got["k1"]["error"] == "interrupted"
    assert got["k2"]["ok"] and got["k2"]["exit_code"] == 0
    assert [r["ok"] for r in got["k4"]["results"]] == [True, True]
    assert sorted(log.read_text().split()) == ["four", "one", "two", "zero"]


def test_a_batch_that_a_crash_cut_short_says_how_far_it_was(daemon_of):
    # The plan, then how far it is, before the second and before the third item.
    d = daemon_of("--no-desktop", HOLT_TEST_KILL_AT="planned_written:3")
    with Agent(d) as agent:
        agent.send({"type": "batch", "id": "b1", "src": "a", "items": [
            {"type": "fs.write", "path": "first", "content": "1"},
            {"type": "shell.exec", "cmd": "exit 3"},
            {"type": "shell.exec", "cmd": "sleep 60"}]})
        d.wait_end(40)
    again = daemon_of("--no-desktop")
    with Agent(again, key=d.info["realtime"]["key"]) as agent:
        answer = agent.result("b1", 20 * slack())
    assert (answer["ok"], answer["error"], answer["items_done"]) == (False, "interrupted", 2)
    assert answer["items_failed"] == [] and "at least 2 of 3" in answer["detail"]
