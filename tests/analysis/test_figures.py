"""Figures of planted results: drawn are the numbers of the tables, and odd studies are skipped with a reason."""

import contextlib

import matplotlib
import numpy as np
import pandas as pd
import pytest

from disentanglement_study.analysis import figures, models, names, rows, tables
from disentanglement_study.analysis.figures import layout, lines, papers, shared, style
from disentanglement_study.analysis.tables.downstream_by_score import downstream_by_score
from disentanglement_study.analysis.tables.factor_groups import factor_groups
from disentanglement_study.analysis.tables.unified_rank_correlation import SCORES as UNIFIED
from disentanglement_study.analysis.tables.unsupervised_by_strength import unsupervised_by_strength

STRENGTHS = {"beta_vae": ("beta", [1.0, 4.0]), "dip_vae_i": ("lambda_od", [2.0, 20.0])}
SIZES = (10, 100, 1_000, 10_000)
OF_OTHERS = figures.OF_AXES | figures.OF_SERIES | figures.OF_HIGGINS_2017
OF_STUDY = [name for name in figures.FIGURES if name not in OF_OTHERS]

# Figures that are not of Locatello et al. 2019.
BEYOND_2019 = {"unified_rank_correlation", "factor_groups", "metric_agreement", "detectable_difference"}


def make_study(data_sets=("dsprites", "cars3d"), seeds=4, metrics=names.STUDY_METRICS, strengths=2):
    """Results in the store's columns, of which every figure can be drawn."""
    rng = np.random.default_rng(0)
    scores = [("model", "training", s) for s in ("reconstruction_loss", "kl_loss", "elbo", "loss")]
    for r in ("mean", "sampled"):
        scores += [(r, metric, metric) for metric in metrics]
        scores += [(r, "unsupervised", s) for s in ("gaussian_total_correlation", "mutual_information")]
        for task in ("downstream_boosted_trees", "downstream_logistic_regression"):
            scores += [(r, task, models.ACCURACY + f"n_{n}") for n in SIZES] + [(r, task, "statistical_efficiency")]
        scores += [(r, "unified_scores", score) for score in UNIFIED]
        scores += [(r, "unified_scores", f"accuracy_svm.merge.factors_{ab}") for ab in ("0_1", "0_2", "1_2")]
    runs = [
        (f"{data_set}/{method}/{strength:g}/{seed}", data_set, method, name, strength, seed)
        for data_set in data_sets
        for method, (name, swept) in STRENGTHS.items()
        for strength in swept[:strengths]
        for seed in range(seeds)
    ]
    columns = ["run_id", "data_set", "method", "strength_name", "strength", "seed"]
    of_scores = pd.DataFrame(scores, columns=["representation", "metric", "score"])
    table = pd.DataFrame(runs, columns=columns).merge(of_scores, how="cross")
    return table.assign(value=rng.uniform(size=len(table)), error=None)


@pytest.fixture(scope="module")
def study():
    return make_study()


def panel(figure, *texts):
    """The axis whose title, or title and row label, are these."""
    for axis in figure.axes:
        said = {axis.get_title(), axis.get_title("left"), *(text.get_text() for text in axis.texts)}
        if set(texts) <= said:
            return axis
    raise AssertionError(f"no panel {texts}")


def numbers_in(axis):
    return [text.get_text() for text in axis.texts]


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


