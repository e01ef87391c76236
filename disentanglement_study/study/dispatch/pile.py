"""The jobs that wait: the longest is done first, and towards the end jobs get smaller, so that no node waits for one.

Each job handed out is at most half of a fair share of what is left ("factoring": Hummel, Schonberg & Flynn 1992). How
long a run takes is measured on those that are done; before, a run counts as much as `weigh` says. Nodes that have been
slower than others get smaller jobs: those of another kind, and those that others use too.
"""

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from disentanglement_study.study.plan import kind_of
from disentanglement_study.types import Job

# A job is cut in two only if each part takes longer than this, and so many times as long as compiling its program.
SHORTEST_SECONDS = 60.0
COMPILATIONS = 10
UNKNOWN = 4.0  # times as slow as others: what a node is taken for on which no job has ended

Kind = tuple[str, str, str]  # what `kind_of` gives


class _Waiting(NamedTuple):
    job: Job
    kind: Kind
    is_whole: bool


class Pile:
    """Jobs that wait. `cut(job, n)` gives the job's first n runs and its others, as jobs; without it none is cut.

    whole: ids of jobs that have checkpoints: they come first and are not cut. weigh: what a run of a job costs, in
    any unit that is the same for all jobs.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        cut: Callable[[Job, int], tuple[Job, Job]] | None = None,
        whole: Iterable[str] = (),
        weigh: Callable[[Job], float] = lambda job: 1.0,
    ):
        whole = set(whole)
        self._cut, self._weigh = cut, weigh
        self._waiting = [_Waiting(job, kind_of(job.runs[0]), cut is None or job.job_id in whole) for job in jobs]
        self._runs = Counter[Kind]()  # that wait
        for one in self._waiting:
            self._runs[one.kind] += len(one.job.runs)
        self._first = {one.kind: one.job for one in reversed(self._waiting)}
        self._weights: dict[Kind, float] = {}
        self._measured: dict[Kind, tuple[float, int]] = {}  # seconds of so many runs
        self._seconds, self._weight, self._compiling = 0.0, 0.0, 0.0  # of all that has ended
        self._nodes: dict[str, str | None] = {}  # by the id of a job that was handed out
        self._paces: dict[str | None, tuple[float, float]] = {}  # by node: seconds for so much weight
        self._handed_out = 0.0  # the weight of what was, until one has ended

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def num_runs(self) -> int:
        return sum(len(one.job.runs) for one in self._waiting)

    def slower(self, node: str | None) -> float:
        """How many times as long as all nodes together this one has taken for the same; 1 if nobody knows."""
        seconds, weight = self._paces.get(node, (0.0, 0.0))
        if not (seconds and weight):
            return 1.0
        of_all, weight_of_all = map(sum, zip(*self._paces.values(), strict=True))
        return (seconds / weight) / (of_all / weight_of_all)

    def take(self, slots: float = 1, largest: int | None = None, node: str | None = None) -> Job | None:
        """The next job for one of so many slots; of at most `largest` runs if it may be cut.

        None if there is no job left. A single slot gets the jobs in their order. node: that the slot is on, if there
        are several. slots: each counts 1 / `slower` then.
        """
        if not self._waiting:
            return None
        cost = {kind: self._cost(kind, self._first[kind]) for kind in self._runs}
        place, size = self._next(slots, largest or sys.maxsize, cost)
        job, kind, is_whole = self._waiting[place]
        if slots > 1 and not is_whole:
            left = sum(cost[kind] * runs for kind, runs in self._runs.items())
            slower = UNKNOWN if node is not None and node not in self._paces else self.slower(node)
            size = self._balanced(size, cost[kind], left, slots, slower)
        if size < len(job.runs):
            assert self._cut is not None  # else every job is whole
            job, rest = self._cut(job, size)
            self._waiting[place] = _Waiting(rest, kind, is_whole)
        else:
            del self._waiting[place]
        self._handed_out += cost[kind] * size
        self._runs[kind] -= size
        if not self._runs[kind]:
            del self._runs[kind]
        self._nodes[job.job_id] = node
        return job

    def put_back(self, job: Job) -> None:
        """A job that was handed out and is to be done again, or elsewhere: it is the first, and is not cut."""
        kind = kind_of(job.runs[0])
        self._waiting.insert(0, _Waiting(job, kind, True))
        self._runs[kind] += len(job.runs)

    def ended(self, job: Job, seconds: float, compiling: float = 0.0) -> None:
        """Learns how long a job took, and the part of it in which programs were compiled."""
        kind, node = kind_of(job.runs[0]), self._nodes.pop(job.job_id, None)
        weight = self._weight_of(kind, job) * len(job.runs)
        self._seconds += seconds
        self._weight += weight
        if weight:
            spent, done = self._paces.get(node, (0.0, 0.0))
            self._paces[node] = spent + seconds, done + weight
        before, runs = self._measured.get(kind, (0.0, 0))
        self._measured[kind] = before + seconds / self.slower(node), runs + len(job.runs)
        self._compiling = max(self._compiling, compiling)

    def _next(self, slots: float, largest: int, cost: dict[Kind, float]) -> tuple[int, int]:
        """The place of the job that is next, and how many of its runs one job may have. One look at each: there may be
        ten thousand."""
        found, best = (0, 0), (False, -1.0)
        for place, (job, kind, is_whole) in enumerate(self._waiting):
            number = len(job.runs)
            size = number if is_whole or number < largest else largest
            rank = is_whole, cost[kind] * size if slots > 1 else 0.0
            if rank > best:
                found, best = (place, size), rank
        return found

    def _weight_of(self, kind: Kind, job: Job) -> float:
        if kind not in self._weights:
            self._weights[kind] = self._weigh(job)
        return self._weights[kind]

    def _cost(self, kind: Kind, job: Job) -> float:
        """Of a run: in seconds once a job has ended, else its weight."""
        if kind in self._measured:
            seconds, runs = self._measured[kind]
            return seconds / runs
        return self._weight_of(kind, job) * (self._seconds / self._weight if self._weight else 1.0)

    def _balanced(self, size: int, cost: float, left: float, slots: float, slower: float) -> int:
        """`size` runs that cost so much each, or fewer of them, if `left` is all that there is to do. slower: of where.

        So that all end at the same time each slot may take the same time, of which a slow one makes less.
        """
        cost *= slower
        if self._measured:
            share, least = left / (2 * slots), max(SHORTEST_SECONDS, COMPILATIONS * self._compiling)
        else:  # all that can be told is whether some would get nothing
            share, least = (left + self._handed_out) / slots, 0.0
        while size > 1 and cost * size > share * (1 + 1e-9) and cost * (size // 2) >= least:
            size = math.ceil(size / 2)
        return size
