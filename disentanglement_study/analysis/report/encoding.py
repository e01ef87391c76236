"""Numbers as short text: base64 of float32, which the page reads into typed arrays, or rounded JSON."""

import base64

import numpy as np
import pandas as pd


def floats(values: np.ndarray) -> str:
    """Base64 of little-endian float32, of any shape: 5.3 characters a number, exact to 7 digits, NaN included."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def rounded(values: pd.Series | np.ndarray, digits: int = 4) -> list[float | None]:
    """A list for JSON; None where a number is not finite."""
    numbers = np.round(np.asarray(values, dtype=float), digits)
    return [value if np.isfinite(value) else None for value in numbers.tolist()]


def coded(values: pd.Series) -> dict[str, list]:
    """A column of few distinct values: these, and of each row which one."""
    codes, distinct = pd.factorize(values.astype(object), use_na_sentinel=False)
    return {"values": [None if pd.isna(value) else value for value in distinct.tolist()], "codes": codes.tolist()}
