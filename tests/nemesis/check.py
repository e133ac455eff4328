#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges the history of a nemesis run (JSON lines) and nothing else: one final answer for each
command, no effect twice, exactly once unless the answer says otherwise, no answer that contradicts
the files. Knows neither the agents nor the daemon.

  tests/nemesis/check.py HISTORY...      exit code 1 when a promise was broken
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

# Answers that say that nothing was done. What they name must then be without any effect.
NOT_DONE = {"busy", "expired", "no_space", "unauthorized", "id_conflict", "invalid", "unsupported",
            "shutdown"}
GIVEN_UP = {"ok": False, "error": "interrupted"}  # whether it took effect is not known
READS = {"fs.read", "fs.list"}
TOKEN = re.compile(r"echo '([^']+)' >> effects\.log")


class Files:
    """What each file may hold: the set of texts that no answer contradicts; None: it is not there."""

    def __init__(self) -> None:
        self.may: dict[str, set] = {}

    def of(self, path: str) -> set:
        return self.may.setdefault(path, {None})


def judge(lines) -> tuple[list[str], dict]:
    broken: list[str] = []
    commands: dict[str, dict] = {}
    order: list[str] = []
    answers: dict[str, list] = {}
    sends: Counter = Counter()
    faults: Counter = Counter()
    asked_at: dict[str, float] = {}
    waits: list[float] = []
    final = None
    simple: set[str] = set()  # asked by agents that may give up
    copies: dict[str, list[float]] = {}
    stalls: list[float] = []
    for line in lines:
        event = json.loads(line)
        what = event["ev"]
        if what == "invoke":
            id_ = event["command"]["id"]
            if id_ in commands:
                broken.append(f"{id_}: the run itself used an id twice")
            commands[id_] = event["command"]
            order.append(id_)
            asked_at[id_] = event["t"]
            if event.get("simple"):
                simple.add(id_)
        elif what == "send":
            sends[event["id"]] += 1
            copies.setdefault(event["id"], []).append(event["t"])
        elif what == "stall":
            stalls.append(event["t"])
        elif what == "result":
            if event["id"] not in answers:
                waits.append(event["t"] - asked_at.get(event["id"], event["t"]))
            answers.setdefault(event["id"], []).append(event["message"])
        elif what == "fault":
            faults[event["what"]] += 1
        elif what == "final":
            final = event
    if final is None:
        return [*broken, "the history has no end"], {}

    def late(id_: str) -> bool:
        """A copy of a simple agent may have come so late that it was a command of its own: the
        machine stood still meanwhile."""
        times = copies.get(id_, [])
        return (id_ in simple and len(times) > 1
                and any(times[0] <= t <= times[-1] + 15 for t in stalls))

    for id_ in order:
        if id_ not in answers:
            if id_ in simple:
                continue
            broken.append(f"{id_}: no answer was delivered ({commands[id_]['type']})")
            continue
        if commands[id_]["type"] in READS:
            continue  # they run again for each copy
        if late(id_):
            continue
        texts = {json.dumps({k: v for k, v in a.items() if k != "dup"}, sort_keys=True)
                 for a in answers[id_]}
        if len(texts) > 1:
            broken.append(f"{id_}: {len(texts)} different answers: " + " | ".join(
                t[:200] for t in sorted(texts)))

    words: Counter = Counter()
    counts = Counter(final["log"])
    known = set()
    files = Files()
    for id_ in order:
        if id_ not in answers and id_ not in simple:
            continue
        command = commands[id_]
        answer = answers[id_][0] if id_ in answers else GIVEN_UP
        words["ok" if answer.get("ok") else
              answer.get("error") if answer is not GIVEN_UP else "given up"] += 1
        if answer is GIVEN_UP and command["type"] in READS:
            continue  # nothing was said, and nothing happened
        for token in TOKEN.findall(json.dumps(command)):
            known.add(token)
            if counts[token] == 2 and late(id_):
                words["twice after a stall"] += 1
                continue
            broken += judge_token(id_, command, answer, token, counts[token])
        broken += judge_files(id_, command, answer, files)
    for token, count in counts.items():
        if token not in known:
            broken.append(f"{token!r} is in the log {count} times and nobody asked for it")
    for path, may in files.may.items():
        if final["files"].get(path) not in may:
            broken.append(f"{path}: holds {short(final['files'].get(path))}, which no command left "
                          f"there; possible: {[short(m) for m in may]}")
    waits.sort()
    return broken, {
        "commands": len(order), "sent": sum(sends.values()),
        "second answers": sum(len(a) - 1 for a in answers.values()),
        "dup": sum(1 for a in answers.values() for m in a if m.get("dup")),
        "answers": dict(words), "faults": dict(faults),
        "wait p50/p99/max s": [round(waits[min(len(waits) - 1, int(len(waits) * p))], 3)
                               for p in (0.5, 0.99, 1)] if waits else [],
    }


