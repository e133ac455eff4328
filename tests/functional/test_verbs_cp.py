# SPDX-License-Identifier: Apache-2.0
"""holt cp: files and folders both ways, with flat memory, and what is broken off leaves nothing."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest
from cut import Wire
from daemon import HOLT, environment, slack, wait_for

LIMIT_S = 60


@pytest.fixture
def place(bare, tmp_path):
    """A folder of this machine and one of the sandbox, both new."""
    inside = bare.home / "workspace" / tmp_path.name
    inside.mkdir()
    return tmp_path, inside


def cp(daemon, folder: Path, *arguments: str, stdin: bytes = b"", url: str = ""):
    env = {**environment(daemon.home), "HOLT_URL": url or daemon.url, "HOLT_TOKEN": daemon.token}
    return subprocess.run([HOLT, "cp", *arguments], env=env, cwd=folder, input=stdin,
                          capture_output=True, timeout=LIMIT_S * slack())


def good(daemon, folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    answer = cp(daemon, folder, *arguments, stdin=stdin)
    assert answer.returncode == 0, (arguments, answer.stderr)
    return answer.stdout


def nothing_left(*folders: Path) -> None:
    for folder in folders:
        assert not [p for p in folder.iterdir() if p.name.startswith(".holt-")], list(folder.iterdir())


def tree(top: Path) -> None:
    (top / "sub" / "empty").mkdir(parents=True)
    (top / "a.txt").write_text("a")
    (top / "sub" / "b.bin").write_bytes(os.urandom(300_000))
    (top / "sub" / "ü 漢.txt").write_text("names")
    (top / "run.sh").write_text("#!/bin/sh\n")
    (top / "run.sh").chmod(0o755)
    (top / "link").symlink_to("sub/b.bin")


def same(one: Path, two: Path) -> None:
    def shape(top: Path) -> dict:
        out = {}
        for p in sorted(top.rglob("*")):
            kind = ("link", os.readlink(p)) if p.is_symlink() else ("folder",) if p.is_dir() \
                else (p.read_bytes(), p.stat().st_mode & 0o777)
            out[str(p.relative_to(top))] = kind
        return out

    assert shape(one) == shape(two)


def test_a_file_there_and_back(bare, place):
    near, far = place
    (near / "f").write_bytes(data := os.urandom(1_000_000))
    (near / "f").chmod(0o750)
    good(bare, near, "f", f"sbx:{far.name}/g")
    assert (far / "g").read_bytes() == data and (far / "g").stat().st_mode & 0o777 == 0o750
    good(bare, near, "f", f"sbx:{far.name}")  # into a folder, under its own name
    assert (far / "f").read_bytes() == data
    good(bare, near, f"sbx:{far}/g", "back")
    assert (near / "back").read_bytes() == data and (near / "back").stat().st_mode & 0o777 == 0o750
    (near / "in").mkdir()
    told = json.loads(good(bare, near, "--json", f"sbx:{far}/g", "in/"))
    assert (near / "in" / "g").read_bytes() == data and told["bytes"] == len(data)
    good(bare, near, f"sbx:{far.name}/g", f"sbx:{far.name}/h")
    assert (far / "h").read_bytes() == data
    (near / "nothing").write_text("")
    good(bare, near, "nothing", f"sbx:{far.name}/nothing")
    assert (far / "nothing").read_bytes() == b""
    nothing_left(near, far)


def test_stdin_and_stdout(bare, place):
    near, far = place
    data = os.urandom(700_000)
    good(bare, near, "-", f"sbx:{far.name}/piped", stdin=data)
    assert (far / "piped").read_bytes() == data
    assert good(bare, near, f"sbx:{far.name}/piped", "-") == data
    (far / "d").mkdir()
    (far / "d" / "x").write_text("x")
    names = tarfile.open(fileobj=io.BytesIO(good(bare, near, f"sbx:{far.name}/d", "-"))).getnames()
    assert names == ["x"]


def test_a_folder_there_and_back(bare, place):
    near, far = place
    tree(near / "top")
    good(bare, near, "top", f"sbx:{far.name}/fresh")
    same(near / "top", far / "fresh")
    good(bare, near, "top/", f"sbx:{far.name}")
    same(near / "top", far / "top")
    good(bare, near, f"sbx:{far.name}/fresh", "back")
    same(near / "top", near / "back")
    (near / "in").mkdir()
    good(bare, near, f"sbx:{far.name}/fresh", "in")
    same(near / "top", near / "in" / "fresh")
    good(bare, near, f"sbx:{far.name}/fresh/.", "in")
    assert (near / "in" / "sub" / "b.bin").exists() and (near / "in" / "fresh").exists()
    (near / "hollow").mkdir()
    good(bare, near, "hollow", f"sbx:{far.name}/hollow")
    assert (far / "hollow").is_dir()
    good(bare, near, f"sbx:{far.name}/hollow", "hollow2")
    assert list((near / "hollow2").iterdir()) == []
    nothing_left(near, far)


def test_a_folder_joins_one_that_is_there(bare, place):
    near, far = place
    tree(near / "top")
    (far / "top").mkdir()
    (far / "top" / "old").write_text("old")
    (far / "top" / "a.txt").write_text("other")
    good(bare, near, "top", f"sbx:{far.name}")
    assert (far / "top" / "old").read_text() == "old" and (far / "top" / "a.txt").read_text() == "a"
    (near / "back" / "top").mkdir(parents=True)
    (near / "back" / "top" / "old").write_text("mine")
    (near / "back" / "top" / "run.sh").write_text("other")
    good(bare, near, f"sbx:{far.name}/top", "back")
    assert (near / "back" / "top" / "old").read_text() == "old"
    assert (near / "back" / "top" / "run.sh").read_text() == "#!/bin/sh\n"
    nothing_left(near, far, near / "back" / "top")


def test_what_cannot_be_sent_is_said_and_the_rest_goes(bare, place):
    near, far = place
    tree(near / "top")
    os.mkfifo(near / "top" / "pipe")
    answer = cp(bare, near, "top", f"sbx:{far.name}/t")
    assert answer.returncode == 1 and b"pipe" in answer.stderr
    assert (far / "t" / "a.txt").exists() and not (far / "t" / "pipe").exists()


def test_what_cannot_be_read_is_said_and_the_rest_comes(bare, place):
    near, far = place
    tree(far / "top")
    (far / "top" / "a.txt").chmod(0)
    answer = cp(bare, near, f"sbx:{far.name}/top", "t")
    assert answer.returncode == 1 and b"left out: cannot be read: a.txt\n" in answer.stderr
    assert (near / "t" / "run.sh").exists() and not (near / "t" / "a.txt").exists()
    answer = cp(bare, near, f"sbx:{far.name}/top", "-")
    assert answer.returncode == 1 and b"a.txt" in answer.stderr
    with tarfile.open(fileobj=io.BytesIO(answer.stdout)) as archive:
        assert "run.sh" in archive.getnames() and "a.txt" not in archive.getnames()
    nothing_left(near, far)


def test_no_link_leads_out_of_the_target(bare, place):
    """A folder of the sandbox whose link leads away, where there is a file of that name here."""
    near, far = place
    (near / "victim").mkdir()
    (near / "back" / "evil").mkdir(parents=True)
    (near / "back" / "evil" / "d").symlink_to(near / "victim")
    (far / "evil" / "d").mkdir(parents=True)
    (far / "evil" / "d" / "x").write_text("x")
    answer = cp(bare, near, f"sbx:{far.name}/evil", "back")
    assert not (near / "victim" / "x").exists()
    assert answer.returncode in (0, 1)


@pytest.mark.parametrize("arguments, code, word", [
    (("a", "b"), 64, b"sbx:"),
    (("nope", "sbx:x"), 1, b"nope"),
    (("sbx:no/such/file", "x"), 1, b"no/such/file"),
    (("sbx:no/such/file", "no/folder/x"), 1, b"no such"),
    (("-", "sbx:."), 1, b"folder"),
    (("here", "sbx:/etc/passwd-of-holt"), 1, b"passwd"),
])
def test_what_cannot_be_copied(bare, place, arguments, code, word):
    near, _ = place
    (near / "here").write_text("x")
    answer = cp(bare, near, *arguments)
    assert answer.returncode == code and word in answer.stderr, answer
    assert len(answer.stderr.strip().splitlines()) == 1
    nothing_left(near)


def test_a_device_of_this_machine_is_written_not_replaced(bare, place):
    near, far = place
    (far / "f").write_text("x")
    good(bare, near, f"sbx:{far.name}/f", "/dev/null")
    assert Path("/dev/null").is_char_device()
    (near / "real").write_text("old")
    (near / "link").symlink_to("real")
    good(bare, near, f"sbx:{far.name}/f", "link")
    assert (near / "link").is_symlink() and (near / "real").read_text() == "x"


def test_a_broken_connection_leaves_nothing(bare, place):
    near, far = place
    with (far / "big").open("wb") as f:
        f.truncate(400_000_000)
    (near / "target").write_text("old")
    wire = Wire(bare.client.host, bare.client.port, most=50_000_000)  # it is never whole before the cut
    env = {**environment(bare.home), "HOLT_URL": wire.url, "HOLT_TOKEN": bare.token}
    p = subprocess.Popen([HOLT, "cp", f"sbx:{far.name}/big", "target"], env=env, cwd=near,
                         stderr=subprocess.PIPE)
    partial = lambda: [q for q in near.iterdir() if q.name.startswith(".holt-") and q.stat().st_size > 0]
    wait_for("its beginning", partial, 20)
    wire.cut()
    said = p.communicate(timeout=LIMIT_S * slack())[1]
    wire.close()
    assert p.returncode == 1 and said.startswith(b"holt: "), said
    assert (near / "target").read_text() == "old"
    nothing_left(near)


def test_ctrl_c_leaves_nothing(bare, place):
    near, far = place
    env = {**environment(bare.home), "HOLT_URL": bare.url, "HOLT_TOKEN": bare.token}
    p = subprocess.Popen([HOLT, "cp", "-", f"sbx:{far.name}/x"], env=env, cwd=near,
                         stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdin.write(b"x" * 300_000)
    p.stdin.flush()
    wait_for("its beginning", lambda: list(far.iterdir()), 20)
    p.send_signal(signal.SIGINT)
    assert p.wait(LIMIT_S * slack()) == 130
    p.stdin.close()
    p.stderr.close()
    wait_for("nothing of it", lambda: not list(far.iterdir()), 20)


def test_large_files_with_flat_memory(bare, place):
    near, far = place
    size = 192 << 20
    with (near / "big").open("wb") as f:
        f.truncate(size)
    env = {**environment(bare.home), "HOLT_URL": bare.url, "HOLT_TOKEN": bare.token}
    for arguments in (("big", f"sbx:{far.name}/big"), (f"sbx:{far.name}/big", "back")):
        pid = os.posix_spawn(HOLT, [str(HOLT), "cp", str(near / arguments[0]) if arguments[0] == "big"
                                    else arguments[0], arguments[1] if arguments[1] != "back"
                                    else str(near / "back")], env)
        _, status, used = os.wait4(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        # In KiB; the kernel carries our own peak over the exec.
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert used.ru_maxrss < own + 64 * 1024, "a third of the file"
    assert (far / "big").stat().st_size == (near / "back").stat().st_size == size
    for one in (near / "big", near / "back", far / "big"):
        one.unlink()
