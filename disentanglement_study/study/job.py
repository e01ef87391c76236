"""One job, top to bottom: train, represent, evaluate, store. The only file that knows every stage."""

import time
from pathlib import Path

import numpy as np

from disentanglement_study import rng
from disentanglement_study.config import Study
from disentanglement_study.runtime import compilation
from disentanglement_study.scoring import represent
from disentanglement_study.scoring.members import score_members
from disentanglement_study.store import Store
from disentanglement_study.store.parameters import flat
from disentanglement_study.study.loading import load_data
from disentanglement_study.study.training_rows import device, jax_versions, training_scores
from disentanglement_study.training.fit import fit
from disentanglement_study.types import Job


def run_job(
    job: Job, study: Study, root: Path, data_dir: Path | None, identities: dict[str, dict] | None = None
) -> None:
    """Trains and scores the runs of a job and writes them to the store; an exception leaves no trace there.

    identities: of the data sets of the command that started the job, for a node may hold others.
    """
    compilation.use_cache()
    store, config = Store(root), study.evaluate
    data_set = load_data(job.data_set, store, data_dir, identities)
    seconds, start = {}, time.perf_counter()

    def lap(stage: str) -> None:
        seconds[stage] = time.perf_counter() - start - sum(seconds.values())

    # Half of the bar is training and half is scoring, whatever their share of the time.
    fitted = fit(
        job,
        data_set,
        study.nets,
        study.train,
        study.resources,
        config.training_batches,
        store.checkpoints / job.job_id,
        report=lambda stage, fraction: store.write_progress(job, stage, 0.5 * fraction),
    )
    seconds["compile"] = fitted.compile_seconds
    lap("train")
    index = represent.table_index(data_set, config)
    batch = study.resources.encode_batch
    codes = represent.encode(fitted.params, data_set, index, study.nets, batch, fitted.population, config.seed)
    factors = data_set.factors(index)
    lap("represent")
    scores = training_scores(job, fitted, config.training_batches * study.train.batch_size, seconds["train"])
    scores += score_members(
        job,
        codes,
        factors,
        config,
        study.resources.num_cpus,
        represent.is_population(data_set, index),
        report=lambda fraction: store.write_progress(job, "scoring", 0.5 + 0.5 * fraction),
    )
    lap("evaluate")

    draws = rng.generator(config.seed, "keep_codes", data_set.name)
    keep = np.sort(draws.choice(len(index), min(config.keep_codes, len(index)), replace=False))
    store.write_job(
        job,
        scores,
        [
            {"run_id": run.run_id, "step": row["step"], "term": row["term"], "value": row["values"][member]}
            for row in fitted.curves
            for member, run in enumerate(job.runs)
        ],
        {
            "params": flat(fitted.params),
            "codes": {"index": index[keep], "mean": codes.mean[:, keep], "logvar": codes.logvar[:, keep]},
        },
        {
            "status": "done",
            "seconds": seconds,
            "population": fitted.population,
            "data": data_set.identity,
            "device": device(),
            "versions": jax_versions(),
        },
    )
