"""Several nodes on one machine, which differ: in kind, in speed, and in who else uses them."""

import threading
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from disentanglement_study import cli, store
from disentanglement_study.config import ResourceConfig
from disentanglement_study.study import dispatch, plan
from disentanglement_study.study.dispatch import cluster, tasks
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.types import Job, Run

pytestmark = pytest.mark.slow
LIMIT = 120.0  # seconds; reached only if what a test waits for never comes
KEY = ["run_id", "representation", "metric", "score"]


def add(nodes, **resources: float) -> str:
    return nodes.add_node(num_cpus=1, resources=resources, wait=True).node_id


def many(number: int) -> Job:
    return plan.job_of(Run(f"run{seed}", "dsprites", "beta_vae", {"beta": 1.0}, seed, "dlib") for seed in range(number))


def test_kinds_of_nodes_have_jobs_of_their_own_and_scores_are_those_of_one_process(
    nodes, small_sweep, dsprites_root, finished_study, tmp_path, monkeypatch
):
    """The accelerators are names: jobs reserve a CPU there."""
    large, small = add(nodes, **{"accelerator_type:H100": 1.0}), add(nodes, **{"accelerator_type:V100": 1.0})
    given: dict[str, list[int]] = {}
    start = tasks.Tasks.start

    def watched(self, job, place, node):
        given.setdefault(node, []).append(len(job.runs))
        start(self, job, place, node)

    monkeypatch.setattr(tasks.Tasks, "start", watched)
    own = {"H100": {"num_gpus": 0.0, "job_size": 2}, "V100": {"num_gpus": 0.0, "job_size": 1}}
    settings = ["--gin", f"resources.by_device = {own}", "--gin", "resources.num_gpus = 0.0"]
    command = ["run", small_sweep, str(tmp_path / "study"), "--data-dir", str(dsprites_root)]
    assert cli.main([*command, "--address", nodes.address, *settings]) == 0
    assert given.keys() == {large, small}
    assert max(given[large]) == 2
    assert max(given[small]) == 1
    found = store.open(tmp_path / "study")
    assert Counter(len(one["run_ids"]) for one in found.manifests()) == Counter(given[large] + given[small])
    values = [one.rows("scores").set_index(KEY)["value"].sort_index() for one in (found, store.open(finished_study))]
    pd.testing.assert_series_equal(*values, rtol=1e-5)


@pytest.mark.parametrize("kinds", [("H100", "V100"), (None, None)])
def test_a_node_that_turns_out_slower_gets_smaller_jobs(nodes, kinds, tmp_path):
    """One says that it takes ten times as long for everything; whether the sweep names kinds makes no difference."""
    fast, slow = (add(nodes, **({f"accelerator_type:{kind}": 1.0} if kind else {})) for kind in kinds)
    by_device = {kind: {"num_gpus": 0.0} for kind in kinds if kind}
    resources = ResourceConfig(num_gpus=0.0, job_size=1000, by_device=by_device)
    pile, where, both = Pile([many(1000)], plan.cut), str(tmp_path), tmp_path / "both"
    shares, take = [], pile.take

    def watched(slots, largest, node):
        left, job = pile.num_runs, take(slots, largest, node)
        if job:  # which node it was given to: Ray may take the other one while it counts a job that has ended
            (tmp_path / job.job_id).write_text(node)
        if job and both.exists() and node == slow and left > 100:
            shares.append(len(job.runs) / left)
            (tmp_path / "enough").touch()
        return job

    def work(job: Job, resources: ResourceConfig) -> None:
        """Each node does one job and waits until the other has; the fast one, until the slow one has got another."""
        folder = Path(where)
        node = (folder / job.job_id).read_text()
        while (folder / node).exists() and not (folder / ("both" if node == slow else "enough")).exists():
            time.sleep(0.1)

    pile.take = watched
    for job, error in dispatch.ray(pile, work, resources, nodes.address):
        assert error is None
        node = (tmp_path / job.job_id).read_text()
        pile.ended(job, len(job.runs) * (100.0 if node == slow else 10.0))
        (tmp_path / node).touch()
        if (tmp_path / fast).exists() and (tmp_path / slow).exists():
            both.touch()
    assert 9 < pile.slower(slow) / pile.slower(fast) < 11
    assert max(shares) < 0.06  # a twenty-second at most, half of its share; else a quarter


def test_a_node_that_somebody_else_has_taken_keeps_no_job(nodes, tmp_path):
    import ray

    taken, free = add(nodes), add(nodes)
    with cluster.connected(nodes.address):
        there = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(taken, soft=False)

        @ray.remote(num_cpus=1, scheduling_strategy=there, lifetime="detached", name="other", namespace="other")
        class Other:
            def is_here(self) -> bool:
                return True

        other = Other.remote()
        assert ray.get(other.is_here.remote(), timeout=LIMIT)
    deadline, where = time.monotonic() + LIMIT, str(tmp_path)

    def work(job: Job, resources: ResourceConfig) -> None:
        (Path(where) / job.job_id).write_text(ray.get_runtime_context().get_node_id())

    def waits(text: str) -> None:
        assert time.monotonic() < deadline, text

    jobs = [plan.job_of([run]) for run in many(4).runs]
    running = dispatch.ray(Pile(jobs), work, ResourceConfig(num_gpus=0.0), nodes.address, waits)
    assert {one.job_id: error for one, error in running} == {one.job_id: None for one in jobs}
    assert {path.read_text() for path in tmp_path.iterdir()} == {free}


def test_the_job_of_a_node_that_dies_goes_on_at_another_kind(nodes, tmp_path):
    """No other node is of its kind, and none will come."""
    import ray

    dying, stays = add(nodes, **{"accelerator_type:H100": 1.0}), add(nodes, **{"accelerator_type:V100": 1.0})
    by_device = {kind: {"num_gpus": 0.0} for kind in ("H100", "V100")}
    deadline, where = time.monotonic() + LIMIT, str(tmp_path)

    def work(job: Job, resources: ResourceConfig) -> None:
        node = ray.get_runtime_context().get_node_id()
        (Path(where) / f"{node}.{job.job_id}").touch()
        while node == dying:
            time.sleep(0.1)

    def end() -> None:
        while not list(tmp_path.glob(f"{dying}.*")):
            time.sleep(0.1)
            assert time.monotonic() < deadline
        nodes.remove_node(next(one for one in nodes.worker_nodes if one.node_id == dying))

    def waits(text: str) -> None:
        assert time.monotonic() < deadline, text

    thread = threading.Thread(target=end)
    thread.start()
    jobs = [plan.job_of([run]) for run in many(2).runs]
    resources = ResourceConfig(num_gpus=0.0, by_device=by_device, retries=0)
    ended = {one.job_id: error for one, error in dispatch.ray(Pile(jobs), work, resources, nodes.address, waits)}
    thread.join()
    assert ended == {one.job_id: None for one in jobs}
    assert {path.suffix[1:] for path in tmp_path.glob(f"{stays}.*")} == ended.keys()
