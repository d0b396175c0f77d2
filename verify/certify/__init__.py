"""Certificates of proofs, checked again: shares no code with the engines, and believes nothing but the solvers."""
