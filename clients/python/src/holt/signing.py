# SPDX-License-Identifier: Apache-2.0
"""Signatures of commands, for sessions that are configured with a command key: on a public channel
anybody with the anon key could run commands. HMAC-SHA256 over the canonical JSON (RFC 8785) of the
command with `auth` = {kid, ts}, so that the time is signed too."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any


def canonical_json(value: Any) -> str:
    """RFC 8785: keys in UTF-16 order, numbers as JavaScript writes them, no spaces."""
    if isinstance(value, Mapping):
        names = sorted(value, key=lambda name: str(name).encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_quoted(k)}:{canonical_json(value[k])}" for k in names) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(canonical_json(v) for v in value) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return _number(float(value))
    return json.dumps(value)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("not a number of JSON")
    if value == 0:
        return "0"
    sign, digits = ("-" if value < 0 else ""), repr(abs(value))
    mantissa, _, exponent = digits.partition("e")
    whole, _, part = mantissa.partition(".")
    part = "" if part == "0" else part
    point = len(whole) + int(exponent or 0)  # where the decimal point stands in `figures`
    figures = (whole + part).lstrip("0")
    point -= len(whole + part) - len(figures)
    figures = figures.rstrip("0")
    if 0 < point <= 21:
        if len(figures) <= point:
            return sign + figures.ljust(point, "0")
        return sign + figures[:point] + "." + figures[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + figures
    rest = "." + figures[1:] if len(figures) > 1 else ""
    return f"{sign}{figures[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"


class Signer:
    """Holds one command key; never shows it."""

    def __init__(self, kid: str, key: str | bytes, clock: Callable[[], float] = time.time) -> None:
        self._kid = kid
        self._key = key.encode() if isinstance(key, str) else key
        self._clock = clock

    def sign(self, message: Mapping[str, Any]) -> dict[str, Any]:
        auth: dict[str, Any] = {"kid": self._kid, "ts": int(self._clock() * 1000)}
        text = canonical_json({**message, "auth": auth})
        auth["mac"] = hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
        return {**message, "auth": auth}
