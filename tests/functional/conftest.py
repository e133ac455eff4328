# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import namespace  # noqa: E402
from accessibility import Program  # noqa: E402
from daemon import HOLT, Daemon  # noqa: E402

# A test may kill more often than a person's desktop ever dies.
PATIENT = ("--supervision-budget-deaths", "1000", "--supervision-backoff-max-ms", "500")


NEKO = os.environ.get("HOLT_NEKO", "")
without_neko = "" if NEKO else "HOLT_NEKO is not set"


def pytest_sessionstart():
    """Signals as from a terminal. With the real neko everything runs in a network of its own."""
    global without_neko
    # Begun in the background of a shell we ignore it, and so would every program that we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if NEKO:
        without_neko = namespace.enter()


def pytest_collection_modifyitems(items):
    if not HOLT.exists():
        pytest.exit(f"{HOLT} is not there: scripts/build dev makes it", 1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def daemon_of(tmp_path: Path):
    """Makes daemons that end with the test."""
    made: list[Daemon] = []

    def make(*arguments: str, name: str = "d", **options) -> Daemon:
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        made.append(Daemon(home, *arguments, **options))
        return made[-1]

    yield make
    with ExitStack() as ends:  # of each, also when that of another goes wrong
        for d in made:
            ends.callback(d.kill)


def pytest_generate_tests(metafunc):
    """The signaling tests run on both engines: what they check is the contract of both."""
    if metafunc.module.__name__ == "test_signaling" and "daemon" in metafunc.fixturenames:
        metafunc.parametrize("daemon", ["builtin", "neko"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def daemon(request, tmp_path_factory):
    """One daemon with everything, for all tests of a module."""
    engine = getattr(request, "param", "builtin")
    arguments = ["--stream-engine", engine]
    if engine == "neko":
        if without_neko:
            print(f"SKIPPED neko: {without_neko}")
            pytest.skip(without_neko)
        arguments += ["--stream-neko-path", NEKO, "--stream-address", namespace.ADDRESS]
    d = Daemon(tmp_path_factory.mktemp("daemon"), *PATIENT, *arguments)
    yield d
    d.kill()


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """One desktop without the stream, of a size that scales without a rest."""
    d = Daemon(tmp_path_factory.mktemp("desk"), "--desktop-width", "800", "--desktop-height", "600",
               "--stream-autostart", "false")
    yield d
    d.kill()


@pytest.fixture
def program_of(desk):
    """Makes GTK programs in the tree of the module's desk, which end with the test."""
    made: list[Program] = []

    def make(title: str) -> Program:
        made.append(Program(desk, title))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture(scope="module")
def program(desk):
    """One for all tests of a module."""
    p = Program(desk, "Tree one")
    yield p
    p.end()


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """One daemon without a desktop: starts at once."""
    d = Daemon(tmp_path_factory.mktemp("bare"), "--no-desktop")
    yield d
    d.kill()


@pytest.fixture
def work(bare) -> Path:
    """Its workspace."""
    return bare.home / "workspace"
