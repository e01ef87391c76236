"""Studies whose truth is known."""

import dataclasses

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names

DATA_SETS, METHODS, METRICS = list(names.DATA_SETS), list(names.STUDY_METHODS), names.STUDY_METRICS


@dataclasses.dataclass
class Planted:
    """Scores are a mean of their setting, plus noise of a model: means [data sets,metrics,methods,strengths]."""

    means: np.ndarray
    noise: np.ndarray  # [metrics,metrics]: how each metric mixes independent normal noises

    def draw(self, seeds: int, rng: np.random.Generator) -> np.ndarray:
        """[data sets,metrics,methods,strengths,seeds]"""
        sizes = self.means.shape
        noise = rng.normal(size=(sizes[0], self.noise.shape[1], *sizes[2:], seeds))
        return self.means[..., None] + np.einsum("mk,dkosr->dmosr", self.noise, noise)

    def study(self, seeds: int, seed: int = 0, metrics=METRICS) -> pd.DataFrame:
        values = self.draw(seeds, np.random.default_rng(seed))
        index = np.indices(values.shape).reshape(values.ndim, -1)
        data_set, metric, method, strength, run = index
        table = pd.DataFrame(
            {
                "data_set": np.array(DATA_SETS)[data_set],
                "method": np.array(METHODS)[method],
                "strength_name": "beta",
                "strength": strength.astype(float),
                "seed": run,
                "representation": "mean",
                "metric": np.array(metrics)[metric],
                "value": values.ravel(),
                "error": None,
            }
        )
        bindings = table[["data_set", "method", "strength", "seed"]].astype(str)
        return table.assign(score=table["metric"], run_id=bindings.agg("/".join, axis=1))


def planted(data_sets=1, metrics=2, methods=6, strengths=6, between=1.0, within=1.0, noise=1.0, seed=0):
    """Means with effects of the method and of its strength of these sizes; noise that metrics share by half."""
    rng = np.random.default_rng(seed)
    shape = data_sets, metrics, methods
    means = between * rng.normal(size=(*shape, 1)) + within * rng.normal(size=(*shape, strengths))
    mixed = np.column_stack([np.ones(metrics), np.eye(metrics)]) / np.sqrt(2)
    return Planted(means, noise * mixed)


def shares(truth: Planted, data_set: int = 0, metric: int = 0) -> tuple[float, float]:
    """Of the variance of a score: the method's share, and with the strength's. By algebra."""
    means, noise = truth.means[data_set, metric], (truth.noise[metric] ** 2).sum()
    total = means.var() + noise
    return means.mean(axis=1).var() / total, means.var() / total
