"""What methods make of mixed sources: sources, mixture and codes as points, for models on the same data."""

import json
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.colors import LinearSegmentedColormap
from scipy.optimize import linear_sum_assignment

from disentanglement_study.analysis import names
from disentanglement_study.analysis.figures import style
from disentanglement_study.methods import METHODS
from disentanglement_study.methods.kinds import TARGETS
from disentanglement_study.pictures import chosen, trained
from disentanglement_study.pictures.trained import Begins, quietly
from disentanglement_study.runtime import compilation, files
from disentanglement_study.store import Store
from disentanglement_study.types import DataSet, Run

POINTS = 3000
MOST_MODELS = 6  # side by side: their names have room
# A cycle of directions: Okabe and Ito's colours that are seen on white (style.COLOURS).
CYCLE = LinearSegmentedColormap.from_list(
    "directions", ["#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#0072B2"]
)
CHARACTERS = {"figure": 16, "column": 18}  # of a title, in an inch


class Unmixed(NamedTuple):
    """A model's codes, one for each source: in their order, of variance 1 and the sign of the correlation.

    codes [n,S], NaN for a source without a code; correlations [S], absolute; target: what of the source they are
    held against, a name out of `TARGETS`.
    """

    label: str
    codes: Float[np.ndarray, "n s"]
    correlations: Float[np.ndarray, " s"]
    target: str


def unmix(
    root: Path,
    run_ids: Iterable[str] = (),
    where: str | None = None,
    output: Path | None = None,
    seed: int = 0,
    data_dir: Path | None = None,
    begins: Begins = quietly,
) -> list[Path]:
    """Draws models of the study at `root` into the folder `output` (default: `root`/unmixing): PDF, PNG and CSV files.

    A picture for each data set with real-valued sources, `MOST_MODELS` at most in one, with the models that `run_ids`
    (or how they begin) name, or else with the restart of lowest loss of each method, of those for which `where` holds,
    on the first draw of the data, without those that diverged. Raises ValueError for a run that is not known, not done,
    has diverged or is of a data set without such sources, for a condition that leaves none or stands beside `run_ids`,
    and if there is nothing to draw.
    """
    run_ids = tuple(run_ids)
    compilation.use_cache()
    store = Store(root)
    ids = chosen.run_ids(store, run_ids, where)
    worlds: dict[tuple[str, str], list[tuple[Run, np.ndarray]]] = {}
    points: dict[tuple[str, str], tuple] = {}
    for loaded in trained.jobs(store, ids, data_dir, begins):
        data_set, study = loaded.data_set, loaded.study
        if (sources := data_set.sources) is None or not data_set.has_sources:
            if run_ids:
                raise ValueError(
                    f"run {loaded.run_ids[0]}: {data_set.name} has no real-valued sources, so there is nothing to draw "
                    "(`disentanglement-study encode` writes its codes)"
                )
            continue
        world = data_set.name, json.dumps(study.options.get(data_set.name, {}), sort_keys=True)
        if world not in points:  # the same for all models, whatever each is scored on
            index = trained.sample_index(data_set, study, POINTS, seed)
            points[world] = index, sources[index], data_set.images(index), source_names(data_set)
        for model in trained.models(store, loaded, points[world][0], seed, begins):
            if not model.has_diverged:
                worlds.setdefault(world, []).append((model.run, model.mean))
            elif run_ids:
                raise ValueError(f"run {model.run.run_id} has diverged ({model.run}): its codes are not finite")
    if not worlds:
        raise ValueError(
            f"{root} has no model of a data set with real-valued sources, so there is nothing to draw "
            "(`disentanglement-study encode` writes codes)"
        )
    folder = files.named(output) if output else files.folder(root / "unmixing")
    pictures = [
        (world, models[start : start + MOST_MODELS])
        for world, found in sorted(worlds.items())
        for models in [_unmixed(found, points[world][1])]
        for start in range(0, len(models), MOST_MODELS)
    ]
    written = []
    for number, (world, models) in enumerate(pictures):
        begins("pictures", len(pictures))
        _, sources, observed, called = points[world]
        figure = draw(_title(*world), sources, observed, called, models)
        written += style.save(figure, folder / f"{world[0]}_{number}")
    return written


def source_names(data_set: DataSet) -> list[str]:
    """What the sources are called in a picture: s1, s2, ..., or the names that the data set gives them."""
    return [f"s{place + 1}" if name == f"source_{place}" else name for place, name in enumerate(data_set.factor_names)]


