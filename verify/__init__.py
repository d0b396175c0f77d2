"""A formal model checker for redundancy protocols: the machinery that keeps a network up when something fails.

The public Python interface is :mod:`verify.api`; the command line (``verify``) only parses arguments and prints.
"""

__version__ = "0.1.0"
