# SPDX-License-Identifier: Apache-2.0
"""Where the sandbox is reached: arguments, else HOLT_REALTIME_URL/_SESSION/_KEY, else the daemon's
ready file (HOLT_READY_FILE). A ready file is read again at every connect, so that a daemon that
came back on another port is found."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import LinkError

DEFAULT_SESSION = "main"
HOSTED_PAYLOAD = 250_000  # bytes of one message on Supabase's smallest plan
LOCAL_PAYLOAD = 880_000  # on Holt's own broker; the official client drops frames above 1 MiB


@dataclass(frozen=True)
class Endpoint:
    """One place. The key never shows in a log line or a traceback."""

    url: str
    session: str
    key: str

    def __repr__(self) -> str:
        return f"Endpoint(url={self.url!r}, session={self.session!r}, key=***)"

    @property
    def max_payload(self) -> int:
        host = urlsplit(self.url).hostname or ""
        hosted = host.endswith((".supabase.co", ".supabase.in", ".supabase.net"))
        return HOSTED_PAYLOAD if hosted else LOCAL_PAYLOAD


def read_ready_file(path: str | Path) -> dict[str, str]:
    """The `realtime` part of a ready file, empty when there is none (yet)."""
    try:
        found: Any = json.loads(Path(path).read_text())
    except (OSError, ValueError):
        return {}
    part = found.get("realtime") if isinstance(found, dict) else None
    if not isinstance(part, dict):
        return {}
    return {k: v for k, v in part.items() if k in ("url", "session", "key") and isinstance(v, str)}


def endpoint_source(
    url: str | None = None,
    session: str | None = None,
    key: str | None = None,
    ready_file: str | Path | None = None,
) -> Callable[[], Endpoint]:
    """Asked before every connect; raises LinkError when it is not known where to go."""
    file = ready_file or os.environ.get("HOLT_READY_FILE")

    def ask() -> Endpoint:
        ready = read_ready_file(file) if file else {}
        to = url or os.environ.get("HOLT_REALTIME_URL") or ready.get("url")
        if not to:
            raise LinkError(
                f"{file} does not tell yet where the sandbox is"
                if file
                else "no url: pass url=, or set HOLT_REALTIME_URL or HOLT_READY_FILE"
            )
        if urlsplit(to).scheme not in ("http", "https", "ws", "wss"):
            raise LinkError("the url must start with http, https, ws or wss")
        return Endpoint(
            url=to.rstrip("/").removesuffix("/websocket"),
            session=session
            or os.environ.get("HOLT_REALTIME_SESSION")
            or ready.get("session")
            or DEFAULT_SESSION,
            key=key or os.environ.get("HOLT_REALTIME_KEY") or ready.get("key") or "",
        )

    return ask
