"""Scores are read a job at a time, texts once each: what is read is what a plain reading of the files gives."""

import pandas as pd
import pyarrow.compute as pc
import pytest
from report_study import make_study

from disentanglement_study.cli import study as cli_study
from disentanglement_study.errors import Failed
from disentanglement_study.runtime.files import Damaged
from disentanglement_study.store import Store, records, results
from disentanglement_study.study import components, plan, status

BINDINGS = ["data_set", "method", "strength_name", "strength", "seed", "dlib_model_num", "run_id"]
ORDER = [*BINDINGS, "representation", "metric", "score"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    changes = "sweep.axes = {'nets.num_latents': [3, 10]}", "sweep.seeds = 2"
    return make_study(tmp_path_factory.mktemp("results") / "study", *changes)


def plainly(store):
    """The same by pandas alone, with texts as text."""
    scores = pd.concat([pd.read_parquet(path) for path in store.jobs.glob("*/scores.parquet")])
    there = pd.read_parquet(store.root / "plan.parquet")
    joined = pd.concat([there[BINDINGS], records.axes(there)], axis=1).merge(scores, on="run_id")
    return as_text(joined.sort_values(ORDER, ignore_index=True))


def as_text(frame):
    texts = frame.select_dtypes(["category", "string"])
    return frame.astype(dict.fromkeys(texts, object)).where(frame.notna(), None)


def test_results_are_what_the_files_hold_in_their_order(study):
    found = study.results()
    assert len(found) > 100
    assert found["error"].notna().sum() > 1
    pd.testing.assert_frame_equal(as_text(found), plainly(study))


def test_texts_are_categories_that_can_be_compared_grouped_and_merged(study):
    found, plain = study.results(), plainly(study)
    for column in ("data_set", "method", "run_id", "representation", "metric", "score", "versions", "error"):
        assert isinstance(found[column].dtype, pd.CategoricalDtype), column
        if column not in ("metric", "score"):
            assert set(found[column].cat.categories) == set(plain[column].dropna())  # and none that is not there
    headline = plain["score"] == plain["metric"]
    assert (found["score"] == found["metric"]).tolist() == headline.tolist()
    assert 0 < headline.sum() < len(headline)
    groups = ["method", "metric", "score"]
    of_groups = found.groupby(groups, observed=True)["value"].mean()
    assert of_groups.tolist() == pytest.approx(plain.groupby(groups)["value"].mean().tolist(), nan_ok=True)
    seeds = found[["run_id", "value"]].merge(study.plan[["run_id", "seed"]], on="run_id")["seed"]
    assert sorted(seeds) == sorted(plain["seed"])


@pytest.mark.parametrize(
    ("keep", "of"),
    [
        (pc.field("metric").isin(["mig", "training"]), lambda rows: rows["metric"].isin(["mig", "training"])),
        (pc.field("error").is_valid(), lambda rows: rows["error"].notna()),
        (pc.field("metric") == "none", lambda rows: rows["metric"] == "none"),
    ],
)
def test_results_that_are_kept_are_those_of_all(study, keep, of):
    plain = plainly(study)
    pd.testing.assert_frame_equal(
        as_text(study.results(keep)), plain[of(plain)].reset_index(drop=True), check_dtype=False
    )


def test_failures_and_outcomes_are_those_of_the_results(study):
    found = study.results()
    failed = found[found["error"].notna()].reset_index(drop=True)
    pd.testing.assert_frame_equal(as_text(study.failures()), as_text(failed))
    names = ["run_id", "metric", "error"]
    once = as_text(found[names]).drop_duplicates(ignore_index=True)
    pd.testing.assert_frame_equal(as_text(study.outcomes()).sort_values(names, ignore_index=True),
                                  once.sort_values(names, ignore_index=True))  # fmt: skip
    failed = study.run_ids("failed")
    assert status.failures(study.outcomes(), study.plan, failed) == status.failures(plainly(study), study.plan, failed)


def test_a_study_without_jobs_or_with_a_file_of_before_has_the_same_columns(study, tmp_path):
    settings = components.load("quick")
    runs, store = plan.expand(settings), Store(tmp_path / "study")
    store.create(plan.frame(runs, settings), settings.text, "{}")
    empty = [*results.BINDINGS, *(name for name in study.rows("scores") if name != "run_id")]
    assert list(store.results()) == list(store.failures()) == empty
    assert len(store.results()) == len(store.failures()) == len(store.outcomes()) == 0
    rows = [{"run_id": run.run_id, "representation": "mean", "metric": "mig", "score": "mig", "value": 0.5,
             "error": "E"} for run in runs[:2]]  # fmt: skip
    jobs = plan.group(runs[:2], 1)
    for job, row in zip(jobs, rows, strict=True):
        store.write_job(job, [row], [], {}, {"status": "done"})
    path = store.jobs / jobs[0].job_id / "scores.parquet"
    pd.read_parquet(path).drop(columns="target").to_parquet(path, index=False)
    assert list(store.results()) == list(store.failures()) == empty
    assert store.results()["run_id"].tolist() == [run.run_id for run in runs[:2]]
    assert store.results()["target"].isna().all()
    with pytest.raises(Failed, match="metric mig for every model"):
        cli_study.conclude(store.root)
    # A job that is replaced, and runs that the plan has not.
    store.write_job(jobs[0], [{**rows[0], "value": 0.25, "error": None}], [], {}, {"status": "done"})
    assert store.results()["value"].tolist() == [0.25, 0.5]
    assert len(store.failures()) == 1
    cli_study.conclude(store.root)
    there = pd.read_parquet(store.root / "plan.parquet")
    there[there["run_id"] != runs[0].run_id].to_parquet(store.root / "plan.parquet", index=False)
    assert store.results()["run_id"].tolist() == [runs[1].run_id]


def test_rows_of_a_run_of_another_job_are_named_by_all_that_reads_them(study, tmp_path):
    settings = components.load("quick")
    runs, store = plan.expand(settings), Store(tmp_path / "study")
    store.create(plan.frame(runs, settings), settings.text, "{}")
    row = {"run_id": runs[0].run_id, "representation": "mean", "metric": "mig", "score": "mig", "error": "E"}
    (job,) = plan.group(runs[1:2], 1)
    store.write_job(job, [row], [], {}, {"status": "done"})
    for read in (store.results, store.failures, store.outcomes, lambda: store.query("SELECT 1 FROM scores")):
        with pytest.raises(Damaged, match=f"{job.job_id}/scores.parquet: .*rows of a run that is not in its job"):
            read()
