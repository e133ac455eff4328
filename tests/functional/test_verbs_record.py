# SPDX-License-Identifier: Apache-2.0
"""`holt record`: a film of the desktop from its start to the file."""

from __future__ import annotations

import json

from daemon import holt, wait_for
from test_verbs_api import good, refused, sbx


def test_record_help(home):
    for verb in ("start", "stop", "list", "get", "delete"):
        answer = holt(home, "record", verb, "--help")
        assert answer.returncode == 0 and "Example:" in answer.stdout and "--json" in answer.stdout


def test_a_film_from_start_to_file(daemon):
    one = good(daemon, "record", "start", "--fps", "10").strip()
    refused(sbx(daemon, "record", "start"), 1, "record")

    def filmed():
        now = next(r for r in json.loads(good(daemon, "record", "list", "--json"))["recordings"]
                   if r["id"] == one)
        return now["bytes"] > 0

    wait_for("pictures", filmed, 30)
    assert one in good(daemon, "record", "stop")
    assert one in good(daemon, "record", "list")
    target = daemon.home / "film.mp4"
    assert good(daemon, "record", "get", one, str(target)).strip() == str(target)
    assert target.read_bytes()[4:8] == b"ftyp"
    raw = sbx(daemon, "record", "get", "--json", one, "-")
    refused(raw, 64, "name a file")
    good(daemon, "record", "delete", one)
    assert one not in good(daemon, "record", "list")
    refused(sbx(daemon, "record", "get", one), 1)
    refused(sbx(daemon, "record", "stop"), 1)
    wrong = sbx(daemon, "record", "start", "--fps", "0")
    assert wrong.returncode == 64 and "fps" in wrong.stderr, wrong