class TestEveryFigure:
    @pytest.mark.parametrize("name", OF_STUDY)
    def test_it_shows_every_data_set_and_n(self, name, study):
        figure = figures.FIGURES[name](study)
        assert "n = " in figure.get_suptitle()
        assert len(figure.numbers)
        assert max(figure.get_size_inches()) < 11
        if "data_set" in figure.numbers and name not in ("transfer", "unsupervised_scatter"):
            pooled = ["all"] if name == "detectable_difference" else []
            assert list(figure.numbers["data_set"].unique()) == ["dsprites", "cars3d", *pooled]

    @pytest.mark.parametrize("name", figures.FIGURES)
    def test_a_missing_column_is_named(self, name, study):
        with pytest.raises(ValueError, match="lack value:"):
            figures.FIGURES[name](study.drop(columns="value"))

    @pytest.mark.parametrize("name", ["score_by_method", "unified_rank_correlation", "factor_groups"])
    def test_results_with_the_column_of_before_are_the_same(self, name, study):
        before = study.rename(columns={"method": "objective"})
        pd.testing.assert_frame_equal(figures.FIGURES[name](before).numbers, figures.FIGURES[name](study).numbers)

    @pytest.mark.parametrize("name", figures.FIGURES)
    @pytest.mark.filterwarnings("error")
    def test_nothing_to_draw_has_a_reason(self, name, study):
        for odd in (study.assign(error="failed"), study.iloc[:0], study[study["metric"] == "training"]):
            with pytest.raises(rows.NothingToDraw) as reason:
                figures.FIGURES[name](odd)
            assert len(str(reason.value)) > 10

    @pytest.mark.parametrize("name", figures.FIGURES)
    @pytest.mark.parametrize(
        "odd",
        [
            pytest.param(make_study(data_sets=("new_data",)), id="data_set", marks=pytest.mark.slow),
            pytest.param(make_study(seeds=1, strengths=1), id="one_model"),
            pytest.param(make_study().query("method == 'beta_vae'"), id="method", marks=pytest.mark.slow),
            pytest.param(make_study(metrics=("a_metric",)), id="metric", marks=pytest.mark.slow),
            pytest.param(make_study(metrics=("mig",)).assign(value=0.5), id="constant", marks=pytest.mark.slow),
            pytest.param(make_study().assign(value=lambda t: t["value"].where(t["metric"] != "dci")), id="failed"),
            pytest.param(
                make_study().query("data_set == 'cars3d' or metric not in ['mig', 'unsupervised', 'unified_scores']"),
                id="gaps",
            ),
            pytest.param(make_study().query("representation != 'sampled'"), id="mean", marks=pytest.mark.slow),
            pytest.param(
                make_study().query("metric != 'unsupervised' or method == 'beta_vae'"),
                id="no_tc",
                marks=pytest.mark.slow,
            ),
        ],
    )
    @pytest.mark.filterwarnings("error")
    def test_odd_studies_are_drawn_or_skipped(self, name, odd):
        with contextlib.suppress(rows.NothingToDraw):  # any other error is a crash
            assert len(figures.FIGURES[name](odd).numbers)

    @pytest.mark.parametrize("name", OF_STUDY)
    def test_text_is_on_the_page(self, name, study):
        figure = figures.FIGURES[name](study)
        with style.look():
            figure.draw_without_rendering()
            box = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert box.x0 > -0.02
        assert box.y0 > -0.02
        assert box.x1 < width + 0.02
        assert box.y1 < height + 0.02

    def test_failed_and_missing_models_are_counted(self, study):
        lost = study["run_id"] == study["run_id"].iloc[0]
        failed = study.assign(value=study["value"].mask(lost & (study["metric"] == "mig")))
        assert "0–1 failed" in figures.FIGURES["score_by_method"](failed).get_suptitle()
        missing = study[~(lost & (study["metric"] == "mig"))]
        assert "0–1 missing" in figures.FIGURES["metric_rank_correlation"](missing).get_suptitle()


