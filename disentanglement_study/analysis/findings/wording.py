"""Numbers and names as the sentences have them."""

import numpy as np

from disentanglement_study.analysis import names
from disentanglement_study.analysis.cells import number, with_interval


def setting(method: str, strength_name: str, strength: float) -> str:
    """ "β-VAE (β = 4)"."""
    shown = names.strength(strength_name, strength)
    return names.label(method, names.METHODS) + (f" ({shown})" if shown else "")


def percent(value: float, low: float, high: float) -> str:
    """ "26 % [7, 51]" of a share; what an estimate has outside of 0 to 100 is cut off."""
    value, low, high = (100 * np.clip([value, low, high], 0, 1)).tolist()
    return f"{value:.0f} %" + ("" if np.isnan(low) else f" [{low:.0f}, {high:.0f}]")


def digits(value: float) -> int:
    """How many a score of this size is shown with."""
    return 2 if abs(value) >= 0.1 else 3


def listed(parts: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


__all__ = ["digits", "listed", "number", "percent", "setting", "with_interval"]
