"""The score of Higgins et al. 2017: what it asks for, how its classifier is trained, and what it discards."""

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import optax
import pytest

from disentanglement_study import config
from disentanglement_study.metrics import higgins_score
from disentanglement_study.metrics.higgins_score import _Classifiers
from disentanglement_study.study.components import load
from disentanglement_study.study.plan import expand

SIZES = (3, 6, 5, 8, 8)
GRID = np.stack(np.unravel_index(np.arange(np.prod(SIZES)), SIZES), axis=1)
QUICK = {"num_train": 2000, "num_test": 2000, "num_updates": 2000, "learning_rate": 0.1}


def test_the_factors_themselves_have_one():
    scores = higgins_score(GRID.astype(float), GRID, excluded=[0], **QUICK)
    assert scores["higgins_score"] == 1.0
    assert [scores[f"classifier_{place}"] for place in range(3)] == [1.0] * 3


@pytest.mark.parametrize(("excluded", "chance"), [((), 1 / 5), ((0,), 1 / 4), ((0, 2), 1 / 3)])
def test_codes_that_say_nothing_have_chance(excluded, chance):
    codes = np.random.default_rng(0).normal(size=(len(GRID), 4))
    scores = higgins_score(codes, GRID, excluded=excluded, num_pairs=8, **(QUICK | {"num_test": 20_000}))
    assert scores["classifier_0"] == pytest.approx(chance, abs=0.02)
    assert scores["chance"] == pytest.approx(chance)


def test_a_factor_that_is_excluded_is_no_answer():
    # The codes tell the first factor and nothing else: asked for, it is found, and the others are guessed.
    codes = GRID[:, :1].astype(float)
    asked = higgins_score(codes, GRID, **QUICK)["higgins_score"]
    assert asked == pytest.approx(2 / 5, abs=0.05)
    assert higgins_score(codes, GRID, excluded=[0], **QUICK)["higgins_score"] == pytest.approx(1 / 4, abs=0.05)


def test_the_worse_part_of_the_classifiers_is_discarded():
    codes = GRID + 2 * np.random.default_rng(0).normal(size=GRID.shape)
    options = QUICK | {"num_updates": 30, "num_classifiers": 5}
    scores = higgins_score(codes, GRID, **options)
    accuracies = sorted(scores[f"classifier_{place}"] for place in range(5))
    assert len(set(accuracies)) > 3
    assert scores["higgins_score"] == pytest.approx(np.mean(accuracies[2:]))
    everything = higgins_score(codes, GRID, **options, discarded=0.0)
    assert everything["higgins_score"] == pytest.approx(np.mean(accuracies))


def test_the_classifier_is_trained_by_adagrad():
    """As optax's, started with 0.1 as TensorFlow's is."""
    draws = np.random.default_rng(0)
    classifiers = _Classifiers(draws, 2, 3, 4)
    params = jax.tree.map(jnp.asarray, (classifiers.weights, classifiers.bias))
    optimiser = optax.adagrad(0.3, initial_accumulator_value=0.1, eps=0)
    state = optimiser.init(params)

    def loss(params, points, labels):
        logits = points @ params[0] + params[1]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(axis=1).sum()

    for _ in range(20):
        points, labels = draws.normal(size=(2, 10, 3)), draws.integers(4, size=(2, 10))
        classifiers.update(points, np.eye(4)[labels], 0.3)
        changes, state = optimiser.update(jax.grad(loss)(params, points, labels), state)
        params = optax.apply_updates(params, changes)
    np.testing.assert_allclose(classifiers.weights, params[0], rtol=2e-4, atol=1e-5)
    np.testing.assert_allclose(classifiers.bias, params[1], rtol=2e-4, atol=1e-5)


WRONG = [
    ({"num_classifiers": 1}, "discarded = 0.5 of num_classifiers = 1 is less than one: expected 2 classifiers or more"),
    ({"discarded": 0.2, "num_classifiers": 4}, "expected 5 classifiers or more, or discarded = 0"),
    ({"excluded": [7]}, "excluded names the factor 7: expected 0 to 4"),
    ({"excluded": [0, 1, 2, 3]}, r"excluded = \[0, 1, 2, 3\] leaves 1 of 5 factors: expected 2 or more"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        higgins_score(GRID.astype(float), GRID, **options)


OUT_OF_RANGE = [
    ({"discarded": 1.0}, "discarded = 1.0: expected float"),
    ({"discarded": -0.1}, "discarded = -0.1: expected float"),
    ({"num_classifiers": 0}, "num_classifiers = 0: expected int"),
    ({"num_updates": 0}, "num_updates = 0: expected int"),
    ({"num_pairs": 0}, "num_pairs = 0: expected int"),
    ({"batch_size": 0}, "batch_size = 0: expected int"),
    ({"learning_rate": -1.0}, "learning_rate = -1.0: expected float"),
    ({"learning_rate": float("nan")}, "learning_rate = nan: expected float"),
    ({"excluded": [-1]}, r"excluded = \[-1\]: expected a list"),
    ({"excluded": [0.5]}, r"excluded = \[0.5\]: expected a list"),
    ({"excluded": 0}, "excluded = 0: expected a list"),
    ({"num_train": 2.5}, "num_train = 2.5: expected int"),
]


@pytest.mark.parametrize(("options", "message"), OUT_OF_RANGE)
def test_options_out_of_their_range_are_refused_in_python_too(options, message, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # the shape checker of the tests
    with pytest.raises(ValueError, match=message):
        higgins_score(GRID.astype(float), GRID, **options)


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_they_are_found_while_planning(options, message):
    bindings = [f"higgins_score.{name} = {value!r}" for name, value in options.items()]
    study = load(
        "sweep.data_sets = ['dsprites']\nsweep.methods = ['ground_truth']\nsweep.seeds = 1\n"
        "evaluate.metrics = ['higgins_score']",
        bindings,
    )
    assert isinstance(study, config.Study)
    with pytest.raises(ValueError, match=f"metric .higgins_score.: .*{message}"):
        expand(study)
