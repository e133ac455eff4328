# SPDX-License-Identifier: Apache-2.0
"""Recordings of the desktop through the API, with the real ffmpeg; ffprobe says what is in them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from daemon import Daemon, descendants, wait_for

RECORDING = "/v1/desktop/recording"
RECORDINGS = "/v1/desktop/recordings"

pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")


@pytest.fixture(scope="module")
def d(tmp_path_factory):
    """Without the stream engine: nothing else takes pictures."""
    made = Daemon(tmp_path_factory.mktemp("recording"), "--stream-autostart", "false")
    wait_for("the desktop", lambda: made.get("/v1/desktop/status")["state"] == "active", 20)
    yield made
    made.kill()


@pytest.fixture(autouse=True)
def at_rest(request):
    yield
    if "d" in request.fixturenames:
        request.getfixturevalue("d").client.call("POST", f"{RECORDING}/stop")


def start(d, **wish) -> dict:
    answer = d.client.call("POST", f"{RECORDING}/start", {"fps": 10, **wish})
    assert answer.status == 200, answer
    return answer.json()


def stop(d) -> dict:
    answer = d.client.call("POST", f"{RECORDING}/stop")
    assert answer.status == 200, answer
    return answer.json()


def info(d, which: str) -> dict:
    return d.get(f"{RECORDINGS}/{which}")


def longer_than(d, which: str, ms: int) -> None:
    wait_for(f"{which} for {ms} ms", lambda: info(d, which)["durationMs"] > ms, 40)


def fragments_of(d, which: str, count: int) -> None:
    """Until so many are in the file, as the download shows it."""

    def look():
        return d.client.call("GET", f"{RECORDINGS}/{which}/download").body.count(b"moof") >= count

    wait_for(f"{count} fragments of {which}", look, 30)


def probe(path: Path) -> dict:
    got = subprocess.run(["ffprobe", "-v", "error", "-show_streams", "-show_format", "-count_packets",
                          "-of", "json", str(path)], capture_output=True, text=True, timeout=60)
    assert got.returncode == 0 and not got.stderr.strip(), got
    return json.loads(got.stdout)


def decodes(path: Path) -> None:
    got = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-fps_mode", "passthrough",
                          "-f", "null", "-"],
                         capture_output=True, text=True, timeout=120)
    assert got.returncode == 0 and not got.stderr.strip(), got


def video_of(path: Path) -> dict:
    return next(s for s in probe(path)["streams"] if s["codec_type"] == "video")


def recorder_of(d) -> int:
    """The ffmpeg of the recording that runs."""
    for p in descendants(d.pid):
        try:
            if b"x11grab" in Path(f"/proc/{p.pid}/cmdline").read_bytes():
                return p.pid
        except OSError:
            pass
    return 0


def saved(d, tmp_path: Path, which: str) -> Path:
    answer = d.client.call("GET", f"{RECORDINGS}/{which}/download")
    assert answer.status == 200 and answer.headers["content-type"] == "video/mp4"
    out = tmp_path / f"{which}.mp4"
    out.write_bytes(answer.body)
    return out


def test_a_recording_from_start_to_delete(d, tmp_path):
    began = start(d)
    which = began["id"]
    assert began["status"] == "recording" and began["fileName"] == f"{which}.mp4"
    assert began["startedAt"] and "endedAt" not in began and began["processId"] == f"recorder/{which}"
    second = d.client.call("POST", f"{RECORDING}/start", {})
    assert "already active" in second.problem(409, "conflict")["detail"]
    d.client.call("DELETE", f"{RECORDINGS}/{which}").problem(409, "conflict")
    longer_than(d, which, 3000)  # three times the pictures that are asked for
    done = stop(d)
    assert done["id"] == which and done["status"] == "completed" and done["endedAt"], done
    assert done["bytes"] > 0 and "reason" not in done and "processId" not in done
    assert info(d, which) == done and d.get(RECORDINGS)["recordings"][-1] == done
    path = saved(d, tmp_path, which)
    assert path.stat().st_size == done["bytes"]
    video = video_of(path)
    assert (video["codec_name"], video["width"], video["height"]) == ("h264", 1280, 720)
    assert int(video["nb_read_packets"]) >= 10
    decodes(path)
    d.client.call("POST", f"{RECORDING}/stop").problem(409, "conflict")
    gone = d.client.call("DELETE", f"{RECORDINGS}/{which}")
    assert gone.status == 204 and gone.body == b""
    missing = d.client.call("GET", f"{RECORDINGS}/{which}").problem(404, "not_found")
    assert missing["details"] == {"id": which, "resource": "desktop_recording"}
    assert start(d)["id"] != which, "an id is never given twice"


def test_the_sound_is_in_it(d, tmp_path):
    tree = d.get("/v1/supervision")
    if '"audio"' not in json.dumps(tree):
        print("SKIPPED sound: no sound server")
        pytest.skip("no sound server")
    wait_for("sound", lambda: any(p["name"] == "pulseaudio"
                                  for p in d.get("/v1/desktop/status")["processes"]), 20)
    began = start(d)
    longer_than(d, began["id"], 1200)
    done = stop(d)
    kinds = [s["codec_type"] for s in probe(saved(d, tmp_path, done["id"]))["streams"]]
    assert kinds == (["video", "audio"] if done["sound"] else ["video"])
    assert done["sound"], done
    quiet = start(d, sound=False)
    stop(d)
    kinds = [s["codec_type"] for s in probe(saved(d, tmp_path, quiet["id"]))["streams"]]
    assert kinds == ["video"]


def test_files_are_private(d):
    which = start(d)["id"]
    stop(d)
    folder = d.state / "recordings"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in (f"{which}.mp4", f"{which}.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name


def test_a_part_of_the_download(d):
    which = start(d)["id"]
    stop(d)
    path = f"{RECORDINGS}/{which}/download"
    whole = d.client.call("GET", path)
    part = d.client.call("GET", path, headers={"Range": "bytes=4-11"})
    assert part.status == 206 and part.body == whole.body[4:12]
    assert part.headers["content-range"] == f"bytes 4-11/{len(whole.body)}"
    assert whole.body[4:8] == b"ftyp" and whole.headers["accept-ranges"] == "bytes"
    head = d.client.call("HEAD", path)
    assert head.status == 200 and head.headers["content-length"] == str(len(whole.body))
    same = d.client.call("GET", path, headers={"If-None-Match": whole.headers["etag"]})
    assert same.status == 304
    beyond = d.client.call("GET", path, headers={"Range": f"bytes={len(whole.body)}-"})
    assert beyond.status == 416


def test_wrong_fields_and_ids(d):
    for body, status, code in (({"fps": 0}, 400, "desktop_invalid_action"),
                               ({"fps": 61}, 400, "desktop_invalid_action"),
                               ({"fps": -1}, 400, "desktop_invalid_action"),
                               ({"fps": "10"}, 422, "unprocessable"),
                               ({"fps": 1.5}, 422, "unprocessable"),
                               ({"sound": 1}, 422, "unprocessable")):
        d.client.call("POST", f"{RECORDING}/start", body).problem(status, code)
    for which in ("rec_0", "rec_01", "rec_", "last", "rec_99999999999999999999", "rec_-1", "..%2e"):
        d.client.call("GET", f"{RECORDINGS}/{which}").problem(404, "not_found")
        d.client.call("GET", f"{RECORDINGS}/{which}/download").problem(404, "not_found")
        d.client.call("DELETE", f"{RECORDINGS}/{which}").problem(404, "not_found")


def test_it_goes_on_when_the_screen_changes_its_size(d, tmp_path):
    before = d.get("/v1/desktop/display/info")["resolution"]
    began = start(d)
    longer_than(d, began["id"], 1200)
    try:
        for width, height in ((800, 600), (1600, 900)):
            was = recorder_of(d)
            d.client.call("POST", "/v1/desktop/start", {"width": width, "height": height})
            wait_for("the next part", lambda: recorder_of(d) not in (0, was), 30)
            now = info(d, began["id"])["durationMs"]
            longer_than(d, began["id"], now + 2500)
        done = stop(d)
    finally:
        d.client.call("POST", "/v1/desktop/start", {"width": before["width"],
                                                    "height": before["height"]})
    assert done["status"] == "completed" and "reason" not in done, done
    path = saved(d, tmp_path, done["id"])
    decodes(path)
    got = probe(path)
    video = next(s for s in got["streams"] if s["codec_type"] == "video")
    assert (video["width"], video["height"]) == (1280, 720)
    times = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
                            "packet=pts_time", "-of", "csv=p=0", str(path)],
                           capture_output=True, text=True, timeout=60).stdout.split()
    seconds = [float(t.strip(",")) for t in times]
    assert seconds == sorted(set(seconds)), "time goes forwards"
    assert seconds[-1] * 1000 > done["durationMs"] / 2
    assert not list((d.state / "recordings").glob("*.part.mp4"))


def test_an_ffmpeg_that_is_killed_is_told(d, tmp_path):
    began = start(d)
    fragments_of(d, began["id"], 2)
    os.kill(wait_for("the recorder", lambda: recorder_of(d), 20), signal.SIGKILL)  # never 0: that is us
    failed = wait_for("the end", lambda: (now := info(d, began["id"]))["status"] == "failed" and now, 20)
    assert "signal 9" in failed["reason"] and failed["endedAt"], failed
    decodes(saved(d, tmp_path, began["id"]))
    d.client.call("POST", f"{RECORDING}/stop").problem(409, "conflict")


def test_the_feed_tells_of_it(d):
    after = d.get("/v1/activity")["next"]
    which = start(d)["id"]
    stop(d)
    d.client.call("DELETE", f"{RECORDINGS}/{which}")

    def phases():
        events = d.get(f"/v1/activity?after={after - 1}")["events"]
        found = [e["data"]["phase"] for e in events
                 if e["kind"] == "recording" and e["data"]["id"] == which]
        return found if "removed" in found else None

    assert wait_for("the feed", phases, 20) == ["started", "ended", "removed"]


def test_what_a_killed_daemon_left_can_be_played(daemon_of, tmp_path):
    d = daemon_of("--stream-autostart", "false")
    began = start(d)
    fragments_of(d, began["id"], 3)
    below = descendants(d.process.pid)
    os.kill(d.pid, signal.SIGKILL)
    d.wait_end(20)
    wait_for("the end of all", lambda: not any(p.alive() for p in below), 20)
    again = daemon_of("--stream-autostart", "false")
    left = info(again, began["id"])
    assert left["status"] == "failed" and left["bytes"] > 0 and left["endedAt"], left
    assert "daemon ended" in left["reason"]
    path = saved(again, tmp_path, began["id"])
    decodes(path)
    assert int(video_of(path)["nb_read_packets"]) >= 10
    fresh = start(again)
    assert fresh["id"] not in (began["id"],)
    stop(again)


def test_what_runs_at_an_orderly_end_is_completed(daemon_of, tmp_path):
    d = daemon_of("--stream-autostart", "false")
    began = start(d)
    longer_than(d, began["id"], 1200)
    d.process.send_signal(signal.SIGTERM)
    d.wait_end(30)
    decodes(d.state / "recordings" / began["fileName"])
    kept = json.loads((d.state / "recordings" / f"{began['id']}.json").read_text())
    assert kept["status"] == "completed" and "daemon stopped" in kept["reason"], kept


def test_a_limit_ends_it(daemon_of):
    d = daemon_of("--stream-autostart", "false", "--recording-max-seconds", "2",
                  "--recording-max-files", "1")
    began = start(d)
    done = wait_for("the end", lambda: (now := info(d, began["id"]))["status"] != "recording" and now,
                    30)
    assert done["status"] == "completed" and "recording.max_seconds" in done["reason"], done
    refused = d.client.call("POST", f"{RECORDING}/start", {}).problem(409, "conflict")
    assert "recording.max_files" in refused["detail"]
    assert d.client.call("DELETE", f"{RECORDINGS}/{began['id']}").status == 204
    assert start(d)["id"] == "rec_2"


def test_with_the_desktop_stopped(daemon_of):
    d = daemon_of("--stream-autostart", "false")
    began = start(d)
    d.client.call("POST", "/v1/desktop/stop")
    done = wait_for("the end", lambda: (now := info(d, began["id"]))["status"] != "recording" and now,
                    20)
    assert done["status"] == "completed" and done["reason"] == "the desktop was stopped", done
    d.client.call("POST", f"{RECORDING}/start", {}).problem(409, "conflict")
    assert [r["id"] for r in d.get(RECORDINGS)["recordings"]] == [began["id"]]
    assert d.client.call("GET", f"{RECORDINGS}/{began['id']}/download").status == 200


def programs_with(folder: Path, ffmpeg: str | None) -> str:
    """A PATH with every program of this machine but ffmpeg, and another ffmpeg instead."""
    folder.mkdir()
    for place in os.environ["PATH"].split(":"):
        for one in Path(place).iterdir() if Path(place).is_dir() else ():
            if one.name != "ffmpeg" and not (folder / one.name).is_symlink():
                (folder / one.name).symlink_to(one)
    if ffmpeg is not None:
        (folder / "ffmpeg").write_text(ffmpeg)
        (folder / "ffmpeg").chmod(0o755)
    return str(folder)


def test_without_ffmpeg_it_says_what_to_install(daemon_of, tmp_path):
    d = daemon_of("--stream-autostart", "false", PATH=programs_with(tmp_path / "bin", None))
    told = d.client.call("POST", f"{RECORDING}/start", {}).problem(500, "dependency_missing")
    assert "apt-get install ffmpeg" in told["detail"]
    assert d.get(RECORDINGS) == {"recordings": []}


def test_an_ffmpeg_that_cannot_begin_is_told_with_its_words(daemon_of, tmp_path):
    path = programs_with(tmp_path / "bin", "#!/bin/sh\necho 'Unknown encoder libx264' >&2\nexit 1\n")
    d = daemon_of("--stream-autostart", "false", PATH=path)
    told = d.client.call("POST", f"{RECORDING}/start", {}).problem(500, "spawn_failed")
    assert "Unknown encoder libx264" in told["detail"]
    assert d.get(RECORDINGS) == {"recordings": []}
    assert d.get("/v1/desktop/status")["state"] == "active"


def test_without_a_desktop_there_are_only_old_ones(bare):
    bare.client.call("POST", f"{RECORDING}/start", {}).problem(409, "conflict")
    assert bare.get(RECORDINGS) == {"recordings": []}
