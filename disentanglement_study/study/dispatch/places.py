"""Where jobs can go: the kinds of node of a cluster, and how many jobs fit on each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from disentanglement_study.config import ResourceConfig, resources_on
from disentanglement_study.errors import unknown

CPU = "cpu"  # the kind of a node without accelerators
TYPE = "accelerator_type:"  # how Ray's resources of a node begin that name its accelerator

Node = Mapping[str, Any]  # as `ray.nodes()` has them


class Place(NamedTuple):
    """Nodes of one kind: what a job reserves there, by Ray's names, and its settings.

    device: as `resources.by_device` names it; None: any node that it does not name.
    """

    device: str | None
    wanted: dict[str, float]
    resources: ResourceConfig
    others: frozenset[str]  # kinds that are places of their own

    def has(self, node: Node) -> bool:
        kind = kind_of(node)
        return kind not in self.others if self.device is None else kind == self.device

    def room(self, node: Node) -> int:
        """How many jobs fit on a node at once."""
        if not (node["Alive"] and self.has(node)):
            return 0
        return int(min(node["Resources"].get(name, 0) / amount + 1e-9 for name, amount in self.wanted.items()))

    def slots(self, nodes: Iterable[Node]) -> int:
        return sum(map(self.room, nodes))

    @property
    def is_told(self) -> bool:
        """Whether what a job reserves tells Ray on which nodes it may run: Ray would give a job for CPUs those of a
        node with GPUs too, which a job there will need."""
        return not self.others or self.device not in (None, CPU)


def kind_of(node: Node) -> str | None:
    """A node's accelerator as Ray calls it, "cpu" without one, None for one without a name."""
    there = node["Resources"]
    if named := [name.removeprefix(TYPE) for name in there if name.startswith(TYPE)]:
        return named[0]
    return None if there.get("GPU") or there.get("TPU") else CPU


def needs(resources: ResourceConfig, has_gpus: bool) -> dict[str, float]:
    """What a job reserves, by Ray's names; what it does not reserve is left out."""
    gpus = float(has_gpus) if resources.num_gpus is None else resources.num_gpus
    wanted = {"CPU": float(resources.num_cpus), "GPU": gpus, "TPU": resources.tpu}
    return {name: amount for name, amount in wanted.items() if amount}


def places(resources: ResourceConfig, has_gpus: bool) -> list[Place]:
    """Where jobs may go, those with settings of their own first. has_gpus: whether the cluster has any; one that has
    none yet is to get some if a kind reserves them."""
    others = frozenset(resources.by_device)
    found = []
    for device in resources.by_device:
        own = resources_on(resources, device)
        found.append(Place(device, needs(own, device != CPU and not own.tpu), own, others))
    has_gpus = has_gpus or any("GPU" in place.wanted for place in found)
    return [*found, Place(None, needs(resources, has_gpus), resources, others)]


def check_devices(resources: ResourceConfig, nodes: Sequence[Node]) -> None:
    """ValueError for a kind in `resources.by_device` that no node is of."""
    there = {kind for node in nodes if node["Alive"] and (kind := kind_of(node))}
    for device in resources.by_device:
        if device not in there:
            raise ValueError(f"resources.by_device: {unknown('kind of node', device, there)}")
