# SPDX-License-Identifier: Apache-2.0
"""The HTTP file API beyond single files: watching, archives, and the published client."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from daemon import ROOT, slack, wait_for
from file_api import put, url
from web import LIMIT_S, Client


CLIENTS = ROOT / "tests" / "clients"
NODE = ROOT / "tools" / "node" / "node_modules" / ".bin" / "node"


# -- watching -------------------------------------------------------------------------------------


class Events:
    """Server-sent events of one watch."""

    def __init__(self, client: Client, **query):
        self.connection = http.client.HTTPConnection(client.host, client.port, timeout=LIMIT_S)
        self.connection.request("GET", url("watch", **query),
                                headers={"Authorization": f"Bearer {client.token}"})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.headers["content-type"] == "text/event-stream"

    def next(self) -> tuple[str, dict]:
        name, data = "", ""
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
            elif not line and name:
                return name, json.loads(data)

    def until(self, kind: str, path: Path) -> list[dict]:
        seen = []
        while True:
            name, change = self.next()
            assert name == "change", (name, change)
            seen.append(change)
            if change["kind"] == kind and change["path"] == str(path):
                return seen

    def close(self):
        self.connection.sock and self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()


def test_watch(bare, work):
    (work / "w/in").mkdir(parents=True)
    events = Events(bare.client, path="w", recursive=True)
    assert events.next() == ("ready", {"path": str(work / "w")})
    (work / "w/in/f").write_bytes(b"1")
    events.until("created", work / "w/in/f")
    (work / "w/new/deep").mkdir(parents=True)
    (work / "w/new/deep/g").write_bytes(b"1")
    events.until("created", work / "w/new/deep/g")
    (work / "w/new").rename(work / "w/other")
    moved = events.until("moved", work / "w/other")[-1]
    assert moved["from"] == str(work / "w/new") and moved["entryType"] == "directory"
    put(bare.client, "w/other/deep/g", b"2")
    events.until("modified", work / "w/other/deep/g")
    (work / "w/in/f").unlink()
    events.until("removed", work / "w/in/f")
    (work / "w").rename(work / "w2")
    events.until("gone", work / "w")
    assert events.answer.read() == b""
    events.close()


def test_watch_refusals(bare):
    call = bare.client.call
    call("GET", url("watch", path="nope-at-all")).problem(404, "not_found")
    call("GET", url("watch", path="/etc")).problem(403, "denied")
    assert call("GET", url("watch")).problem(400, "invalid_request")["field"] == "path"
    assert call("GET", url("watch", path=".", depth=1)).problem(
        400, "invalid_request")["field"] == "depth"


def test_a_watcher_that_is_gone_holds_nothing(bare):
    def one_more():
        if bare.client.call("GET", url("stat", path=".")).status != 200:
            return False
        try:
            return Events(bare.client, path=".")
        except AssertionError as full:
            assert "busy" in str(full)
            return None

    for _ in range(80):  # more than there may be at once
        events = wait_for("a place for a watch", one_more, 10)
        assert events.next()[0] == "ready"
        events.close()


# -- archives -------------------------------------------------------------------------------------


def tar(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def upload(client: Client, route: str, path: str, content: bytes, kind: str = "application/x-tar"):
    return client.call("POST", url(route, path=path), raw=content, headers={"Content-Type": kind})


def test_archives_both_ways(bare, work):
    large = os.urandom(2_000_000)
    got = upload(bare.client, "upload-batch", "ar/in", tar(two=b"2", d__one=b"1", d__large=large))
    assert got.status == 200, got
    assert got.json()["paths"] == [str(work / "ar/in" / n) for n in ("two", "d/one", "d/large")]
    assert got.json()["truncated"] is False
    assert (work / "ar/in/d/large").read_bytes() == large
    for kind, media in (("tar", "application/x-tar"), ("tar.zst", "application/zstd")):
        made = bare.client.call("GET", url("archive", path="ar/in", format=kind))
        assert made.status == 200 and made.headers["content-type"] == media
        if kind == "tar":
            with tarfile.open(fileobj=io.BytesIO(made.body)) as archive:
                assert sorted(archive.getnames()) == ["d", "d/large", "d/one", "two"]
        back = upload(bare.client, "archive", f"ar/{kind}", made.body, media)
        assert back.json()["entries"] == 4
        assert (work / f"ar/{kind}/d/large").read_bytes() == large


def test_an_archive_says_what_it_would_lack(bare, work):
    (work / "lack" / "in").mkdir(parents=True)
    for name in ("seen", "in/secret"):
        (work / "lack" / name).write_text("x")
    (work / "lack" / "in" / "secret").chmod(0)
    refused = bare.client.call("GET", url("archive", path="lack")).problem(403, "denied")
    assert refused["details"] == {"unreadable": ["in/secret"], "count": 1}
    assert "in/secret" in refused["detail"]
    assert bare.client.call("HEAD", url("archive", path="lack")).status == 403
    got = bare.client.call("GET", url("archive", path="lack", skipUnreadable="true"))
    assert got.status == 200 and got.headers["holt-skipped"] == "1"
    with tarfile.open(fileobj=io.BytesIO(got.body)) as archive:
        assert sorted(archive.getnames()) == ["in", "seen"]
    (work / "lack" / "in" / "secret").chmod(0o600)
    got = bare.client.call("GET", url("archive", path="lack", skipUnreadable="true"))
    assert got.headers["holt-skipped"] == "0"


def test_wrong_archives(bare, work):
    call = upload
    call(bare.client, "upload-batch", "wa", b"garbage").problem(400, "invalid_request")
    call(bare.client, "upload-batch", "wa", b"").problem(400, "invalid_request")
    call(bare.client, "upload-batch", "wa", tar(ok=b"1", **{"..__evil": b"2"})).problem(
        400, "invalid_request")
    call(bare.client, "upload-batch", "wa", tar(ok=b"1"), "application/gzip").problem(
        415, "unsupported_type")
    call(bare.client, "upload-batch", "/etc/wa", tar(ok=b"1")).problem(403, "denied")
    assert not (work / "wa").exists() and not (work / "evil").exists()
    bare.client.call("GET", url("archive", path="none")).problem(404, "not_found")
    assert bare.client.call("GET", url("archive", path=".", format="zip")).problem(
        400, "invalid_request")["field"] == "format"


# -- the published client -------------------------------------------------------------------------


def test_the_published_client(bare, work):
    if not NODE.exists() or not (CLIENTS / "node_modules" / "sandbox-agent").exists():
        pytest.skip("scripts/setup installs Node and tests/clients")
    folder = work / "sdk"
    folder.mkdir()
    ran = subprocess.run([NODE, CLIENTS / "files.mjs", bare.url, bare.token, folder],
                         input=tar(two=b"2", d__one=b"1"), capture_output=True,
                         timeout=90 * slack())
    assert ran.returncode == 0, ran.stderr.decode()
    seen = json.loads(ran.stdout)
    assert seen["untried"] == [], "file methods of the client that are not tried"
    assert seen["mkdir"] == {"path": f"{folder}/a/b"}
    assert seen["write"]["path"] == f"{folder}/a/b/large"
    assert seen["write"]["bytesWritten"] == 3 << 20 and seen["same"]
    assert seen["stat"]["size"] == 3 << 20 and seen["stat"]["entryType"] == "file"
    assert [e["name"] for e in seen["entries"]] == ["large"]
    assert seen["move"] == {"from": f"{folder}/a/b/large", "to": f"{folder}/moved"}
    assert seen["overwrite"] == {"from": f"{folder}/moved", "to": f"{folder}/other"}
    assert seen["exists"]["status"] == 409 and seen["exists"]["title"] == "Exists"
    assert seen["missing"] == {"status": 404, "title": "Not Found",
                               "type": "urn:sandbox-agent:error:not_found"}
    assert seen["full"]["status"] == 409
    assert seen["deleted"] == {"path": f"{folder}/a"}
    assert seen["uploaded"]["paths"] == [f"{folder}/up/two", f"{folder}/up/d/one"]
