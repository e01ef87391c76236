"""Sweeps: the gin files that come with the program."""

import re
from collections import Counter
from pathlib import Path

from disentanglement_study.config import search_path
from disentanglement_study.describe.entry import Entry, bullets, cited, first_sentence
from disentanglement_study.runtime.words import counted


def names() -> list[str]:
    """Small ones first: who looks for a sweep begins with one of those."""
    found = {file.stem for folder in search_path()[1:] for file in folder.glob("sweeps/*.gin")}
    return sorted(found, key=lambda name: (name != "quick", name))


def line(name: str) -> str:
    return first_sentence(_comment(_file(name)))


def entry(name: str) -> Entry:
    from disentanglement_study.study import components, plan

    study = components.load(str(_file(name)))
    runs = plan.crossed(study)
    methods, sets = Counter(run.method for run in runs), Counter(run.data_set for run in runs)
    nets, train = study.nets, study.train
    return Entry(
        kind="sweeps",
        name=name,
        title=name.replace("_", " ").capitalize(),
        about=line(name),
        source=cited(_comment(_file(name))),
        facts={
            "models": f"{len(runs):,}",
            "data sets": bullets(sets),
            "methods": bullets(methods),
            "seeds": f"{len({run.seed for run in runs}):,}",
            "metrics": bullets(study.evaluate.metrics),
            "training": f"{counted(train.steps, 'update')}, images of {nets.image_size} pixels a side",
        },
        docstring=_comment(_file(name)),
        code=f"sweeps/{name}.gin",
        in_sweep=(f"include 'sweeps/{name}.gin'",),
        commands=(f"disentanglement-study plan {name}", f"disentanglement-study run {name} DIR"),
        text=_file(name).read_text(encoding="utf-8"),
    )


def _file(name: str) -> Path:
    return next(path for folder in search_path()[1:] if (path := folder / "sweeps" / f"{name}.gin").is_file())


def _comment(file: Path) -> str:
    """The comment that the file begins with."""
    lines = file.read_text(encoding="utf-8").split("\n")
    stop = next(place for place, text in enumerate(lines) if not text.startswith("#"))
    return "\n".join(re.sub("^# ?", "", text) for text in lines[:stop])