class TestDrawn:
    """What is drawn, read back from the figure."""

    @pytest.mark.parametrize(
        ("name", "table", "row", "column"),
        [
            ("metric_rank_correlation", tables.rank_correlation, "score_a", "score_b"),
            ("unsupervised_rank_correlation", tables.unsupervised_rank_correlation, "score_a", "score_b"),
            ("downstream_rank_correlation", tables.downstream_rank_correlation, "score_b", "score_a"),
        ],
    )
    def test_heat_maps(self, name, table, row, column, study):
        figure = figures.FIGURES[name](study)
        axis = panel(figure, "Cars3D")
        table = table(study, resamples=0).query("data_set == 'cars3d'")
        matrix = table.pivot(index=row, columns=column, values="rank_correlation")
        matrix = matrix.loc[table[row].unique(), table[column].unique()]
        np.testing.assert_allclose(axis.images[0].get_array(), matrix)
        assert numbers_in(axis) == [f"{round(100 * rho)}" for rho in matrix.to_numpy().ravel()]
        assert tick_labels(figure.axes[0].yaxis) == [names.label(key, names.SCORES) for key in matrix.index]
        assert tick_labels(axis.xaxis) == [names.label(key, names.SCORES) for key in matrix.columns]

    def test_new_metrics_are_among_the_others_in_heat_maps_and_bars_of_several_data_sets(self):
        study = make_study(metrics=(*names.STUDY_METRICS, "med"))
        more = study[study["metric"] == "med"]
        others = {"info_m": "info_mec", "probe_explicitness": "dci_es", "udr": "udr"}
        study = pd.concat([study, *(more.assign(score=score, metric=of) for score, of in others.items())])
        shown = [*names.STUDY_METRICS, "med", "info_m", "probe_explicitness"]
        expected = [names.label(key, names.SCORES) for key in shown]
        with_udr = [*expected, "UDR"]
        for name in ("metric_rank_correlation", "metric_agreement"):
            axis = figures.FIGURES[name](study).axes[0]
            assert tick_labels(axis.yaxis) == tick_labels(axis.xaxis) == with_udr
        for name in ("variance_explained", "detectable_difference", "downstream_rank_correlation"):
            assert tick_labels(figures.FIGURES[name](study).axes[0].yaxis) == expected
        assert tick_labels(figures.FIGURES["unsupervised_rank_correlation"](study).axes[0].xaxis) == expected
        titles = [axis.get_title("left") for axis in figures.FIGURES["data_set_rank_correlation"](study).axes]
        assert titles == expected

    def test_a_matrix_of_many_metrics_has_two_panels_beside_each_other_and_numbers_that_fit(self):
        metrics = [*list(names.HEADLINES)[:16]]
        study = make_study(data_sets=("dsprites", "cars3d", "shapes3d"), metrics=metrics, seeds=2)
        figure = figures.FIGURES["metric_rank_correlation"](study)
        corners = [axis.get_position().x0 for axis in figure.axes]
        assert len({round(corner, 6) for corner in corners}) == 2
        with style.look():
            figure.draw_without_rendering()
        axis = figure.axes[0]
        cell = axis.get_window_extent().width / len(metrics)
        assert max(text.get_window_extent().width for text in axis.texts) <= cell

    def test_agreement_is_the_mean_and_the_lowest_of_the_data_sets(self, study):
        figure = figures.FIGURES["metric_agreement"](study)
        table = tables.rank_correlation(study, resamples=0)
        pair = table[(table["score_a"] == "mig") & (table["score_b"] == "sap_score")]["rank_correlation"]
        for axis, expected in zip(figure.axes, [pair.mean(), pair.min()], strict=True):
            matrix = axis.images[0].get_array()
            np.testing.assert_allclose([matrix[2, 5], matrix[5, 2]], [expected, expected])
            assert matrix[2, 2] is np.ma.masked or np.isnan(matrix[2, 2])
            assert len(numbers_in(axis)) == len(matrix) ** 2 - len(matrix)  # no number of a score with itself

    def test_detectable_differences_and_the_best_two_are_drawn(self, study):
        figure = figures.FIGURES["detectable_difference"](study)
        axis = panel(figure, "Cars3D")
        table = tables.detectable_difference(study).query("data_set == 'cars3d'")
        drawn = axis.collections[1].get_offsets()
        np.testing.assert_allclose(drawn[:, 0], table["difference"])
        places = table["score"].map({score: place for place, score in enumerate(names.STUDY_METRICS)})
        np.testing.assert_allclose(drawn[:, 1], places)
        needed = tables.seeds_needed(study).query("data_set == 'cars3d' and comparison == 'best strength'")
        shown = np.concatenate([line.get_xdata() for line in axis.lines[:2]])
        least = tables.detectable_difference(study)["difference"].min() / 2
        np.testing.assert_allclose(np.sort(shown), np.sort(needed["difference"].clip(lower=least)))

    def test_panels_that_share_an_axis_leave_room_around_what_all_of_them_show(self, study):
        own = (study["score"] == "mutual_information") & (study["representation"] == "sampled")
        flat = study.assign(value=study["value"].mask(own, 0.01 + study["value"] / 1000))
        axis = figures.FIGURES["mutual_information"](flat).axes[0]
        low, high = axis.get_ylim()
        least = min(line.get_ydata().min() for line in axis.lines)
        assert (least - low) / (high - low) > 0.03

    def test_names_of_data_sets_do_not_run_into_each_other_beside_low_panels(self):
        study = make_study(data_sets=("texture_dsprites", "shapes3d_rendered"), seeds=2).query("method == 'beta_vae'")
        figure = figures.FIGURES["score_by_method"](study)
        with style.look():
            figure.draw_without_rendering()
        boxes = [text.get_window_extent() for axis in figure.axes for text in axis.texts if "\n" in text.get_text()
                 or "Sprites" in text.get_text()]  # fmt: skip
        assert [text.get_text() for axis in figure.axes for text in axis.texts if "Shapes" in text.get_text()] == [
            "Shapes3D\n(rendered)"
        ]
        assert len(boxes) == 2
        assert boxes[0].y0 > boxes[1].y1

    def test_points_have_a_legend_of_points(self, study):
        (legend,) = figures.FIGURES["unsupervised_scatter"](study).legends
        assert {handle.get_marker() for handle in legend.legend_handles} == {"o"}

    def test_data_sets(self, study):
        axis = panel(figures.FIGURES["data_set_rank_correlation"](study), "DCI")
        table = tables.data_set_rank_correlation(study, resamples=0)
        rho = table.query("score == 'dci'")["rank_correlation"].iloc[0]
        np.testing.assert_allclose(axis.images[0].get_array().filled(np.nan), [[np.nan, rho], [rho, np.nan]])

    def test_median_lines(self, study):
        axis = panel(figures.FIGURES["median_score_by_strength"](study), "MIG")
        table = tables.scores_by_strength(study).query(
            "data_set == 'dsprites' and score == 'mig' and representation == 'mean'"
        )
        drawn = [line.get_ydata() for line in axis.lines]
        np.testing.assert_allclose(drawn, [table[table["method"] == o]["median"] for o in STRENGTHS])

    def test_total_correlation(self, study):
        table = unsupervised_by_strength(study).query("score == 'gaussian_total_correlation'")
        values = study[(study["score"] == "gaussian_total_correlation") & (study["representation"] == "sampled")]
        expected = values.groupby(["data_set", "method", "strength"])["value"].median()
        sampled = table[table["representation"] == "sampled"].set_index(["data_set", "method", "strength"]).sort_index()
        pd.testing.assert_series_equal(sampled["median"], expected, check_names=False)
        axis = panel(figures.FIGURES["total_correlation"](study), "Sampled representation")
        assert axis.get_yscale() == "log"
        of_dip = sampled.loc[("dsprites", "dip_vae_i"), "median"]
        np.testing.assert_allclose(axis.lines[1].get_ydata(), of_dip)
        figure = figures.FIGURES["total_correlation_by_method"](study)
        by_method = panel(figure, "DIP-VAE-I")
        np.testing.assert_allclose(by_method.lines[0].get_ydata(), of_dip)
        assert tick_labels(figure.axes[-1].xaxis) == ["λ_od = 2", "20"]

    def test_total_correlation_without_a_logarithm_is_left_out(self, study):
        own = study["score"] == "gaussian_total_correlation"
        first = own & (study["strength"] == 1) & (study["representation"] == "sampled")
        numbers = figures.FIGURES["total_correlation"](study.assign(value=study["value"].mask(first, -1e-9))).numbers
        assert set(numbers.query("representation == 'sampled' and method == 'beta_vae'")["strength"]) == {4.0}
        with pytest.raises(rows.NothingToDraw, match="positive score gaussian_total_correlation"):
            figures.FIGURES["total_correlation"](study.assign(value=study["value"].mask(own, 0.0)))

    def test_shares_of_variance(self, study):
        axis = panel(figures.FIGURES["variance_explained"](study), "dSprites")
        table = tables.variance_explained(study, resamples=0).query("data_set == 'dsprites'")
        share = table.pivot(index="score", columns="by", values="r_squared").loc[list(names.STUDY_METRICS)]
        ends = [100 * share["method"], 100 * share["method_and_strength"], np.full(len(share), 100)]
        drawn = np.reshape([bar.get_x() + bar.get_width() for bar in axis.patches], (-1, 3))
        np.testing.assert_allclose(drawn, np.transpose(ends))

    def test_transfer(self, study):
        (axis,) = figures.FIGURES["transfer"](study).axes
        row = tables.transfer(study).query("metric == 'other' and data_set == 'same'").squeeze()
        low, middle, high = (f"{100 * row[key]:.1f}" for key in ("low", "probability", "high"))
        assert numbers_in(axis)[1] == f"{middle}\n[{low}, {high}]"

    def test_violins_and_dots_hold_every_model(self):
        many = make_study(data_sets=("dsprites",), seeds=25, metrics=("mig",))
        mig = many[(many["metric"] == "mig") & (many["representation"] == "mean")]
        few = many[many["seed"] < 4]
        for name, groups in (("score_by_method", ["method"]), ("score_by_strength", ["method", "strength"])):
            axis = panel(figures.FIGURES[name](many), "MIG")
            medians = mig.groupby(groups)["value"].median()
            bars = np.array(axis.collections[1].get_segments())
            np.testing.assert_allclose(bars[:, 0, 0 if name == "score_by_method" else 1], medians)
            assert len(axis.collections[0].get_paths()) == len(medians)
            drawn = panel(figures.FIGURES[name](few), "MIG").lines
            shown = np.concatenate([line.get_xydata()[:, 0 if name == "score_by_method" else 1] for line in drawn])
            assert set(shown) == set(mig.loc[mig["seed"] < 4, "value"])

    def test_scatter_holds_every_model_with_both(self, study):
        lost = (study["metric"] == "mig") & (study["run_id"] == study["run_id"].iloc[0])
        figure = figures.FIGURES["statistical_efficiency_boosted_trees"](study[~lost])
        drawn = panel(figure, "MIG").collections[0].get_offsets()
        wide = figure.numbers.query("data_set == 'dsprites'").dropna(subset="mig")
        expected = wide[["mig", "downstream_boosted_trees.statistical_efficiency"]].to_numpy()
        assert sorted(map(tuple, drawn)) == sorted(map(tuple, expected))
        assert len(drawn) == 15

    def test_the_paper_s_data_set_is_scattered(self):
        study = make_study(data_sets=("dsprites", "shapes3d"))
        scatter = figures.FIGURES["unsupervised_scatter"]
        assert "Shapes3D" in scatter(study).get_suptitle()
        assert "dSprites" in scatter(study, data_set="dsprites").get_suptitle()
        with pytest.raises(ValueError, match="shapes3d"):
            scatter(study, data_set="shapes_3d")

    def test_thirds_by_score(self, study):
        planted = study.copy()
        wide = planted["representation"] == "mean"
        mig = planted[wide & (planted["metric"] == "mig")].set_index("run_id")["value"]
        accuracy = (
            wide & (planted["metric"] == "downstream_boosted_trees") & (planted["score"] == models.ACCURACY + "n_100")
        )
        planted.loc[accuracy, "value"] = planted.loc[accuracy, "run_id"].map(mig) / 2
        table = downstream_by_score(planted).query("data_set == 'dsprites' and score == 'mig' and num_train == 100")
        table = table[table["task"] == "GBT"]
        own = np.sort(mig[mig.index.str.startswith("dsprites")]) / 2
        assert list(table["group"]) == ["low", "middle", "high"]
        assert list(table["n"]) == [5, 6, 5]
        expected = [np.median(part) for part in np.split(own, [5, 11])]
        np.testing.assert_allclose(table["median"], expected)
        axis = panel(figures.FIGURES["downstream_accuracy_boosted_trees"](planted), "MIG")
        np.testing.assert_allclose([line.get_ydata()[1] for line in axis.lines], expected)

    def test_factor_groups(self):
        study = make_study(data_sets=("dsprites",), seeds=1, strengths=1)
        merges = {"0_1": 0.8, "0_2": 0.2, "1_2": 0.2}
        for pair, value in merges.items():
            study.loc[study["score"].str.endswith(f"merge.factors_{pair}"), "value"] = value
        table = factor_groups(study).query("method == 'beta_vae'")
        groups = np.interp([0.1, 0.5, 0.8], table["threshold"], table["groups"])
        assert list(groups) == [1, 2, 2]
        assert table["threshold"].max() == 0.8
        lost = (study["method"] == "beta_vae") & (study["metric"] == "unified_scores")
        more = pd.concat([study, study[lost].assign(run_id="lost", seed=9, value=np.nan, error="it failed")])
        counts = factor_groups(more).query("method == 'beta_vae'")[["n", "failed", "missing"]]
        assert (counts == [1, 1, 0]).all(axis=None)


