"""What DuckDB reads of the files itself is what `results` gives, and what cannot be read is named."""

import os
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from disentanglement_study import cli
from disentanglement_study.runtime.files import Damaged
from disentanglement_study.store import Store, queries, tables
from disentanglement_study.study import components, plan

VALUES = [0.25, float("nan"), None, 0.75, float("inf"), 0.0]
KEY = ["run_id", "representation", "metric", "score"]


def rows_of(number, run):
    """Scores of a run: of two metrics, of some a value that is no number, or none and an error."""
    for at, (metric, score) in enumerate([("mig", "mig"), ("dci", "dci"), ("dci", "completeness.factor_0")]):
        value = VALUES[(number + at) % len(VALUES)]
        yield {"run_id": run.run_id, "representation": ["mean", "sampled"][number % 2], "metric": metric,
               "score": score, "value": value, "n": 100 + number if at else None, "protocol": "dlib",
               "target": "s" if number == 1 else None, "metric_version": "1", "versions": "numpy=2", "seconds": 0.5,
               "error": f"ValueError: {metric}\nof {number}" if value is None else None}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study of 6 runs in 3 jobs; the last has failed, and its scores are as a program of elsewhere wrote them."""
    settings = components.load("quick", ["sweep.axes = {'nets.num_latents': [3, 10]}"])
    runs, store = plan.expand(settings)[:6], Store(tmp_path_factory.mktemp("answers") / "study")
    store.create(plan.frame(runs, settings), settings.text, "{}")
    groups = [plan.group(runs[start : start + 2], 2) for start in (0, 2, 4)]
    jobs = [job for group in groups for job in group]
    for job in jobs:
        scores = [row for run in job.runs for row in rows_of(runs.index(run), run)]
        curves = [{"run_id": run.run_id, "step": step, "term": "loss", "value": 1 / step} for run in job.runs
                  for step in (1, 2)]  # fmt: skip
        store.write_job(job, scores, curves, {}, {"status": "done"} if job != jobs[-1] else {"status": "failed"})
    odd = {"n": pa.float64(), "value": pa.float32(), "protocol": pa.large_string(), "seconds": pa.float32()}
    for job in jobs:
        path = store.jobs / job.job_id / "scores.parquet"
        rows = pq.read_table(path)
        # Pandas has written what is no number as no value.
        value = pa.array(rows["value"].to_numpy(), from_pandas=False, mask=rows["error"].is_valid().to_numpy())
        rows = rows.set_column(rows.column_names.index("value"), "value", value)
        if job == jobs[-1]:
            rows = rows.drop_columns(["target"])
            rows = rows.cast(pa.schema([(field.name, odd.get(field.name, field.type)) for field in rows.schema]))
        pq.write_table(rows, path, row_group_size=2)
    return store, jobs


@pytest.fixture
def study(made, tmp_path):
    return Store(shutil.copytree(made[0].root, tmp_path / "study"))


@pytest.fixture
def jobs(made):
    return made[1]


def plain(frame):
    """As texts, numbers and None, in the order of the keys."""
    frame = frame.sort_values(KEY, ignore_index=True)
    texts = frame.select_dtypes(["category", "string", "object"])
    return frame.astype(dict.fromkeys(texts, object)).where(frame.notna(), None)


def assert_same(answer, expected):
    pd.testing.assert_frame_equal(plain(answer)[list(expected)], plain(expected), check_dtype=False)


CONDITIONS = {
    "TRUE": lambda rows: rows["run_id"].notna(),
    "score = 'mig' AND representation = 'mean'": lambda rows: (
        (rows["score"] == "mig") & (rows["representation"] == "mean")
    ),
    "metric = score": lambda rows: rows["metric"].astype(str) == rows["score"].astype(str),
    "score IN ('mig', 'none')": lambda rows: rows["score"] == "mig",
    "score > 'dci'": lambda rows: rows["score"].astype(str) > "dci",
    "score LIKE 'complete%'": lambda rows: rows["score"].astype(str).str.startswith("complete"),
    "error IS NOT NULL": lambda rows: rows["error"].notna(),
    "error IS NULL AND value < 0.5": lambda rows: rows["error"].isna() & (rows["value"] < 0.5),
    # In SQL what is no number is above all numbers; pandas takes it for no value, as it does the value of an error.
    "value > 0.5": lambda rows: (rows["value"] > 0.5) | (rows["value"].isna() & rows["error"].isna()),
    "isnan(value)": lambda rows: rows["value"].isna() & rows["error"].isna(),
    "value IS NULL": lambda rows: rows["error"].notna(),
    "n >= 103": lambda rows: rows["n"] >= 103,
    "n IS NULL": lambda rows: rows["n"].isna(),
    "target = 's'": lambda rows: rows["target"] == "s",
    "protocol <> 'dlib'": lambda rows: rows["protocol"] != "dlib",
    "\"nets.num_latents\" = 3 AND score = 'dci'": lambda rows: (
        (rows["nets.num_latents"] == 3) & (rows["score"] == "dci")
    ),
    "run_id IN (SELECT run_id FROM scores WHERE error IS NOT NULL)": lambda rows: rows["run_id"].isin(
        rows.loc[rows["error"].notna(), "run_id"]
    ),
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_rows_are_those_of_the_results(made, condition):
    study, _ = made
    results = study.results()
    expected = results[CONDITIONS[condition](results).fillna(False).astype(bool)]
    assert condition == "protocol <> 'dlib'" or 0 < len(expected) <= 18
    assert_same(study.query(f"SELECT * FROM results WHERE {condition}"), expected)
    if "nets." not in condition:
        kept = study.rows("scores").merge(expected[KEY].astype(str), on=KEY)
        assert_same(study.query(f"SELECT * FROM scores WHERE {condition}"), kept)


def test_groups_and_kinds_are_those_of_the_results(made):
    study, _ = made
    answer = study.query(
        "SELECT method, strength, score, count(*) AS rows, count(value) AS values, max(seconds) AS seconds, "
        "count(*) FILTER (error IS NOT NULL) AS failed FROM results GROUP BY ALL ORDER BY ALL"
    )
    groups = study.results().groupby(["method", "strength", "score"], observed=True)
    expected = groups.agg(rows=("run_id", "size"), failed=("error", "count"), seconds=("seconds", "max")).reset_index()
    expected = expected.astype({"method": str, "score": str}).sort_values(["method", "strength", "score"])
    pd.testing.assert_frame_equal(answer[list(expected)], expected.reset_index(drop=True), check_dtype=False)
    assert answer["values"].tolist() == (answer["rows"] - answer["failed"]).tolist()
    kinds = study.query("SELECT run_id, metric, value, n, error, strength, seed FROM results WHERE n > 0").dtypes
    assert all(pd.api.types.is_string_dtype(kinds[name]) for name in ("run_id", "metric", "error"))
    assert [kinds[name] for name in ("value", "n", "strength", "seed")] == ["float64", "int64", "float64", "int64"]
    curves = study.query("SELECT * FROM curves ORDER BY ALL")
    rows = study.rows("curves").sort_values(list(curves), ignore_index=True)
    pd.testing.assert_frame_equal(curves, rows, check_dtype=False)


def test_scores_that_are_added_or_of_a_job_done_again_are_there(study, jobs):
    run = jobs[0].runs[0]
    new = {"run_id": run.run_id, "representation": "mean", "metric": "mig", "score": "mig", "value": 0.5}
    study.add_scores(jobs[0], [new, {**new, "metric": "irs", "score": "irs", "value": 0.125}])
    asked = f"SELECT metric, value FROM results WHERE run_id = '{run.run_id}' AND metric <> 'dci' ORDER BY metric"
    assert study.query(asked).to_dict("list") == {"metric": ["irs", "mig"], "value": [0.125, 0.5]}
    assert_same(study.query("SELECT * FROM results"), study.results())
    study.write_job(jobs[0], [new], [], {}, {"status": "done"})
    assert study.query(asked)["value"].tolist() == [0.5]
    assert_same(study.query("SELECT * FROM results"), study.results())


def test_sums_of_whole_numbers_are_whole_numbers(study, capsys):
    sql = "SELECT sum(runs) AS models, sum(runs) * 1000000000 AS many, count(*) AS jobs FROM jobs"
    answer = study.query(sql)
    assert answer.dtypes.map(pd.api.types.is_integer_dtype).all()
    assert cli.main(["query", str(study.root), sql, "--csv"]) == 0
    assert capsys.readouterr().out == "models,many,jobs\n6,6000000000,3\n"
    none = study.query("SELECT sum(runs) AS n FROM jobs WHERE runs > 99")
    assert none["n"].isna().all()
    assert study.query("SELECT 170141183460469231731687303715884105727 AS n")["n"].item() == 2.0**127


def test_an_answer_that_does_not_fit_the_memory_is_one_line(study, monkeypatch, capsys):
    def too_much(*arguments):
        raise MemoryError("Unable to allocate 4.00 GiB")

    monkeypatch.setattr(queries.sql, "_answer", too_much)
    assert cli.main(["query", str(study.root), "SELECT 1"]) == 3
    assert capsys.readouterr().err == "error: there is not enough memory: Unable to allocate 4.00 GiB\n"


@pytest.mark.parametrize("moment", ["before it is checked", "after it was checked"])
def test_a_job_that_is_replaced_while_it_is_asked_for_is_asked_for_again(study, jobs, monkeypatch, moment):
    run, looked, manifests, lazily = jobs[1].runs[0], [], Store.manifests, tables.lazily

    def leave():
        if (study.jobs / jobs[1].job_id).exists() and len(looked) == 1:
            os.rename(study.jobs / jobs[1].job_id, study.tmp / "gone")

    def looks(store):
        if looked:
            row = {"run_id": run.run_id, "representation": "mean", "metric": "new", "score": "new", "value": 1.0}
            study.write_job(jobs[1], [row], [], {}, {"status": "done"})
        looked.append(manifests(store))
        if moment == "before it is checked":
            leave()
        return looked[-1]

    def reads(paths, name):
        leave()
        return lazily(paths, name)

    monkeypatch.setattr(Store, "manifests", looks)
    monkeypatch.setattr(queries.tables, "lazily", reads)
    answer = study.query(f"SELECT metric, value FROM scores WHERE run_id = '{run.run_id}'")
    assert (study.tmp / "gone").exists()
    assert answer.to_dict("list") == {"metric": ["new"], "value": [1.0]}


def test_what_is_damaged_beyond_the_head_is_named_by_the_query_that_reads_it(study, jobs):
    path = study.jobs / jobs[1].job_id / "scores.parquet"
    column = pq.read_metadata(path).row_group(0).column(tables.schema("scores").get_field_index("value"))
    content, start = bytearray(path.read_bytes()), column.dictionary_page_offset
    content[start : start + 20] = bytes(20)
    path.write_bytes(content)
    assert study.query("SELECT count(*) AS rows FROM scores WHERE metric = 'mig'")["rows"].item() == 6
    with pytest.raises(Damaged, match=f"{jobs[1].job_id}/scores.parquet: cannot be read: "):
        study.query("SELECT avg(value) FROM results")


def test_a_row_twice_or_of_another_job_is_named_by_queries_of_that_table_alone(study, jobs):
    path = study.jobs / jobs[0].job_id / "scores.parquet"
    rows = pd.read_parquet(path)
    pd.concat([rows, rows.iloc[-1:].assign(value=0.5)]).to_parquet(path, index=False)
    curves = study.jobs / jobs[1].job_id / "curves.parquet"
    pd.read_parquet(curves).assign(run_id=jobs[0].runs[0].run_id).to_parquet(curves, index=False)
    for sql, what in (
        ("FROM Results SELECT max(value)", f"{path}: cannot be read: it has a score of a run twice"),
        ('SELECT 1 FROM "scores"', f"{path}: cannot be read: it has a score of a run twice"),
        ("SELECT max(value) FROM curves", f"{curves}: cannot be read: it has rows of a run that is not in its job"),
    ):
        with pytest.raises(Damaged) as error:
            study.query(sql)
        assert str(error.value).startswith(what)
    assert study.query("SELECT count(*) AS n FROM runs JOIN jobs USING (job_id)")["n"].item() == 6
    (study.jobs / jobs[0].job_id / "curves.parquet").unlink()
    assert study.query("SELECT count(*) AS n FROM runs")["n"].item() == 6


def test_a_slip_in_the_sql_reads_no_file_whole(study, monkeypatch):
    monkeypatch.setattr(queries.tables, "table", None)
    for sql in ("SELECT valu FROM scores", "SELECT FROM FROM scores", "SELECT CAST(metric AS INTEGER) FROM scores"):
        with pytest.raises(ValueError, match=r"^query: "):
            study.query(sql)


@pytest.mark.parametrize("marked", [tables.MARKED, 0], ids=["marked", "sorted"])
@pytest.mark.parametrize("is_null", [False, True])
def test_a_score_that_is_there_twice_is_found_however_it_is_looked_for(monkeypatch, marked, is_null):
    monkeypatch.setattr(tables, "MARKED", marked)
    names = [f"name {number}" for number in range(30)]
    columns = {
        name: [names[row // 30 ** (place % 2) % 30] for row in range(900)] for place, name in enumerate(tables.SCORE)
    }
    if is_null:  # of a stranger's file
        columns["score"][7] = columns["metric"][7] = None
    rows = pa.table({name: pa.array(texts).dictionary_encode() for name, texts in columns.items()})
    tables._check_once(rows, "scores")
    tables._check_once(rows.slice(0, 0), "scores")
    for row in (0, 7, 899):
        with pytest.raises(ValueError, match="it has a score of a run twice"):
            tables._check_once(pa.concat_tables([rows, rows.slice(row, 1)]), "scores")


def test_names_that_are_numbered_alike_by_chance_are_told_apart(monkeypatch):
    monkeypatch.setattr(tables, "MARKED", 0)
    rows = pa.table({name: pa.array(["a", "b", "c"]).dictionary_encode() for name in tables.SCORE})
    monkeypatch.setattr(tables.np, "sort", np.zeros_like)  # all numbers are the same
    tables._check_once(rows, "scores")
    with pytest.raises(ValueError, match="twice"):
        tables._check_once(pa.concat_tables([rows, rows.slice(2)]), "scores")
