"""What `docs/how_to/sweep.md` and `docs/how_to/metrics.md` say of what there is: samplings, optimisers, metrics."""

import re
from typing import get_args, get_type_hints

import pages
import pytest

from disentanglement_study import cli
from disentanglement_study.config import SweepConfig, TrainConfig
from disentanglement_study.data.draws import sampling
from disentanglement_study.metrics import METRICS
from disentanglement_study.study import components, plan

SWEEP = pages.read("docs/how_to/sweep.md")
METRICS_PAGE = pages.read("docs/how_to/metrics.md")
GIN = [block.text for block in pages.blocks(SWEEP) if block.language == "gin"]
FIRST, WHERE, SAMPLED, SOURCES = GIN


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the rows of the table whose first column has this head."""
    (table,) = re.findall(rf"^\| {head} \|.*?\n\n", text, flags=re.DOTALL | re.MULTILINE)
    return [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]


def names(text: str) -> set[str]:
    return set(re.findall(r"`'?(\w+)'?`", text))


def test_the_samplings_of_the_page_are_all_there_are():
    assert names("\n".join(row[0] for row in rows(SWEEP, "sampling"))) == set(sampling.samplings())
    study = components.load("quick", [SAMPLED])
    assert study.train.sampling_options == {"first": "scale", "second": "position_x", "sigma": 0.2}
    assert plan.expand(study)


def test_the_page_counts_its_runs(tmp_path):
    (tmp_path / "mine.gin").write_text(FIRST)
    study = components.load(str(tmp_path / "mine.gin"))
    assert len(plan.expand(study)) == 2 * (3 * 2 * 2 + 2 * 2 + 1) * 2 == 68
    assert "68 runs" in SWEEP
    study = components.load("quick", [WHERE])
    assert len(plan.expand(study)) == 36 + 6 + 6  # the other size of batches, for two of the six methods
    assert len(plan.expand(components.load(SOURCES))) == 3 * 3 * 3 * 3


@pytest.mark.parametrize(
    ("section", "setting"),
    [(TrainConfig, "optimiser"), (TrainConfig, "schedule"), (TrainConfig, "precision"), (SweepConfig, "protocol")],
)
def test_the_values_of_a_setting_are_all_there_are(section, setting):
    (values,) = [row[1] for row in rows(SWEEP, "setting") if row[0].endswith(f".{setting}`")]
    assert names(values) == set(get_args(get_type_hints(section)[setting]))


def test_a_scope_wins_as_the_page_says(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.gin").write_text(FIRST)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["plan", "mine.gin", "--gin", "train.learning_rate = 1e-4"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert said
    assert said in " ".join(SWEEP.split())


@pytest.mark.parametrize(
    ("sweep", "binding"),
    [
        ("quick", "train.step = 3"),
        ("quick", "beta_vae.beta = -1"),
        ("quick", "sweep.methods = ['beta_vea']"),
        ("quick", "nets.num_latents = [5, 10]"),
    ],
)
def test_the_errors_of_the_page_are_those_that_are_printed(sweep, binding, capsys):
    assert cli.main(["plan", sweep, "--gin", binding]) == 2
    said = " ".join(capsys.readouterr().err.split())
    beginning, _, rest = said.partition("(there are: ")
    listed = " ".join([beginning, "(there are: " + ", ".join(rest.split(", ")[:2])]) if rest else said
    assert " ".join(listed.split()) in " ".join(SWEEP.split())


def test_every_metric_has_a_place_by_question_and_by_cost():
    known = set(METRICS) | {"udr"}
    by_question = set(re.findall(r"metrics\.md#(\w+)\)", METRICS_PAGE))
    assert by_question == known
    by_cost = names("\n".join(row[1] for row in rows(METRICS_PAGE, "seconds")))
    assert by_cost <= known
