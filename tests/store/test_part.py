"""Of a study that is not whole an answer says how much of it it is from."""

import pytest
from report_study import make_study

from disentanglement_study import cli
from disentanglement_study.store import Store
from disentanglement_study.store.part import part

SQL = "SELECT method, avg(value) AS mig FROM results WHERE score = 'mig' GROUP BY ALL"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("part") / "study")


def asked(study, *arguments, capsys):
    assert cli.main(["query", str(study.root), *arguments]) == 0
    return capsys.readouterr()


def test_a_query_says_on_stderr_what_it_lacks_and_its_answer_stays_as_it_is(study, capsys):
    done, failed, planned = len(study.run_ids("done")), len(study.run_ids("failed")), len(study.plan)
    left = planned - done - failed
    assert min(done, left) > 1
    line = f"from {done} of {planned} runs: {left} are not done, {failed} have failed (`status {study.root}`)\n"
    shown = asked(study, SQL, capsys=capsys)
    assert shown.err == line
    assert "from" not in shown.out
    shown = asked(study, SQL, "--csv", capsys=capsys)
    assert shown.err == line
    assert shown.out.splitlines()[0] == "method,mig"
    assert len(shown.out.splitlines()) == 1 + study.query(SQL).shape[0]


@pytest.mark.parametrize("view", ["scores", "curves", "jobs", "rescored"])
def test_every_view_of_what_has_ended_is_of_a_part(study, view, capsys):
    assert asked(study, f"SELECT count(*) FROM {view}", capsys=capsys).err.startswith("from ")


def test_the_plan_is_whole(study, capsys):
    assert asked(study, "SELECT count(*) FROM runs", capsys=capsys).err == ""
    assert asked(study, capsys=capsys).err == ""  # the tables: no answer


def test_a_whole_study_says_nothing(finished_study, capsys):
    for sql in (SQL, "SELECT * FROM curves"):
        assert asked(Store(finished_study), sql, "--csv", capsys=capsys).err == ""


def test_tables_and_figures_say_it_too(study, capsys):
    for command in (["tables"], ["figures", "--paper", "higgins2017"]):
        assert cli.main([command[0], str(study.root), *command[1:]]) == 0
        assert capsys.readouterr().out.startswith(f"from {len(study.run_ids('done'))} of {len(study.plan)} runs: ")


def test_one_is_not_many(study):
    plan = study.plan.head(3)
    first, second, third = ([run_id] for run_id in plan["run_id"])
    done, failed = ({"run_ids": ids, "status": status} for ids, status in ((first, "done"), (second, "failed")))
    assert part(plan, [done, failed]) == "from 1 of 3 runs: 1 is not done, 1 has failed"
    assert part(plan, [done | {"run_ids": first + third}, failed]) == "from 2 of 3 runs: 1 has failed"
    assert part(plan, [done | {"run_ids": [*first, *second, *third, "of no plan"]}]) == ""
    assert part(plan.head(1), []) == "from 0 of 1 run: 1 is not done"
