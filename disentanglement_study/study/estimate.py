"""How long a study will still run, from what its jobs have done so far.

What counts is how long the work of one model took, apart for training and for scoring, which need not be alike. It is
measured by the workers, so neither clocks of other machines nor breaks between two commands matter.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

SCORING = 0.25  # of the time of training, as long as nothing has been scored
EARLY = 0.1  # of a half of a job: until then compiling may be most of what it took, which says little of its kind


class Kind(NamedTuple):
    """Runs that cost alike. weight: what the training of one costs, in any unit that is the same for all kinds."""

    data_set: str
    method: str
    settings: str = "{}"  # JSON, as in the plan
    weight: float = 1.0


class Part(NamedTuple):
    """What an attempt has done of the training or of the scoring of a job: this share of it, in so many seconds."""

    share: float
    seconds: float


class Seen(NamedTuple):
    """A job that runs or has ended."""

    kind: Kind
    models: int
    fraction: float  # half for training and half for scoring; 1: it has ended
    training: Part
    scoring: Part


class Cost(NamedTuple):
    """Seconds of a model, in a job that has a place for itself."""

    training: float
    scoring: float

    def done(self, training: float, scoring: float) -> float:
        """What share of the work is done, when such shares of training and scoring are."""
        whole = self.training + self.scoring
        return (training * self.training + scoring * self.scoring) / whole if whole else (training + scoring) / 2


def costs(seen: Iterable[Seen], before: Iterable[Seen] = ()) -> dict[Kind | None, Cost]:
    """What a model costs, by kind; under None, for `cost_of` others, one of weight 1. Empty until something is trained.

    before: jobs that ended earlier, maybe on another machine: they only say how training and scoring compare.
    """
    seen, earlier = [*seen], [*before]
    training, scoring = _rates(seen, "training"), _rates(seen, "scoring")
    if not training:
        return {}
    ratio = SCORING
    if (old := _rates(earlier, "training")) and (new := _rates(earlier, "scoring")) and old[None]:
        ratio = new[None] / old[None]
    # What has not been scored yet is scored as fast as the others: longer training makes no longer scoring.
    usual = scoring.get(None, ratio * training[None])
    found: dict[Kind | None, Cost] = {
        kind: Cost(rate, scoring.get(kind, usual)) for kind, rate in training.items() if kind is not None
    }
    weight = sum(one.models * one.training.share * one.kind.weight for one in seen)
    seconds = sum(one.training.seconds for one in seen if one.training.share > 0)
    found[None] = Cost(seconds / weight if weight else 0.0, usual)
    return found


def cost_of(kind: Kind, known: Mapping[Kind | None, Cost]) -> Cost:
    """What a model of this kind costs, by those of its kind, or by the weight of its training."""
    if kind in known:
        return known[kind]
    training, scoring = known[None]
    return Cost(training * kind.weight, scoring)


def done(one: Seen, known: Mapping[Kind | None, Cost]) -> float:
    """What share of its work a job has done, by the time that it takes."""
    if not known:
        return one.fraction
    return cost_of(one.kind, known).done(min(2 * one.fraction, 1.0), max(2 * one.fraction - 1, 0.0))


def estimate(seen: Sequence[Seen], waiting: Mapping[Kind, int], slots: int = 0, before: Iterable[Seen] = ()) -> float:
    """The seconds until all has ended; NaN as long as nothing can be said.

    seen: the jobs of this command that run or have ended. waiting: the models of which no job has begun. slots: how
    many jobs run at once, if more than just now. They are taken to be handed out as `Pile` does, the longest first.
    """
    known = costs(seen, before)
    if not known:
        return math.nan
    running = [one for one in seen if one.fraction < 1]
    # Jobs get smaller towards the end, so those that wait are like those that run.
    size = {kind: _mean(running, kind) or _mean(seen, kind) for kind in (*waiting, None)}
    ends = []
    for one in running:
        cost = cost_of(one.kind, known)
        ends.append(one.models * (cost.training + cost.scoring) * (1 - done(one, known)))
    ends += [0.0] * (max(slots, 1) - len(ends))
    heapq.heapify(ends)
    lengths = []
    for kind, models in waiting.items():
        cost, jobs = cost_of(kind, known), math.ceil(models / (size[kind] or size[None] or 1.0))
        lengths += [models / jobs * (cost.training + cost.scoring)] * jobs if models else []
    for length in sorted(lengths, reverse=True):
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)


def worked(seen: Iterable[Seen], known: Mapping[Kind | None, Cost]) -> float:
    """How many models' worth of work these attempts have done."""
    return sum(
        one.models * cost_of(one.kind, known).done(one.training.share, one.scoring.share) for one in seen if known
    )


def _rates(seen: Iterable[Seen], part: str) -> dict[Kind | None, float]:
    """Seconds of a model, by kind and, under None, of all; of what nothing has been done yet there is none, of a kind
    also while it is `EARLY`."""
    seconds: defaultdict[Kind | None, float] = defaultdict(float)
    models: defaultdict[Kind | None, float] = defaultdict(float)
    for one in seen:
        measured: Part = getattr(one, part)
        if measured.share > 0:
            for kind in (one.kind, None) if measured.share >= EARLY else (None,):
                seconds[kind] += measured.seconds
                models[kind] += one.models * measured.share
    return {kind: seconds[kind] / models[kind] for kind in models}


def _mean(seen: Iterable[Seen], kind: Kind | None) -> float:
    """How many models the jobs of a kind have; of all kinds for None, and 0 if there is none."""
    sizes = [one.models for one in seen if kind is None or one.kind == kind]
    return sum(sizes) / len(sizes) if sizes else 0.0
