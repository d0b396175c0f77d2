"""Memory that the machine has before something long is measured."""

from __future__ import annotations

import subprocess
import sys

TOUCH = """
import mmap
memory = mmap.mmap(-1, 2 << 30)
for i in range(0, 2 << 30, 4096):
    memory[i] = 1
"""


def touch() -> None:
    """Touch two gigabytes: a virtual machine is given its memory when that is touched, which can take longer than its use.

    More than a search needs, and just before it: what was touched is given back after a while, and others are given other pages.
    """
    subprocess.run([sys.executable, "-c", TOUCH], check=True)
