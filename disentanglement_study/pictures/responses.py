"""How the latents of a model respond to the factors: mean activations, as beta-VAE's Figure 7 has them.

Higgins et al. 2017, "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework", ICLR. A row
for each latent, the most informative first: its mean code at each position, then against the values of every other
factor, a line for each shape, and at the end how much it says and the variance of its posterior.
"""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from disentanglement_study.analysis import names
from disentanglement_study.analysis.figures import style
from disentanglement_study.pictures import traverse
from disentanglement_study.pictures.trained import Model
from disentanglement_study.types import DataSet

MOST_LATENTS = 10
MOST_PANELS = 8  # of one factor
POSITION = ("position_x", "position_y")
SPLITS = ("shape", "object_shape", "object_type", "category")  # what lines are of: the first that a set has
COLOURS = tuple(style.COLOURS.values())  # of a split's values, as many at most
# Their values have no order: points without a line.
NOMINAL = (*SPLITS, "object", "color", "colour", "label")
SPRITES = ("square", "ellipse", "heart")
MAP = "RdBu_r"
SQUARE, PANEL, BAR = 0.72, 1.15, 0.62  # inches
CHARACTERS = 17  # of a title, in an inch
FEW = 12  # values of a factor, that are marked one by one


class Response(NamedTuple):
    """Mean codes [K,A,B] of K latents at A values of a factor and B of another one, and of how many images [A,B].

    NaN where no image is. `factors` are the names of the two; B is 1 where there is one, and the second name "".
    """

    factors: tuple[str, str]
    mean: Float[np.ndarray, "k a b"]
    n: Int[np.ndarray, "a b"]


class Panels(NamedTuple):
    """The factors of a data set that are drawn: whether there is a map of positions, the factor that lines are of
    ("": none), and the other factors."""

    has_map: bool
    split: str
    others: tuple[str, ...]


def panels(data_set: DataSet) -> Panels:
    """Which factors of the data set stand where."""
    sizes = dict(zip(data_set.factor_names, data_set.factor_sizes, strict=True))
    has_map = all(name in sizes for name in POSITION)
    split = next((name for name in SPLITS if sizes.get(name, len(COLOURS) + 1) <= len(COLOURS)), "")
    taken = (*(POSITION if has_map else ()), split)
    return Panels(has_map, split, tuple(name for name in sizes if name not in taken))


def respond(
    codes: Float[np.ndarray, "n k"], data_set: DataSet, index: Int[np.ndarray, " n"], first: str, second: str = ""
) -> Response:
    """The mean of the codes of the images `index` at each value of one factor, or of each pair of values of two."""
    columns = [data_set.factor_names.index(name) for name in (first, second) if name]
    shape = tuple(data_set.factor_sizes[column] for column in columns) + (1,) * (2 - len(columns))
    values = data_set.factors(index)[:, columns].T
    cells = np.ravel_multi_index(tuple(values), shape[: len(columns)])
    n = np.bincount(cells, minlength=shape[0] * shape[1])
    total = np.stack([np.bincount(cells, weights=code, minlength=len(n)) for code in codes.T])
    mean = np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
    return Response((first, second), mean.reshape(-1, *shape), n.reshape(shape))


def responses(model: Model, data_set: DataSet, index: Int[np.ndarray, " n"]) -> style.StudyFigure:
    """The figure of a model whose codes are those of the images `index`; `numbers` has what is drawn, a row for each
    mean (see `table`)."""
    latents = model.order[:MOST_LATENTS]
    codes, drawn = model.mean[:, latents], panels(data_set)
    found = [respond(codes, data_set, index, *POSITION)] if drawn.has_map else []
    found += [respond(codes, data_set, index, name, drawn.split) for name in drawn.others]
    if drawn.split and not drawn.others:
        found.append(respond(codes, data_set, index, drawn.split))
    called = _called(data_set, drawn.split) if drawn.others else []
    figure = draw(model, latents, found, called, _title(model, data_set, len(index)))
    figure.numbers = table(model, latents, found, drawn.split)
    return figure


