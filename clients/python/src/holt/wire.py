# SPDX-License-Identifier: Apache-2.0
"""Small readers of JSON from the wire. What has the wrong type counts as missing: a newer daemon
must not break an older client."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any


def json_size(value: Any) -> int:
    """Bytes of its JSON text, as the client sends it (UTF-8, not escaped)."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def text(of: Mapping[str, Any], name: str, default: str = "") -> str:
    value = of.get(name)
    return value if isinstance(value, str) else default


def number(of: Mapping[str, Any], name: str, default: int = 0) -> int:
    value = of.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return int(value)


def optional_number(of: Mapping[str, Any], name: str) -> int | None:
    value = of.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value)


def flag(of: Mapping[str, Any], name: str) -> bool:
    return of.get(name) is True


def objects(of: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = of.get(name)
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def unbase64(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""


def to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def field_bytes(of: Mapping[str, Any], name: str) -> bytes:
    """Text or base64, as `encoding` (of `content`) or `<name>_encoding` says."""
    value = text(of, name)
    how = text(of, "encoding" if name == "content" else f"{name}_encoding")
    return unbase64(value) if how == "base64" else value.encode("utf-8", "surrogatepass")


def as_text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def carried(value: bytes) -> dict[str, str]:
    """`content` and, when it is no text, its `encoding`."""
    try:
        return {"content": value.decode("utf-8")}
    except UnicodeDecodeError:
        return {"content": to_base64(value), "encoding": "base64"}
