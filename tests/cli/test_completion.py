"""What a shell is told when it asks how a command line may go on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from disentanglement_study import cli, metrics, store
from disentanglement_study.cli import completers, completion

PROGRAM = """
import sys
from disentanglement_study import cli
sys.modules["jax"] = sys.modules["ray"] = sys.modules["matplotlib"] = None  # to import them is an error
sys.exit(cli.main())
"""


def answers(line: str, folder: Path, shell: str = "bash") -> list[str]:
    """What a shell in this folder is told for this line; nothing may be said beside it."""
    told = folder / ".told"
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_SHELL": shell, "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
             "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": str(told),
             "COMP_LINE": f"disentanglement-study {line}", "COMP_POINT": str(22 + len(line))}  # fmt: skip
    place = {"PYTHONPATH": str(Path(cli.__file__).parents[2]), "DISENTANGLEMENT_STUDY_DATA": str(folder / "sets")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={**os.environ, **place, **asked},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    return told.read_text().split("\n")


@pytest.fixture(scope="module")
def folder(finished_study, tmp_path_factory):
    """A folder with a study, a sweep, a file of codes, and a file that is none of them."""
    there = tmp_path_factory.mktemp("folder")
    shutil.copytree(finished_study, there / "studies" / "mine", ignore=shutil.ignore_patterns("params.npz"))
    for name in ("own.gin", "codes.npz", "codes.txt"):
        (there / name).write_text("")
    return there


def test_commands_and_options(folder):
    assert {"status", "run", "completion"} <= set(answers("", folder))
    assert answers("sta", folder) == ["status"]
    assert answers("data ad", folder) == ["add"]
    assert answers("status --w", folder) == ["--watch"]
    assert answers("merge a b --keep f", folder) == ["first"]


def test_sweeps_by_name_and_by_file(folder):
    assert {"quick", "locatello2019", "own.gin", "studies/"} <= set(answers("plan ", folder))
    assert "codes.txt" not in answers("plan ", folder)
    assert answers("plan loca", folder) == ["locatello2019"]
    assert answers("doctor --sweep non", folder) == ["nonlinear_ica", "nonlinear_ica_quick"]


def test_what_can_be_listed_and_explained(folder):
    assert {"methods", "metrics", "sweeps"} <= set(answers("list ", folder))
    assert answers("explain mig_", folder) == ["mig_sup"]
    assert answers("explain --kind sweeps qu", folder) == ["quick"]


def test_folders_of_studies(folder):
    assert answers("status ", folder) == ["studies/"]
    assert answers("status studies/", folder) == ["studies/mine"]
    assert answers("tables x --beside studies/m", folder) == ["studies/mine"]
    assert answers("merge studies/mine stud", folder) == ["studies/"]
    assert answers("evaluate co", folder) == ["codes.npz"]


def test_runs_and_jobs_of_the_study(folder):
    runs = sorted(store.open(folder / "studies/mine").plan["run_id"])
    assert sorted(answers("traverse studies/mine ", folder)) == runs
    assert answers(f"encode studies/mine {runs[0]} {runs[1][:6]}", folder) == [runs[1]]
    jobs = sorted(path.name for path in (folder / "studies/mine/jobs").iterdir())
    assert answers("logs studies/mine ", folder) == jobs
    assert answers(f"logs studies/mine {jobs[0][:7]}", folder) == jobs[:1]


def test_metrics_in_a_list(folder):
    assert set(answers("evaluate codes.npz --metrics ", folder)) == {*metrics.METRICS, "all"}
    assert answers("evaluate codes.npz --metrics mig_", folder) == ["mig_sup"]
    assert answers("evaluate codes.npz --metrics mcc,mig", folder) == ["mcc,mig", "mcc,mig_sup"]
    assert "mcc,mcc" not in answers("evaluate codes.npz --metrics mcc,mc", folder)
    assert answers("evaluate codes.npz --option dci_", folder) == ["dci_es."]


def test_data_sets_papers_executors(folder):
    assert answers("data info sma", folder) == ["smallnorb"]
    assert answers("data prepare dsprites car", folder) == ["cars3d"]
    assert answers("figures studies/mine --paper lo", folder) == ["locatello2019", "locatello2020"]
    assert answers("run quick x --executor in", folder) == ["inline"]
    assert answers("export studies/mine out --format p", folder) == ["parquet"]


@pytest.mark.parametrize("line", ["logs no/where ", "traverse no/where ", "plan quick --where ", "retry x --gin ",
                                  "status no/", "traverse codes.txt 3f", "data info 'x"])  # fmt: skip
def test_without_an_answer_nothing_is_said(line, folder):
    assert answers(line, folder) == [""]


def test_a_damaged_plan_is_no_answer_and_no_error(folder, tmp_path):
    (tmp_path / "plan.parquet").write_bytes(b"PAR1 and no more")
    assert answers(f"traverse {tmp_path} ", folder) == [""]


def test_the_names_are_those_of_the_registries():
    from disentanglement_study.analysis import figures
    from disentanglement_study.export import FORMATS
    from disentanglement_study.pictures import ranges
    from disentanglement_study.study import dispatch

    assert set(completers.PAPERS) == figures.PAPERS.keys()
    assert set(completers.EXECUTORS) == dispatch.EXECUTORS.keys()
    assert set(completers.FORMATS) == set(FORMATS)
    assert set(completers.FAMILIES) == {*ranges.FAMILIES, "all"}


def test_every_completer_is_of_an_argument_that_there_is():
    places = {name for place, action in completion._actions(cli.parser(), "") for name in (place, action.dest)}
    assert completers.COMPLETERS.keys() <= places


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_the_script_of_a_shell_names_the_program(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "disentanglement-study" in script
    assert "_ARGCOMPLETE" in script
    assert ("compdef" in script) == (shell in ("bash", "zsh"))
    line = next(line for line in completion.DETAILS.splitlines() if line.split()[:1] == [shell])
    assert f"disentanglement-study completion {shell}" in line


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes(folder, tmp_path):
    """The script in a real bash: the function that it registers, called as bash calls it."""
    program = tmp_path / "bin" / "disentanglement-study"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys\nfrom disentanglement_study import cli\nsys.exit(cli.main())\n")
    program.chmod(0o755)
    script = """
        eval "$(disentanglement-study completion bash)"
        COMP_LINE="disentanglement-study evaluate codes.npz --metrics mcc,mig_" COMP_TYPE=9
        COMP_POINT=${#COMP_LINE}
        function_=$(complete -p disentanglement-study | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $function_ disentanglement-study; printf '%s\\n' "${COMPREPLY[@]}"
    """
    place = {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env={**os.environ, **place}, capture_output=True, text=True, check=True
    )
    assert (done.stdout.split(), done.stderr) == (["mcc,mig_sup"], "")
