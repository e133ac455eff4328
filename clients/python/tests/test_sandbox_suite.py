# SPDX-License-Identifier: Apache-2.0
"""The langchain_tests suite for deepagents backends against the real daemon, and the contract of
deepagents 0.7 where that suite (1.1.9) still asks for the one of 0.6."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from live import LiveSandbox, needs_daemon

pytest.importorskip("deepagents")
pytest.importorskip("langchain_tests")

from deepagents.backends.protocol import SandboxBackendProtocol, execute_accepts_timeout
from deepagents.backends.sandbox import BaseSandbox
from langchain_tests.integration_tests import SandboxIntegrationTests

from holt.deepagents import HoltSandbox

pytestmark = needs_daemon

# langchain-tests 1.1.9 tests the contract of deepagents 0.6: write refuses an existing file, glob
# answers relative paths and folders too.
OLD_CONTRACT = {
    "test_write_existing_file_fails",
    "test_glob",
    "test_glob_basic_pattern",
    "test_glob_with_directories",
    "test_glob_hidden_files_explicitly",
    "test_glob_with_character_class",
    "test_glob_with_question_mark",
}


class TestLangChainSuite(SandboxIntegrationTests):
    root = ""

    @pytest.fixture(scope="class")
    def sandbox(self, live: LiveSandbox) -> Iterator[SandboxBackendProtocol]:
        type(self).root = f"{live.workspace}/suite"
        backend = HoltSandbox.connect(ready_file=live.ready_file)
        yield backend
        backend.close()

    @property
    def sandbox_root_dir(self) -> str:
        return type(self).root

    @pytest.fixture(autouse=True)
    def older_contract(self, request: pytest.FixtureRequest) -> None:
        if request.node.name in OLD_CONTRACT:
            why = "asks for the contract of deepagents 0.6"
            request.applymarker(pytest.mark.xfail(strict=True, reason=why))


@pytest.fixture(scope="module")
def backend(live: LiveSandbox) -> Iterator[HoltSandbox]:
    backend = HoltSandbox.connect(ready_file=live.ready_file)
    yield backend
    backend.close()


@pytest.fixture
def root(live: LiveSandbox, request: pytest.FixtureRequest) -> str:
    return f"{live.workspace}/own/{request.node.name}"


def paths(found: Any) -> list[str]:
    assert found.error is None, found.error
    return sorted(m["path"] for m in found.matches)


def fill(backend: HoltSandbox, root: str, *names: str) -> None:
    for name in names:
        assert backend.write(f"{root}/{name}", "x\n").error is None


def test_write_replaces_an_existing_file(backend: HoltSandbox, root: str) -> None:
    backend.write(f"{root}/f", "first")
    assert backend.write(f"{root}/f", "second").error is None
    assert backend.execute(f"cat {shlex.quote(root)}/f").output == "second"


def test_glob_answers_absolute_paths(backend: HoltSandbox, root: str) -> None:
    fill(backend, root, "x.py", "y.txt")
    assert paths(backend.glob("*.py", path=root)) == [f"{root}/x.py"]


def test_glob_basic_pattern_at_any_depth(backend: HoltSandbox, root: str) -> None:
    fill(backend, root, "a.txt", "d/b.txt", "c.py")
    assert paths(backend.glob("*.txt", path=root)) == [f"{root}/a.txt", f"{root}/d/b.txt"]
    assert paths(backend.glob("/*.txt", path=root)) == [f"{root}/a.txt"]
    assert paths(backend.glob("d/*.txt", path=root)) == [f"{root}/d/b.txt"]
    assert paths(backend.glob("**/*.txt", path=root)) == [f"{root}/a.txt", f"{root}/d/b.txt"]


def test_glob_never_answers_folders(backend: HoltSandbox, root: str) -> None:
    fill(backend, root, "dir1/f", "file.txt")
    assert paths(backend.glob("*", path=root)) == [f"{root}/dir1/f", f"{root}/file.txt"]


def test_glob_of_hidden_files_is_explicit(backend: HoltSandbox, root: str) -> None:
    fill(backend, root, ".hidden", "seen", ".git/config")
    assert paths(backend.glob(".*", path=root)) == [f"{root}/.hidden"]
    assert paths(backend.glob("*", path=root)) == [f"{root}/.git/config", f"{root}/seen"]
    assert paths(backend.glob("{.hid*,see?}", path=root)) == [f"{root}/.hidden", f"{root}/seen"]
    assert paths(backend.glob("**/*", path=root)) == [f"{root}/seen"]


def test_glob_character_class(backend: HoltSandbox, root: str) -> None:
    fill(backend, root, "f1", "f2", "f3")
    assert paths(backend.glob("f[12]", path=root)) == [f"{root}/f1", f"{root}/f2"]
    assert paths(backend.glob("f[!12]", path=root)) == [f"{root}/f3"]
    assert paths(backend.glob("{f1,f3}", path=root)) == [f"{root}/f1", f"{root}/f3"]


def test_glob_question_mark(backend: HoltSandbox, root: str) -> None:
    fill(backend, root, "f1", "f10")
    assert paths(backend.glob("f?", path=root)) == [f"{root}/f1"]


def test_glob_refuses_to_climb(backend: HoltSandbox, root: str) -> None:
    assert backend.glob("../*", path=root).error


def test_edit_keeps_the_line_ends_of_the_file(backend: HoltSandbox, root: str) -> None:
    backend.upload_files([(f"{root}/dos", b"a\r\nb\r\nc\r\n")])
    assert backend.edit(f"{root}/dos", "a\nb\n", "x\ny\n").error is None
    assert backend.download_files([f"{root}/dos"])[0].content == b"x\r\ny\r\nc\r\n"


def test_a_page_tells_where_the_next_begins(backend: HoltSandbox, root: str) -> None:
    backend.write(f"{root}/f", "1\n2\n3\n4\n5\n")
    page = backend.read(f"{root}/f", offset=1, limit=2)
    assert page.file_data and page.file_data["content"] == "2\n3"
    assert (page.start_line, page.end_line, page.next_offset, page.total_lines) == (2, 3, 3, 5)
    last = backend.read(f"{root}/f", offset=3)
    assert (last.end_line, last.next_offset) == (5, None)


def test_delete_takes_all_below(backend: HoltSandbox, root: str) -> None:
    fill(backend, root, "d/e/f")
    assert backend.delete(f"{root}/d").error is None
    assert "not found" in (backend.delete(f"{root}/d").error or "")


def test_grep_is_capped_and_skips_git(backend: HoltSandbox, root: str) -> None:
    fill(backend, root, "a", "b", ".git/c")
    found = backend.grep("x", path=root)
    assert sorted(m["path"] for m in found.matches or []) == [f"{root}/a", f"{root}/b"]
    capped = backend.grep("x", path=root, max_count=1)
    assert len(capped.matches or []) == 1 and capped.truncated


def test_a_timeout_is_an_exit_code(backend: HoltSandbox) -> None:
    late = backend.execute("echo early; sleep 60", timeout=5)
    assert late.exit_code == 124 and late.output.startswith("early\n")


def test_large_output_can_stay_over_there(backend: HoltSandbox, root: str) -> None:
    found = backend.execute_with_offload("seq 1 100000", f"{root}/out", max_inline_bytes=1000)
    assert found.offloaded and found.preview_has_truncation_marker
    assert len(found.response.output) < 1200 and found.response.output.startswith("1\n2\n")
    whole = backend.download_files([f"{root}/out"])[0].content
    assert whole == "".join(f"{n}\n" for n in range(1, 100001)).encode()


def test_every_method_is_our_own() -> None:
    for name in dir(BaseSandbox):
        if name.startswith("_") or not callable(getattr(BaseSandbox, name)):
            continue
        assert name in vars(HoltSandbox), f"{name} is inherited"
    assert execute_accepts_timeout(HoltSandbox)
