"""Loss curves, a file a job: a page opened from the disk may load a script, but may not read other files."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from disentanglement_study.analysis.report.encoding import floats
from disentanglement_study.runtime import files
from disentanglement_study.store import Store

# Of a curve, evenly spread, the last one included: more than a plot of a few hundred pixels shows.
POINTS = 100


def write(store: Store, manifests: Iterable[dict], folder: Path) -> set[str]:
    """Writes runs/<job_id>.js of every job that has curves, which are returned.

    The file is a call of the page's function `curves` with the id and what `thinned` returns.
    """
    folder, written = files.folder(folder / "runs"), set()
    for manifest in manifests:
        job_id = manifest["job_id"]
        if job := thinned(store.rows_of(manifest, "curves")):
            with files.replacing(folder / f"{job_id}.js") as temporary:
                temporary.write_text(f"curves({json.dumps(job_id)},{json.dumps(job)});\n", encoding="utf-8")
            written.add(job_id)
    return written


def thinned(rows: pd.DataFrame) -> dict:
    """The `terms`, at most `POINTS` of the `steps`, and of each run float32 [terms,steps], NaN where it has no value.

    Empty without rows.
    """
    if rows.empty:
        return {}
    run, run_ids = pd.factorize(rows["run_id"])
    term, terms = pd.factorize(rows["term"], sort=True)
    step, steps = pd.factorize(rows["step"], sort=True)
    values = np.full((len(run_ids), len(terms), len(steps)), np.nan, dtype=np.float32)
    values[run, term, step] = rows["value"]
    keep = np.unique(np.linspace(0, len(steps) - 1, min(POINTS, len(steps))).round().astype(int))
    of_run = {str(run_id): floats(values[place][:, keep]) for place, run_id in enumerate(run_ids)}
    return {"terms": [str(name) for name in terms], "steps": steps[keep].tolist(), "runs": of_run}
