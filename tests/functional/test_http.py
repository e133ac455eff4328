# SPDX-License-Identifier: Apache-2.0
"""The gateway as a stranger meets it: who may ask, what is refused, and how it is said."""

import re
import socket
import subprocess

import pytest

from daemon import Daemon, wait_for
from web import LIMIT_S, Client, closed_with

ROUTES = ["/v1/health", "/v1/activity", "/v1/supervision", "/v1/desktop/status",
          "/v1/desktop/stream/status", "/v1/control", "/metrics"]


@pytest.mark.parametrize("path", ROUTES)
def test_route_answers(bare, path):
    assert bare.client.call("GET", path).status == 200


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("token", [None, "wrong"])
def test_token_is_required(bare, path, token):
    answer = bare.client.call("GET", path, token=token)
    if path == "/v1/health" and token is None:
        assert answer.json() == {"status": "ok"}, "it says more than that it serves"
    else:
        answer.problem(401, "token_invalid")


def test_right_token_after_many_wrong_ones(daemon_of):
    d = daemon_of("--no-desktop")
    answers = [d.client.call("GET", "/v1/health", token="wrong").status for _ in range(30)]
    assert set(answers) == {401, 429}
    assert d.client.call("GET", "/v1/health").status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example",
                                  "user@127.0.0.1:{port}", "localhost.evil.example:{port}"])
def test_foreign_host_is_refused(bare, host):
    port = bare.client.port
    answer = bare.client.call("GET", "/v1/health", host=host.format(port=port))
    assert answer.status in (400, 421), answer
    if "@" not in host:
        answer.problem(421, "host_refused")


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}",
                                  "LOCALHOST:{port}"])
