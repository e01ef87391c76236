"""What a job works on, loaded and checked: its data set, and the models of one that is done."""

import json
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


def load_data(
    name: str, study: Study, store: Store, data_dir: Path | None, identities: dict[str, dict] | None = None
) -> DataSet:
    """The data set whose images are to be encoded, the one that the models of the store were trained on.

    study: with the settings of these models. ValueError if it is another: see `check_data`. identities: as for
    `run_job`.
    """
    if name not in data.names(data_dir):
        raise ValueError(
            f"{store.root} has models of {name!r}, and {data.cache.folder(data_dir)} has no such data set: name the "
            "folder that has it (--data-dir), or add it again (`data add`)"
        )
    loaded = data.load(name, data_dir, study.options.get(name))
    check_data(loaded.identity, store.root, store.manifests())
    if identities and identities[place(name, study)] != loaded.identity:
        where = f"{data.cache.folder(data_dir)} on {platform.node()}"
        raise ValueError(f"data set {name!r} in {where} differs from the data set where the command was started")
    return loaded


def place(name: str, study: Study) -> str:
    """What the identity of a data set is kept by: its name and options."""
    return json.dumps([name, data.differing(name, study.options.get(name))], sort_keys=True)


def check_data(identity: dict, root: Path, manifests: list[dict]) -> None:
    """ValueError if a job of the study at `root` has models of another data set of this name.

    Codes and scores of two sets under one name would be mixed without a word.
    """
    for manifest in manifests:
        there = manifest.get("data", {})
        same = all(there.get(part) == identity.get(part) for part in ("name", "options"))
        if same and there != identity:
            raise ValueError(f"{root} holds models of another data set {identity['name']!r}: its contents have changed")


def learner(job: Job, study: Study, data_set: DataSet, form: str | None = None) -> Learner:
    """The method of a job, built for its data set; convolutions in the form that is best on this process's device."""
    form = form or layers.best_form(study.train.precision)
    size, auxiliary = study.nets.image_size, data_set.auxiliary_sizes
    inputs = methods.inputs_of(data_set.input_shape, data_set.factor_sizes, size, auxiliary)
    return methods.build(job.method, inputs, study, form=form)


def batches(job: Job, study: Study, data_set: DataSet) -> Batches:
    """What makes the batches of a job."""
    method = methods.METHODS[job.method]
    return Batches(data_set, study.nets.image_size, method.needs | method.wants, method.whiten)


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
            raise ValueError(f"{AFTER}/ is missing: expected what the step after training has learnt")
        return nested(arrays)
