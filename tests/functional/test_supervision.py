# SPDX-License-Identifier: Apache-2.0
"""Anything that dies comes back by itself, and says why it died."""

import os
import signal

import pytest

from daemon import process, wait_for

CHILDREN = ["x_server", "window_manager", "session_bus", "audio", "engine"]


def last_death(node: dict) -> dict:
    return [d for d in node["deaths"] if not d["expected"]][-1]


@pytest.mark.parametrize("child", CHILDREN)
def test_killed_child_is_back_within_ten_seconds(daemon, child):
    before = daemon.wait_state(child, "ready", 10)
    os.kill(before["pid"], signal.SIGKILL)
    after = daemon.wait_state(child, "ready", 10, before["generation"])
    death = last_death(after)
    assert death["cause"] == "signal" and death["code"] == 9
    assert death["pid"] == before["pid"] and death["generation"] == before["generation"]
    assert death["uptimeMs"] > 0 and death["at"].endswith("Z")
    assert "9" in death["detail"] or "kill" in death["detail"].lower()
    assert isinstance(death["lastLines"], list) and len(death["lastLines"]) <= 20
    wait_for("everything ready again", lambda: all(
        n["state"] == "ready" for i, n in daemon.nodes().items() if i in CHILDREN), 20)


@pytest.mark.parametrize("child", ["engine", "x_server"])
def test_stopped_child_is_found_and_replaced(daemon, child):
    before = daemon.wait_state(child, "ready", 10)
    frozen = process(before["pid"])
    os.kill(before["pid"], signal.SIGSTOP)
    daemon.wait_gone(child, before["generation"], 10)
    after = daemon.wait_state(child, "ready", 10, before["generation"])
    assert last_death(after)["cause"] == "probe"
    assert not frozen.alive()


def test_death_of_the_x_server_takes_only_what_stands_on_it(daemon):
    before = {c: daemon.wait_state(c, "ready", 10) for c in CHILDREN}
    os.kill(before["x_server"]["pid"], signal.SIGKILL)
    for child in ("x_server", "window_manager", "engine"):
        daemon.wait_state(child, "ready", 10, before[child]["generation"])
    assert daemon.node("audio")["generation"] == before["audio"]["generation"]
    assert daemon.node("window_manager")["budget"]["used"] <= before["window_manager"]["budget"]["used"] + 1


def test_six_deaths_of_the_engine(daemon):
    node = daemon.wait_state("engine", "ready", 10)
    for _ in range(6):
        os.kill(node["pid"], signal.SIGKILL)
        node = daemon.wait_state("engine", "ready", 10, node["generation"])
    assert len(node["deaths"]) <= 5


def test_restart_route(daemon):
    before = daemon.wait_state("audio", "ready", 10)
    daemon.post("/v1/supervision/audio/restart")
    daemon.wait_state("audio", "ready", 10, before["generation"])


def test_stop_holds_until_start(daemon):
    daemon.post("/v1/supervision/session_bus/stop")
    stopped = daemon.wait_state("session_bus", "stopped", 10)
    assert not stopped.get("pid")
    daemon.post("/v1/supervision/session_bus/start")
    daemon.wait_state("session_bus", "ready", 10)


def test_stopping_a_group_and_starting_it(daemon):
    daemon.post("/v1/supervision/stream/stop")
    daemon.wait_state("engine", "stopped", 10)
    assert daemon.node("x_server")["state"] == "ready"
    daemon.post("/v1/supervision/stream/start")
    daemon.wait_state("engine", "ready", 10)


def test_unknown_child(daemon):
    daemon.client.call("POST", "/v1/supervision/nobody/restart").problem(404, "not_found")
    daemon.client.call("POST", "/v1/supervision/engine/explode").problem(404, "not_found")
    answer = daemon.client.call("GET", "/v1/supervision/engine/restart")
    answer.problem(405, "method_not_allowed")


def test_view_scope_may_look_but_not_restart(daemon):
    from daemon import holt

    link = holt(daemon.home, "open", "--view", "--url", daemon.url, "--token", daemon.token)
    ticket = link.stdout.split("#ticket=")[1].split()[0]
    answer = daemon.client.call("POST", "/v1/session", {"ticket": ticket}, token=None)
    headers = {"Cookie": answer.headers["set-cookie"].split(";")[0],
               "Origin": daemon.client.origin}
    assert daemon.client.call("GET", "/v1/supervision", token=None, headers=headers).status == 200
    daemon.client.call("POST", "/v1/supervision/audio/restart", token=None,
                       headers=headers).problem(403, "forbidden")


def test_missing_sound_degrades_and_says_so(daemon_of, tmp_path):
    """A PATH that has everything but pulseaudio."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in reversed(os.environ["PATH"].split(":")):
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            link = tools / name
            link.unlink(missing_ok=True)
            if name != "pulseaudio":
                link.symlink_to(os.path.join(folder, name))
    d = daemon_of(PATH=str(tools))
    assert d.get("/v1/health")["degraded"] == ["audio"]
    node = d.node("audio")
    assert node["state"] == "failed" and "pulseaudio" in node["reason"]
    assert d.node("engine")["state"] == "ready"
