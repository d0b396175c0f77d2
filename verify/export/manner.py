"""How Horn clauses are written."""

from __future__ import annotations

from verify.base.record import record


@record
class Manner:
    """How the clauses are written.

    ``errors``: an error that can be met makes them unsatisfiable, as it makes a property one that is not proved; otherwise it
    ends its run, and no more. (What is asked to be possible is so with errors.) ``delays``: a delay, however long, is one step;
    otherwise each tick is. ``small``: what always has one value is written as that value, and what nothing asked depends on is
    left out.
    """

    errors: bool = True
    delays: bool = False
    small: bool = False


PLAIN = Manner()
