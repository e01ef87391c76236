"""Looks at all that a run would meet, on a cluster or on this machine."""

import functools
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

from disentanglement_study import data
from disentanglement_study.config import ResourceConfig
from disentanglement_study.data import cache
from disentanglement_study.study.dispatch import cluster
from disentanglement_study.study.dispatch.places import places
from disentanglement_study.study.doctor import shared_folder
from disentanglement_study.study.doctor.data_sets import problems
from disentanglement_study.study.doctor.fits import fits
from disentanglement_study.study.doctor.judge import Found
from disentanglement_study.study.doctor.look import look
from disentanglement_study.study.doctor.nodes import Node, nodes
from disentanglement_study.study.doctor.versions import versions


def examine(
    root: Path,
    resources: ResourceConfig,
    address: str | None = None,
    data_dir: Path | None = None,
    data_sets: Sequence[str] = (),
    says: Callable[[str], None] = lambda text: None,
    sweep: str = "",
) -> Found:
    """Looks at every node at `address`, or at this machine: through a Ray of its own if Ray is installed.

    data_sets: those that a run needs; sweep: its gin text. says: is told what is being done. Raises ValueError, in one
    line, if there is no such cluster or Ray does not start.
    """
    if root.exists() and not root.is_dir():
        raise ValueError(f"{root} is a file, not a folder: name the study's folder")
    brought = [name for name in data_sets if name not in data.COMPUTED and name not in data.DATASETS]
    root, data_dir = root.absolute(), data_dir and data_dir.absolute()
    if has_ray := importlib.util.find_spec("ray") is not None:
        cluster.check(address)
    elif address:
        raise ValueError(
            f"Ray is not installed here, and looking at the cluster at {address!r} needs it: pip install ray"
        )
    with shared_folder.token(root) as asked:
        asks = functools.partial(look, asked=asked, data_dir=data_dir, data_sets=brought, sweep=sweep, root=str(root))
        if has_ray:
            says(f"joining {address}" if address else "starting Ray")
            with cluster.connected(address) as ray:
                says("asking each node")
                found = nodes(ray, asks)
                wanted = places(resources, bool(ray.cluster_resources().get("GPU")))[-1].wanted
                grows = not cluster.is_fixed(address)
                gone = sum(not node["Alive"] for node in ray.nodes())
        else:
            says("looking at this machine")
            answer = asks("", with_devices=True)
            found = [Node("", answer["name"], "", {}, answer=answer)]
            wanted, grows, gone = {}, False, 0
        return Found(
            found,
            wanted,
            versions(),
            str(Path(asked.folder).parent),
            grows=grows,
            ray="" if has_ray else "Ray is not installed",
            folder_error=asked.error,
            came_back=frozenset(node.node_id for node in found if shared_folder.came_back(asked, node.node_id)),
            locks=asked.locks,
            gone=gone,
            fits=fits(resources, found) if has_ray else (),
            data_here=_here(sweep, data_dir, root, brought) if sweep and address else (),
        )


def _here(sweep: str, data_dir: Path | None, root: Path, brought: Sequence[str]) -> tuple[str, ...]:
    """What `run` would refuse of the data when it starts, on this machine, before any node does."""
    missing = [name for name in brought if not cache.has(name, data_dir)]
    lacks = [f"{cache.folder(data_dir)} lacks {', '.join(missing)}"] if missing else []
    return (*lacks, *problems(sweep, data_dir, str(root), missing).get("problems", ()))
