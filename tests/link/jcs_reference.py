#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What command_auth must agree with: RFC 8785 and the MAC of sbx/1, written the short way. Reads one
JSON value a line, writes `<mac of it with key "secret">\\t<canonical JSON>` for each."""

import hashlib
import hmac
import json
import sys
from decimal import Decimal


def number(value) -> str:
    value = float(value)
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + exponent
    if len(text) <= point <= 21:
        out = text + "0" * (point - len(text))
    elif 0 < point <= 21:
        out = text[:point] + "." + text[point:]
    elif -6 < point <= 0:
        out = "0." + "0" * -point + text
    else:
        power = point - 1
        out = text[0] + ("." + text[1:] if len(text) > 1 else "") + "e" + ("-" if power < 0 else "+") + str(abs(power))
    return ("-" if sign else "") + out


def canonical(value) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda k: k.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(k)}:{canonical(value[k])}" for k in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def mac(secret: bytes, command) -> str:
    if isinstance(command, dict) and isinstance(command.get("auth"), dict):
        command = {**command, "auth": {k: v for k, v in command["auth"].items() if k != "mac"}}
    return hmac.new(secret, canonical(command).encode(), hashlib.sha256).hexdigest()


if __name__ == "__main__":
    for line in sys.stdin.buffer:
        value = json.loads(line)
        sys.stdout.buffer.write(f"{mac(b'secret', value)}\t{canonical(value)}\n".encode())
