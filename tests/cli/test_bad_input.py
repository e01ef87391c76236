"""What a user may get wrong is answered in one line, and nothing is changed."""

import os

import pandas as pd
import pytest
from test_cli import values

from disentanglement_study import cli

SETS = "DISENTANGLEMENT_STUDY_TEST_SETS"


def test_a_folder_is_no_sweep(tmp_path, capsys):
    assert cli.main(["plan", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {tmp_path} is a folder: name a gin file, or one of the sweeps ")
    assert "locatello2019, " in said


def bad_sweep(sweep: str, tmp_path, line: str) -> str:
    path = tmp_path / "bad.gin"
    with open(sweep) as good:
        path.write_text(good.read() + line + "\n")
    return str(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sweep.methods = {'bta_vae': {'beta': 1}}", "did you mean 'beta_vae'"),
        ("sweep.data_sets = ['dsprits']", "did you mean 'dsprites'"),
        ("evaluate.metrics = ['dcy']", "did you mean 'dci'"),
        ("sweep.methods = {'beta_vae': {'beta': 'strong'}}", "beta_vae.beta = 'strong'"),
        ("sweep.seeds = []", "sweep.seeds is empty: at least one seed is needed"),
        ("sweep.seeds = [0, 0]", "sweep.seeds names 0 twice"),
        ("dlib.beta = 3", "unknown section or component 'dlib'"),
        ("train.steps == 3", "not gin"),
        ("nets.num_latents = [2, 5]", "to vary it: sweep.axes = {'nets.num_latents': [2, 5]}"),
        ("sweep.data_sets = ['cars3d']", "disentanglement-study data prepare cars3d --data-dir "),
    ],
)
def test_a_bad_sweep_is_one_line_and_exit_code_2(sweep, dsprites_root, tmp_path, capsys, line, message):
    command = ["run", bad_sweep(sweep, tmp_path, line), str(tmp_path / "study"), "--data-dir", str(dsprites_root)]
    assert cli.main(command) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--where", "sed == 1"], "sed"),
        (["--where", "seed == 99"], "selects none of the 8 runs"),
        (["--executor", "rya"], "did you mean 'ray'"),
        (["--gin", "train.steps = 7"], "holds another sweep: train.steps is 40 there, 7 here, and 8 of its 8 runs are"),
        (["--gin", "evaluate.num_train = 7"], "scored with other settings"),
    ],
)
def test_bad_options_are_one_line_and_leave_the_study_as_it_is(study_copy, run, capsys, options, message):
    finished = study_copy
    before = values(finished)
    assert run(finished, *options) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    pd.testing.assert_series_equal(values(finished), before)


