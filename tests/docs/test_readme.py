"""What the README says is so."""

import re
import shlex
from pathlib import Path

import numpy as np
from report_study import make_study

from disentanglement_study import cli, data, metrics
from disentanglement_study.data import own
from disentanglement_study.study import components, plan

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[list[str]]:
    """Every `disentanglement-study ...` of the README's shell blocks, as arguments."""
    text = "\n".join(body for language, body in BLOCKS if language == "sh")
    starts = [match.start() for match in re.finditer(r"^disentanglement-study ", text, flags=re.MULTILINE)]
    ends = [*starts[1:], len(text)]
    lines = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    return [shlex.split(line)[1:] for line in lines]


def add_squares(folder, monkeypatch):
    """What the README does to add data of one's own; returns the folder of the data sets."""
    (example,) = [body for language, body in BLOCKS if language == "python" and "squares.npz" in body]
    monkeypatch.chdir(folder)
    exec(example, {})
    assert cli.main(["data", "add", "squares.npz", "--data-dir", "sets"]) == 0
    monkeypatch.undo()
    return folder / "sets"


def test_the_commands_of_the_readme_exist(tmp_path, monkeypatch):
    assert len(commands()) >= 8
    sets = add_squares(tmp_path, monkeypatch)
    for arguments in commands():
        parsed = cli.parser().parse_args(arguments)
        parsed.data_dir = sets
        if {"sweep", "where"} <= vars(parsed).keys() and parsed.function is not cli.study.quick:
            assert cli.study._sweep(parsed)[1], arguments


def test_the_sweeps_of_the_readme_can_be_planned(tmp_path):
    images, own_series, sources = re.findall(r"```\n(sweep\.data_sets.*?)```", README, flags=re.DOTALL)
    assert len(plan.expand(components.load("quick", [images]))) == 2 * (3 * 2 * 2 + 2 * 2 + 1) * 5
    assert len(plan.expand(components.load(sources))) == 3 * 3 * 3 * 3
    own.add_series("mine", np.random.default_rng(0).normal(size=(4000, 3)), root=tmp_path)
    assert len(plan.expand(components.load(own_series), tmp_path)) == 3 * 3


def test_the_data_of_the_readme_become_a_set_that_can_be_drawn_from(tmp_path, monkeypatch):
    squares = data.load("squares", add_squares(tmp_path, monkeypatch))
    assert squares.is_complete
    assert squares.factor_names == ("shade", "row", "column")


def test_the_metrics_of_the_readme_are_there_and_its_example_runs():
    (example,) = [body for language, body in BLOCKS if language == "python" and "metrics.mig(" in body]
    exec(example, {})
    rows = re.findall(r"^\| `(\w+)` \| .* \| (sample|split|table|models) \|", README, flags=re.MULTILINE)
    assert dict(rows) == {name: metric.sampling for name, metric in metrics.METRICS.items()} | {"udr": "models"}


def test_the_results_of_the_readme_are_read_and_drawn(tmp_path, monkeypatch):
    (example,) = [body for language, body in BLOCKS if language == "python" and "variance_explained(" in body]
    make_study(tmp_path / "studies" / "quick")
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    assert (tmp_path / "metrics.pdf").read_bytes().startswith(b"%PDF")


def test_the_files_that_the_readme_points_to_are_there():
    root = Path(__file__).parents[2]
    links = {link for link in re.findall(r'\]\(([^)#]+)\)|src="([^"]+)"', README) for link in link if link}
    local = [link for link in links if "://" not in link]
    assert len(local) >= 8
    assert [link for link in local if not (root / link).exists()] == []
