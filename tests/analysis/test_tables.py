"""Tables and figures of planted results: what is known to be in the rows must be what comes out."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from disentanglement_study import metrics as registry
from disentanglement_study.analysis import layouts, names, rows, tables, text

STRENGTHS = {
    "beta_vae": ("beta", [1.0, 4.0, 16.0]),
    "annealed_vae": ("c_max", [5.0, 25.0, 100.0]),
    "factor_vae": ("gamma", [10.0, 30.0, 100.0]),
    "beta_tc_vae": ("beta", [1.0, 4.0, 10.0]),
    "dip_vae_i": ("lambda_od", [1.0, 5.0, 50.0]),
    "dip_vae_ii": ("lambda_od", [1.0, 5.0, 50.0]),
    "new_method": ("weight", [0.1, 1.0, 10.0]),
}
NO_HEADLINE = {"dci_es", "info_mec", "r2", "unified_scores", "unsupervised"}
METRICS = ("beta_vae_score", "factor_vae_score", "mig", "dci", "modularity", "sap_score")
OF_STUDY = [name for name in tables.TABLES if name not in tables.OF_AXES | tables.OF_SERIES | tables.OF_HIGGINS_2017]
# Of a study without any of these.
SKIPPED = dict.fromkeys(tables.OF_SERIES, "no data set has the option seed") | {
    "paired_differences": "no two models differ only in one setting: the sweep has no axis besides strength and seed",
    "systems": "no model has the higgins_score of the mean representation",
    "best_normalised_beta": "no model was given beta_vae.normalised_beta, only beta",
    "claims_higgins2017": "no model was given beta_vae.normalised_beta, only beta",
}
HEADLINES = [metric for metric in registry.METRICS if metric not in NO_HEADLINE] + [*names.INFO_MEC, *names.DCI_ES]
TRACEBACK = 'Traceback (most recent call last):\n  File "dci.py", line 1\nValueError: codes are constant\n'


def make_study(methods=tuple(STRENGTHS), strengths=3, seeds=2, data_sets=("dsprites",), metrics=METRICS):
    """Results in the store's columns with random scores in (0, 1) and nothing failed."""
    rng = np.random.default_rng(0)
    scores = [(r, m, m) for r in ("mean", "sampled") for m in metrics]
    scores += [(r, "dci", "completeness") for r in ("mean", "sampled") if "dci" in metrics]
    scores += [(r, "unsupervised", "gaussian_total_correlation") for r in ("mean", "sampled")]
    scores += [("model", "training", s) for s in ("reconstruction_loss", "kl_loss", "elbo", "loss")]
    table = [
        {
            "run_id": f"{data_set}/{method}/{strength}/{seed}",
            "data_set": data_set,
            "method": method,
            "strength_name": STRENGTHS[method][0],
            "strength": strength,
            "seed": seed,
            "representation": representation,
            "metric": metric,
            "score": score,
            "value": rng.uniform(),
            "n": 10_000,
            "protocol": "dlib",
            "metric_version": "1",
            "versions": "",
            "seconds": 0.1,
            "error": None,
        }
        for data_set in data_sets
        for method in methods
        for strength in STRENGTHS[method][1][:strengths]
        for seed in range(seeds)
        for representation, metric, score in scores
    ]
    return pd.DataFrame(table)


def make_large_study():
    """Every metric with its headline and many other scores, some under names that several metrics use."""
    study = make_study(strengths=2, metrics=[metric for metric in registry.METRICS if metric not in NO_HEADLINE])
    model = study.drop_duplicates(["run_id", "representation"]).query("representation != 'model'")
    others = [(metric, score) for metric in registry.METRICS for score in ("num_active_dims", "train_accuracy")]
    others += [(metric, score) for metric, scores in names.INSTEAD.items() for score in scores]
    others += [("unified_scores", f"importance_gbt.mig.factor_{k}") for k in range(100)]
    others += [("downstream_boosted_trees", f"test_accuracy.n_100.factor_{k}") for k in range(50)]
    more = model.drop(columns=["metric", "score"]).merge(pd.DataFrame(others, columns=["metric", "score"]), how="cross")
    return pd.concat([study, more.assign(value=np.random.default_rng(1).uniform(size=len(more)))], ignore_index=True)


@pytest.fixture(scope="module")
def large():
    return make_large_study()


