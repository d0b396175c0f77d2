"""The conductor: load, plan, run engines side by side, judge."""
