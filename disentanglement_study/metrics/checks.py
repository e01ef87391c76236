"""What every metric asks of its arrays, so that none of them returns a NaN."""

import numpy as np

# Metrics square codes, and fit models that scikit-learn freezes on beyond 1e30 (its LinearSVC says so itself).
LARGEST_CODE = 1e30
# A code that varies by less is no constant, yet its squares vanish, and with them its variance.
SMALLEST_RANGE = 1e-100


def check_points(codes, factors, *, which="", min_factors=1, vary=True):
    """Codes [N, D] as floats and factors [N, F] as integers, or a ValueError that says what is wrong with them.

    `which` ("train", "test") names the arrays in the message. With `vary`, every factor must take two values or more
    (a constant one has entropy 0, nothing to predict and nothing to intervene on) and some value twice.
    """
    codes, factors = np.asarray(codes), np.asarray(factors)
    prefix = f"{which} " if which else ""
    if codes.ndim != 2 or codes.shape[1] == 0:
        raise ValueError(f"{prefix}codes must be [points, codes], got shape {list(codes.shape)}")
    if factors.ndim != 2 or factors.shape[1] == 0:
        raise ValueError(f"{prefix}factors must be [points, factors], got shape {list(factors.shape)}")
    if len(codes) != len(factors):
        raise ValueError(f"{prefix}codes have {len(codes)} points, {prefix}factors have {len(factors)}")
    if len(codes) < 2:
        raise ValueError(f"a metric needs at least 2 {prefix}points, got {len(codes)}")
    if factors.shape[1] < min_factors:
        raise ValueError(f"this metric compares factors: it needs {min_factors} or more, got {factors.shape[1]}")
    if codes.dtype.kind in "iub":
        raise ValueError(
            f"{prefix}codes must be floats, got {codes.dtype}: codes come first, factors second; "
            "codes that are integers are to be made floats (codes.astype(float))"
        )
    if codes.dtype.kind != "f":
        raise ValueError(f"{prefix}codes must be real numbers, got {codes.dtype}")
    if factors.dtype.kind not in "iu":
        raise ValueError(f"{prefix}factors must be integers (the index of each value), got {factors.dtype}")
    if codes.dtype not in (np.float32, np.float64):
        codes = codes.astype(np.float64)  # float16, longdouble
    if not np.isfinite(codes).all():
        point, code = np.argwhere(~np.isfinite(codes.T))[0][::-1]
        raise ValueError(f"{prefix}codes must be finite: code {code} is {codes[point, code]} at point {point}")
    _check_sizes(codes, prefix)
    if vary and (constant := np.flatnonzero(np.ptp(factors, axis=0) == 0)).size:
        raise ValueError(f"{prefix}factor {constant[0]} has one value only ({factors[0, constant[0]]}): leave it out")
    if vary and (unique := [k for k, values in enumerate(factors.T) if len(np.unique(values)) == len(values)]):
        raise ValueError(
            f"{prefix}factor {unique[0]} has another value at each of the {len(factors)} {prefix}points: "
            "a metric needs more points than a factor has values"
        )
    return codes, factors


def _check_sizes(codes, prefix):
    """ValueError for finite codes of which float64 cannot compute: better than a NaN, or a fit that never ends."""
    least, greatest = codes.min(axis=0), codes.max(axis=0)
    largest = np.maximum(np.abs(least), np.abs(greatest))
    if (large := np.flatnonzero(largest > LARGEST_CODE)).size:
        raise ValueError(
            f"{prefix}code {large[0]} reaches {largest[large[0]]:.3g}: codes of up to {LARGEST_CODE:g} can be scored; "
            "the model has diverged, or its codes are to be scaled"
        )
    ranges = greatest.astype(np.float64) - least
    if (small := np.flatnonzero((ranges > 0) & (ranges < SMALLEST_RANGE))).size:
        raise ValueError(
            f"{prefix}code {small[0]} varies by {ranges[small[0]]:.3g}: a code that varies by {SMALLEST_RANGE:g} or "
            "more, or not at all, can be scored; scale it"
        )


def check_split(train_codes, train_factors, test_codes, test_factors, *, min_factors=1):
    """The same for two draws of points, which must have the same codes and factors."""
    train_codes, train_factors = check_points(train_codes, train_factors, which="train", min_factors=min_factors)
    test_codes, test_factors = check_points(test_codes, test_factors, which="test", vary=False)
    for what, train, test in (("codes", train_codes, test_codes), ("factors", train_factors, test_factors)):
        if train.shape[1] != test.shape[1]:
            raise ValueError(f"the train points have {train.shape[1]} {what}, the test points {test.shape[1]}")
    return train_codes, train_factors, test_codes, test_factors
