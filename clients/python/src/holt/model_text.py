# SPDX-License-Identifier: Apache-2.0
"""Results and errors as text for a model."""

from __future__ import annotations

from .errors import HoltError
from .types import ExecResult

SHOWN = 60_000  # characters of one answer


def shorten(text: str, most: int = SHOWN) -> str:
    if len(text) <= most:
        return text
    head, tail = most * 3 // 4, most // 4
    return f"{text[:head]}\n[… {len(text) - head - tail} characters …]\n{text[-tail:]}"


def describe(result: ExecResult) -> str:
    """A command's output for a model: what it wrote, then how it ended."""
    parts = [shorten(result.stdout).rstrip("\n")] if result.stdout else []
    if result.stderr:
        parts.append("[stderr]\n" + shorten(result.stderr).rstrip("\n"))
    end = f"[exit code {result.exit_code}]"
    if result.signal is not None:
        end = f"[ended by signal {result.signal}]"
    if result.truncated:
        end += " [output shortened]"
    if result.held_open_by:
        end += f" [still running in the background: {', '.join(map(str, result.held_open_by))}]"
    return "\n".join([*parts, end])


def explain(problem: HoltError) -> str:
    """An error for a model, with the output so far."""
    lines = [str(problem)]
    shown = ExecResult.of(problem.fields) if problem.fields else None
    if shown and (shown.stdout or shown.stderr):
        lines += ["[output so far]", shorten(shown.stdout + shown.stderr).rstrip("\n")]
    return "\n".join(lines)
