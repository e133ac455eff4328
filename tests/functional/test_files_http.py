# SPDX-License-Identifier: Apache-2.0
"""The HTTP file API against the real daemon: contract, conditions, ranges, streaming."""

from __future__ import annotations

import http.client
import json
import os
import socket
from pathlib import Path

import pytest

from daemon import wait_for
from file_api import put, url
from web import LIMIT_S, Client


# -- the contract ---------------------------------------------------------------------------------


def test_write_read_stat(bare, work):
    answer = put(bare.client, "c/x/f.txt", b"hello", Content_Type="application/octet-stream")
    assert answer.status == 200, answer
    assert answer.json()["bytesWritten"] == 5
    assert answer.json()["path"] == str(work / "c/x/f.txt")
    assert (work / "c/x/f.txt").read_bytes() == b"hello"
    read = bare.client.call("GET", url("file", path="c/x/f.txt"))
    assert read.status == 200 and read.body == b"hello"
    assert read.headers["content-type"] == "application/octet-stream"
    stat = bare.client.call("GET", url("stat", path=work / "c/x/f.txt")).json()
    assert stat["entryType"] == "file" and stat["size"] == 5
    assert stat["modified"][10] == "T" and stat["modified"].endswith("Z")
    assert bare.client.call("GET", url("stat", path="c/x")).json()["entryType"] == "directory"


def test_entries(bare, work):
    put(bare.client, "list/b.txt", b"b")
    put(bare.client, "list/a/deep.txt", b"a")
    (work / "list/link").symlink_to("b.txt")
    entries = bare.client.call("GET", url("entries", path="list")).json()
    assert [e["name"] for e in entries] == ["a", "b.txt", "link"]
    assert [e["entryType"] for e in entries] == ["directory", "file", "file"]
    assert entries[2]["kind"] == "symlink"
    assert entries[0]["path"] == str(work / "list/a")
    deep = bare.client.call("GET", url("entries", path="list", recursive=True)).json()
    assert [e["name"] for e in deep] == ["a", "deep.txt", "b.txt", "link"]
    cut = bare.client.call("GET", url("entries", path="list", limit=1))
    assert len(cut.json()) == 1 and cut.headers["holt-truncated"] == "true"
    assert isinstance(bare.client.call("GET", "/v1/fs/entries").json(), list)


def test_mkdir_move_delete(bare, work):
    call = bare.client.call
    assert call("POST", url("mkdir", path="m/n")).json() == {"path": str(work / "m/n")}
    assert call("POST", url("mkdir", path="m/n")).status == 200
    put(bare.client, "m/f", b"1")
    put(bare.client, "m/g", b"2")
    moved = call("POST", "/v1/fs/move", body={"from": "m/f", "to": str(work / "m/h")})
    assert moved.json() == {"from": str(work / "m/f"), "to": str(work / "m/h")}
    call("POST", "/v1/fs/move", body={"from": "m/h", "to": "m/g"}).problem(409, "exists")
    both = {"from": "m/h", "to": "m/g", "overwrite": True, "unknown": 1}
    assert call("POST", "/v1/fs/move", body=both).status == 200
    assert (work / "m/g").read_bytes() == b"1"
    call("DELETE", url("entry", path="m")).problem(409, "conflict")
    assert call("DELETE", url("entry", path="m", recursive=True)).json() == {"path": str(work / "m")}
    call("DELETE", url("entry", path="m")).problem(404, "not_found")


