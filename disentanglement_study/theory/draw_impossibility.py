"""Two generative models of the same data, and the scores of one representation in each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from disentanglement_study.analysis import names
from disentanglement_study.analysis.figures import style
from disentanglement_study.theory.impossibility import Model, entangle, models

POINTS = "#B0B0B0"
FACTORS = ("#0072B2", "#D55E00")
BARS = {"disentangled": "#4D4D4D", "entangled": "#C4C4C4"}
FORMULAS = {"disentangled": "x = g(z)", "entangled": "x = g(f(z′))"}
LINES = np.arange(1, 10) / 10  # Quantiles of a factor.
ALONG = (1 - np.cos(np.linspace(0.003, np.pi - 0.003, 400))) / 2  # Denser towards the ends, where lines bend.


@style.look()
def impossibility(scores: pd.DataFrame, prior: Sequence[Any], *, n: int = 1000, seed: int = 0) -> Figure:
    """Draw `impossibility.models` of a prior of two factors beside `impossibility.scores` (model, score, value).

    Left and middle: n points of the latents g⁻¹(x) of each model with their histograms, and lines along which one
    factor changes, at the deciles of the other. Right: a bar per score and model.
    """
    if len(prior) != 2:
        raise ValueError(f"the figure shows a prior of 2 factors, got {len(prior)}")
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=[1, 1, 1])
    both = models(prior, n, seed=seed)
    ends = np.array([p.ppf([0, 1]) for p in prior])
    seen = np.where(np.isfinite(ends), ends, [p.ppf([0.001, 0.999]) for p in prior])
    for axis, model in zip(axes, both, strict=False):
        _plane(axis, model, prior, seen)
    _bars(axes[2], scores)
    figure.legend(
        handles=[
            axes[0].plot([], [], color=colour, label=f"only factor {i + 1} changes")[0]
            for i, colour in enumerate(FACTORS)
        ],
        loc="outside lower left",
        ncols=2,
    )
    figure.suptitle(
        "Two models of the same data: a code that is perfect for one mixes the factors of the other",
        x=0.01,
        ha="left",
    )
    return figure


def _plane(axis: Axes, model: Model, prior: Sequence[Any], seen: np.ndarray) -> None:
    """The points of a model in the space of its latents, seen [2,2] from and to, and the lines of its factors."""
    right, up = model.latents.T
    axis.scatter(right, up, s=3, color=POINTS, linewidths=0)
    for changes, colour in enumerate(FACTORS):
        for level in LINES:
            uniform = np.full((len(ALONG), 2), level)
            uniform[:, changes] = ALONG
            line = np.column_stack([p.ppf(column) for p, column in zip(prior, uniform.T, strict=True)])
            axis.plot(*(line if model.name == "disentangled" else entangle(line, prior)).T, color=colour, linewidth=1)
    axis.set(xlim=seen[0], ylim=seen[1], box_aspect=1, xlabel="code 1 of r(x) = g⁻¹(x)", ylabel="code 2")
    axis.grid(visible=False)
    for latent, where in enumerate(((0, 1.02, 1, 0.12), (1.02, 0, 0.12, 1))):
        shared: dict[str, Any] = {"sharey": axis} if latent else {"sharex": axis}
        margin = axis.inset_axes(where, **shared)
        low, high = seen[latent]
        margin.hist(
            model.latents[:, latent], bins=np.linspace(low, high, 21).tolist(), color=POINTS,
            orientation="horizontal" if latent else "vertical",
        )  # fmt: skip
        margin.set_axis_off()
    axis.set_title(f"{model.name.capitalize()}: {FORMULAS[model.name]}", loc="left", pad=40)


def _bars(axis: Axes, scores: pd.DataFrame) -> None:
    """The scores of the representation, a group of two bars each, with their values."""
    table = scores.pivot(index="score", columns="model", values="value")
    table = table.loc[names.in_order(table.index, names.SCORES)]
    for shift, (model, colour) in zip((0.2, -0.2), BARS.items(), strict=True):
        place = np.arange(len(table))[::-1] + shift
        bars = axis.barh(place, table[model], height=0.38, color=colour, label=model)
        axis.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    axis.set_yticks(np.arange(len(table))[::-1], [names.label(name, names.SCORES) for name in table.index])
    axis.set(xlim=(0, 1.18), xticks=np.linspace(0, 1, 6))
    axis.set_title("Scores of r(x) = g⁻¹(x) in each model", loc="left", pad=22)
    axis.grid(visible=False, axis="y")
    axis.tick_params(axis="y", length=0)
    axis.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncols=2, borderaxespad=0)
