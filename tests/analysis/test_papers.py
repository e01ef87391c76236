"""The scripts that regenerate a paper, and commands where a user has an `analysis` of their own."""

import subprocess
import sys
from pathlib import Path

import pytest
from report_study import make_study

SCRIPTS = Path(__file__).parents[2] / "analysis"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("study") / "quick").root


def script(*arguments, paper="locatello2019"):
    command = [sys.executable, str(SCRIPTS / f"{paper}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_script_writes_the_tables_and_figures_of_its_paper(study):
    done = script(study)
    assert (done.returncode, done.stderr) == (0, "")
    folder = study / "analysis" / "locatello2019"
    assert "rank_correlation.csv" in {path.name for path in (folder / "tables").iterdir()}
    assert (folder / "figures" / "metric_rank_correlation.pdf").read_bytes().startswith(b"%PDF")
    assert f"tables and {len(list((folder / 'figures').glob('*.png')))} figures in {folder}" in done.stdout


def test_a_paper_of_which_the_study_allows_no_figure_says_what_is_lacking(study):
    done = script(study, paper="higgins2017")
    assert (done.returncode, done.stderr) == (0, "")
    assert "skipped: score_by_system: no model has the higgins_score" in done.stdout
    assert "skipped: score_by_latents_and_beta: no model was given" in done.stdout
    assert "not drawn: traversals of celeba by method: the harness does not have this data set" in done.stdout
    assert f"tables and 0 figures in {study / 'analysis' / 'higgins2017'}" in done.stdout


def test_a_folder_that_is_no_study_is_one_line(tmp_path):
    done = script(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path} is empty and holds no study")


def test_a_command_runs_beside_an_analysis_of_the_users_own(study, tmp_path):
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").write_text("raise RuntimeError('the user wrote this for something else')")
    command = [sys.executable, "-m", "disentanglement_study", "tables", str(study)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
