"""What `docs/how_to/query.md` says is so: its questions are asked of a small study, its tables are those there are."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from disentanglement_study import cli, store
from disentanglement_study.runtime.terminal import OUT
from disentanglement_study.runtime.words import counted
from disentanglement_study.store import columns
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import provenance
from disentanglement_study.study.training_rows import record_failure

PAGE = (Path(__file__).parents[2] / "docs" / "how_to" / "query.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(
    r"^### (.*?)\n(?:(?!^###).)*?^```sql\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE
)
TITLES = [title for title, _, _ in QUESTIONS]


@pytest.fixture(scope="module")
def study(finished_study, dsprites_root, tmp_path_factory):
    """The small study, of which models are compared by seed too, and the last job has failed."""
    folder = shutil.copytree(finished_study, tmp_path_factory.mktemp("page") / "study")
    where = ["--data-dir", str(dsprites_root), "--executor", "inline"]
    assert cli.main(["evaluate", str(folder), "--metrics", "udr", *where]) == 0
    opened = store.open(folder)
    with pytest.raises(RuntimeError) as error, provenance.carried():
        raise RuntimeError("on purpose")
    record_failure(finished_jobs(opened)[-1], folder, error.value, 2)
    return opened


def answer(study, title: str):
    (sql,) = [sql for name, sql, _ in QUESTIONS if name == title]
    return study.query(sql)


def test_the_page_counts_its_questions():
    (number,) = re.findall(r"^## (\d+) questions$", PAGE, re.MULTILINE)
    assert len(QUESTIONS) == PAGE.count("```sql\n") == int(number) >= 10
    assert len(set(TITLES)) == len(TITLES)


@pytest.mark.parametrize("title", TITLES)
def test_every_question_has_an_answer_of_the_form_that_is_printed(study, title):
    found = answer(study, title)
    assert len(found)
    (shown,) = [text for name, _, text in QUESTIONS if name == title]
    head, *rows, last = shown.splitlines()
    assert head.split() == list(found.columns)
    assert last == counted(len(rows), "row")
    assert not found.isna().all().any()  # each column has something to show


def test_answers_are_what_is_asked(study):
    results = study.results()
    mig = results[(results["score"] == "mig") & (results["representation"] == "mean")]
    best = answer(study, TITLES[0])
    assert best["mig"].tolist() == sorted(mig["value"].dropna(), reverse=True)[:3]
    failed = answer(study, "What failed, where, and why?")
    assert failed["why"].tolist() == ["RuntimeError: on purpose"]
    assert len(answer(study, "Which models have no score of a metric?")) == 2
    agree = answer(study, "Which metrics agree?")
    table = results[(results["metric"] == results["score"]) & (results["representation"] == "mean")]
    wide = table.pivot(index="run_id", columns="score", values="value").dropna()
    for row in agree.itertuples():
        expected = wide[row.metric].rank(method="min").corr(wide[row.with_metric].rank(method="min"))
        assert row.spearman == pytest.approx(expected)
        assert row.models == len(wide) == 6
    commits = answer(study, "Which commit made which scores?")
    assert commits["scores"].sum() == len(results)
    assert commits["models"].max() == 8


def test_the_tables_of_the_page_are_those_that_there_are():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|$", PAGE, re.MULTILINE)
    assert dict(rows) == columns.ABOUT
    assert "(../reference/store.md)" in PAGE  # their columns


def test_the_commands_of_the_page_exist():
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(lines) == 3
    for line in lines:
        cli.parser().parse_args(shlex.split(line.partition(" > ")[0], comments=True)[1:])


# The command without SQL.


def test_a_query_without_sql_teaches(study, capsys, monkeypatch):
    monkeypatch.setattr(OUT, "_width", 200)  # a terminal that says it is dumb has 80 columns
    monkeypatch.setattr(OUT, "_height", 100)
    assert cli.main(["query", str(study.root)]) == 0
    said = capsys.readouterr().out
    for table, about in columns.ABOUT.items():
        assert f"{table}: {about}" in said
        for name, kind, text in columns.described(table):
            assert re.search(rf"^{name} +{kind} +{re.escape(text)}", said, re.MULTILINE), (table, name)
    assert "nets.num_latents" in said
    examples = re.findall(r'disentanglement-study query \S+ "(.*?)"', said, re.DOTALL)
    assert len(examples) == 3
    for sql in examples:
        assert len(study.query(sql))


def test_the_help_names_the_tables(capsys):
    with pytest.raises(SystemExit):
        cli.main(["query", "--help"])
    said = capsys.readouterr().out
    for table, about in columns.ABOUT.items():
        assert re.search(rf"^  {table} +{re.escape(about)}$", said, re.MULTILINE)