def test_errors_say_what_is_wrong(bare, work):
    call = bare.client.call
    put(bare.client, "e/f", b"x")
    for route in ("file", "stat", "entries"):
        call("GET", url(route, path="e/nope")).problem(404, "not_found")
        call("GET", url(route, path="/etc/passwd")).problem(403, "denied")
        call("GET", url(route, path="../../etc/passwd")).problem(403, "denied")
        call("GET", f"/v1/fs/{route}?path=a%00b").problem(400, "invalid_request")
    call("GET", url("file", path="e")).problem(409, "is_directory")
    call("GET", url("entries", path="e/f")).problem(409, "not_directory")
    put(bare.client, "e", b"x").problem(409, "is_directory")
    put(bare.client, "e/f/g", b"x").problem(409, "not_directory")
    put(bare.client, "/etc/holt-test", b"x").problem(403, "denied")
    for method, route in (("GET", "file"), ("GET", "stat"), ("PUT", "file"), ("DELETE", "entry"),
                          ("POST", "mkdir")):
        wrong = call(method, url(route)).problem(400, "invalid_request")
        assert wrong["field"] == "path" and "path" in wrong["detail"]
    assert call("DELETE", url("entry", path="e", recursive="maybe")).problem(
        400, "invalid_request")["field"] == "recursive"
    assert call("GET", url("entries", limit=0)).problem(400, "invalid_request")["field"] == "limit"
    for body, word in (({"to": "x"}, "from"), ({"from": "e/f"}, "to"), ({"from": 1, "to": "x"}, "from"),
                       ({"from": "e/f", "to": "x", "overwrite": "yes"}, "overwrite")):
        wrong = call("POST", "/v1/fs/move", body=body).problem(422, "unprocessable")
        assert word in wrong["detail"]
    call("POST", "/v1/fs/move", raw=b"{").problem(400, "invalid_request")
    call("POST", "/v1/fs/move", raw=b"{}", headers={"Content-Type": "text/plain"}).problem(
        415, "unsupported_type")
    os.mkfifo(work / "e/fifo")
    call("GET", url("file", path="e/fifo")).problem(501, "unsupported")


@pytest.mark.parametrize("path", ["file?path=x", "stat?path=x", "entries", "watch?path=."])
def test_scope_is_needed(bare, path):
    bare.client.call("GET", f"/v1/fs/{path}", token=None).problem(401, "token_invalid")
    link = bare.post("/v1/tickets", body={"view": True})
    session = Client(bare.url).call("POST", "/v1/session", body={"ticket": link["ticket"]})
    cookie = session.headers["set-cookie"].split(";")[0]
    answer = bare.client.call("GET", f"/v1/fs/{path}", token=None, headers={"Cookie": cookie})
    answer.problem(403, "forbidden")


def test_absolute_paths_with_the_whole_machine_as_root(daemon_of, tmp_path):
    d = daemon_of("--no-desktop", "--root", "/")
    outside = tmp_path / "elsewhere" / "f.txt"
    assert put(d.client, str(outside), b"abc").json()["path"] == str(outside)
    assert outside.read_bytes() == b"abc"
    assert d.client.call("GET", url("file", path="/etc/passwd")).status == 200


# -- conditions and ranges ------------------------------------------------------------------------


def test_etag_and_conditions(bare):
    first = put(bare.client, "t/f", b"one", If_None_Match="*")
    assert first.status == 200 and first.json()["created"] is True
    tag = first.headers["etag"]
    put(bare.client, "t/f", b"two", If_None_Match="*").problem(412, "conflict")
    put(bare.client, "t/f", b"two", If_Match='"other"').problem(412, "conflict")
    put(bare.client, "t/none", b"two", If_Match="*").problem(412, "conflict")
    known = bare.client.call("GET", url("file", path="t/f"), headers={"If-None-Match": tag})
    assert known.status == 304 and known.body == b"" and known.headers["etag"] == tag
    second = put(bare.client, "t/f", b"two", If_Match=tag)
    assert second.status == 200 and second.headers["etag"] != tag
    read = bare.client.call("GET", url("file", path="t/f"), headers={"If-None-Match": tag})
    assert read.body == b"two" and read.headers["etag"] == second.headers["etag"]
    bare.client.call("GET", url("file", path="t/f"), headers={"If-Match": tag}).problem(
        412, "conflict")


