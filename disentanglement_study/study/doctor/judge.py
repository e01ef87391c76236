"""What is wrong, and what to do about it: from what was found, without looking anywhere."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from disentanglement_study.errors import unknown
from disentanglement_study.study.dispatch import cluster
from disentanglement_study.study.dispatch.places import kind_of
from disentanglement_study.study.doctor.fits import Fit
from disentanglement_study.study.doctor.nodes import Node

CLOCK_SECONDS = 1.0
SMALL = 2**30  # bytes on the disk of the study
LISTED = 5  # nodes with the same problem; more are counted
MEND = "fix this first: `run` checks its data before the first job, and stops"
INSTALL = "install the same version on every node (requirements/ has lock files)"


class Problem(NamedTuple):
    """stops: whether a run, or the jobs of one on that node, would fail or wait for ever."""

    stops: bool
    what: str
    advice: str


class Found(NamedTuple):
    """All that was looked at. wanted: what a job reserves, by Ray's names, {} without Ray. grows: a cluster that may
    get more nodes. ray: why there is no Ray, "" if there is. here: the versions of this process. folder: the study's,
    or what is above it, `folder_error` why nothing can be written there. came_back: ids of the nodes whose answer was
    read here. locks: as `shared_folder.Token` has them. gone: how many nodes have left. fits: the kinds of nodes.
    data_here: what `run` would refuse of its data on this machine, where that need not be a node on which jobs run.
    """

    nodes: Sequence[Node]
    wanted: Mapping[str, float]
    here: Mapping[str, str]
    folder: str
    grows: bool = False
    ray: str = ""
    folder_error: str = ""
    came_back: frozenset[str] = frozenset()
    locks: str = "held"
    gone: int = 0
    fits: Sequence[Fit] = ()
    data_here: Sequence[str] = ()


def problems(found: Found) -> list[Problem]:
    """Those that stop a run first; [] if all is well."""
    of_nodes: dict[Problem, list[str]] = {}
    for node in found.nodes:
        # What is wrong on a node on which no job can run, as on a head without CPUs, stops nothing.
        matters = any(fit.rooms.get(node.node_id) for fit in found.fits) if found.fits else _fits(found, node)
        for one in _node(node, found):
            of_nodes.setdefault(one._replace(stops=one.stops and matters), []).append(label(node))
    listed = [one._replace(what=f"{_names(who)}: {one.what}") for one, who in of_nodes.items()]
    said = " ".join(one.what for one in listed if one.stops)
    here = [
        Problem(True, f"here, where `run` is started: {text}", MEND) for text in found.data_here if text not in said
    ]
    return sorted([*_cluster(found), *_versions(found), *here, *listed], key=lambda one: not one.stops)


def label(node: Node) -> str:
    return node.name if node.address in ("", node.name) else f"{node.name} ({node.address})"


def _fits(found: Found, *nodes: Node) -> bool:
    return cluster.lacking(found.wanted, _by_ray(nodes)) is None


def _by_ray(nodes: Iterable[Node]) -> list[dict]:
    return [{"Alive": True, "Resources": node.resources} for node in nodes]


def _kinds(found: Found) -> Iterator[Problem]:
    """What keeps nodes of a kind from having jobs of their own, as `resources.by_device` says they have."""
    there = {kind for node in _by_ray(found.nodes) if (kind := kind_of(node))}
    for fit in found.fits:
        setting = f"resources.by_device[{fit.kind!r}]"
        if not fit.rooms and found.grows:
            yield Problem(False, f"{setting}: there is no such node yet", "check that the cluster can add such a node")
        elif not fit.rooms:
            text = f"resources.by_device: {unknown('kind of node', fit.kind, there)}"
            yield Problem(True, text, "name a kind that is there, or start such a node")
        elif not fit.slots and fit.kind not in ("all", "others"):
            lacks = cluster.lacking(fit.wanted, _by_ray(node for node in found.nodes if node.node_id in fit.rooms))
            stops = not found.grows and not any(other.slots for other in found.fits)  # no other nodes would do them
            yield Problem(stops, f"{setting}: {lacks}: such nodes get no jobs", "reserve no more than such a node has")


def _cluster(found: Found) -> Iterator[Problem]:
    yield from _kinds(found)
    some = any(fit.slots for fit in found.fits)
    if found.ray:
        yield Problem(False, found.ray, "pip install ray, or run with --executor inline, which needs no Ray")
    elif not some and (text := cluster.lacking(found.wanted, _by_ray(found.nodes))):
        if found.grows:
            yield Problem(
                False, f"{text}: a run waits until the cluster has grown", "check that it can add such a node"
            )
        else:
            yield Problem(True, text, "set resources.num_cpus, num_gpus, tpu to what a node has, or start such a node")
    if found.folder_error:
        yield Problem(True, found.folder_error, "name a folder for the study that you can write to")
    elif found.locks != "held":
        yield Problem(
            True, f"{found.folder}: the file system has no locks: {found.locks}", "mount it with locks (flock)"
        )


def _versions(found: Found) -> Iterator[Problem]:
    answers = [found.here, *(node.answer["versions"] for node in found.nodes if node.answer)]
    for name in found.here:
        counts = Counter(answer.get(name, "none") for answer in answers)
        if len(counts) > 1:
            yield Problem(False, f"{name} differs: {', '.join(sorted(counts))}", INSTALL)


def _node(node: Node, found: Found) -> Iterator[Problem]:
    """What is wrong there, without its name."""
    if node.answer is None:
        missing = "ModuleNotFoundError" in node.error
        advice = "install the same version of this package there" if missing else "check that node, or remove it"
        yield Problem(True, node.error, advice)
        return
    yield from _devices(node, node.answer["jax"], found)
    study, data = node.answer["study"], node.answer["data"]
    if not found.folder_error:
        shared = "mount one folder, with write access, under this path on every node"
        if study["folder"] != "same":
            yield Problem(True, study["folder"], shared)
        elif node.node_id not in found.came_back:
            yield Problem(True, f"what it writes to {found.folder} cannot be read here", shared)
        elif study["locks"] == "not seen":
            text = f"a lock on {found.folder} that is held here is not seen there"
            yield Problem(False, text, "start one run of a study at a time: a second one would not be refused")
        if study["free"] is not None and study["free"] < SMALL:
            text = f"{found.folder} has {study['free'] / 1e9:.2f} GB left"
            yield Problem(False, text, "make room: a run stops when the disk is full")
    if data["problem"] and not data["is_there"]:
        yield Problem(True, data["problem"], "name the data folder with --data-dir: workers would find none")
    if data["missing"]:
        names = ", ".join(data["missing"])
        command = f"data prepare {data['missing'][0]} --data-dir {data['folder']}"
        advice = f"bring it there ({command}), or share a folder and name it with --data-dir"
        yield Problem(True, f"{data['folder']} lacks {names}", advice)
    for text in data.get("problems", ()):
        yield Problem(True, text, MEND)
    if text := data.get("unknown"):
        yield Problem(False, f"its data could not be checked: {text}", "run doctor again, or check that node")
    if abs(node.ahead) > CLOCK_SECONDS:
        side = "ahead of" if node.ahead > 0 else "behind"
        yield Problem(False, f"its clock is {abs(node.ahead):.1f} s {side} this one", "set clocks by NTP")


def _devices(node: Node, jax: Mapping[str, Any], found: Found) -> Iterator[Problem]:
    """jax: what it finds there, as `look.devices` has it."""
    if "error" in jax:
        yield Problem(True, f"JAX finds no device: {jax['error']}", "install JAX for its devices there")
        return
    for name in ("GPU", "TPU"):
        if not node.resources.get(name) or not jax:
            continue
        seen = sorted({device["platform"].upper() for device in jax["devices"]})
        if name not in seen:
            text = f"Ray counts {node.resources[name]:g} {name}, but JAX finds only {', '.join(seen)}"
            advice = f"install JAX for it there, or set resources.{'num_gpus' if name == 'GPU' else 'tpu'} = 0.0"
            yield Problem(bool(found.wanted.get(name)), text, advice)
    if jax and not node.resources.get("GPU") and any(device["platform"] == "gpu" for device in jax["devices"]):
        yield Problem(False, "JAX finds a GPU that Ray does not count", "start Ray there with --num-gpus")


def _names(labels: Sequence[str]) -> str:
    more = len(labels) - LISTED
    return ", ".join(labels[:LISTED]) + (f" and {more} more" if more > 0 else "")
