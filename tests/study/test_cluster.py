"""What a job waits for is said, what cannot be had is refused, and nobody else gets into a Ray of our own."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from disentanglement_study.config import ResourceConfig
from disentanglement_study.study import dispatch
from disentanglement_study.study.dispatch import cluster
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.study.dispatch.places import places
from disentanglement_study.study.dispatch.tasks import check_device
from disentanglement_study.types import Job, Run

LIMIT = 120.0  # seconds; reached only if what a test waits for never comes


def job(name: str) -> Job:
    return Job(name, (Run(name, "dsprites", "beta_vae", {"beta": 1.0}, 0, "dlib"),))


def node(alive: bool = True, **resources: float) -> dict:
    return {"Alive": alive, "Resources": resources}


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"CPU": 2}, None),
        ({"CPU": 4, "GPU": 1}, None),
        ({"GPU": 4}, "a job needs 4 GPUs, the largest node has 1 GPU"),
        ({"CPU": 64, "GPU": 1}, "a job needs 64 CPUs, the largest node has 8 CPUs"),
        ({"CPU": 64, "TPU": 4}, "a job needs 64 CPUs and 4 TPUs, the largest node has 8 CPUs and 0 TPUs"),
        ({"CPU": 8, "GPU": 1}, "a job needs 8 CPUs and 1 GPU, and no node has both"),
    ],
)
def test_what_no_living_node_has_is_said(wanted, text):
    nodes = [node(CPU=8), node(CPU=4, GPU=1), node(alive=False, CPU=99, GPU=8, TPU=8)]
    assert cluster.lacking(wanted, nodes) == text
    assert "the largest node has 0" in cluster.lacking(wanted, [])


def test_what_an_autoscaler_starts_is_said(monkeypatch):
    said = {"pending_launches": {"gpu": 2}, "pending_nodes": [["10.0.0.7", "gpu", "setting-up"], ["", "cpu", ""]]}
    monkeypatch.setattr(cluster, "_report", lambda: said)
    assert cluster.coming() == "Ray is starting 3 gpu, 1 cpu"
    said |= {"pending_launches": {}, "pending_nodes": []}
    assert cluster.coming() == ""
    monkeypatch.setattr(cluster, "_report", lambda: json.loads(None))  # nothing has been said yet
    assert cluster.coming() == ""


def test_a_ray_that_does_not_say_which_nodes_are_emptied_is_named_once(monkeypatch, capsys):
    from ray._private.state import GlobalState

    monkeypatch.delattr(GlobalState, "get_draining_nodes")
    cluster._warn_once.cache_clear()
    assert cluster.leaving() == cluster.leaving() == set()
    said = capsys.readouterr().err
    assert said == f"{cluster.NO_LEAVING}\n"
    cluster._warn_once.cache_clear()


def test_what_a_job_needs_is_said_for_each_kind_of_node():
    resources = ResourceConfig(by_device={"H100": {"num_gpus": 0.5}, "cpu": {"num_cpus": 8}})
    where, head = places(resources, has_gpus=False), node(CPU=0)
    needs = "1 CPU and 0.5 GPUs on H100, 8 CPUs on cpu, 1 CPU and 1 GPU on others"
    assert cluster.none_for(where, [head]) == f"no node has room for a job, which needs {needs}"
    assert cluster.none_for(where, [head, node(CPU=8)]) is None


@pytest.mark.parametrize("name", ["GPU", "TPU"])
def test_a_job_does_not_train_on_cpu_that_reserved_something_else(name):
    with pytest.raises(RuntimeError) as refused:
        check_device({"CPU": 1, name: 2})
    message = str(refused.value)
    assert f"the job reserved 2 {name}s on {socket.gethostname()}, but JAX found only cpu" in message
    assert "\n" not in message
    check_device({"CPU": 1})


@pytest.mark.parametrize("address", ["127.0.0.1:{taken}", "127.0.0.1:99999", "no-such-host.invalid:6379"])
def test_an_address_where_nothing_listens_is_refused_at_once(address):
    with socket.socket() as taken:  # bound, so that no other process listens there meanwhile
        taken.bind(("127.0.0.1", 0))
        address = address.format(taken=taken.getsockname()[1])
        with pytest.raises(ValueError, match=f"no Ray cluster at '{re.escape(address)}': "):
            dispatch.check("ray", address)


@pytest.mark.parametrize("address", ["", " "])
def test_an_empty_address_is_no_ray_of_this_machine(address):
    """A script has `--address "$ADDRESS"`, and the variable is not set."""
    with pytest.raises(ValueError, match=r"^--address is empty: give HOST:PORT or auto, or leave it out"):
        dispatch.check("ray", address)


@pytest.mark.parametrize("address", ["10.0.0.1:6379", "auto", ""])
def test_an_address_that_is_not_used_is_refused(address):
    with pytest.raises(
        ValueError, match=rf"^--address {address} names a Ray cluster, which --executor inline does not use"
    ):
        dispatch.check("inline", address)


def listening() -> dict[int, set[str]]:
    """{process: addresses} of what listens here, by `ss`."""
    shown = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    found: dict[int, set[str]] = {}
    for line in shown.splitlines():
        for process in re.findall(r"pid=(\d+)", line):
            found.setdefault(int(process), set()).add(line.split()[3])
    return found


def family() -> set[int]:
    """This process and its descendants."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # gone meanwhile
    ours = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return ours


