# SPDX-License-Identifier: Apache-2.0
"""The command line: verbs, configuration, and one clear line with the right exit code for each
thing that can be wrong."""

import json
import os
import re
import socket
from contextlib import closing

import pytest

from daemon import holt


def refused(answer, code: int, *words: str) -> str:
    """It ended with this code and said so in one line that has these words. What the log tells of
    the daemon's course, level info, does not count."""
    assert answer.returncode == code, (answer.returncode, answer.stdout, answer.stderr)
    course = re.compile(r"\d\d:\d\d:\d\d\.\d+ (info|debug) ")
    lines = [row for row in answer.stderr.splitlines() if row.strip() and not course.match(row)]
    assert len(lines) == 1, answer.stderr
    for word in words:
        assert word.lower() in lines[0].lower(), (word, lines[0])
    return lines[0]


def serve(home, *arguments, **env):
    return holt(home, "serve", "--port", "0", "--no-desktop", "--state-dir", str(home / "state"),
                *arguments, **env)


def test_version(home):
    answer = holt(home, "version")
    assert answer.returncode == 0 and answer.stdout.startswith("holt ")


def test_help_names_every_verb(home):
    answer = holt(home, "--help")
    assert answer.returncode == 0
    for verb in ("serve", "status", "doctor", "start", "stop", "restart", "open", "version"):
        assert verb in answer.stdout


@pytest.mark.parametrize("arguments", [["--nonsense"], ["nonsense"], ["serve", "--nonsense"],
                                       ["restart"]])
def test_wrong_command_line(home, arguments):
    assert holt(home, *arguments).returncode == 64


@pytest.mark.parametrize("verb", [["status"], ["restart", "engine"], ["open"]])
def test_no_daemon(home, verb):
    refused(holt(home, *verb), 69, "daemon")


def test_second_daemon_is_refused(bare):
    began = open(bare.state / "token").read()
    answer = holt(bare.home, "serve", "--port", "0", "--no-desktop", "--state-dir", str(bare.state))
    refused(answer, 75, str(bare.pid))
    assert bare.get("/v1/health")["status"] == "ok"
    assert open(bare.state / "token").read() == began


def test_port_taken(home):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        answer = holt(home, "serve", "--port", str(port), "--no-desktop", "--state-dir",
                      str(home / "state"))
        refused(answer, 69, str(port))
    assert not (home / "state" / "daemon.json").exists()


