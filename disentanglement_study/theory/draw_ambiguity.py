"""What each assumption says against variables that are not the sources."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from disentanglement_study.analysis.figures import style
from disentanglement_study.theory import ambiguity

TITLES = {"turned": "z = s, turned (linear)", "swirled": "z = s, swirled (not linear)"}
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
