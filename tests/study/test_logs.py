"""`disentanglement-study logs`: what each job of a study did and said, one command away."""

import dataclasses
import os
import re
import signal

import pytest
from rich.console import Console

from disentanglement_study import cli, store
from disentanglement_study.runtime import job_log
from disentanglement_study.store import upkeep
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import job, status, watch
from disentanglement_study.training import fit


def test_the_jobs_of_a_study_each_have_a_log_of_their_stages(finished_study, capsys):
    opened = store.open(finished_study)
    assert cli.main(["logs", str(finished_study)]) == 0
    shown = capsys.readouterr().out
    for manifest in opened.manifests():
        assert manifest["job_id"] in shown
        assert cli.main(["logs", str(finished_study), manifest["job_id"][:6]]) == 0
        text = capsys.readouterr().out
        parts = ("attempt 1 begins on ", "loading", "training", "representing", "scoring", "writing", "done")
        places = [text.index(part) for part in parts]
        assert places == sorted(places)
        assert f"{len(manifest['run_ids'])} runs of " in text


def test_an_unknown_or_unclear_job_is_one_line(study_copy, capsys):
    known = [manifest["job_id"] for manifest in store.open(study_copy).manifests()]
    near = known[0][:-1] + ("0" if known[0][-1] != "0" else "1")
    assert cli.main(["logs", str(study_copy), near]) == 2
    assert f"error: unknown job '{near}': did you mean '{known[0]}'?" in capsys.readouterr().err
    twin = known[0][:-1] + ("0" if known[0][-1] != "0" else "1")
    (study_copy / "logs" / f"{twin}.log").write_text("x\n")
    assert cli.main(["logs", str(study_copy), known[0][:-1]]) == 2
    assert capsys.readouterr().err.startswith(f"error: job '{known[0][:-1]}' may be one of 2, such as ")


def test_a_log_of_control_characters_is_harmless_and_a_link_is_not_read(study_copy, tmp_path, capsys):
    first, second = (manifest["job_id"] for manifest in store.open(study_copy).manifests()[:2])
    (study_copy / "logs" / f"{first}.log").write_bytes(b"\x1b[2J [red]x\xff\n")
    (tmp_path / "secret").write_text("secret\n")
    (study_copy / "logs" / f"{second}.log").unlink()
    (study_copy / "logs" / f"{second}.log").symlink_to(tmp_path / "secret")
    assert cli.main(["logs", str(study_copy), first]) == 0
    assert capsys.readouterr().out == "\\x1b[2J [red]x\ufffd\n"
    assert cli.main(["logs", str(study_copy), second]) == 0
    assert capsys.readouterr().out == f"job {second} has no log\n"


def test_a_job_says_what_became_of_it(study_copy, small_sweep, dsprites_root, capsys, monkeypatch):
    opened = store.open(study_copy)
    manifest = opened.manifests()[0]
    job_id = manifest["job_id"]
    with opened.lock():
        opened.remove_job(job_id)
    states = status.jobs(opened).set_index("job")
    assert states.loc[job_id, "state"] == "begun"
    assert states.loc[job_id, "runs"] == 0  # only its log is left

    def fail(*arguments, **named):
        raise RuntimeError("no learner today")

    monkeypatch.setattr(job.loading, "learner", fail)
    where = ["--data-dir", str(dsprites_root), "--executor", "inline"]
    assert cli.main(["run", small_sweep, str(study_copy), *where]) == 3
    states = status.jobs(opened).set_index("job")
    assert states.loc[job_id, ["runs", "state"]].tolist() == [len(manifest["run_ids"]), "failed"]
    capsys.readouterr()
    assert cli.main(["logs", str(study_copy), job_id]) == 0
    text = capsys.readouterr().out
    assert "attempt 2 failed\nTraceback" in text
    assert "\nRuntimeError: no learner today\n" in text
    assert text.rstrip().endswith("seen by the command that runs it: failed: no learner today")


def test_of_a_damaged_job_that_was_set_aside_the_log_does_not_end_with_done(study_copy):
    opened = store.open(study_copy)
    one = finished_jobs(opened)[0]
    (opened.jobs / one.job_id / "scores.parquet").write_bytes(b"PAR1")
    with opened.lock():
        upkeep.set_aside(opened, upkeep.damage(opened)[0])
    assert "set aside because it is damaged: " in job_log.tail(opened.log_file(one.job_id)).splitlines()[-1]


