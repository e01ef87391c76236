"""Clusters that grow: Ray's own autoscaler starts nodes on this machine as jobs need them, and ends idle ones.

`ray.cluster_utils.AutoscalingCluster` does the same, but reads a file that Ray's wheel lacks, and begins and ends with
`ray stop --force`, which ends every Ray of this machine, those of other tests too.
"""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest
from waiting import LIMIT, wait_for

from disentanglement_study import cli, store
from disentanglement_study.config import ResourceConfig
from disentanglement_study.study import dispatch
from disentanglement_study.study.dispatch import cluster
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.types import Job, Run

pytestmark = pytest.mark.slow
KEY = ["run_id", "representation", "metric", "score"]
HEAD = "f" * 51 + "00000"  # Ray's name of the first node where it plays several
HEAD_TYPE = "ray.head.default"
WORKER = {"resources": {"CPU": 1}, "node_config": {}, "min_workers": 0, "max_workers": 2}
LISTS = ("initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands", "rsync_exclude")
MORE_LISTS = ("head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files", "rsync_filter")


def config(address: str, is_new: bool) -> dict:
    """Of a cluster that has a head without CPUs, and up to two nodes of one CPU; idle ones end after 6 seconds."""
    module = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
    on_this_machine = {"use_node_id_as_ip": True, "disable_node_updaters": True, "disable_launch_config_check": True}
    provider = {"type": "external", "module": module, "gcs_address": address, "launch_multiple": is_new}
    return {
        **{name: [] for name in (*LISTS, *MORE_LISTS)},
        "cluster_name": "growing",
        "max_workers": 2,
        "idle_timeout_minutes": 0.1,
        "upscaling_speed": 1.0,
        "provider": {**provider, "head_node_id": HEAD, **on_this_machine},
        "auth": {},
        "docker": {},
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        "head_node_type": HEAD_TYPE,
        "available_node_types": {HEAD_TYPE: {"resources": {}, "node_config": {}, "max_workers": 0}, "worker": WORKER},
    }


def free_port() -> int:
    """Below those that systems give to whoever asks for any, which another Ray may do before ours has started."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("", number := random.randrange(20000, 30000)))
            return number


@pytest.fixture(scope="module", params=["older", "newer"])
def growing(request):
    """The address of such a cluster, with Ray's older autoscaler (v1) or the newer one (v2)."""
    from ray.util import get_node_ip_address

    address, is_new = f"{get_node_ip_address()}:{free_port()}", request.param == "newer"
    with tempfile.TemporaryDirectory(prefix="ds", dir="/tmp", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(config(address, is_new)))
        names = {"AUTOSCALER_UPDATE_INTERVAL_S": "1", "RAY_FAKE_CLUSTER": "1", "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD}
        names["RAY_AUTH_MODE"] = "disabled"  # else a token in the home of who runs this turns it on
        names |= {"RAY_enable_autoscaler_v2": "1", "RAY_CLOUD_INSTANCE_ID": HEAD} if is_new else {}
        start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=0"]
        port = f"--port={address.rpartition(':')[2]}"
        more = [port, f"--autoscaling-config={path}", f"--temp-dir={folder}", "--include-dashboard=false"]
        head = subprocess.Popen(
            [*start, *more],
            env={**os.environ, **cluster.SETTINGS, **names, "TMPDIR": folder},
            stdout=(Path(folder) / "said").open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            said = Path(folder) / "said"
            wait_for(lambda: "Ray runtime started" in said.read_text() or head.poll() is not None)
            assert head.poll() is None, said.read_text()
            yield address
        finally:
            head.send_signal(signal.SIGTERM)
            head.wait(LIMIT)


def number_of_workers(ray) -> int:
    return sum(node["Alive"] and node["Resources"].get("CPU", 0) > 0 for node in ray.nodes())


def has_shrunk(address: str) -> bool:
    with cluster.connected(address) as ray:
        wait_for(lambda: number_of_workers(ray) == 0)
    return True


def job(name: str) -> Job:
    return Job(name, (Run(name, "dsprites", "beta_vae", {"beta": 1.0}, 0, "dlib"),))


def test_a_study_brings_the_nodes_that_it_needs(growing, small_sweep, dsprites_root, finished_study, tmp_path, capsys):
    assert has_shrunk(growing)
    common = ["--address", growing, "--data-dir", str(dsprites_root)]
    assert cli.main(["doctor", str(tmp_path / "study"), "--sweep", small_sweep, *common]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "note: a job needs 1 CPU, the largest node has 0 CPUs: a run waits until the cluster has grown" in said
    assert "stops a run" not in said

    assert cli.main(["run", small_sweep, str(tmp_path / "study"), *common]) == 0
    said = capsys.readouterr().err
    assert "waiting, 0 min: a job needs 1 CPU, the largest node has 0 CPUs; Ray is asked for more nodes\n" in said
    assert "infeasible" not in said
    values = [
        store.open(one).rows("scores").set_index(KEY)["value"].sort_index()
        for one in (tmp_path / "study", finished_study)
    ]
    pd.testing.assert_series_equal(*values, rtol=1e-5)
    assert has_shrunk(growing)


def test_a_cluster_grows_as_long_as_jobs_wait(growing, tmp_path):
    """Each job ends when both have begun: on two nodes."""
    assert has_shrunk(growing)
    folder, said, deadline = str(tmp_path), [], time.monotonic() + LIMIT

    def work(job: Job, resources: ResourceConfig) -> None:
        (Path(folder) / job.job_id).touch()
        while len(list(Path(folder).iterdir())) < 2:
            time.sleep(0.1)

    def waits(text: str) -> None:
        said.append(text)
        assert time.monotonic() < deadline, set(said)

    running = dispatch.ray(Pile([job("one"), job("two")]), work, ResourceConfig(num_gpus=0.0), growing, waits)
    assert {one.job_id: error for one, error in running} == {"one": None, "two": None}
    assert said[0] == "a job needs 1 CPU, the largest node has 0 CPUs; Ray is asked for more nodes"


def test_a_kind_of_node_that_never_comes_keeps_no_job(growing):
    """No node has an H100: the others do all jobs."""
    by_device, deadline = {"H100": {"num_gpus": 0.0}, "cpu": {"job_size": 2}}, time.monotonic() + LIMIT

    def waits(text: str) -> None:
        assert time.monotonic() < deadline, text

    resources = ResourceConfig(num_gpus=0.0, by_device=by_device)
    jobs = dispatch.ray(Pile([job("one"), job("two")]), lambda job, resources: None, resources, growing, waits)
    assert {one.job_id: error for one, error in jobs} == {"one": None, "two": None}
