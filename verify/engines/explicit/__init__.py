"""Exhaustive exploration on the reference interpreter, breadth first."""
