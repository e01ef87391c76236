"""How many points each metric is given: the study's numbers, or its own."""

import dataclasses

import numpy as np
import pytest

from disentanglement_study.config import EvaluateConfig
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import check_options, metric_options, num_points, parse_options
from disentanglement_study.scoring.evaluate import evaluate
from disentanglement_study.types import Metric

SIZES = {"sample": ["num_train"], "split": ["num_train", "num_test"], "table": ["num_train", "num_test"]}
SHARED = EvaluateConfig(metrics=("mig",), num_train=300, num_test=200)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_sizes_of_its_own(name):
    sizes = SIZES[METRICS[name].sampling]
    assert [key for key in metric_options(name) if key in ("num_train", "num_test")] == sizes
    assert check_options({name: dict.fromkeys(sizes, 7)}) == {name: dict.fromkeys(sizes, 7)}
    with pytest.raises(ValueError, match=f"metric '{name}': num_train = 0: expected int"):
        check_options({name: {"num_train": 0}})


def given(sampling, options):
    """What a metric is given under these options of its own: numbers of points, and the column n."""

    def sample(codes, factors, *, rng, bins: int = 3):
        return {"toy": len(codes) + bins / 10}

    def split(train_codes, train_factors, test_codes, test_factors, *, rng):
        return {"toy": len(train_codes) + len(test_codes) / 1000}

    def table(codes, factors, *, rng, num_train: int, num_test: int):
        return {"toy": num_train + num_test / 1000}

    compute = {"sample": sample, "split": split, "table": table}[sampling]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METRICS, "toy", Metric(compute, sampling, "1"))
        settings = dataclasses.replace(SHARED, metrics=("toy",), options={"toy": options})
        factors = np.arange(1000)[:, None] % 7
        (row,) = evaluate(factors.astype(float), factors, "mean", settings, "dlib")
        assert row["error"] is None
        return row["value"], row["n"]


def test_a_metric_is_given_its_own_number_of_points_which_is_its_n():
    assert given("sample", {}) == (300.3, 300)
    assert given("sample", {"num_train": 50, "bins": 4}) == (50.4, 50)
    assert given("split", {}) == (300.2, 300)
    assert given("split", {"num_test": 100}) == (300.1, 300)
    assert given("split", {"num_train": 50, "num_test": 100}) == (50.1, 50)
    assert given("table", {"num_train": 50}) == (50.2, 50)


def test_the_numbers_that_the_harness_draws_are_known_before_it_does():
    settings = dataclasses.replace(SHARED, options={"mcc": {"num_test": 9}, "factor_vae_score": {"num_train": 9}})
    assert num_points("mig", settings) == {"num_train": 300}
    assert num_points("mcc", settings) == {"num_train": 300, "num_test": 9}
    assert num_points("factor_vae_score", settings) == {}


def test_sizes_are_options_of_the_command_line():
    assert parse_options(["mig.num_train=50", "dci.num_test=9"]) == {"mig": {"num_train": 50}, "dci": {"num_test": 9}}
    with pytest.raises(ValueError, match="unknown option of metric 'mig' 'num_test'"):
        parse_options(["mig.num_test=50"])
