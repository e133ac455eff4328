# SPDX-License-Identifier: Apache-2.0
"""An agent on the wire: one Phoenix channel of version 1.0.0 over a plain WebSocket, as the simplest
client would speak it. No code of ours is in between."""

from __future__ import annotations

import itertools
import json
import time
from contextlib import ExitStack
from urllib.parse import urlencode

from websockets.sync.client import connect


class Agent:
    def __init__(self, daemon, session: str = "main", key: str | None = None):
        access = daemon.info["realtime"]
        self.topic = f"realtime:sandbox:{session}"
        self.refs = itertools.count(1)
        self.inbox: list[tuple[str, dict]] = []
        url = access["url"].replace("http", "ws", 1) + "/websocket?"
        self.open = ExitStack()
        self.socket = self.open.enter_context(
            connect(url + urlencode({"apikey": key or access["key"], "vsn": "1.0.0"}),
                    max_size=2**24, compression=None, open_timeout=60,
                    ping_interval=None))
        self.push("phx_join", {"config": {"broadcast": {"ack": False, "self": False}}})
        self.wait(lambda event, payload: event == "phx_reply" and payload["status"] == "ok")

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.open.close()

    def push(self, event: str, payload) -> None:
        self.socket.send(json.dumps({"topic": self.topic, "event": event, "payload": payload,
                                     "ref": str(next(self.refs)), "join_ref": "1"}))

    def send(self, payload, event: str = "cmd") -> None:
        """A broadcast with any payload, also one that is no command."""
        self.push("broadcast", {"type": "broadcast", "event": event, "payload": payload})

    def send_text(self, payload: str) -> None:
        """A broadcast whose payload is this very text."""
        self.socket.send('{"topic":%s,"event":"broadcast","ref":"%d","payload":{"type":"broadcast",'
                         '"event":"cmd","payload":%s}}'
                         % (json.dumps(self.topic), next(self.refs), payload))

    def beat(self) -> None:
        self.socket.send('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"%s"}'
                         % next(self.refs))

    def receive(self, limit_s: float) -> None:
        """TimeoutError after `limit_s` at most; a member that is silent for 60 s is closed."""
        try:
            frame = json.loads(self.socket.recv(timeout=min(limit_s, 20)))
        except TimeoutError:
            self.beat()
            raise
        if frame["topic"] != self.topic:
            return
        payload = frame["payload"]
        if frame["event"] == "broadcast":
            self.inbox.append((payload["event"], payload["payload"]))
        else:
            self.inbox.append((frame["event"], payload))

    def wait(self, wanted, limit_s: float = 60):
        """The first message that is wanted; it is taken out, the others stay in order."""
        end = time.monotonic() + limit_s
        seen = 0
        while True:
            for i in range(seen, len(self.inbox)):
                if wanted(*self.inbox[i]):
                    return self.inbox.pop(i)[1]
            seen = len(self.inbox)
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not within {limit_s} s; there is {self.inbox!r:.2000}")
            try:
                self.receive(left)
            except TimeoutError:
                pass

    def result(self, id: str, limit_s: float = 60) -> dict:
        return self.wait(lambda event, p: event == "result" and isinstance(p, dict)
                         and p.get("type") == "result" and p.get("id") == id, limit_s)

    def message(self, type: str, id: str, limit_s: float = 60) -> dict:
        return self.wait(lambda _, p: isinstance(p, dict) and p.get("type") == type
                         and p.get("id") == id, limit_s)

    def ask(self, command: dict, limit_s: float = 60) -> dict:
        self.send(command)
        return self.result(command["id"], limit_s)

    def taken(self, type: str, id: str) -> list[dict]:
        """What of this is in the inbox by now, in order; it is taken out."""
        mine = [p for _, p in self.inbox if isinstance(p, dict) and p.get("type") == type
                and p.get("id") == id]
        self.inbox = [x for x in self.inbox if x[1] not in mine]
        return mine
