"""A study's directory."""

from disentanglement_study.store.store import Store, open

__all__ = ["Store", "open"]
