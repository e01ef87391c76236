"""The checks of the arrays that every metric gets, so that none returns a NaN, and the conversion of factors.

Factors of any dtype become what metrics compute with here and nowhere else, so that no score depends on the names of
their values: labels 0..K-1 where they are categories, float64 where they are numbers.
"""

from typing import Any

import numpy as np

# Metrics square codes, and fit models that scikit-learn freezes on beyond 1e30 (its LinearSVC says so itself).
LARGEST_CODE = 1e30
# A code that varies by less is no constant, yet its squares vanish, and with them its variance.
SMALLEST_RANGE = 1e-100
# The same of factors that are numbers, over all tables.
SMALLEST_SPREAD = SMALLEST_RANGE
DTYPES = {"categories": "iub", "numbers": "iubf"}

# The metrics that take real numbers, for a message; a test holds it to the registry, which imports this module.
OF_NUMBERS = "dci_es (continuous_factors=True), mcc, r2, sap_score (continuous_factors=True)"


def check_points(codes: Any, factors: Any, *, min_factors: int = 1, kind: str = "categories") -> tuple[np.ndarray, Any]:
    """Codes [N, D] as floats and factors [N, F] as `kind` says, or a ValueError that says what is wrong with them.

    `kind` is what the metric takes its factors for, as `types.Metric` tells: "categories" (integers or booleans, which
    become labels), "numbers" (real ones too, see `as_numbers`) or "none" (they may be None, and are left as they are).
    Every factor must take two values or more (a constant one has entropy 0, nothing to predict and nothing to intervene
    on), and some value twice unless it is real.
    """
    codes, given = _checked(codes, factors, "", min_factors, kind)
    if kind == "none":
        return codes, given
    (factors,) = CONVERSIONS[kind](given)
    _check_variation(given, factors, "")
    return codes, factors


