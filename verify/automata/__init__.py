"""Formulas of linear temporal logic to automata over infinite words."""
