"""What a job works on, loaded and checked: its data set, and the models of one that is done."""

import platform
from collections.abc import Sequence
from pathlib import Path

import jax

from disentanglement_study import data
from disentanglement_study.config import Study
from disentanglement_study.runtime.files import reading
from disentanglement_study.store import Store
from disentanglement_study.store.parameters import nested
from disentanglement_study.training.train import build_nets
from disentanglement_study.types import DataSet, Job


def load_data(name: str, store: Store, data_dir: Path | None, identities: dict[str, dict] | None = None) -> DataSet:
    """The data set whose images are to be encoded, the one that the models of the store were trained on.

    ValueError if it is another: see `check_data`. identities: as for `run_job`.
    """
    loaded = data.load(name, data_dir)
    check_data(loaded.identity, store.root, store.manifests())
    if identities and identities[name] != loaded.identity:
        where = f"{data.cache.folder(data_dir)} on {platform.node()}"
        raise ValueError(f"data set {name!r} in {where} has other contents than where the command was started")
    return loaded


def check_data(identity: dict, root: Path, manifests: list[dict]) -> None:
    """ValueError if a job of the study at `root` has models of another data set of this name.

    Codes and scores of two sets under one name would be mixed without a word.
    """
    for manifest in manifests:
        there = manifest.get("data", {})
        if there.get("name") == identity["name"] and there != identity:
            raise ValueError(f"{root} holds models of another data set {identity['name']!r}: its contents have changed")


def parameters(
    store: Store, job: Job, study: Study, data_set: DataSet, members: Sequence[int] | None = None
) -> dict[str, dict]:
    """The nested parameters of a finished job, or of some of its runs by their places.

    ValueError, which names the file, if they are not those of the study's nets.
    """
    arrays = store.arrays(job, "params") if members is None else store.params(job, members)
    _, init = build_nets(data_set.image_shape, study.nets)
    with reading(store.jobs / job.job_id / "params.npz"):
        for part in ("encoder", "decoder"):
            wanted = jax.eval_shape(lambda seed, part=part: init[part](jax.random.key(seed)), 0)
            for path, leaf in jax.tree_util.tree_leaves_with_path(wanted):
                name = "/".join((part, *(key.key for key in path)))
                if name not in arrays or arrays[name].shape[1:] != leaf.shape:
                    there = list(arrays[name].shape[1:]) if name in arrays else "not there"
                    raise ValueError(f"{name} is {there}: expected {list(leaf.shape)}, of the nets in study.gin")
        return nested(arrays)
