"""Large reproducibility studies of disentangled representations: sweeps, populations, metrics, tables and figures."""

__version__ = "0.1.0"
