"""The example notebook runs in a kernel of its own, shows what is committed, and answers what the scores say.

The numbers of its answers are computed again here, from the file of results, without `analysis.tables`.
"""

import re
from itertools import combinations
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from scipy.stats import spearmanr
from waiting import HANG

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "analysis" / "example.ipynb"
SMALL = "results/small/results.parquet"
LEARNT = {"dsprites": "dSprites", "color_dsprites": "Color-dSprites", "shapes3d_rendered": "Shapes3D (rendered)"}
METRICS = {"beta_vae_score": "BetaVAE score", "factor_vae_score": "FactorVAE score", "mig": "MIG", "dci": "DCI",
           "modularity": "Modularity", "sap_score": "SAP"}  # fmt: skip
METHODS = {"beta_vae": "β-VAE", "annealed_vae": "AnnealedVAE", "factor_vae": "FactorVAE", "beta_tc_vae": "β-TC-VAE",
           "dip_vae_i": "DIP-VAE-I", "dip_vae_ii": "DIP-VAE-II"}  # fmt: skip
SETTING = ["method", "strength"]


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell: nbformat.NotebookNode) -> set[str]:
    """The media types of what a cell shows; the stream it writes to, for what it prints."""
    return {kind for output in cell.outputs for kind in output.get("data", [output.get("name", "error")])}


def shown(cell: nbformat.NotebookNode, kind: str) -> list[str]:
    return [output["data"][kind] for output in cell.outputs if kind in output.get("data", {})]


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    for cell in code(notebook):
        cell.outputs = []
    # An error in a cell is one here, with the cell's text.
    return NotebookClient(notebook, timeout=int(HANG), resources={"metadata": {"path": folder}}).execute()


def answers(notebook: nbformat.NotebookNode) -> list[str]:
    return [text for cell in code(notebook) for text in shown(cell, "text/markdown")]


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"(?<![\w-])-?\d+\.?\d*(?![\w-])", text)]


@pytest.fixture(scope="module")
def committed() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    return execute(nbformat.read(NOTEBOOK, as_version=4), NOTEBOOK.parent)


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    """A row for each model of the data sets on which models learn, a column for each score."""
    rows = pd.read_parquet(ROOT / SMALL).query("representation != 'sampled'")
    wanted = [*METRICS, "reconstruction_loss", "elbo", "udr"]
    rows = rows[rows["data_set"].isin(LEARNT) & rows["score"].isin(wanted)].astype({"data_set": str, "method": str})
    return rows.pivot(index=["data_set", *SETTING, "seed"], columns="score", values="value").astype(float)


class TestCells:
    def test_every_cell_shows_a_table_or_a_picture(self, executed):
        for cell in code(executed):
            assert kinds(cell) & {"text/html", "image/png"}, cell.source
            assert not kinds(cell) & {"stdout", "stderr", "error"}, cell.source

    def test_the_committed_outputs_are_of_these_cells(self, executed, committed):
        """Texts and tables, which are rounded, are equal; of pictures it is that they are there."""
        nbformat.validate(committed)
        for place, (now, then) in enumerate(zip(code(executed), code(committed), strict=True), start=1):
            assert kinds(then) == kinds(now), then.source
            assert then.execution_count == place, f"cells were run in another order: {then.source}"
            for kind in ("text/html", "text/markdown"):
                assert shown(then, kind) == shown(now, kind), then.source

    def test_it_is_small_and_names_no_machine(self):
        text = NOTEBOOK.read_text(encoding="utf-8")
        assert len(text) < 600_000
        assert not re.search(r"/(home|root|tmp|Users|work)/", text)

    def test_each_question_is_a_heading_with_a_figure_and_an_answer(self, committed):
        asked = [cell.source for cell in committed.cells if re.search(r"^## \d\..*\?$", cell.source, re.MULTILINE)]
        answered = [cell for cell in code(committed) if {"image/png", "text/markdown"} <= kinds(cell)]
        assert len(asked) == len(answered) == 3
        for cell in answered:
            (text,) = shown(cell, "text/markdown")
            assert len(re.findall(r"\.(?= [A-Z]|$)", text)) == 2, text

    def test_the_answers_hold_no_number_written_by_hand(self, committed):
        """But for chance, and the year of a paper in the text."""
        for cell in code(committed):
            _, given, answer = cell.source.partition("Markdown(")
            outside = re.sub(r"\{[^{}]*\}", "", answer if given else "")
            assert numbers(outside) in ([], [50.0])


