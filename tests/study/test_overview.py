"""`status --watch`: how far a study is, how fast it runs and when it ends, seen by another process."""

import io
import json
import re
import time
import types

import pytest
from rich.console import Console

from disentanglement_study import cli, store
from disentanglement_study.cli import watching
from disentanglement_study.store import in_flight
from disentanglement_study.store.making import MADE
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import overview, watch
from disentanglement_study.study.progress import Progress, kinds_of
from disentanglement_study.training.learnt import GOES_ON


@pytest.fixture
def running(study_copy):
    """A study of four jobs of two models each: two are done, a third is half trained, and nobody has the fourth."""
    opened = store.open(study_copy)
    manifests = opened.manifests()
    jobs = sorted(finished_jobs(opened), key=lambda job: job.job_id)
    assert [len(job.runs) for job in jobs] == [2, 2, 2, 2]
    for manifest in manifests:  # each took 90 s for training, a tenth of the time for scoring
        manifest["seconds"] = {"compile": 30.0, "train": 60.0, "represent": 4.0, "evaluate": 6.0}
        (study_copy / "jobs" / manifest["job_id"] / "manifest.json").write_text(json.dumps(manifest))
    with opened.lock():
        for job in jobs[2:]:
            opened.remove_job(job.job_id)
        in_flight.write_progress(opened, jobs[2], "training", 0.25, {"training": (0.5, 45.0)})
        with in_flight.commanded(opened, [run.run_id for job in jobs for run in job.runs]):
            yield opened, jobs


def test_a_look_says_how_far_how_fast_and_when_it_ends(running):
    opened, jobs = running
    seen = overview.overview(opened)
    assert (seen.planned, seen.done, seen.failed, seen.running, seen.slots) == (8, 4, 0, 2, 1)
    assert seen.left == pytest.approx(55 + 100)  # 45 s of training and 10 s of scoring, then the fourth
    assert overview.overview(opened, slots=2).left == pytest.approx(100)
    (shown,) = seen.jobs
    assert shown["job"] == jobs[2].job_id
    assert shown["fraction"] == pytest.approx(0.45)  # not a quarter: scoring is a tenth of the work
    assert abs(seen.started - time.time()) < 60


def test_models_that_train_longer_are_seen_to_by_the_weights_of_the_command(running):
    opened, jobs = running
    first = kinds_of(opened.plan)[jobs[0].runs[0].run_id]
    kinds = {kind._replace(weight=1.0 if kind == first else 4.0) for kind in kinds_of(opened.plan).values()}
    opened.remove_job(jobs[1].job_id)
    (opened.tmp / f"{jobs[2].job_id}.progress.json").unlink()
    with in_flight.commanded(opened, [run.run_id for job in jobs for run in job.runs], kinds):
        left = [90 if (job.data_set, job.method) == first[:2] else 360 for job in jobs[1:]]
        assert len(set(left)) == 2
        assert overview.overview(opened).left == pytest.approx(sum(left) + 30)


def test_what_an_earlier_command_did_is_no_speed(running, monkeypatch):
    opened, jobs = running
    with in_flight.commanded(opened, [run.run_id for job in jobs[2:] for run in job.runs]):
        started = in_flight.command(opened)["started"]
        monkeypatch.setattr(overview, "time", types.SimpleNamespace(time=lambda: started + 1800))
        seen = overview.overview(opened)
        assert seen.left == pytest.approx(155)
        assert seen.per_hour / 2 == pytest.approx(2 * 0.45, rel=0.2)


def test_it_is_shown_look_by_look_until_nothing_runs(running, capsys, monkeypatch):
    opened, jobs = running
    looks = []

    def ends(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            monkeypatch.setattr(store.Store, "is_running", lambda self: False)

    monkeypatch.setattr(watching.time, "sleep", ends)
    in_flight.write_progress(opened, watch.WAITING, "a GPU \x1b[2J", 0.0)
    assert cli.main(["status", str(opened.root), "--watch", "--every", "7"]) == 0
    shown = capsys.readouterr().out
    assert looks == [7, 7]
    assert shown.count("4 of 8 models done, 0 failed, 2 running, 2 to do\n") == 2
    assert len(re.findall(r"end expected at .*\d\d:\d\d \(in 3 min\)\n", shown)) == 2
    assert "waiting: a GPU \\x1b[2J\n" in shown
    assert re.search(rf"{jobs[2].job_id} .* training +45%", shown)
    assert shown.endswith(f"no process runs {opened.root}\n")


@pytest.mark.parametrize(
    ("left", "words"), [(0.4, "a few seconds"), (9.9, "a few seconds"), (10, "10 s"), (180, "3 min")]
)
def test_the_last_seconds_are_not_counted(left, words):
    """Jobs say how far they are too seldom: "in 1 s" stood there for many."""
    console = Console(file=io.StringIO(), width=100)
    seen = overview.Overview(3, 0, 1, 4, 1, 0.0, 10.0, left, [], [])
    console.print(watching.block("here", seen, 100.0))
    assert f"(in {words})\n" in console.file.getvalue()


def test_ctrl_c_ends_the_looking_and_nothing_else(running, capsys, monkeypatch):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(watching.time, "sleep", interrupted)
    assert cli.main(["status", str(running[0].root), "--watch"]) == 0
    assert "end expected at" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"started": "x", "run_ids": []}',
        '{"started": 1, "run_ids": [1]}',
        '{"started": 1, "run_ids": [], "kinds": [["dsprites", "pca", "{}"]]}',
        '{"started": 1, "run_ids": [], "kinds": [["dsprites", "pca", {}, 1]]}',
        '{"started": 1, "run_ids": [], "kinds": 1}',
    ],
)
def test_a_damaged_file_of_the_command_says_nothing(running, text):
    opened, _ = running
    (opened.tmp / "run.json").write_text(text)
    seen = overview.overview(opened)
    assert (seen.started, seen.done, seen.running) == (None, 4, 2)
    assert seen.left != seen.left