def test_state_folder_that_cannot_be_made(home):
    (home / "file").write_text("")
    answer = holt(home, "serve", "--port", "0", "--no-desktop", "--state-dir", str(home / "file/x"))
    refused(answer, 73, "file/x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_state_folder_that_cannot_be_written(home):
    (home / "closed").mkdir(mode=0o500)
    refused(holt(home, "serve", "--port", "0", "--state-dir", str(home / "closed/x")), 73, "closed")


@pytest.mark.parametrize("text, words", [
    ("[stream]\nengine = 'gstreamer'\n", ["holt.toml:2", "engine", "builtin"]),
    ("[http]\n\nport = 'x'\n", ["holt.toml:3", "port"]),
    ("[http]\nport = 70000\n", ["holt.toml:2", "65535"]),
    ("[desktop]\nwitdh = 3\n", ["holt.toml:2", "witdh"]),
    ("[stream\n", ["holt.toml:1"]),
])
def test_configuration_error_names_file_and_line(home, text, words):
    (home / "holt.toml").write_text(text)
    refused(serve(home, "--config", str(home / "holt.toml")), 78, *words)


def test_configuration_file_that_is_not_there(home):
    refused(serve(home, "--config", str(home / "nope.toml")), 78, "nope.toml")


def test_bad_value_in_the_environment(home):
    refused(serve(home, HOLT_STREAM_ENGINE="gstreamer"), 78, "HOLT_STREAM_ENGINE")


def test_open_address_without_a_token_is_refused(home):
    refused(serve(home, "--http-address", "0.0.0.0", "--http-auth", "none"), 78, "token")


def test_each_value_with_its_origin(home):
    config = home / "holt.toml"
    config.write_text("[http]\nport = 1234\n[stream]\nengine = 'neko'\nfps = 25\n")
    answer = serve(home, "--config", str(config), "--stream-engine", "builtin", "--print-config",
                   HOLT_STREAM_FPS="20", HOLT_STREAM_ENGINE="neko")
    assert answer.returncode == 0, answer.stderr
    rows = {row.split(" = ")[0]: row for row in answer.stdout.splitlines() if " = " in row}
    assert "builtin" in rows["stream.engine"] and "--stream-engine" in rows["stream.engine"]
    assert "20" in rows["stream.fps"] and "HOLT_STREAM_FPS" in rows["stream.fps"]
    assert "default" in rows["stream.media_port"] or "--" in rows["stream.media_port"]
    assert "flag" in rows["http.port"] or "--port" in rows["http.port"]
    assert not (home / "state").exists(), "only looking"


def test_configuration_of_the_current_folder_is_not_read(home):
    (home / "holt.toml").write_text("[nonsense]\nx = 1\n")
    assert serve(home, "--print-config").returncode == 0


def test_status_shows_the_tree(daemon):
    answer = holt(daemon.home, "status", "--json", "--url", daemon.url, "--token", daemon.token)
    assert answer.returncode == 0, answer.stderr
    tree = json.loads(answer.stdout)
    assert "x_server" in json.dumps(tree)
    plain = holt(daemon.home, "status", HOLT_URL=daemon.url, HOLT_TOKEN=daemon.token)
    assert plain.returncode == 0
    for child in ("x_server", "window_manager", "engine", "ready"):
        assert child in plain.stdout


def test_status_with_a_wrong_token(bare):
    refused(holt(bare.home, "status", "--url", bare.url, "--token", "wrong"), 1, "token")


def test_doctor(daemon):
    answer = holt(daemon.home, "doctor", limit_s=30)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    for word in ("xvfb", "openbox", "pulseaudio", "dbus", "neko", "port", "python", "xauth", "xclip",
                 "hsetroot", "mousepad", "fonts: latin", "fonts: chinese", "fonts: emoji"):
        assert word in answer.stdout.lower(), word
    assert answer.stdout.count("cannot be looked for") == 0


def test_doctor_says_what_to_install(home):
    (home / "empty").mkdir()
    answer = holt(home, "doctor", PATH=str(home / "empty"), limit_s=30)
    assert answer.returncode == 1
    assert "xvfb" in answer.stdout.lower() and "apt" in answer.stdout.lower()
    for package in ("python-is-python3", "xauth", "xclip", "hsetroot", "mousepad", "fontconfig",
                    "fonts-dejavu-core", "fonts-noto-cjk", "fonts-noto-color-emoji"):
        assert f"{package}\n" in answer.stdout or f" {package} " in answer.stdout, package


def test_doctor_names_the_fonts_that_are_missing(home):
    """A stand-in for fc-list that knows one font."""
    folder = home / "bin"
    folder.mkdir()
    fake = folder / "fc-list"
    fake.write_text('#!/bin/sh\ncase $1 in :lang=en) echo "Plain Sans,Other" ;; esac\n')
    fake.chmod(0o755)
    answer = holt(home, "doctor", "--json", PATH=f"{folder}:{os.environ['PATH']}", limit_s=30)
    rows = {row["name"]: row for row in json.loads(answer.stdout)["findings"]}
    assert rows["fonts: Latin"]["found"] and rows["fonts: Latin"]["detail"] == "Plain Sans"
    emoji = rows["fonts: emoji"]
    assert not emoji["found"] and not emoji["needed"]
    assert emoji["detail"].endswith("apt-get install fonts-noto-color-emoji")


def test_missing_x_server_names_the_package(home):
    (home / "empty").mkdir()
    answer = holt(home, "serve", "--port", "0", "--state-dir", str(home / "state"),
                  PATH=str(home / "empty"))
    refused(answer, 69, "xvfb", "--no-desktop")


def test_restart_verb(daemon):
    before = daemon.node("session_bus")["generation"]
    where = ["--url", daemon.url, "--token", daemon.token]
    assert holt(daemon.home, "restart", "session_bus", *where).returncode == 0
    daemon.wait_state("session_bus", "ready", 10, before)
    refused(holt(daemon.home, "restart", "nobody", *where), 1, "nobody")


def test_stop_and_start_verbs(daemon):
    where = ["--url", daemon.url, "--token", daemon.token]
    assert holt(daemon.home, "stop", "audio", *where).returncode == 0
    daemon.wait_state("audio", "stopped", 10)
    assert holt(daemon.home, "start", "audio", *where).returncode == 0
    daemon.wait_state("audio", "ready", 10)


def test_open_makes_another_link(daemon):
    where = ["--url", daemon.url, "--token", daemon.token]
    links = [holt(daemon.home, "open", *where).stdout.strip() for _ in range(2)]
    links.append(holt(daemon.home, "open", "--view", *where).stdout.strip())
    assert len(set(links)) == 3
    tickets = [link.split("#ticket=")[1].split()[0] for link in links]
    first = daemon.client.call("POST", "/v1/session", {"ticket": tickets[0]}, token=None)
    assert first.status in (200, 204)
    second = daemon.client.call("POST", "/v1/session", {"ticket": tickets[0]}, token=None)
    second.problem(401, "token_invalid")
    view = daemon.client.call("POST", "/v1/session", {"ticket": tickets[2]}, token=None)
    cookie = view.headers["set-cookie"].split(";")[0]
    scopes = daemon.client.call("GET", "/v1/session", token=None, headers={"Cookie": cookie}).json()
    assert scopes["scopes"] == ["view"]


def test_stale_x_lock_is_no_obstacle(daemon_of):
    """A lock of a server that is gone: another display, or that one taken over."""
    lock = "/tmp/.X0-lock"
    try:
        with open(lock, "x") as f:  # never over that of a server that starts at this moment
            f.write("   4194303\n")
        mine = True
    except FileExistsError:
        mine = False
    try:
        d = daemon_of()
        assert d.node("x_server")["state"] == "ready"
    finally:
        if mine and os.path.exists(lock) and "4194303" in open(lock).read():
            os.unlink(lock)
