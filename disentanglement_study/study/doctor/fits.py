"""What jobs would be like on each kind of node, and how many fit there."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from disentanglement_study.config import ResourceConfig
from disentanglement_study.study.dispatch.places import places
from disentanglement_study.study.doctor.nodes import Node


class Fit(NamedTuple):
    """A kind of node. wanted: what a job reserves there, by Ray's names. job_size: the most runs of a job. population:
    models that train together, None where that is measured. rooms: {id of a node: jobs that fit there at once}.
    """

    kind: str
    wanted: Mapping[str, float]
    job_size: int
    population: int | None
    rooms: Mapping[str, int]

    @property
    def slots(self) -> int:
        return sum(self.rooms.values())


def fits(resources: ResourceConfig, nodes: Sequence[Node]) -> list[Fit]:
    """The kinds of `resources.by_device`, those that are not there too, and last the nodes that are of none of them, if
    there are such."""
    there: list[dict[str, Any]] = [
        {"Alive": True, "NodeID": node.node_id, "Resources": node.resources} for node in nodes
    ]
    has_gpus = any(node.resources.get("GPU") for node in nodes)
    found = []
    for place in places(resources, has_gpus):
        rooms = {node["NodeID"]: place.room(node) for node in there if place.has(node)}
        if place.device or rooms:
            kind = place.device or ("others" if resources.by_device else "all")
            found.append(Fit(kind, place.wanted, place.resources.job_size, place.resources.population, rooms))
    return found
