# SPDX-License-Identifier: Apache-2.0
"""What the tests of the desktop's API share: its calls, the X server's own tools, terminals, pixels."""

from __future__ import annotations

import os
import struct
import subprocess
import zlib

from daemon import slack, wait_for

D = "/v1/desktop"


def x_env(daemon) -> dict[str, str]:
    return {**os.environ, **daemon.desktop_environment(), "LANG": "C.UTF-8"}


def x_command(daemon, *command: str, **options) -> str:
    done = subprocess.run(command, env=x_env(daemon), capture_output=True, text=True,
                          timeout=20 * slack(), **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def get(daemon, path, headers=None):
    return daemon.client.call("GET", f"{D}{path}", headers=headers)


def post(daemon, path, body=None):
    return daemon.client.call("POST", f"{D}{path}", body=body)


def done(daemon, path, body=None):
    answer = post(daemon, path, body)
    assert answer.status == 200, answer
    return answer.json()


def pixels(png: bytes):
    """(width, height, rows of RGB) of a PNG as Holt writes them: eight bits, no interlace."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    stream, width, height, at = b"", 0, 0, 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        content = png[at + 8:at + 8 + size]
        assert zlib.crc32(kind + content) == struct.unpack(">I", png[at + 8 + size:at + 12 + size])[0]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", content[:10])
            assert (depth, colour) == (8, 2)
        elif kind == b"IDAT":
            stream += content
        at += 12 + size
    raw, rows, before = zlib.decompress(stream), [], bytes(width * 3)
    for y in range(height):
        kind, row = raw[y * (width * 3 + 1)], bytearray(raw[y * (width * 3 + 1) + 1:(y + 1) * (width * 3 + 1)])
        for i in range(len(row)):
            left = row[i - 3] if i >= 3 else 0
            if kind == 1:
                row[i] = (row[i] + left) & 255
            elif kind == 2:
                row[i] = (row[i] + before[i]) & 255
            else:
                assert kind == 0
        before = bytes(row)
        rows.append(before)
    return width, height, rows


def colour(rows, x, y):
    return tuple(rows[y][x * 3:x * 3 + 3])


class Xterm:
    """A terminal of its own that does what a test needs, closed with it."""

    def __init__(self, daemon, title: str, *arguments: str, script="sleep 600"):
        self.daemon, self.title = daemon, title
        self.process = subprocess.Popen(
            ["xterm", "-u8", "-T", title, "-xrm", "*cursorBlink: false", *arguments, "-e", "sh", "-c",
             script], env=x_env(daemon), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.info = wait_for(f"window {title}", self.window, 20)

    def window(self):
        return next((w for w in self.daemon.get(f"{D}/windows")["windows"]
                     if w["title"] == self.title), None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(60)
        wait_for(f"{self.title} is gone", lambda: not self.window(), 20)
