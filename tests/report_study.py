"""A study of random scores with everything that a report shows: failures, gaps, curves, pictures, hostile text."""

import base64
import json
from pathlib import Path

import numpy as np

from disentanglement_study.config.identity import scored_with
from disentanglement_study.store import Store
from disentanglement_study.study import components, plan

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> & \u2028"
METRICS = ("mig", "dci", "sap_score", "modularity")


def row(run_id, representation, metric, score, value, error=None):
    return {"run_id": run_id, "representation": representation, "metric": metric, "score": score, "value": value,
            "error": error}  # fmt: skip


def make_study(root: Path, *changes: str) -> Store:
    """The runs of the quick sweep on 3 seeds in jobs of 9: one job failed, one is missing, and two scores failed."""
    settings = components.load("quick", ["sweep.seeds = 3", *changes])
    runs = plan.expand(settings)
    store = Store(root)
    store.create(plan.frame(runs, settings), settings.text, json.dumps(scored_with(settings)))
    rng = np.random.default_rng(0)
    jobs = plan.group(runs, 9)
    about = {"seconds": {"train": 60.0, "evaluate": 30.0}, "device": "cpu: test", "versions": "numpy=1"}
    for job in jobs[:-2]:
        rows = [
            row(run.run_id, shown, metric, metric, rng.random())
            for run in job.runs for shown in ("mean", "sampled") for metric in METRICS
        ]  # fmt: skip
        rows += [row(run.run_id, "model", "training", "elbo", -rng.random()) for run in job.runs]
        if job is jobs[0]:
            rows[0] |= {"value": np.nan, "error": HOSTILE}
            rows[1] |= {"value": np.nan, "error": None}
        curves = [
            {"run_id": run.run_id, "step": 10 * step, "term": term, "value": 1 / step}
            for run in job.runs for term in ("loss", "kl_loss") for step in range(1, 251)
        ]  # fmt: skip
        store.write_job(job, rows, curves, {}, {"status": "done", **about})
    broken = [row(run.run_id, "model", "training", "training", np.nan, HOSTILE) for run in jobs[-2].runs]
    store.write_job(jobs[-2], broken, [], {}, {"status": "failed", "error": HOSTILE, **about})
    folder = root / "traversals" / runs[0].run_id
    folder.mkdir(parents=True)
    (folder / "traversals_0.png").write_bytes(PNG)
    (root / "traversals" / "unknown").mkdir()
    return store


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
