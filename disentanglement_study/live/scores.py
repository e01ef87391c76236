"""How the models that are done score so far, drawn: a plot for each data set, a row for each method."""

from collections.abc import Mapping

import numpy as np

from disentanglement_study.analysis import names
from disentanglement_study.analysis.report.markup import Markup, element
from disentanglement_study.live import axes

WIDTH, ROW = 380, 26
RIGHT, TOP, BOTTOM = 14, 6, 24
LETTER, LONGEST = 7.0, 22  # pixels of a letter, and how many of a method's name there is room for
DOTS = 100  # Of more models only the box is drawn.


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
    words = f"{label}: median {axes.short(median)}, half of {len(values):,} models from {axes.short(low)} to "
    parts = [element("title", f"{words}{axes.short(high)}")]
    box = {"x": f"{x.at(low):.1f}", "y": f"{y - 8:.1f}", "width": f"{max(x.at(high) - x.at(low), 1):.1f}"}
    parts.append(element("rect", **box, height="16", class_="box"))
    for value in values if len(values) <= DOTS else ():
        parts.append(element("circle", cx=f"{x.at(value):.1f}", cy=f"{y:.1f}", r="3", class_="dot"))
    parts.append(axes.line(x.at(median), y - 9, x.at(median), y + 9, "median"))
    return element("g", *parts)
