"""Two studies run for run: which runs are the same, and what is said of their scores."""

import dlib_results
import numpy as np
import pandas as pd
import pytest

from disentanglement_study import cli, store
from disentanglement_study.analysis.beside import beside
from disentanglement_study.analysis.rows import NothingToDraw


def results(values, numbers=None, prefix="a", **changed) -> pd.DataFrame:
    """One score of so many runs, whose ids have this prefix."""
    rows = pd.DataFrame({
        "run_id": [f"{prefix}{place}" for place in range(len(values))],
        "dlib_model_num": pd.array([None] * len(values) if numbers is None else numbers, dtype="Int64"),
        "data_set": "dsprites", "method": "beta_vae", "strength_name": "beta", "strength": 4.0,
        "seed": range(len(values)), "representation": "mean", "metric": "mig", "score": "mig",
        "value": values, "error": pd.array([None] * len(values), dtype="string"),
    })  # fmt: skip
    return rows.assign(**changed)


def test_means_difference_and_correlation_are_those_of_the_common_runs():
    here, there = results([0.1, 0.4, 0.3, 0.9]), results([0.2, 0.4, 0.1, 0.5, 0.7])
    found = beside(here, there)
    (row,) = found.summary.to_dict("records")
    assert row["n"] == 4
    assert row["mean_here"] == pytest.approx(0.425)
    assert row["mean_there"] == pytest.approx(0.3)
    assert row["mean_difference"] == pytest.approx(0.125)
    assert row["rank_correlation"] == pytest.approx(0.8)  # 1 - 6 (1 + 1) / (4 · 15)... of ranks 1 3 2 4 and 2 3 1 4
    assert row["low"] < 0.125 < row["high"]
    assert found.by_run["difference"].tolist() == pytest.approx([-0.1, 0.0, 0.2, 0.4])


def test_the_interval_is_that_of_a_mean_of_normal_differences():
    draws = np.random.default_rng(0)
    there = draws.random(400)
    here = there + 0.1 + 0.05 * draws.normal(size=400)
    (row,) = beside(results(here), results(there), resamples=2000).summary.to_dict("records")
    half = 1.96 * np.std(here - there, ddof=1) / 20
    assert (row["high"] - row["low"]) / 2 == pytest.approx(half, rel=0.08)


def test_runs_are_the_same_by_number_else_by_id():
    here = results([1.0, 2.0, 3.0, 4.0], [10, 11, None, 13])
    there = results([10.0, 20.0, 30.0, 40.0], [11, 10, 12, None])
    there["run_id"] = ["x", "a1", "a2", "a3"]
    found = beside(here, there).by_run
    pairs = dict(zip(found["here"], found["there"], strict=True))
    # 10 and 11 by number, though an id is the same; the others by id, as one of the two has no number.
    assert pairs == {1.0: 20.0, 2.0: 10.0, 3.0: 30.0, 4.0: 40.0}


def test_failures_and_other_scores_are_not_compared():
    here, there = results([0.1, 0.2, np.nan]), results([0.3, 0.4, 0.5])
    there.loc[1, "error"] = "boom"
    assert beside(here, there).by_run["run_id"].tolist() == ["a0"]
    (row,) = beside(here, there).summary.to_dict("records")
    assert np.isnan([row["low"], row["high"], row["rank_correlation"]]).all()
    with pytest.raises(NothingToDraw, match="have 1 run in common, but no score"):
        beside(here, there.assign(score="dci", metric="dci"))
    with pytest.raises(NothingToDraw, match="no run in common"):
        beside(here, results([0.1], prefix="b"))


def test_methods_representations_and_data_sets_stay_apart():
    kinds = [
        {}, {"method": "pca"}, {"representation": "sampled"}, {"data_set": "cars3d"}, {"score": "dci", "metric": "dci"},
    ]  # fmt: skip
    parts = [results([0.1, 0.2], prefix=f"{place}", **kind) for place, kind in enumerate(kinds)]
    whole = pd.concat(parts, ignore_index=True)
    found = beside(whole, whole).summary
    assert len(found) == len(parts)
    assert set(found["n"]) == {2}
    assert set(found["mean_difference"]) == {0.0}


def test_published_results_beside_those_of_another_program(tmp_path, capsys):
    numbers = (0, 1, 2, 350)
    contents = {path: one for number in numbers for path, one in dlib_results.files(number, ["mig"]).items()}
    moved = {path: dict(one) for path, one in contents.items() if not path.startswith("350/")}
    for one in moved.values():
        one["evaluation_results.discrete_mig"] += 0.25
    for name, of in (("here", moved), ("there", contents)):
        output = dlib_results.write(tmp_path / f"output_{name}", of)
        assert cli.main(["import", "disentanglement_lib", str(output), str(tmp_path / name)]) == 0
    capsys.readouterr()
    assert cli.main(["tables", str(tmp_path / "here"), "--beside", str(tmp_path / "there")]) == 0
    said = capsys.readouterr().out
    assert "3 runs that both studies have are compared." in said
    assert "+0.250 to +0.250" in said
    by_run = pd.read_csv(tmp_path / "here" / "tables" / "beside_by_run.csv")
    mig = by_run[by_run["score"] == "mig"]
    assert sorted(mig["dlib_model_num"]) == [0, 0, 1, 1, 2, 2]
    assert mig["difference"].to_numpy() == pytest.approx(0.25)
    assert by_run.loc[by_run["metric"] == "training", "difference"].eq(0).all()
    summary = pd.read_csv(tmp_path / "here" / "tables" / "beside.csv")
    assert set(summary["n"]) == {3}
    assert cli.main(["tables", str(tmp_path / "here"), "--beside", str(tmp_path / "nowhere")]) == 2
    assert "holds no study" in capsys.readouterr().err
    names = ("beside.csv", "beside_by_run.csv")
    assert cli.main(["tables", str(tmp_path / "here")]) == 0
    said = capsys.readouterr().out
    assert "beside.csv and beside_by_run.csv are from an earlier --beside, and may be out of date" in said
    assert all((tmp_path / "here" / "tables" / name).is_file() for name in names)
    other = dlib_results.write(tmp_path / "output_other", dict(dlib_results.files(700, ["mig"])))
    assert cli.main(["import", "disentanglement_lib", str(other), str(tmp_path / "other")]) == 0
    assert cli.main(["tables", str(tmp_path / "here"), "--beside", str(tmp_path / "other")]) == 2
    assert "no run in common" in capsys.readouterr().err
    assert not any((tmp_path / "here" / "tables" / name).exists() for name in names)


def test_a_study_beside_itself_is_the_same(study_copy):
    opened = store.open(study_copy).results()
    found = beside(opened, opened)
    assert found.by_run["run_id"].nunique() == len(store.open(study_copy).plan)
    assert found.by_run["difference"].eq(0).all()


@pytest.mark.parametrize("command", ["tables", "figures"])
def test_a_study_is_not_compared_with_itself(command, finished_study, capsys):
    same = finished_study / ".." / finished_study.name
    assert cli.main([command, str(finished_study), "--beside", str(same)]) == 2
    assert capsys.readouterr().err == f"error: {same} is named twice: --beside compares a study with another one\n"
    assert not (finished_study / command).exists()
