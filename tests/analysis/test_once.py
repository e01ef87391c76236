"""What is computed once of results, and when it is computed anew."""

from functools import partial

import pandas as pd
import pytest

from disentanglement_study.analysis import once
from disentanglement_study.analysis.rows import NothingToDraw


class Counted:
    """A table of results that counts how often it is computed."""

    def __init__(self):
        self.calls = []

    def __call__(self, results: pd.DataFrame, representation: str | None = "mean", *, seed: int = 0) -> pd.DataFrame:
        self.calls.append((representation, seed))
        if results.empty:
            raise NothingToDraw("there are no rows")
        return results.assign(representation=representation)


@pytest.fixture
def results():
    return pd.DataFrame({"value": [1.0, 2.0]})


def test_within_each_is_computed_once(results):
    table = Counted()
    with once.within(results):
        first = once.call(table, results)
        assert once.call(table, results) is first
        assert once.call(table, results, representation="mean", seed=0) is first  # the defaults, written out
        assert once.call(partial(table, representation="mean"), results) is first
        other = once.call(partial(table, representation="sampled"), results, seed=1)
    assert table.calls == [("mean", 0), ("sampled", 1)]
    assert set(other["representation"]) == {"sampled"}


def test_nothing_is_kept_outside_or_of_other_results(results):
    table = Counted()
    once.call(table, results)
    once.call(table, results)
    with once.within(results):
        once.call(table, results.copy())
        once.call(table, results)
    with once.within(results):
        once.call(table, results)
    assert len(table.calls) == 5


def test_nested_goes_on_with_what_is_kept(results):
    table, others = Counted(), results.copy()
    with once.within(results):
        once.call(table, results)
        with once.within(results):
            once.call(table, results)
        with once.within(others):
            once.call(table, others)
        once.call(table, results)
    assert len(table.calls) == 2


def test_a_table_that_cannot_be_is_tried_once(results):
    table, empty = Counted(), results[:0]
    with once.within(empty):
        for _ in range(2):
            with pytest.raises(NothingToDraw, match="no rows"):
                once.call(table, empty)
    assert len(table.calls) == 1


def test_an_unknown_option_is_an_error(results):
    with once.within(results), pytest.raises(TypeError, match="sed"):
        once.call(Counted(), results, sed=1)
