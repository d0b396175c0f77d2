"""Exhaustive exploration in machine code: the system, and the search over it, compiled through LLVM."""
