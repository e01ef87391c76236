"""Whether methods and samplings can be had of the data sets of a sweep: what a job would find wrong, while planning."""

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from disentanglement_study import data, methods
from disentanglement_study.config import EvaluateConfig, Study
from disentanglement_study.data.draws import sampling
from disentanglement_study.methods import METHODS
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import check_together, num_points
from disentanglement_study.scoring import represent
from disentanglement_study.types import Run


def check(study: Study, kinds: Sequence[Run], data_dir: Path | None = None) -> None:
    """ValueError, which names method and data set, for the first of these runs, one of each kind, that cannot be.

    Where each of the two goes together with another one of the sweep, it says how this pair is left out.
    """
    drawn: set[tuple[str, str, str]] = set()  # what has been found to be in order, for all methods
    for run in kinds:
        try:
            _check_kind(study, run, data_dir, drawn)
        except ValueError as error:
            raise ValueError(_explained(str(error), study, run, kinds, data_dir)) from error


def _explained(text: str, study: Study, run: Run, kinds: Iterable[Run], data_dir: Path | None) -> str:
    """What is wrong with the kind of this run, with the names of its method and data set."""
    method, data_set = run.method, run.data_set
    if study.of(run.settings).train != study.train and not text.startswith("method "):
        text = f"method {method!r}: {text}"
    others = [one for one in kinds if (one.method == method) != (one.data_set == data_set)]
    elsewhere, instead = (
        any(_fits(study, one, data_dir) for one in others if (one.method == method) is same) for same in (True, False)
    )
    notes = [] if re.search(rf"\b{re.escape(data_set)}\b", text) else [f"data set {data_set!r}"]
    if elsewhere and instead:
        notes.append(f'to leave it out: sweep.where = "method != {method!r} or data_set != {data_set!r}"')
    return f"{text} ({'; '.join(notes)})" if notes else text


def _fits(study: Study, run: Run, data_dir: Path | None) -> bool:
    try:
        _check_kind(study, run, data_dir, set())
    except ValueError:
        return False
    return True


def _check_kind(study: Study, run: Run, data_dir: Path | None, drawn: set[tuple[str, str, str]]) -> None:
    """ValueError for a method, settings and a data set that do not go together. drawn: samplings that do."""
    own = study.of(run.settings)
    facts = data.facts(run.data_set, data_dir, own.options.get(run.data_set))
    if (kind := (run.data_set, str(own.options.get(run.data_set)), str(own.train))) not in drawn:
        _check_sampling(own, run.data_set, facts)
        drawn.add(kind)
    _check_method(own, run.data_set, run.method, facts)


def _check_method(study: Study, data_set: str, method: str, facts: data.Facts) -> None:
    """ValueError for settings with which this method cannot be trained on this data set."""
    height, *others = facts.input_shape
    if others and height % study.nets.image_size:
        *smaller, own = [str(size) for size in range(1, height + 1) if height % size == 0]
        sizes = f"{', '.join(smaller)} or {own}" if smaller else own
        raise ValueError(
            f"nets.image_size = {study.nets.image_size}: {data_set} has images of {height} pixels: expected a divisor "
            f"of {height}: {sizes}"
        )
    if not facts.factor_names:
        _check_without_truth(study, data_set, method)
    else:
        for name in study.evaluate.metrics:
            check_together(name, study.evaluate, len(facts.factor_names))
    transformed = sorted(represent.TRANSFORMED & set(study.evaluate.representations))
    if transformed and (facts.num_points is None or not facts.factor_names):
        raise ValueError(
            f"evaluate.representations: {transformed[0]!r} needs real-valued sources, and {data_set} has none"
        )
    inputs = methods.inputs_of(facts.input_shape, facts.factor_sizes, study.nets.image_size, facts.auxiliary)
    has_posterior = methods.check(method, inputs, study)
    represent.available(study.evaluate.representations, method, has_posterior)


