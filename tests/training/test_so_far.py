"""The losses that a training tells while it runs: those that its curves will have, once each, through a kill too."""

import functools

import numpy as np
import pytest
from test_fit import EACH_CALL, NET, TRAIN, Killed, fitted, job_of, killed_at, learner_of, noise

from disentanglement_study.config import ResourceConfig
from disentanglement_study.training import fit as fitting
from disentanglement_study.training import so_far
from disentanglement_study.training.inputs import Batches
from disentanglement_study.training.so_far import SoFar, thinned

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(so_far, "EVERY_SECONDS", 0.0)


def told(folder=None, report=lambda stage, fraction: None, **resources):
    """What a training tells; it is looked at when it is told, as who writes it does."""
    found, job = [], job_of()
    settings = ResourceConfig(**{"log_every": 10, "checkpoint_minutes": EACH_CALL, **resources})
    learner = learner_of(job.method, noise(), NET, TRAIN, job.runs[0].protocol)

    def tell(losses):
        terms = {name: values.copy() for name, values in losses.terms.items()}
        found.append(losses._replace(terms=terms, diverged=losses.diverged.copy()))

    try:
        batches = Batches(noise(), NET.image_size)
        fitting.fit(job, learner.learn, batches, TRAIN, settings, 2, folder, report, tell)
    except Killed:
        pass
    return found


def assert_of_curves(losses):
    """Each value that is told is that of the finished curve at the same step."""
    of = {(row["step"], row["term"]): row["values"] for row in curves()}
    for term, values in losses.terms.items():
        for step, column in zip(losses.steps, values.T, strict=True):
            there = ~np.isnan(column)
            np.testing.assert_allclose(column[there], of[step, term][there], rtol=1e-6)


@functools.cache
def curves():
    return fitted(log_every=10).curves


def test_what_is_told_grows_to_the_curves_that_are_kept():
    found = told(population=2)
    assert len(found[0].steps) == 0
    assert found[-1].steps.tolist() == [10, 20, 30, 40, 50, 60]
    for losses in found:
        assert_of_curves(losses)
    there = [int((~np.isnan(losses.terms["loss"])).sum()) for losses in found if losses.terms]
    assert there == sorted(there)
    assert there[-1] == 3 * 6
    assert not found[-1].diverged.any()


@pytest.mark.parametrize(("population", "minutes"), [(2, EACH_CALL), (3, 60.0)], ids=["goes on", "starts again"])
def test_a_kill_leaves_one_curve_whose_points_are_there_once(population, minutes, tmp_path):
    before = told(tmp_path, killed_at(0.7), population=population, checkpoint_minutes=minutes)
    assert len(before[-1].steps) > 0
    after = told(tmp_path, population=population, checkpoint_minutes=minutes)
    assert len(after[0].steps) <= len(before[-1].steps)
    for losses in after:
        assert len(set(losses.steps)) == len(losses.steps)
        assert (np.diff(losses.steps) > 0).all()
        assert_of_curves(losses)
    assert after[-1].steps.tolist() == [10, 20, 30, 40, 50, 60]
    assert not np.isnan(after[-1].terms["loss"]).any()


def test_it_is_told_seldom(monkeypatch):
    monkeypatch.setattr(so_far, "EVERY_SECONDS", 1e9)
    monkeypatch.setattr(fitting, "CALL_SECONDS", 0.0)  # many calls
    assert [len(losses.steps) for losses in told()] == [0, 6]


def test_points_get_no_more_than_a_plot_shows_and_stay_where_they_are():
    assert [thinned(number).tolist() for number in (0, 1, 3)] == [[], [0], [0, 1, 2]]
    seen = {number: set(thinned(number).tolist()) for number in range(1, 1001)}
    for number, kept in seen.items():
        assert len(kept) <= so_far.POINTS + 1
        assert {0, number - 1} <= kept
        assert max(kept) == number - 1
        if number > 1:  # but for the last one, none is new that was left out before
            assert kept - {number - 1} <= seen[number - 1]


def test_models_that_diverge_are_marked_and_those_of_an_attempt_before_forgotten():
    found = []
    part = SoFar(found.append, 3, np.array([10, 20]))
    sums = {"loss": np.array([[10.0, 20.0, 30.0], [40.0, np.nan, 60.0]])}
    part.at(0, 3, 20, sums, now=True)
    assert found[-1].diverged.tolist() == [False, True, False]
    np.testing.assert_array_equal(found[-1].terms["loss"], [[1, 4], [2, np.nan], [3, 6]])
    part.at(0, 1, 10, {"loss": np.array([[10.0], [0.0]])}, now=True)  # again, with fewer together
    assert found[-1].diverged.tolist() == [False, False, False]
    np.testing.assert_array_equal(found[-1].terms["loss"], [[1], [np.nan], [np.nan]])
