"""When a direction holds, by its interval."""

import numpy as np
import pytest

from disentanglement_study.analysis.tables.verdict import beyond


@pytest.mark.parametrize(
    ("low", "high", "above", "below"),
    [
        (0.51, 0.9, "yes", "no"),
        (0.1, 0.49, "no", "yes"),
        (0.4, 0.6, "not enough data", "not enough data"),
        (0.5, 0.6, "not enough data", "not enough data"),
        (0.4, 0.5, "not enough data", "not enough data"),
        (np.nan, np.nan, "not enough data", "not enough data"),
    ],
)
def test_only_an_interval_on_one_side_of_the_threshold_decides(low, high, above, below):
    assert beyond(0.5, low, high)[0] == above
    assert beyond(0.5, low, high, above=False)[0] == below


def test_why_it_is_not_known_is_said():
    assert beyond(0, -0.25, 0.5) == ("not enough data", "the interval (-0.250 to 0.500) contains 0")
    assert beyond(0, np.nan, np.nan)[1] == "no interval: a setting needs more seeds"
    assert beyond(0, 0.25, 0.5) == ("yes", "")