@pytest.fixture
def study():
    return make_study()


@pytest.fixture(scope="module")
def whole():
    """A study that allows every table."""
    study = make_study(strengths=2, seeds=3, data_sets=("dsprites", "cars3d"), metrics=(*METRICS, "fairness"))
    more = study[study["metric"] == "mig"].assign(metric="downstream_boosted_trees")
    scores = ["mean_test_accuracy.n_100", "statistical_efficiency"]
    return pd.concat([study, *(more.assign(score=score) for score in scores)], ignore_index=True)


def where(results, score, representation="mean"):
    return (results["score"] == score) & (results["representation"] == representation)


def cell(table, score_a, score_b):
    return table[(table["score_a"] == score_a) & (table["score_b"] == score_b)].squeeze()


class TestNames:
    def test_every_metric_has_a_name(self):
        assert {*registry.METRICS, "udr"} <= names.METRICS.keys()
        assert len(set(names.SCORES.values())) == len(names.SCORES)

    def test_a_method_without_a_strength_has_no_name_of_one(self):
        assert names.strength("") == names.strength("", 0.0) == ""
        assert (names.strength("beta"), names.strength("c_max", 5.0)) == ("β", "c_max = 5")

    def test_the_scores_that_are_shown_in_place_of_a_headline_are_there(self):
        rng = np.random.default_rng(0)
        factors = rng.integers(3, size=(60, 2))
        codes = factors + rng.normal(size=(60, 2))
        assert names.INFO_MEC.keys() <= registry.info_mec(codes, factors, codes, factors).keys()
        assert names.DCI_ES.keys() <= registry.dci_es(codes, factors, codes, factors).keys()


class TestAllMetrics:
    """Hundreds of scores a model: tables and figures show the headlines, each by itself."""

    def test_correlations_are_of_headlines(self, large):
        for table in (tables.rank_correlation, tables.unsupervised_rank_correlation):
            assert set(table(large, resamples=0)["score_b"]) == set(HEADLINES)
        table = tables.rank_correlation(large, resamples=0)
        assert list(table["score_a"].unique()) == names.in_order(HEADLINES, names.SCORES)
        assert (table["n"] == large["run_id"].nunique()).all()

    def test_summaries_pool_no_two_scores(self, large):
        table = tables.scores_by_method(large).query("representation == 'mean'")
        assert list(table["score"].unique()) == names.in_order(HEADLINES, names.SCORES)
        assert (table["n"] == 4).all()
        info_e = large[where(large, "info_e") & (large["method"] == "beta_vae")]
        line = table.query("score == 'info_e' and method == 'beta_vae'").squeeze()
        assert line["metric"] == "info_mec"
        assert line["median"] == pytest.approx(info_e["value"].median())

    @pytest.mark.parametrize("name", ["scores_by_method", "scores_by_strength"])
    def test_text_stays_narrow(self, name, large):
        text = tables.render(tables.TABLES[name](large))
        assert all(len(line) <= 100 for line in text.splitlines())
        assert "Unfairness" in text
        assert "InfoE" in text