def matched(label: str, sources: Float[np.ndarray, "n s"], codes: Float[np.ndarray, "n d"], target: str) -> Unmixed:
    """The codes as MCC assigns them: one to one, so that the sum of the absolute correlations is largest."""
    truth = TARGETS[target](sources.astype(np.float64))
    columns = [_standardised(one) for one in (truth, codes.astype(np.float64))]
    correlations = columns[0].T @ columns[1] / len(sources)
    of_source, of_code = linear_sum_assignment(np.abs(correlations), maximize=True)
    found, values = np.full(truth.shape, np.nan), np.zeros(truth.shape[1])
    found[:, of_source] = columns[1][:, of_code] * np.where(correlations[of_source, of_code] < 0, -1, 1)
    values[of_source] = np.abs(correlations[of_source, of_code])
    return Unmixed(label, found, values, target)


@style.look()
def draw(
    title: str,
    sources: Float[np.ndarray, "n s"],
    observed: Float[np.ndarray, "n d"],
    called: Sequence[str],
    models: list[Unmixed],
) -> style.StudyFigure:
    """Columns: sources, what is observed, and each model; above the first two of each, below against their source.

    called: the names of the sources. Beside each model's name stands the mean of its correlations with all of them.
    Colour: the direction of the two sources from their medians, so that folds and mixtures are seen.
    """
    pair = sources[:, :2] if sources.shape[1] > 1 else np.repeat(sources, 2, axis=1)
    middle = pair - np.median(pair, axis=0)
    colour = np.arctan2(middle[:, 1], middle[:, 0])
    mixture = matched("Observed", sources, observed, "sources")
    columns = [Unmixed("Sources", _standardised(sources), np.ones(sources.shape[1]), "sources"), mixture, *models]
    shown = min(2, sources.shape[1])
    size = min(1.3, style.WIDTH / len(columns))
    figure = style.StudyFigure(figsize=(max(size * len(columns), 4.0), 1.1 * (1 + shown) + 0.5), layout="constrained")
    axes = figure.subplots(1 + shown, len(columns), squeeze=False)
    points = {called[0]: pair[:, 0], called[min(1, len(called) - 1)]: pair[:, 1]}
    for axis_column, (place, model) in zip(axes.T, enumerate(columns), strict=True):
        above, *below = axis_column
        codes = model.codes[:, :2] if shown == 2 else np.repeat(model.codes, 2, axis=1)
        above.scatter(*codes.T, c=colour, cmap=CYCLE, s=1, linewidths=0, rasterized=True)
        lines = _wrapped(model.label, int(size * CHARACTERS["column"]))
        mean = [f"mean {model.correlations.mean():.2f}"] if place else []
        above.set_title("\n".join([*lines, *mean]), loc="left")
        for source, axis in enumerate(below):
            truth = TARGETS[model.target](sources[:, source])
            axis.scatter(truth, model.codes[:, source], c=colour, cmap=CYCLE, s=1, linewidths=0, rasterized=True)
            name = called[source]
            what = {"sources": name, "abs": f"|{name}|", "square": f"{name}²"}[model.target]
            is_there = np.isfinite(model.codes[:, source]).all()
            said = f"against {what}: {model.correlations[source]:.2f}" if is_there else f"no code for {what}"
            axis.set_title("\n".join(_wrapped(said, int(size * CHARACTERS["column"]))), loc="left")
            if place:
                points[f"{model.label}: {source + 1}"] = model.codes[:, source]
        for axis in axis_column:
            axis.set(xticks=[], yticks=[])
            axis.grid(visible=False)
    above_all = [title, f"Absolute correlations with the sources, and their mean over all {sources.shape[1]}"]
    room = int(figure.get_figwidth() * CHARACTERS["figure"])
    text = "\n".join(line for part in above_all for line in _wrapped(part, room))
    figure.suptitle(text, x=0.01, ha="left")
    figure.numbers = pd.DataFrame(points)
    return figure


def _unmixed(models: list[tuple[Run, np.ndarray]], sources: Float[np.ndarray, "n s"]) -> list[Unmixed]:
    """The models in the order of their methods and settings, their codes matched to the sources."""
    in_order = names.in_order({run.method for run, _ in models}, names.METHODS)

    def place(model: tuple[Run, np.ndarray]) -> tuple:
        run = model[0]
        return in_order.index(run.method), *run.hyper.values(), str(run.settings), run.seed

    models = sorted(models, key=place)
    return [
        matched(label, sources, codes, METHODS[run.method].target)
        for label, (run, codes) in zip(chosen.labels([run for run, _ in models]), models, strict=True)
    ]


def _wrapped(text: str, width: int) -> list[str]:
    """In lines, settings whole."""
    return textwrap.wrap(text.replace(" = ", "="), width, break_long_words=False, break_on_hyphens=False)


def _title(data_set: str, options: str) -> str:
    given = {name: str(value) for name, value in json.loads(options).items()}
    return names.label(names.joined(data_set, given), names.DATA_SETS)


def _standardised(columns: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Of mean 0 and variance 1; constant ones of 0."""
    centred = columns - columns.mean(axis=0)
    deviations = centred.std(axis=0)
    return centred / np.where(deviations > 0, deviations, 1.0)
