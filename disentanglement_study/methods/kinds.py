"""What gives codes is a method. This is all that the rest of the program knows of one: the contract.

A method is built for one shape of inputs and one set of settings, and is then a learner: pure functions of ONE model,
which the program applies to populations. There are three ways to learn: by a loop of updates over batches (`Steps`),
at once from a table of points (`AtOnce`), or not at all (`Given`).

A batch is a dict of arrays whose leading axis is B. "x" is always there: images [B,H,W,C] in [0, 1], or vectors [B,D].
What else a method asks for in `Method.needs`:

- "factors": the factor values of each input, int32 [B,F]; of a data set of real-valued sources, their bins;
- "sources": the truth as real numbers, float32 [B,S]; of a grid, factor values from 0 to 1;
- "segment", "time": whole numbers from 0, int32 [B], and "u", float32 [B,U], of data sets that have them; segments are
  also a u, one-hot, where there is no other;
- "pair": for each input a second one of the same shape, as a sampler of pairs draws them (`train.sampling`); only while
  it learns, codes are of single inputs.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from disentanglement_study.config import NetConfig, TrainConfig

AUXILIARY = ("segment", "time", "u")  # which only some data sets have
NEEDS = ("factors", "sources", "pair", *AUXILIARY)
# What a method identifies of each source: some only |s| or s^2 (Hyvarinen and Morioka 2016, section 5).
TARGETS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sources": lambda sources: sources,
    "abs": np.abs,
    "square": np.square,
}


class Inputs(NamedTuple):
    """What a method sees of a data set: the shape of one input, and of what it needs, how many values there are.

    factor_sizes: of each factor, or bins of each source. auxiliary: {"segment": how many, "time": how many, "u": U}. A
    method that needs "u" finds "segment" there too if the u of this data set is one-hot: K segments are K values of u.
    """

    shape: tuple[int, ...]
    factor_sizes: tuple[int, ...] = ()
    auxiliary: Mapping[str, int] = MappingProxyType({})


class Settings(NamedTuple):
    """What a method is built with. options: an instance of `Method.options`. form: of convolutions, on this device."""

    nets: NetConfig
    train: TrainConfig
    options: Any = None
    protocol: str = "dlib"
    form: str = "patches"


class Steps(NamedTuple):
    """Learns by `updates` updates, each of a fresh batch. A state is any pytree of arrays; seeds and hyper are traced.

    init(seed) -> state. step(state, batch, key, hyper) -> (state, terms): terms are scalars by name, among them "loss";
    a model has diverged when it is not finite. params(state) -> what is kept of a state: the parameters, or their
    moving average. terms(params, batch, key, hyper) -> terms, of the finished model on fresh batches. `hyper` maps each
    name in `Method.hyper`, and "step", to a scalar.
    """

    init: Callable[..., Any]
    step: Callable[..., tuple[Any, dict[str, Any]]]
    params: Callable[[Any], dict[str, Any]]
    terms: Callable[..., dict[str, Any]]
    updates: int


class AtOnce(NamedTuple):
    """Learns from one batch of `num_points` inputs, drawn as a training draws them. NumPy, outside of any program.

    fit(batch, seed, hyper) -> (params, terms): nested dicts of arrays, and numbers by name, such as "converged".
    """

    fit: Callable[..., tuple[dict[str, Any], dict[str, float]]]
    num_points: int


class Given(NamedTuple):
    """Learns nothing. params(seed) -> the parameters, often none."""

    params: Callable[..., dict[str, Any]]


class After(NamedTuple):
    """A step after the training, on codes and without labels, such as the FastICA that follows TCL. NumPy.

    fit(codes [N,D], seed) -> (arrays by name, terms), as `AtOnce` has them; apply(arrays, codes [N,D]) -> codes [N,D].
    `num_points` is N, drawn as a training draws them. Its terms are beside those of the training.
    """

    fit: Callable[..., tuple[dict[str, Any], dict[str, float]]]
    apply: Callable[..., Any]
    num_points: int


def all_terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The terms as they are."""
    return dict(terms)


class Learner(NamedTuple):
    """A method, built.

    encode(params, batch) -> {"mean": [B,D]}, of a method with a Gaussian posterior also "logvar" [B,D]. decode(params,
    codes [B,D]) -> inputs [B,...], images in [0, 1]; without it nothing is traversed. reconstructs: whether what is
    decoded of an image's codes is that image again. scores(terms) -> the scores of the training, by name, from the
    terms of the finished model; "loss", if it is among them, is what restarts are compared by.
    """

    learn: Steps | AtOnce | Given
    encode: Callable[..., dict[str, Any]]
    decode: Callable[..., Any] | None = None
    scores: Callable[[Mapping[str, Any]], dict[str, Any]] = all_terms
    after: After | None = None
    reconstructs: bool = True


class Method(NamedTuple):
    """What gives codes, and what it needs.

    build(inputs: Inputs, settings: Settings) -> Learner; ValueError, while a study is planned, for what cannot be.
    hyper: hyperparameters, which are traced: a population has many values of them in one program. The first is the
    strength that studies sweep. A dict gives their ranges, {name: Annotated[float, Ge(0)]}, as in `config.declared`.
    usual: a value of each, which errors suggest to a sweep without one. instead: what a sweep may give in place of
    one, and the step then gets, {"normalised_beta": "beta"}; it has the same range.
    options: a frozen dataclass of what is fixed when a program is compiled. needs: of a batch, names out of `NEEDS`;
    wants: out of `AUXILIARY`, which are in a batch if the data set has them, to compare with, never to learn from.
    draws: the names of the samplings that it can learn from; empty if it learns from any. uses: the sections, such as
    "nets", or settings, such as "nets.image_size", that make a difference to it (None: all): an axis over another one
    is none of this method's, which would give the same codes again. target: what its codes are compared with where the
    truth is real-valued, a name out of `TARGETS`. whiten: whether it sees vectors less their mean over the data set,
    rotated to principal components of unit variance; images it sees as they are. about: what it is, in a sentence.
    source: the paper that it is from, or "none: " and why there is none.
    """

    build: Callable[[Inputs, Settings], Learner]
    hyper: tuple[str, ...] | dict[str, Any] = ()
    options: type | None = None
    needs: frozenset[str] = frozenset()
    wants: frozenset[str] = frozenset()
    draws: tuple[str, ...] = ()
    uses: tuple[str, ...] | None = None
    target: str = "sources"
    whiten: bool = False
    usual: Mapping[str, float] = MappingProxyType({})
    instead: Mapping[str, str] = MappingProxyType({})
    about: str = ""
    source: str = ""

    @property
    def given(self) -> dict[str, Any]:
        """What a sweep may give of the hyperparameters, by name, with its type and range."""
        kinds = self.hyper if isinstance(self.hyper, dict) else dict.fromkeys(self.hyper, float)
        return {**kinds, **{other: kinds[name] for other, name in self.instead.items()}}
