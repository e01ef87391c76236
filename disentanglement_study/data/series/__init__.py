"""Mixtures of independent sources, which are computed and not kept: the data of non-linear ICA."""
