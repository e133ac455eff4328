# SPDX-License-Identifier: Apache-2.0
"""The feed tells what the file routes changed: paths and counts, never contents."""

from __future__ import annotations

import json

from daemon import wait_for
from file_api import put, url


def test_the_feed_tells_what_was_changed(bare, work):
    c = bare.client
    after = bare.get("/v1/activity")["next"] - 1
    assert put(c, "feed/a.txt", b"the secret content").status == 200
    assert c.call("POST", url("mkdir", path="feed/sub")).status == 200
    assert c.call("POST", url("copy"), {"from": "feed/a.txt", "to": "feed/b.txt"}).status == 200
    assert c.call("POST", url("move"), {"from": "feed/b.txt", "to": "feed/c.txt"}).status == 200
    assert c.call("POST", url("chmod"), {"path": "feed/c.txt", "mode": "0600"}).status == 200
    assert c.call("GET", url("file", path="feed/a.txt")).status == 200
    assert c.call("DELETE", url("entry", path="feed/none")).status == 404
    assert c.call("DELETE", url("entry", path="feed", recursive=True)).status == 200

    def told():
        events = bare.get(f"/v1/activity?after={after}")["events"]
        found = [e["data"] for e in events if e["kind"] == "file"]
        return found if found and found[-1]["change"] == "delete" else None

    news = wait_for("the feed", told, 10)
    assert [n["change"] for n in news] == ["write", "mkdir", "copy", "move", "chmod", "delete"]
    assert news[0]["bytes"] == 18 and news[0]["created"] and news[0]["path"].endswith("feed/a.txt")
    assert news[3]["from"].endswith("feed/b.txt") and news[3]["to"].endswith("feed/c.txt")
    assert all("name" in n for n in news)  # the owner's token has none
    assert "secret content" not in json.dumps(news)
