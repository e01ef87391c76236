"""The losses of a running job, drawn: a small plot for each term, a line for each of `Losses.lines`."""

from collections.abc import Mapping

import numpy as np

from disentanglement_study.analysis import names
from disentanglement_study.analysis.report.markup import Markup, element
from disentanglement_study.live import axes
from disentanglement_study.store.losses_so_far import Line, Losses, Term

WIDTH, HEIGHT = 340, 180
LEFT, RIGHT, TOP, BOTTOM = 48, 10, 8, 36
FIRST = ("loss", "reconstruction_loss", "kl_loss")
# From weak to strong; each can be seen on white and on black.
COLOURS = ("#3f6fd1", "#0f8f9c", "#2f9a55", "#a8860b", "#cf6a17", "#d2405f")
IN_NATS = ("loss", "likelihood", "correlation")


def curves(losses: Losses) -> Markup:
    """The plots of all terms, and which line is which."""
    if not losses.steps:
        return Markup("")
    terms = names.in_order(losses.terms, FIRST)
    lines, shared = _apart(losses.lines)
    colours = _colours(lines)
    plots = [_plot(name, losses.steps, lines, losses.terms[name], colours) for name in terms]
    return Markup(element("div", *filter(None, plots), class_="plots") + _legend(lines, colours, shared))


def setting(hyper: Mapping[str, float]) -> str:
    """ "β = 4", or "all" of models that have nothing in common."""
    return ", ".join(names.strength(name, value) for name, value in hyper.items()) or "all"


def _apart(lines: list[Line]) -> tuple[list[Line], dict[str, float]]:
    """The lines with that by which they differ, and what all of them have; with all of it if they do not differ."""
    shared = dict(set.intersection(*(set(line.hyper.items()) for line in lines))) if lines else {}
    own = [{name: value for name, value in line.hyper.items() if name not in shared} for line in lines]
    if not any(own):
        return lines, {}
    in_order = {name: value for name, value in lines[0].hyper.items() if name in shared}
    return [line._replace(hyper=hyper) for line, hyper in zip(lines, own, strict=True)], in_order


def _plot(name: str, steps: list[int], lines: list[Line], term: Term, colours: list[str]) -> Markup | None:
    numbers = np.array([one for table in term for row in table for one in row if one is not None], float)
    if not len(numbers):
        return None
    low, high, cut = axes.limits(numbers)
    x = axes.spanning(0, steps[-1], LEFT, WIDTH - RIGHT)
    y = axes.spanning(low, high, HEIGHT - BOTTOM, TOP)
    label = names.label(name, names.SCORES)
    label = label[:1].upper() + label[1:]
    unit = ", nats" if name.endswith(IN_NATS) else ""
    drawn = [_grid(x, y)]
    inside = []
    for place, line in enumerate(lines):
        if line.models > 1:
            inside.append(_band(x, y, steps, term.low[place], term.high[place], colours[place]))
    for place, line in enumerate(lines):
        inside.append(_line(x, y, steps, term.middle[place], line, colours[place]))
    box = {"x": "0", "y": str(TOP), "width": str(WIDTH), "height": str(HEIGHT - TOP - BOTTOM)}
    view = f"0 {TOP} {WIDTH} {HEIGHT - TOP - BOTTOM}"
    drawn.append(element("svg", *inside, **box, viewBox=view))  # what is within it is cut at its edges
    drawn.append(axes.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "step"))
    shown = element(
        "svg", *drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=_in_words(label, steps, lines, term)
    )
    caption = [f"{label}{unit}"] + [element("small", "some values are cut off")] * cut
    return element("figure", element("figcaption", *caption), shown)


def _grid(x: axes.Axis, y: axes.Axis) -> Markup:
    parts = []
    for value in axes.ticks(y, 5):
        parts.append(axes.line(LEFT, y.at(value), WIDTH - RIGHT, y.at(value), "grid"))
        parts.append(axes.text(LEFT - 6, y.at(value) + 4, axes.short(value), "end"))
    for value in axes.ticks(x, 5):
        parts.append(axes.line(x.at(value), y.start, x.at(value), y.start + 4, "axis"))
        parts.append(axes.text(x.at(value), y.start + 17, axes.short(value)))
    parts.append(axes.line(LEFT, y.start, WIDTH - RIGHT, y.start, "axis"))
    return Markup("".join(parts))


def _line(x: axes.Axis, y: axes.Axis, steps: list[int], values: list, line: Line, colour: str) -> Markup:
    points = [None if v is None else (x.at(step), y.at(v)) for step, v in zip(steps, values, strict=True)]
    there = [(step, value) for step, value in zip(steps, values, strict=True) if value is not None]
    last = f": {axes.short(there[-1][1])} at step {there[-1][0]:,}" if there else ""
    title = element("title", f"{_named(line)}{last}")
    return element(
        "path", title, d=axes.path(points), class_="curve" if line.models > 1 else "curve thin", stroke=colour
    )


def _band(x: axes.Axis, y: axes.Axis, steps: list[int], low: list, high: list, colour: str) -> Markup:
    there = [(x.at(s), y.at(a), y.at(b)) for s, a, b in zip(steps, low, high, strict=True) if None not in (a, b)]
    around = [(at, bottom) for at, bottom, _ in there] + [(at, top) for at, _, top in reversed(there)]
    return element("path", d=axes.path(around), class_="band", fill=colour)


def _colours(lines: list[Line]) -> list[str]:
    """Of each line: models that differ by their seed alone have the same."""
    settings = list(dict.fromkeys(setting(line.hyper) for line in lines))
    most = max(len(settings) - 1, 1)
    of = {one: COLOURS[round(place * (len(COLOURS) - 1) / most)] for place, one in enumerate(settings)}
    return [of[setting(line.hyper)] for line in lines]


def _legend(lines: list[Line], colours: list[str], shared: Mapping[str, float]) -> Markup:
    shown: dict[str, tuple[int, int, str]] = {}
    for line, colour in zip(lines, colours, strict=True):
        models, diverged, _ = shown.get(setting(line.hyper), (0, 0, colour))
        shown[setting(line.hyper)] = models + line.models, diverged + line.diverged, colour
    items = []
    for name, (models, diverged, colour) in shown.items():
        swatch = element("svg", axes.line(0, 5, 18, 5, "curve"), viewBox="0 0 18 10", stroke=colour, aria_hidden="true")
        text = f"{name}: {models:,} model{'s' * (models > 1)}"
        bad = [element("strong", f", {diverged:,} diverged", class_="bad")] * (diverged > 0)
        items.append(element("li", swatch, text, *bad))
    several = any(line.models > 1 for line in lines)
    what = "Lines are medians; bands span the 10th to the 90th percentile." if several else "Each line is a model."
    what += f" All models have {setting(shared)}." if shared else ""
    return Markup(element("ul", *items, class_="legend") + element("p", what, class_="note"))


def _named(line: Line) -> str:
    return setting(line.hyper) + (f", seed {line.seed}" if line.seed is not None else f", {line.models:,} models")


def _in_words(label: str, steps: list[int], lines: list[Line], term: Term) -> str:
    """What the plot shows, for who does not see it."""
    ends = []
    for place, line in enumerate(lines):
        there = [value for value in term.middle[place] if value is not None]
        if there:
            ends.append(f"{_named(line)}: from {axes.short(there[0])} to {axes.short(there[-1])}")
    return f"{label} up to step {steps[-1]:,}. {'; '.join(ends)}"
