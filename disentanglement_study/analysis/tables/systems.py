"""How well does each system do by the metric of Higgins et al. 2017, beside what is published? (its Figure 6 left)"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.models import CHANCE, OF_CLASSIFIERS, SETTING, is_of_classifier
from disentanglement_study.analysis.published import CHANCE as CHANCE_OF_PAPER
from disentanglement_study.analysis.published import FIGURE_6_LEFT, LATENTS, OF_SYSTEMS, PIXELS, SYSTEMS, System
from disentanglement_study.analysis.rows import NothingToDraw, checked, is_failure, scored
from disentanglement_study.analysis.tables.ridge import STRENGTH
from disentanglement_study.analysis.tables.verdict import NOT_ENOUGH, compared

KEYS = ["data_set", *SETTING]
# Their codes are the same for every seed: one model is all there are, and only its classifiers differ.
WITHOUT_SEEDS = ("ground_truth", "raw_pixels")
COLUMNS = [
    *KEYS, "system", "representation", "mean", "low", "high", "spread", "mean_of_all", "n", "failed", "missing",
    "accuracies", "kept", "chance", "published", "published_spread", "difference", "holds", "why", "source",
    "certainty", "spread_certainty",
]  # fmt: skip


def systems(
    results: pd.DataFrame, representation: str = "mean", *, resamples: int = stats.RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """The accuracies of the classifiers of `higgins_score`, of every data set and system.

    Accuracies are in [0, 1].

    A system is a method with its setting and strength; β-VAE with β = 1, normalised 10 / 4096, is the VAE. As in the
    paper the accuracies of all models and classifiers of a system are taken together and the lower half, rounded down,
    is discarded: `mean` and `spread` (standard deviation) are of those `kept`, of so many `accuracies`; low and high
    are 95 % over seeds of that mean, models drawn with all their classifiers; of codes that are the same for every
    seed one model is taken, and its classifiers are drawn. `mean_of_all` discards none. n, failed, missing count
    models.

    Beside a system of the paper on dSprites, with 10 latents where these vary, stand `published`, its spread, how sure
    we are of either, difference (ours less theirs), and whether it holds (see `verdict.compared`): "yes", "no" or "not
    enough data", which one model is unless its codes have no seed. What was asked for other factors than the paper's
    four, by its `chance`, is not compared. That images are of 64 x 64 pixels, as the paper's, results do not hold: the
    reader has to know.
    """
    results = checked(results)
    own = results[(results["metric"] == OF_CLASSIFIERS) & (results["representation"] == representation)]
    accuracies = scored(own[is_of_classifier(own)])
    if accuracies.empty:
        raise NothingToDraw(f"no model has the {OF_CLASSIFIERS} of the {representation} representation")
    runs = results.drop_duplicates("run_id").set_index("run_id")[KEYS]
    broken = results[is_failure(results) & (results["metric"] == "training")]["run_id"]
    failed = {*own["run_id"][is_failure(own)], *broken}
    chances = own[own["score"] == CHANCE].set_index("run_id")["value"]
    rows = []
    for key, of_system in accuracies.groupby(KEYS, dropna=False, sort=False):
        everyone = runs.index[(runs == list(key)).all(axis=1)]
        absent = everyone.difference(of_system["run_id"].unique())
        lost = int(absent.isin(failed).sum())
        units = "run_id"
        if names.parts(key[1])[0] in WITHOUT_SEEDS:
            of_system, units = of_system[of_system["run_id"] == of_system["run_id"].iloc[0]], "score"
        kept = _kept(of_system, units, resamples, seed)
        counts = {"failed": lost, "missing": len(absent) - lost}
        chance = chances.get(of_system["run_id"].iloc[0], np.nan)
        row = dict(zip(KEYS, key, strict=True)) | kept | counts | {"representation": representation, "chance": chance}
        rows.append(row | {"system": label(*key[1:])} | _beside(key, kept, chance))
    table = pd.DataFrame(rows)[COLUMNS]
    table["place"] = [_place(*row) for row in table[SETTING].itertuples(index=False)]
    return names.sort(table, ["data_set", "place", *SETTING]).drop(columns="place")


def published(method: str, strength_name: str, strength: float) -> System | None:
    """The system of the paper that this is, if it is one."""
    base, settings = names.parts(method)
    if settings not in ({}, {"num_latents": str(LATENTS)}):
        return None
    beta = beta_of(strength_name, strength)
    return next((of for of in SYSTEMS if of.method == base and of.beta in (None, beta)), None)


def beta_of(strength_name: str, strength: float) -> float | None:
    """β of the paper's latents and images; None of another strength."""
    if strength_name == STRENGTH:
        return strength * PIXELS / LATENTS
    return strength if strength_name == "beta" else None


