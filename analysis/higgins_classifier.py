"""How the accuracies of Higgins et al. 2017 depend on what the paper leaves open about its classifier.

    python analysis/higgins_classifier.py STUDY OUTPUT.csv

STUDY is one of `sweeps/beta_vae2017.gin`. Its codes are scored again with other numbers of updates and of pairs for a
point, and multiplied by other factors: the classifier gets so many updates from the same first weights, so that the
scale of the codes decides how far it gets. Beside each mean of the upper half of the accuracies stands the published
one.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from disentanglement_study.analysis.published import SYSTEMS
from disentanglement_study.analysis.tables.systems import upper_half
from disentanglement_study.metrics import higgins_score
from disentanglement_study.pictures import trained
from disentanglement_study.store import Store

UPDATES = (1_000, 3_000, 10_000, 30_000, 100_000)
SCALES = (0.01, 0.1, 10.0)
PAIRS = 64
TRIED = [  # updates, scale, pairs
    *((updates, 1.0, PAIRS) for updates in UPDATES),
    *((10_000, scale, PAIRS) for scale in SCALES),
    (10_000, 1.0, 5),
    (10_000, 1.0, 20),
    (100_000, 1.0, 20),
]
POINTS = 20_000
SHAPE = 0  # the factor of dSprites that is not asked for


def accuracies(codes: np.ndarray, factors: np.ndarray, updates: int, pairs: int, seed: int) -> list[float]:
    """Those of the classifiers of one model."""
    scores = higgins_score(codes, factors, rng=seed, excluded=(SHAPE,), num_updates=updates, num_pairs=pairs)
    return [value for name, value in scores.items() if name.startswith("classifier_")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--models", type=int, default=10, help="of each method (default: 10)")
    arguments = parser.parse_args()
    published = {system.method: system.mean for system in SYSTEMS if system.beta is None}
    rows, seen = [], {}
    for loaded in trained.jobs(Store(arguments.study), None, None):
        method = loaded.job.method
        if seen.setdefault(method, 0) >= arguments.models:
            continue
        index = trained.sample_index(loaded.data_set, loaded.study, POINTS, 0)
        factors = loaded.data_set.factors(index)
        models = trained.models(Store(arguments.study), loaded, index, 0)[: arguments.models - seen[method]]
        seen[method] += len(models)
        for model in models:
            for updates, scale, pairs in TRIED:
                for accuracy in accuracies(scale * model.mean, factors, updates, pairs, model.run.seed):
                    rows.append((method, updates, scale, pairs, model.run.seed, accuracy))
        print(f"{method}: {len(models)} models")
    table = pd.DataFrame(rows, columns=["method", "updates", "scale", "pairs", "seed", "accuracy"])
    groups = table.groupby(["method", "updates", "scale", "pairs"])["accuracy"]
    summary = groups.agg(
        mean=lambda a: upper_half(a.to_numpy()).mean(), spread=lambda a: upper_half(a.to_numpy()).std()
    )
    summary = summary.reset_index()
    summary["published"] = summary["method"].map(published)
    summary.to_csv(arguments.output, index=False, float_format="%.4f", lineterminator="\n")
    print(summary.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
