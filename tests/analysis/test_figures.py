"""Figures of planted results: drawn are the numbers of the tables, and odd studies are skipped with a reason."""

import contextlib

import matplotlib
import pandas as pd
import pytest
from figure_study import make_study

from disentanglement_study.analysis import figures, rows, tables
from disentanglement_study.analysis.figures import papers, style

OF_OTHERS = figures.OF_AXES | figures.OF_SERIES | figures.OF_HIGGINS_2017
OF_STUDY = [name for name in figures.FIGURES if name not in OF_OTHERS]

# Figures that are not of Locatello et al. 2019.
BEYOND_2019 = {"unified_rank_correlation", "factor_groups", "metric_agreement", "detectable_difference"}


@pytest.fixture(scope="module")
def study():
    return make_study()


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
