"""JSON for scripts: one value on stdout, numbers in full precision, null where a number is not finite."""

import json
import math
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def write(value: Any) -> None:
    """Print a value: mappings, sequences, numbers of NumPy, times and paths become what JSON has of them."""
    sys.stdout.write(json.dumps(_plain(value), indent=1, allow_nan=False) + "\n")


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """The rows of a table, by the names of its columns."""
    return [dict(zip(map(str, frame), row, strict=True)) for row in frame.itertuples(index=False, name=None)]


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # a number or an array of NumPy
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return [_plain(inner) for inner in value] if isinstance(value, Iterable) else str(value)
