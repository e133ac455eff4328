# SPDX-License-Identifier: Apache-2.0
"""HTTP and WebSocket to the daemon, with every header in the test's own hand."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

LIMIT_S = 60  # for one answer: a machine that others hold is no fault
SIGNALING = "/v1/desktop/stream/signaling"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self):
        return json.loads(self.body)

    def problem(self, status: int, code: str) -> dict:
        """The problem document it must be."""
        assert self.status == status, self
        assert self.headers["content-type"].split(";")[0] == "application/problem+json", self
        document = self.json()
        assert document["code"] == code and document["status"] == status, document
        assert document["type"].startswith("urn:") and document["type"].endswith(code), document
        assert document["title"] and isinstance(document["detail"], str), document
        return document


class Client:
    def __init__(self, url: str, token: str | None = None):
        parts = urlsplit(url)
        self.host, self.port, self.token = parts.hostname, parts.port, token
        self.origin = f"http://{self.host}:{self.port}"

    def call(self, method: str, path: str, body=None, headers: dict | None = None,
             token: str | None = "own", host: str | None = None, raw: bytes | None = None) -> Answer:
        """`token` None: without; `raw` is a body as it stands, `body` one that becomes JSON."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=LIMIT_S)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host or f"{self.host}:{self.port}")
            bearer = self.token if token == "own" else token
            if bearer:
                connection.putheader("Authorization", f"Bearer {bearer}")
            payload = raw if raw is not None else b""
            given = {k.lower(): v for k, v in (headers or {}).items()}
            if body is not None:
                payload = json.dumps(body).encode()
                given.setdefault("content-type", "application/json")
            if payload or method in ("POST", "PUT"):
                given.setdefault("content-length", str(len(payload)))
            for name, value in given.items():
                connection.putheader(name, value)
            try:
                connection.endheaders(payload or None)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it answered before all of that was sent, and the answer is here
            answer = connection.getresponse()
            got = {k.lower(): v for k, v in answer.getheaders()}
            return Answer(answer.status, got, answer.read())
        finally:
            connection.close()

    def raw(self, data: bytes, limit_s: float = LIMIT_S) -> bytes:
        """Everything the daemon says to these bytes, until it closes."""
        with socket.create_connection((self.host, self.port), timeout=limit_s) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            said = b""
            try:
                while chunk := s.recv(65536):
                    said += chunk
            except OSError:
                pass
            return said

    def ws(self, path: str = SIGNALING, token: str | None = "own", headers: dict | None = None,
           query: str = "", host: str | None = None):
        """An open WebSocket; InvalidStatus when it is refused."""
        bearer = self.token if token == "own" else token
        given = dict(headers or {})
        if bearer:
            given["Authorization"] = f"Bearer {bearer}"
        own = f"{self.host}:{self.port}"
        sock = socket.create_connection((self.host, self.port), timeout=LIMIT_S)
        sock.settimeout(None)
        # The URI's host becomes the Host header; the socket says where it really goes.
        return connect(f"ws://{host or own}{path}{query}", sock=sock, additional_headers=given,
                       open_timeout=LIMIT_S, close_timeout=2, max_size=1 << 22, ping_interval=None,
                       compression=None, proxy=None, user_agent_header=None)

    def ws_status(self, **arguments) -> int:
        """101, or the status with which it is refused."""
        try:
            with self.ws(**arguments):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code


def say(ws, event: str, payload=None) -> None:
    ws.send(json.dumps({"event": event, "payload": payload if payload is not None else {}}))


def hear(ws, event: str, limit_s: float = LIMIT_S) -> dict:
    """Payload of the next message with this event; others are passed over."""
    for _ in range(1000):
        message = json.loads(ws.recv(timeout=limit_s))
        if message["event"] == event:
            return message.get("payload") or {}
    raise AssertionError(f"no {event} among 1,000 messages")


def closed_with(ws, limit_s: float = LIMIT_S) -> tuple[int, str]:
    """Code and reason of the close that must follow."""
    try:
        while True:
            ws.recv(timeout=limit_s)
    except ConnectionClosed as end:
        return (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")
    except TimeoutError:
        raise AssertionError(f"not closed within {limit_s} s") from None