def test_a_run_that_is_stopped_goes_on_from_its_checkpoint_and_says_so(
    study_copy, small_sweep, dsprites_root, capsys, monkeypatch
):
    opened = store.open(study_copy)
    job_id = opened.manifests()[0]["job_id"]
    with opened.lock():
        opened.remove_job(job_id)
    command = ["run", small_sweep, str(study_copy), "--data-dir", str(dsprites_root), "--executor", "inline"]
    before, reached = opened.log_file(job_id).read_text(), fit._Reached.write

    def told(self, done):
        reached(self, done)
        if done:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(fit._Reached, "write", told)
        assert cli.main(command) == 130
    assert re.search("8 runs: 6 there already, 2 to do in 1 job$", capsys.readouterr().err, re.MULTILINE)
    assert cli.main(command) == 0
    said = "8 runs: 6 there already, 2 to do in 1 job, 1 of them goes on from its checkpoint\n"
    assert said in capsys.readouterr().err
    text = opened.log_file(job_id).read_text().removeprefix(before)
    parts = (
        "attempt 2 begins", r"makes a checkpoint, after update (\d+) of \d+",
        r"attempt 2 was stopped: it was told to stop \(SIGTERM\)",
        "attempt 3 begins", r"goes on from its checkpoint, after update \1 of \d+", "done",
    )  # fmt: skip
    assert re.search(".*?".join(parts), text, re.DOTALL), text
    assert "KeyboardInterrupt" not in text


def test_a_command_for_other_runs_leaves_the_checkpoints_that_it_does_not_need(
    study_copy, small_sweep, dsprites_root, capsys, monkeypatch
):
    opened = store.open(study_copy)
    with opened.lock():
        for manifest in opened.manifests():
            opened.remove_job(manifest["job_id"])
    command = ["run", small_sweep, str(study_copy), "--data-dir", str(dsprites_root), "--executor", "inline"]
    methods = opened.plan.drop_duplicates("method", keep="first")["method"].tolist()
    reached, told = fit._Reached.write, []

    def stop(self, done):
        reached(self, done)
        if done:
            told.append(done)
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(fit._Reached, "write", stop)
        assert cli.main(command) == 130
    half = [path.parent.name for path in opened.checkpoints.glob("*/runs.json")]
    assert len(half) == 1
    of = dict(zip(opened.plan["run_id"], opened.plan["method"], strict=True))
    own = of[upkeep.begun(opened)[half[0]][0]]
    (other,) = [method for method in methods if method != own]
    (opened.checkpoints / "0123456789ab").mkdir()
    assert cli.main([*command, "--where", f"method == {other!r} and seed == 0"]) == 0
    assert [path.name for path in opened.checkpoints.iterdir()] == half
    capsys.readouterr()

    def interrupted(*given):
        raise KeyboardInterrupt

    # Some runs of the job begin anew, which is said; while none of them has ended its checkpoint is of use to all.
    part = opened.plan.set_index("run_id").loc[upkeep.begun(opened)[half[0]][0]]
    with monkeypatch.context() as patch:
        patch.setattr("disentanglement_study.study.run.run_jobs", interrupted)
        chosen = f"method == {own!r} and seed == {part['seed']} and strength == {part['strength']}"
        assert cli.main([*command, "--where", chosen]) == 130
    assert f"job {half[0]} is half trained, and this command does 1 of its 2 runs" in capsys.readouterr().err
    assert half[0] in [path.name for path in opened.checkpoints.iterdir()]
    assert cli.main([*command, "--where", f"method == {own!r}"]) == 0
    assert "1 of them goes on from its checkpoint" in capsys.readouterr().err


def test_why_the_command_gave_an_attempt_up_is_in_the_log_and_in_its_words(study_copy, capsys):
    opened = store.open(study_copy)
    job_id = opened.manifests()[0]["job_id"]
    of = next(one for one in finished_jobs(opened) if one.job_id == job_id)
    seen = watch.Watch(Console(), opened, len(of.runs))
    seen.notes(of, "an attempt failed: TimeoutError: too long; it is tried again")
    shown = capsys.readouterr().out
    assert shown == f"{of.method} on dsprites, 2 runs: an attempt failed: TimeoutError: too long; it is tried again\n"
    seen.notes(dataclasses.replace(of, runs=of.runs[:1]), "lost")
    assert capsys.readouterr().out == f"{of.method} on dsprites, 1 run: lost\n"
    seen.job_ended(of, TimeoutError("the job had not ended after 2 hours"), {})
    *_, first, _, last = opened.log_file(job_id).read_text().splitlines()
    assert first.endswith(
        "seen by the command that runs it: an attempt failed: TimeoutError: too long; it is tried again"
    )
    assert last.endswith("seen by the command that runs it: failed: the job had not ended after 2 hours")


@pytest.fixture(autouse=True)
def signals_as_before():
    """A command that was stopped leaves its process deaf to signals: it is about to end, but that of tests is not."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
