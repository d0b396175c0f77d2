"""Many tasks, side by side. Results come in the order of the tasks, whatever finishes first."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from verify.base.budget import Limits, Progress
from verify.base.record import record
from verify.base.verdict import Verdict
from verify.judge.judge import Ruling
from verify.lang.specification import Task
from verify.run.checking import AS_NEEDED, Report, Result, check_task
from verify.run.choosing import How

if TYPE_CHECKING:
    from concurrent.futures import Future
    from multiprocessing.process import BaseProcess
    from multiprocessing.queues import Queue

PATIENCE = 2.0  # seconds for the thread that looks after workers that were killed


@record
class Job:
    """A task of a spec file. ``checkpoint``: the folder in which its long searches are kept."""

    spec: str
    task: Task
    checkpoint: Path | None = None


def run_jobs(  # noqa: PLR0913 - what a run depends on
    jobs: Sequence[Job],
    limits: Limits,
    workers: int = 1,
    report: Report | None = None,
    rescued: list[Result] | None = None,
    how: How = AS_NEEDED,
) -> Iterator[list[Result]]:
    """The results of each job, as soon as they and all before them are known.

    When the caller is interrupted, what was finished out of turn is put into ``rescued``.
    """
    if workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            yield check_task(job.spec, job.task, limits, report, how, job.checkpoint)
        return
    yield from _side_by_side(jobs, limits, min(workers, len(jobs)), report, rescued, how)


def default_workers() -> int:
    """As many as there are cores for us."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _side_by_side(  # noqa: PLR0913 - what a run depends on
    jobs: Sequence[Job],
    limits: Limits,
    workers: int,
    report: Report | None,
    rescued: list[Result] | None,
    how: How,
) -> Iterator[list[Result]]:
    import multiprocessing  # noqa: PLC0415 - what one worker does not need
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415

    context = multiprocessing.get_context("spawn")
    news: Queue[Progress] = context.Queue()
    executor = ProcessPoolExecutor(workers, context, _begin, (news,))
    futures: list[Future[list[Result]]] = []
    told = 0
    try:
        futures = [executor.submit(_work, job, limits, how) for job in jobs]
        for job, future in zip(jobs, futures, strict=True):
            results = _result(job, future, news, report)
            told += 1
            yield results
        executor.shutdown()
    except BaseException:
        for future in futures[told:]:
            if rescued is not None and future.done() and not future.cancelled() and future.exception() is None:
                rescued += future.result()
        manager = getattr(executor, "_executor_manager_thread", None)
        executor.shutdown(wait=False, cancel_futures=True)
        _end(multiprocessing.active_children(), keeping=any(job.checkpoint for job in jobs))
        if manager is not None:  # else it may close its pipe just when Python, at its end, writes into it
            manager.join(PATIENCE)
        raise


def _end(children: Sequence[BaseProcess], *, keeping: bool) -> None:
    """End the workers; first, if there are checkpoints, let them write what they have. A second interruption does not wait."""
    try:
        if keeping:
            for child in children:
                child.terminate()
            for child in children:
                child.join()
    finally:
        for child in children:
            child.kill()


def _result(job: Job, future: Future[list[Result]], news: Queue[Progress], report: Report | None) -> list[Result]:
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415 - what one worker does not need

    while not future.done():
        _pass_on(news, report)
    try:
        return future.result()
    except BrokenProcessPool:
        ruling = Ruling(Verdict.UNDECIDED, "the process that searched died (out of memory?)")
        return [Result(job.spec, job.task.scenario, c, ruling, job.task.system, c.property, "", 0.0) for c in job.task.checks]


def _pass_on(news: Queue[Progress], report: Report | None) -> None:
    from queue import Empty  # noqa: PLC0415 - what one worker does not need

    try:
        progress = news.get(timeout=0.05)
    except Empty:
        return
    if report is not None:
        report(progress)


_tell: Callable[[Progress], None] | None = None


def _begin(news: Queue[Progress]) -> None:
    """In a worker: Ctrl-C is the conductor's business; progress goes to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    global _tell  # noqa: PLW0603 - a worker process has one conductor
    _tell = news.put


def _work(job: Job, limits: Limits, how: How) -> list[Result]:
    return check_task(job.spec, job.task, limits, _tell, how, job.checkpoint)
