"""Exported files hold what the study says, and say what they hold."""

import csv
import hashlib
import json
import re
from contextlib import contextmanager

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from report_study import HOSTILE, make_study, row

from disentanglement_study import cli, store
from disentanglement_study.export import export, tables
from disentanglement_study.store import columns
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import provenance

KEY = ["run_id", "representation", "metric", "score"]
TRACEBACK = """Traceback (most recent call last):
  File "a, b.py", line 1
\tx = {"é": 'ß'}\r
ValueError: 1,5 "quoted" 漢字 🙂 """
CREATED = "2026-11-29T13:21:07Z"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Scores that are hard to write: NaN, infinities, tiny and exact numbers, empty and long text; a job rescored."""
    opened = make_study(tmp_path_factory.mktemp("export") / "Hard study (β)")
    first, second, *_ = finished_jobs(opened)
    odd = [np.inf, -np.inf, 1e-310, 0.1 + 0.2, -0.0, np.nan]
    texts = [TRACEBACK, "", "null", "NaN", "a\rb", HOSTILE]
    rows = [
        {**row(run.run_id, "mean", "odd", f"odd {place}", value, text), "n": None if place % 2 else 2**53 + place,
         "versions": "numpy=1", "metric_version": "01"}
        for run in first.runs
        for place, (value, text) in enumerate(zip(odd, texts, strict=True))
    ]  # fmt: skip
    opened.add_scores(first, rows)
    opened.write_scored(first, ["odd"], provenance.ended(provenance.begun()))
    opened.write_scored(second, ["mig"], {"commit": 5, "dirty": "yes", "host": "node-7"})
    return opened


def read(path) -> pd.DataFrame:
    """The rows of a file, by what tells an empty text from null."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pandas()
    if path.suffix == ".csv":
        types = {one["name"]: KINDS[one["type"]] for one in fields(path)}
        convert = {"strings_can_be_null": True, "quoted_strings_can_be_null": False, "column_types": types}
        parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
        options = pyarrow.csv.ConvertOptions(**convert)
        return pyarrow.csv.read_csv(path, parse_options=parse, convert_options=options).to_pandas()
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    schema = pa.schema([(one["name"], KINDS[one["type"]]) for one in fields(path)])
    return pa.Table.from_pylist(rows, schema).to_pandas()


KINDS = {
    "string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(),
    "datetime": pa.string(),
}  # fmt: skip


def resources(folder) -> dict:
    return {one["name"]: one for one in json.loads((folder / "datapackage.json").read_text("utf-8"))["resources"]}


def fields(path) -> list[dict]:
    return resources(path.parent)[path.stem]["schema"]["fields"]


def assert_same_rows(found: pd.DataFrame, expected: pd.DataFrame, key: list[str]):
    assert sorted(found.columns) == sorted(expected.columns)
    found, expected = (
        frame.sort_values(key, ignore_index=True)[sorted(frame)].convert_dtypes() for frame in (found, expected)
    )
    for name in expected:
        if pd.api.types.is_numeric_dtype(expected[name]):  # not rounded: bit for bit, but for null and NaN
            left, right = (frame[name].to_numpy(np.float64, na_value=np.nan) for frame in (found, expected))
            np.testing.assert_array_equal(left, right, err_msg=name)
        else:
            left, right = ([None if pd.isna(value) else value for value in frame[name]] for frame in (found, expected))
            assert left == right, name


@pytest.fixture(scope="module", params=["parquet", "csv", "jsonl"])
def exported(request, study, tmp_path_factory):
    out, totals, reports = tmp_path_factory.mktemp("out") / "new" / request.param, [], []

    @contextmanager
    def steps(total: int):
        totals.append(total)
        yield reports.append

    rows = export(study, out, CREATED, request.param, None, False, steps)
    assert totals == [len(reports)]
    return out, request.param, rows


def test_every_file_holds_what_the_study_says(study, exported):
    out, format, rows = exported
    expected = {
        "results": (study.results(), KEY),
        "curves": (study.rows("curves"), ["run_id", "term", "step"]),
        "runs": (study.query("SELECT * EXCLUDE (objective) FROM runs"), ["run_id"]),
        "jobs": (study.query("SELECT * FROM jobs"), ["job_id"]),
        "rescored": (study.query("SELECT * FROM rescored"), ["job_id", "metric"]),
    }
    for table, (frame, key) in expected.items():
        found = read(out / f"{table}.{format}")
        assert_same_rows(found, frame, key)
        assert rows[table] == len(found) > 0
    odd = read(out / f"results.{format}").query("metric == 'odd'").sort_values(KEY).head(6)
    assert odd["value"].tolist()[:5] == [np.inf, -np.inf, 1e-310, 0.1 + 0.2, 0.0]
    assert np.signbit(odd["value"].tolist()[4])
    assert odd["error"].tolist() == [TRACEBACK, "", "null", "NaN", "a\rb", HOSTILE]


