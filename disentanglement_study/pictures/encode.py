"""The codes of trained models at the points of their data set, as files: what is done next starts from them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from disentanglement_study.pictures import chosen, trained
from disentanglement_study.runtime import compilation, files
from disentanglement_study.store import Store
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import loading
from disentanglement_study.types import DataSet


def encode(
    root: Path,
    run_ids: Sequence[str] = (),
    where: str | None = None,
    output: Path | None = None,
    points: int | None = None,
    seed: int = 0,
    data_dir: Path | None = None,
) -> Iterator[Path]:
    """Writes `RUN_ID.npz` for each model into the folder `output` (default: `root`/codes), and yields its path then.

    Models are those of `chosen.run_ids`. Arrays: `codes` [N,D], the posterior means, float32; `logvar` [N,D] of a
    posterior; `index` [N], the images or points of the data set, ascending; if the truth is known `factors` [N,F],
    whole numbers, or the real-valued sources, and `factor_names` [F]. All points that
    `evaluate.sampling` has, or `points` of them, drawn with `seed`.

    Raises ValueError as `chosen.run_ids` does, and for a model whose codes are not finite.
    """
    compilation.use_cache()
    store = Store(root)
    ids = chosen.run_ids(store, run_ids, where)
    folder = output or files.folder(root / "codes")
    folder.mkdir(parents=True, exist_ok=True)
    for job in finished_jobs(store):
        own = [run.run_id for run in job.runs if run.run_id in ids]
        if not own:
            continue
        study = store.settings.of(job.settings)
        data_set = loading.load_data(job.data_set, study, store, data_dir)
        learner, batches = loading.learner(job, study, data_set), loading.batches(job, study, data_set)
        index = np.sort(trained.sample_index(data_set, study, points, seed))
        truth = _truth(data_set, index)
        for model in trained.models(store, job, own, learner, batches, study, index, seed):
            if not np.isfinite(model.mean).all():
                raise ValueError(f"run {model.run.run_id} has diverged ({model.run}): its codes are not finite")
            path = folder / f"{model.run.run_id}.npz"
            posterior = {} if model.logvar is None else {"logvar": model.logvar.astype(np.float32)}
            with files.replacing(path) as temporary, temporary.open("wb") as file:
                np.savez(file, codes=model.mean.astype(np.float32), **posterior, index=index, **truth)
            yield path


def _truth(data_set: DataSet, index: np.ndarray) -> dict[str, Any]:
    """What is known of the points, as `evaluate` reads it."""
    if not data_set.factor_names:
        return {}
    sources = data_set.truth(index)
    factors = data_set.factors(index) if sources is None else sources
    return {"factors": factors, "factor_names": np.array(data_set.factor_names)}
