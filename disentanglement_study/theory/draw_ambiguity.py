"""What each assumption says against variables that are not the sources."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from disentanglement_study.analysis.figures import style
from disentanglement_study.theory import ambiguity
from disentanglement_study.theory.draw_impossibility import FACTORS, LINES, POINTS

TITLES = {"turned": "z = s, turned (linear)", "swirled": "z = s, swirled (not linear)"}
# What is not identified: its title, and the assumption and family.
FAILURES = {
    "Gaussian sources, turned by 45°": ("Gaussian", "turned"),
    "Gaussian sources, swirled by 135°": ("Gaussian", "swirled"),
    "Laplace sources, turned by 45°": ("Laplace", "turned"),
    "Laplace sources, swirled by 135°": ("Laplace", "swirled"),
}
COLOURS = ("#7F7F7F", "#E69F00", "#000000", "#0072B2", "#CC79A7", "#009E73", "#D55E00")


@style.look()
def ambiguity_curves(table: pd.DataFrame) -> Figure:
    """Draw `gaps`: the gap (y, nats) by angle (x, its share of the largest), a line for each assumption."""
    figure = Figure(figsize=(7.0, 2.9), layout="constrained")
    axes = figure.subplots(1, len(TITLES), sharey=True)
    for axis, (family, title) in zip(axes, TITLES.items(), strict=True):
        for colour, assumption in zip(COLOURS, ambiguity.ASSUMPTIONS, strict=True):
            own = table[(table["family"] == family) & (table["assumption"] == assumption.name)]
            label = ": ".join(filter(None, [assumption.name, assumption.methods]))
            axis.plot(own["share"], own["gap"], color=colour, label=label, marker=".", markersize=2)
        axis.set_title(title, loc="left")
        axis.set_xlabel(f"angle, of {np.degrees(ambiguity.LARGEST[family]):.0f}°")
    axes[0].set_ylabel("nats by which a point tells z from s")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return figure


def gaps(shares: np.ndarray, n: int = 20_000) -> pd.DataFrame:
    """assumption, family, share of the largest angle, gap: of all assumptions and families."""
    rows = [
        (assumption.name, name, share, ambiguity.gap(assumption, family, share * ambiguity.LARGEST[name], n))
        for assumption in ambiguity.ASSUMPTIONS
        for name, family in ambiguity.families(assumption).items()
        for share in shares
    ]
    return pd.DataFrame(rows, columns=["assumption", "family", "share", "gap"])


@style.look()
def ambiguity_planes(table: pd.DataFrame, *, n: int = 700, seed: int = 0) -> Figure:
    """Draw z of `FAILURES`: n points, and lines along which one source changes, at the deciles of the other.

    `table` is `failures`, whose numbers are beside each panel's title.
    """
    figure = Figure(figsize=(7.0, 2.5), layout="constrained")
    for axis, (title, (name, family)) in zip(figure.subplots(1, len(FAILURES)), FAILURES.items(), strict=True):
        assumption = next(each for each in ambiguity.ASSUMPTIONS if each.name == name)
        marginal = ambiguity.LAPLACE if name == "Laplace" else stats.norm
        g, angle = ambiguity.families(assumption)[family], ambiguity.LARGEST[family]
        axis.scatter(*g(assumption.draw(np.random.default_rng(seed), n), angle)[0].T, s=1, color=POINTS, linewidths=0)
        for changes, colour in enumerate(FACTORS):
            for level in LINES:
                uniform = np.full((300, 2), level)
                uniform[:, changes] = np.linspace(0.01, 0.99, 300)
                axis.plot(*g(marginal.ppf(uniform), angle)[0].T, color=colour, linewidth=0.6)
        numbers = table.loc[title]
        same = "another density" if numbers["change"] > 1e-9 else "the same density"
        said = f"MCC {numbers['mcc']:.2f}, kernel test p = {numbers['p']:.2f}"
        axis.set_title("\n".join([*title.split(", "), same, *said.split(", ")]), loc="left")
        axis.set(xlim=(-3, 3), ylim=(-3, 3), box_aspect=1, xlabel="z₁", ylabel="z₂")
        axis.grid(visible=False)
    return figure


def failures() -> pd.DataFrame:
    """`ambiguity.same` of what is drawn, by its title."""
    of = {assumption.name: assumption for assumption in ambiguity.ASSUMPTIONS}
    return pd.DataFrame(
        {
            title: ambiguity.same(of[name], ambiguity.families(of[name])[family], ambiguity.LARGEST[family])
            for title, (name, family) in FAILURES.items()
        }
    ).T
