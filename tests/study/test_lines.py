"""The losses of running jobs in a few lines, and the small file that holds them."""

import json

import numpy as np
import pytest

from disentanglement_study import store
from disentanglement_study.store import in_flight, losses_so_far
from disentanglement_study.store.making import MADE
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study.lines import lines
from disentanglement_study.study.progress import Progress
from disentanglement_study.training.learnt import Losses
from disentanglement_study.types import Run


def runs_of(strengths, seeds):
    return [
        Run(f"{at:012x}", "dsprites", "beta_vae", {"beta": float(strength)}, seed, "paper")
        for at, (strength, seed) in enumerate((strength, seed) for seed in range(seeds) for strength in strengths)
    ]


def losses_of(number, points=3):
    values = np.arange(number * points, dtype=float).reshape(number, points)
    return Losses(np.arange(1, points + 1) * 10, {"loss": values}, np.zeros(number, bool))


def test_few_models_have_a_line_each_in_the_order_of_their_strength():
    found = lines(runs_of([4, 1], 2), losses_of(4))
    assert [(line.hyper, line.seed, line.models) for line in found.lines] == [
        ({"beta": 1.0}, 0, 1), ({"beta": 1.0}, 1, 1), ({"beta": 4.0}, 0, 1), ({"beta": 4.0}, 1, 1),
    ]  # fmt: skip
    assert found.steps == [10, 20, 30]
    assert found.terms["loss"].middle == [[3, 4, 5], [9, 10, 11], [0, 1, 2], [6, 7, 8]]
    assert found.terms["loss"].low == found.terms["loss"].middle


def test_many_models_have_a_line_for_each_strength_with_its_percentiles():
    runs = runs_of([1, 2, 4], 11)
    losses = losses_of(33)
    losses.terms["loss"][0] = np.inf  # one that diverged counts no more
    losses.diverged[0] = True
    found = lines(runs, losses)
    assert [(line.hyper, line.seed, line.models, line.diverged) for line in found.lines] == [
        ({"beta": 1.0}, None, 11, 1), ({"beta": 2.0}, None, 11, 0), ({"beta": 4.0}, None, 11, 0),
    ]  # fmt: skip
    second = losses.terms["loss"][1::3, 0]
    term = found.terms["loss"]
    assert (term.low[1][0], term.middle[1][0], term.high[1][0]) == pytest.approx(
        tuple(np.quantile(second, [0.1, 0.5, 0.9])), rel=1e-4
    )
    assert term.middle[0][0] == pytest.approx(np.median(losses.terms["loss"][3::3, 0]), rel=1e-4)


def test_many_strengths_are_one_line():
    (line,) = lines(runs_of(range(1, 41), 1), losses_of(40)).lines
    assert (line.hyper, line.seed, line.models) == ({}, None, 40)


def test_the_file_stays_small_however_large_the_job_and_has_no_value_where_nothing_was_reached():
    losses = losses_of(5000, 65)
    losses.terms["loss"][:, 1] = np.nan
    text = losses_so_far.text(lines(runs_of(range(12), 500)[:5000], losses))
    assert len(text) < 30_000
    assert json.loads(text)["terms"]["loss"]["middle"][0][1] is None


@pytest.fixture
def job(study_copy):
    return store.open(study_copy), finished_jobs(store.open(study_copy))[0]


def test_a_worker_keeps_them_until_its_job_has_ended(job):
    opened, job = job
    assert in_flight.losses(opened, job.job_id) is None
    Progress(opened, job, lambda text: None).learns(losses_of(len(job.runs)))
    found = in_flight.losses(opened, job.job_id)
    assert [line.seed for line in found.lines] == [run.seed for run in job.runs]
    assert found.terms["loss"].middle[1] == [3.0, 4.0, 5.0]
    assert [path.name for path in opened.tmp.iterdir() if path.name != "lock"] == [f"{job.job_id}.losses.json"]
    manifest = opened.manifest(job)
    opened.write_job(job, opened.rows_of(manifest, "scores"), [], {}, {"status": "failed", "error": "x"})
    assert in_flight.losses(opened, job.job_id) is None


def test_those_that_a_killed_job_left_are_removed_by_the_next_command(job):
    opened, job = job
    for name in ("losses.json", f"losses.{12}"):
        assert MADE.fullmatch(f"{job.job_id}.{name}")
        (opened.tmp / f"{job.job_id}.{name}").write_text("{}")
    with opened.lock():
        in_flight.clear(opened)
    assert [path.name for path in opened.tmp.iterdir()] == ["lock"]


GOOD = {
    "steps": [10, 20],
    "lines": [{"hyper": {"beta": 4.0}, "seed": 1, "models": 1, "diverged": 0}],
    "terms": {"loss": {"middle": [[1.0, None]], "low": [[1.0, None]], "high": [[1.0, None]]}},
}


def changed(**parts):
    return json.dumps({**GOOD, **parts})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        json.dumps(GOOD)[:-30],
        changed(steps=["10", "20"]),
        changed(steps=[10]),
        changed(steps=[10, 1e300]),
        changed(steps=5),
        changed(lines=[{**GOOD["lines"][0], "models": "<b>"}]),
        changed(lines=[{**GOOD["lines"][0], "hyper": {"beta": "<b>"}}]),
        changed(lines=[{**GOOD["lines"][0], "more": 1}]),
        changed(terms={"loss": {"middle": [[1.0, "x"]], "low": [[1.0, 1.0]], "high": [[1.0, 1.0]]}}),
        changed(terms={"loss": {"middle": [[1.0]], "low": [[1.0]], "high": [[1.0]]}}),
        changed(terms={"loss": GOOD["terms"]["loss"] | {"high": [[float("inf"), 1.0]]}}),
        changed(terms={"loss": {"middle": [[1.0, 2.0]]}}),
        "[" * 100_000,
        " " * (losses_so_far.LARGEST + 10),
    ],
)
def test_a_file_that_is_damaged_or_half_there_tells_nothing(text, job):
    opened, job = job
    opened.losses_file(job.job_id).write_text(json.dumps(GOOD))
    assert in_flight.losses(opened, job.job_id).steps == [10, 20]
    opened.losses_file(job.job_id).write_text(text)
    assert in_flight.losses(opened, job.job_id) is None


def test_who_cannot_write_them_goes_on(job, monkeypatch):
    opened, job = job

    def gone(*arguments, **options):
        raise FileNotFoundError(2, "No such file or directory", "tmp")

    monkeypatch.setattr(opened, "write_text", gone)
    Progress(opened, job, lambda text: None).learns(losses_of(len(job.runs)))
