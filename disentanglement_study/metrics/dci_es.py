"""Explicitness and size."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from annotated_types import Ge, MinLen
from jaxtyping import Float, Num

from disentanglement_study.config.declared import OneOf, Rising
from disentanglement_study.errors import unknown
from disentanglement_study.metrics.checks import as_labels, check_split
from disentanglement_study.metrics.estimators.probes import PROBES


def dci_es(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Num[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Num[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int = 0,
    probe: Annotated[str, OneOf(lambda: PROBES)] = "random_features",
    sizes: Annotated[Sequence[Annotated[int, Ge(0)]], MinLen(2), Rising()] | None = None,
    continuous_factors: bool | Sequence[Annotated[int, Ge(0)]] = True,
    best_loss: Annotated[str, OneOf(lambda: ("zero", "lowest"))] = "zero",
) -> dict[str, float]:
    """How little capacity a probe needs to make the most of the codes, and how many codes there are.

    With ℓ_k(κ) the lowest test loss of probes of factor k up to capacity κ, from κ_1 to κ_T, and ℓ_k(0) that of the
    best constant: explicitness = mean_k 1 - A_k / Z_k, where A_k = ∫ (ℓ_k(κ) - ℓ_k(κ_T)) dκ is the area under the
    loss-capacity curve, by trapezia, and Z_k = ½ (κ_T - κ_1) ℓ_k(0); size = F / D (Eastwood et al. 2023, "DCI-ES: an
    extended disentanglement framework with connections to identifiability").

    train_codes [N, D], train_factors [N, F], test_codes [M, D], test_factors [M, F]. There is no headline score; the
    paper reports these beside the three of `dci`:

    - probe_explicitness, probe_explicitness.factor_k: in [-1, 1]; 1 if the least probe is as good as any, 0 if the loss
      falls on a straight line from ℓ(0) to 0, near -1 if it falls to 0 with the last probe only (the paper's
      explicitness; another thing than the metric `explicitness`);
    - size: 1 for as many codes as factors, less for more codes, dead ones included, above 1 for fewer;
    - loss.size_s: the loss of the probe of size s, mean over factors (its own, not the lowest so far);
    - lowest_loss, baseline_loss: the means over factors of ℓ_k(κ_T) and of ℓ_k(0).

    `continuous_factors` are all (True), none (False) or a list of their indices. The loss of one, which may be real, is
    the mean squared error of its value over its variance in the train points; that of any other factor is the error
    rate: name the others if a factor is a category. `probe` is "random_features" (ridge regression on the codes and s
    random Fourier features of them, κ the logarithm of the number of weights), "random_forest" (20 trees of depth s,
    κ = s) or "mlp" (two hidden layers of s units, κ as for random_features; takes minutes). `sizes` are s, increasing.

    *Explicitness is not information*: codes that tell nothing have a flat curve, hence explicitness 1; they have
    lowest_loss = baseline_loss. Nor does it tell a small gain from none: error rates, whose lowest values differ more,
    can rank mixed codes above perfect ones. `best_loss` "lowest" has ℓ(0) - ℓ(κ_T) for ℓ(0) in Z, the share of what
    the codes do tell; it is of no use for codes that tell next to nothing. Scores compare for the same probe, sizes,
    losses and number of points only. Trees cut along codes: for them a rotation makes codes less explicit.

    The definition is that of the authors' code, which takes 0 for the best possible loss ("zero"); a figure of the
    paper shows Z as by "lowest". Their probes are by default networks like "mlp", of up to 3,603 units, else forests
    of 100 trees, or up to 131,072 Fourier features without the codes; factors are listed as categories by hand; ℓ(0)
    of a category is 1 - 1/(number of values), and a probe may be worse than that. Ours are smaller.
    """
    kind = "categories" if continuous_factors is False else "numbers"
    train_codes, train_factors, test_codes, test_factors = check_split(
        train_codes, train_factors, test_codes, test_factors, kind=kind
    )
    if probe not in PROBES:
        raise unknown("probe", probe, PROBES)
    if best_loss not in ("zero", "lowest"):
        raise unknown("best_loss", best_loss, ("zero", "lowest"))
    family, default = PROBES[probe]
    sizes = _check_sizes(default if sizes is None else sizes, smallest=1 if probe == "random_forest" else 0)
    continuous = _check_continuous(continuous_factors, train_factors.shape[1])
    # The order of codes is that of their values, lest random numbers make it matter.
    order = np.lexsort(train_codes[:100][::-1])
    fit = family(train_codes[:, order], test_codes[:, order], sizes, np.random.default_rng(rng))
    baselines, losses, scores = [], [], []
    for k, (train, test) in enumerate(zip(train_factors.T, test_factors.T, strict=True)):
        if not continuous[k]:
            train, test = as_labels(train, test)
        capacity, predicted = fit(train, bool(continuous[k]))
        baselines.append(float(_loss(_best_constant(train, continuous[k]), train, test, continuous[k])))
        losses.append(_loss(predicted, train, test, continuous[k]))
        scores.append(explicitness(capacity, losses[-1], baselines[-1], best_loss))
    mean_loss, lowest = np.mean(losses, axis=0), np.minimum(np.min(losses, axis=1), baselines)
    return {
        "probe_explicitness": float(np.mean(scores)),
        "size": train_factors.shape[1] / train_codes.shape[1],
        "lowest_loss": float(np.mean(lowest)),
        "baseline_loss": float(np.mean(baselines)),
        **{f"probe_explicitness.factor_{k}": float(score) for k, score in enumerate(scores)},
        **{f"loss.size_{size}": float(loss) for size, loss in zip(sizes, mean_loss, strict=True)},
    }


def explicitness(
    capacity: Float[np.ndarray, " s"], loss: Float[np.ndarray, " s"], baseline: float, best_loss: str = "zero"
) -> float:
    """1 - A / Z of one loss-capacity curve; no probe counts as worse than the baseline or than a lesser probe."""
    lowest = np.minimum.accumulate(np.minimum(loss, baseline))
    area = np.trapezoid(lowest - lowest[-1], capacity)
    height = baseline if best_loss == "zero" else baseline - lowest[-1]
    return float(1.0 - area / (0.5 * (capacity[-1] - capacity[0]) * height)) if area > 0 else 1.0


def _loss(predicted, train, test, continuous):
    """[...]: over the last axis, the test points."""
    if continuous:
        return np.mean((predicted - test) ** 2, axis=-1) / train.var()
    return np.mean(predicted != test, axis=-1)


def _best_constant(train, continuous):
    """[1]: the mean, or the most frequent value."""
    values, counts = np.unique(train, return_counts=True)
    return np.array([train.mean() if continuous else values[counts.argmax()]])


def _check_sizes(sizes, smallest):
    sizes = np.asarray(sizes)
    if sizes.ndim != 1 or len(sizes) < 2 or sizes.dtype.kind not in "iu" or (np.diff(sizes) <= 0).any():
        raise ValueError(f"sizes must be two or more increasing whole numbers, got {sizes.tolist()}")
    if sizes[0] < smallest:
        raise ValueError(f"the smallest probe has size {smallest} or more, got {sizes[0]}")
    return sizes


def _check_continuous(continuous_factors, num_factors):
    """[num_factors] bool."""
    if isinstance(continuous_factors, bool):
        return np.full(num_factors, continuous_factors)
    if absent := [k for k in continuous_factors if k not in range(num_factors)]:
        raise ValueError(f"continuous_factors: there is no factor {absent[0]} (there are 0 to {num_factors - 1})")
    return np.isin(np.arange(num_factors), list(continuous_factors))
