"""Trained models side by side: their traversals and reconstructions, and how their latents respond to the factors.

As Higgins et al. 2017 (beta-VAE, ICLR) compare systems in their Figures 6 and 7. What does not decode is not left out:
a line says so where its images would be.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from PIL import Image

from disentanglement_study import data
from disentanglement_study.analysis import names
from disentanglement_study.analysis.figures import style
from disentanglement_study.pictures import blocks, chosen, trained, traverse
from disentanglement_study.pictures.blocks import Block
from disentanglement_study.pictures.responses import responses
from disentanglement_study.pictures.trained import Begins, Decode, Images, Loaded, Model, quietly
from disentanglement_study.runtime import compilation, files
from disentanglement_study.store import Store
from disentanglement_study.types import Run

MOST_MODELS = 40
LATENTS = 5  # of a system, in the picture of all
RECONSTRUCTED = traverse.COLUMNS  # images
POINTS = 20_000
MOST_NUMBERS = 50_000_000  # codes in memory, 12 bytes each: raw pixels are thousands for each image


class System(NamedTuple):
    """What is drawn of a model: images, or the words that say why there are none.

    traversals [K,C,H,W,k] and a label for each row; originals and reconstructions [C,H,W,k].
    """

    run: Run
    labels: list[str]
    traversals: np.ndarray | str
    originals: Images
    reconstructions: np.ndarray | str


def compare(
    root: Path,
    run_ids: Sequence[str] = (),
    where: str | None = None,
    output: Path | None = None,
    points: int = POINTS,
    seed: int = 0,
    data_dir: Path | None = None,
    begins: Begins = quietly,
) -> Iterator[Path]:
    """Draws models of the study at `root` into the folder `output` (default: `root`/comparison); yields each file.

    Models are those of `chosen.run_ids` on data sets of images, in the order of their methods and settings. Written are
    responses_DATA_SET_RUN_ID.png, .pdf and .csv of each that has not diverged, from `points` images or as many as there
    are (fewer where codes are thousands: see `MOST_NUMBERS`); then traversals_DATA_SET.png with all systems, around
    the codes of the same image, and reconstructions_DATA_SET.png if one reconstructs. Without `output` each model's
    responses.png, and traversals_0.png if it is not there, go to `root`/traversals/RUN_ID too, where a report finds
    them.

    Raises ValueError as `chosen.run_ids` does, for more than `MOST_MODELS`, for a run that is named and of vectors, and
    if there is no model of images.
    """
    compilation.use_cache()
    store = Store(root)
    ids = _of_images(store, chosen.run_ids(store, run_ids, where), bool(run_ids), data_dir)
    if len(ids) > MOST_MODELS:
        raise ValueError(
            f"{len(ids)} models to compare: expected at most {MOST_MODELS}, choose some by RUN_ID or with --where"
        )
    folder = files.named(output) if output else files.folder(root / "comparison")
    systems: dict[str, list[System]] = {}
    samples: dict[str, np.ndarray] = {}  # the same images for all models, whatever each is scored on
    for loaded in trained.jobs(store, ids, data_dir, begins):
        name, data_set = loaded.job.data_set, loaded.data_set
        if name not in samples:
            samples[name] = trained.sample_index(data_set, loaded.study, traverse.SAMPLE, seed)
        decode = loaded.learner.decode and trained.decoder(loaded.learner, loaded.study.resources.encode_batch)
        images = trained.originals(loaded.batches, samples[name][:RECONSTRUCTED], seed)
        firsts = trained.models(store, loaded, samples[name], seed, begins)
        affordable = MOST_NUMBERS // sum(first.mean.shape[1] for first in firsts)
        index = trained.sample_index(data_set, loaded.study, min(points, max(affordable, 1)), seed)
        for first, model in zip(firsts, trained.models(store, loaded, index, seed, begins), strict=True):
            systems.setdefault(name, []).append(_system(model, first, loaded, decode, images))
            if not model.has_diverged:
                own = None if output else files.folder(files.folder(root / "traversals") / model.run.run_id)
                if own and decode and not (own / "traversals_0.png").exists():
                    yield traverse.grid(first, decode, 0, own)
                yield from _write_responses(model, loaded, index, folder, own)
    for name, found in sorted(systems.items()):
        begins("pictures", len(systems))
        found.sort(key=lambda system: _place(system.run))
        yield _save(_traversals(name, found), folder / f"traversals_{name}.png")
        if any(not isinstance(system.reconstructions, str) for system in found):
            yield _save(_reconstructions(name, found), folder / f"reconstructions_{name}.png")


def _of_images(store: Store, ids: list[str], are_named: bool, data_dir: Path | None) -> list[str]:
    """Those that are of data sets of images; a set that is not there is an error of what loads it."""
    data_sets = store.plan.set_index("run_id")["data_set"]
    there = set(data.names(data_dir))
    of_vectors = {name for name in data_sets[ids] if name in there and len(data.facts(name, data_dir).input_shape) != 3}
    others = [run_id for run_id in ids if data_sets[run_id] in of_vectors]
    if others and are_named:
        raise ValueError(
            f"run {others[0]}: {data_sets[others[0]]} has vectors, not images, so there is nothing to compare "
            "(`disentanglement-study unmix` draws points)"
        )
    if len(others) == len(ids):
        raise ValueError(
            f"{store.root} has no model of a data set of images, so there is nothing to compare "
            "(`disentanglement-study unmix` draws points)"
        )
    return [run_id for run_id in ids if run_id not in others]


def _system(model: Model, first: Model, loaded: Loaded, decode: Decode | None, images: Images) -> System:
    """What is drawn of a model: around the code that `first` has of the first image, the latents that `model` has."""
    if model.has_diverged:
        why = "has diverged: its codes are not finite"
    elif decode is None:
        why = "has no decoder"
    else:
        latents = model.order[:LATENTS]
        codes = traverse.along(first.mean[0], traverse.levels(first.mean.shape[1]))[latents]
        traversals = traverse.decode_all(decode, model, codes)
        labels = [traverse.label(model, latent) for latent in latents.tolist()]
        again: np.ndarray | str = "reconstructs nothing"
        if loaded.learner.reconstructs:
            again = decode(model.params, first.mean[: len(images)])
        return System(model.run, labels, traversals, images, again)
    return System(model.run, [], why, images, why)


def _write_responses(
    model: Model, loaded: Loaded, index: Int[np.ndarray, " n"], folder: Path, own: Path | None
) -> Iterator[Path]:
    """The figure, its numbers, and a copy of it in the model's own folder."""
    stem = folder / f"responses_{loaded.job.data_set}_{model.run.run_id}"
    written = style.save(responses(model, loaded.data_set, index), stem)
    yield from written
    if own:
        with files.replacing(own / "responses.png") as temporary:
            temporary.write_bytes(stem.with_name(f"{stem.name}.png").read_bytes())
        yield own / "responses.png"


