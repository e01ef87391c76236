"""Axes of small drawings in SVG: round numbers, and where a value is."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from disentanglement_study.analysis.report.markup import Markup, element


class Axis(NamedTuple):
    """From the values [low, high] to the pixels [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def spanning(low: float, high: float, start: float, end: float) -> Axis:
    """An axis of these values; of one value alone there is some room on both sides."""
    if not high > low or not math.isfinite(high - low):
        room = abs(low) / 10 or 1.0
        low, high = low - room, low + room
    return Axis(low, high, start, end)


def ticks(axis: Axis, most: int) -> list[float]:
    """Round numbers on an axis, at most so many steps apart."""
    span = axis.high - axis.low
    size = 10.0 ** math.floor(math.log10(span / most))
    step = next(size * factor for factor in (1, 2, 5, 10, 20) if span / (size * factor) <= most)
    first, last = math.ceil(axis.low / step - 1e-9), math.floor(axis.high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def short(value: float) -> str:
    """A number as short as can be: "0.25", "1,500", "20k", "1.5M"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.4g}{unit}" if abs(value) < 1e15 else f"{value:.2g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    ends = {name: f"{value:.1f}" for name, value in (("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2))}
    return element("line", **ends, class_=class_)


def text(x: float, y: float, shown: str, anchor: str = "middle", class_: str = "") -> Markup:
    return element("text", shown, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, class_=class_)


def path(points: Iterable[tuple[float, float] | None]) -> str:
    """The "d" of lines through points, broken where there is none; one alone is a dot of a round line."""
    parts, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        parts.append(f"{pen}{point[0]:.1f} {point[1]:.1f}")
        if pen == "M":
            parts.append("h0")
        pen = "L"
    return "".join(parts)


def limits(values: np.ndarray) -> tuple[float, float, bool]:
    """What an axis shows of finite values, and whether some are cut off: few that are far away hide no others."""
    low, high = float(values.min()), float(values.max())
    first, tenth, last = (float(one) for one in np.quantile(values, [0.1, 0.5, 0.9]))
    room = 2 * max(last - first, abs(tenth) * 1e-3)
    shown = max(low, first - room), min(high, last + room)
    return *shown, shown != (low, high)
