"""What figures draw, read back from them."""

import numpy as np
import pandas as pd
import pytest
from figure_study import STRENGTHS, make_study, numbers_in, panel, tick_labels

from disentanglement_study.analysis import figures, models, names, rows, tables
from disentanglement_study.analysis.figures import style
from disentanglement_study.analysis.tables.downstream_by_score import downstream_by_score
from disentanglement_study.analysis.tables.factor_groups import factor_groups
from disentanglement_study.analysis.tables.unsupervised_by_strength import unsupervised_by_strength


@pytest.fixture(scope="module")
def study():
    return make_study()


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

    def test_points_of_more_methods_than_colours_are_told_apart(self, study):
        """Six methods are drawn with one marker, twelve with several; one without a point is no entry."""
        few, many = (self._of_settings(study, number) for number in (3, 6))
        for results, number, is_round in ((few, 6, True), (many, 12, False)):
            entries = figures.FIGURES["unsupervised_scatter"](results).legends[0].legend_handles
            assert len({(entry.get_color(), entry.get_marker()) for entry in entries}) == number == len(entries)
            assert (len({entry.get_marker() for entry in entries}) == 1) == is_round
        lost = many["method"].eq("beta_vae [latents=1]") & (many["representation"] == "model")
        lost |= many["method"].eq("beta_vae [latents=1]") & (many["metric"] == "unsupervised")
        figure = figures.FIGURES["unsupervised_scatter"](many[~lost])
        assert len(figure.legends[0].legend_handles) == 11

    def _of_settings(self, study, number):
        parts = [
            study.assign(method=study["method"] + f" [latents={value}]", run_id=study["run_id"] + f"/{value}")
            for value in range(1, number + 1)
        ]
        return pd.concat(parts, ignore_index=True)
