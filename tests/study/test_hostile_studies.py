"""A study's folder may be a stranger's, and a disk may be full: nothing outside it is touched, and nothing is lost."""

import errno
import json
import os
import resource
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from small_study import OF_MINE

from disentanglement_study import cli, data, store
from disentanglement_study.config import identity
from disentanglement_study.data import own
from disentanglement_study.runtime import cores

SWEEP = f"""{OF_MINE}
sweep.seeds = 1
nets.encoder_options = {{'widths': [32]}}
nets.decoder_options = {{'widths': [32]}}
resources.job_size = 1
"""
POINTS = np.stack(np.unravel_index(np.arange(60), (3, 4, 5)), axis=1)


def add(home, seed=0):
    images = np.random.default_rng(seed).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    own.add("mine", images, POINTS, root=home / "sets")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A sweep, its data set, and its finished study of two jobs."""
    home = tmp_path_factory.mktemp("made")
    add(home)
    (home / "small.gin").write_text(SWEEP)
    assert cli.main(run(home, home / "study")) == 0
    return home


@pytest.fixture
def home(made, tmp_path):
    """A copy of all that, beside which somebody else keeps a file."""
    for name in ("sets", "study"):
        shutil.copytree(made / name, tmp_path / name)
    shutil.copy(made / "small.gin", tmp_path)
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "precious.png").write_bytes(b"precious")
    return tmp_path


def run(home, study, *more):
    return ["run", str(home / "small.gin"), str(study), "--data-dir", str(home / "sets"), "--executor", "inline", *more]


def at(home, name, *more):
    place = ["--data-dir", str(home / "sets")]
    place += ["--executor", "inline"] if name == "evaluate" else []
    return [name, str(home / "study"), *more, *place]


def kept(home):
    assert (home / "victim" / "precious.png").read_bytes() == b"precious"
    assert [path.name for path in (home / "victim").iterdir()] == ["precious.png"]


def rewrite(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("name", ["../../victim", "{home}/victim", "victim", 7, None])
def test_a_job_id_that_is_no_name_deletes_and_writes_nothing(home, capsys, name):
    manifest = min((home / "study" / "jobs").glob("*/manifest.json"))
    job_id = name.replace("{home}", str(home)) if isinstance(name, str) else name
    rewrite(manifest, job_id=job_id, status="failed", error="x")
    for command in (["report", str(home / "study")], ["status", str(home / "study")], at(home, "evaluate")):
        assert cli.main(command) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert str(manifest) in line
    assert cli.main(run(home, home / "study", "--retry-failed")) == 0  # the job is damaged: it is done again
    kept(home)
    assert not list(home.glob("*.js"))
    assert len(store.open(home / "study").results()) == 2 * 5  # MIG, and the training's four


def test_a_run_id_that_is_no_name_is_refused(home, capsys):
    path = home / "study" / "plan.parquet"
    plan = pd.read_parquet(path)
    plan.loc[0, "run_id"] = "../../victim"
    plan.to_parquet(path)
    for command in (["status", str(home / "study")], at(home, "traverse", "../../victim")):
        assert cli.main(command) == 2
        assert str(path) in capsys.readouterr().err
    assert cli.main(run(home, home / "study")) == 0  # the plan is damaged: it is made again
    assert f"the old plan is kept in {home / 'study' / 'damaged'}" in capsys.readouterr().err
    assert "../../victim" not in set(pd.read_parquet(path)["run_id"])
    kept(home)


def test_links_are_not_followed(home, capsys):
    study, victim = home / "study", home / "victim"
    shutil.rmtree(study / "tmp")
    (study / "tmp").symlink_to(victim)
    for command in (run(home, study), at(home, "evaluate", "--metrics", "irs")):
        assert cli.main(command) == 2
        assert "symbolic link" in capsys.readouterr().err
        kept(home)
    (study / "tmp").unlink()
    job = min((study / "jobs").iterdir())
    shutil.rmtree(job)
    job.symlink_to(victim)
    assert cli.main(run(home, study)) == 0  # the link is moved away, the job is done again
    kept(home)
    assert not job.is_symlink()
    (study / "tables").symlink_to(victim)
    (study / "report").symlink_to(victim)
    for name in ("tables", "report"):
        assert cli.main([name, str(study)]) == 2
        assert "symbolic link" in capsys.readouterr().err
    kept(home)


def test_the_report_copies_no_links(home):
    study = home / "study"
    run_id = store.open(study).plan["run_id"][0]
    pictures = study / "traversals" / run_id
    pictures.mkdir(parents=True)
    (pictures / "a.png").symlink_to(home / "victim" / "precious.png")
    (pictures / "b.png").write_bytes(b"drawn")
    assert cli.main(["report", str(study), "--output", str(home / "page")]) == 0
    assert [path.read_bytes() for path in (home / "page").rglob("*.png")] == [b"drawn"]


def test_what_this_program_has_not_made_is_neither_taken_over_nor_deleted(home, capsys):
    mine = home / "mine"
    (mine / "tmp").mkdir(parents=True)
    (mine / "tmp" / "thesis.tex").write_text("years")
    assert cli.main(run(home, mine)) == 2
    assert "holds no study" in capsys.readouterr().err
    thesis = home / "study" / "tmp" / "thesis.tex"
    thesis.write_text("years")
    assert cli.main(run(home, home / "study", "--gin", "sweep.seeds = 2")) == 0
    assert thesis.read_text() == (mine / "tmp" / "thesis.tex").read_text() == "years"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/b", "..", ".hidden", "a\nb"])
def test_a_data_set_is_a_name_in_its_folder(tmp_path, capsys, name):
    assert cli.main(["data", "info", name, "--data-dir", str(tmp_path / "sets")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    with pytest.raises(ValueError, match="data set"):
        data.load(name, tmp_path / "sets")


def test_the_claims_of_cores_are_in_a_folder_that_is_this_users_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(cores, "_claimed", [])
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, mask: None)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / f"disentanglement_study.{os.getuid()}"
    folder.symlink_to(tmp_path)
    assert cores.claim(1) == {0, 1}  # not in a folder that is a link
    folder.unlink()
    folder.mkdir(mode=0o777)
    (folder / "core0").symlink_to(victim)
    assert cores.claim(1) == {1}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert victim.read_text() == "precious"


def test_every_command_that_encodes_refuses_another_data_set_of_the_same_name(home, capsys):
    shutil.rmtree(home / "sets")
    add(home, seed=1)
    before = store.open(home / "study").results()
    run_id = before["run_id"][0]
    for command in (
        at(home, "evaluate", "--metrics", "irs"),
        at(home, "traverse", run_id),
        run(home, home / "study", "--gin", "sweep.seeds = 2"),
    ):
        assert cli.main(command) == 2
        assert "holds models of another data set 'mine': its contents have changed" in capsys.readouterr().err
    pd.testing.assert_frame_equal(store.open(home / "study").results(), before)


def test_a_node_with_another_data_set_of_the_same_name_does_no_job(home):
    from disentanglement_study.study import components, job, loading, plan

    study = components.load(str(home / "small.gin"), ["sweep.seeds = [5]"])
    (one, *_) = plan.group(plan.expand(study, home / "sets"), 1)
    asked = {loading.place("mine", study): {"name": "mine", "sha256": "0" * 64, "nuisance": None}}
    fresh = store.Store(home / "fresh")
    fresh.create(plan.frame(list(one.runs), study), study.text, json.dumps(identity.scored_with(study)))
    with pytest.raises(ValueError, match="differs from the data set where the command was started"):
        job.run_job(one, study.resources, study, fresh.root, home / "sets", asked)


# A process that may write no file of more than this many bytes. Data sets and compiled programs are there already.
LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from disentanglement_study import cli
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(cli.main(sys.argv[2:]))
"""


@pytest.mark.parametrize("checkpoints", [False, True], ids=["a job", "a checkpoint"])
def test_a_full_disk_is_no_failed_model_and_the_same_command_goes_on(home, made, checkpoints):
    study = home / "new"
    minutes = ["--gin", f"resources.checkpoint_minutes = {1e-9 if checkpoints else 0}"]
    program = [sys.executable, "-c", LIMITED, "40000", *run(home, study, *minutes)]
    ended = subprocess.run(program, capture_output=True, text=True)
    assert ended.returncode == 2, ended.stderr
    (said,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert "File too large" in said
    assert str(study) in said
    assert "Traceback" not in ended.stderr
    assert store.open(study).run_ids("failed") == set()
    assert cli.main(run(home, study, *minutes)) == 0
    results = [store.open(root).results().drop(columns="seconds") for root in (study, made / "study")]
    pd.testing.assert_frame_equal(*results)


@pytest.mark.parametrize("name", ["tables", "figures", "report"])
def test_a_full_disk_is_named_by_what_draws(home, capsys, name):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        code = cli.main([name, str(home / "study")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert os.strerror(errno.EFBIG) in last
    assert str(home / "study" / name) in last
    assert not list((home / "study").rglob(".index*"))