def check_split(
    train_codes: Any,
    train_factors: Any,
    test_codes: Any,
    test_factors: Any,
    *,
    min_factors: int = 1,
    kind: str = "categories",
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same for two draws of points, which must have the same codes and factors; values agree between the two."""
    train_codes, train_given = _checked(train_codes, train_factors, "train ", min_factors, kind)
    test_codes, test_given = _checked(test_codes, test_factors, "test ", 1, kind)
    for what, train, test in (("codes", train_codes, test_codes), ("factors", train_given, test_given)):
        if train.shape[1] != test.shape[1]:
            raise ValueError(f"the train points have {train.shape[1]} {what}, the test points {test.shape[1]}")
    train_factors, test_factors = CONVERSIONS[kind](train_given, test_given)
    _check_variation(train_given, train_factors, "train ")
    return train_codes, train_factors, test_codes, test_factors


def as_labels(*tables: np.ndarray) -> list[np.ndarray]:
    """Values of any dtypes, tables [N, F] or columns [N], as int64 labels 0..K-1.

    Labels rise with the values, and a value has the same label in all tables.
    """
    return _by_column(_labels, tables)


def as_numbers(*tables: np.ndarray) -> list[np.ndarray]:
    """Numbers [N, F] of any dtypes as float64 from 0 to 1, the smallest and the largest of their column in all tables.

    All metrics of numbers are blind to the offset and the scale of a factor, which must not decide how it is rounded,
    or whether it is too large to be squared.
    """
    return _by_column(_numbers, tables)


def is_real(factors: Any) -> bool:
    """Whether factors are real numbers rather than integers or booleans."""
    return factors is not None and np.asarray(factors).dtype.kind == "f"


CONVERSIONS = {"categories": as_labels, "numbers": as_numbers}


def _checked(codes, factors, prefix, min_factors, kind):
    """Both as arrays, the codes as floats."""
    codes, factors = np.asarray(codes), factors if factors is None else np.asarray(factors)
    if codes.ndim != 2 or codes.shape[1] == 0:
        hint = ": codes[:, None] makes it one code" if codes.ndim == 1 else ""
        raise ValueError(f"{prefix}codes must be [points, codes], got shape {list(codes.shape)}{hint}")
    if factors is None and kind != "none":
        raise ValueError("this metric compares codes with factors: it needs an array of factors")
    if factors is not None and (factors.ndim != 2 or factors.shape[1] == 0):
        hint = ": factors[:, None] makes it one factor" if factors.ndim == 1 else ""
        raise ValueError(f"{prefix}factors must be [points, factors], got shape {list(factors.shape)}{hint}")
    if factors is not None and len(codes) != len(factors):
        is_transposed = codes.shape[1] == factors.shape[1] > max(len(codes), len(factors))
        hint = ": a row is a point; are the arrays transposed?" if is_transposed else ""
        raise ValueError(f"{prefix}codes have {len(codes)} points, {prefix}factors have {len(factors)}{hint}")
    if len(codes) < 2:
        raise ValueError(f"a metric needs at least 2 {prefix}points, got {len(codes)}")
    if kind != "none" and factors.shape[1] < min_factors:
        raise ValueError(f"this metric compares factors: it needs {min_factors} or more, got {factors.shape[1]}")
    if codes.dtype.kind in "iub":
        raise ValueError(
            f"{prefix}codes must be floats, got {codes.dtype}: codes come first, factors second; "
            "convert integer codes with codes.astype(float)"
        )
    if codes.dtype.kind != "f":
        raise ValueError(f"{prefix}codes must be real numbers, got {codes.dtype}")
    if kind != "none":
        factors = _of_dtype(factors, prefix, kind)
    if codes.dtype not in (np.float32, np.float64):
        codes = codes.astype(np.float64)  # float16, longdouble
    if not np.isfinite(codes).all():
        point, code = np.argwhere(~np.isfinite(codes.T))[0][::-1]
        raise ValueError(f"{prefix}codes must be finite: code {code} is {codes[point, code]} at point {point}")
    _check_sizes(codes, prefix)
    return codes, factors


def _check_sizes(codes, prefix):
    """ValueError for finite codes of which float64 cannot compute: better than a NaN, or a fit that never ends."""
    least, greatest = codes.min(axis=0), codes.max(axis=0)
    largest = np.maximum(np.abs(least), np.abs(greatest))
    if (large := np.flatnonzero(largest > LARGEST_CODE)).size:
        raise ValueError(
            f"{prefix}code {large[0]} reaches {largest[large[0]]:.3g}: codes of up to {LARGEST_CODE:g} can be scored; "
            "the model has diverged, or its codes need scaling"
        )
    ranges = greatest.astype(np.float64) - least
    if (small := np.flatnonzero((ranges > 0) & (ranges < SMALLEST_RANGE))).size:
        raise ValueError(
            f"{prefix}code {small[0]} varies by {ranges[small[0]]:.3g}: a code must vary by {SMALLEST_RANGE:g} or "
            "more, or not at all: scale it"
        )


def _of_dtype(factors, prefix, kind):
    """Factors of a dtype that will do, the real ones as float64 and finite."""
    if factors.dtype.kind not in DTYPES[kind]:
        expected = "integers (the index of each value)" if kind == "categories" else "integers or real numbers"
        hint = f"; real numbers are for {OF_NUMBERS}" if factors.dtype.kind == "f" else ""
        raise ValueError(f"{prefix}factors must be {expected}, got {factors.dtype}{hint}")
    if factors.dtype.kind != "f":
        return factors
    with np.errstate(over="ignore"):
        factors = factors.astype(np.float64)
    if not np.isfinite(factors).all():
        point, factor = np.argwhere(~np.isfinite(factors.T))[0][::-1]
        raise ValueError(
            f"{prefix}factors must be finite: factor {factor} is {factors[point, factor]} at point {point}"
        )
    return factors


def _check_variation(given, factors, prefix):
    """Whether each factor varies and, unless it is real, repeats; `given` are the values that the message names."""
    if (constant := np.flatnonzero(np.ptp(factors, axis=0) < SMALLEST_SPREAD)).size:
        raise ValueError(f"{prefix}factor {constant[0]} has one value only ({given[0, constant[0]]}): leave it out")
    if is_real(given):
        return
    labels = factors if factors.dtype.kind == "i" else as_labels(given)[0]
    if unique := [k for k, values in enumerate(labels.T) if np.bincount(values).max() == 1]:
        raise ValueError(
            f"{prefix}factor {unique[0]} has a different value at each of the {len(given)} {prefix}points: "
            "a metric needs more points than a factor has values"
        )


def _by_column(convert, tables):
    tables = [np.asarray(table) for table in tables]
    if np.result_type(*tables).kind == "f" and not any(map(is_real, tables)):
        tables = [table.astype(object) for table in tables]  # int64 beside uint64: NumPy would round both
    together = np.concatenate(tables)
    columns = together[:, None] if together.ndim == 1 else together
    made = np.stack([convert(column) for column in columns.T], axis=1).reshape(together.shape)
    return np.split(made, np.cumsum([len(table) for table in tables])[:-1])


def _labels(values):
    """[N] as labels; sorting, which is slow, is for values that are far apart."""
    if values.dtype.kind == "f":
        return np.unique(values, return_inverse=True)[1]
    above, largest = _above_smallest(values)
    if largest >= 2 * len(values):
        return np.unique(above, return_inverse=True)[1]
    present = np.zeros(largest + 1, bool)
    present[above] = True
    return (np.cumsum(present) - 1)[above]


def _numbers(values):
    """[N] from 0 to 1; 0 where they are all equal."""
    # Of real numbers half the difference, which itself may be infinite.
    is_float = values.dtype.kind == "f"
    above = values / 2 - values.min() / 2 if is_float else _above_smallest(values)[0].astype(np.float64)
    return above / (above.max() or 1.0)


def _above_smallest(values):
    """[N] integers less the smallest, which their own type may not hold, and the largest difference."""
    smallest = int(values.min())
    largest = int(values.max()) - smallest
    # Modulo 2^64 is exact, for differences are below that.
    of_any_size = values.dtype.kind == "O"
    above = values - smallest if of_any_size else values.astype(np.uint64) - np.uint64(smallest % 2**64)
    return above.astype(np.int64) if largest < 2**63 else above, largest