def short(text) -> str:
    return "nothing" if text is None else repr(text[:40])


def judge_token(id_: str, command: dict, answer: dict, token: str, count: int) -> list[str]:
    word = None if answer.get("ok") else answer.get("error")
    if command["type"] == "batch" and word is None:
        item = answer["results"][1]
        word = None if item.get("ok") else item.get("error")
    if count > 1:
        return [f"{id_}: its effect is there {count} times (answer {word or 'ok'})"]
    if word is None and count == 0:
        return [f"{id_}: answered ok and has no effect"]
    if word in NOT_DONE and count == 1:
        return [f"{id_}: answered {word} and took effect"]
    if word is not None and word not in NOT_DONE and word != "interrupted":
        return [f"{id_}: unexpected answer {word}: {answer.get('detail')}"]
    if command["type"] == "shell.exec" and word is None and answer.get("stdout") != token + "\n":
        return [f"{id_}: stdout {answer.get('stdout')!r} instead of its own"]
    return []


def judge_files(id_: str, command: dict, answer: dict, files: Files) -> list[str]:
    kind, ok, word = command["type"], answer.get("ok"), answer.get("error")
    if kind == "batch":
        item = command["items"][0]
        if ok:
            return judge_files(id_ + "[0]", item, answer["results"][0], files)
        if word not in NOT_DONE:
            files.of(item["path"]).add(item["content"])
        return []
    if kind not in ("fs.read", "fs.write", "fs.edit", "fs.move"):
        return []
    if not ok and word in NOT_DONE:
        return []
    path = command["from"] if kind == "fs.move" else command["path"]
    may = files.of(path)
    unsure = not ok and word == "interrupted"
    if kind == "fs.read":
        if ok:
            if answer["content"] not in may:
                return [f"{id_}: read {short(answer['content'])} from {path}; possible: "
                        f"{[short(m) for m in may]}"]
            files.may[path] = {answer["content"]}
        elif word != "not_found" or None not in may:
            return [f"{id_}: read of {path} answered {word}"]
        else:
            files.may[path] = {None}
        return []
    if kind == "fs.write":
        fresh = command.get("create") == "new"
        if ok and fresh and None not in may:
            return [f"{id_}: made {path}, which was there"]
        if ok:
            files.may[path] = {command["content"]}
        elif unsure:
            may.add(command["content"])
        elif not (fresh and word == "exists" and may != {None}):
            return [f"{id_}: write of {path} answered {word}: {answer.get('detail')}"]
        return []
    if kind == "fs.edit":
        edit = command["edits"][0]
        after = {m.replace(edit["old"], edit["new"], 1) for m in may if m and edit["old"] in m}
        if ok and not after:
            return [f"{id_}: edited {path}, which cannot hold what it replaced"]
        if ok:
            files.may[path] = after
        elif unsure:
            may |= after
        elif all(m and edit["old"] in m for m in may):
            return [f"{id_}: edit of {path} answered {word}: {answer.get('detail')}"]
        return []
    to = command["to_path"]
    if ok and may == {None}:
        return [f"{id_}: moved {path}, which was not there"]
    if ok:
        files.may[to] = {m for m in may if m is not None}
        files.may[path] = {None}
    elif unsure:
        files.of(to).update(may)
        may.add(None)
    elif None not in may:
        return [f"{id_}: move of {path} answered {word}: {answer.get('detail')}"]
    return []


def main() -> int:
    failed = 0
    for name in sys.argv[1:]:
        with Path(name).open() as lines:
            broken, facts = judge(lines)
        print(f"{name}: {'BROKEN' if broken else 'kept'} {json.dumps(facts)}")
        for promise in broken[:50]:
            print(f"  {promise}")
        failed += bool(broken)
    return 1 if failed or not sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
