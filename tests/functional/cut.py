# SPDX-License-Identifier: Apache-2.0
"""A wire between a client and the daemon that a test can cut."""

from __future__ import annotations

import socket
import threading


class Wire:
    """Listens on a port of its own and passes bytes on; cut() breaks every connection, with `hold`
    new ones are refused until let(). Of what the daemon says on a connection `most` bytes pass; the
    rest waits for the cut."""

    def __init__(self, host: str, port: int, most: int | None = None):
        self.to = (host, port)
        self.most = most
        self.cuts = threading.Event()
        self.held = False
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.open: list[socket.socket] = []
        self.accepted = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def accept(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            if self.held:
                near.close()
                continue
            try:
                far = socket.create_connection(self.to)
            except OSError:
                near.close()
                continue
            with self.lock:
                self.open += [near, far]
                self.accepted += 1
            for a, b, most in ((near, far, None), (far, near, self.most)):
                threading.Thread(target=self.pump, args=(a, b, most), daemon=True).start()

    def pump(self, a: socket.socket, b: socket.socket, most: int | None) -> None:
        passed = 0
        try:
            while data := a.recv(65536):
                b.sendall(data)
                passed += len(data)
                if most is not None and passed >= most:
                    self.cuts.wait()
        except OSError:
            pass
        for one in (a, b):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self, hold: bool = False) -> None:
        self.held = hold
        with self.lock:
            for one in self.open:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.open.clear()
        self.cuts.set()

    def let(self) -> None:
        self.held = False

    def close(self) -> None:
        self.server.close()
        self.cut()
