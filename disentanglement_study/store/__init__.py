"""A study's directory."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disentanglement_study.store.store import Store, open

__all__ = ["Store", "open"]


def __getattr__(name: str) -> Any:
    """`Store` and `open`, which need pandas and Arrow: half a second that `--help` does without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from disentanglement_study.store import store

    return getattr(store, name)
