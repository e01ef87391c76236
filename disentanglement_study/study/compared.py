"""Scores of the same run, computed twice: which are equal, and what else is different where they are not."""

from typing import Any

import numpy as np
import pandas as pd

SCORE = ["representation", "metric", "score"]  # what a score of a run is named by
TOLERANCE = 1e-5  # relative: float32 has 24 bits, and a training rounds more than once


def close(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether numbers are equal to `TOLERANCE`, relative to the larger; NaN, of a model that diverged, equals NaN."""
    return np.isclose(one, other, rtol=TOLERANCE, atol=0, equal_nan=True) | np.isclose(
        other, one, rtol=TOLERANCE, atol=0, equal_nan=True
    )


def scores(stored: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Rows of the scores of one run, as the store has them, twice: `SCORE`, stored, new, difference, equal.

    equal: "bit", "1e-05" (to this tolerance), or "no"; a score that only one has is NaN in the other, and "no".
    """
    both = stored[[*SCORE, "value"]].merge(new[[*SCORE, "value"]], on=SCORE, how="outer", indicator=True)
    both = both.rename(columns={"value_x": "stored", "value_y": "new"})
    one, other = both["stored"].to_numpy(float), both["new"].to_numpy(float)
    bit = (one == other) | (np.isnan(one) & np.isnan(other))
    equal = np.select([both["_merge"] != "both", bit, close(one, other)], ["no", "bit", f"{TOLERANCE:g}"], "no")
    return both.drop(columns="_merge").assign(difference=other - one, equal=equal)


def versions(text: object) -> dict[str, str]:
    """{package: version} of "jax=0.6 flax=0.10"."""
    return dict(part.split("=", 1) for part in str(text).split() if "=" in part)


def circumstances(stored: dict[str, Any], new: dict[str, Any]) -> list[dict[str, str]]:
    """What differs of two jobs with the same run, by their manifests: packages, device, population, cores.

    A row {what, stored, new} for each; what a manifest does not say is "not known".
    """
    rows = []
    one, other = versions(stored.get("versions", "")), versions(new.get("versions", ""))
    for name in sorted(one.keys() | other.keys()):
        rows.append((f"{name} (training)", one.get(name), other.get(name)))
    rows += [(name, stored.get(name), new.get(name)) for name in ("device", "population")]
    rows.append(("cores", *(job.get("provenance", {}).get("cores") for job in (stored, new))))
    return _different(rows)


def of_metrics(stored: pd.DataFrame, new: pd.DataFrame) -> list[dict[str, str]]:
    """The same of the rows of scores: the versions of metrics, and of the packages that computed them."""
    rows, seen = [], set()
    one, other = (table.drop_duplicates("metric").set_index("metric") for table in (stored, new))
    for metric in one.index.intersection(other.index):
        rows.append((f"version of {metric}", one.metric_version[metric], other.metric_version[metric]))
        if metric == "training":
            continue  # its packages are those of the manifest
        packages = versions(one.versions[metric]), versions(other.versions[metric])
        for name in sorted(packages[0].keys() | packages[1].keys()):
            found = (f"{name} (scoring)", packages[0].get(name), packages[1].get(name))
            if found not in seen:
                seen.add(found)
                rows.append(found)
    return _different(rows)


def _different(rows: list[tuple[str, Any, Any]]) -> list[dict[str, str]]:
    shown = ((what, *("not known" if pd.isna(value) else str(value) for value in values)) for what, *values in rows)
    return [{"what": what, "stored": one, "new": other} for what, one, other in shown if one != other]
