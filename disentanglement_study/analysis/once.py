"""What several tables, figures and pages need of the same results is computed once.

    with once.within(results):
        once.call(variance_explained, results)  # computes it
        once.call(variance_explained, results)  # returns the same table

Outside of `within`, `call` is a plain call: results that may be changed in between are never kept.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import pandas as pd

from disentanglement_study.analysis.rows import NothingToDraw

_kept: ContextVar[tuple[pd.DataFrame, dict] | None] = ContextVar("kept", default=None)


@contextmanager
def within(results: pd.DataFrame) -> Iterator[None]:
    """Inside, `call` keeps what it computes of these very results, which must not be changed. Nested, it goes on."""
    if (kept := _kept.get()) is not None and kept[0] is results:
        yield
        return
    token = _kept.set((results, {}))
    try:
        yield
    finally:
        _kept.reset(token)


def call(function: Callable, results: pd.DataFrame, **options: Any) -> Any:
    """function(results, **options), or what it returned, or the NothingToDraw it raised, the first time.

    What is returned is shared: do not change it in place.
    """
    while isinstance(function, partial):
        options = function.keywords | options
        function = function.func
    kept = _kept.get()
    if kept is None or kept[0] is not results:
        return function(results, **options)
    given = inspect.signature(function).bind(None, **options)
    given.apply_defaults()
    key = (function, *given.arguments.items())
    if key not in kept[1]:
        try:
            kept[1][key] = function(results, **options)
        except NothingToDraw as reason:
            kept[1][key] = reason
    found = kept[1][key]
    if isinstance(found, NothingToDraw):
        raise found
    return found
