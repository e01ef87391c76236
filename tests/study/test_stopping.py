"""How a study ends that is stopped, or of which something failed, and what `status` says of one that nothing runs."""

import io
import shutil
import signal
import time

import pandas as pd
import pytest
from rich.console import Console
from waiting import HANG, held

from disentanglement_study import cli, store
from disentanglement_study.store import in_flight
from disentanglement_study.study import status, watch
from disentanglement_study.types import Job, Run


@pytest.mark.parametrize(
    ("executor", "signals"),
    [("inline", [signal.SIGINT] * 3), ("ray", [signal.SIGTERM] * 2)],
    ids=["inline, Ctrl-C", "ray, SIGTERM"],
)
def test_a_study_that_is_stopped_ends_with_one_line_and_keeps_what_is_done(
    small_sweep, dsprites_root, tmp_path, executor, signals
):
    folder = tmp_path / "stopped"
    command = ["run", small_sweep, str(folder), "--executor", executor, "--data-dir", str(dsprites_root)]
    process = held(("study.watch", "Watch", "job_ended", 1), command)
    assert store.open(folder).is_running()
    for number in signals:  # impatient: the second comes while it shuts down
        process.send_signal(number)
        time.sleep(0.1)
    _, messages = process.communicate(timeout=HANG)
    assert process.returncode == 130
    *before, last = messages.splitlines()
    assert last == "stopped; nothing finished is lost: the same command goes on from here"
    assert all(line.startswith(("8 runs: ", "2/8 models ")) for line in before), before
    assert len(store.open(folder).run_ids("done")) >= 2
    assert not store.open(folder).is_running()


def test_the_status_of_a_study_whose_driver_is_dead_says_that_nothing_runs(study_copy, capsys):
    dead = store.open(study_copy)
    shutil.rmtree(next(dead.jobs.iterdir()))
    left = [run for run in dead.plan["run_id"] if run not in dead.run_ids("done")]
    job = Job("a" * 12, tuple(Run(run, "dsprites", "beta_vae", {"beta": 1.0}, 0, "dlib") for run in left))
    in_flight.write_progress(dead, job, "training", 0.5)
    in_flight.write_progress(dead, watch.WAITING, "a job needs 1 GPU, the largest node has 0 GPUs", 0.0)

    def counts() -> tuple[int, int]:
        assert cli.main(["status", str(study_copy)]) == 0
        shown = status.status(dead)
        return shown["running"].sum(), shown["missing"].sum()

    assert counts() == (0, len(left))
    assert "waiting" not in capsys.readouterr().out
    with dead.lock():
        assert counts() == (len(left), 0)
        assert "waiting: a job needs 1 GPU, the largest node has 0 GPUs" in capsys.readouterr().out
    assert counts() == (0, len(left))


def test_what_a_study_waits_for_is_said_and_kept_for_its_status(study_copy):
    studied, said = store.open(study_copy), io.StringIO()
    with studied.lock():
        watched = watch.Watch(Console(file=said), studied, 0)
        watched.waits("a job needs 1 GPU")
        assert status.awaited(studied) == ["a job needs 1 GPU"]
        watched.waits("")
        assert status.awaited(studied) == []
    assert said.getvalue() == "waiting, 0 min: a job needs 1 GPU\n"


def test_a_dead_address_is_one_line_and_makes_no_folder(small_sweep, finished_study, dsprites_root, tmp_path, capsys):
    there = ["--address", "127.0.0.1:1", "--data-dir", str(dsprites_root)]
    assert cli.main(["run", small_sweep, str(tmp_path / "study"), *there]) == 2
    assert cli.main(["evaluate", str(finished_study), "--metrics", "irs", *there]) == 2
    assert capsys.readouterr().err == "error: no Ray cluster at '127.0.0.1:1': Connection refused\n" * 2
    assert not (tmp_path / "study").exists()


def test_a_job_that_no_machine_can_run_is_refused_and_leaves_no_folder(small_sweep, dsprites_root, tmp_path, capsys):
    wish = ["--gin", "resources.num_cpus = 4096", "--data-dir", str(dsprites_root)]
    assert cli.main(["run", small_sweep, str(tmp_path / "study"), *wish]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: a job needs 4096 CPUs, the largest node has ")
    assert not (tmp_path / "study").exists()


def test_a_run_that_the_lock_refuses_has_changed_nothing(small_sweep, dsprites_root, study_copy, capsys):
    def contents():
        return {path: path.read_bytes() for path in study_copy.rglob("*") if path.is_file() and path.name != "lock"}

    before = contents()
    larger = ["--gin", "sweep.seeds = 3", "--data-dir", str(dsprites_root), "--executor", "inline"]
    with store.open(study_copy).lock():
        assert cli.main(["run", small_sweep, str(study_copy), *larger]) == 2
    assert "another process is running" in capsys.readouterr().err
    assert contents() == before


def test_diverged_models_and_metrics_that_some_have_are_no_failures():
    plan = pd.DataFrame({"run_id": ["a", "b", "c"]})
    rows = [("a", "training", "diverged at update 3: loss is nan"), ("a", "mig", "ValueError: codes are not finite"),
            ("b", "training", None), ("b", "mig", "bad luck"), ("c", "training", None), ("c", "mig", None),
            ("a", "dci", "bad luck"), ("b", "dci", None), ("z", "irs", "not asked for")]  # fmt: skip
    results = pd.DataFrame(rows, columns=["run_id", "metric", "error"]).astype("string")
    assert status.failures(results, plan, set()) == ""
    assert status.failures(results.iloc[:4], plan, {"c", "z"}) == "failed: 1 of 3 runs; metric mig for every model"


@pytest.mark.parametrize("command", ["run", "quick", "evaluate"])
def test_help_says_what_exit_codes_mean(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert "0: all done. 2: bad input" in " ".join(capsys.readouterr().out.split())
