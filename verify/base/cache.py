"""Where things are kept that can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder for compiled code and tables: ``VERIFY_CACHE``, or one in the user's cache folder. It need not exist yet."""
    named = os.environ.get("VERIFY_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "redundancy-verify"
