"""Queries in SQL: they read the study, and nothing else."""

import re
import signal
import subprocess
import sys
import time

import duckdb
import pytest
from report_study import make_study
from waiting import HANG, until

from disentanglement_study import cli
from disentanglement_study.store import Store
from disentanglement_study.store.sql import ONLY_THE_TABLES


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("queries") / "study [beta=4]")


def test_the_views_are_what_the_methods_give(study):
    results, answer = study.results(), study.query("SELECT * FROM results")
    assert set(answer.columns) == {*results.columns, "objective"}  # the method, by its name of before
    assert len(answer) == len(results) > 100
    mean = study.query("SELECT avg(value) AS mean FROM results WHERE score = 'mig' AND NOT isnan(value)")["mean"][0]
    assert mean == pytest.approx(results.loc[results["score"] == "mig", "value"].mean())
    assert study.query("SELECT count(*) AS n FROM curves")["n"][0] == len(study.rows("curves"))
    assert study.query("SELECT count(*) AS n FROM runs")["n"][0] == len(study.plan)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{root}/plan.parquet'",
        "COPY scores TO '{root}/new.csv'",
        "EXPORT DATABASE '{root}/new'",
        "IMPORT DATABASE '{root}'",
        "SELECT * FROM read_text('{root}/study.gin')",
        "SELECT * FROM read_parquet('{root}/plan.parquet')",
        "SELECT * FROM '{root}/plan.parquet'",
        "SELECT * FROM glob('{root}/*')",
        "ATTACH '{root}/new.db' AS new",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CREATE TABLE t AS SELECT 1; COPY t TO '{root}/new.csv'",
    ],
)
def test_a_query_neither_reads_nor_writes_files(study, sql):
    before = {path: path.read_bytes() for path in study.root.rglob("*") if path.is_file()}
    sql = sql.replace("{root}", str(study.root))
    with pytest.raises(ValueError, match=r"^query: a query can only read the study: "):
        study.query(sql)
    # Nor would DuckDB itself.
    with duckdb.connect(config=ONLY_THE_TABLES) as connection, pytest.raises(duckdb.PermissionException):
        connection.execute("CREATE TABLE scores (a INTEGER)").execute(sql)
    assert {path: path.read_bytes() for path in study.root.rglob("*") if path.is_file()} == before


def test_settings_are_locked_and_variables_of_the_program_are_not_tables(study):
    secret = study.plan
    assert len(secret)
    setting = "SET enable_external_access = true"
    with pytest.raises(ValueError, match="can only read the study"):
        study.query(setting)
    with duckdb.connect(config=ONLY_THE_TABLES) as connection, pytest.raises(duckdb.Error, match="locked"):
        connection.execute(setting)
    with pytest.raises(ValueError, match="secret does not exist"):
        study.query("SELECT * FROM secret")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1; SELECT 2", "give one statement, got 2"),
        ("-- nothing", "the SQL is empty"),
        ("SELECT 1; DROP VIEW runs", "can only read the study: SELECT"),
        ("CREATE TABLE x AS SELECT 1", "can only read the study: SELECT"),
    ],
)
def test_a_query_is_one_question(study, sql, message):
    with pytest.raises(ValueError, match=message):
        study.query(sql)


@pytest.mark.parametrize(
    "sql", ["SHOW TABLES", "DESCRIBE runs", "EXPLAIN SELECT 1", "PIVOT runs ON seed USING count(*)"]
)
def test_a_question_need_not_be_a_select(study, sql):
    assert len(study.query(sql))


def test_the_command_ends_in_peace(study):
    program = [sys.executable, "-m", "disentanglement_study", "query", str(study.root)]
    for sql, code, lines in (("SELECT 1 AS one", 0, 0), ("SELEC 1", 2, 1)):
        ended = subprocess.run([*program, sql], capture_output=True, text=True)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (code, lines), ended.stderr


@pytest.mark.parametrize(
    ("sql", "ends"),
    [
        ("SELECT valu FROM results", 'column "valu" not found in FROM clause. Did you mean "value"?'),
        ("SELECT r.valu FROM results r", 'does not have a column named "valu". Did you mean "value"?'),
        ("SELECT 1 FROM curves ORDER BY stp", 'not found in FROM clause. Did you mean "step", "term"?'),
        ("SELECT 1 FROM result", 'Table with name result does not exist! Did you mean "results"?'),
        ("SELECT method, avg(value) FROM results", 'if the exact value of "method" is not important.'),
    ],
)
def test_what_duckdb_advises_is_said(study, sql, ends):
    with pytest.raises(ValueError, match=f"^query: .*{re.escape(ends)}$") as refused:
        study.query(sql)
    assert "quotes" not in str(refused.value)


