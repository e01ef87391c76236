"""Many scores beside each other: a density where there are enough, else each of them."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from disentanglement_study.analysis.figures import layout

# A density of fewer scores would be mostly bandwidth: they are shown one by one.
VIOLIN_FROM = 20
GOLDEN = (np.sqrt(5) - 1) / 2
POINTS = 60


class Group(NamedTuple):
    """The scores of a group, where it is drawn, and how."""

    values: np.ndarray
    place: float
    colour: str
    marker: str


def draw(axis: Axes, groups: list[Group], width: float, *, upright: bool, violins: bool, size: float = 2.5) -> None:
    """Each group as a violin, or a dot for each score, of a width along the axis of places; a bar is the median."""
    groups = [group for group in groups if len(group.values)]
    if not groups:
        return layout.nothing(axis)
    if violins:
        outlines = [_outline(group, width) for group in groups]
        colours = [group.colour for group in groups]
        shapes = [outline[:, ::-1] if upright else outline for outline in outlines]
        axis.add_collection(PolyCollection(shapes, facecolors=colours, edgecolors=colours, alpha=0.75, linewidths=0.3))
        axis.autoscale_view()
    else:
        for group in groups:
            # Spread by the golden ratio: even, without a random generator, and no two on one line.
            places = group.place + (np.arange(len(group.values)) * GOLDEN % 1 - 0.5) * 0.6 * width
            x, y = (places, np.sort(group.values)) if upright else (np.sort(group.values), places)
            axis.plot(x, y, group.marker, color=group.colour, markersize=size, markeredgewidth=0, zorder=3)
    places = np.array([group.place for group in groups])
    medians = [np.median(group.values) for group in groups]
    bars = axis.hlines if upright else axis.vlines
    bars(medians, places - 0.42 * width, places + 0.42 * width, color="black", linewidth=0.9, zorder=4)


def _outline(group: Group, width: float) -> np.ndarray:
    """The polygon (score, place) of a Gaussian kernel density, by Scott's rule, between the extremes."""
    values = group.values
    x = np.linspace(values.min(), values.max(), POINTS)
    bandwidth = values.std(ddof=1) * len(values) ** -0.2
    distance = np.divide(x[:, None] - values, bandwidth, out=np.zeros((POINTS, len(values))), where=bandwidth > 0)
    density = np.exp(-0.5 * distance**2).sum(axis=1)
    half = density / density.max() * width / 2
    return np.column_stack([np.concatenate([x, x[::-1]]), group.place + np.concatenate([half, -half[::-1]])])
