"""What the README says is so."""

import re
import shlex
from pathlib import Path

from report_study import make_study

from disentanglement_study import cli, data, metrics, store
from disentanglement_study.data.draws import sampling
from disentanglement_study.methods import METHODS
from disentanglement_study.methods.vae import vae
from disentanglement_study.study import components, plan
from disentanglement_study.types import Objective

README = (Path(__file__).parent.parent / "README.md").read_text()
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
        if "sweep" in parsed and parsed.function is not cli.study.quick:
            assert cli.study._sweep(parsed)[1], arguments


def test_the_objective_of_the_readme_trains(dsprites_root, tmp_path, monkeypatch):
    (source,) = [body for language, body in BLOCKS if language == "python" and "def free_bits_vae" in body]
    (line,) = [body for language, body in BLOCKS if language == "python" and "Objective(free_bits_vae" in body]
    module = tmp_path / "free_bits_vae.py"
    module.write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    function = __import__("free_bits_vae").free_bits_vae
    added = eval("{" + line + "}", {"Objective": Objective, "free_bits_vae": function})
    for name, objective in added.items():
        monkeypatch.setitem(METHODS, name, vae(objective))  # as `methods` does when it is imported
    settings = ["sweep.methods = {'free_bits_vae': {'free_nats': [0.0, 0.5]}}", "sweep.seeds = 1"]
    settings += [
        "train.steps = 20",
        "evaluate.metrics = ['mig']",
        "evaluate.table_rows = 500",
        "evaluate.num_train = 500",
    ]
    options = [part for setting in settings for part in ("--gin", setting)]
    folder = tmp_path / "study"
    place = ["--executor", "inline", "--data-dir", str(dsprites_root)]
    assert cli.main(["run", "quick", str(folder), *place, *options]) == 0
    results = store.open(folder).results()
    assert results["error"].isna().all()
    assert set(results["strength"]) == {0.0, 0.5}
    # Free bits leave the KL at or above their floor of 0.5 nats a latent; without them it may collapse.
    kl = results[results["score"] == "kl_loss"].set_index("strength")["value"]
    assert kl[0.5] > kl[0.0]


def test_the_method_of_the_readme_gives_codes(dsprites_root, tmp_path, monkeypatch):
    (source,) = [body for language, body in BLOCKS if language == "python" and "ROW_MEANS = Method" in body]
    (line,) = [body for language, body in BLOCKS if language == "python" and '"row_means": ROW_MEANS' in body]
    scope: dict = {}
    exec(source, scope)
    for name, method in eval("{" + line + "}", scope).items():
        monkeypatch.setitem(METHODS, name, method)
    settings = ["sweep.methods = {'row_means': {}}", "sweep.seeds = 1", "evaluate.metrics = ['mig']"]
    settings += ["evaluate.table_rows = 500", "evaluate.num_train = 500"]
    options = [part for setting in settings for part in ("--gin", setting)]
    place = ["--executor", "inline", "--data-dir", str(dsprites_root)]
    assert cli.main(["run", "quick", str(tmp_path / "study"), *place, *options]) == 0
    results = store.open(tmp_path / "study").results()
    assert results["error"].isna().all()
    assert set(results["representation"]) == {"mean"}


def test_the_sweeps_of_the_readme_can_be_planned():
    images, sources = re.findall(r"```\n(sweep\.data_sets.*?)```", README, flags=re.DOTALL)
    assert len(plan.expand(components.load("quick", [images]))) == 2 * (3 * 2 * 2 + 2 * 2 + 1) * 5
    assert len(plan.expand(components.load("quick", [sources]))) == 3 * 3 * 2


def test_the_data_of_the_readme_become_a_set_that_can_be_drawn_from(tmp_path, monkeypatch):
    squares = data.load("squares", add_squares(tmp_path, monkeypatch))
    assert squares.is_complete
    assert squares.factor_names == ("shade", "row", "column")


def test_the_samplers_of_the_readme_are_all_there_are():
    (table,) = re.findall(r"\| sampling \|.*?\n\n", README, flags=re.DOTALL)
    named = set(re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in table.strip().splitlines()[2:])))
    assert named == set(sampling.DISTRIBUTIONS) | set(sampling.PAIRS)
    (text,) = re.findall(r"```\n(train\.sampling.*?)```", README, flags=re.DOTALL)
    study = components.load("quick", [text])
    assert study.train.sampling_options == {"first": "scale", "second": "position_x", "sigma": 0.2}
    assert plan.expand(study)


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
    root = Path(__file__).parent.parent
    links = {link for link in re.findall(r'\]\(([^)#]+)\)|src="([^"]+)"', README) for link in link if link}
    local = [link for link in links if "://" not in link]
    assert len(local) >= 8
    assert [link for link in local if not (root / link).exists()] == []