def table(model: Model, latents: Int[np.ndarray, " k"], found: Sequence[Response], split: str) -> pd.DataFrame:
    """The means, a row each: latent; kl (nats), or std where there is no posterior; posterior_variance, empty there;
    factor and value; of positions the second factor and its value; shape, the value of the factor that lines are of;
    mean_activation; n, the images that it is the mean of. Values are places on the data set's grid, from 0."""
    variance = traverse.posterior_variance(model)
    parts = []
    for factors, mean, n in found:
        k, a, b = np.nonzero(np.broadcast_to(n > 0, mean.shape))
        absent = pd.array([pd.NA] * len(b), dtype="Int64")
        is_split = factors[1] == split != ""
        parts.append(
            pd.DataFrame(
                {
                    "latent": latents[k],
                    "std" if model.logvar is None else "kl": model.weight[latents[k]],
                    "posterior_variance": np.nan if variance is None else variance[latents[k]],
                    "factor": factors[0],
                    "value": a,
                    "second_factor": "" if is_split else factors[1],
                    "second_value": absent if is_split or not factors[1] else pd.array(b, dtype="Int64"),
                    "shape": pd.array(b, dtype="Int64") if is_split else absent,
                    "mean_activation": mean[k, a, b],
                    "n": n[a, b],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@style.look()
def draw(
    model: Model, latents: Int[np.ndarray, " k"], found: Sequence[Response], called: Sequence[str], title: str
) -> style.StudyFigure:
    """Rows: latents. Columns: what was found, and bars of the weight and the posterior variance.

    called: the names of the values that lines are of. All colours and lines have one scale.
    """
    maps = [one for one in found if one.factors == POSITION]
    lines = [one for one in found if one.factors != POSITION][:MOST_PANELS]
    variance = traverse.posterior_variance(model)
    bars = [("KL (nats)" if variance is not None else "std", model.weight)]
    bars += [] if variance is None else [("posterior\nvariance", variance)]
    widths = [SQUARE] * len(maps) + [PANEL] * len(lines) + [BAR] * len(bars)
    width = max(sum(widths) + 0.6, 3.6)
    text = "\n".join(line for part in title.splitlines() for line in textwrap.wrap(part, int(width * CHARACTERS)))
    height = SQUARE * len(latents) + 0.17 * (text.count("\n") + 1) + 0.75
    figure = style.StudyFigure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(len(latents), len(widths), squeeze=False, width_ratios=widths)
    scale = _scale([one.mean for one in [*maps, *lines]])
    for row, latent in enumerate(latents):
        left, *_ = axes[row]
        for axis, one in zip(axes[row], [*maps, *lines], strict=False):
            if one.factors == POSITION:
                _draw_map(axis, one.mean[row], scale)
            else:
                _draw_lines(axis, one, row, scale)
            axis.tick_params(labelbottom=row == len(latents) - 1, labelleft=axis is axes[row, len(maps)])
        for axis, (_, values) in zip(axes[row, len(maps) + len(lines) :], bars, strict=True):
            _draw_bar(axis, values[latent], values[latents].max())
        left.set_ylabel(f"z{latent}", rotation=0, ha="right", va="center", fontsize=style.TITLE)
    heads = ["position"] * len(maps) + [one.factors[0].replace("_", " ") for one in lines] + [name for name, _ in bars]
    for axis, head in zip(axes[0], heads, strict=True):
        axis.set_title(head)
    if maps:
        colours = ScalarMappable(Normalize(*scale), MAP)
        bar = figure.colorbar(colours, ax=axes[:, 0], location="bottom", aspect=8, pad=0.01, shrink=0.95)
        bar.outline.set_linewidth(0.5)
        bar.ax.set_xlabel("mean code")
        bar.ax.locator_params(nbins=2)
    if called:
        handles = axes[0, len(maps)].get_lines()
        figure.legend(handles, called, loc="outside lower right", ncols=len(called))
    figure.suptitle(text, x=0.01, ha="left")
    return figure


def _draw_map(axis: Axes, mean: Float[np.ndarray, "a b"], scale: tuple[float, float]) -> None:
    """Mean codes at positions (x, y), laid out as the images are."""
    axis.set_facecolor(style.MISSING)
    axis.imshow(mean.T, cmap=MAP, vmin=scale[0], vmax=scale[1], interpolation="nearest", rasterized=True)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.grid(visible=False)


def _draw_lines(axis: Axes, one: Response, row: int, scale: tuple[float, float]) -> None:
    """Mean codes against the values of a factor, a line for each of the split."""
    _, values, shapes = one.mean.shape
    is_split = shapes > 1
    for shape in range(shapes):
        axis.plot(
            np.arange(values),
            one.mean[row, :, shape],
            color=COLOURS[shape] if is_split else "black",
            linestyle="none" if one.factors[0] in NOMINAL else "-",
            marker=style.MARKERS[shape] if values <= FEW or one.factors[0] in NOMINAL else "none",
            markersize=2.2,
        )
    margin = 0.06 * (scale[1] - scale[0])
    axis.set(ylim=(scale[0] - margin, scale[1] + margin))
    axis.locator_params(axis="x", nbins=4, integer=True)
    axis.locator_params(axis="y", nbins=3)


def _draw_bar(axis: Axes, value: float, most: float) -> None:
    axis.barh([0], [value], height=0.3, color=style.NEXT_COLOURS[2], align="center")
    axis.text(0, 0.22, f"{value:.2f}", va="bottom", ha="left")
    axis.set(xlim=(0, most if most > 0 else 1), ylim=(-1, 1), xticks=[], yticks=[])
    axis.spines[["bottom"]].set_visible(False)


def _scale(means: Sequence[Float[np.ndarray, "_ _ _"]]) -> tuple[float, float]:
    """The least and the greatest mean; as far on both sides of 0, if they are on both."""
    low, high = min(np.nanmin(mean) for mean in means), max(np.nanmax(mean) for mean in means)
    if low < 0 < high:
        high = max(-low, high)
        low = -high
    return (float(low), float(high)) if high > low else (float(low) - 1, float(low) + 1)


def _called(data_set: DataSet, split: str) -> list[str]:
    """What the values of the factor are called in the legend: sprites by their shapes, others by their places."""
    if not split:
        return []
    size = data_set.factor_sizes[data_set.factor_names.index(split)]
    if split == "shape" and "dsprites" in data_set.name and data_set.name in names.DATA_SETS:
        return list(SPRITES)
    return [f"{split.replace('_', ' ')} {value}" for value in range(size)]


def _title(model: Model, data_set: DataSet, number: int) -> str:
    latents, left_out = model.mean.shape[1], len(panels(data_set).others) - MOST_PANELS
    shown = min(latents, MOST_LATENTS)
    which = f"{latents} latents" if shown == latents else f"{shown} of {latents} latents ({latents - shown} left out)"
    first = "KL from the prior" if model.logvar is not None else "standard deviation"
    said = f"Mean codes of {number:,} images: {which}, most {first} first"
    more = f"; {left_out} more factors are not drawn" if left_out > 0 else ""
    return f"{model.run.run_id}: {model.run}\n{said}{more}"
