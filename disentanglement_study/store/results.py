"""Scores beside the bindings of their runs, in pandas."""

import numpy as np
import pandas as pd
import pyarrow as pa

from disentanglement_study.store import records
from disentanglement_study.store.tables import COLUMNS, SCORE

# Of a run, beside each of its scores.
BINDINGS = ["data_set", "method", "strength_name", "strength", "seed", "dlib_model_num", "run_id"]


def bindings(plan: pd.DataFrame) -> pd.DataFrame:
    """What each score of a run has beside it."""
    return pd.concat([plan[BINDINGS], records.axes(plan)], axis=1)


def joined(plan: pd.DataFrame, scores: pa.Table) -> pd.DataFrame:
    """The scores of the plan's runs, in the order of `BINDINGS`, representation, metric and score.

    Texts are categories in the order of the alphabet. Those of `metric` and `score` are the same, so that the two can
    be compared; all others are those that there are.
    """
    found = {name: _codes(scores[name]) for name, kind in COLUMNS["scores"].items() if kind == "string"}
    ids, names = found.pop("run_id")
    runs = bindings(plan)
    runs = runs[runs["run_id"].isin(names)].sort_values(BINDINGS, ignore_index=True)
    place = pd.Index(runs["run_id"]).get_indexer(names)[ids]
    key = place.astype(np.int64)
    for name in SCORE[1:]:
        codes, texts = found[name]
        key = key * (len(texts) + 1) + np.where(codes < 0, len(texts), codes)
    order = np.argsort(key, kind="stable")[np.count_nonzero(place < 0) :]  # those below 0 are of runs of no plan
    of_run, there = _used(place[order], len(runs))
    del key, place
    runs = runs[there]
    texts = [name for name in runs if pd.api.types.is_string_dtype(runs[name])]
    columns = dict(runs.astype(dict.fromkeys(texts, "category")).iloc[of_run].reset_index(drop=True))
    for name, kind in COLUMNS["scores"].items():
        if name in found:
            codes, texts = found.pop(name)
            codes, there = _used(codes[order], len(texts))
            columns[name] = pd.Series(pd.Categorical.from_codes(codes, texts[there]))
        elif name not in columns:
            columns[name] = scores[name].to_pandas().astype(kind).iloc[order].reset_index(drop=True)
    either = columns["metric"].cat.categories.union(columns["score"].cat.categories)
    for name in ("metric", "score"):
        columns[name] = columns[name].cat.set_categories(either)
    return pd.DataFrame(columns)


def categories(table: pa.Table) -> pd.DataFrame:
    """A table of texts in pandas, as categories."""
    return pd.DataFrame({name: pd.Categorical.from_codes(*_codes(table[name])) for name in table.column_names})


def _used(places: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Places among so many, -1 for none, as places among those of them that are used; which these are, [number]."""
    there = np.zeros(number + 1, bool)
    there[places] = True
    there = there[:number]
    if there.all():
        return places, there
    among = np.append(np.cumsum(there) - 1, -1).astype(places.dtype)
    return among[places], there


def _codes(column: pa.ChunkedArray) -> tuple[np.ndarray, pd.Index]:
    """Of each row the place of its text among the texts of the column, -1 where it has none; these, by the alphabet."""
    column = column.unify_dictionaries()
    texts = pd.Index(column.chunk(0).dictionary.to_pylist() if column.num_chunks else [], dtype="str")
    alphabet = texts.argsort()
    rank = np.full(len(texts) + 1, -1, dtype=np.int32)
    rank[alphabet] = np.arange(len(texts))
    found = [chunk.indices.fill_null(len(texts)).to_numpy() for chunk in column.chunks]
    return rank[np.concatenate(found)] if found else rank[:0], texts[alphabet]