def test_a_ray_of_ones_own_is_private_and_a_hung_worker_is_ended(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    attempts = str(tmp_path / "attempts")

    def work(job: Job, resources: ResourceConfig) -> None:
        if job.job_id == "hangs":
            with open(attempts, "a") as handle:
                handle.write("attempt\n")
            os.kill(os.getpid(), signal.SIGSTOP)

    resources = ResourceConfig(retries=1, num_gpus=0.0, job_hours=2 / 3600)
    said = []
    pile = Pile([job("good"), job("hangs")])
    running = dispatch.ray(pile, work, resources, None, notes=lambda job, text: said.append((job.job_id, text)))
    ended, error = next(running)
    assert (ended.job_id, error) == ("good", None)

    ours = (
        {process: where for process, where in listening().items() if process in family()} if shutil.which("ss") else {}
    )
    addresses = {address for where in ours.values() for address in where}
    assert all(re.match(r"(127\.0\.0\.1|\[::ffff:127\.0\.0\.1\]|\[::1\]):", address) for address in addresses), ours
    assert len(ours) >= 4 or not shutil.which("ss")  # this process, the GCS, the raylet, workers

    import ray

    stranger = textwrap.dedent(f"""
        import ray
        try:
            ray.init(address={ray.get_runtime_context().gcs_address!r}, logging_level="ERROR")
        except Exception as error:
            import traceback
            print("refused" if "InvalidAuthToken" in traceback.format_exc() else traceback.format_exc())
    """)
    without = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_TOKEN"}
    shown = subprocess.run(
        [sys.executable, "-c", stranger],
        env={**without, **cluster.JOINING, "RAY_AUTH_MODE": "disabled"},
        capture_output=True,
        text=True,
    )
    assert shown.stdout.strip() == "refused"

    (late,) = running
    assert late[0].job_id == "hangs"
    assert isinstance(late[1], TimeoutError)
    assert "(resources.job_hours)" in str(late[1])
    ((name, text),) = said
    assert name == "hangs"
    assert re.fullmatch(r"an attempt failed: .*\(resources.job_hours\); it is tried again", text)
    assert Path(attempts).read_text().splitlines() == ["attempt"] * 2
    assert not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN"} & set(os.environ)  # gone with the Ray that they were for


def test_on_a_cluster_what_is_awaited_is_said_and_what_cannot_come_is_refused(tmp_path, monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
    monkeypatch.setattr(sys.modules["disentanglement_study.study.dispatch.ray"], "SAY_SECONDS", 1.0)
    cluster._read_token_again()
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    paths = str(begun), str(go_on)

    def work(job: Job, resources: ResourceConfig) -> None:
        if job.job_id == "waits":
            open(paths[0], "w").close()
            while not os.path.exists(paths[1]):
                time.sleep(0.1)

    def run(name: str, waits=lambda text: None, **resources) -> BaseException | None:
        settings = ResourceConfig(**{"retries": 0, "num_gpus": 0.0, **resources})
        ((_, error),) = dispatch.ray(Pile([job(name)]), work, settings, nodes.address, waits)
        return error

    try:
        big = nodes.add_node(num_cpus=2, num_gpus=1)
        error = run("good", num_gpus=1.0)
        assert "the job reserved 1 GPU" in str(error)
        assert "JAX found only cpu" in str(error)

        said: list[str] = []
        needs = "a job needs 2 CPUs, the largest node has 1 CPU"

        def waits(text: str) -> None:
            """The node that the job needs dies while it runs; another one comes when that has been said twice."""
            said.append(text)
            if said.count(needs) == 2 and not go_on.exists():
                go_on.touch()
                nodes.add_node(num_cpus=2)
            elif begun.exists() and big in nodes.list_all_nodes():
                nodes.remove_node(big)
            assert time.monotonic() < deadline, said

        deadline = time.monotonic() + LIMIT
        assert run("waits", waits, num_cpus=2, retries=1) is None
        assert said.count(needs) >= 2
        assert said[-1] == ""

        # A monitor without an autoscaler has reported by now: nothing will bring such a node.
        with pytest.raises(
            ValueError, match=r"^a job needs 64 CPUs and 4 TPUs, the largest node has 2 CPUs and 0 TPUs$"
        ):
            run("good", num_cpus=64, tpu=4.0)

        monkeypatch.delenv("RAY_AUTH_TOKEN")
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
        with pytest.raises(ValueError, match=f"^the Ray cluster at {nodes.address} refused the token: "):
            run("good")
        assert os.environ["RAY_AUTH_MODE"] == "disabled"
    finally:
        nodes.shutdown()
        monkeypatch.undo()
        cluster._read_token_again()


def test_who_has_had_a_ray_of_their_own_can_join_a_cluster():
    """Ray, which is imported while it is to be alone, would take every address for one of this machine."""
    code = (
        "from disentanglement_study.study.dispatch import cluster\n"
        "with cluster.connected(None):\n"
        "    pass\n"
        "from ray._private import ray_constants\n"
        "print(ray_constants.ENABLE_RAY_CLUSTER)\n"
    )
    alone = {name: value for name, value in os.environ.items() if name != cluster.ALONE}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=alone)
    assert said.stdout == "True\n"
