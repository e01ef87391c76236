"""Explicitness."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from test_golden import GOLDEN, points

from disentanglement_study.metrics import explicitness
from disentanglement_study.metrics.explicitness import BACKENDS, PROTOCOLS, _mean_area

ANSWERS = {
    (representation, protocol): scores
    for representation, answer in json.loads((GOLDEN / "reference.json").read_text())["representations"].items()
    for protocol, scores in answer["explicitness"].items()
}


def split(representation):
    return *points(representation, "train"), *points(representation, "test")


def small(num_codes=3, seed=0):
    """Codes of two factors, of three values and of two, at 90 train and 60 test points."""
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.integers(3, size=150), rng.integers(2, size=150)], axis=1)
    codes = factors @ rng.normal(size=(2, num_codes)) + 0.5 * rng.normal(size=(150, num_codes))
    return codes[:90], factors[:90], codes[90:], factors[90:]


@pytest.mark.parametrize(("representation", "protocol"), ANSWERS)
def test_answer_sheet(representation, protocol):
    scores = explicitness(*split(representation), protocol=protocol, backend="sklearn")
    # "multinomial" stops when it is good enough, which a rounding error may delay by a step.
    assert scores == pytest.approx(ANSWERS[representation, protocol], abs=1e-6 if protocol == "dlib" else 1e-4)


@pytest.mark.parametrize("representation", ["identity", "rotation", "noisy", "vae_like"])
def test_the_exact_backend(representation):
    scores = explicitness(*split(representation), backend="exact")
    assert scores == pytest.approx(ANSWERS[representation, "dlib"], abs=3e-6)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_scale_shift_and_dead_codes_do_not_matter(protocol, backend):
    train_codes, train_factors, test_codes, test_factors = small()
    options = {"protocol": protocol, "backend": backend}
    scores = explicitness(train_codes, train_factors, test_codes, test_factors, **options)

    def changed(codes, constant):  # the last code does not vary in training
        return np.hstack([codes * [1e-3, -20.0, 7.0] + 5.0, np.full((len(codes), 1), constant)])

    again = explicitness(changed(train_codes, 0.1), train_factors, changed(test_codes, 3.0), test_factors, **options)
    assert again == pytest.approx(scores, abs=2e-3)
    assert scores["explicitness"] > 0.8


def test_one_of_two_values_is_as_explicit_as_the_other():
    codes, factors = points("noisy", "train")
    binary = (factors[:, [3]] > 2).astype(int)
    scores = [
        explicitness(codes, values, codes, values, backend=b) for values in (binary, 1 - binary) for b in BACKENDS
    ]
    for score in scores[1:]:
        assert score == pytest.approx(scores[0], abs=1e-5)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_values_without_a_curve_are_left_out(protocol, backend):
    train_codes, train_factors, test_codes, test_factors = small()
    seen = test_factors[:, 0] != 1  # the value 1 is in no test point
    scores = explicitness(
        train_codes, train_factors, test_codes[seen], test_factors[seen], protocol=protocol, backend=backend
    )
    assert scores["explicitness"] > 0.8
    single = np.full_like(test_factors, 1)  # one value, of which there is no curve
    scores = explicitness(train_codes, train_factors, test_codes, single, protocol=protocol, backend=backend)
    assert scores["explicitness"] == 0.5
    unseen = np.full_like(test_factors, 9)
    scores = explicitness(train_codes, train_factors, test_codes, unseen, protocol=protocol, backend=backend)
    assert scores["explicitness"] == 0.5


def test_codes_far_from_those_of_training_have_probabilities_too():
    train_codes, train_factors, test_codes, test_factors = small()
    for backend in BACKENDS:
        scores = explicitness(train_codes, train_factors, 1e9 * test_codes, test_factors, backend=backend)
        assert 0.5 < scores["explicitness"] <= 1.0


def test_separable_values_converge():
    factors = np.repeat(np.arange(4), 25)[:, None]
    codes = np.eye(4)[factors[:, 0]] * 100.0 + np.random.default_rng(0).normal(size=(100, 4))
    for backend in BACKENDS:
        assert explicitness(codes, factors, codes, factors, backend=backend)["explicitness"] == 1.0


def test_area_under_the_curve():
    rng = np.random.default_rng(0)
    scores, is_value = np.round(rng.normal(size=(200, 4)), 1), rng.random(size=(200, 4)) < 0.3  # with ties
    assert _mean_area(scores, is_value) == pytest.approx(roc_auc_score(is_value, scores))


@pytest.mark.parametrize(
    ("representation", "expected"), [("identity", 0.95611), ("noisy", 0.83701), ("vae_like", 0.89135)]
)
def test_the_protocol_of_the_paper_is_each_value_against_the_rest_with_hardly_a_penalty(representation, expected):
    """The authors' lines: the area of each column of predict_proba, which sums to 1 over values."""
    train_codes, train_factors, test_codes, test_factors = split(representation)
    areas = []
    for train_labels, test_labels in zip(train_factors.T, test_factors.T, strict=True):
        # LogisticRegression(C=1e10) was one-vs-rest in 2018; this solver finds the same minimum.
        model = OneVsRestClassifier(LogisticRegression(C=1e10, solver="newton-cholesky"))
        probability = model.fit(train_codes.astype(float), train_labels).predict_proba(test_codes.astype(float))
        columns = zip(model.classes_, probability.T, strict=True)
        areas.append(np.mean([roc_auc_score(test_labels == value, column) for value, column in columns]))
    score = explicitness(*split(representation), protocol="paper")["explicitness"]
    assert score == pytest.approx(np.mean(areas), abs=5e-5)
    assert score == pytest.approx(expected, abs=5e-5)
