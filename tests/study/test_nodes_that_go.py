"""A node that Ray empties, or whose `ray start --block` gets SIGTERM: its jobs make checkpoints and go on elsewhere."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from waiting import LIMIT, wait_for

from disentanglement_study import cli, store
from disentanglement_study.config import ResourceConfig
from disentanglement_study.runtime import signals
from disentanglement_study.study import dispatch
from disentanglement_study.study.dispatch import cluster
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.types import Job, Run

KEY = ["run_id", "representation", "metric", "score"]


def counting(folder: str):
    """Work that counts until a file says that it is enough, and goes on from where it was told to stop; each attempt
    leaves a line in a file: its node, and where it began."""

    def work(job: Job, resources: ResourceConfig) -> None:
        import ray

        checkpoint, attempts = (Path(folder) / f"{job.job_id}.{name}" for name in ("checkpoint", "attempts"))
        count = int(checkpoint.read_text()) if checkpoint.exists() else 0
        with attempts.open("a") as handle:
            handle.write(json.dumps([ray.get_runtime_context().get_node_id(), count]) + "\n")
        with signals.deferred() as stop:
            while not (stop or (Path(folder) / "enough").exists()):
                time.sleep(0.1)
                count += 1
            time.sleep(1.0)  # for a checkpoint
            checkpoint.write_text(str(count))

    return work


def attempts(folder: Path, name: str) -> list[tuple[str, int]]:
    path = folder / f"{name}.attempts"
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def block(nodes) -> subprocess.Popen:
    """A node that is started as on a cluster, and has joined it."""

    def there() -> set[str]:
        return {one["NodeID"] for one in nodes.global_state.node_table() if one["Alive"]}

    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    before = there()
    node = subprocess.Popen([*command, "--address", nodes.address], env={**os.environ, **cluster.SETTINGS}, **quiet)
    wait_for(lambda: there() - before)
    return node


def empty(address: str, node: str) -> None:
    """What `ray drain-node` and autoscalers do."""
    from ray._raylet import GcsClient
    from ray.core.generated import autoscaler_pb2

    why, until = autoscaler_pb2.DRAIN_NODE_REASON_PREEMPTION, 1000 * int(time.time() + LIMIT)
    accepted, text = GcsClient(address=address).drain_node(node, why, "a test", until)
    assert accepted, text


@pytest.mark.slow
def test_of_several_clusters_that_which_is_named_is_drained_and_said(nodes, capsys, monkeypatch):
    """RAY_ADDRESS is of another cluster, which is not there."""
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert cli.main(["drain", "--address", nodes.address, "--seconds", "240"]) == 0
    head = nodes.head_node.node_id
    name = next(one["NodeName"] for one in nodes.global_state.node_table() if one["NodeID"] == head)
    none, said = capsys.readouterr().out.splitlines()
    assert none == "0 jobs ended here and go on elsewhere"
    assert said.startswith(f"Ray gives this node ({name} of the cluster at {nodes.address}) no more jobs")


@pytest.mark.slow
def test_a_node_that_ends_in_peace_ends_when_its_jobs_have_gone_on_elsewhere(nodes, tmp_path):
    """The first node gets SIGTERM, which Ray takes as the wish to empty it; Ray then waits for half a minute."""
    first, names, others, codes = block(nodes), ["one", "two"], [], []

    def end() -> None:
        try:
            wait_for(lambda: any(attempts(tmp_path, name) for name in names))
            others.append(block(nodes))
            wait_for(lambda: all(attempts(tmp_path, name) for name in names))
            first.send_signal(signal.SIGTERM)
            codes.append(first.wait(LIMIT))
            others.append(block(nodes))
            wait_for(lambda: sum(len(attempts(tmp_path, name)) for name in names) > 2)
        finally:
            (tmp_path / "enough").touch()

    pile = Pile([Job(name, (Run(name, "dsprites", "vae", {}, 0, "dlib"),)) for name in names])
    thread = threading.Thread(target=end)
    thread.start()
    running = dispatch.ray(pile, counting(str(tmp_path)), ResourceConfig(retries=0, num_gpus=0.0), nodes.address)
    try:
        assert {one.job_id: error for one, error in running} == dict.fromkeys(names)
        thread.join()
    finally:
        for node in (first, *others):
            node.kill()
    assert len(codes) == 1
    moved, stayed = sorted((attempts(tmp_path, name) for name in names), key=len, reverse=True)
    assert len(stayed) == 1
    (before, nothing), (after, count) = moved
    assert before != after
    assert nothing == 0
    assert count > 0  # where it was told to stop


@pytest.mark.slow
def test_a_study_whose_node_is_emptied_trains_nothing_twice(nodes, small_sweep, dsprites_root, tmp_path):
    few = ["sweep.seeds = 2", "sweep.methods = {'beta_vae': {'beta': [4]}}", "train.steps = 2000"]
    options = ["--data-dir", str(dsprites_root), *(word for binding in few for word in ("--gin", binding))]
    moved, undisturbed = tmp_path / "moved", tmp_path / "undisturbed"
    there = [block(nodes)]

    def reached() -> int:
        marks = (moved / "checkpoints").glob("*/*.reached")
        return max((json.loads(mark.read_text())["reached"] for mark in marks), default=0)

    def end() -> None:
        wait_for(lambda: reached() > 100)
        (node,) = (one["NodeID"] for one in cluster_nodes() if one["Alive"] and one["Resources"].get("CPU"))
        empty(nodes.address, node)
        there.append(block(nodes))

    def cluster_nodes() -> list[dict]:
        import ray

        return ray.nodes()

    thread = threading.Thread(target=end)
    thread.start()
    try:
        assert cli.main(["run", small_sweep, str(moved), "--address", nodes.address, *options]) == 0
    finally:
        thread.join()
        for node in there:
            node.kill()
    assert cli.main(["run", small_sweep, str(undisturbed), "--executor", "inline", *options]) == 0
    (manifest,) = store.open(moved).manifests()
    assert (manifest["updates"], manifest["repeated"]) == (4000, 0)
    log = store.open(moved).log_file(manifest["job_id"]).read_text()
    assert log.count(" begins on ") == 2
    assert "attempt 1 was stopped: " in log
    values = [store.open(one).rows("scores").set_index(KEY)["value"].sort_index() for one in (moved, undisturbed)]
    pd.testing.assert_series_equal(*values)
