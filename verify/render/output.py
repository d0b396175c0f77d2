"""Which files are pictures of ours: only those may be overwritten."""

from __future__ import annotations

import zlib
from pathlib import Path

MADE_BY = "verify render"
_PNG = b"\x89PNG\r\n\x1a\n"
_SIGNED = b"Software\x00" + MADE_BY.encode("ascii")


def sign_png(image: bytes) -> bytes:
    """A PNG with a note of what made it, behind its header."""
    body = b"tEXt" + _SIGNED
    chunk = len(_SIGNED).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return image[:33] + chunk + image[33:]


def is_ours(path: Path) -> bool:
    """Whether a file is a picture that this package has drawn."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(4096)
        if start.startswith(_PNG):
            return _SIGNED in start
        if start.startswith(b"<?xml"):
            return f"<!-- {MADE_BY} -->".encode("ascii") in start
        return start.startswith(b"%PDF") and MADE_BY.encode("ascii") in start + file.read()