def label(method: str, strength_name: str, strength: float) -> str:
    """ "VAE" of β-VAE with β = 1, "VAE, β_norm = 0.00244" of the same normalised, or "β-VAE, β = 4"."""
    name = names.label(method, names.METHODS)
    if names.parts(method)[0] == "beta_vae" and beta_of(strength_name, strength) == 1:
        name = name.replace(names.METHODS["beta_vae"], "VAE", 1)
        strength_name = "" if strength_name == "beta" else strength_name
    return ", ".join(filter(None, [name, names.strength(strength_name, strength)]))


def upper_half(accuracies: np.ndarray) -> np.ndarray:
    """Of accuracies [n] the largest n - floor(n / 2), in rising order."""
    return np.sort(accuracies)[len(accuracies) // 2 :]


def _place(method: str, strength_name: str, strength: float) -> int:
    """The paper's systems come first, in its order."""
    system = published(method, strength_name, strength)
    return len(SYSTEMS) if system is None else SYSTEMS.index(system)


class _Drawn(NamedTuple):
    """Accuracies [n] from the highest, and how often each is in each resample [n, resamples]."""

    accuracies: np.ndarray
    weight: np.ndarray

    def means(self) -> np.ndarray:
        """The mean of the upper half of each resample: [resamples]."""
        up_to = self.weight.cumsum(axis=0)
        total = up_to[-1]
        left = np.clip(total - total // 2 - (up_to - self.weight), 0, self.weight)
        return self.accuracies @ left / left.sum(axis=0)


def _kept(rows: pd.DataFrame, units: str, resamples: int, seed: int) -> dict:
    """What the accuracies of a system say; an interval draws what has one value of the column `units` together."""
    unit, different = pd.factorize(rows[units])
    values = rows["value"].to_numpy(float)
    kept = upper_half(values)
    order = np.argsort(-values, kind="stable")
    cells = np.zeros(len(different), dtype=int)
    weight = stats.resample(cells, resamples, seed).astype(float)
    low, high = stats.interval(kept.mean(), _Drawn(values[order], weight[unit][order]).means(), stats.widening(cells))
    return {
        "mean": kept.mean(),
        "low": np.clip(low, 0, 1),
        "high": np.clip(high, 0, 1),
        "spread": kept.std(ddof=1) if len(kept) > 1 else np.nan,
        "mean_of_all": values.mean(),
        "n": rows["run_id"].nunique(),
        "accuracies": len(values),
        "kept": len(kept),
    }


def _beside(key: tuple, kept: dict, chance: float) -> dict:
    """What the paper says of this system, and whether it holds."""
    data_set, method, *strength = key
    system = published(method, *strength) if data_set in OF_SYSTEMS else None
    other_task = np.isfinite(chance) and not np.isclose(chance, CHANCE_OF_PAPER)
    if system is None or other_task:
        why = f"not compared: chance is {chance:.3g} here, {CHANCE_OF_PAPER:g} in the paper" if system else ""
        return (
            dict.fromkeys(["published", "published_spread", "difference"], np.nan)
            | dict.fromkeys(["holds", "source", "certainty", "spread_certainty"], "")
            | {"why": why}
        )
    low, high = kept["low"], kept["high"]
    if np.isfinite([low, high]).all():
        around = system.rounding if system.spread is None else system.spread
        holds, why = compared(system.mean, around, kept["mean"], low, high)
    else:
        holds, why = NOT_ENOUGH, "no interval: a system needs two models"
    return {
        "published": system.mean,
        "published_spread": np.nan if system.spread is None else system.spread,
        "difference": kept["mean"] - system.mean,
        "holds": holds,
        "why": why,
        "source": FIGURE_6_LEFT,
        "certainty": system.certainty,
        "spread_certainty": system.spread_certainty,
    }
