"""The tables of a study as Arrow has them, the large ones job by job."""

from collections.abc import Iterable, Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from disentanglement_study.store import Store, jobs_table, records
from disentanglement_study.store.results import BINDINGS
from disentanglement_study.store.tables import plain_schema

PART = 100_000  # rows that are written at once


def small(plan: pd.DataFrame, manifests: list[dict]) -> dict[str, pa.Table]:
    """The tables that have a row for each run or job; `rescored` only where something was."""
    found = {
        "runs": jobs_table.with_jobs(plan, manifests),
        "jobs": jobs_table.jobs_table(manifests, plan),
        "rescored": jobs_table.rescored_table(manifests),
    }
    return {name: _table(frame) for name, frame in found.items() if name != "rescored" or len(frame)}


class Results:
    """The scores of a study, each with the bindings of its run: the rows of `Store.results`, job by job."""

    def __init__(self, plan: pd.DataFrame):
        self.bindings = _table(pd.concat([plan[BINDINGS], records.axes(plan)], axis=1))
        fields = [field for field in plain_schema("scores") if field.name != "run_id"]
        self.schema = pa.schema([*self.bindings.schema, *fields])

    def rows(self, store: Store, manifest: dict) -> pa.Table:
        """Those of a job; scores of a run that the plan has not are left out."""
        scores = _table(store.rows_of(manifest, "scores"), plain_schema("scores"))
        place = pc.index_in(scores["run_id"], self.bindings["run_id"].combine_chunks())
        scores, place = scores.filter(pc.is_valid(place)), place.drop_null()
        return pa.table([*self.bindings.take(place).columns, *scores.drop(["run_id"]).columns], schema=self.schema)


def curves(store: Store, manifest: dict) -> pa.Table:
    """The training losses of a job's runs."""
    return _table(store.rows_of(manifest, "curves"), plain_schema("curves"))


def parts(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in larger tables: a study may have thousands of small jobs."""
    waiting, number = [], 0
    for table in tables:
        waiting.append(table)
        number += len(table)
        if number >= PART:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting, number = [], 0
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _table(frame: pd.DataFrame, schema: pa.Schema | None = None) -> pa.Table:
    """NaN becomes null; text, whatever pandas has it as, becomes text, and so does a column without values."""
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata()
    fields = [
        pa.field(field.name, pa.string())
        if pa.types.is_null(field.type) or pa.types.is_large_string(field.type) or pa.types.is_string_view(field.type)
        else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))
