"""One job, top to bottom: train, represent, evaluate, store. The only file that knows every stage."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from disentanglement_study import rng
from disentanglement_study.config import ResourceConfig, Study
from disentanglement_study.runtime import compilation, files, job_log
from disentanglement_study.runtime.words import counted
from disentanglement_study.scoring import represent
from disentanglement_study.scoring.members import score_members
from disentanglement_study.store import Store, upkeep
from disentanglement_study.store.parameters import flat
from disentanglement_study.study import loading, operative, provenance
from disentanglement_study.study.progress import Progress
from disentanglement_study.study.training_rows import jax_versions, training_scores
from disentanglement_study.training.learn import learn
from disentanglement_study.types import Job


@provenance.carried()
def run_job(
    job: Job,
    resources: ResourceConfig,
    study: Study,
    root: Path,
    data_dir: Path | None,
    identities: dict[str, dict] | None = None,
) -> None:
    """Trains and scores the runs of a job and writes them to the store; an exception leaves no trace there but in the
    job's log.

    resources: of where it runs. identities: of the data sets of the command that started the job, for a node may hold
    others.
    """
    what = f"{counted(len(job.runs), 'run')} of {job.method} on {job.data_set}"
    with job_log.kept(Store(root).log_file(job.job_id), what) as say:
        _run_job(job, resources, study, root, data_dir, identities, say)


def _run_job(
    job: Job,
    resources: ResourceConfig,
    study: Study,
    root: Path,
    data_dir: Path | None,
    identities: dict[str, dict] | None,
    say: Callable[[str], None],
) -> None:
    compilation.use_cache()
    begun = provenance.begun()
    study = dataclasses.replace(study.of(job.settings), resources=resources)
    store, config = Store(root), study.evaluate
    upkeep.note_begun(store, job)
    progress = Progress(store, job, say)
    progress.begins("loading")
    data_set = loading.load_data(job.data_set, study, store, data_dir, identities)
    seconds: dict[str, float] = {}
    start, used = time.perf_counter(), operative.text(job, study, data_set.has_sources)

    def lap(stage: str) -> None:
        seconds[stage] = time.perf_counter() - start - sum(seconds.values())

    learner, batches = loading.learner(job, study, data_set), loading.batches(job, study, data_set)
    learnt = learn(
        job,
        learner,
        batches,
        study,
        store.checkpoints / job.job_id,
        report=progress.trains,
        tell=progress.learns,
    )
    seconds["compile"] = learnt.compile_seconds
    lap("train")
    progress.scores("representing", 0.0)
    index = represent.table_index(data_set, config)
    codes = represent.encode(job, learner, learnt.params, batches, index, study, learnt.population)
    truths = represent.truths(data_set, index, job.method, codes, config)
    lap("represent")
    scores = training_scores(job, learner, learnt, config.training_batches * study.train.batch_size, seconds["train"])
    scores += score_members(
        job,
        codes,
        truths,
        config,
        study.resources.num_cpus,
        represent.is_population(data_set, index),
        report=lambda fraction: progress.scores("scoring", fraction),
    )
    lap("evaluate")

    progress.begins("writing")
    files.await_return(store.jobs)
    draws = rng.generator(config.seed, "keep_codes", data_set.name)
    keep = np.sort(draws.choice(len(index), min(config.keep_codes, len(index)), replace=False))
    store.write_job(
        job,
        scores,
        [
            {"run_id": run.run_id, "step": row["step"], "term": row["term"], "value": row["values"][member]}
            for row in learnt.curves
            for member, run in enumerate(job.runs)
        ],
        {
            "params": flat(learnt.params),
            "codes": represent.kept(codes, keep),
        },
        {
            "status": "done",
            "seconds": seconds,
            "population": learnt.population,
            "updates": learnt.updates,
            "repeated": learnt.repeated,
            "data": data_set.identity,
            "device": begun["device"],
            "versions": jax_versions(),
            "provenance": provenance.ended(begun),
        },
        used,
    )
