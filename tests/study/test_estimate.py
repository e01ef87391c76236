"""The estimate of the time left, on synthetic histories: equal and unequal jobs, several slots, restarts."""

import heapq
import math
from collections import Counter

import pytest

from disentanglement_study.study.estimate import Kind, Part, Seen, costs, done, estimate

A, B = Kind("dsprites", "beta_vae"), Kind("cars3d", "factor_vae")


def history(jobs, slots, share, resumed=0.0, known=()):
    """What is seen, and the true time left, when a share of the time has passed in which jobs of (kind, models, seconds
    of training, of scoring) are done in their order in so many slots; the first jobs were trained so far already."""
    free, times = [0.0] * slots, []
    for place, (_, _, training, scoring) in enumerate(jobs):
        start = heapq.heappop(free)
        begun = resumed if place < slots else 0.0
        times.append((start, begun, start + training * (1 - begun), start + training * (1 - begun) + scoring))
        heapq.heappush(free, times[-1][-1])
    now = share * max(free)
    seen, waiting = [], Counter()
    for (kind, models, training, scoring), (start, begun, trained, end) in zip(jobs, times, strict=True):
        if start > now:
            waiting[kind] += models
        elif end <= now:
            seen.append(Seen(kind, models, 1.0, Part(1.0, training), Part(1.0, scoring)))
        else:
            first, second = min(now, trained) - start, max(now - trained, 0.0)
            parts = Part(first / training, first), Part(second / scoring, second)
            fraction = 0.5 * (begun + parts[0].share) + 0.5 * parts[1].share
            seen.append(Seen(kind, models, fraction, *parts))
    return seen, waiting, max(free) - now


@pytest.mark.parametrize("slots", [1, 4, 7])
@pytest.mark.parametrize(("training", "scoring"), [(600, 6), (600, 300), (60, 900)])
def test_of_equal_jobs_it_is_right_after_a_tenth(slots, training, scoring):
    jobs = [(A, 10, training, scoring)] * (12 * slots + 3)
    for share in (0.1, 0.15, 0.3, 0.6, 0.9, 0.98):
        seen, waiting, left = history(jobs, slots, share)
        assert estimate(seen, waiting) == pytest.approx(left, rel=0.2, abs=1)


def test_of_few_jobs_it_is_right_once_one_is_scored_and_with_the_halves_of_before():
    jobs = [(A, 10, 1000, 50)] * 4
    seen, waiting, left = history(jobs, 2, 0.1)
    assert estimate(seen, waiting) == pytest.approx(left, rel=0.25)  # a guess of the scoring
    before = [Seen(A, 3, 1.0, Part(1.0, 30), Part(1.0, 1.5))]  # on a machine ten times as fast
    assert estimate(seen, waiting, before=before) == pytest.approx(left, rel=1e-6)
    seen, waiting, left = history(jobs, 2, 0.55)
    assert estimate(seen, waiting) == pytest.approx(left, rel=1e-6)


@pytest.mark.parametrize("slots", [1, 4])
def test_of_unequal_jobs_it_is_within_reason(slots):
    jobs = [(A, 10, 900, 60), (B, 10, 300, 200), (A, 5, 450, 30)] * 12
    jobs = sorted(jobs, key=lambda job: -job[2] - job[3])
    for share in (0.1, 0.3, 0.5, 0.8):
        seen, waiting, left = history(jobs, slots, share)
        # Of jobs of another kind or size nothing is known before the first of them: they count as those that are known.
        assert left / 2 < estimate(seen, waiting) < left * 2
    seen, waiting, left = history(jobs, slots, 0.9)
    assert estimate(seen, waiting) == pytest.approx(left, rel=0.2)


def test_of_kinds_that_train_longer_it_is_right_before_the_first_of_them():
    """An axis of the sweep, `train.steps`: 2,500 updates have been seen, up to sixteen times as many are to come."""
    kinds = [Kind("dsprites", "beta_vae", f'{{"train.steps": {steps}}}', steps / 1e4) for steps in (2500, 10000, 40000)]
    jobs = [(kind, 1, 1000 * kind.weight, 60) for kind in kinds for _ in range(4)]
    for share in (0.05, 0.2, 0.7):
        seen, waiting, left = history(jobs, 1, share)
        assert estimate(seen, waiting) == pytest.approx(left, rel=0.01)
    seen, waiting, left = history([(Kind(*kind[:3]), *rest) for kind, *rest in jobs], 1, 0.05)
    assert estimate(seen, waiting) < left / 3  # what those of one method and data set say of each other


@pytest.mark.parametrize("share", [0.001, 0.01, 0.09])
def test_a_job_that_has_compiled_and_hardly_trained_says_nothing_of_its_kind(share):
    """Two jobs took 100 s each; one of another kind, as heavy, has compiled for 8 s: it will take 100 s too."""
    ended = [Seen(A, 6, 1.0, Part(1.0, 80), Part(1.0, 20))] * 2
    begun = Seen(B, 6, share / 2, Part(share, 8 + 80 * share), Part(0.0, 0.0))
    assert estimate([*ended, begun], {}) == pytest.approx(100 - 80 * share, rel=0.12)
    assert estimate([*ended, begun], {B: 6}) == pytest.approx(200 - 80 * share, rel=0.12)


def test_of_what_trains_at_once_it_is_that_of_its_scoring():
    at_once = Kind("dsprites", "pca", weight=0.0)
    seen = [Seen(A, 10, 1.0, Part(1.0, 100), Part(1.0, 50))]
    assert estimate(seen, {at_once: 10}) == pytest.approx(50)
    assert estimate([Seen(at_once, 10, 1.0, Part(1.0, 1), Part(1.0, 50))], {at_once: 10}) == pytest.approx(51)


@pytest.mark.parametrize("resumed", [0.3, 0.9])
def test_what_was_trained_before_a_restart_is_no_speed(resumed):
    jobs = [(A, 10, 600, 100)] * 20
    for share in (0.1, 0.2, 0.5):
        seen, waiting, left = history(jobs, 2, share, resumed)
        assert estimate(seen, waiting) == pytest.approx(left, rel=0.2)


def test_slots_that_are_empty_for_a_moment_count():
    seen = [Seen(A, 10, 1.0, Part(1.0, 90), Part(1.0, 10))] * 4
    assert estimate(seen, {A: 80}, slots=4) == pytest.approx(200)
    assert estimate(seen, {A: 80}) == pytest.approx(800)


def test_one_long_job_at_the_end_is_not_shared_by_the_slots():
    seen = [Seen(A, 10, 1.0, Part(1.0, 100), Part(1.0, 0.0))] * 9 + [Seen(A, 10, 0.05, Part(0.1, 10), Part(0.0, 0.0))]
    assert estimate(seen, {}, slots=8) == pytest.approx(90)


def test_nothing_is_said_of_nothing():
    assert math.isnan(estimate([], {A: 10}))
    failed = Seen(A, 10, 1.0, Part(0.0, 0.0), Part(0.0, 0.0))
    assert math.isnan(estimate([failed], {A: 10}))
    assert estimate([Seen(A, 10, 1.0, Part(1.0, 5), Part(1.0, 5))], {}) == 0


def test_the_halves_of_a_job_count_as_long_as_they_take():
    seen = [Seen(A, 10, 1.0, Part(1.0, 90), Part(1.0, 10)), Seen(A, 10, 0.5, Part(1.0, 90), Part(0.0, 0.0))]
    known = costs(seen)
    assert done(seen[1], known) == pytest.approx(0.9)
    assert done(seen[0], known) == 1
    assert done(seen[1], {}) == 0.5
