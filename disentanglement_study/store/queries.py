"""What a query in SQL sees of a study, and what of it is checked.

The views are there whatever is asked; only files of the tables that the SQL names are opened. DuckDB reads of them the
columns and rows that it needs, and no others; beside it the files are checked as `tables.check` says, and no answer is
given before that. If DuckDB meets what cannot be read, all of these files are read whole, which names the one that is
damaged.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pandas as pd

from disentanglement_study.runtime.files import Damaged
from disentanglement_study.store import results, sql, tables
from disentanglement_study.store.jobs_table import jobs_table, rescored_table, with_jobs
from disentanglement_study.store.part import part

FILES = ("scores", "curves")  # tables of which each job has a file
READ_BY = {"scores": ("scores", "results"), "curves": ("curves",)}  # names in the SQL
OF_ENDED = ("scores", "results", "curves", "jobs", "rescored")  # views of what has ended; `runs` is of the whole plan


class Answer(NamedTuple):
    frame: pd.DataFrame
    part: str  # how much of the plan it is from, as `part` says it; "" for all


def ask(store: Any, text: str) -> Answer:
    """What the SQL gives; see `Store.query`. A job that is replaced while it is read is read once more."""
    try:
        return _ask(store, text, whole=False)
    except (Damaged, sql.Unread):
        return _ask(store, text, whole=True)


def _ask(store: Any, text: str, whole: bool) -> Answer:
    plan, manifests = store.plan, store.manifests()
    files = {name: [store.jobs / one["job_id"] / f"{name}.parquet" for one in manifests] for name in FILES}

    def look() -> None:
        for name in FILES:
            if any(word in text.lower() for word in READ_BY[name]):
                for path, manifest in zip(files[name], manifests, strict=True):
                    (tables.table if whole else tables.check)(path, name, manifest["run_ids"])

    named = plan.assign(objective=plan["method"])  # by the name that this column had
    views = {
        "runs": with_jobs(named, manifests),
        "jobs": jobs_table(manifests, plan),
        "rescored": rescored_table(manifests),
        **{name: tables.lazily(files[name], name) for name in FILES},
    }
    columns = [f'runs."{name}"' for name in [*results.bindings(plan), "objective"] if name != "run_id"]
    joined = f"SELECT {', '.join(columns)}, scores.* FROM scores JOIN runs USING (run_id)"
    with ThreadPoolExecutor(1) as beside:
        looked = beside.submit(look)
        try:
            frame = sql.answer(text, views, {"results": joined})
        finally:
            looked.result()  # a damaged file is what is said, whatever DuckDB made of it
    return Answer(frame, part(plan, manifests) if any(name in text.lower() for name in OF_ENDED) else "")