def _check_without_truth(study: Study, data_set: str, method: str) -> None:
    """ValueError for what cannot be had of a data set of which only the inputs are known."""
    if needs := METHODS[method].needs & {"factors", "sources"}:
        raise ValueError(
            f"method {method!r}: it needs {min(needs)!r} of each input, and {data_set} has no ground truth"
        )
    if compared := [name for name in study.evaluate.metrics if METRICS[name].factors != "none"]:
        others = ", ".join(name for name, metric in METRICS.items() if metric.factors == "none")
        without = f"{data_set} has no ground truth: expected {others}"
        raise ValueError(f"evaluate.metrics: {compared[0]!r} compares codes with the ground truth, and {without}")
    for place, name in (("train", study.train.sampling), ("evaluate", study.evaluate.sampling)):
        if name in sampling.DISTRIBUTIONS and name != "iid":
            raise ValueError(
                f"{place}.sampling = {name!r} draws by the ground truth, and {data_set} has none: expected 'iid'"
            )


def _check_sampling(study: Study, name: str, facts: data.Facts) -> None:
    """ValueError for a way to draw images that does not exist, or that this data set does not allow."""
    train, evaluate = study.train, study.evaluate
    grid = facts.factor_names, facts.factor_sizes
    if evaluate.sampling in sampling.TO_TRAIN_ON:
        sampling.distribution(evaluate.sampling, evaluate.sampling_options, *grid)  # they have none, as it says
    if facts.num_points is not None:
        number, size = facts.num_points, train.batch_size
        sampling.check(train.sampling, train.sampling_options, *grid, batch_size=size, num_points=number)
        if facts.together is not None and train.sampling in sampling.SERIES:
            _check_together(study, name, facts.together)
        sampling.check(evaluate.sampling, evaluate.sampling_options, *grid, num_points=number)
        _check_points(study, name, facts.num_points, is_grid=False)
        return
    sampling.check(train.sampling, train.sampling_options, *grid, batch_size=train.batch_size, one_each=facts.one_each)
    if math.prod(facts.factor_sizes) <= sampling.LARGEST_GRID:
        weights = sampling.distribution(evaluate.sampling, evaluate.sampling_options, *grid)
        is_grid = bool((weights == weights[0]).all())
        # Published and own sets may have several images at a point: how many is not known here.
        there = int((weights > 0).sum()) if is_grid or name in data.DATASETS else sampling.LARGEST_GRID
        _check_points(study, name, there, is_grid)
    else:  # own data, most of its points empty
        sampling.check(evaluate.sampling, evaluate.sampling_options, *grid)
        _check_points(study, name, math.prod(facts.factor_sizes), is_grid=True)


def _check_together(study: Study, data_set: str, together: int) -> None:
    """ValueError for neighbours that are of different series, in a set of many short ones."""
    named, options = study.train.sampling, study.train.sampling_options
    every, lag = options.get("every", 1), options.get("lag", 1)
    if named != "successive" or every % together or not 1 <= lag < together:
        expected = f"'successive' with train.sampling_options = {{'every': {together}}}"
        raise ValueError(
            f"train.sampling = {named!r} with {options}: in {data_set}, every {together} points are a series of their "
            f"own: expected {expected}"
        )


def _check_points(study: Study, data_set: str, there: int, is_grid: bool) -> None:
    """ValueError if metrics want more points than are encoded of a data set, of whose grid `there` points may be drawn.

    From a whole grid any number is drawn, with replacement; from a part of it no point twice (`metrics.points`).
    """
    evaluate = study.evaluate
    rows = min(there, evaluate.table_rows or there)
    if is_grid and rows == there:
        return
    wanted, name = max((sum(num_points(name, evaluate).values()), name) for name in evaluate.metrics)
    if wanted > rows:
        places = " + ".join(place(name, size, evaluate) for size in num_points(name, evaluate))
        raise ValueError(
            f"{places} = {wanted}: expected at most {rows}, the points of {data_set} that evaluate.table_rows and "
            "evaluate.sampling leave"
        )


def place(metric: str, size: str, evaluate: EvaluateConfig) -> str:
    """The setting that says how many points a metric is given."""
    return f"{metric}.{size}" if size in evaluate.options.get(metric, {}) else f"evaluate.{size}"
