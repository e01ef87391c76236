"""Bins of real-valued sources, for metrics that compare categories."""

import numpy as np
from jaxtyping import Float, Int


def bins(sources: Float[np.ndarray, "n s"], number: int) -> Int[np.ndarray, "n s"]:
    """Each source [N,S] cut into bins 0..number-1 of equally many points, int32 [N,S]; equal values share a bin."""
    cut = np.empty(sources.shape, np.int32)
    for values, places in zip(sources.T, cut.T, strict=True):
        _, distinct, counts = np.unique(values, return_inverse=True, return_counts=True)
        places[:] = ((np.cumsum(counts) - counts) * number // len(values))[distinct]
    return cut
