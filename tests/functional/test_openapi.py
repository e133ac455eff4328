# SPDX-License-Identifier: Apache-2.0
"""The description of the API: it fits the names document, and schemathesis, which makes requests
from it (right ones, and wrong ones field by field), finds no answer that it does not tell of."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from daemon import ROOT, environment, slack

LONG = bool(os.environ.get("HOLT_TEST_LONG"))
SEED = int(os.environ.get("HOLT_SEED", "1") or 1)
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance",
          "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
          "positive_data_acceptance", "unsupported_method", "allow_header_conformance",
          "missing_required_header", "use_after_free", "ensure_resource_availability"]
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
# Endless answers, WebSockets, and what would take the daemon away under the test.
SHORTER = [] if LONG else ["--exclude-path", "/v1/desktop/actions"]
ON_A_DESKTOP = "^/v1/desktop/(display|screenshot|mouse|keyboard|windows|clipboard)|^/v1/control"
LEFT_OUT = "/fs/watch$|/logs$|/ws$|/signaling$|^/v1/supervision/|^/v1/session$"


@pytest.fixture(scope="module")
def description(bare):
    answer = bare.client.call("GET", "/openapi.json", token=None)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    return answer.json()


def test_description_names_every_route_of_the_names_document(description):
    told = set()
    for line in (ROOT / "docs" / "names.md").read_text().splitlines():
        if match := re.match(r"\| `(GET|POST|PUT|DELETE|PATCH|WS) (/[^`?]*)", line):
            method = "GET" if match[1] == "WS" else match[1]
            told.add((method, re.sub(r"\{\w+\}", "{}", match[2])))
    described = {(method.upper(), re.sub(r"\{\w+\}", "{}", path))
                 for path, methods in description["paths"].items() for method in methods}
    assert described == told


def test_description_is_valid(description):
    assert description["openapi"].startswith("3.1.")
    ids = [one["operationId"] for methods in description["paths"].values()
           for one in methods.values()]
    assert len(ids) == len(set(ids))


def fuzz(daemon, *arguments: str, limit_s: float, left_out: str = LEFT_OUT) -> None:
    command = [str(SCHEMATHESIS), "--config-file", str(CONFIGURATION), "run", daemon.url + "/openapi.json", "-H",
               f"Authorization: Bearer {daemon.token}", "--checks", ",".join(CHECKS),
               "--exclude-path-regex", left_out, "--request-timeout", "60", "--max-failures", "50",
               "--no-color", "--warnings", "off", *arguments]
    print("schemathesis", *arguments)
    ran = subprocess.run(command, env=environment(daemon.home), cwd=daemon.home,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, timeout=limit_s * slack())
    assert ran.returncode == 0, ran.stdout[-20000:]
    assert daemon.client.call("GET", "/v1/health").status == 200


@pytest.mark.timeout(1200)
def test_schemathesis_finds_no_answer_that_is_not_told_of(daemon_of):
    if not SCHEMATHESIS.exists():
        print(f"SKIPPED schemathesis: {SCHEMATHESIS} is not there")
        pytest.skip("schemathesis is not installed")
    d = daemon_of("--no-desktop")
    # The same requests in every run: each field at its limits, beyond them, of another type, gone.
    # A list of all kinds of acts makes most of them; it is left to the long form.
    fuzz(d, "--phases", "coverage", "--generation-deterministic", *SHORTER,
         left_out=f"{LEFT_OUT}|{ON_A_DESKTOP}", limit_s=280)


@pytest.mark.timeout(1200)
def test_schemathesis_on_a_desktop(daemon_of):
    """The routes of the screen, the hands and the windows, where there are such. None of these
    starts a program or takes the desktop away."""
    if not SCHEMATHESIS.exists():
        print(f"SKIPPED schemathesis: {SCHEMATHESIS} is not there")
        pytest.skip("schemathesis is not installed")
    d = daemon_of("--stream-autostart", "false")
    fuzz(d, "--phases", "coverage", "--generation-deterministic", *SHORTER,
         "--include-path-regex", ON_A_DESKTOP, limit_s=280)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("arguments", [["--no-desktop"], []], ids=["bare", "desktop"])
def test_schemathesis_at_random(daemon_of, arguments):
    if not LONG:
        print("SKIPPED schemathesis at random: HOLT_TEST_LONG is not set")
        pytest.skip("HOLT_TEST_LONG is not set")
    print(f"HOLT_SEED={SEED}")
    d = daemon_of(*arguments)
    fuzz(d, "--phases", "coverage,fuzzing", "--generation-database", "none", "--seed", str(SEED),
         "--max-examples", "60", limit_s=1500)
