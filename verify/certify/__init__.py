"""Certificates of proofs, checked again: no code of the engines, no belief in anything but solvers and the interpreter."""
