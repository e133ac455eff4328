# SPDX-License-Identifier: Apache-2.0
"""What the tests of the HTTP file API share."""

from __future__ import annotations

from urllib.parse import urlencode

from web import Client


def url(route: str, **query) -> str:
    pairs = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in query.items()}
    return f"/v1/fs/{route}" + (f"?{urlencode(pairs)}" if pairs else "")


def put(client: Client, path: str, content: bytes, **headers):
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    return client.call("PUT", url("file", path=path), raw=content, headers=named)