def test_a_start_that_no_clock_shows_is_no_error(running, capsys, monkeypatch):
    opened, jobs = running
    about = {"started": 1e300, "run_ids": [run.run_id for job in jobs for run in job.runs]}
    (opened.tmp / "run.json").write_text(json.dumps(about))
    looks = iter([overview.overview(opened), None])
    monkeypatch.setattr(watching, "overview", lambda *arguments: next(looks))
    monkeypatch.setattr(watching.time, "sleep", lambda seconds: None)
    watching.watch(opened, 1)
    assert "since an unknown time" in capsys.readouterr().out


def test_the_file_of_the_command_is_removed_at_its_end_and_by_the_next_if_it_was_killed(study_copy):
    opened = store.open(study_copy)
    with in_flight.commanded(opened, ["0123456789ab"]):
        assert in_flight.command(opened)["run_ids"] == ["0123456789ab"]
    assert in_flight.command(opened) is None
    for name in ("run.json", "run.123"):
        assert MADE.fullmatch(name)
        (opened.tmp / name).write_text("{}")
    with opened.lock():
        in_flight.clear(opened)
    assert [path.name for path in opened.tmp.iterdir()] == ["lock"]


def test_nothing_runs_a_finished_study(finished_study, capsys):
    assert cli.main(["status", str(finished_study), "--watch"]) == 0
    assert capsys.readouterr().out == f"no process runs {finished_study}\n"
    with pytest.raises(SystemExit):
        cli.main(["status", str(finished_study), "--watch", "--every", "0"])


def test_a_worker_tells_what_this_attempt_has_done_of_each_half(study_copy, monkeypatch):
    opened, said, now = store.open(study_copy), [], [100.0]
    monkeypatch.setattr("disentanglement_study.study.progress.time.monotonic", lambda: now[0])
    progress = Progress(opened, finished_jobs(opened)[0], said.append)

    def told(step, seconds, *arguments):
        now[0] += seconds
        step(*arguments)
        (entry,) = in_flight.progress(opened)
        return entry["fraction"], entry.get("training"), entry.get("scoring")

    assert told(progress.begins, 0, "loading") == (0.0, None, None)
    assert told(progress.trains, 5, "training", 0.4) == (0.2, [0.0, 0.0], None)  # an attempt before did that
    assert told(progress.trains, 10, "training", 0.5) == (0.25, [pytest.approx(0.1), 10], None)
    assert told(progress.scores, 50, "scoring", 0.0) == (0.5, [pytest.approx(0.6), 60], [0.0, 0.0])
    assert told(progress.scores, 3, "scoring", 0.5) == (0.75, [pytest.approx(0.6), 60], [0.5, 3])
    assert said == ["loading", "training", "scoring"]


def test_what_was_trained_before_a_checkpoint_is_not_of_this_attempt(study_copy, monkeypatch):
    opened, now = store.open(study_copy), [100.0]
    monkeypatch.setattr("disentanglement_study.study.progress.time.monotonic", lambda: now[0])
    progress = Progress(opened, finished_jobs(opened)[0], print)
    progress.trains("compiling", 0.0)
    now[0] += 9
    progress.trains(GOES_ON, 0.5)
    for fraction in (0.5, 0.52):
        progress.trains("training", fraction)
    (entry,) = in_flight.progress(opened)
    assert (entry["fraction"], entry["training"]) == (pytest.approx(0.26), [pytest.approx(0.02), 9])
    progress.trains(GOES_ON, 0.8)  # of the next models of this job
    progress.trains("training", 0.9)
    (entry,) = in_flight.progress(opened)
    assert (entry["fraction"], entry["training"]) == (pytest.approx(0.45), [pytest.approx(0.12), 9])


def test_the_command_that_runs_a_study_gives_the_same_estimate(running):
    opened, jobs = running
    said = io.StringIO()
    watched = watch.Watch(Console(file=said, width=200), opened, 8, kinds_of(opened.plan))
    for job in jobs[:2]:
        watched.job_ended(job, None, opened.manifest(job)["seconds"])
    assert said.getvalue().splitlines()[-1].endswith("elapsed 0 s, about 155 s left")
