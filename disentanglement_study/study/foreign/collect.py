"""The rows of many result files, put together by model: whose scores they are, and what they do not agree on."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from disentanglement_study.study.foreign import dlib_scores
from disentanglement_study.study.foreign.dlib_models import Model, model, not_given, plain, unknown_names
from disentanglement_study.study.foreign.dlib_scores import Score
from disentanglement_study.study.foreign.result_files import Row

TRAIN, TRAINED, CODES, EVALUATION, EVALUATED = (
    f"{name}."
    for name in ("train_config", "train_results", "postprocess_config", "evaluation_config", "evaluation_results")
)
REPRESENTATIONS = {"mean_representation": "mean", "sampled_representation": "sampled"}
NUMBER = re.compile(r"\d+")


class Scores(NamedTuple):
    """Scores of one file: their names, a value each, on how many points, and the seconds that it took."""

    names: tuple[Score, ...]
    values: tuple
    n: int | None
    seconds: float | None


@dataclass
class Found:
    """All that was found of a model. scores: {(representation, metric and predictor): scores}.

    problem: why none of it is taken.
    """

    model: Model
    place: str
    problem: str = ""
    scores: dict[tuple[str, str], Scores] = field(default_factory=dict)
    numbers: dict[int, str] = field(default_factory=dict)  # that it is said to have, and where


@dataclass
class Collected:
    """Models by what identifies them; why rows and models were left out, by place; and what was noticed."""

    models: dict[tuple, Found] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    num_rows: int = 0
    repeated: int = 0  # rows that say what another said
    not_looked_at: Counter[str] = field(default_factory=Counter)  # settings, by the number of models
    not_given: Counter[str] = field(default_factory=Counter)  # settings that are taken to be the study's of 2019
    no_numbers: Counter[str] = field(default_factory=Counter)  # results that are no single number, by name


class _Layout:
    """What rows with these names have."""

    def __init__(self, names: tuple[str, ...]):
        self.configuration = [name for name in names if name.startswith(TRAIN)]
        self.settings = [name.removeprefix(TRAIN) for name in self.configuration]
        self.get = itemgetter(*self.configuration) if len(self.configuration) > 1 else None
        self.trained = [name.removeprefix(TRAINED) for name in names if name.startswith(TRAINED)]
        self.evaluated = [name.removeprefix(EVALUATED) for name in names if name.startswith(EVALUATED)]
        self.evaluation = [name for name in names if name.startswith(EVALUATION)]
        self.of_training = tuple(dlib_scores.of_training(self.trained))
        self.of_evaluation: dict[tuple[str, str], tuple[Score, ...]] = {}
        self.points: dict[tuple, int | None] = {}


class _Collector:
    def __init__(self, check: Callable[[Model], None]) -> None:
        self.check = check
        self.found = Collected()
        self.layouts: dict[tuple[str, ...], _Layout] = {}
        self.models: dict[tuple, Found | str] = {}  # by their whole configuration

    def add(self, row: Row) -> None:
        self.found.num_rows += 1
        try:
            if row.error:
                raise ValueError(row.error)
            names = tuple(row.values)
            if (layout := self.layouts.get(names)) is None:
                layout = self.layouts[names] = _Layout(names)
            found = self._model(row, layout)
            self._number(row, found)
            is_new = self._add(found, (".model", ""), layout.of_training, row.values, TRAINED, None)
            if layout.evaluated:
                is_new |= self._evaluation(row.values, layout, found)
            self.found.repeated += not is_new
        except ValueError as error:
            self.found.problems.setdefault(row.place, str(error))

    def _model(self, row: Row, layout: _Layout) -> Found:
        if layout.get is None:
            raise ValueError("no results of disentanglement_lib: it has no train_config")
        key = layout.configuration[0], len(layout.configuration), str(layout.get(row.values))
        found = self.models.get(key)
        if found is None:
            config = dict(zip(layout.settings, layout.get(row.values), strict=True))
            try:
                read = model(config)
                self.check(read)
            except ValueError as error:
                found = str(error)
            else:
                identity = (
                    read.data_set,
                    read.method,
                    *read.hyper.values(),
                    read.seed,
                    str(sorted(read.settings.items())),
                )
                found = self.found.models.setdefault(identity, Found(read, row.place))
                self.found.not_looked_at.update(unknown_names(config))
                self.found.not_given.update(not_given(config))
            self.models[key] = found
        if isinstance(found, str):
            raise ValueError(found)
        return found

    def _number(self, row: Row, found: Found) -> None:
        """The number that the path, a column or the configuration gives the model."""
        parts = [part for part in os.path.splitext(row.place)[0].split("/") if NUMBER.fullmatch(part)]
        given = [plain(row.values.get(name)) for name in ("train_config.model.model_num", "model_num")]
        for number in (*given, *map(int, parts[-1:])):
            if isinstance(number, int | float) and number == int(number):
                found.numbers.setdefault(int(number), row.place)

    def _evaluation(self, values: Mapping[str, Any], layout: _Layout, found: Found) -> bool:
        representation = plain(values.get("postprocess_config.postprocess.postprocess_fn"))
        if representation is None:
            representation = plain(values.get("postprocess_config.postprocess.name"))
        if not isinstance(representation, str) or not representation:
            raise ValueError("it does not say of which representation its scores are (postprocess_config)")
        representation = REPRESENTATIONS.get(representation, representation)
        metric = plain(values.get("evaluation_config.evaluation.evaluation_fn")) or ""
        predictor = plain(values.get("evaluation_config.predictor.predictor_fn")) or ""
        kind = str(metric), str(predictor)
        if kind not in layout.of_evaluation:
            layout.of_evaluation[kind] = tuple(dlib_scores.of_evaluation(layout.evaluated, *kind))
        given = values.get(f"evaluation_config.{metric}.num_train")
        n = dlib_scores.points({f"{metric}.num_train": plain(given)}, metric)
        return self._add(found, (representation, " ".join(kind)), layout.of_evaluation[kind], values, EVALUATED, n)

    def _add(
        self,
        found: Found,
        key: tuple[str, str],
        names: tuple[Score, ...],
        values: Mapping[str, Any],
        prefix: str,
        n: int | None,
    ) -> bool:
        """Whether these scores of the model are new. ValueError if others are there."""
        if not names:
            return False
        scores = tuple(values.get(prefix + name.key) for name in names)
        there = found.scores.get(key)
        if there is None:
            kept = [one is None or (isinstance(one, int | float) and _is_number(one)) for one in scores]
            if not all(kept):
                self.found.no_numbers.update(name.key for name, right in zip(names, kept, strict=True) if not right)
                names = tuple(name for name, right in zip(names, kept, strict=True) if right)
                scores = tuple(value for value, right in zip(scores, kept, strict=True) if right)
            found.scores[key] = Scores(names, scores, n, values.get(f"{prefix}elapsed_time"))
            return True
        # Another file may have fewer scores of the training, as the objects of NaN are equal to none.
        if scores != there.values and str(self._by_name(names, scores, there)) != str(there.values):
            found.problem = f"it disagrees with {found.place} on the scores of the same model: neither is imported"
            raise ValueError(found.problem)
        return False

    def _by_name(self, names: tuple[Score, ...], scores: tuple, there: Scores) -> tuple:
        new = {name[:2]: value for name, value in zip(names, scores, strict=True)}
        return tuple(new.get(name[:2]) for name in there.names)


def _is_number(value: int | float) -> bool:
    """JSON has whole numbers of any size, and Python thinks that True is one."""
    return not isinstance(value, bool) and (isinstance(value, float) or abs(value) < 2**1023)


def collect(rows: Iterable[Row], check: Callable[[Model], None] = lambda model: None) -> Collected:
    """All models of these rows, each with its scores. check: ValueError of models that cannot be taken.

    Rows that cannot be understood are problems. So are models of which two rows do not agree: which is right is not
    known, and none of it is taken.
    """
    collector = _Collector(check)
    for row in rows:
        collector.add(row)
    found = collector.found
    found.models = {key: one for key, one in found.models.items() if not one.problem}
    return found
