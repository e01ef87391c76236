"""What `run` checks of its data sets before the first job, and what of that can be seen without making a set."""

import contextlib
import dataclasses
from collections.abc import Collection, Sequence
from pathlib import Path

from disentanglement_study import data
from disentanglement_study.config import Study
from disentanglement_study.data.draws import sampling
from disentanglement_study.runtime.files import Damaged
from disentanglement_study.scoring import represent
from disentanglement_study.store import Store, records
from disentanglement_study.study import loading, plan
from disentanglement_study.types import DataSet, Run


def identities(runs: Sequence[Run], study: Study, data_dir: Path | None) -> dict[str, dict]:
    """The identity of each data set, by `loading.place`; ValueError if images cannot be drawn from it as runs say."""
    return {
        loading.place(name, own): _identity(data.load(name, data_dir, own.options.get(name)), own)
        for name, own in _uses(runs, study)
    }


def problems(study: Study, data_dir: Path | None, root: Path, missing: Collection[str] = ()) -> list[str]:
    """What `run` would refuse of the data of a sweep on this machine, a line each. Nothing is rendered or downloaded:
    of a set that `run` would render only what that needs is looked at.

    root: of the study, whose models may be of data sets with other contents. missing: sets that are known not to be
    here, and are left out.
    """
    names = [name for name in study.sweep.data_sets if name not in missing]
    if not names:
        return []
    given = study.sweep.data_sets
    kept = {name: given[name] for name in names} if isinstance(given, dict) else tuple(names)
    study = dataclasses.replace(study, sweep=dataclasses.replace(study.sweep, data_sets=kept))
    try:
        runs = plan.expand(study, data_dir)
    except (ValueError, OSError) as error:
        return [str(error)]
    manifests: list[dict] = []
    found: dict[str, None] = {}
    for folder in Store(root).job_folders():
        with contextlib.suppress(Damaged, OSError):
            manifests.append(records.manifest(folder))
    for name, own in _uses(runs, study):
        try:
            if (ready := data.ready(name, data_dir, own.options.get(name))) is not None:
                loading.check_data(_identity(ready, own), root, manifests)
        except (ValueError, OSError) as error:
            found[str(error)] = None  # the same of each way in which it is used
    return list(found)


def _uses(runs: Sequence[Run], study: Study) -> list[tuple[str, Study]]:
    """Each data set with the settings of runs on it, once for each way in which it is drawn from."""
    found: dict[tuple[str, str, str], tuple[str, Study]] = {}
    for first in {(run.data_set, str(run.settings)): run for run in runs}.values():
        own = study.of(first.settings)
        key = loading.place(first.data_set, own), own.train.sampling, str(own.train.sampling_options)
        found.setdefault(key, (first.data_set, own))
    return list(found.values())


def _identity(loaded: DataSet, study: Study) -> dict:
    """The identity of a data set; ValueError if images cannot be drawn from it as the study says."""
    grid = loaded.factor_names, loaded.factor_sizes, loaded.points
    sampling.sampler(study.train.sampling, study.train.sampling_options, *grid)
    represent.table_index(loaded, study.evaluate)
    return loaded.identity
