"""What `quick` prints at its end, on the results of the quick study that come with the repository."""

import contextlib
from pathlib import Path

import pandas as pd
import pytest
from report_study import make_study

from disentanglement_study import cli
from disentanglement_study.analysis import names, tables
from disentanglement_study.analysis.rows import NothingToDraw, with_method

RESULTS = Path(__file__).parents[2] / "results" / "quick" / "results.parquet"


@pytest.fixture(scope="module")
def results():
    return with_method(pd.read_parquet(RESULTS))


def test_the_models_of_the_quick_study_have_learnt(results):
    of_mean = results[results["representation"] == "mean"]
    best = of_mean[of_mean["score"].isin(["mig", "dci", "factor_vae_score"])].groupby(["method", "score"])["value"]
    best = best.max().unstack()
    assert set(best.index) == set(names.STUDY_METHODS)
    assert (best["factor_vae_score"] > 0.5).all()
    assert (best[["mig", "dci"]].max() > 0.2).all()
    # Some strengths are too strong or too weak: the figures have an effect to show.
    mig = of_mean[of_mean["score"] == "mig"].groupby("method")["value"]
    assert (mig.min() < 2 / 3 * mig.max()).all()


def test_the_best_model_of_each_method_is_that_with_the_highest_score(results):
    table = tables.best_models(results)
    assert list(table["method"]) == list(names.STUDY_METHODS)
    scored = results[(results["representation"] == "mean") & results["score"].isin(["mig", "dci"])]
    for row in table.itertuples():
        of_method = scored[(scored["method"] == row.method) & (scored["score"] == "mig")]
        assert row.mig == of_method["value"].max()
        of_run = scored[(scored["run_id"] == row.run_id)].set_index("score")["value"]
        assert of_run.to_dict() == {"mig": row.mig, "dci": row.dci}
        run = results[results["run_id"] == row.run_id].iloc[0]
        assert (run["strength"], run["seed"]) == (row.strength, row.seed)


def test_a_study_without_the_score_has_no_best_model(results):
    with pytest.raises(NothingToDraw, match="no model has the score mig"):
        tables.best_models(results[results["score"] != "mig"])


def test_claims_that_cannot_be_judged_are_one_line(results):
    table = tables.paper_vs_measured(results)
    rows, line = tables.judged(table, results)
    assert set(rows["holds"]) == {"yes", "no"} & set(table["holds"])
    open_ = (table["holds"] == "not enough data").sum()
    assert 0 < open_ < len(table) == len(rows) + open_
    assert line == (
        f"{open_} of the 16 claims of Locatello et al. 2019 cannot be judged on this study (it has 1 of 7 data sets, "
        "and some intervals are too wide)"
    )
    assert tables.judged(rows, results)[1] == ""
    printed = tables.render(rows, 120)
    assert "not enough data" not in printed
    assert max(map(len, printed.splitlines())) <= 120


def test_what_the_tables_print_fits_120_columns(tmp_path, capsys):
    study = make_study(tmp_path / "study")
    assert cli.main(["tables", str(study.root)]) == 0
    printed = capsys.readouterr().out.splitlines()
    where = str(study.root / "tables" / "tables.md")
    (unjudged,) = [line for line in printed if "cannot be judged" in line]
    why = "(it has 1 of 7 data sets, and some intervals are too wide)"
    assert unjudged.endswith(f"{why}; for what each needs see {where}")
    assert not [line for line in printed if "not enough data" in line]
    assert max(len(line) for line in printed if str(tmp_path) not in line) <= 120


def test_what_is_estimated_lies_in_its_interval(results):
    """Two seeds a setting, where the resamples of seeds say least."""
    checked = []
    for name, table_of in tables.TABLES.items():
        with contextlib.suppress(NothingToDraw):
            table = table_of(results)
            if {"low", "high"} <= {*table}:
                (estimated,) = {"rank_correlation", "adjusted", "measured", "probability", "difference"} & {*table}
                low, value, high = (table[column] for column in ("low", estimated, "high"))
                outside = (low > value + 1e-12) | (value > high + 1e-12)  # unknown ends are NaN, and neither
                assert not outside.any(), name
                checked.append(name)
    assert {"variance_explained", "rank_correlation", "seeds_needed", "paper_vs_measured"} <= {*checked}
