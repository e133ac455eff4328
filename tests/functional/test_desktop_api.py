# SPDX-License-Identifier: Apache-2.0
"""The desktop by the API: who may call it, and what each call says while there is no desktop."""

from __future__ import annotations

from desktop import D


CALLS = [("GET", "/display/info", None), ("GET", "/screenshot", None),
         ("GET", "/screenshot/region?x=0&y=0&width=10&height=10", None),
         ("GET", "/mouse/position", None), ("GET", "/windows", None),
         ("GET", "/windows/focused", None), ("GET", "/clipboard", None),
         ("POST", "/mouse/move", {"x": 1, "y": 1}), ("POST", "/keyboard/type", {"text": "a"}),
         ("POST", "/clipboard", {"text": "a"}), ("POST", "/windows/5/focus", None),
         ("POST", "/actions", {"actions": [{"type": "move", "x": 1, "y": 1}]}),
         ("POST", "/launch", {"app": "xterm"}), ("POST", "/open", {"target": "/tmp"})]


def test_a_desktop_that_is_stopped_is_409(daemon_of):
    d = daemon_of("--stream-autostart", "false")
    d.post(f"{D}/stop")
    for method, path, body in CALLS:
        d.client.call(method, f"{D}{path}", body=body).problem(409, "desktop_runtime_inactive")
    d.post(f"{D}/start", {})
    for method, path, body in CALLS[:5]:
        assert d.client.call(method, f"{D}{path}", body=body).status == 200


def test_a_daemon_without_a_desktop_says_so(bare):
    for method, path, body in CALLS:
        bare.client.call(method, f"{D}{path}", body=body).problem(409, "desktop_runtime_inactive")


def test_every_call_needs_a_token(bare):
    for method, path, body in CALLS:
        bare.client.call(method, f"{D}{path}", body=body, token=None).problem(401, "token_invalid")