class TestLayout:
    def test_scores_to_show(self):
        many = ["irs", "dci", "mig"]
        assert shared.shown_scores(many, None, 1) == ["mig", "dci", "irs"]
        assert shared.shown_scores(many, None, 2) == ["mig", "dci"]
        assert shared.shown_scores(["irs"], None, 2) == ["irs"]
        assert shared.shown_scores(many, ["irs", "med"], 2) == ["irs"]
        with pytest.raises(rows.NothingToDraw, match="med"):
            shared.shown_scores(many, ["med"], 1)

    def test_panels_that_share_an_axis_have_its_limits_and_labels_once(self):
        text = layout.Text("title", ("n = 1 model",))
        rows_, columns = {"a": "A", "b": "B"}, {"c": "C", "d": "D"}
        page = layout.panels(pd.DataFrame(), rows_, columns, text, (1, 1), share_x="column", share_y="all")
        for place, axis in enumerate(page.axes.values()):
            axis.plot([0, place + 1], [place, 5])
        page.finished()
        assert page.axes["a", "c"].get_xlim() == page.axes["b", "c"].get_xlim() != page.axes["a", "d"].get_xlim()
        assert len({axis.get_ylim() for axis in page.axes.values()}) == 1
        assert page.axes["a", "c"].get_xlim()[1] >= 3
        labelled = {key: axis.xaxis.get_tick_params()["labelbottom"] for key, axis in page.axes.items()}
        assert labelled == {("a", "c"): False, ("a", "d"): False, ("b", "c"): True, ("b", "d"): True}

    def test_many_panels_of_one_row_are_wrapped(self):
        columns = {str(number): f"Panel {number}" for number in range(7)}
        page = layout.panels(
            pd.DataFrame(), {"": ""}, columns, layout.Text("t", ()), (1.9, 1), share_x="all", share_y="all"
        )
        left = {round(axis.get_position().x0, 3) for axis in page.axes.values()}
        assert len(left) == 3
        assert page.figure.get_figwidth() <= style.WIDTH + 1e-9

    def test_colours_are_fixed(self):
        alone = style.marks(["dip_vae_i", "new_method"])
        together = style.marks([*names.STUDY_METHODS, "new_method"])
        assert alone["dip_vae_i"] == together["dip_vae_i"]
        many = style.marks([*names.METHODS, *(f"other_{i}" for i in range(9))])
        assert len(set(many.values())) == len(many)
        assert len({mark.colour for mark in together.values()}) == len(together)