@pytest.mark.parametrize("size", [10, 3_000_000], ids=["small", "large"])
def test_ranges(bare, size):
    content = os.urandom(size)
    put(bare.client, f"r/{size}", content)
    path = url("file", path=f"r/{size}")

    def part(text):
        return bare.client.call("GET", path, headers={"Range": text})

    for text, first, last in (("bytes=0-3", 0, 3), ("bytes=4-", 4, size - 1),
                              ("bytes=-2", size - 2, size - 1), ("bytes=5-99999999", 5, size - 1)):
        got = part(text)
        assert got.status == 206 and got.body == content[first:last + 1], text
        assert got.headers["content-range"] == f"bytes {first}-{last}/{size}"
    past = part(f"bytes={size}-")
    past.problem(416, "invalid_request")
    assert past.headers["content-range"] == f"bytes */{size}"
    for text in ("bytes=3-1", "lines=0-1", "bytes=0-1,3-4", "bytes=x"):
        assert part(text).status == 200
    stale = bare.client.call("GET", path, headers={"Range": "bytes=0-3", "If-Range": '"old"'})
    assert stale.status == 200 and stale.body == content
    head = bare.client.call("HEAD", path)
    assert head.status == 200 and head.headers["content-length"] == str(size) and head.body == b""


# -- streaming ------------------------------------------------------------------------------------


