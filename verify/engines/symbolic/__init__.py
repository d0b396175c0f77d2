"""The symbolic engine: a system as Z3 terms, bounded model checking, Horn clauses, induction. Loaded when it is first asked."""
