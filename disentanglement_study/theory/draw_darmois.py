"""Independent components of the same data that are not its sources."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from disentanglement_study.analysis.figures import style
from disentanglement_study.theory.darmois import SOURCES, example
from disentanglement_study.theory.draw_impossibility import FACTORS, LINES, POINTS

WITHIN = np.linspace(0.01, 0.99, 300)  # Quantiles of the source that changes: the rest crowds the edges.
PANELS = {
    "sources": ("Sources s, as their CDFs", "s₁", "s₂"),
    "observed": ("Observed x", "x₁", "x₂"),
    "solution": ("One solution: y of x", "y₁", "y₂"),
    "turned": ("Another: y of x turned by 45°", "y₁", "y₂"),
}


@style.look()
def darmois(scores: pd.Series, *, n: int = 700, seed: int = 0) -> Figure:
    """Draw `darmois.example`: n points and the lines along which one source changes, at the deciles of the other.

    `scores` has the MCC with the sources, beside each panel's title, by the name of the panel in `example`.
    """
    figure = Figure(figsize=(10.6, 3.7), layout="constrained")
    axes = dict(zip(PANELS, figure.subplots(1, len(PANELS)), strict=True))
    points = example(_at_quantiles(np.random.default_rng(seed).random((n, 2))))
    for name, axis in axes.items():
        axis.scatter(*points[name].T, s=2, color=POINTS, linewidths=0)
    uniform = np.empty((2, len(LINES), len(WITHIN), 2))  # The source that changes, the level of the other.
    for changes in (0, 1):
        uniform[changes, ..., changes], uniform[changes, ..., 1 - changes] = np.meshgrid(WITHIN, LINES)
    lines = example(_at_quantiles(uniform.reshape(-1, 2)))
    for name, axis in axes.items():
        for colour, family in zip(FACTORS, lines[name].reshape(uniform.shape), strict=True):
            axis.plot(*np.moveaxis(family, (2, 1), (0, 1)), color=colour, linewidth=0.8)
    for name, axis in axes.items():
        title, x, y = PANELS[name]
        axis.set_title(f"{title}\nMCC with the sources {scores[name]:.2f}", loc="left")
        axis.set(xlabel=x, box_aspect=1, **({} if name == "observed" else {"xlim": (0, 1), "ylim": (0, 1)}))
        axis.set_ylabel(y, rotation=0, labelpad=6)
        axis.grid(visible=False)
    axes["observed"].set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.5))
    figure.legend(
        handles=[
            axes["sources"].plot([], [], color=colour, label=f"only source {i + 1} changes")[0]
            for i, colour in enumerate(FACTORS)
        ],
        loc="outside lower left",
        ncols=2,
    )
    figure.suptitle(
        "Independence does not find the sources of non-linear ICA: all three squares are uniform and independent",
        x=0.01,
        ha="left",
    )
    return figure


def _at_quantiles(uniform: np.ndarray) -> np.ndarray:
    return np.column_stack([source.ppf(column) for source, column in zip(SOURCES, uniform.T, strict=True)])
