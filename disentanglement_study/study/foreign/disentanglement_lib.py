"""A study of what disentanglement_lib has trained and scored, from its result files."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from disentanglement_study import store
from disentanglement_study.errors import Failed
from disentanglement_study.runtime.words import counted
from disentanglement_study.study import plan
from disentanglement_study.study.foreign import result_files, stored
from disentanglement_study.study.foreign.collect import Collected, Found, collect
from disentanglement_study.study.locatello2019 import dlib_model_num
from disentanglement_study.types import Run

KIND = "disentanglement_lib"
NAMED = 5  # problems, in an error of one line


class Imported(NamedTuple):
    """How many models are in the study, and what there is to say, a line each."""

    num_models: int
    lines: list[str]


def import_results(
    path: Path,
    root: Path,
    reads: Callable[[str, int], None] = lambda name, total: None,
    writes: Callable[[str, int], None] = lambda name, total: None,
) -> Imported:
    """Makes a study at `root` of the result files at `path`: a folder, or a file of `dlib_aggregate_results`.

    reads, writes: called with the name of each file, and of each job, before it is read or written, and with their
    number. The same results again are left as they are.

    ValueError if no model can be understood, or if there is something else at `root`; OSError if a path cannot be read
    or written. `Failed`, when the study is written, if some models or files could not be understood: it names them.
    """
    there = _there(root)
    files = result_files.find(path)
    found = collect(result_files.read(files, lambda name: reads(name, len(files.paths))), stored.Checked())
    problems = [f"{place}: {reason}" for place, reason in found.problems.items()]
    if not found.models:
        raise ValueError(f"{path} holds no model that can be imported: {_some(problems)}")
    if not any(value is not None and math.isfinite(value) for value in _values(found)):
        number = counted(len(found.models), "model")
        why = _why(found) or _some(problems) or "its results are null or NaN, or it has none"
        raise ValueError(f"{path} holds no score of {number} that can be used: {why}")
    source = {"kind": KIND, "path": str(path), "files": len(files.paths), "sha256": files.digest.hexdigest()}
    if there is not None:
        if there.get("sha256") != source["sha256"]:
            raise ValueError(f"{root} holds results that were imported from {there.get('path')}: name another folder")
        lines = [f"{root} has these results already: nothing to do"]
    else:
        models = sorted(
            found.models.values(), key=lambda one: (*one.model[:2], *one.model.hyper.values(), one.model.seed)
        )
        study, runs = stored.runs_of(models)
        total = len(plan.group(runs, stored.JOB_SIZE))
        stored.write(root, study, runs, models, source, lambda name: writes(name, total))
        numbers = [dlib_model_num(run, study.of(run.settings)) for run in runs]
        lines = _said(found, runs, models, numbers)
    if found.problems:
        text = f"{len(found.problems):,} of {counted(found.num_rows, 'result')} could not be imported:"
        raise Failed("\n".join([*lines, text, *problems]))
    return Imported(len(found.models), lines)


def _values(found: Collected) -> Iterator[float | None]:
    """All scores that were taken."""
    for one in found.models.values():
        for scores in one.scores.values():
            yield from scores.values


def _why(found: Collected) -> str:
    """Why a file has no score, as far as it is known of its results."""
    return f"values that are not single numbers: {_by_results(found.no_numbers)}" if found.no_numbers else ""


def _there(root: Path) -> dict | None:
    """Where the results come from that are at `root`; None if it is empty. ValueError for anything else."""
    if root.is_symlink():
        raise ValueError(f"{root} is a symbolic link: nothing is written through it; name another folder")
    if not root.exists():
        return None
    if not root.is_dir():
        raise ValueError(f"{root} is a file, not a folder: name another folder")
    if not any(root.iterdir()):
        return None
    if not (root / "plan.parquet").exists():
        raise ValueError(f"{root} is not empty: name another folder")
    source = store.open(root).source
    if source is None or source.get("kind") != KIND:
        raise ValueError(f"{root} holds a study that was not imported from {KIND}: name another folder")
    return source


def _said(found: Collected, runs: list[Run], models: list[Found], numbers: list[int | None]) -> list[str]:
    known = sum(number is not None for number in numbers)
    lines = [
        f"{counted(len(runs), 'model')} from {counted(found.num_rows, 'result')}: {known:,} of the study of 12,600 "
        "models, with their dlib_model_num"
    ]
    ours = 0
    others: Counter[str] = Counter()
    for one in models:
        for scores in one.scores.values():
            for name in scores.names:
                ours += name.is_ours
                if not name.is_ours:
                    others[f"{name.metric}: {name.score}"] += 1
    lines.append(f"{counted(ours, 'score')} under our names")
    if others:
        kept = (
            "score that has no counterpart here keeps its name",
            "scores that have no counterpart here keep their names",
        )
        lines.append(f"{counted(others.total(), *kept)}: {', '.join(others)}")
    wrong = [
        f"{place} is numbered {number}, but its configuration is that of {right}"
        for one, right in zip(models, numbers, strict=True)
        if right is not None
        for number, place in one.numbers.items()
        if number != right
    ]
    if wrong:
        what = "model has a wrong number", "models have wrong numbers"
        lines.append("\n".join([f"{counted(len(wrong), *what)} (the configuration counts):", *wrong]))
    if found.repeated:
        again = "result repeats another, and counts once", "results repeat others, and count once"
        lines.append(counted(found.repeated, *again))
    if found.not_looked_at:
        lines.append(f"unknown settings, which were ignored: {', '.join(found.not_looked_at)}")
    if found.not_given:
        lines.append(f"missing settings, taken to be those of the study of 2019: {', '.join(found.not_given)}")
    if found.no_numbers:
        lines.append(f"values that are not single numbers were left out: {_by_results(found.no_numbers)}")
    return lines


def _by_results(names: Mapping[str, int]) -> str:
    return ", ".join(f"{name} (in {counted(number, 'result')})" for name, number in names.items())


def _some(problems: Sequence[str]) -> str:
    more = f"; and {len(problems) - NAMED:,} more" if len(problems) > NAMED else ""
    return "; ".join(problems[:NAMED]) + more