def _traversals(name: str, systems: Sequence[System]) -> Image.Image:
    """A block for each system below the image that all start from."""
    first = systems[0].originals[:1][None]
    found = [Block(first, ["image"])]
    for label, system in zip(_labels(systems), systems, strict=True):
        heading = f"{label}   ({system.run.run_id})"
        if isinstance(system.traversals, str):
            found.append(Block(None, [""], heading, system.traversals))
        else:
            found.append(Block(system.traversals, system.labels, heading))
    columns = [f"{value:.1f}" for value in traverse.levels(1)[0]]
    title = (
        f"{names.label(name, names.DATA_SETS)}: latents from {-traverse.HALF_WIDTH:g} to {traverse.HALF_WIDTH:g} around"
        f" the code of the image\nup to {LATENTS} of each system, the most informative: "
        "KL from the prior in nats and mean variance of the posterior, or standard deviation of the codes"
    )
    return blocks.stacked(title, found, columns)


def _reconstructions(name: str, systems: Sequence[System]) -> Image.Image:
    """Images, and below them a row of each system."""
    found = [Block(systems[0].originals[None], ["image"])]
    for label, system in zip(_labels(systems), systems, strict=True):
        if isinstance(system.reconstructions, str):
            found.append(Block(None, [label], note=system.reconstructions))
        else:
            found.append(Block(system.reconstructions[None], [label]))
    title = f"{names.label(name, names.DATA_SETS)}: images, and what each system decodes from their mean codes"
    return blocks.stacked(title, found)


def _labels(systems: Sequence[System]) -> list[str]:
    return chosen.labels([system.run for system in systems])


def _save(picture: Image.Image, path: Path) -> Path:
    with files.replacing(path) as temporary:
        picture.save(temporary)
    return path


def _place(run: Run) -> tuple:
    """The papers' order of methods, then that of strengths and settings."""
    known = list(names.METHODS)
    at = known.index(run.method) if run.method in known else len(known)
    settings = tuple((name, isinstance(value, str), value) for name, value in sorted(run.settings.items()))
    return at, run.method, tuple(run.hyper.values()), str(tuple(run.settings)), settings, run.seed
