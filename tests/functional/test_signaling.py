# SPDX-License-Identifier: Apache-2.0
"""The signaling proxy without a browser: who gets in, what is relayed, and that junk hurts nobody
else."""

import os
import signal
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from daemon import FAST, open_files, threads, wait_for
from web import closed_with, hear, say


def ticket(daemon, *flags) -> str:
    from daemon import holt

    made = holt(daemon.home, "open", *flags, "--url", daemon.url, "--token", daemon.token)
    return made.stdout.split("#ticket=")[1].split()[0]


def cookie(daemon, *flags) -> str:
    answer = daemon.client.call("POST", "/v1/session", {"ticket": ticket(daemon, *flags)}, token=None)
    return answer.headers["set-cookie"].split(";")[0]


def viewers(daemon) -> list[str]:
    return [i for i in daemon.nodes() if i.startswith("signaling/")]


def test_bearer(daemon):
    assert daemon.client.ws_status() == 101


def test_access_token(daemon):
    assert daemon.client.ws_status(token=None, query=f"?access_token={daemon.token}") == 101


def test_ticket_works_once(daemon):
    query = f"?ticket={ticket(daemon)}"
    assert daemon.client.ws_status(token=None, query=query) == 101
    assert daemon.client.ws_status(token=None, query=query) == 401


def test_cookie_with_the_own_origin(daemon):
    headers = {"Cookie": cookie(daemon), "Origin": daemon.client.origin}
    assert daemon.client.ws_status(token=None, headers=headers) == 101


@pytest.mark.parametrize("origin, status", [("http://evil.example", 403), ("null", 403)])
def test_cookie_with_a_foreign_origin(daemon, origin, status):
    headers = {"Cookie": cookie(daemon), "Origin": origin}
    assert daemon.client.ws_status(token=None, headers=headers) == status


def test_bearer_with_a_foreign_origin(daemon):
    assert daemon.client.ws_status(headers={"Origin": "http://evil.example"}) == 403


@pytest.mark.parametrize("token", [None, "wrong"])
def test_no_secret_no_socket(daemon, token):
    assert daemon.client.ws_status(token=token) == 401


def test_foreign_host(daemon):
    assert daemon.client.ws_status(host="evil.example") == 421


def test_first_words(daemon):
    with daemon.client.ws() as viewer:
        session = hear(viewer, "holt/session")
        assert session["canControl"] is True and session["engine"] == daemon.info["engine"]
        init = hear(viewer, "system/init")
        assert init["session_id"]
        assert init["screen_size"]["width"] == 1280 and init["screen_size"]["height"] == 720


def test_offer_names_its_servers_and_one_media_address(daemon):
    with daemon.client.ws() as viewer:
        hear(viewer, "system/init")
        say(viewer, "signal/request", {"video": {}, "audio": {}})
        offer = hear(viewer, "signal/provide")
        assert "iceservers" in offer and "m=video" in offer["sdp"]
        assert offer["sdp"].count("m=") == 3


def test_view_role_cannot_take_control(daemon):
    headers = {"Cookie": cookie(daemon, "--view"), "Origin": daemon.client.origin}
    with daemon.client.ws(token=None, headers=headers) as viewer:
        session = hear(viewer, "holt/session")
        assert session["canControl"] is False
        hear(viewer, "system/init")
        say(viewer, "control/request")
        refused = hear(viewer, "holt/error")
        assert refused["code"] == "forbidden"


def test_one_driver_at_a_time(daemon):
    with daemon.client.ws() as a, daemon.client.ws() as b:
        me, other = hear(a, "holt/session")["id"], hear(b, "holt/session")["id"]
        hear(a, "system/init"), hear(b, "system/init")
        say(a, "control/request")
        while not hear(a, "holt/control").get("you"):
            pass
        say(b, "control/request")
        asked = hear(a, "holt/control_request")
        assert asked["id"] == other != me
        say(a, "control/give", {"id": other})
        while not hear(b, "holt/control").get("you"):
            pass
        state = daemon.get("/v1/control")
        assert state["kind"] == "person"


def test_take_is_shown_and_released(daemon):
    with daemon.client.ws() as a:
        hear(a, "system/init")
        say(a, "control/take")
        while not (control := hear(a, "holt/control")).get("taken"):
            pass
        assert control["you"] and control["epoch"] > 0
        say(a, "control/release")
        while hear(a, "holt/control").get("you"):
            pass


def test_large_message_closes_that_viewer_only(daemon):
    with daemon.client.ws() as good, daemon.client.ws() as bad:
        hear(good, "system/init"), hear(bad, "system/init")
        bad.send("x" * (64 * 1024 + 1))
        assert closed_with(bad)[0] == 1009
        say(good, "signal/request", {"video": {}, "audio": {}})
        hear(good, "signal/provide")


