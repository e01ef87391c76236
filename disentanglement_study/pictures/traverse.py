"""What a trained model has learnt, in pictures: traversals of its latents, reconstructions, samples of the prior.

All draws are named by a seed: the same run and seed give the same files. Latents are called z0, z1, ... and shown in
the order of their KL divergence from the prior, the most informative first. Beside it stands the variance of their
posterior, mean over the sample: near 1 where a latent says nothing.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from disentanglement_study import rng
from disentanglement_study.pictures import canvas, ranges, trained
from disentanglement_study.pictures.ranges import FAMILIES, HALF_WIDTH
from disentanglement_study.pictures.trained import Begins, Decode, Images, Model, quietly
from disentanglement_study.runtime import compilation, files
from disentanglement_study.runtime.files import replacing
from disentanglement_study.store import Store
from disentanglement_study.store.runs import check_models, find
from disentanglement_study.types import Run

SAMPLE = 1000  # images that KL divergences and fitted ranges come from (disentanglement_lib: 64)
SHOWN = 64  # reconstructions, and samples of the prior
PAIRS = 8  # of image and reconstruction, beside each other
BASES = 5  # images whose codes traversals start from
COLUMNS = 11
FRAMES = 20
RATE = 10  # frames a second

Picture = UInt8[np.ndarray, "height width 3"]


def traverse(
    root: Path,
    run_id: str,
    output: Path | None = None,
    family: str = "all",
    seed: int = 0,
    data_dir: Path | None = None,
    begins: Begins = quietly,
) -> tuple[Run, list[Path]]:
    """Draws one run of the study at `root` into the folder `output` (default: `root`/traversals/RUN_ID).

    `run_id` may be its beginning. Written are reconstructions.png, samples.png, traversals_0.png to traversals_4.png
    (around the first images of the reconstructions) and FAMILY.gif of one `family` of ranges or "all". Raises
    ValueError for a run that is not known, has failed, is not done yet, has diverged or is of a method that decodes
    nothing or of vectors, and for an unknown family. A method without a posterior has no prior to sample; one that
    decodes but reconstructs nothing (`Learner.reconstructs`) has no reconstructions.png.
    """
    chosen = ranges.families(family)
    compilation.use_cache()
    store = Store(root)
    check_models(store, "encode or draw")
    run_id = find(store, run_id)
    (loaded,) = trained.jobs(store, [run_id], data_dir, begins)
    job, _, study, data_set, learner, batches = loaded
    if learner.decode is None:
        raise ValueError(f"run {run_id}: the method {job.method!r} has no decoder, so there is nothing to draw")
    if not data_set.has_images:
        raise ValueError(f"run {run_id}: {job.data_set} has vectors, not images, so there is nothing to draw")
    index = trained.sample_index(data_set, study, SAMPLE, seed)
    (model,) = trained.models(store, loaded, index, seed, begins)
    if model.has_diverged:
        raise ValueError(f"run {run_id} has diverged ({model.run}): its codes and images are not finite")
    decode = trained.decoder(learner, study.resources.encode_batch)
    images = trained.originals(batches, index[:SHOWN], seed)
    folder = files.named(output) if output else files.folder(files.folder(root / "traversals") / run_id)
    drawn = [
        *([partial(reconstructions, model, decode, images, folder)] if learner.reconstructs else []),
        *([] if model.logvar is None else [partial(prior_samples, model, decode, seed, folder)]),
        *(partial(grid, model, decode, base, folder) for base in range(min(BASES, len(index)))),
        *(partial(animation, model, decode, name, folder) for name in chosen),
    ]
    written = []
    for draw in drawn:
        begins("pictures", len(drawn))
        written.append(draw())
    return model.run, written


def thumbnails(
    store: Store,
    run_ids: Iterable[str] | None = None,
    data_dir: Path | None = None,
    *,
    latents: int = 5,
    columns: int = 7,
    sample: int = 256,
    seed: int = 0,
) -> Iterator[tuple[str, Picture]]:
    """Small traversals of many finished runs (None: of all), job by job: (run_id, picture), one for each run.

    Rows are the `latents` most informative ones, columns go from -2 to 2; there are no labels. Runs that have diverged,
    failed, are not done or decode no images are left out. What decodes is compiled once for all runs of a method.
    """
    compilation.use_cache()
    wanted, decoders = None if run_ids is None else set(run_ids), {}
    for loaded in trained.jobs(store, wanted, data_dir):
        job, learner = loaded.job, loaded.learner
        if learner.decode is None or not loaded.data_set.has_images:
            continue
        # The nets of two methods may be the same, what decodes may not.
        group = job.data_set, job.method, str(job.settings)
        if group not in decoders:
            decoders[group] = trained.decoder(learner, latents * columns)
        index = trained.sample_index(loaded.data_set, loaded.study, sample, seed)
        for model in trained.models(store, loaded, index, seed):
            if not model.has_diverged:
                codes = along(model.mean[0], levels(model.mean.shape[1], columns))[model.order[:latents]]
                yield model.run.run_id, canvas.tiled(decode_all(decoders[group], model, codes), cell=1)


def levels(num_latents: int, columns: int = COLUMNS) -> Float[np.ndarray, "d columns"]:
    """Equal steps from -2 to 2 for every latent (disentanglement_lib: from -1 to 1)."""
    return np.tile(np.linspace(-HALF_WIDTH, HALF_WIDTH, columns), (num_latents, 1))


def along(base: Float[np.ndarray, " d"], values: Float[np.ndarray, "d v"]) -> Float[np.ndarray, "d v d"]:
    """Codes (i, j): the base point with values[i, j] as its latent i."""
    latents, steps = values.shape
    codes = np.broadcast_to(base, (latents, steps, latents)).copy()
    codes[np.arange(latents), :, np.arange(latents)] = values
    return codes


def decode_all(decode: Decode, model: Model, codes: Float[np.ndarray, "*grid d"]) -> UInt8[np.ndarray, "*grid h w k"]:
    """Images of codes in any arrangement."""
    images = decode(model.params, codes.reshape(-1, codes.shape[-1]))
    return images.reshape(*codes.shape[:-1], *images.shape[1:])


def posterior_variance(model: Model) -> Float[np.ndarray, " d"] | None:
    """Of each latent the mean over the sample of the variance of its posterior; None without a posterior."""
    if model.logvar is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # of a model that has diverged
        return np.exp(model.logvar).mean(axis=0)


def label(model: Model, latent: int, between: str = "  ") -> str:
    """ "z3  1.92 nats  var 0.04": a latent, how much it says, and of a posterior the variance."""
    variance = posterior_variance(model)
    words = [f"z{latent}", f"{model.weight[latent]:.2f} {model.unit}"]
    return between.join(words if variance is None else [*words, f"var {variance[latent]:.2f}"])


def grid(model: Model, decode: Decode, base: int, folder: Path) -> Path:
    """Writes traversals_BASE.png: a row for each latent, which goes from -2 to 2 while the others stay as encoded."""
    values = levels(model.mean.shape[1])
    images = decode_all(decode, model, along(model.mean[base], values)[model.order])
    labels = [label(model, latent) for latent in model.order.tolist()]
    title = f"{_name(model)}\nlatents from -2 to 2, around the code of image {base}; {_weights(model)}"
    path = folder / f"traversals_{base}.png"
    picture = canvas.labelled(canvas.tiled(images), title, labels, [f"{value:.1f}" for value in values[0]])
    with replacing(path) as temporary:
        picture.save(temporary)
    return path


def animation(model: Model, decode: Decode, family: str, folder: Path) -> Path:
    """Writes FAMILY.gif: a column for each latent, which goes through its range, and a row for each base point."""
    bases = model.mean[:BASES]
    logvar = np.full_like(model.mean, -np.inf) if model.logvar is None else model.logvar
    codes = [along(base, FAMILIES[family](base, model.mean, logvar, FRAMES))[model.order] for base in bases]
    film = np.moveaxis(decode_all(decode, model, np.stack(codes)), 2, 0)
    labels = [label(model, latent, "\n") for latent in model.order.tolist()]
    title = f"{_name(model)}\n{family} of each latent, around the first {len(bases)} images; {_weights(model)}"
    path = folder / f"{family}.gif"
    frames = [canvas.labelled(canvas.tiled(images), title, (), labels) for images in film]
    with replacing(path) as temporary:
        canvas.write_gif(frames, temporary, RATE)
    return path


def reconstructions(model: Model, decode: Decode, images: Images, folder: Path) -> Path:
    """Writes reconstructions.png: images, and beside each what the model makes of its mean code."""
    pairs = np.stack([images, decode(model.params, model.mean[: len(images)])], axis=1)
    tiles = canvas.tiled(canvas.in_columns(pairs.reshape(-1, *images.shape[1:]), 2 * PAIRS))
    path = folder / "reconstructions.png"
    title = f"{_name(model)}\nimages, and what the model decodes from their mean codes"
    picture = canvas.labelled(tiles, title, (), ["image", "model"] * PAIRS)
    with replacing(path) as temporary:
        picture.save(temporary)
    return path


def prior_samples(model: Model, decode: Decode, seed: int, folder: Path) -> Path:
    """Writes samples.png: what the model makes of draws from N(0, I), the same for every model."""
    codes = rng.generator(seed, "traverse", "prior").standard_normal((SHOWN, model.mean.shape[1]))
    path = folder / "samples.png"
    tiles = canvas.tiled(canvas.in_columns(decode(model.params, codes), 8))
    picture = canvas.labelled(tiles, f"{_name(model)}\nsamples of the prior")
    with replacing(path) as temporary:
        picture.save(temporary)
    return path


def _weights(model: Model) -> str:
    if model.logvar is None:
        return "standard deviation of the codes"
    return "KL from the prior\nvar: variance of the posterior, mean over images"


def _name(model: Model) -> str:
    return f"{model.run.run_id}: {model.run}"
