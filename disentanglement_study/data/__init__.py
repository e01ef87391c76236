"""Data sets: grids of factors and images on them, or mixtures of real-valued sources and other series.

A new one of images is a file, a line here, a catalogue entry; one that is computed from options is a file and a line.
"""

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from disentanglement_study.config import identity
from disentanglement_study.config.declared import check_options
from disentanglement_study.data import cache, prepared
from disentanglement_study.data.catalogue import CATALOGUE, Facts
from disentanglement_study.data.rendered import (
    abstract_dsprites,
    color_dsprites,
    dsprites,
    noisy_dsprites,
    scream_dsprites,
    shapes3d_rendered,
    texture_dsprites,
)
from disentanglement_study.data.series import (
    autoregressive_sources,
    dependent_sources,
    fourier_sources,
    hidden_markov_sources,
    iid_sources,
    kept,
    laplace_pairs,
    segment_sources,
    switching_sources,
)
from disentanglement_study.errors import unknown
from disentanglement_study.types import DataSet

__all__ = [
    "CATALOGUE",
    "COMPUTED",
    "DATASETS",
    "PICTURES",
    "Facts",
    "differing",
    "facts",
    "load",
    "names",
    "options_of",
    "ready",
]


class Computed(NamedTuple):
    """A data set that is computed from its options, a frozen dataclass, whenever it is loaded.

    facts(options) -> Facts, ValueError for options that do not go together. load(options, root) -> DataSet.
    """

    options: type
    facts: Callable[[Any], Facts]
    load: Callable[[Any, Path | None], DataSet]


COMPUTED: dict[str, Computed] = {
    "iid_sources": Computed(iid_sources.Options, iid_sources.facts, iid_sources.load),
    "segment_sources": Computed(segment_sources.Options, segment_sources.facts, segment_sources.load),
    "fourier_sources": Computed(fourier_sources.Options, fourier_sources.facts, fourier_sources.load),
    "autoregressive_sources": Computed(
        autoregressive_sources.Options, autoregressive_sources.facts, autoregressive_sources.load
    ),
    "hidden_markov_sources": Computed(
        hidden_markov_sources.Options, hidden_markov_sources.facts, hidden_markov_sources.load
    ),
    "switching_sources": Computed(switching_sources.Options, switching_sources.facts, switching_sources.load),
    "laplace_pairs": Computed(laplace_pairs.Options, laplace_pairs.facts, laplace_pairs.load),
    "dependent_sources": Computed(dependent_sources.Options, dependent_sources.facts, dependent_sources.load),
}

# Where the picture is that the user brings for a set; None if it is not there.
PICTURES: dict[str, Callable[[Path | None], Path | None]] = {"scream_dsprites": scream_dsprites.picture_file}

DATASETS: dict[str, Callable[[Path | None], DataSet]] = {
    "dsprites": dsprites.load,
    "color_dsprites": color_dsprites.load,
    "noisy_dsprites": noisy_dsprites.load,
    "scream_dsprites": scream_dsprites.load,
    "texture_dsprites": texture_dsprites.load,
    "abstract_dsprites": abstract_dsprites.load,
    "shapes3d_rendered": shapes3d_rendered.load,
}

# Of these, the file that a set is rendered into, where it is not that of dSprites, and what it needs before.
FILES = {"shapes3d_rendered": "shapes3d_rendered"}
NEEDS: dict[str, Callable[[Path | None], Any]] = {"scream_dsprites": scream_dsprites.picture}

# What reads sets from the cache folder, by what only its descriptions have.
READERS = {"packing": prepared, "arrays": kept}


def load(name: str, root: Path | None = None, options: Mapping[str, Any] | None = None) -> DataSet:
    """The data set `name`; what it needs is in the folder `root` (default: the user's cache folder).

    Sets that are rendered are made there at their first use; others must have been brought there (`data prepare`,
    `data add`). Raises ValueError for a name that is not known, with the nearest, for a set that is not there, and for
    an option that it has not.
    """
    if name in COMPUTED:
        loaded = COMPUTED[name].load(_made(name, options), root)
        return dataclasses.replace(loaded, options=differing(name, options))
    _made(name, options)
    if name in DATASETS:
        return DATASETS[name](root)
    facts(name, root)
    return _reader(name, root).read(name, root)


def ready(name: str, root: Path | None = None, options: Mapping[str, Any] | None = None) -> DataSet | None:
    """As `load`, but nothing is rendered: None for a set that `load` would render first. ValueError where `load`
    would raise it before rendering."""
    if name in DATASETS and not cache.has(FILES.get(name, "dsprites"), root):
        _made(name, options)
        if name in NEEDS:
            NEEDS[name](root)
        return None
    return load(name, root, options)


def facts(name: str, root: Path | None = None, options: Mapping[str, Any] | None = None) -> Facts:
    """The facts of a data set that planning needs; no image is read.

    Raises ValueError for a name that is not known, and for an option that the set has not.
    """
    made = _made(name, options)
    if name in COMPUTED:
        try:
            return COMPUTED[name].facts(made)
        except ValueError as error:
            raise ValueError(f"data set {name!r}: {error}") from error
    if name in CATALOGUE:
        return CATALOGUE[name]
    if cache.has(name, root):
        return _reader(name, root).facts_of(name, root)
    wrong, there = unknown("data set", name, names(root)), cache.folder(root)
    if difflib.get_close_matches(str(name), names(root), cutoff=0.8):
        raise wrong
    raise ValueError(f"{wrong}; {cache.command('add FILE', root)} adds one of your own to those in {there}")


def names(root: Path | None = None) -> list[str]:
    """The names of all data sets: those of the catalogue, then the user's own."""
    ours = [*CATALOGUE, *COMPUTED]
    own = [name for name, about in cache.described(root).items() if READERS.keys() & about.keys()]
    return [*ours, *(name for name in own if name not in ours)]


def options_of(name: str) -> type | None:
    """The dataclass of a set's options, None if it has none."""
    return COMPUTED[name].options if name in COMPUTED else None


def differing(name: str, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Of the options of a set those that are not its defaults."""
    made = _made(name, options)
    return {} if made is None else identity.differing(made)


def _reader(name: str, root: Path | None) -> ModuleType:
    about = cache.about(name, root) if cache.has(name, root) else {}
    return next((reader for mark, reader in READERS.items() if mark in about), prepared)


def _made(name: str, options: Mapping[str, Any] | None) -> Any:
    """An instance of a set's options, None if it has none; ValueError for what it has not, or is out of range."""
    of = options_of(name)
    declared = {field.name: field.type for field in dataclasses.fields(of)} if of else {}
    checked = check_options(f"data set {name!r}", options or {}, declared)
    return of(**checked) if of else None
