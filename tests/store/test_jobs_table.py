"""The tables of jobs: what manifests say, and nothing where they say nothing."""

import pandas as pd
import pytest
from report_study import HOSTILE, make_study

from disentanglement_study.store import columns, jobs_table

RECORD = {
    "commit": "a" * 40, "dirty": False, "package": "1", "lock": "sha256:0", "python": "3.11.1", "host": "node-7",
    "cores": 8, "device": "gpu: H100", "driver": "cuda 12", "started": "2026-11-29T13:21:07Z",
    "ended": "2026-11-29T14:21:07Z",
}  # fmt: skip
PLAN = pd.DataFrame({"run_id": ["r1", "r2"], "data_set": ["dsprites", "cars3d"], "method": ["beta_vae", "pca"]})


def manifest(**changes):
    return {"job_id": "j", "run_ids": ["r2"], "status": "done", **changes}


def only(*manifests) -> dict:
    (row,) = jobs_table.jobs_table(manifests, PLAN).to_dict("records")
    return {name: None if pd.isna(value) else value for name, value in row.items()}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("jobs") / "study")


@pytest.mark.parametrize("table", columns.TABLES)
def test_the_columns_of_each_view_are_those_that_are_described(study, table):
    shown = study.query(f"DESCRIBE {table}")
    names = [name for name in shown["column_name"] if "." not in name]
    assert sorted(names) == sorted(one.name for one in columns.TABLES[table])
    types = dict(zip(shown["column_name"], shown["column_type"], strict=True))
    kinds = {"VARCHAR": {"string", "datetime"}, "DOUBLE": {"number"}, "BIGINT": {"integer"}, "BOOLEAN": {"boolean"}}
    for one in columns.TABLES[table]:
        assert one.type in kinds[types[one.name]], one.name


def test_the_views_are_those_that_are_described(study):
    assert set(study.query("SHOW TABLES")["name"]) == set(columns.TABLES)


def test_a_job_says_all_that_its_manifest_does():
    seconds = {"compile": 1.5, "train": 10, "represent": 2, "evaluate": 3}
    said = {"population": 4, "device": "cpu", "versions": "jax=1", "seconds": seconds, "provenance": RECORD}
    assert only(manifest(**said)) == {
        "job_id": "j", "status": "done", "data_set": "cars3d", "method": "pca", "runs": 1, "attempts": None,
        "population": 4, "versions": "jax=1", "seconds_compile": 1.5, "seconds_train": 10.0,
        "seconds_represent": 2.0, "seconds_evaluate": 3.0, **RECORD, "device": "cpu", "error": None,
    }  # fmt: skip


def test_a_failed_job_has_the_device_of_its_record_and_its_error():
    row = only(manifest(status="failed", error=HOSTILE, attempts=2, provenance=RECORD))
    assert (row["device"], row["error"], row["attempts"]) == ("gpu: H100", HOSTILE, 2)
    assert row["seconds_train"] is None


def test_a_job_of_an_earlier_version_has_no_record():
    row = only(manifest())
    assert {name for name, value in row.items() if value is not None} == {
        "job_id", "status", "data_set", "method", "runs",
    }  # fmt: skip


def test_what_a_stranger_wrote_is_null_where_it_has_another_type():
    wrong = {"commit": 5, "dirty": "yes", "started": "yesterday", "host": ["a"], "python": None, "new": 1}
    wrong |= {"cores": 2.5}
    row = only(manifest(run_ids=["unknown"], provenance=wrong, seconds={"train": 1, "nap": 2}))
    read = ("commit", "dirty", "started", "host", "python", "data_set", "cores")
    assert [row[name] for name in read] == [None] * 7
    assert row["seconds_train"] == 1.0
    assert "seconds_nap" not in row
    (metric,) = jobs_table.rescored_table([manifest(scored=[{"metrics": [7], "dirty": 1}])]).to_dict("records")
    assert metric["metric"] == "7"
    assert pd.isna(metric["dirty"])


def test_types_are_the_same_with_and_without_jobs():
    some = jobs_table.jobs_table([manifest(provenance=RECORD)], PLAN)
    none = jobs_table.jobs_table([], PLAN)
    pd.testing.assert_series_equal(none.dtypes, some.dtypes)
    scored = jobs_table.rescored_table([manifest(scored=[{"metrics": ["mig"], **RECORD}])])
    pd.testing.assert_series_equal(jobs_table.rescored_table([]).dtypes, scored.dtypes)


def test_a_run_has_the_job_that_it_was_trained_in(study):
    runs = study.query("SELECT run_id, job_id FROM runs").set_index("run_id")["job_id"]
    manifests = study.manifests()
    assert len(manifests) == 5
    for one in manifests:
        assert set(runs[one["run_ids"]]) == {one["job_id"]}
    assert runs.isna().sum() == len(runs) - sum(len(one["run_ids"]) for one in manifests) == 9
    failed = study.query("SELECT count(*) AS n FROM runs JOIN jobs USING (job_id) WHERE status = 'failed'")
    assert failed["n"].item() == 9


def test_jobs_of_a_query_are_those_of_the_function(study):
    asked = study.query("SELECT * FROM jobs ORDER BY job_id")
    expected = jobs_table.jobs_table(study.manifests(), study.plan)
    assert asked["job_id"].tolist() == expected["job_id"].tolist()
    assert asked["seconds_train"].tolist() == expected["seconds_train"].tolist()
