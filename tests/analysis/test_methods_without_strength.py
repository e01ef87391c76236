"""A method that has no strength, one representation and no losses, beside one that has them all."""

import contextlib
import json
import re

import numpy as np
import pandas as pd
import pytest
from figure_study import make_study, panel, tick_labels

from disentanglement_study.analysis import figures, models, names, report, rows, tables
from disentanglement_study.analysis.figures import style

TOTAL_CORRELATION = "gaussian_total_correlation"
DATA_SETS = ("dsprites", "cars3d")
# Of each data set: 2 strengths of 4 seeds, and 4 seeds.
OF_BETA_VAE, OF_PCA = 8, 4
TABLES = [name for name in tables.TABLES if name not in tables.OF_AXES | tables.OF_SERIES | tables.OF_HIGGINS_2017]
OTHERS = figures.OF_AXES | figures.OF_SERIES | figures.OF_HIGGINS_2017
FIGURES = [name for name in figures.FIGURES if name not in OTHERS]


def without_strength(study: pd.DataFrame, method: str) -> pd.DataFrame:
    """The runs of a study at their first strength as those of a method that has none."""
    own = study[study["strength"] == study["strength"].min()]
    run_ids = own["data_set"] + "/" + method + "/" + own["seed"].astype(str)
    return own.assign(run_id=run_ids, method=method, strength_name="", strength=0.0)


def both_methods() -> tuple[pd.DataFrame, pd.DataFrame]:
    """β-VAE, whose total correlation is lower where it is sampled, and PCA, which has only means and no losses."""
    whole = make_study(DATA_SETS)
    sampled = (whole["score"] == TOTAL_CORRELATION) & (whole["representation"] == "sampled")
    whole["value"] += 1.0 - sampled
    beta_vae, other = (whole[whole["method"] == method] for method in ("beta_vae", "dip_vae_i"))
    return beta_vae, without_strength(other[other["representation"] == "mean"], "pca")


@pytest.fixture(scope="module")
def parts():
    return both_methods()


@pytest.fixture(scope="module")
def page(study):
    return page_of(study)


@pytest.fixture(scope="module")
def alone(parts):
    return parts[0].reset_index(drop=True)


@pytest.fixture(scope="module")
def study(parts):
    return pd.concat(parts, ignore_index=True)


def page_of(study: pd.DataFrame) -> str:
    """The page of a study of which all is done."""
    plan = study.drop_duplicates("run_id")[["run_id", "data_set", *models.SETTING, "seed"]].assign(hyper="{}")
    done = {"job_id": "0", "status": "done", "run_ids": plan["run_id"].tolist(), "seconds": {"train": 1.0}}
    return report.page(plan.reset_index(drop=True), [done], study)


class TestTables:
    @pytest.mark.parametrize("name", TABLES)
    @pytest.mark.filterwarnings("error")
    def test_every_table_is_computed_and_nothing_is_lacking(self, name, study):
        if name == "fairness_rank_correlation":  # the study has no such score
            with pytest.raises(rows.NothingToDraw, match="no model has both the score fairness"):
                tables.TABLES[name](study)
            return
        table = tables.TABLES[name](study)
        for column in {"failed", "missing"} & set(table):
            assert (table[column] == 0).all()
        if name == "failures":
            assert table.empty
        assert "PCA, " not in tables.render(table)

    def test_all_of_them_are_written(self, study, tmp_path):
        written = tables.write(study, tmp_path)
        others = tables.OF_AXES | tables.OF_SERIES | tables.OF_HIGGINS_2017
        assert set(written.skipped) == {"fairness_rank_correlation", *others}
        text = written.paths[-1].read_text(encoding="utf-8")
        assert "| PCA | 4 |" in text
        assert "| β-VAE, β = 4 | 4 |" in text

    def test_each_model_counts_where_it_can_have_a_score(self, study):
        metrics = tables.rank_correlation(study, representation=None, resamples=0)
        counted = metrics.groupby("representation")["n"].unique().map(list).to_dict()
        assert counted == {"mean": [OF_BETA_VAE + OF_PCA], "sampled": [OF_BETA_VAE]}
        table = tables.unsupervised_rank_correlation(study, resamples=0)
        counted = table.groupby("score_a")["n"].unique().map(list).to_dict()
        assert counted["elbo"] == [OF_BETA_VAE]
        assert counted[TOTAL_CORRELATION] == [OF_BETA_VAE + OF_PCA]

    @pytest.mark.parametrize("name", ["scores_by_method", "scores_by_strength", "strength_rank_correlation"])
    def test_what_is_said_of_one_method_is_as_if_it_were_alone(self, name, study, alone):
        table = tables.TABLES[name](study)
        own = table[table["method"] == "beta_vae"].reset_index(drop=True)
        expected = tables.TABLES[name](alone)
        if name != "strength_rank_correlation":
            assert set(table["method"]) == {"beta_vae", "pca"}
        # The resamples are drawn for all models at once.
        ends = ["low", "high"] if "low" in own else []
        pd.testing.assert_frame_equal(own.drop(columns=ends), expected.drop(columns=ends))

    def test_what_only_one_method_has_is_as_if_it_were_alone(self, study, alone):
        for table in (tables.rank_correlation, tables.unsupervised_rank_correlation):
            found, expected = (table(of, "sampled", resamples=0) for of in (study, alone))
            pd.testing.assert_frame_equal(found, expected)
        claim = "Total correlation is lower for sampled than for mean representations"
        line = tables.paper_vs_measured(study).set_index("claim").loc[claim]
        assert (line["measured"], line["n"]) == (1.0, 2 * OF_BETA_VAE)

    def test_a_method_without_a_strength_has_no_trend(self, study, parts):
        assert set(tables.strength_rank_correlation(study)["method"]) == {"beta_vae"}
        with pytest.raises(rows.NothingToDraw, match="no method has scores at two strengths"):
            tables.strength_rank_correlation(parts[1])
        with pytest.raises(rows.NothingToDraw, match="no method has scores at two strengths"):
            tables.strength_rank_correlation(study[study["strength"] == study["strength"].min()])

    def test_what_fails_or_is_gone_is_counted(self, study):
        lost = (study["run_id"] == "cars3d/pca/0") & (study["metric"] == "mig")
        for odd, counts in ((study.assign(value=study["value"].mask(lost)), (1, 0)), (study[~lost], (0, 1))):
            table = tables.rank_correlation(odd, representation=None, resamples=0)
            assert (table["failed"].max(), table["missing"].max()) == counts
            assert (table[table["representation"] == "sampled"][["failed", "missing"]] == 0).all(axis=None)
        losses = (study["run_id"] == "cars3d/beta_vae/1/0") & (study["metric"] == "training")
        table = tables.unsupervised_rank_correlation(study[~losses], resamples=0)
        assert set(table[table["missing"] == 1]["score_a"]) == {"reconstruction_loss", "kl_loss", "elbo", "loss"}

    def test_a_method_of_which_all_failed_has_failed(self, study):
        own = study["method"] == "pca"
        broken = study[own].drop_duplicates("run_id")
        broken = broken.assign(representation="model", metric="training", score="training", value=np.nan, error="no")
        table = tables.rank_correlation(pd.concat([study[~own], broken]), representation=None, resamples=0)
        assert (table[["n", "failed", "missing"]] == [OF_BETA_VAE, OF_PCA, 0]).all(axis=None)

    def test_a_method_that_is_trained_has_the_losses_that_it_has(self, study):
        loss = study["score"].eq("loss") & study["method"].eq("beta_vae")
        trained = study[study["representation"].eq("mean") | loss]
        trained = without_strength(trained[trained["method"] == "beta_vae"], "a_method")
        table = tables.unsupervised_rank_correlation(pd.concat([study, trained]), resamples=0)
        assert (table[["failed", "missing"]] == 0).all(axis=None)
        counted = table.groupby("score_a")["n"].unique().map(list).to_dict()
        assert (counted["elbo"], counted["loss"]) == ([OF_BETA_VAE], [OF_BETA_VAE + 4])