def test_the_package_says_what_each_file_is(exported):
    out, format, _ = exported
    package = json.loads((out / "datapackage.json").read_text("utf-8"))
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", package["name"])
    assert package["title"] == "Results of the study Hard study (β)"
    assert package["created"] == CREATED
    assert "licenses" not in package
    about = resources(out)
    assert {*about} == {"results", "runs", "jobs", "rescored", "curves", "columns", "study"}
    for one in about.values():
        content = (out / one["path"]).read_bytes()
        assert one["bytes"] == len(content)
        assert one["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    unnamed = {"README.md", "datapackage.json", "CITATION.cff"}
    assert {path.name for path in out.iterdir()} == {one["path"] for one in about.values()} | unnamed
    for table in set(about) - {"columns", "study"}:
        frame, schema = read(out / about[table]["path"]), about[table]["schema"]
        assert [one["name"] for one in schema["fields"]] == list(frame.columns)
        assert all(one["description"] for one in schema["fields"])
        assert not frame.duplicated(schema["primaryKey"]).any()
        for key in schema.get("foreignKeys", ()):
            (name,), (there,) = key["fields"], key["reference"]["fields"]
            others = read(out / f"{key['reference']['resource']}.{format}")
            assert set(frame[name].dropna()) <= set(others[there])
    units = {one["name"]: one.get("unit") for one in about["jobs"]["schema"]["fields"]}
    assert units["seconds_train"] == "s"
    assert units["commit"] is None


def test_the_columns_are_a_table_too(exported):
    out, _, _ = exported
    with (out / "columns.csv").open(encoding="utf-8", newline="") as file:
        said = [(one["table"], one["column"], one["type"], one["unit"] or None) for one in csv.DictReader(file)]
    about = resources(out)
    expected = [
        (table, one["name"], one["type"], one.get("unit"))
        for table in about if "schema" in about[table] for one in about[table]["schema"]["fields"]
    ]  # fmt: skip
    assert said == expected


def test_the_readme_says_how_the_study_was_made_and_its_code_loads_it(exported, study, monkeypatch):
    out, format, rows = exported
    text = (out / "README.md").read_text("utf-8")
    assert f"{len(study.plan)} models were planned: annealed_vae, beta_tc_vae" in text
    assert f"Done: {9 * 4}, failed: 9, missing: 9." in text
    assert "cpu: test (45 models)" in text
    assert "sweep.methods = \\\n        {" in text  # a binding of several lines is whole
    assert f"| `results.{format}` | {rows['results']:,} |" in text
    monkeypatch.chdir(out)
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    there = {}
    exec(code, there)
    assert len(there["results"]) == rows["results"]
    assert there["results"]["run_id"].str.len().eq(12).all()
    (sql,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    loaded = duckdb.sql(sql).df()
    assert len(loaded) == rows["results"]
    assert loaded["run_id"].str.len().eq(12).all()


def test_a_study_without_a_job_can_be_exported(tmp_path):
    whole = make_study(tmp_path / "whole")
    empty = store.Store(tmp_path / "empty")
    empty.create(whole.plan, whole.text, "{}")
    for format in ("parquet", "csv", "jsonl"):
        rows = export(empty, tmp_path / format, CREATED, format)
        assert rows == {"results": 0, "runs": len(whole.plan), "jobs": 0, "curves": 0}
        assert "Done: 0, failed: 0, missing: 54." in (tmp_path / format / "README.md").read_text("utf-8")
    assert pq.read_schema(tmp_path / "parquet" / "results.parquet").names[:2] == ["data_set", "method"]


def test_what_jobs_used_is_copied_but_for_links(study_copy, tmp_path):
    study = store.open(study_copy)
    first, *others = sorted(study.jobs.iterdir())
    (first / "operative.gin").unlink()
    (tmp_path / "secret").write_text("secret")
    (first / "operative.gin").symlink_to(tmp_path / "secret")
    export(study, tmp_path / "out", CREATED)
    found = {path.name: path.read_bytes() for path in (tmp_path / "out" / "operative").iterdir()}
    assert found == {f"{one.name}.gin": (one / "operative.gin").read_bytes() for one in others}
    assert len(found) == 3


def test_a_copy_without_a_citation_says_what_to_cite(study, tmp_path, monkeypatch):
    monkeypatch.setattr("disentanglement_study.export.CITATION", tmp_path / "absent")
    export(study, tmp_path / "out", CREATED)
    assert not (tmp_path / "out" / "CITATION.cff").exists()
    assert "Cite the software disentanglement_study" in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_axes_of_the_sweep_are_columns_of_the_results(tmp_path):
    study = make_study(tmp_path / "axes", "sweep.axes = {'nets.num_latents': [5, 10]}", "sweep.methods = ['beta_vae']")
    export(study, tmp_path / "out", CREATED)
    found = pq.read_table(tmp_path / "out" / "results.parquet").to_pandas()
    assert_same_rows(found, study.results(), KEY)
    (axis,) = [one for one in fields(tmp_path / "out" / "results.parquet") if one["name"] == "nets.num_latents"]
    assert axis["type"] == "integer"
    assert "The setting nets.num_latents" in axis["description"]


def test_scores_of_runs_that_the_plan_has_not_are_left_out_as_in_the_results(tmp_path):
    study = make_study(tmp_path / "study")
    path = study.root / "plan.parquet"
    study.plan.iloc[1:].to_parquet(path, index=False)
    export(study, tmp_path / "out", CREATED)
    assert_same_rows(pq.read_table(tmp_path / "out" / "results.parquet").to_pandas(), study.results(), KEY)


def test_the_command_says_what_it_wrote(study, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()  # an empty folder is as good as none
    assert cli.main(["export", str(study.root), str(out), "--format", "csv", "--license", "CC-BY-4.0"]) == 0
    said = capsys.readouterr().out
    assert f"{out / 'results.csv'}: {len(study.results()):,} rows" in said
    package = json.loads((out / "datapackage.json").read_text("utf-8"))
    assert package["licenses"] == [{"name": "CC-BY-4.0"}]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", package["created"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{full}"], "full is not empty: name a folder that does not exist"),
        (["{file}"], "file is a file: name a folder that does not exist"),
        (["{link}"], "link is a symbolic link: nothing is written through it"),
        (["{file}/out"], "cannot write to the folder {file}/out: "),
        (["{new}", "--format", "parquett"], "unknown format 'parquett': did you mean 'parquet'?"),
        (["{new}", "--license", "my own"], "license 'my own': expected a name without spaces"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(study, tmp_path, capsys, arguments, message):
    places = {name: tmp_path / name for name in ("full", "file", "link", "new", "target")}
    for name in ("full", "target"):
        places[name].mkdir()
    (places["full"] / "a").touch()
    places["file"].touch()
    places["link"].symlink_to(places["target"])
    before = sorted(tmp_path.rglob("*"))
    assert cli.main(["export", str(study.root), *(one.format(**places) for one in arguments)]) == 2
    said = capsys.readouterr().err
    assert message.format(**places) in said
    assert len(said.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_what_is_stopped_leaves_nothing(study, tmp_path, monkeypatch, stop):
    def fail(*arguments):
        raise stop

    monkeypatch.setattr("disentanglement_study.export.package.package", fail)
    with pytest.raises((KeyboardInterrupt, OSError)):
        export(study, tmp_path / "deep" / "out", CREATED)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert not (tmp_path / "deep" / "out").exists()


def test_a_damaged_job_is_an_error_and_leaves_nothing(tmp_path, capsys):
    study = make_study(tmp_path / "study")
    path = sorted(study.jobs.glob("*/curves.parquet"))[-1]
    path.write_bytes(b"half")
    assert cli.main(["export", str(study.root), str(tmp_path / "out")]) == 2
    assert str(path) in capsys.readouterr().err.replace("\n", "")
    assert [one.name for one in tmp_path.iterdir()] == ["study"]


def test_tables_are_written_in_parts_of_bounded_size(monkeypatch):
    monkeypatch.setattr(tables, "PART", 10)
    one = pa.table({"a": [1, 2, 3, 4]})
    assert [len(part) for part in tables.parts([one] * 7)] == [12, 12, 4]
    assert list(tables.parts([])) == []


def test_every_described_table_has_a_key_of_its_columns():
    assert columns.TABLES.keys() == columns.ABOUT.keys() == columns.KEYS.keys()
    for table, described in columns.TABLES.items():
        names = [one.name for one in described]
        assert len(set(names)) == len(names)
        assert set(columns.KEYS[table]) <= set(names)
        for name, there in columns.REFERENCES.get(table, {}).items():
            assert name in names
            assert columns.KEYS[there] == (name,)


def test_a_column_of_the_study_alone_is_exported_too(tmp_path):
    study = make_study(tmp_path / "study")
    study.plan.assign(cluster="big").to_parquet(study.root / "plan.parquet", index=False)
    export(study, tmp_path / "out", CREATED, "csv")
    assert set(read(tmp_path / "out" / "runs.csv")["cluster"]) == {"big"}
    (about,) = [one for one in fields(tmp_path / "out" / "runs.csv") if one["name"] == "cluster"]
    assert about == {"name": "cluster", "type": "string", "description": "A column that only this study has."}


@pytest.mark.parametrize(
    "command",
    [
        ["run", "quick", "{out}", "--executor", "inline", "--data-dir", "{sets}"],
        ["status", "{out}"],
        ["query", "{out}", "SELECT 1"],
        ["tables", "{out}"],
        ["evaluate", "{out}", "--metrics", "mig"],
        ["retry", "{out}"],
        ["merge", "{out}", "{study}", "{new}"],
        ["doctor", "{out}"],
    ],
    ids=lambda command: command[0],
)
def test_an_export_is_taken_for_no_study(study, tmp_path, dsprites_root, capsys, command):
    places = {"out": tmp_path / "out", "new": tmp_path / "new", "study": study.root, "sets": dsprites_root}
    export(study, places["out"], CREATED)
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    assert cli.main([one.format(**places) for one in command]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path / 'out'} is an export of a study (datapackage.json), not a study: name another folder" in said
    assert len(said.splitlines()) == 1
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before
