"""Strategies that decide properties of systems. Each makes claims; none of them makes verdicts."""
