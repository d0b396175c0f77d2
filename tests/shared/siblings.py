"""Modules of other rooms of the tests: collected by path, they are no packages that could import one another."""

import importlib.util
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def sibling(folder, name):
    """The module of a room, loaded once."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, TESTS / folder / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
