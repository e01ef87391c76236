"""The losses of a job that is still trained, told now and then to who looks on."""

import time

import numpy as np

from disentanglement_study.training.learnt import Losses, Tell

EVERY_SECONDS = 5.0  # at most so often
POINTS = 64  # of a curve, about: more than a small plot shows


class SoFar:
    """What the parts of a job have reached of its curves; their points are at so many updates, `points`.

    It holds what the sums of the training say, which come back with its checkpoint: after a kill a curve goes on from
    there, and what was lost is drawn once.
    """

    def __init__(self, tell: Tell, num_runs: int, points: np.ndarray):
        self.tell, self.points = tell, points
        self.lengths = np.diff(points, prepend=0)
        self.means: dict[str, np.ndarray] = {}
        self.diverged = np.zeros(num_runs, bool)
        self.reached, self.told = -1, 0.0

    def at(self, start: int, number: int, done: int, sums: dict[str, np.ndarray], now: bool = False) -> None:
        """Tells where the runs [start, start + number) are after `done` updates; `sums` [points, m] are as in `fit`.

        Says nothing if it did shortly before, or nothing is new, unless it must be told `now`.
        """
        reached = int(np.searchsorted(self.points, done, side="right"))
        if not now and (reached == self.reached or time.monotonic() - self.told < EVERY_SECONDS):
            return
        for term, value in sums.items():
            means = self.means.setdefault(term, np.full((len(self.diverged), len(self.points)), np.nan))
            means[start:] = np.nan  # an attempt with more models, or before a kill, was further
            means[start : start + number, :reached] = (value[:reached, :number] / self.lengths[:reached, None]).T
        self.diverged[start:] = False
        self.diverged[start : start + number] = ~np.isfinite(sums["loss"][:, :number]).all(axis=0)
        keep = thinned(len(self.points) if start else reached)
        self.tell(
            Losses(self.points[keep], {term: means[:, keep] for term, means in self.means.items()}, self.diverged)
        )
        self.reached, self.told = reached, time.monotonic()


def thinned(number: int) -> np.ndarray:
    """Which of so many points are told: as these get more, some are left out, none moves, and the last is there."""
    step = 1
    while number > POINTS * step:
        step *= 2
    return np.union1d(np.arange(0, number, step), np.arange(number)[-1:])
