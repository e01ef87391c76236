"""Unsupervised disentanglement ranking of a study: it compares models, so it is no metric of one model's codes.

A score depends on which other models there are: when seeds are added, those of the seeds that were there change too.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from rich.console import Console

from disentanglement_study import gaussian
from disentanglement_study.metrics import COMPARED, udr
from disentanglement_study.runtime import job_log
from disentanglement_study.runtime.words import counted
from disentanglement_study.scoring.evaluate import VERSIONS
from disentanglement_study.store import Store
from disentanglement_study.store.peers import UDR, outdated, setting
from disentanglement_study.study import provenance
from disentanglement_study.types import Job, Run

DIVERGED = "diverged: its codes are not finite, so they cannot be compared"


def update_udr(store: Store, console: Console) -> None:
    """Compares models again whose peers are others than when they were compared; call it under the store's lock.

    All models of a job are compared again if one of them is, as are their peers: what the job's manifest says of where
    its scores come from is true of all of them then. A study that was never asked for UDR has none after this.
    """
    jobs = outdated(store)
    if jobs:
        store.check_arrays(jobs, "codes")
        score_udr(jobs, store, console, "udr again, with other models to compare with: ")


def score_udr(jobs: Iterable[Job], store: Store, console: Console, beginning: str = "udr: ") -> None:
    """Compares the models of these jobs that differ by seed alone, on the codes that the study kept.

    beginning: of the line that says what was done.
    """
    begun, models, without = provenance.on_cpu(), defaultdict(list), 0
    rows: dict[str, list[dict]] = defaultdict(list)

    def add(job_id: str, run: Run, score: str, value: float, n: int, error: str | None = None) -> None:
        rows[job_id].append(
            {"run_id": run.run_id, "representation": "mean", "metric": UDR, "score": score, "value": value,
             "n": n, "protocol": run.protocol, "metric_version": COMPARED[UDR].version, "versions": VERSIONS,
             "error": error}
        )  # fmt: skip

    for job in jobs:
        kept = store.arrays(job, "codes")
        if "logvar" not in kept:  # without a posterior there is no KL divergence to tell which codes are used
            without += len(job.runs)
            continue
        for member, run in enumerate(job.runs):
            mean, logvar = kept["mean"][member].astype(np.float64), kept["logvar"][member].astype(np.float64)
            if np.isfinite(mean).all() and np.isfinite(logvar).all():
                models[setting(run)].append((job.job_id, run, mean, gaussian.kl(mean, logvar).mean(axis=0)))
            else:
                add(job.job_id, run, UDR, float("nan"), len(mean), DIVERGED)
    alone = 0
    for group in models.values():
        if len(group) < 2:
            alone += 1
            continue
        _, _, codes, kl = zip(*group, strict=True)
        for score, correlation in (("udr", "spearman"), ("udr_lasso", "lasso")):
            values = udr(codes, kl, correlation=correlation).scores
            for (job_id, run, mean, _), value in zip(group, values, strict=True):
                add(job_id, run, score, value, len(mean))
    for job in jobs:
        if rows[job.job_id] or UDR in store.metrics(store.manifest(job)):
            number = sum(len(models[one]) for one in {setting(run) for run in job.runs})
            store.add_scores(job, rows[job.job_id], instead_of=UDR)
            store.write_scored(job, [UDR], {**provenance.ended(begun), "models": number})
            job_log.line(store.log_file(job.job_id), f"{UDR}: compared with the models of other seeds")
    compared = counted(sum(map(len, models.values())) - alone, "model")
    console.print(
        f"{beginning}{compared} compared with those of other seeds, {_have(alone)} none to compare with"
        + (f"; {_have(without)} no posterior, which it needs" if without else ""),
        soft_wrap=True,
    )


def _have(number: int) -> str:
    return f"{number:,} {'has' if number == 1 else 'have'}"
