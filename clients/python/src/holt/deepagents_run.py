# SPDX-License-Identifier: Apache-2.0
"""Command lines for HoltSandbox: deepagents' response for every end of one, and the file that long
output goes to. Nothing of the sandbox's is raised."""

from __future__ import annotations

from deepagents.backends.protocol import ExecuteOffloadResult, ExecuteResponse

from .client import AsyncHolt
from .deepagents_text import preview
from .errors import CommandTimeoutError, HoltError
from .types import ExecResult

MAX_TIMEOUT_S = 3600  # what `timeout=0` (none) becomes
WHOLE_OUTPUT = 16 * 1024 * 1024  # of a command, fetched in pieces where it is long
TIMED_OUT = 124  # exit code, as deepagents' local backend has it


async def execute(
    holt: AsyncHolt, command: str, timeout: int | None, whole: int = WHOLE_OUTPUT
) -> ExecuteResponse:
    if timeout is not None and timeout < 0:
        return ExecuteResponse("Error: timeout must not be negative", 1)
    limit = None if timeout is None else timeout or MAX_TIMEOUT_S
    try:
        result = await holt.exec(command, timeout=limit, max_fetch=whole)
    except CommandTimeoutError as late:
        so_far = ExecResult.of(late.fields)
        text = so_far.stdout + so_far.stderr
        return ExecuteResponse(
            f"{text}\nError: Command timed out and was killed.".lstrip("\n"),
            TIMED_OUT,
            so_far.truncated,
        )
    except HoltError as problem:
        so_far = ExecResult.of(problem.fields)
        text = so_far.stdout + so_far.stderr
        return ExecuteResponse(f"{text}\nError: {problem}".lstrip("\n"), None)
    return ExecuteResponse(
        result.stdout + result.stderr, result.exit_code, truncated=result.truncated
    )


async def offload(
    holt: AsyncHolt,
    command: str,
    capture_path: str,
    max_inline_bytes: int,
    max_capture_bytes: int | None,
    timeout: int | None,
) -> ExecuteOffloadResult:
    most = 10 * 1024 * 1024 if max_capture_bytes is None else max_capture_bytes
    response = await execute(holt, command, timeout, most)
    data = response.output.encode()
    if len(data) <= max_inline_bytes:
        return ExecuteOffloadResult(offloaded=False, response=response)
    try:
        await holt.write(capture_path, data[:most])
    except HoltError:
        return ExecuteOffloadResult(offloaded=False, response=response)
    text, marked = preview(response.output, max_inline_bytes)
    shown = ExecuteResponse(
        text, response.exit_code, truncated=response.truncated or len(data) > most
    )
    return ExecuteOffloadResult(True, shown, preview_has_truncation_marker=marked)
