"""The symbolic engines: a system as Z3 terms, bounded model checking, Horn clauses, induction. Z3 is imported here and in certify."""
