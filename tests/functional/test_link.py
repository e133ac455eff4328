# SPDX-License-Identifier: Apache-2.0
"""Commands over the own broker, as an agent sees them that speaks the wire format and nothing of
ours: the original messages, then everything that is optional."""

from __future__ import annotations

import pytest

from agent import Agent

@pytest.fixture
def agent(bare):
    with Agent(bare) as one:
        yield one


def test_the_four_original_messages(bare, agent):
    wrote = agent.ask({"type": "fs.write", "id": "req_2", "path": "/workspace/main.py",
                       "content": "print('Hello')\n"})
    assert {k: wrote[k] for k in ("type", "id", "ok")} == \
        {"type": "result", "id": "req_2", "ok": True}
    assert (bare.home / "workspace" / "main.py").read_text() == "print('Hello')\n"
    read = agent.ask({"type": "fs.read", "id": "req_1", "path": "/workspace/main.py"})
    assert read["ok"] is True and read["content"] == "print('Hello')\n"
    listed = agent.ask({"type": "fs.list", "id": "req_3", "path": "/workspace"})
    assert "main.py" in [entry["name"] for entry in listed["entries"]]
    ran = agent.ask({"type": "shell.exec", "id": "req_4", "cmd": "python3 main.py", "timeout": 30})
    assert (ran["ok"], ran["stdout"], ran["stderr"], ran["exit_code"]) == (True, "Hello\n", "", 0)
    late = agent.ask({"type": "shell.exec", "id": "req_5", "cmd": "sleep 20", "timeout": 0.3})
    assert (late["ok"], late["error"]) == (False, "timeout")