@pytest.mark.parametrize("junk, code", [("not json", 1008), ("[]", 1008), ("{}", 1008),
                                        (b"\x00\x01", 1003), ('{"event": 3}', 1008)])
def test_junk_closes_that_viewer_only(daemon, junk, code):
    with daemon.client.ws() as good, daemon.client.ws() as bad:
        hear(good, "system/init"), hear(bad, "system/init")
        bad.send(junk)
        assert closed_with(bad)[0] in {code, 1007, 1003}
        say(good, "client/heartbeat")
        say(good, "signal/request", {"video": {}, "audio": {}})
        hear(good, "signal/provide")


@pytest.mark.parametrize("answer", ["", "v=0", "m=video 9\r\n" * 100, "x" * 60_000])
def test_garbage_answer_hurts_nobody_else(daemon, answer):
    engine = daemon.node("engine")["generation"]
    with daemon.client.ws() as good, daemon.client.ws() as bad:
        hear(bad, "system/init")
        say(bad, "signal/request", {"video": {}, "audio": {}})
        hear(bad, "signal/provide")
        say(bad, "signal/answer", {"sdp": answer})
        with suppress(ConnectionClosed):  # it may have been sent away already
            say(bad, "signal/candidate", {"candidate": "nonsense", "sdpMid": "7"})
        if daemon.get("/v1/health")["engine"] == "builtin":  # neko says nothing about an answer
            assert closed_with(bad)[0] == 1008
        hear(good, "system/init")
        say(good, "signal/request", {"video": {}, "audio": {}})
        hear(good, "signal/provide")
    assert daemon.node("engine")["generation"] == engine


@pytest.mark.parametrize("event", ["screen/set", "send/broadcast", "system/logs", "chat/message",
                                   "keyboard/map", "members/create"])
def test_events_not_on_the_list_do_not_pass(daemon, event):
    """They are dropped or refused; the engine never hears them, the socket may stay."""
    with daemon.client.ws() as a, daemon.client.ws() as b:
        hear(a, "system/init"), hear(b, "system/init")
        say(a, event, {"width": 640, "height": 480, "rate": 30, "subject": "x", "body": "y"})
        say(b, "signal/request", {"video": {}, "audio": {}})
        hear(b, "signal/provide")
    assert daemon.get("/v1/desktop/status")["resolution"]["width"] == 1280


def test_engine_restart_is_told_before_the_close(daemon):
    with daemon.client.ws() as viewer:
        hear(viewer, "system/init")
        node = daemon.wait_state("engine", "ready", 10)
        os.kill(node["pid"], signal.SIGKILL)
        assert hear(viewer, "system/disconnect")["message"]
        assert closed_with(viewer)[0] == 1012
    daemon.wait_state("engine", "ready", 10, node["generation"])


def test_engine_that_is_not_ready_is_waited_for(daemon):
    node = daemon.wait_state("engine", "ready", 10)
    os.kill(node["pid"], signal.SIGKILL)
    daemon.wait_gone("engine", node["generation"], 20)
    with daemon.client.ws() as viewer:
        assert hear(viewer, "system/init")["session_id"]


def test_viewer_leaves_the_tree_when_it_closes(daemon):
    with daemon.client.ws() as viewer:
        hear(viewer, "system/init")
        wait_for("the viewer in the tree", lambda: len(viewers(daemon)) == 1, 20)
    wait_for("an empty group", lambda: not viewers(daemon), 20)


@pytest.mark.timeout(800)
def test_many_viewers_come_and_go(daemon):
    """Descriptors, threads and engine sessions are as before."""
    def turn():
        with daemon.client.ws() as viewer:
            hear(viewer, "system/init")

    def gone():
        return not viewers(daemon)

    for _ in range(20):
        turn()
    wait_for("nobody", gone, 20)
    engine = daemon.node("engine")["pid"]

    def counts():
        return (open_files(daemon.pid), threads(daemon.pid), open_files(engine), threads(engine))

    # Go closes neko's sockets when its collector finds them: their number goes up and down.
    collected = 50 if daemon.info["engine"] == "neko" else 2
    before = counts()
    for _ in range(100 if FAST else 1000):
        turn()
    wait_for("nobody", gone, 20)
    wait_for(f"no more than before, {before}, now {counts()}",
             lambda: all(now - then <= more for then, now, more
                         in zip(before, counts(), (2, 2, collected, 2))), 20)


def test_abrupt_ends_leave_nothing(daemon):
    """Clients that vanish without a close."""
    sockets = []
    for _ in range(20):
        viewer = daemon.client.ws()
        hear(viewer, "system/init")
        sockets.append(viewer)
    for viewer in sockets:
        viewer.socket.shutdown(2)
    wait_for("nobody", lambda: not viewers(daemon), 30)
    for viewer in sockets:
        viewer.close()
