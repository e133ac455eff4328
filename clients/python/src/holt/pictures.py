# SPDX-License-Identifier: Apache-2.0
"""Which files are pictures that a model can look at."""

from __future__ import annotations

from pathlib import PurePosixPath

FORMATS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


def picture_format(path: str) -> str | None:
    """Its MIME type by its name."""
    return FORMATS.get(PurePosixPath(path).suffix.lower())