class TestFigures:
    @pytest.mark.parametrize("name", FIGURES)
    @pytest.mark.filterwarnings("error")
    def test_every_figure_is_drawn(self, name, study):
        figure = figures.FIGURES[name](study)
        with style.look():
            figure.draw_without_rendering()
        assert "n = " in figure.get_suptitle()
        assert not re.search("failed|missing", figure.get_suptitle())
        if "method" in figure.numbers:
            assert set(figure.numbers["method"]) == {"beta_vae", "pca"}
        for legend in figure.legends:
            said = [text.get_text() for text in legend.get_texts()]
            assert not [text for text in said if text.endswith((":", "= 0", ", "))]

    @pytest.mark.parametrize("name", figures.FIGURES)
    @pytest.mark.filterwarnings("error")
    def test_alone_it_is_drawn_or_skipped(self, name, parts):
        with contextlib.suppress(rows.NothingToDraw):  # any other error is a crash
            assert len(figures.FIGURES[name](parts[1]).numbers)

    def test_a_method_without_a_strength_is_one_point_with_its_name(self, study):
        for name in ("median_score_by_strength", "total_correlation", "score_by_strength"):
            figure = figures.FIGURES[name](study)
            assert [text.get_text() for text in figure.legends[0].get_texts()] == ["β-VAE: β = 1, 4", "PCA"]
        axis = panel(figures.FIGURES["median_score_by_strength"](study), "MIG")
        assert [len(line.get_xdata()) for line in axis.lines] == [2, 1]
        assert len(panel(figures.FIGURES["score_by_strength"](study), "MIG").lines) == 3
        by_method = figures.FIGURES["total_correlation_by_method"](study)
        assert [axis.get_title() for axis in by_method.axes[:2]] == ["β-VAE", "PCA"]
        assert [tick_labels(axis.xaxis) for axis in by_method.axes[2:]] == [["β = 1", "4"], [""]]
        figure = figures.FIGURES["score_by_method"](study)
        assert tick_labels(figure.axes[0].yaxis) == ["β-VAE", "PCA"]


class TestReport:
    def test_the_tables_have_both(self, page):
        assert ">β-VAE, PCA<" in page  # of the overview
        assert ">2 per method<" in page
        coverage = page.split('id="coverage"')[1].split("</section>")[0]
        assert re.findall(r"<th scope=\"col\">([^<]*)", coverage) == ["Data set", "β-VAE", "PCA"]
        assert "No score failed" in page

    def test_the_data_have_both(self, page):
        data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1])
        assert data["runs"]["order"]["method"] == ["beta_vae", "pca"]
        assert data["labels"]["method"] == {key: names.METHODS[key] for key in ("beta_vae", "pca")}
        assert data["labels"]["strength"] == {"beta": "β", "": ""}
        cells = [matrix["cells"] for table in data["correlations"] for matrix in table["matrices"]]
        assert len(cells) > 8
        assert not any(sum(matrix["failed"]) + sum(matrix["missing"]) for matrix in cells)
        assert "why" not in data["variance"]
