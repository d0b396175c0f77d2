"""Engines that fail, each in its own way: test doubles, which a process of their own can import."""

import os
import signal
import subprocess
import sys
import time

from verify.base.budget import Limits, Progress
from verify.engines.claim import Claim, Exhausted, Fails, Holds, Inductive, Unknown
from verify.engines.explicit.engine import ExplicitEngine
from verify.semantics.interpreter import START, TICK, Choice
from verify.system.serialise import digest
from verify.trace.trace import Trace


def honest(system, asked, budget):
    """The interpreter."""
    return ExplicitEngine().check(system, asked, budget)


def slow(system, asked, budget):
    """The interpreter, after it told how it goes."""
    for depth in range(3):
        budget.report(Progress(system.name, 1, 1, 1, depth, 0.0))
        time.sleep(0.05)
    return honest(system, asked, budget)


def slow_here(system, asked, budget):
    """The interpreter, late; without a process of its own."""
    time.sleep(0.3)
    return honest(system, asked, budget)


def answers_one_and_hangs(system, asked, budget):
    """Never comes to its second answer."""
    yield honest(system, asked, budget)[0]
    time.sleep(1000)


def hangs(_system, _asked, _budget):
    """Never ends."""
    while True:
        time.sleep(1)


def starts_a_child_and_hangs(system, _asked, _budget):
    """Never ends, and neither does what it starts; the child's number is left in a file that the system is named after."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    with open(system.name, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f"{os.getpid()} {child.pid}")
    time.sleep(1000)


def dies(_system, _asked, _budget):
    """Is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def crashes(_system, _asked, _budget):
    """Ends as a crash in machine code does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def leaves(_system, _asked, _budget):
    """Ends without a word."""
    os._exit(7)


def raises(_system, _asked, _budget):
    """Has a bug."""
    raise ZeroDivisionError("somewhere")


def takes_memory(_system, _asked, _budget):
    """Takes all that there is, or would."""
    held = []
    while True:
        held.append(bytearray(20 * 2**20))
        time.sleep(0.02)


def out_of_memory(_system, _asked, _budget):
    """Has met a limit of memory."""
    raise MemoryError


def prints(system, asked, budget):
    """Prints where answers go, and answers."""
    print("this is no answer " * 1000)
    os.write(1, b"\x00\xff" * 1000)
    return honest(system, asked, budget)


def babbles(_system, _asked, _budget):
    """Gives something else than claims."""
    return ["PROVED"]


def answers_too_little(system, asked, budget):
    """Leaves out a question."""
    return honest(system, asked, budget)[1:]


def gives_up(_system, asked, _budget):
    """Knows nothing."""
    return [Claim(Unknown("no idea")) for _ in asked]


def proves_all(system, asked, _budget):
    """Claims that everything holds, by exhaustion."""
    return [Claim(Holds(Exhausted("liar", 2, 3, 1, digest(system)))) for _ in asked]


def proves_with_other_counts(system, asked, budget):
    """Right, but for the states that it claims to have seen."""
    return [
        Claim(Holds(Exhausted("liar", c.answer.evidence.states + 1, c.answer.evidence.transitions, 1, digest(system))))
        if isinstance(c.answer, Holds)
        else c
        for c in honest(system, asked, budget)
    ]


def forges_a_trace(system, asked, _budget):
    """Claims that everything is violated, by a trace that cannot be."""
    evidence = Exhausted("liar", 2, 3, 1, digest(system))
    return [Claim(Fails(Trace((Choice(START, ()), Choice(TICK, ()), Choice(10_000, ()))), evidence)) for _ in asked]


def forges_a_certificate(system, asked, _budget):
    """Claims that everything holds, by an invariant that is none."""
    return [Claim(Holds(Inductive("liar", "true", "0", "guessed", digest(system)))) for _ in asked]


def detours(system, asked, budget):
    """Finds what is violated, but not by a shortest trace: time passes once more before it."""
    found = honest(system, asked, budget)
    return [
        Claim(
            Fails(Trace((c.answer.trace.choices[0], Choice(TICK, ()), *c.answer.trace.choices[1:])), c.answer.evidence)
        )
        if isinstance(c.answer, Fails)
        else c
        for c in found
    ]


GENEROUS = Limits(seconds=60.0)
