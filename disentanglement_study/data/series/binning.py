"""Bins of real-valued sources, for metrics that compare categories."""

import numpy as np
from jaxtyping import Float, Int


def bins(sources: Float[np.ndarray, "n s"], number: int) -> Int[np.ndarray, "n s"]:
    """Each source [N,S] cut into bins 0..number-1 of equally many points, int32 [N,S]."""
    ranks = np.argsort(np.argsort(sources, axis=0, kind="stable"), axis=0)
    return (ranks * number // len(sources)).astype(np.int32)
