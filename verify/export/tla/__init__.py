"""A closed system as a module of TLA+, for TLC."""
