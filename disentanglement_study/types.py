"""The nouns of the study and its shape vocabulary.

Shapes, used in every docstring: B batch, N points, D latents (code dimensions), F factors, S sources, H W C image.
An image is uint8 in 0..255 where it is stored and float32 in [0, 1] where a net sees it; a vector is float32.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8


@dataclass(frozen=True)
class DataSet:
    """Images, or vectors, and the truth behind them: a grid of factors, or real-valued sources.

    Image i is at the grid point `points[i]`, which stands for the factor values `np.unravel_index(points[i],
    factor_sizes)`: the last factor is the fastest. Without `points` image i is at point i: the grid is complete, with
    one image at each point. A point may have several images, or none.

    Where the truth is real-valued, `sources` [N,S] has it, and `points` [N,S] the bins of it that stand for factor
    values: metrics of numbers get the sources, those of categories the bins. Where the truth is not known S is 0.

    `auxiliary` is what else is known of each point, by name: "segment" and "time" [N], whole numbers from 0, and
    "u" [N,U] float32. A method says which of them it needs.

    `render(storage, index [n], keys [n]) -> images [n,H,W,C]`, or vectors [n,D], makes them from `storage`, which is in
    the memory of the device. It is used inside a jitted scan, and where `nuisance` is None on NumPy arrays too, without
    keys. Images are uint8, or float32 in [0, 1]. `keys` are JAX random keys, one for each image: from them comes what
    is no factor and changes whenever an image is drawn. `nuisance` says in words what that is.

    `unmix(x [n,D]) -> sources [n,S]` is the inverse of the noise-free mixing, in float64, where it is known. For points
    without noise it gives their sources; for others, the sources that give the same x without noise.

    `sha256` is of what the images are made from: studies keep it, and refuse to mix two sets of one name. `options` are
    those of the set that are not its defaults.
    """

    name: str
    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]
    input_shape: tuple[int, ...]
    storage: np.ndarray
    render: Callable[..., Any]
    points: np.ndarray | None = None
    nuisance: str | None = None
    sha256: str | None = None
    sources: np.ndarray | None = None
    auxiliary: Mapping[str, np.ndarray] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    unmix: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What a study records of the set, to recognise it."""
        options = {"options": dict(self.options)} if self.options else {}
        return {"name": self.name, "sha256": self.sha256, "nuisance": self.nuisance, **options}

    @property
    def is_complete(self) -> bool:
        """Whether the images are the whole population: every grid point is there, and all equally often."""
        if self.points is None:
            return True
        if self.points.ndim == 2:
            return False
        points, counts = np.unique(self.points, return_counts=True)
        return len(points) == math.prod(self.factor_sizes) and bool((counts == counts[0]).all())

    @property
    def num_images(self) -> int:
        return math.prod(self.factor_sizes) if self.points is None else len(self.points)

    def images(
        self, index: Int[np.ndarray, " n"], seed: int | np.ndarray = 0
    ) -> UInt8[np.ndarray, "n h w c"] | Float[np.ndarray, "n d"]:
        """Images to look at, or vectors. What is no factor comes from `seed`: the same in all, or of seeds [n]."""
        if self.nuisance is None:
            return self.render(self.storage, index, None)
        # JAX takes two seconds to import, and only sets with a nuisance need it.
        from disentanglement_study import rng

        keys = rng.keys(0, np.broadcast_to(seed, len(index)), "images", self.name)
        return np.rint(255 * np.asarray(self.render(self.storage, index, keys))).astype(np.uint8)

    def factors(self, index: Int[np.ndarray, " n"]) -> Int[np.ndarray, "n f"]:
        points = index if self.points is None else self.points[index]
        return points if points.ndim == 2 else np.stack(np.unravel_index(points, self.factor_sizes), axis=1)

    @property
    def has_images(self) -> bool:
        """Whether inputs are images, and not vectors."""
        return len(self.input_shape) == 3

    @property
    def has_sources(self) -> bool:
        """Whether the truth is known, and real-valued."""
        return self.sources is not None and self.sources.shape[1] > 0

    @property
    def auxiliary_sizes(self) -> dict[str, int]:
        """How many segments, times, or numbers of u there are."""
        return {name: int(a.shape[1] if a.ndim == 2 else a.max() + 1) for name, a in self.auxiliary.items()}

    def truth(self, index: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n s"] | None:
        """The sources; None where the truth is a grid of factors."""
        return None if self.sources is None else self.sources[index]


class Metric(NamedTuple):
    """A function of codes and factors, and how the harness feeds it.

    `compute` returns named scores; the headline score carries the metric's own name. `sampling` says what it gets:

    - "sample": `compute(codes, factors, rng=, **options)` on `num_train` points drawn from the codes table;
    - "split":  `compute(train_codes, train_factors, test_codes, test_factors, rng=, **options)`, two fresh draws;
    - "table":  `compute(codes, factors, rng=, num_train=, num_test=, **options)` on the whole table, from which it
      draws rows by factor value itself (the metrics that intervene on factors);
    - "models": `compute(codes, kl, **options)` on the codes of several models at the same points, and the mean KL
      divergence of each code (the metrics of `COMPARED`, which are of no single model).

    `factors` says how it reads the factors, and so which types they may have:

    - "categories": integers or booleans, as labels. Renaming the values does not change scores, nor does reordering
      them, up to rounding and chance (`irs` bins values in their order);
    - "numbers": integers or real numbers: their distances matter, their offset and scale do not;
    - "either": numbers where its option `continuous_factors` says so, else categories;
    - "none": it looks at codes alone, and factors may be None.

    `check(num_factors, **options)`, with the values of all options, raises ValueError, while a study is planned, for
    options that do not go together or with so many factors.

    Raise `version` whenever a score of the same arrays may change.

    Readers are shown three facts: `asks`, the question that the metric answers; `source`, the paper or library that it
    is from; and `headline`, the range of its headline score, and which way is better ("none; ..." if it has none).
    """

    compute: Callable[..., Any]
    sampling: Literal["sample", "split", "table", "models"]
    version: str
    factors: Literal["categories", "numbers", "either", "none"] = "categories"
    check: Callable[..., None] | None = None
    asks: str = ""
    source: str = ""
    headline: str = "0 to 1, higher is better"


class Nets(NamedTuple):
    """The pure functions that an objective may call; each takes its own group of the parameters.

    encode(params, images [B,H,W,C]) -> mean [B,D], logvar [B,D];  decode(params, z [B,D]) -> logits [B,H,W,C];
    discriminate(params, z [B,D]) -> logits [B,2] (class 0: a real draw, class 1: permuted).
    pixels: how many pixels each of the images stands for in the reconstruction loss.
    """

    encode: Callable[..., Any]
    decode: Callable[..., Any]
    discriminate: Callable[..., Any]
    pixels: float = 1.0


class Objective(NamedTuple):
    """A training loss and what it needs.

    `loss(nets, params, batch [B,H,W,C], rng, hyper) -> (loss, aux)`, written for one model. `hyper` maps each name in
    `hyper` below, and "step", to a traced scalar; the first name is the strength that studies sweep. A dict gives the
    range of each, {name: Annotated[float, Ge(0)]}, as in `config.declared`. `trains` names the parameter groups;
    `adversary` is the one of them, if any, that plays against the others and has an optimiser of its own. `usual` has a
    value of each hyperparameter, for a study that gives none. `instead` names what a study may give in place of one,
    and `loss` then gets: {"normalised_beta": "beta"}. Readers are shown `about`, a sentence that says what it is, and
    `source`, the paper that it is from.
    """

    loss: Callable[..., Any]
    hyper: tuple[str, ...] | dict[str, Any] = ()
    trains: tuple[str, ...] = ("encoder", "decoder")
    adversary: str | None = None
    usual: Mapping[str, float] = MappingProxyType({})
    instead: Mapping[str, str] = MappingProxyType({})
    about: str = ""
    source: str = ""


@dataclass(frozen=True)
class Run:
    """One model: what it is trained on and how. `run_id` is a hash of all that and of the static settings.

    `hyper` holds the method's hyperparameters in the order in which it declares them: the first is the strength that
    studies sweep. `settings` are those in which the run differs from the study, {"nets.num_latents": 5}.
    """

    run_id: str
    data_set: str
    method: str
    hyper: dict[str, float]
    seed: int
    protocol: str
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        hyper = " ".join(f"{name}={value:g}" for name, value in self.hyper.items())
        settings = " ".join(f"{name}={value}" for name, value in self.settings.items())
        return " ".join(part for part in (self.data_set, self.method, hyper, settings, f"seed={self.seed}") if part)


@dataclass(frozen=True)
class Job:
    """Runs of one data set and method that are trained together; what is dispatched, retried and stored."""

    job_id: str
    runs: tuple[Run, ...]

    @property
    def data_set(self) -> str:
        return self.runs[0].data_set

    @property
    def method(self) -> str:
        return self.runs[0].method

    @property
    def settings(self) -> dict[str, Any]:
        return self.runs[0].settings


class Codes(NamedTuple):
    """Codes of a population for rows of a data set: index [N], mean and, of a posterior, logvar [M,N,D] float32."""

    index: np.ndarray  # type: ignore[assignment]  # it hides tuple.index, of which codes have no use
    mean: np.ndarray
    logvar: np.ndarray | None = None
