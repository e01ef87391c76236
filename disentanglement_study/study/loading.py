"""What a job works on, loaded and checked: its data set, and the models of one that is done."""

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from disentanglement_study import data, methods
from disentanglement_study.config import Study
from disentanglement_study.methods.checks import parameter_shapes
from disentanglement_study.methods.kinds import Learner
from disentanglement_study.nets import layers
from disentanglement_study.runtime.files import reading
from disentanglement_study.store import Store
from disentanglement_study.store.parameters import nested
from disentanglement_study.training.encode import AFTER
from disentanglement_study.training.inputs import Batches
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


def learner(job: Job, study: Study, data_set: DataSet, form: str | None = None) -> Learner:
    """The method of a job, built for its data set; convolutions in the form that is best on this process's device."""
    form = form or layers.best_form()
    return methods.build(job.method, data_set.image_shape, data_set.factor_sizes, study, form=form)


def batches(job: Job, study: Study, data_set: DataSet) -> Batches:
    """What makes the batches of a job."""
    return Batches(data_set, study.nets.image_size, methods.METHODS[job.method].needs)


def parameters(store: Store, job: Job, built: Learner, members: Sequence[int] | None = None) -> dict[str, Any]:
    """The nested parameters of a finished job, or of some of its runs by their places.

    ValueError, which names the file, if they are not those of the method that study.gin says.
    """
    arrays = store.arrays(job, "params") if members is None else store.params(job, members)
    with reading(store.jobs / job.job_id / "params.npz"):
        for name, shape in parameter_shapes(built).items():
            if name not in arrays or arrays[name].shape[1:] != shape:
                there = list(arrays[name].shape[1:]) if name in arrays else "not there"
                raise ValueError(f"{name} is {there}: expected {list(shape)}, of the nets in study.gin")
        if built.after is not None and not any(name.startswith(f"{AFTER}/") for name in arrays):
            raise ValueError(f"{AFTER}/ is not there: expected what the step after the training has learnt")
        return nested(arrays)
