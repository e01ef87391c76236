"""Codes of a trained population on the rows of a data set's grid: every image is encoded once for all metrics."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from disentanglement_study import gaussian, rng
from disentanglement_study.config import EvaluateConfig, Study
from disentanglement_study.data.draws.sampling import distribution
from disentanglement_study.data.series.binning import bins
from disentanglement_study.methods import METHODS
from disentanglement_study.methods.kinds import TARGETS, Learner
from disentanglement_study.training.encode import encode as of_images
from disentanglement_study.training.inputs import Batches
from disentanglement_study.types import Codes, DataSet, Job, Run

SAMPLED = "sampled"
TRANSFORMED = TARGETS.keys() - {"sources"}  # representations that are held against the same of the sources


class Truth(NamedTuple):
    """What codes are held against: factors [N,F], and where the truth is real-valued what it is, [N,S]; None if the
    truth is not known. target: what it is of the sources, a name out of `TARGETS`."""

    factors: Int[np.ndarray, "n f"] | None
    sources: Float[np.ndarray, "n s"] | None = None
    target: str | None = None


def table_index(data: DataSet, evaluate: EvaluateConfig) -> np.ndarray:
    """The images that are encoded, ascending; the same for every model of a study and a data set.

    Those that the distribution `evaluate.sampling` has, or `table_rows` of them drawn without replacement. If it has
    some more often than others, as many are drawn with replacement.
    """
    grid = data.factor_names, data.factor_sizes, data.points
    weights = distribution(evaluate.sampling, evaluate.sampling_options, *grid)
    (there,) = np.nonzero(weights)
    rows = min(len(there), evaluate.table_rows or len(there))
    draws = rng.generator(evaluate.seed, "represent", data.name)
    if (weights[there] != weights[there[0]]).any():
        return np.sort(draws.choice(data.num_images, rows, p=weights / weights.sum()))
    return there if rows == len(there) else there[np.sort(draws.choice(len(there), rows, replace=False))]


def is_population(data: DataSet, index: np.ndarray) -> bool:
    """Whether the images `index` are the whole population of a data set."""
    return data.is_complete and np.array_equal(index, np.arange(data.num_images))


def truth(data: DataSet, index: Int[np.ndarray, " n"], method: str, shown: str) -> Truth:
    """What a representation of a method's codes is held against, at the images `index`.

    Of real-valued sources the method's target; of "abs" or "square" of its codes, the same of the sources.
    """
    if not data.factor_names:
        return Truth(None)
    sources, factors = data.truth(index), data.factors(index)
    if sources is None:
        return Truth(factors)
    target = shown if shown in TRANSFORMED else METHODS[method].target
    if target == "sources":
        return Truth(factors, sources.astype(np.float64), target)
    values = TARGETS[target](sources.astype(np.float64))
    binned = [bins(one[:, None], size) for one, size in zip(values.T, data.factor_sizes, strict=True)]
    return Truth(np.hstack(binned), values, target)


def truths(
    data: DataSet, index: Int[np.ndarray, " n"], method: str, codes: Codes, evaluate: EvaluateConfig
) -> dict[str, Truth]:
    """What each representation of a method's codes is held against, by its name."""
    names = available(evaluate.representations, method, codes.logvar is not None)
    return {name: truth(data, index, method, name) for name in names}


def encode(
    job: Job,
    learner: Learner,
    params: dict[str, Any],
    batches: Batches,
    index: Int[np.ndarray, " n"],
    study: Study,
    population: int | None = None,
    seed: int | None = None,
    begins: Callable[[int], None] = lambda total: None,
) -> Codes:
    """The codes of the models of a job at the images `index` [N], `population` models at a time.

    What is no factor is drawn once for each image from `seed` (default: `evaluate.seed`), the same for every model.
    begins: called before each batch with how many there are.
    """
    seed = study.evaluate.seed if seed is None else seed
    batch_size = study.resources.encode_batch
    of = learner, params, len(job.runs), batches, index, batch_size, population, seed
    return Codes(index, **of_images(*of, begins))


def available(names: Collection[str], method: str, has_posterior: bool) -> list[str]:
    """Those of the representations that a method has, at least one.

    Without a posterior nothing can be sampled, and of codes that are |s| or s^2 already nothing is transformed.
    """
    lacks = {SAMPLED} if not has_posterior else set()
    if METHODS[method].target != "sources":
        lacks |= TRANSFORMED
    if found := [name for name in names if name not in lacks]:
        return found
    raise ValueError(
        f"evaluate.representations = {list(names)} leaves nothing of {method!r} to score: expected 'mean' among them"
    )


def kept(codes: Codes, rows: Int[np.ndarray, " k"]) -> dict[str, np.ndarray]:
    """The arrays of some rows of the codes, as a study keeps them."""
    posterior = {} if codes.logvar is None else {"logvar": codes.logvar[:, rows]}
    return {"index": codes.index[rows], "mean": codes.mean[:, rows], **posterior}


def representation(name: str, codes: Codes, member: int, run: Run) -> Float[np.ndarray, "n d"]:
    """The codes [N,D] of one member that metrics see.

    "mean" is the posterior mean, or the code of a method without a posterior. "sampled" is mean + exp(logvar / 2) ε
    with one ε for each row of the table, drawn from the run's seed (disentanglement_lib draws anew whenever a metric
    asks for the same image again). "abs" and "square" are of the codes less their means.
    """
    mean = codes.mean[member].astype(np.float64)
    if name == "mean":
        return mean
    if name in TRANSFORMED:
        return TARGETS[name](mean - mean.mean(axis=0))
    assert codes.logvar is not None  # `available` leaves out what needs a posterior
    noise = rng.generator(run.seed, "represent", SAMPLED, run.run_id).standard_normal(mean.shape)
    return gaussian.sample(mean, codes.logvar[member].astype(np.float64), noise)
