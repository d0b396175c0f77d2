"""The only maker of verdicts: it believes no engine."""