class TestPapers:
    @pytest.mark.parametrize("paper", figures.PAPERS)
    def test_every_figure_is_there_or_says_why_not(self, paper):
        for figure in figures.PAPERS[paper]:
            assert set(figure.figures) <= figures.FIGURES.keys()
            assert bool(figure.figures) != bool(figure.why_not)
            assert figure.certainty in (papers.READ, papers.RECALLED)
        numbers = [figure.number for figure in figures.PAPERS[paper]]
        assert len(set(numbers)) == len(numbers)

    def test_an_unknown_paper_is_refused(self):
        with pytest.raises(ValueError, match="locatello2019"):
            figures.figures_of("locatelo2019")


def test_a_line_has_a_gap_where_a_place_has_no_row():
    rows_ = [("beta_vae", place, value, value - 1, value + 1) for place, value in ((1, 5.0), (2, 6.0), (4, 8.0))]
    table = pd.DataFrame(rows_, columns=["method", "place", "median", "lower_quartile", "upper_quartile"])
    axis = layout.StudyFigure().add_subplot()
    lines.draw(axis, table, style.marks(["beta_vae"]))
    (line,) = axis.lines
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
    np.testing.assert_array_equal(line.get_ydata(), [5, 6, np.nan, 8])


class TestWrite:
    def test_files(self, study, tmp_path):
        before = dict(matplotlib.rcParams)
        written = figures.write(study, tmp_path / "a")
        assert dict(matplotlib.rcParams) == before
        assert written.figures == OF_STUDY
        assert written.skipped.keys() == OF_OTHERS.keys()
        expected = [f"{name}.{kind}" for name in OF_STUDY for kind in ("pdf", "png", "csv")]
        assert [path.relative_to(tmp_path / "a").as_posix() for path in written.paths] == expected
        heads = {".pdf": b"%PDF", ".png": b"\x89PNG"}
        assert all(path.read_bytes().startswith(heads.get(path.suffix, b"")) for path in written.paths)
        assert all(len(pd.read_csv(path)) for path in written.paths if path.suffix == ".csv")

    @pytest.mark.slow
    def test_order_of_rows_and_number_of_processes_change_no_byte(self, study, tmp_path, monkeypatch):
        chosen = ["total_correlation", "score_by_method", "unsupervised_scatter", "transfer"]
        monkeypatch.setattr(figures, "FIGURES", {name: figures.FIGURES[name] for name in chosen})
        written = figures.write(study, tmp_path / "a")
        again = figures.write(study.sample(frac=1, random_state=0), tmp_path / "b", processes=2)
        assert again.figures == chosen
        different = [
            a.name for a, b in zip(written.paths, again.paths, strict=True) if a.read_bytes() != b.read_bytes()
        ]
        assert different == []

    def test_processes_tell_what_they_skip_and_what_fails(self, study, tmp_path, monkeypatch):
        chosen = ["total_correlation", "transfer"]
        monkeypatch.setattr(figures, "FIGURES", {name: figures.FIGURES[name] for name in chosen})
        written = figures.write(study.query("metric == 'training'"), tmp_path, processes=2)
        assert written.figures == []
        assert list(written.skipped) == chosen
        with pytest.raises(ValueError, match="processes = 0"):
            figures.write(study, tmp_path, processes=0)
        (tmp_path / "file").touch()
        with pytest.raises(OSError, match="file"):
            figures.write(study, tmp_path / "file", processes=2)

    def test_each_table_is_computed_once(self, study, tmp_path, monkeypatch):
        calls = []
        original = tables.scores_by_strength
        monkeypatch.setattr(tables, "scores_by_strength", lambda results: calls.append(1) or original(results))
        monkeypatch.setattr(style, "save", lambda figure, stem: [])
        figures.write(study, tmp_path)
        assert len(calls) == 1

    def test_skipped_figures_are_named_with_what_is_missing(self, tmp_path):
        study = make_study(data_sets=("dsprites",))
        for kind in ("pdf", "png", "csv"):
            (tmp_path / f"data_set_rank_correlation.{kind}").touch()
        written = figures.write(study[study["metric"].isin(["mig", "training"])], tmp_path)
        assert not list(tmp_path.glob("data_set_rank_correlation.*"))
        assert written.figures == [
            "score_by_method",
            "score_by_strength",
            "median_score_by_strength",
            "variance_explained",
            "detectable_difference",
            "unsupervised_rank_correlation",
            "unsupervised_scatter",
            "transfer",
        ]
        assert set(written.figures) | set(written.skipped) == set(figures.FIGURES)
        assert "statistical_efficiency" in written.skipped["statistical_efficiency_boosted_trees"]
        assert "unified_scores" in written.skipped["factor_groups"]
        assert "two data sets" in written.skipped["data_set_rank_correlation"]

    def test_the_figures_of_a_paper(self, study, tmp_path, monkeypatch):
        monkeypatch.setattr(style, "save", lambda figure, stem: [])
        written = figures.write(study, tmp_path, "locatello2019")
        assert set(written.figures) == set(OF_STUDY) - BEYOND_2019