class TestTables:
    def test_planted_rank_correlation_is_recovered(self, study):
        mig = study.loc[where(study, "mig"), "value"].to_numpy()
        study.loc[where(study, "dci"), "value"] = np.exp(mig)
        study.loc[where(study, "sap_score"), "value"] = -(mig**3)
        table = tables.rank_correlation(study)
        assert cell(table, "mig", "dci")["rank_correlation"] == pytest.approx(1)
        assert cell(table, "sap_score", "mig")["rank_correlation"] == pytest.approx(-1)
        modularity = study.loc[where(study, "modularity"), "value"]
        pair = cell(table, "mig", "modularity")
        assert pair["rank_correlation"] == pytest.approx(scipy.stats.spearmanr(mig, modularity).statistic)
        assert pair["low"] < pair["rank_correlation"] < pair["high"]
        assert pair["n"] == 42
        assert list(table["score_a"].unique()) == list(METRICS)

    def test_planted_unsupervised_rank_correlation_is_recovered(self, study):
        elbo = study.loc[where(study, "elbo", "model"), "value"].to_numpy()
        study.loc[where(study, "mig"), "value"] = elbo**2
        study.loc[where(study, "gaussian_total_correlation"), "value"] = -elbo
        table = tables.unsupervised_rank_correlation(study, resamples=0)
        assert cell(table, "elbo", "mig")["rank_correlation"] == pytest.approx(1)
        assert cell(table, "gaussian_total_correlation", "mig")["rank_correlation"] == pytest.approx(-1)
        assert set(table["score_b"]) == set(METRICS)
        assert table["low"].isna().all()

    def test_udr_stands_beside_the_metrics_and_among_what_needs_no_labels(self, study):
        mig = study[study["metric"] == "mig"]
        udr = [mig.assign(metric="udr", score=score, value=sign * mig["value"])
               for score, sign in (("udr", -1), ("udr_lasso", 1))]  # fmt: skip
        both = pd.concat([study, *udr])
        table = tables.rank_correlation(both, resamples=0)
        assert list(table["score_a"].unique()) == [*METRICS, "udr"]
        assert cell(table, "mig", "udr")["rank_correlation"] == pytest.approx(-1)
        assert list(tables.unsupervised_rank_correlation(both, resamples=0)["score_a"].unique())[:2] == [
            "udr",
            "udr_lasso",
        ]
        assert "udr" not in set(tables.variance_explained(both, resamples=0)["score"])

    def test_representations_and_data_sets_stay_apart(self):
        study = make_study(methods=("beta_vae", "factor_vae"), data_sets=("cars3d", "dsprites"))
        table = tables.rank_correlation(study, representation=None, resamples=0)
        groups = table.groupby(["data_set", "representation"], sort=False)
        assert list(groups.groups) == [
            ("dsprites", "mean"),
            ("dsprites", "sampled"),
            ("cars3d", "mean"),
            ("cars3d", "sampled"),
        ]
        assert groups["n"].unique().map(list).tolist() == [[12]] * 4
        one = tables.rank_correlation(study[study["data_set"] == "cars3d"], "sampled", resamples=0)
        pd.testing.assert_frame_equal(groups.get_group(("cars3d", "sampled")).reset_index(drop=True), one)

    def test_summaries_are_medians_and_quartiles(self, study):
        rows_of = study[where(study, "mig") & (study["method"] == "beta_vae")]
        line = tables.scores_by_method(study).query(
            "representation == 'mean' and metric == 'mig' and method == 'beta_vae'"
        )
        expected = [*np.quantile(rows_of["value"], [0.5, 0.25, 0.75]), 6]
        np.testing.assert_allclose(line[["median", "lower_quartile", "upper_quartile", "n"]].squeeze(), expected)
        by_strength = tables.scores_by_strength(study).query(
            "representation == 'mean' and metric == 'mig' and method == 'beta_vae'"
        )
        assert list(by_strength["strength"]) == [1.0, 4.0, 16.0]
        assert list(by_strength["n"]) == [2, 2, 2]
        assert list(by_strength["median"]) == pytest.approx(list(rows_of.groupby("strength")["value"].median()))

    def test_failures_are_counted_and_excluded(self, study):
        failed = study["run_id"] == "dsprites/beta_vae/1.0/0"
        study.loc[failed & (study["metric"] == "dci"), ["value", "error"]] = [np.nan, TRACEBACK]
        study.loc[failed & where(study, "mig"), "error"] = "out of memory\nsecond line"
        study.loc[failed & where(study, "sap_score"), "value"] = np.inf
        table = tables.rank_correlation(study, resamples=0)
        assert cell(table, "modularity", "beta_vae_score")["n"] == 42
        assert [cell(table, "modularity", score)["n"] for score in ("dci", "mig", "sap_score")] == [41, 41, 41]
        counted = tables.failures(study)
        assert counted[["representation", "metric", "models", "rows", "reason"]].to_numpy().tolist() == [
            ["mean", "mig", 1, 1, "out of memory"],
            ["mean", "dci", 1, 2, "ValueError: codes are constant"],
            ["mean", "sap_score", 1, 1, "the value is inf and no error was recorded"],
            ["sampled", "dci", 1, 2, "ValueError: codes are constant"],
        ]
        assert "n = 41–42 models" in tables.render(table)

    def test_a_model_without_one_of_two_representations_is_in_no_share_of_the_two(self, study):
        sampled = where(study, "gaussian_total_correlation", "sampled")
        study["value"] += 1.0 - sampled
        failed = sampled & (study["run_id"] == study["run_id"].iloc[0])
        table = tables.paper_vs_measured(study.assign(value=study["value"].mask(failed)))
        line = table[table["claim"].str.startswith("Total correlation is lower")].squeeze()
        assert (line["measured"], line["n"]) == (1.0, 35)  # of 36: the seventh method is not the paper's

    def test_an_empty_error_is_no_error(self, study):
        for empty in ("", float("nan")):
            assert tables.failures(study.assign(error=empty)).empty

    @pytest.mark.parametrize("name", OF_STUDY)
    def test_categorical_columns_are_the_same(self, name, whole):
        text = whole.columns[whole.map(lambda value: isinstance(value, str)).all()]
        table = tables.TABLES[name](whole.astype(dict.fromkeys(text, "category")))
        pd.testing.assert_frame_equal(table, tables.TABLES[name](whole), check_dtype=False)

    @pytest.mark.parametrize("name", OF_STUDY)
    def test_results_with_the_column_of_before_are_the_same(self, name, whole):
        before = whole.rename(columns={"method": "objective"})
        pd.testing.assert_frame_equal(tables.TABLES[name](before), tables.TABLES[name](whole))

    def test_a_column_of_before_beside_that_of_now_is_left_alone(self, study):
        both = study.assign(objective="another thing")
        assert rows.with_method(both) is both
        assert rows.with_method(study) is study
        assert list(rows.checked(study.rename(columns={"method": "objective"}))) == list(study)

    @pytest.mark.parametrize("models", [1, 2])
    @pytest.mark.filterwarnings("error")
    def test_too_few_models_give_a_note(self, study, models):
        few = study[study["run_id"].isin(study["run_id"].unique()[:models])]
        table = tables.rank_correlation(few)
        assert table["rank_correlation"].isna().all()
        text = tables.render(table)
        assert f"n = {models} model" in text
        assert "fewer than 3 models" in text

    @pytest.mark.parametrize("is_without_diagonal", [False, True])
    def test_a_matrix_has_its_columns_in_the_order_of_its_rows(self, study, is_without_diagonal):
        table = tables.rank_correlation(study, resamples=0)
        (section,) = layouts.sections(table[table["score_a"] != table["score_b"]] if is_without_diagonal else table)
        cells = section.cells.set_index("")
        assert list(cells.columns) == list(cells.index)
        numbers = table.set_index(["score_a", "score_b"])["rank_correlation"]
        keys = list(dict.fromkeys(table["score_a"]))
        for row, a in enumerate(keys):
            for column, b in enumerate(keys):
                expected = "" if a == b and is_without_diagonal else str(round(100 * numbers[a, b]))
                assert cells.iloc[row, column] == expected
        assert section.note == ""

    def test_the_diagonal_of_data_sets_is_empty(self):
        table = tables.data_set_rank_correlation(make_study(data_sets=("dsprites", "cars3d")), resamples=0)
        for section in layouts.sections(table):
            assert [section.cells.iloc[place, place + 1] for place in range(2)] == ["", ""]

    def test_missing_metrics_are_left_out(self):
        table = tables.rank_correlation(make_study(metrics=("mig", "dci")), resamples=0)
        assert len(table) == 4
        with pytest.raises(rows.NothingToDraw, match="headline score and one that needs no labels"):
            tables.unsupervised_rank_correlation(make_study(metrics=()), resamples=0)

    def test_two_protocols_are_not_averaged(self, study):
        twice = pd.concat([study, study.assign(protocol="paper")])
        with pytest.raises(ValueError, match=r"2 times .*protocol: dlib, paper"):
            tables.rank_correlation(twice)

    @pytest.mark.parametrize("name", OF_STUDY)
    def test_every_table(self, name, whole):
        table = tables.TABLES[name](whole)
        assert isinstance(table, pd.DataFrame)
        assert all(len(line) <= 100 for line in tables.render(table).splitlines())
        assert "n = " in tables.render(table)
        pd.testing.assert_frame_equal(table, tables.TABLES[name](whole.sample(frac=1, random_state=0)))

    @pytest.mark.parametrize("name", [name for name in OF_STUDY if name not in ("failures", "paper_vs_measured")])
    def test_models_without_a_score_are_counted(self, name, whole):
        if name == "transfer_pairs":
            pytest.skip("its summary counts them")
        lost = (whole["run_id"] == whole["run_id"].iloc[0]) & (
            (whole["representation"] == "model") == (name == "training_scores")
        )
        failed = whole.assign(value=whole["value"].where(~lost), error=whole["error"].where(~lost, "broken"))
        for study, counts in ((failed, (1, 0)), (whole[~lost], (0, 1))):
            table = tables.TABLES[name](study)
            assert (table["failed"].max(), table["missing"].max()) == counts

    @pytest.mark.parametrize("name", OF_STUDY)
    @pytest.mark.parametrize("column", rows.COLUMNS)
    def test_a_missing_column_is_named(self, name, column, study):
        with pytest.raises(ValueError, match=f"lack {column}:"):
            tables.TABLES[name](study.drop(columns=column))

    @pytest.mark.parametrize("name", tables.TABLES)
    @pytest.mark.filterwarnings("error")
    def test_every_table_of_no_rows(self, name, study):
        if name == "failures":
            assert "n = 0" in tables.render(tables.failures(study.iloc[:0]))
            return
        with pytest.raises(rows.NothingToDraw, match=r"^no "):
            tables.TABLES[name](study.iloc[:0])

    def test_text_has_readable_names(self, study):
        lines = tables.render(tables.rank_correlation(study, resamples=0)).splitlines()
        assert lines[0] == "Spearman rank correlation × 100: dSprites, mean representation, n = 42 models"
        assert lines[2].split() == ["BetaVAE", "FactorVAE", "MIG", "DCI", "Modularity", "SAP"]
        assert lines[4].startswith("BetaVAE score")
        assert lines[4].split()[2] == "100"

    def test_an_unknown_table_is_refused(self):
        with pytest.raises(ValueError, match="cannot show"):
            tables.render(pd.DataFrame({"x": [1]}))

    def test_write(self, whole, tmp_path):
        written = tables.write(whole, tmp_path / "new" / "folder")
        assert [path.name for path in written.paths] == [*(f"{name}.csv" for name in OF_STUDY), "tables.md"]
        assert written.skipped == SKIPPED
        read = pd.read_csv(written.paths[1])
        pd.testing.assert_frame_equal(read, tables.TABLES["rank_correlation"](whole), check_dtype=False)
        text = written.paths[-1].read_text(encoding="utf-8")
        assert text.count("## ") == len(tables.TABLES)
        assert "| BetaVAE score | 100 |" in text
        again = tables.write(whole, tmp_path / "again")
        assert [path.read_bytes() for path in written.paths] == [path.read_bytes() for path in again.paths]

    def test_write_names_what_it_skips(self, study, tmp_path):
        older, other = tmp_path / "data_set_rank_correlation.csv", tmp_path / "mine.csv"
        for path in (older, other):
            path.touch()
        written = tables.write(study, tmp_path)
        assert written.tables.keys() | written.skipped.keys() == tables.TABLES.keys()
        assert written.skipped.pop("downstream_rank_correlation").endswith("a downstream accuracy (downstream_*)")
        assert written.skipped == SKIPPED | {
            "fairness_rank_correlation": "no model has both the score fairness and another headline score",
            "data_set_rank_correlation": "no two data sets share a headline score",
        }
        assert "Skipped: no two data sets share a headline score." in written.paths[-1].read_text("utf-8")
        assert not older.exists()
        assert other.exists()


def test_analysis_needs_no_accelerator_no_cluster_and_no_window():
    code = (
        "import sys, disentanglement_study.analysis.tables, disentanglement_study.analysis.figures; "
        "print([m for m in ('jax', 'flax', 'ray', 'gin', 'sklearn', 'matplotlib.pyplot') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_numbers_stand_right_and_words_left():
    cells = pd.DataFrame(
        {"": ["a", "b", "c"], "n": ["1", "12", "–"], "Why": ["", "too few", "no seed"], "Ours": ["0.1 [0, 1]"] * 3}
    )
    (section,) = [layouts.Section("Title", cells, 1)]
    plain = text._plain(section, 100).splitlines()
    assert plain[3:5] == ["a   1           0.1 [0, 1]", "b  12  too few  0.1 [0, 1]"]


def test_markdown_says_which_columns_are_words(study):
    table = tables.seeds_needed(study)
    rule = [line for line in text.markdown(table, "Seeds").splitlines() if line.startswith("| ---")]
    assert rule == ["| --- | ---: | ---: | --- | --- |"]
