"""Every command of docs/disentanglement_lib.md does what the page says."""

import re
import shlex
from pathlib import Path

import dlib_results
import pytest

from disentanglement_study import cli, store

PAGE = (Path(__file__).parents[1] / "docs" / "disentanglement_lib.md").read_text(encoding="utf-8")


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
    assert "2 runs are in both studies" in capsys.readouterr().out
    for name in re.findall(r"`tables/(\w+\.csv)`", PAGE):
        assert (folder / "studies/mine/tables" / name).exists()
    for name in re.findall(r"`(figures/\w+\.pdf)`", PAGE):
        assert (folder / "studies/mine" / name).exists()


def test_the_names_on_the_page_are_those_of_a_study(folder):
    found = store.open(folder / "studies/mine").results()
    assert {"dlib_model_num", "run_id"} <= set(found)
    assert "mig" in set(found["score"])
