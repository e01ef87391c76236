"""Which jobs fit which nodes, and what kinds of nodes may have of their own."""

import pytest

from disentanglement_study.config import ResourceConfig
from disentanglement_study.study import components, plan
from disentanglement_study.study.dispatch.places import check_devices, kind_of, places
from disentanglement_study.study.dispatch.tasks import environment


def node(alive: bool = True, kind: str | None = None, **resources: float) -> dict:
    named = {f"accelerator_type:{kind}": 1.0} if kind else {}
    return {"Alive": alive, "NodeID": "0", "Resources": {**resources, **named}}


CPUS = node(CPU=8)
LARGE = node(CPU=64, GPU=8, kind="H100")
SMALL = node(CPU=8, GPU=2, kind="V100")
UNNAMED = node(CPU=8, GPU=1)


def test_a_node_is_called_by_its_accelerator():
    assert [kind_of(one) for one in (CPUS, LARGE, SMALL, UNNAMED)] == ["cpu", "H100", "V100", None]


@pytest.mark.parametrize(
    ("resources", "slots"),
    [
        ({}, [0, 8, 2, 1]),  # the cluster has GPUs: a job takes one
        ({"num_gpus": 0.0}, [8, 64, 8, 8]),
        ({"num_gpus": 0.0, "num_cpus": 3}, [2, 21, 2, 2]),
        ({"num_gpus": 0.25}, [0, 32, 8, 4]),
        ({"num_gpus": 0.1}, [0, 64, 8, 8]),  # a CPU each: no more than CPUs
        ({"num_gpus": 2.0}, [0, 4, 1, 0]),
    ],
)
def test_as_many_jobs_run_on_a_node_as_fit(resources, slots):
    (place,) = places(ResourceConfig(**resources), has_gpus=True)
    assert [place.room(one) for one in (CPUS, LARGE, SMALL, UNNAMED)] == slots
    assert place.slots([CPUS, LARGE, SMALL, UNNAMED, node(alive=False, CPU=8, GPU=8)]) == sum(slots)


def test_kinds_of_nodes_have_jobs_of_their_own():
    own = {"H100": {"num_gpus": 0.5, "job_size": 300}, "cpu": {"job_size": 5, "num_cpus": 4, "population": 1}}
    large, cpus, others = places(ResourceConfig(job_size=50, by_device=own), has_gpus=True)
    rooms = [[place.room(one) for one in (CPUS, LARGE, SMALL, UNNAMED)] for place in (large, cpus, others)]
    assert rooms == [[0, 16, 0, 0], [2, 0, 0, 0], [0, 0, 2, 1]]
    assert [place.resources.job_size for place in (large, cpus, others)] == [300, 5, 50]
    assert cpus.wanted == {"CPU": 4.0}
    assert (cpus.resources.population, others.resources.population) == (1, None)


def test_a_kind_of_node_that_is_not_there_is_named_with_the_nearest():
    resources = ResourceConfig(by_device={"H10O": {"job_size": 3}})
    with pytest.raises(ValueError, match="unknown kind of node 'H10O': did you mean 'H100'"):
        check_devices(resources, [LARGE, CPUS])
    check_devices(ResourceConfig(by_device={"V100": {}}), [LARGE, SMALL])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("{'H100': {'jobs': 3}}", r"resources.by_device\['H100'\]: unknown setting 'jobs'"),
        ("{'H100': {'retries': 3}}", r"resources.by_device\['H100'\]: unknown setting 'retries'"),
        ("{'H100': {'job_size': 0}}", r"resources.by_device\['H100'\]: resources.job_size = 0: expected"),
        ("{'H100': {'num_gpus': 1.5}}", r"resources.by_device\['H100'\].num_gpus = 1.5: expected a share"),
        ("{'H100': 3}", r"resources.by_device = \{'H100': 3\}: expected"),
        ("['H100']", "resources.by_device = "),
    ],
)
def test_what_a_kind_of_node_cannot_have_is_refused_while_planning(setting, message):
    with pytest.raises(ValueError, match=message):
        plan.expand(components.load("quick", [f"resources.by_device = {setting}"]))


def test_jobs_that_share_a_gpu_share_its_memory(monkeypatch):
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)
    assert environment({"CPU": 1, "GPU": 0.25}, 1)["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.225"
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" not in environment({"CPU": 1, "GPU": 1}, 1)
    assert environment({"CPU": 2}, 2)["JAX_PLATFORMS"] == "cpu"
    assert environment({"CPU": 2}, 2)["OMP_NUM_THREADS"] == "2"
    monkeypatch.setenv("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.1")  # the user's own
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" not in environment({"CPU": 1, "GPU": 0.25}, 1)