class TestAnswers:
    def test_the_data_sets_left_out_are_those_without_a_mig_of_a_tenth(self, executed):
        rows = pd.read_parquet(ROOT / SMALL).query("score == 'mig' and representation == 'mean'")
        best = rows.groupby("data_set", observed=True)["value"].max()
        assert {*best.index[best > 0.1]} == {*LEARNT}
        assert answers(executed)[0] == "Left out: Noisy-dSprites, Texture-dSprites."

    def test_the_shares_of_method_and_seed(self, executed, scores):
        share = {1: [], 2: []}
        for _, models in scores.groupby("data_set"):
            for metric in METRICS:
                y = models[metric]
                whole = ((y - y.mean()) ** 2).sum()
                within = ((y - y.groupby(SETTING).transform("mean")) ** 2).sum() / whole
                noise = within / (len(y) - y.groupby(SETTING).ngroups)
                for depth in share:
                    groups = y.groupby(SETTING[:depth])
                    plain = 1 - ((y - groups.transform("mean")) ** 2).sum() / whole
                    share[depth].append(plain - (groups.ngroups - 1) * noise)
        method, both = (100 * np.mean(share[depth]) for depth in (1, 2))
        expected = (
            f"{method:.0f} % of the variance, the method with its strength {both:.0f} %; the other {100 - both:.0f}"
        )
        assert expected in answers(executed)[1]

    def test_the_best_method_by_its_median_dci(self, executed, scores):
        medians = scores["dci"].groupby(["data_set", "method"]).median().unstack("method")
        best = [f"{METHODS[method]} on {LEARNT[data_set]}" for data_set, method in medians.idxmax(axis=1).items()]
        assert answers(executed)[1].endswith(f"highest median DCI is {', '.join(best)}.")

    def test_the_metrics_that_agree_and_those_that_depend_on_the_data(self, executed, scores):
        rho = {
            (a, b): {data_set: spearmanr(scores.loc[data_set, a], scores.loc[data_set, b])[0] for data_set in LEARNT}
            for a, b in combinations(METRICS, 2)
        }
        most = max(rho, key=lambda pair: min(rho[pair].values()))
        least = max(rho, key=lambda pair: max(rho[pair].values()) - min(rho[pair].values()))
        first, second = answers(executed)[2].split(". ", 1)
        assert first.startswith(f"{METRICS[most[0]]} and {METRICS[most[1]]} agree most reliably")
        assert numbers(first) == [round(min(rho[most].values()), 2)]
        assert f"of {METRICS[least[0]]} and {METRICS[least[1]]} depends" in second
        of_sets = ", ".join(f"{value:.2f} on {LEARNT[data_set]}" for data_set, value in rho[least].items())
        assert second.endswith(f"it is {of_sets}.")

    def test_the_safest_choice_without_labels(self, executed, scores):
        lowest = {}
        for score, label, sign in [
            ("reconstruction_loss", "Reconstruction", -1),
            ("elbo", "ELBO", 1),
            ("udr", "UDR", 1),
        ]:
            lowest[label] = min(
                (place_of(models[by].loc[chosen], models[by].to_numpy()), METRICS[by], LEARNT[name])
                for name, models in scores.groupby("data_set")
                for chosen in [(sign * models[score]).idxmax()]
                for by in ("mig", "dci")
            )
        safest = max(lowest, key=lowest.get)
        place, by, on = lowest[safest]
        expected = f"{safest} is the safest of these choices, and its lowest place is {place:.2f}, by {by} on {on}."
        assert answers(executed)[3].startswith(expected)

    def test_the_chance_that_a_setting_transfers(self, executed, scores):
        chance = {True: [], False: []}
        for chosen_on in LEARNT:
            for judged_on in LEARNT:
                for metric in METRICS:
                    of_pair = chance_of(scores.loc[chosen_on, metric], scores.loc[judged_on, metric])
                    chance[chosen_on == judged_on].append(of_pair)
        own, other = (100 * np.mean(chance[same]) for same in (True, False))
        _, _, said = answers(executed)[3].partition("With labels")
        assert numbers(said) == [round(own), round(other), 50]


def place_of(value: float, values: np.ndarray) -> float:
    """Its rank among the values over their number; the mean rank of those that are equal."""
    return ((values < value).sum() + ((values == value).sum() + 1) / 2) / len(values)


def chance_of(chosen: pd.Series, judged: pd.Series) -> float:
    """That the best setting among models of one seed beats, at another seed, another model of the data set."""
    by_seed, wins = chosen.unstack("seed"), []
    for seed in by_seed:
        best = by_seed.index[by_seed[seed] == by_seed[seed].max()]
        for other in judged.index.unique("seed").drop(seed, errors="ignore"):
            ours = np.array([judged.loc[(*setting, other)] for setting in best])[:, None]
            beaten = (judged.to_numpy() < ours).sum() + (judged.to_numpy() == ours).sum() / 2 - len(ours) / 2
            wins.append(beaten / len(ours) / (len(judged) - 1))
    return float(np.mean(wins))


def test_it_reads_a_study_of_ones_own_from_any_folder(tmp_path):
    """Another file of results: with one data set, and without UDR."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (cell,) = [cell for cell in code(notebook) if SMALL in cell.source]
    cell.source = cell.source.replace(SMALL, str(ROOT / "results" / "quick" / "results.parquet"))
    said = answers(execute(notebook, tmp_path))
    assert said[0] == "Left out: no data set."
    assert all("dSprites" in answer for answer in said[1:])


def test_it_opens_a_folder_that_is_a_study(tmp_path, monkeypatch):
    """The first cells, in this process: `results` are those of the store."""
    from report_study import make_study

    results = make_study(tmp_path / "study").results()
    monkeypatch.chdir(tmp_path)
    cell = next(cell for cell in code(nbformat.read(NOTEBOOK, as_version=4)) if SMALL in cell.source)
    source = re.sub(r"^%.*\n", "", cell.source, flags=re.MULTILINE).replace(SMALL, "study")
    found = {}
    exec(source, found)
    assert len(found["results"]) == len(results) > 0
