"""Contestants take turns on one machine, so that what is compared is measured in the same minute.

A contestant repeats a step, here (`Here`) or in processes of one thread with a core each (`Processes`). Its time is
that of one step of one model on the whole machine: n processes that need t seconds for a step make it t / n.

Workers import this file in interpreters of their own: it needs only the standard library, `images` also NumPy.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Advance = Callable[[int], None]
LONGEST = 1_000_000  # steps in a call: of one that takes no time, the clock would ask for ever more


def images(count: int = 4096, size: int = 64) -> Any:
    """The data of every contestant: random images [N,H,W,1] of 0 and 1, a tenth of the pixels white."""
    import numpy as np

    return (np.random.default_rng(0).random((count, size, size, 1)) < 0.1).astype(np.uint8)


def turn(advance: Advance, seconds: float) -> dict[str, float]:
    """Steps for about `seconds`, in calls of growing length: how many, and how long they took."""
    start, steps, elapsed, call = time.perf_counter(), 0, 0.0, 1
    while elapsed < seconds:
        advance(call)
        steps += call
        elapsed = time.perf_counter() - start
        # A coarse clock may have seen no time at all.
        fits = min(seconds - elapsed, seconds / 4) * steps / max(elapsed, 1e-9)
        call = min(max(1, round(fits)), LONGEST)
    return {"steps": steps, "seconds": elapsed}


def serve(info: dict[str, Any], advance: Advance) -> None:
    """A worker's side: says what it is once it is warm, then takes a turn for each line of stdin, a time in seconds."""
    print(json.dumps(info), flush=True)
    for line in sys.stdin:
        print(json.dumps(turn(advance, float(line))), flush=True)


class Here:
    """A contestant in this process. `info["models"]` is the number of models that take each of its steps."""

    def __init__(self, program: tuple[dict[str, Any], Advance]):
        self.info, self._advance = program

    def turn(self, seconds: float) -> float:
        took = turn(self._advance, seconds)
        return took["seconds"] / took["steps"] / self.info.get("models", 1)

    def close(self) -> None:
        del self._advance


class Processes:
    """A contestant as one worker for each of `cores`; all work in its turn, and wait for stdin in the others'."""

    def __init__(self, command: Sequence[str], cores: Iterable[int], env: Mapping[str, str]):
        self._workers = []
        try:
            for core in cores:
                errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
                pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
                with _on(core):
                    worker = subprocess.Popen(command, env=env, text=True, bufsize=1, **pipes)
                self._workers.append((worker, errors))
            self.info, *_ = [self._answer(*worker) for worker in self._workers]
        except BaseException:
            self.close()
            raise

    def turn(self, seconds: float) -> float:
        for worker, errors in self._workers:
            try:
                worker.stdin.write(f"{seconds}\n")
            except OSError:
                raise self._died(worker, errors) from None
        took = [self._answer(*worker) for worker in self._workers]
        return 1 / sum(each["steps"] / each["seconds"] for each in took) / self.info.get("models", 1)

    def close(self) -> None:
        for worker, errors in self._workers:
            worker.kill()
            worker.wait()
            with contextlib.suppress(OSError):
                worker.stdin.close()
            worker.stdout.close()
            errors.close()
        self._workers = []

    def _answer(self, worker: subprocess.Popen, errors: Any) -> dict[str, Any]:
        for line in worker.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise self._died(worker, errors)

    def _died(self, worker: subprocess.Popen, errors: Any) -> RuntimeError:
        code = worker.wait()
        errors.seek(0)
        lines = errors.read().strip().splitlines()
        killed = f"killed by signal {-code}" + (", perhaps out of memory" if code == -9 else "")
        return RuntimeError(killed if code < 0 else lines[-1] if lines else f"a worker ended with exit code {code}")


@contextlib.contextmanager
def _on(core: int) -> Iterator[None]:
    """What is started here inherits the core, before its libraries count how many there are."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cores() -> list[int]:
    """The cores that this process may use; macOS tells no affinity, and pins nothing."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def rotate(contestants: Mapping[str, Any], rounds: int, seconds: float) -> Iterator[dict[str, float]]:
    """A round at a time, every contestant's seconds a step: A B C, A B C, ..."""
    for _ in range(rounds):
        yield {name: contestant.turn(seconds) for name, contestant in contestants.items()}


def spread(values: Iterable[float]) -> dict[str, float]:
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(rounds: Iterable[Mapping[str, float]], name: str, base: str) -> dict[str, float]:
    """How many times as long `name` takes as `base`: taken in each round, then median, min and max over rounds."""
    return spread(each[name] / each[base] for each in rounds)
