"""The same task on each of several items and the same results, in this process or in several."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from disentanglement_study.analysis import once

_given: list = []  # In a process of a pool: the task and the results, and what is open as long as it lives.


def each(
    task: Callable[[str, pd.DataFrame], Any], items: Sequence[str], results: pd.DataFrame, processes: int
) -> Iterator[Any]:
    """task(item, results) of each item, one after another in their order.

    What `once` keeps is kept for all items, but by each process for itself. Processes are started anew, for one that
    has threads must not be forked: a script that asks for several needs its `if __name__ == "__main__":`.
    """
    if processes < 1:
        raise ValueError(f"processes = {processes}: at least 1")
    processes = min(processes, len(items))
    if processes <= 1:
        with _calm(results):
            yield from (task(item, results) for item in items)
        return
    start = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(processes, start, initializer=_begin, initargs=(task, results))
    try:
        yield from executor.map(_do, items)
    finally:  # also of an error or Ctrl-C: what is under way ends, seconds later, and nothing else begins
        executor.shutdown(cancel_futures=True)


def _calm(results: pd.DataFrame) -> ExitStack:
    with ExitStack() as stack:
        stack.enter_context(once.within(results))
        # The products are small: threads of linear algebra only wait.
        stack.enter_context(threadpool_limits(limits=1))
        return stack.pop_all()


def _begin(task: Callable, results: pd.DataFrame) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    _given[:] = task, results, _calm(results)


def _do(item: str) -> Any:
    task, results, _ = _given
    return task(item, results)
