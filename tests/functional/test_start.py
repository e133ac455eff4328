# SPDX-License-Identifier: Apache-2.0
"""What a start leaves behind: ready file, state folder, link."""

import json
import os
import socket
import stat
from urllib.parse import urlsplit

from daemon import process, wait_for


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_ready_file_says_how_to_reach_the_daemon(daemon):
    info = json.loads(daemon.ready_file.read_text())
    assert set(info) >= {"url", "link", "token", "pid", "engine"}
    assert urlsplit(info["url"]).hostname == "127.0.0.1" and urlsplit(info["url"]).port > 0
    assert info["link"].startswith(info["url"].rstrip("/") + "/#ticket=")
    assert info["token"] == daemon.token
    assert info["engine"] in ("builtin", "neko")
    assert mode(daemon.ready_file) == 0o600
    assert not list(daemon.home.glob("ready.json?*")), "a temporary file is left"


def test_pid_is_the_daemons_below_its_keeper(daemon):
    assert daemon.info["pid"] != daemon.process.pid
    assert process(daemon.info["pid"]).alive()
    assert f"PPid:\t{daemon.process.pid}\n" in open(f"/proc/{daemon.info['pid']}/status").read()


def test_state_folder_is_for_its_owner_only(daemon):
    assert mode(daemon.state) == 0o700
    assert mode(daemon.state / "token") == 0o600
    assert len(daemon.token) >= 43, "256 bits"
    assert json.loads((daemon.state / "daemon.json").read_text())["pid"] == daemon.info["pid"]
    assert (daemon.state / "lock").exists() and (daemon.state / "log").is_dir()


def test_everything_is_ready(daemon):
    nodes = daemon.nodes()
    wanted = {"desktop", "x_server", "window_manager", "session_bus", "audio", "stream", "engine",
              "viewers"}
    assert wanted <= set(nodes)
    assert {i: nodes[i]["state"] for i in wanted} == dict.fromkeys(wanted, "ready")
    assert all(not nodes[i]["deaths"] for i in wanted)


def test_health_names_the_engine(daemon):
    health = daemon.get("/v1/health")
    assert health["status"] == "ok" and health["degraded"] == []
    assert health["engine"] == daemon.info["engine"] and health["version"]


def test_link_signs_in_as_often_as_the_daemon_lives(daemon):
    ticket = urlsplit(daemon.info["link"]).fragment.removeprefix("ticket=")
    for _ in range(2):
        answer = daemon.client.call("POST", "/v1/session", {"ticket": ticket}, token=None)
        assert answer.status in (200, 204), answer
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"holt_session_{daemon.client.port}=")
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
        again = daemon.client.call("GET", "/v1/session", token=None,
                                   headers={"Cookie": cookie.split(";")[0]})
        assert again.status == 200 and "input" in again.json()["scopes"]


def test_token_outlives_a_restart(daemon_of):
    first = daemon_of("--no-desktop")
    token = first.token
    assert first.terminate() == 0
    second = daemon_of("--no-desktop")
    assert second.token == token == second.info["token"]


def test_no_desktop_starts_only_the_gateway(bare):
    nodes = bare.nodes()
    assert "x_server" not in nodes or nodes["x_server"]["state"] in ("idle", "stopped")
    assert bare.get("/v1/health")["status"] == "ok"
    assert bare.get("/v1/desktop/status")["state"] == "inactive"
    answer = bare.client.call("POST", "/v1/desktop/stream/start")
    assert answer.status == 409, answer


def test_systemd_is_told(daemon_of, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.setblocking(False)
        daemon_of("--no-desktop", NOTIFY_SOCKET=path)
        heard = []

        def ready():
            try:
                heard.append(s.recv(4096).decode())
            except BlockingIOError:
                pass
            return any("READY=1" in h for h in heard)

        wait_for("READY=1", ready, 20)
