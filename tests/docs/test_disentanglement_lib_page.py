"""Every command of docs/how_to/disentanglement_lib.md does what the page says."""

import json
import re
import shlex
from pathlib import Path

import dlib_results
import pytest

from disentanglement_study import cli, store

PAGE = (Path(__file__).parents[2] / "docs" / "how_to" / "disentanglement_lib.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the page's commands run: with results of disentanglement_lib, and with those of a study of one's own."""
    folder = tmp_path_factory.mktemp("page")
    contents = {path: one for number in (0, 1, 2) for path, one in dlib_results.files(number, ["mig", "dci"]).items()}
    dlib_results.write(folder / "output", contents)
    dlib_results.aggregated(folder / "results.json", contents)
    mine = {path: one for number in (1, 2, 3) for path, one in dlib_results.files(number, ["mig"]).items()}
    command = [
        "import",
        "disentanglement_lib",
        str(dlib_results.write(folder / "own", mine)),
        str(folder / "studies/mine"),
    ]
    assert cli.main(command) == 0
    return folder


def test_every_command_works(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(lines) == 7
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "disentanglement-study"
        assert cli.main(arguments) == 0, line
    assert "2 runs that both studies have are compared" in capsys.readouterr().out
    for name in re.findall(r"`tables/(\w+\.csv)`", PAGE):
        assert (folder / "studies/mine/tables" / name).exists()
    for name in re.findall(r"`(figures/\w+\.pdf)`", PAGE):
        assert (folder / "studies/mine" / name).exists()


def test_the_file_on_the_page_is_a_whole_one(tmp_path):
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (path,) = re.findall(r"`(output/\S+\.json)`, with", PAGE)
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    assert cli.main(["import", "disentanglement_lib", str(tmp_path / "output"), str(tmp_path / "study")]) == 0
    opened = store.open(tmp_path / "study")
    (run,) = opened.plan.to_dict("records")
    assert (run["data_set"], run["method"], run["strength"], run["seed"]) == ("dsprites", "beta_vae", 1.0, 0)
    assert run["dlib_model_num"] == 0
    values = opened.results().set_index(["representation", "metric", "score"])["value"].to_dict()
    assert values == {
        ("mean", "mig", "mig"): 0.125,
        ("model", "training", "loss"): 41.3,
        ("model", "training", "reconstruction_loss"): 25.1,
        ("model", "training", "kl_loss"): 16.2,
    }


NEEDED = ("dataset.name", "model.model", "vae.beta", "model.random_seed")


@pytest.mark.parametrize(
    "key", [*(f"train_config.{name}" for name in NEEDED), "postprocess_config.postprocess.postprocess_fn"]
)
def test_what_the_page_says_is_needed_is_needed(key, tmp_path, capsys):
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    content = json.loads(text)
    del content[key]
    (tmp_path / "one.json").write_text(json.dumps(content))
    code = cli.main(["import", "disentanglement_lib", str(tmp_path / "one.json"), str(tmp_path / "study")])
    assert code == (3 if key.startswith("postprocess") else 2)  # its losses are of no representation
    said = " ".join(capsys.readouterr().err.split())
    assert "one.json: it" in said


def test_the_names_on_the_page_are_those_of_a_study(folder):
    found = store.open(folder / "studies/mine").results()
    assert {"dlib_model_num", "run_id"} <= set(found)
    assert "mig" in set(found["score"])