def rss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def test_large_bodies_cost_no_memory(daemon_of):
    d = daemon_of("--no-desktop")
    size = 256 * 1024 * 1024
    piece = os.urandom(1024 * 1024)
    put(d.client, "warm", piece)
    d.client.call("GET", url("file", path="warm"))
    before = rss(d.pid)
    connection = http.client.HTTPConnection(d.client.host, d.client.port, timeout=120)
    headers = {"Authorization": f"Bearer {d.token}", "Content-Length": str(size)}
    connection.request("PUT", url("file", path="large"), headers=headers,
                       body=(piece for _ in range(size // len(piece))))
    answer = connection.getresponse()
    assert json.loads(answer.read())["bytesWritten"] == size
    connection.request("GET", url("file", path="large"),
                       headers={"Authorization": f"Bearer {d.token}"})
    answer, total = connection.getresponse(), 0
    while got := answer.read(len(piece)):
        assert got == piece
        total += len(got)
    assert total == size
    connection.close()
    if before:
        assert rss(d.pid) - before < 10 * 1024 * 1024


def test_chunked_upload(bare, work):
    connection = http.client.HTTPConnection(bare.client.host, bare.client.port, timeout=LIMIT_S)
    pieces = [os.urandom(70_000) for _ in range(20)]
    connection.request("PUT", url("file", path="chunked"), body=iter(pieces), encode_chunked=True,
                       headers={"Authorization": f"Bearer {bare.token}",
                                "Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 200
    connection.close()
    assert (work / "chunked").read_bytes() == b"".join(pieces)


def test_an_aborted_upload_leaves_nothing(bare, work):
    (work / "ab").mkdir()
    (work / "ab/old").write_bytes(b"old")
    for path in ("ab/old", "ab/new/deep/f"):
        with socket.create_connection((bare.client.host, bare.client.port)) as s:
            s.sendall(f"PUT {url('file', path=path)} HTTP/1.1\r\nHost: {bare.client.host}:"
                      f"{bare.client.port}\r\nAuthorization: Bearer {bare.token}\r\n"
                      f"Content-Length: 1000000\r\n\r\n".encode() + b"x" * 300_000)
            wait_for("the temporary file", lambda: any(
                n.startswith(".holt-") for n in os.listdir(work / "ab")), 30)
        wait_for("nothing but what was there", lambda: os.listdir(work / "ab") == ["old"], 30)
    assert (work / "ab/old").read_bytes() == b"old"


def test_a_refused_upload_says_why_before_the_body(bare):
    with socket.create_connection((bare.client.host, bare.client.port), timeout=LIMIT_S) as s:
        s.sendall(f"PUT {url('file', path='/etc/x')} HTTP/1.1\r\nHost: {bare.client.host}:"
                  f"{bare.client.port}\r\nAuthorization: Bearer {bare.token}\r\n"
                  f"Expect: 100-continue\r\nContent-Length: 17179869184\r\n\r\n".encode())
        assert s.recv(65536).startswith(b"HTTP/1.1 403 ")


def test_an_upload_may_not_be_too_large(bare):
    answer = bare.client.raw(
        f"PUT {url('file', path='x')} HTTP/1.1\r\nHost: {bare.client.host}:{bare.client.port}\r\n"
        f"Authorization: Bearer {bare.token}\r\nContent-Length: 17179869185\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_pipelined_requests_behind_an_upload(bare):
    start = (f"Host: {bare.client.host}:{bare.client.port}\r\n"
             f"Authorization: Bearer {bare.token}\r\n")
    said = bare.client.raw(
        f"PUT {url('file', path='p')} HTTP/1.1\r\n{start}Content-Length: 3\r\n\r\nabc"
        f"GET {url('file', path='p')} HTTP/1.1\r\n{start}Connection: close\r\n\r\n".encode())
    assert said.count(b"HTTP/1.1 200 ") == 2 and said.endswith(b"abc")


# -- further routes -------------------------------------------------------------------------------


def test_copy_and_chmod(bare, work):
    call = bare.client.call
    put(bare.client, "cp/a/f", b"data")
    copied = call("POST", "/v1/fs/copy", body={"from": "cp/a", "to": "cp/b/c"})
    assert copied.status == 200, copied
    assert (work / "cp/b/c/f").read_bytes() == b"data"
    call("POST", "/v1/fs/copy", body={"from": "cp/a", "to": "cp/b/c"}).problem(409, "exists")
    call("POST", "/v1/fs/copy", body={"from": "cp", "to": "cp/b/in"}).problem(400, "invalid_request")
    call("POST", "/v1/fs/copy", body={"from": "cp/a", "to": "/etc/x"}).problem(403, "denied")
    call("POST", "/v1/fs/copy", body={"from": "cp/a", "to": "y", "more": 1}).problem(
        422, "unprocessable")
    changed = call("POST", "/v1/fs/chmod", body={"path": "cp/b", "mode": "0750", "recursive": True})
    assert changed.json() == {"path": str(work / "cp/b"), "changed": 3, "failed": 0}
    assert (work / "cp/b/c/f").stat().st_mode & 0o777 == 0o750
    call("POST", "/v1/fs/chmod", body={"path": "cp/b"}).problem(422, "unprocessable")
    call("POST", "/v1/fs/chmod", body={"path": "cp/b", "mode": "9"}).problem(400, "invalid_request")


def test_glob_and_grep(bare, work):
    call = bare.client.call
    put(bare.client, "g/src/main.py", b"import os\nprint('needle')\n")
    put(bare.client, "g/readme.md", b"nothing\n")
    found = call("POST", "/v1/fs/glob", body={"pattern": "*.py", "path": "g"}).json()
    assert [m["path"] for m in found["matches"]] == [str(work / "g/src/main.py")]
    assert found["matches"][0]["entryType"] == "file" and found["truncated"] is False
    lines = call("POST", "/v1/fs/grep",
                 body={"pattern": "NEEDLE", "path": "g", "ignoreCase": True}).json()
    assert lines["matches"][0]["line"] == 2 and lines["filesSearched"] == 2
    call("POST", "/v1/fs/glob", body={}).problem(422, "unprocessable")
    wrong = call("POST", "/v1/fs/glob", body={"pattern": "*", "nope": 1}).problem(
        422, "unprocessable")
    assert "nope" in wrong["detail"]
    call("POST", "/v1/fs/grep", body={"pattern": "(", "regex": True}).problem(
        400, "invalid_request")
