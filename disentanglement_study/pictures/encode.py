"""The codes of trained models at the points of their data set, as files: what is done next starts from them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from disentanglement_study.pictures import chosen, trained
from disentanglement_study.pictures.trained import Begins, quietly
from disentanglement_study.runtime import compilation, files
from disentanglement_study.scoring import represent
from disentanglement_study.store import Store
from disentanglement_study.types import DataSet, Run


def encode(
    root: Path,
    run_ids: Sequence[str] = (),
    where: str | None = None,
    output: Path | None = None,
    points: int | None = None,
    seed: int = 0,
    data_dir: Path | None = None,
    begins: Begins = quietly,
) -> Iterator[tuple[Run, Path]]:
    """Writes `RUN_ID.npz` for each model into the folder `output` (default: `root`/codes), and yields it then.

    Models are those of `chosen.run_ids`. Arrays: `codes` [N,D], the posterior means, float32; `logvar` [N,D] of a
    posterior; `index` [N], the images or points of the data set, ascending; if the truth is known `factors` [N,F] and
    `factor_names` [F]. Factors are whole numbers; or real ones, what the method identifies of the sources, and `target`
    says what that is, a name out of `TARGETS`. All points that `evaluate.sampling` has, or `points` of them, drawn with
    `seed`.

    A file of this name is replaced. Raises ValueError as `chosen.run_ids` does, for more points than there are, and for
    a model whose codes are not finite.
    """
    compilation.use_cache()
    store = Store(root)
    ids = chosen.run_ids(store, run_ids, where)
    folder = files.named(output) if output else files.folder(root / "codes")
    for loaded in trained.jobs(store, ids, data_dir, begins):
        index = np.sort(trained.sample_index(loaded.data_set, loaded.study, points, seed))
        if points and len(index) < points:
            raise ValueError(f"{points} points: expected at most {len(index)}, those of {loaded.job.data_set}")
        truth = _truth(loaded.data_set, index, loaded.job.method)
        for model in trained.models(store, loaded, index, seed, begins):
            if not np.isfinite(model.mean).all():
                raise ValueError(f"run {model.run.run_id} has diverged ({model.run}): its codes are not finite")
            path = folder / f"{model.run.run_id}.npz"
            arrays: dict[str, Any] = {"codes": model.mean.astype(np.float32)}
            if model.logvar is not None:
                arrays["logvar"] = model.logvar.astype(np.float32)
            with files.replacing(path) as temporary, temporary.open("wb") as file:
                np.savez(file, **arrays, index=index, **truth)
            yield model.run, path


def _truth(data_set: DataSet, index: np.ndarray, method: str) -> dict[str, Any]:
    """What the codes of a method are held against at the points, as `evaluate` reads it."""
    truth = represent.truth(data_set, index, method, "mean")
    if truth.factors is None:
        return {}
    names = {"factor_names": np.array(data_set.factor_names)}
    if truth.sources is None:
        return {"factors": truth.factors, **names}
    return {"factors": truth.sources.astype(np.float32), **names, "target": np.array(truth.target)}
