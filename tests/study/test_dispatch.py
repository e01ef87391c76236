"""Jobs are retried, failures are handed on and the others go on, wherever the jobs run."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from disentanglement_study.config import ResourceConfig
from disentanglement_study.runtime import cores
from disentanglement_study.study.dispatch import EXECUTORS
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.types import Job, Run


def job(name: str) -> Job:
    return Job(name, (Run(name, "dsprites", "beta_vae", {"beta": 1.0}, 0, "dlib"),))


def work_in(folder: str):
    """Work whose jobs behave as they are named; each attempt leaves a line in a file."""

    def work(job: Job, resources: ResourceConfig) -> None:
        attempts = os.path.join(folder, job.job_id)
        with open(attempts, "a") as handle:
            handle.write("attempt\n")
        with open(attempts) as handle:
            attempt = len(handle.readlines())
        if job.job_id == "raises":
            raise RuntimeError("on purpose")
        if job.job_id == "raises_once" and attempt == 1:
            raise RuntimeError("once")
        if job.job_id == "dies_once" and attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    return work


@pytest.mark.parametrize(
    ("executor", "names"),
    [
        ("inline", ["good", "raises", "raises_once", "last"]),
        ("ray", ["good", "raises", "raises_once", "dies_once", "last"]),
    ],
)
def test_failures_are_retried_then_handed_on_and_the_others_finish(executor, names, tmp_path):
    resources = ResourceConfig(retries=1, num_gpus=0.0)
    said = {}
    ended = {
        job.job_id: error
        for job, error in EXECUTORS[executor](
            Pile([job(name) for name in names]),
            work_in(str(tmp_path)),
            resources,
            None,
            notes=lambda job, text: said.update({job.job_id: text}),
        )
    }
    assert set(ended) == set(names)
    assert "on purpose" in str(ended.pop("raises"))
    assert set(ended.values()) == {None}
    attempts = {name: len((tmp_path / name).read_text().splitlines()) for name in names}
    twice = {"raises", "raises_once", "dies_once"} & set(names)
    assert attempts == {name: 2 if name in twice else 1 for name in names}
    if "dies_once" in names:
        why = "its process ended without an error message: it was killed, or it crashed"
        assert said["dies_once"] == f"an attempt failed: {why}; it is tried again"


def test_processes_claim_different_cores_and_free_them_when_they_die(tmp_path):
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores and an affinity to set")
    program = textwrap.dedent("""
        import sys
        from disentanglement_study.runtime import cores
        print(*cores.claim(1), flush=True)
        sys.stdin.read()
    """)

    # A folder for the claims of these processes alone: other tests run jobs at the same time.
    settings = {
        "args": [sys.executable, "-c", program],
        "env": {**os.environ, "TMPDIR": str(tmp_path)},
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "text": True,
    }

    def start():
        return subprocess.Popen(**settings)

    first, second = start(), start()
    claimed = [set(map(int, process.stdout.readline().split())) for process in (first, second)]
    assert all(len(own) == 1 for own in claimed)
    assert claimed[0] != claimed[1]
    first.kill()
    first.wait()
    third = start()
    assert set(map(int, third.stdout.readline().split())) == claimed[0]
    for process in (second, third):
        process.kill()
        process.wait()


def test_a_claim_for_all_cores_leaves_the_process_as_it_is():
    before = os.sched_getaffinity(0)
    assert cores.claim(len(before)) == before == os.sched_getaffinity(0)