@pytest.mark.parametrize(("quoted", "sign"), [("‘mig’", "‘"), ("“mig”", "“"), ("`mig`", "`"), ("‘two words’", "‘")])
def test_quotes_of_a_word_processor_are_told_to_be_none(study, quoted, sign):
    expected = re.escape(f"{sign} is not a quotation mark of SQL: put a text in single quotes ('mig').")
    with pytest.raises(ValueError, match=f"^query: .*{expected}$"):
        study.query(f"SELECT * FROM results WHERE score = {quoted}")
    assert study.query(f"SELECT '{quoted}' AS one")["one"][0] == quoted  # in a text they may be
    with pytest.raises(ValueError, match=r'Did you mean "value"\?$'):
        study.query(f"SELECT valu FROM results WHERE score = '{quoted}'")


def test_a_text_in_double_quotes_and_a_setting_in_none_are_told_how_they_are_written(study):
    with pytest.raises(ValueError, match=r"put a text in single quotes, 'mig'\. Did you mean \"met"):
        study.query('SELECT * FROM results WHERE metric = "mig"')
    name = next(name for name in study.plan if "." in name)
    with pytest.raises(ValueError, match=rf'Put a column name with a dot in double quotes: "{name}"\.$'):
        study.query(f"SELECT {name} FROM runs")
    assert len(study.query(f'SELECT "{name}" FROM runs')) == len(study.plan)
    with pytest.raises(ValueError, match=r"not found .*\. All runs have its default value\.$"):
        study.query('SELECT "train.precision" FROM results')
    with pytest.raises(ValueError, match=r"not found .*\. It is a column of runs\.$"):
        study.query('SELECT "train.batch_size" FROM scores')
    with pytest.raises(ValueError, match=r'Referenced table "foo" not found! Candidate tables: "runs"$'):
        study.query("SELECT foo.bar FROM runs")


BEGUN = """
import sys
from disentanglement_study import cli
from disentanglement_study.store import sql

answer = sql.answer
sql.answer = lambda *given: (print("begun", flush=True), answer(*given))[1]
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_query_that_takes_long_can_be_stopped(study, number):
    endless = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"
    program = [sys.executable, "-c", BEGUN, "query", str(study.root), endless]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(program, start_new_session=True, **pipes)
    until(process, "begun")
    time.sleep(1)  # for DuckDB to be at it; if it is not, the command ends the same
    process.send_signal(number)
    _, said = process.communicate(timeout=HANG)
    assert process.returncode == 130
    assert said.splitlines() == ["stopped; nothing finished is lost: the same command goes on from here"]


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT [1, 2] AS x", [1, 2]),
        ("SELECT [[1.5], NULL] AS x", [[1.5], None]),
        ("SELECT {'a': 1, 'b': [2]} AS x", {"a": 1, "b": [2]}),
        ("SELECT map {'a': 1} AS x", {"a": 1}),
        ("SELECT list(seed ORDER BY seed) AS x FROM (SELECT DISTINCT seed FROM results)", [0, 1, 2]),
    ],
)
def test_lists_structs_and_maps_are_shown(study, sql, value, capsys):
    assert study.query(sql)["x"][0] == value
    assert cli.main(["query", str(study.root), sql]) == 0
    assert str(value) in capsys.readouterr().out
    assert cli.main(["query", str(study.root), sql, "--csv"]) == 0
    assert str(value) in capsys.readouterr().out.replace('"', "")


@pytest.mark.parametrize(
    "sql", ["SELECT NULL AS w, DATE '2020-01-01' AS d", "SELECT 1 AS a, 2 AS a", "SELECT 'x' AS \"[/x]\""]
)
def test_unusual_columns_are_shown(study, sql):
    assert cli.main(["query", str(study.root), sql]) == 0


def test_an_empty_study_has_empty_views(tmp_path):
    settings_only = make_study(tmp_path / "whole")
    empty = Store(tmp_path / "empty")
    empty.create(settings_only.plan, settings_only.text, "{}")
    assert empty.query("SELECT count(*) AS n FROM results")["n"][0] == 0
