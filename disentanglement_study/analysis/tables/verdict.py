"""Does a published number hold beside one of ours?"""

import numpy as np

YES, NO, NOT_ENOUGH = "yes", "no", "not enough data"


def compared(published: float, around: float, value: float, low: float, high: float) -> tuple[str, str]:
    """Whether it holds, and why, of a value of ours with its 95 % interval.

    It holds if it is as near to ours as that of another study of this size would be in 95 % of cases: within sqrt(2) of
    the half of our interval on its side, and what it is uncertain by itself, `around`: its rounding, or its spread.
    """
    half = (high - value) if published > value else (value - low)
    difference = abs(published - value)
    allowed = np.sqrt(2) * max(half, 0) + around
    return (YES if difference <= allowed else NO), f"they differ by {difference:.3f}; {allowed:.3f} is allowed"
