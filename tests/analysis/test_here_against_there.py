"""The figure of two studies: a point for each run that both have, and a rank correlation that is that of the points."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy.stats import spearmanr

from disentanglement_study import cli, store
from disentanglement_study.analysis import beside, figures
from disentanglement_study.analysis.figures import style
from disentanglement_study.analysis.figures.here_against_there import here_against_there
from disentanglement_study.analysis.rows import NothingToDraw


def results(data_sets=("dsprites",), methods=("beta_vae", "pca"), seeds=30, metrics=("mig", "dci"), seed=0):
    draws = np.random.default_rng(seed)
    runs = pd.MultiIndex.from_product(
        [data_sets, methods, [1.0, 4.0], range(seeds)], names=["data_set", "method", "strength", "seed"]
    ).to_frame(index=False)
    runs = runs.assign(run_id=[f"{place:012x}" for place in range(len(runs))], strength_name="beta")
    table = runs.merge(pd.DataFrame({"metric": metrics, "score": metrics}), how="cross").assign(representation="mean")
    harder = table["data_set"].map({name: place for place, name in enumerate(data_sets)})
    return table.assign(value=draws.random(len(table)) + 10 * harder, error=None)


def moved(here: pd.DataFrame, by=0.1, seed=1) -> pd.DataFrame:
    return here.assign(value=here["value"] + by * np.random.default_rng(seed).normal(size=len(here)))


def panel(figure, title):
    (axis,) = (axis for axis in figure.axes if axis.get_title("left") == title)
    return axis


def points(axis):
    return axis.collections[0].get_offsets()


def test_points_are_the_runs_and_the_correlation_is_theirs():
    here, there = results(), moved(results())
    there = there[there["seed"] < 25]
    figure = here_against_there(beside.by_run(here, there))
    axis = panel(figure, "MIG")
    both = here.merge(there, on=["run_id", "metric"]).query("metric == 'mig'")
    expected = both[["value_y", "value_x"]].sort_values("value_y").to_numpy()
    found = np.asarray(points(axis))
    np.testing.assert_allclose(found[np.argsort(found[:, 0])], expected)
    rho = spearmanr(*expected.T).statistic
    (text,) = axis.texts
    numbers = figure.numbers.query("score == 'mig'")
    assert numbers["rank_correlation"].iloc[0] == pytest.approx(rho)
    assert numbers["low"].iloc[0] < rho < numbers["high"].iloc[0] < 1
    low, high = (numbers[name].iloc[0] for name in ("low", "high"))
    assert text.get_text() == f"ρ = {rho:.2f} [{low:.2f}, {high:.2f}]\nn = 100"
    assert len(figure.numbers) == 200
    assert "dSprites, mean representation, n = 100 runs" in figure.get_suptitle()
    (line,) = axis.lines
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())


def test_runs_of_several_data_sets_are_ranked_within_their_own():
    here = results(("dsprites", "cars3d"))
    there = moved(here, 0.3)
    figure = here_against_there(beside.by_run(here, there))
    both = here.merge(there, on=["run_id", "metric", "data_set"]).query("metric == 'mig'")
    own = [spearmanr(rows["value_x"], rows["value_y"]).statistic for _, rows in both.groupby("data_set")]
    found = figure.numbers.query("score == 'mig'")["rank_correlation"].iloc[0]
    assert found == pytest.approx(np.mean(own))
    assert spearmanr(both["value_x"], both["value_y"]).statistic > found + 0.05  # which one is harder
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["dSprites", "Cars3D"]
    assert "ranks within each data set" in figure.get_suptitle()


def test_methods_of_one_data_set_have_their_colours():
    here = results()
    figure = here_against_there(beside.by_run(here, moved(here)))
    (legend,) = figure.legends
    colours = {handle.get_label(): handle.get_color() for handle in legend.legend_handles}
    assert colours == {"β-VAE": style.COLOURS["beta_vae"], "PCA": style.marks(["beta_vae", "pca"])["pca"].colour}


@pytest.mark.parametrize("scale", [1, 100])
def test_the_text_is_above_all_points_and_nothing_leaves_the_page(scale, tmp_path):
    many = results(("dsprites", "cars3d"), ("beta_vae", "factor_vae", "dip_vae_i"), seeds=100, metrics=("mig", "irs"))
    many = many.assign(value=scale * many["value"])
    figure = here_against_there(beside.by_run(many, moved(many, scale)))
    style.save(figure, tmp_path / "figure")
    renderer = FigureCanvasAgg(figure).get_renderer()
    page = figure.bbox
    for axis in figure.axes:
        (text,) = axis.texts
        box, frame = text.get_window_extent(renderer), axis.get_window_extent(renderer)
        highest = axis.transData.transform(points(axis))[:, 1].max()
        assert box.y0 > highest
        assert frame.x0 < box.x0 < box.x1 < frame.x1
        assert box.y1 < frame.y1
        assert axis.collections[0].get_rasterized()
        for side in (axis.xaxis, axis.yaxis):
            low, high = side.get_view_interval()
            for tick, label in zip(side.get_ticklocs(), side.get_ticklabels(), strict=True):
                if not low <= tick <= high:
                    continue  # it is not drawn
                place = label.get_window_extent(renderer)
                assert page.x0 <= place.x0
                assert place.x1 <= page.x1


@pytest.mark.filterwarnings("error")
def test_odd_studies_are_drawn_or_say_why_not():
    few = results(seeds=1)
    assert "ρ = –" in panel(here_against_there(beside.by_run(few.head(2), few)), "MIG").texts[0].get_text()
    same = results().assign(value=0.5)
    assert "ρ = –\nn = 120" in panel(here_against_there(beside.by_run(same, same)), "MIG").texts[0].get_text()
    by_run = beside.by_run(few, few)
    with pytest.raises(NothingToDraw, match="no headline score of the sampled representation"):
        here_against_there(by_run, "sampled")
    with pytest.raises(NothingToDraw, match="no headline score"):
        here_against_there(by_run.assign(score="other"))


def test_the_command_draws_it_beside_the_others(study_copy, finished_study, tmp_path, capsys):
    command = ["figures", str(study_copy), "--paper", "locatello2020", "--beside"]
    assert cli.main([*command, str(finished_study)]) == 0
    path = study_copy / "figures" / "here_against_there"
    said = " ".join(capsys.readouterr().out.split())
    assert f"{path}.pdf shows the runs that both studies have" in said
    number = len(list(path.parent.glob("*.pdf")))
    assert said.endswith(f"{number} figures in {path.parent}, here_against_there among them")
    numbers = pd.read_csv(f"{path}.csv")
    assert (numbers["here"] == numbers["there"]).all()
    assert set(numbers["run_id"]) == set(store.open(finished_study).plan["run_id"])
    assert {f"{path}.{kind}" for kind in ("pdf", "png", "csv")} <= {str(one) for one in path.parent.iterdir()}
    assert (path.parent / "metric_rank_correlation.pdf").exists()
    assert cli.main([*command, str(tmp_path / "nowhere")]) == 2
    assert "holds no study" in capsys.readouterr().err
    there = results().assign(run_id=lambda table: "x" + table["run_id"])
    with pytest.raises(NothingToDraw):
        figures.write_beside(results(), there, path.parent)
    assert not list(path.parent.glob("here_against_there.*"))
    assert figures.OF_TWO.keys().isdisjoint(figures.FIGURES)


def test_where_no_figure_of_a_paper_can_be_drawn_it_says_so_and_what_there_is(study_copy, finished_study, capsys):
    folder = study_copy / "figures"
    command = ["figures", str(study_copy), "--paper", "higgins2017"]
    none = f"no figure of higgins2017 can be drawn from {study_copy}, for the reasons above; leave out --paper"
    assert cli.main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(none)
    assert not list(folder.iterdir())
    assert cli.main([*command, "--beside", str(finished_study)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"1 figure in {folder}: here_against_there; {none}")
    assert {path.stem for path in folder.iterdir()} == {"here_against_there"}
