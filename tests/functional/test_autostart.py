# SPDX-License-Identifier: Apache-2.0
"""A daemon whose desktop waits to be asked."""


def test_a_desktop_that_waits_to_be_asked(daemon_of):
    d = daemon_of("--desktop-autostart", "false")
    assert d.get("/v1/desktop/status")["state"] == "inactive"
    started = d.client.call("POST", "/v1/desktop/start", {}).json()
    assert started["state"] == "active" and started["display"], started
    assert d.client.call("GET", "/v1/desktop/screenshot").status == 200
    assert d.client.call("POST", "/v1/desktop/stop").json()["state"] == "inactive"
