"""How the models of a job learn, by what kind of learning their method is: the one place that knows the kinds."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from disentanglement_study import rng
from disentanglement_study.config import Study
from disentanglement_study.methods import checks
from disentanglement_study.methods.kinds import AtOnce, Given, Learner, Steps
from disentanglement_study.training import fit
from disentanglement_study.training.encode import AFTER, encode
from disentanglement_study.training.inputs import Batches, Source, in_parts
from disentanglement_study.training.learnt import Learnt, Report, Tell
from disentanglement_study.types import Job


def learn(
    job: Job,
    learner: Learner,
    batches: Batches,
    study: Study,
    folder: Path | None = None,
    report: Report = lambda stage, fraction: None,
    tell: Tell = lambda losses: None,
) -> Learnt:
    """The models of the runs of a job. With a `folder`, a job that was killed goes on from its checkpoints there.

    `report` and `tell` are those of `fit.fit`; what does not learn by updates has no losses to tell.
    """
    learnt = KINDS[type(learner.learn)](job, learner.learn, batches, study, folder, report, tell)
    if isinstance(learner.learn, AtOnce):  # of the others it was known while planning
        with checks.named(job.method):
            source = batches.source()
            batch = jax.eval_shape(functools.partial(batches.seen, seed=0), source, np.zeros(2, np.int32))
            checks.check_codes(learner, jax.tree.map(lambda leaf: leaf[0], learnt.params), batch)
    if learner.after is None:
        return learnt
    size, batch = learner.after.num_points, study.resources.encode_batch
    before, source, found = learner._replace(after=None), batches.source(study.train), []
    for member, run in enumerate(job.runs):
        model = jax.tree.map(lambda leaf, at=member: leaf[at : at + 1], learnt.params)
        index = _index(source, run.seed, size)
        codes = encode(before, model, 1, batches, index, batch, seed=run.seed)["mean"][0]
        found.append(learner.after.fit(codes, run.seed))
    arrays, terms = (_stacked(parts) for parts in zip(*found, strict=True))
    return learnt._replace(params={**learnt.params, AFTER: arrays}, terms={**learnt.terms, **terms})


def _by_steps(
    job: Job, learn: Steps, batches: Batches, study: Study, folder: Path | None, report: Report, tell: Tell
) -> Learnt:
    number = study.evaluate.training_batches
    return fit.fit(job, learn, batches, study.train, study.resources, number, folder, report, tell)


def _at_once(
    job: Job, learn: AtOnce, batches: Batches, study: Study, folder: Path | None, report: Report, tell: Tell
) -> Learnt:
    """One model after the other: they learn outside of any program."""
    source, fitted = batches.source(study.train), []
    for member, run in enumerate(job.runs):
        report("training", member / len(job.runs))
        batch = _points(batches, source, run.seed, learn.num_points, study.resources.encode_batch)
        with checks.named(job.method):
            one = learn.fit(batch, run.seed, run.hyper)
            checks.check_learnt(*one)
        fitted.append(one)
    params, terms = (_stacked(parts) for parts in zip(*fitted, strict=True))
    return _learnt(job, params, terms, study)


def _given(
    job: Job, learn: Given, batches: Batches, study: Study, folder: Path | None, report: Report, tell: Tell
) -> Learnt:
    seeds = jnp.array([run.seed for run in job.runs], jnp.int32)
    return _learnt(job, jax.tree.map(np.asarray, jax.jit(jax.vmap(learn.params))(seeds)), {}, study)


def _learnt(job: Job, params: dict[str, Any], terms: dict[str, np.ndarray], study: Study) -> Learnt:
    return Learnt(params, terms, [], np.full(len(job.runs), -1), study.resources.population, 0.0)


def _points(batches: Batches, source: Source, seed: int, number: int, at_a_time: int) -> dict[str, np.ndarray]:
    """One batch of `number` inputs, drawn as a training draws them, made some at a time."""
    make = jax.jit(functools.partial(batches.seen, seed=seed))
    parts = []
    for cut, real in in_parts(_index(source, seed, number), at_a_time):
        parts.append({name: np.asarray(values)[:real] for name, values in make(source, cut).items()})
    return batches.paired({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _index(source: Source, seed: int, number: int) -> np.ndarray:
    return np.asarray(jax.jit(lambda source, key: source.sampler(key, number))(source, rng.key(seed, "train")))


def _stacked(models: list[dict[str, Any]]) -> dict[str, Any]:
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *models)


KINDS: dict[type, Callable[..., Learnt]] = {Steps: _by_steps, AtOnce: _at_once, Given: _given}