def test_a_corrupt_cache_is_one_line_and_stays_as_it_is(sweep, tmp_path, capsys):
    from disentanglement_study.data.rendered import dsprites

    dsprites.load(tmp_path)
    (cache,) = [path for path in tmp_path.iterdir() if path.stat().st_size > 1000]
    with cache.open("r+b") as handle:
        handle.seek(1234)
        handle.write(b"\xff\x00\xff")
    content = cache.read_bytes()
    assert cli.main(["run", sweep, str(tmp_path / "study"), "--data-dir", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert str(cache) in captured.err.replace("\n", "")
    assert "corrupt" in captured.err
    assert cache.read_bytes() == content
    assert not (tmp_path / "study").exists()
    cache.unlink()


def test_a_file_is_no_folder_for_a_study(run, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert run(tmp_path / "file") == 2
    assert f"{tmp_path / 'file'} is a file, not a folder: name another folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("command", ["evaluate", "data add"])
def test_a_file_that_is_not_there_is_one_line_with_the_nearest(command, tmp_path, capsys):
    (tmp_path / "codes.npz").touch()
    assert cli.main([*command.split(), str(tmp_path / "code.npz")]) == 2
    assert capsys.readouterr().err == f"error: there is no file {tmp_path}/code.npz: did you mean 'codes.npz'?\n"


def test_a_sweep_file_that_is_not_there_is_answered_with_the_nearest(tmp_path, capsys):
    (tmp_path / "mine.gin").touch()
    for name, meant in (("mien.gin", "mine"), ("quik.gin", "quick")):
        assert cli.main(["plan", str(tmp_path / name)]) == 2
        said = f"error: no sweep file '{tmp_path / name}': did you mean '{meant}'? (bundled sweeps, by name: "
        assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize("command", [["query", "SELECT 1"], ["status"], ["tables"], ["figures"]])
def test_a_folder_without_a_study_is_one_line(tmp_path, capsys, command):
    assert cli.main([command[0], str(tmp_path), *command[1:]]) == 2
    assert "holds no study" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "empty",
            "{root}/empty is empty and holds no study; `disentanglement-study run SWEEP {root}/empty` makes one",
        ),
        (
            "new",
            "{root}/new does not exist, so it holds no study; `disentanglement-study run SWEEP {root}/new` makes one",
        ),
        (
            "all/quik",
            "{root}/all/quik does not exist, so it holds no study (did you mean {root}/all/quick?); "
            "`disentanglement-study run SWEEP {root}/all/quik` makes one",
        ),
        ("file", "{root}/file is a file, and holds no study: name the folder of a study"),
        (
            "docs",
            "{root}/docs holds no study but other files (no plan.parquet); name the folder of a study",
        ),
        (
            "all",
            "{root}/all holds no study but other files (no plan.parquet): did you mean {root}/all/quick?",
        ),
    ],
)
def test_what_is_no_study_is_said_to_be_what_it_is(tmp_path, capsys, name, message):
    for folder in ("empty", "docs", "all/quick"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("file", "docs/page.md", "all/quick/plan.parquet"):
        (tmp_path / file).write_text("mine")
    assert cli.main(["status", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err == f"error: {message.format(root=tmp_path)}\n"


def test_a_syntax_error_in_a_query_is_one_line(finished, capsys):
    assert cli.main(["query", str(finished), "SELEC 1"]) == 2
    captured = capsys.readouterr()
    assert "syntax error" in captured.err
    assert len(captured.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "name", "error"),
    [
        ("status DIR --wacht", "status", "unknown option '--wacht': did you mean '--watch'? (there are: --every, "),
        ("query DIR SELECT1 SELECT2", "query", "too many arguments: SELECT2"),
        ("data show dsprites --quiet 1", "data show", "unknown option '--quiet' (there are: --data-dir, "),
        ("drain 90", "drain", "too many arguments: 90"),
        ("export DIR OUT --formt=csv", "export", "unknown option '--formt': did you mean '--format'? "),
        ("merge a b c --keep frist", "merge", "unknown value of --keep 'frist': did you mean 'first'? "),
        ("data lst", "data", "unknown command 'lst': did you mean 'list'? (there are: add, info, list, prepare, show)"),
        ("import disentanglment_lib a b", "import", "unknown program 'disentanglment_lib': did you mean 'dis"),
    ],
)
def test_what_a_command_does_not_know_is_answered_with_its_own_usage(command, name, error, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(command.split())
    assert stop.value.code == 2
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith(f"usage: disentanglement-study {name} [-h]")
    assert last.startswith(f"disentanglement-study {name}: error: {error}")


def test_without_a_command_the_help_is_shown(capsys):
    assert cli.main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == cli.parser().format_help()


def test_a_misspelt_command_is_answered_with_the_nearest(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["stauts", "studies/quick"])
    assert stop.value.code == 2
    usage, error = capsys.readouterr().err.splitlines()
    assert usage == "usage: disentanglement-study [-h] COMMAND ..."
    assert error.startswith(
        "disentanglement-study: error: unknown command 'stauts': did you mean 'status'? (there are: "
    )


@pytest.mark.parametrize("seed", ["-1", "2147483648", "x", "1.5"])
@pytest.mark.parametrize(
    "command", ["unmix DIR", "compare DIR", "traverse DIR 3f", "encode DIR", "evaluate FILE", "data show dsprites"]
)
def test_a_seed_that_is_none_is_named_with_the_range(command, seed, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([*command.split(), "--seed", seed])
    assert stop.value.code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.endswith(f"argument --seed: {seed}: expected int (0 or more, at most 2147483647)")


@pytest.mark.parametrize("place", ["/proc/study", "{file}/study"])
@pytest.mark.parametrize("name", ["run", "export", "encode", "data"])
def test_where_no_folder_can_be_made_is_one_line_that_names_it(study_copy, run, tmp_path, capsys, name, place):
    (tmp_path / "file").touch()
    place = place.format(file=tmp_path / "file")
    if name == "run":
        code = run(place)
    elif name == "data":
        code = cli.main(["data", "prepare", "dsprites", "--data-dir", place])
    else:
        where = [place] if name == "export" else ["--output", place, "--data-dir", os.environ[SETS]]
        code = cli.main([name, str(study_copy), *where])
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert code == 2
    assert line.startswith("error: ")
    assert place in line
    assert "Errno" not in line


@pytest.mark.parametrize(
    "command",
    [["run", "quick", ""], ["export", ".", ""], ["status", ""], ["evaluate", ""], ["merge", "a", "b", ""],
     ["plan", "quick", "--data-dir", ""], ["encode", ".", "--output", ""], ["doctor", ""]],
    ids=lambda command: command[0],
)  # fmt: skip
def test_an_empty_name_is_no_folder(command, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(command)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(": the folder's name is empty\n")
