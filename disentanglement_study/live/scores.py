"""How the models that are done score so far, drawn: a plot for each data set, a row for each method.

As in the figures of a study that has ended, each model is a dot, and the line is the median.
"""

from collections.abc import Mapping

import numpy as np

from disentanglement_study.analysis import names
from disentanglement_study.analysis.report.markup import Markup, element
from disentanglement_study.live import axes
from disentanglement_study.runtime.words import counted

WIDTH, ROW = 380, 26
RIGHT, TOP, BOTTOM = 14, 6, 24
LETTER, LONGEST = 7.0, 22  # pixels of a letter, and how many of a method's name there is room for
DOTS = 100  # Of more models only the box is drawn.
BOX_FROM = 5  # A box of fewer models would say no more than they do: they are drawn alone.
HEIGHT = 16  # of a box
GOLDEN = (5**0.5 - 1) / 2


def scores(score: str, found: Mapping[tuple[str, str], np.ndarray]) -> Markup:
    """The plots of a score of each data set and method."""
    data_sets = names.in_order({data_set for data_set, _ in found}, names.DATA_SETS)
    return element(
        "div", *(_plot(score, data_set, _of(data_set, found)) for data_set in data_sets), class_="plots wide"
    )


def _of(data_set: str, found: Mapping[tuple[str, str], np.ndarray]) -> dict[str, np.ndarray]:
    methods = names.in_order({method for one, method in found if one == data_set}, names.METHODS)
    return {method: found[data_set, method] for method in methods}


def _plot(score: str, data_set: str, methods: Mapping[str, np.ndarray]) -> Markup:
    height = TOP + ROW * len(methods) + BOTTOM
    every = np.concatenate([*methods.values()])
    labels = [names.label(method, names.METHODS) for method in methods]
    left = 14 + LETTER * min(max(map(len, labels)), LONGEST)
    x = axes.spanning(float(every.min()), float(every.max()), left + 8, WIDTH - RIGHT)
    bottom, parts, words = height - BOTTOM, [], []
    for value in axes.ticks(x, 6):
        parts.append(axes.line(x.at(value), TOP, x.at(value), bottom, "grid"))
        parts.append(axes.text(x.at(value), bottom + 16, axes.short(value)))
    for place, (label, values) in enumerate(zip(labels, methods.values(), strict=True)):
        y = TOP + ROW * (place + 0.5)
        shown = label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
        parts.append(axes.text(left - 6, y + 4, shown, "end"))
        parts.append(_row(x, y, label, values))
        words.append(f"{label}: median {axes.short(np.median(values))} of {len(values):,}")
    label = f"{names.label(score, names.SCORES)} on {names.label(data_set, names.DATA_SETS)}"
    view = f"0 0 {WIDTH} {height}"
    drawn = element("svg", *parts, viewBox=view, role="img", aria_label=f"{label}. {'; '.join(words)}")
    return element("figure", element("figcaption", label), drawn)


def _row(x: axes.Axis, y: float, label: str, values: np.ndarray) -> Markup:
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    words, parts = f"{label}: median {axes.short(median)}, ", []
    if len(values) < BOX_FROM:
        words += f"of {counted(len(values), 'model')}: {', '.join(map(axes.short, np.sort(values)))}"
    else:
        words += f"the middle half of {len(values):,} models from {axes.short(low)} to {axes.short(high)}"
        wide = f"{max(x.at(high) - x.at(low), 1):.1f}"
        box = {"x": f"{x.at(low):.1f}", "y": f"{y - HEIGHT / 2:.1f}", "width": wide, "height": f"{HEIGHT}"}
        parts.append(element("rect", **box, class_="box"))
    # Spread as in the figures: evenly, so that models of the same score are not in one place.
    for place, value in enumerate(np.sort(values) if len(values) <= DOTS else ()):
        at = y + ((place * GOLDEN + 0.5) % 1 - 0.5) * 0.6 * HEIGHT
        parts.append(element("circle", cx=f"{x.at(value):.1f}", cy=f"{at:.1f}", r="3", class_="dot"))
    parts.append(axes.line(x.at(median), y - 9, x.at(median), y + 9, "median"))
    return element("g", element("title", words), *parts)
