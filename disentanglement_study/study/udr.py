"""Unsupervised disentanglement ranking of a study: it compares models, so it is no metric of one model's codes."""

from collections import defaultdict

import numpy as np
from rich.console import Console

from disentanglement_study import gaussian
from disentanglement_study.metrics import udr
from disentanglement_study.scoring.evaluate import VERSIONS
from disentanglement_study.store import Store
from disentanglement_study.study import provenance
from disentanglement_study.types import Job

UDR = "udr"
UDR_VERSION = "1"


def score_udr(jobs: list[Job], store: Store, console: Console) -> None:
    """Compares the models that differ by seed alone, on the codes that the study kept."""
    begun, models, without = provenance.on_cpu(), defaultdict(list), 0
    for job in jobs:
        kept = store.arrays(job, "codes")
        if "logvar" not in kept:  # without a posterior there is no KL divergence to tell which codes are used
            without += len(job.runs)
            continue
        for member, run in enumerate(job.runs):
            mean, logvar = kept["mean"][member].astype(np.float64), kept["logvar"][member].astype(np.float64)
            if np.isfinite(mean).all() and np.isfinite(logvar).all():  # else it has diverged
                kl = gaussian.kl(mean, logvar).mean(axis=0)
                models[run.data_set, run.method, str(run.settings), *run.hyper.items()].append(
                    (job.job_id, run, mean, kl)
                )
    alone, rows = 0, defaultdict(list)
    for group in models.values():
        if len(group) < 2:
            alone += 1
            continue
        _, _, codes, kl = zip(*group, strict=True)
        for score, correlation in (("udr", "spearman"), ("udr_lasso", "lasso")):
            values = udr(codes, kl, correlation=correlation).scores
            for (job_id, run, mean, _), value in zip(group, values, strict=True):
                rows[job_id].append(
                    {"run_id": run.run_id, "representation": "mean", "metric": UDR, "score": score, "value": value,
                     "n": len(mean), "protocol": run.protocol, "metric_version": UDR_VERSION, "versions": VERSIONS}
                )  # fmt: skip
    for job in jobs:
        store.add_scores(job, rows[job.job_id])
        if rows[job.job_id]:
            store.write_scored(job, [UDR], provenance.ended(begun))
    compared = sum(map(len, models.values())) - alone
    console.print(
        f"udr: {compared} models compared with those of other seeds, {alone} have none to compare with"
        + (f"; {without} have no posterior, which it needs" if without else "")
    )
