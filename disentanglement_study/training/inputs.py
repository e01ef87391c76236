"""What models are shown: batches of a data set, as a method asks for them."""

from collections.abc import Collection
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, UInt8

from disentanglement_study import rng
from disentanglement_study.config import TrainConfig
from disentanglement_study.data.draws.sampling import sampler
from disentanglement_study.types import DataSet

WHITENED_BY = 100_000  # points at most, at equal distances


class Whitening(NamedTuple):
    """x -> (x - mean) @ matrix, vectors [B,D] of mean 0 and covariance 1 over a data set."""

    mean: Array | np.ndarray
    matrix: Array | np.ndarray


class Source(NamedTuple):
    """What batches are made of, on the device; an argument of the programs, so that no data set is a constant in one.

    sampler(key, n) draws image indices [n]; it is None where nothing is drawn. points: as `DataSet` has them, where a
    method needs the factors of a grid. columns: what else it needs of each point, [N, ...] by name. whitening: of
    vectors, for a method that asks for it.
    """

    storage: Array | np.ndarray
    sampler: Any
    points: Array | np.ndarray | None
    columns: dict[str, Any]
    whitening: Whitening | None = None


class Batches:
    """Makes the batches of a data set: images of `size` pixels a side, and what else a method needs."""

    def __init__(self, data: DataSet, size: int, needs: Collection[str] = (), whiten: bool = False):
        self.data, self.size, self.needs = data, size, needs
        self.whitening = whitening(data) if whiten and len(data.input_shape) == 1 else None
        in_segments = "u" in needs and "u" not in data.auxiliary and "segment" in data.auxiliary
        self.one_hot = data.auxiliary_sizes["segment"] if in_segments else 0  # numbers of u, one for each segment
        self._read = {*needs, "segment"} if self.one_hot else set(needs)

    def source(self, train: TrainConfig | None = None) -> Source:
        """On the device, for drawing as a training does, or for images that are chosen. On CPU the storage is the
        mapped file itself: all processes share one copy."""
        data = self.data
        draw = None
        if train is not None:
            grid = data.factor_names, data.factor_sizes, data.points
            draw = sampler(train.sampling, train.sampling_options, *grid)
        points, columns = data.points, {"sources": data.sources, **data.auxiliary}
        if points is not None and points.ndim == 2:
            points, columns["factors"] = None, points
        columns = {name: column for name, column in columns.items() if name in self._read and column is not None}
        if not self._of_grid(columns):
            points = None
        return jax.device_put(Source(data.storage, draw, points, columns, self.whitening), may_alias=True)

    def drawn(self, source: Source, key: Array, number: int) -> dict[str, Array]:
        """A batch as the sampler draws it, of `number` images; what is no factor is drawn anew for each."""
        index = source.sampler(key, number)
        keys = jax.random.split(jax.random.fold_in(key, rng.stable_hash("nuisance")), number)
        return self.paired(self.at(source, index, keys))

    def paired(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch as a method gets it that needs pairs: the sampler has them side by side."""
        if "pair" not in self.needs:
            return batch
        return {name: values[::2] for name, values in batch.items()} | {"pair": batch["x"][1::2]}

    def seen(self, source: Source, index: Int[Array, " n"], seed: int) -> dict[str, Array]:
        """The images `index` [n] as models are shown them for their codes: what is no factor is drawn once for each."""
        return self.at(source, index, rng.keys(seed, index, "represent", self.data.name))

    def at(self, source: Source, index: Int[Array, " n"], keys: Array) -> dict[str, Array]:
        x = to_float(self.data.render(source.storage, index, keys), self.size)
        if source.whitening is not None:
            x = jnp.matmul(x - source.whitening.mean, source.whitening.matrix, precision="highest")
        batch = {"x": x}
        batch |= {name: column[index] for name, column in source.columns.items()}
        if self.one_hot:
            batch["u"] = jax.nn.one_hot(batch["segment"], self.one_hot)
            batch = {name: values for name, values in batch.items() if name in {"x", *self.needs}}
        if of_grid := self._of_grid(source.columns):
            points, sizes = index if source.points is None else source.points[index], self.data.factor_sizes
            factors = jnp.stack(jnp.unravel_index(points, sizes), axis=1).astype(jnp.int32)
            scaled = factors.astype(jnp.float32) / np.maximum(np.array(sizes, np.float32) - 1, 1)
            batch |= {name: {"factors": factors, "sources": scaled}[name] for name in of_grid}
        return batch

    def _of_grid(self, columns: Collection[str]) -> set[str]:
        """What is needed of the truth and is in no column: it is computed from the points of a grid."""
        return {"factors", "sources"} & set(self.needs) - set(columns)


def whitening(data: DataSet) -> Whitening:
    """By principal components in falling order of their variance, float32. Directions in which nothing varies, such as
    those of a linear mixture of fewer sources, become 0. The largest weight of each component is positive."""
    index = np.linspace(0, data.num_images - 1, min(data.num_images, WHITENED_BY)).astype(np.int64)
    x = data.images(index).astype(np.float64)
    mean = x.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(x - mean, rowvar=False).reshape(x.shape[1], x.shape[1]))
    variances, directions = variances[::-1], directions[:, ::-1]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(len(variances))]
    there = variances > 1e-10 * variances[0]
    scales = np.where(there, np.sign(largest) / np.sqrt(np.where(there, variances, 1.0)), 0.0)
    return Whitening(mean.astype(np.float32), (directions * scales).astype(np.float32))


def to_float(inputs: UInt8[Array, "b *_"] | Float[Array, "b *_"], size: int) -> Float[Array, "b *_"]:
    """Images in [0, 1], averaged down to `size` pixels a side; bytes stand for 0 to 255. Vectors as they are."""
    return _averaged(inputs, size) if inputs.ndim == 4 else inputs.astype(jnp.float32)


def _averaged(images: Array, size: int) -> Array:
    height, width = images.shape[1:3]
    x = images.astype(jnp.float32) / 255 if images.dtype == jnp.uint8 else images
    if height != size:
        # As products with averaging matrices: XLA's CPU reduction over blocks is several times slower.
        rows, columns = (jnp.repeat(jnp.eye(size), n // size, axis=1) * (size / n) for n in (height, width))
        x = jnp.einsum("hi,wj,bijc->bhwc", rows, columns, x, precision="highest")
    return x


def in_parts(index: np.ndarray, number: int) -> list[tuple[np.ndarray, int]]:
    """The index [N] in parts of `number`, each with how many of it are real: the last is filled up, so that one program
    serves all."""
    number = max(number, 1)
    cuts = (index[start : start + number] for start in range(0, len(index), number))
    return [(np.resize(cut, number).astype(np.int32), len(cut)) for cut in cuts]