def test_own_host_is_taken(bare, host):
    answer = bare.client.call("GET", "/v1/health", host=host.format(port=bare.client.port))
    assert answer.status == 200


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Listens on every address of the machine, with nothing said about Host."""
    d = Daemon(tmp_path_factory.mktemp("wide"), "--no-desktop", "--http-address", "0.0.0.0")
    yield d
    d.kill()


def test_every_own_address_and_name_is_taken(wide):
    port = wide.client.port
    addresses = subprocess.run(["ip", "-4", "-o", "addr", "show", "up"], capture_output=True,
                               text=True, check=True).stdout
    own = re.findall(r"inet ([0-9.]+)", addresses) or ["127.0.0.1"]
    for address in own:
        client = Client(f"http://{address}:{port}", wide.token)
        answer = client.call("GET", "/v1/session", headers={"Origin": f"http://{address}:{port}"})
        assert answer.status == 200, (address, answer)
    for name in (socket.gethostname(), socket.gethostname().upper(), "localhost"):
        answer = wide.client.call("GET", "/v1/health", host=f"{name}:{port}")
        assert answer.status == 200, (name, answer)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "192.0.2.77:{port}",
                                  "0.0.0.0:{port}", "{name}.evil.example:{port}"])
def test_rebound_name_is_refused_on_every_address(wide, host):
    host = host.format(port=wide.client.port, name=socket.gethostname())
    wide.client.call("GET", "/v1/health", host=host).problem(421, "host_refused")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example",
                                    "https://127.0.0.1:1"])
def test_foreign_origin_is_refused(bare, origin):
    answer = bare.client.call("GET", "/v1/health", headers={"Origin": origin})
    answer.problem(403, "origin_refused")


def test_own_origin_is_taken(bare):
    headers = {"Origin": bare.client.origin}
    assert bare.client.call("GET", "/v1/health", headers=headers).status == 200


def test_unknown_route(bare):
    bare.client.call("GET", "/v1/nope").problem(404, "not_found")


def test_wrong_method_names_the_right_ones(bare):
    answer = bare.client.call("DELETE", "/v1/health")
    answer.problem(405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


def test_large_body(bare):
    answer = bare.client.call("POST", "/v1/desktop/start", raw=b" " * (2 << 20),
                              headers={"Content-Type": "application/json"})
    answer.problem(413, "payload_too_large")


def test_large_headers(bare):
    bare.client.call("GET", "/v1/health", headers={"X-Long": "a" * 20_000}).problem(
        431, "headers_too_large")


def test_many_headers(bare):
    many = {f"X-{i}": "1" for i in range(100)}
    bare.client.call("GET", "/v1/health", headers=many).problem(431, "headers_too_large")


@pytest.mark.parametrize("body, status", [(b"{", 400), (b"[" * 100 + b"]" * 100, 400),
                                          (b'{"width": "wide"}', 422), (b'{"width": -1}', 400)])
def test_wrong_json(daemon, body, status):
    answer = daemon.client.call("POST", "/v1/desktop/start", raw=body,
                                headers={"Content-Type": "application/json"})
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("request_bytes", [
    b"nonsense\r\n\r\n",
    b"GET /v1/health HTTP/1.1\r\n\r\n",
    b"GET /v1/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST /v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n\r\n",
])
def test_malformed_request_is_answered_and_closed(bare, request_bytes):
    marker = b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Marker: 1\r\n\r\n"
    said = bare.client.raw(request_bytes + marker)
    assert said.startswith(b"HTTP/1.1 400"), said[:200]
    assert b"application/problem+json" in said and said.count(b"HTTP/1.1 ") == 1


def test_head_is_get_without_its_body(bare):
    answer = bare.client.call("HEAD", "/v1/health")
    assert answer.status == 200 and answer.body == b""


def test_websocket_route_without_upgrade(bare):
    for path in ("/v1/desktop/stream/signaling", "/v1/activity/ws"):
        bare.client.call("GET", path).problem(400, "upgrade_required")


def test_metrics_are_text(bare):
    answer = bare.client.call("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert b"# TYPE holt_" in answer.body


def test_page_is_served_with_a_strict_policy(bare):
    answer = bare.client.call("GET", "/", token=None)
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in policy


def test_assets_are_compressed_and_kept(bare):
    page = bare.client.call("GET", "/", token=None).body.decode()
    script = page.split('src="')[1].split('"')[0]
    path = script if script.startswith("/") else f"/{script.removeprefix('./')}"
    answer = bare.client.call("GET", path, token=None, headers={"Accept-Encoding": "br, gzip"})
    assert answer.status == 200 and answer.headers["content-encoding"] in ("br", "gzip")
    assert "immutable" in answer.headers["cache-control"]
    again = bare.client.call("GET", path, token=None,
                             headers={"If-None-Match": answer.headers["etag"],
                                      "Accept-Encoding": "br, gzip"})
    assert again.status == 304


def test_session_needs_a_right_secret(bare):
    for wrong in ({"ticket": "x"}, {"token": "x"}):
        bare.client.call("POST", "/v1/session", wrong, token=None).problem(401, "token_invalid")
    assert bare.client.call("GET", "/v1/session", token=None).status == 401


def test_session_by_token_and_sign_out(bare):
    answer = bare.client.call("POST", "/v1/session", {"token": bare.token}, token=None)
    cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0], "Origin": bare.client.origin}
    assert bare.client.call("GET", "/v1/supervision", token=None, headers=cookie).status == 200
    assert bare.client.call("DELETE", "/v1/session", token=None, headers=cookie).status in (200, 204)
    assert bare.client.call("GET", "/v1/supervision", token=None, headers=cookie).status == 401


def test_cookie_from_a_foreign_page_counts_for_nothing(bare):
    answer = bare.client.call("POST", "/v1/session", {"token": bare.token}, token=None)
    cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
    evil = bare.client.call("POST", "/v1/supervision/desktop/stop", token=None,
                            headers={**cookie, "Origin": "http://evil.example"})
    assert evil.status == 403


def test_signing_out_closes_what_was_opened_with_the_session(bare):
    answer = bare.client.call("POST", "/v1/session", {"token": bare.token}, token=None)
    cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0], "Origin": bare.client.origin}
    with bare.client.ws("/v1/activity/ws", token=None, headers=cookie) as mine, \
            bare.client.ws("/v1/activity/ws") as other:
        assert bare.client.call("DELETE", "/v1/session", token=None, headers=cookie).status == 204
        assert closed_with(mine)[0] == 4401
        assert bare.client.call("GET", "/v1/session", token=None, headers=cookie).status == 401
        other.ping().wait(10)


def unauthenticated(d) -> int:
    line = [x for x in d.client.call("GET", "/metrics").body.decode().splitlines()
            if x.startswith("holt_http_unauthenticated ")][0]
    return int(float(line.split()[1]))


def test_strangers_count_until_they_show_who_they_are(daemon_of):
    d = daemon_of("--no-desktop", "--http-max-unauthenticated", "20")
    cookie = d.client.call("POST", "/v1/session", {"token": d.token},
                           token=None).headers["set-cookie"].split(";")[0]

    def ask(s: socket.socket, more: str = "") -> bytes:
        s.sendall(f"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:{d.client.port}\r\n{more}\r\n".encode())
        s.settimeout(LIMIT_S)
        return s.recv(65536)

    # Twice as many as may be: each is answered, and the one that waited longest makes room.
    many: list[socket.socket] = []
    for _ in range(40):
        many.append(socket.create_connection(("127.0.0.1", d.client.port)))
        assert ask(many[-1]).startswith(b"HTTP/1.1 200")
    wait_for("the limit holds", lambda: unauthenticated(d) <= 20, 10)
    assert unauthenticated(d) >= 15
    # A browser that signed in is known by its cookie, also on an open route.
    for s in many[-10:]:
        assert ask(s, f"Cookie: {cookie}\r\n").startswith(b"HTTP/1.1 200")
    wait_for("they are known", lambda: unauthenticated(d) <= 10, 10)
    for s in many:
        s.close()
