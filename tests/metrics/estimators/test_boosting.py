"""The exact booster against scikit-learn's, and its own invariants."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from disentanglement_study.metrics import dci
from disentanglement_study.metrics.estimators.boosting import boosted_trees
from disentanglement_study.metrics.estimators.boosting_arrays import MAX_POINTS, presort


def points(num_points=600, num_classes=3, seed=0):
    """Codes [N, 5], two of which tell the label."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(num_points, 5))
    signal = codes[:, 0] + 0.5 * codes[:, 1] ** 2 + 0.3 * rng.normal(size=num_points)
    return codes, np.digitize(signal, np.quantile(signal, np.arange(1, num_classes) / num_classes))


def fit(codes, labels, test_codes, num_bins=None, **options):
    return boosted_trees(presort(codes, num_bins), labels, test_codes, **{"seed": 0, **options})


@pytest.mark.parametrize("num_classes", [2, 3, 5])
def test_fits_as_scikit_learn_does(num_classes):
    codes, labels = points(num_classes=num_classes)
    test_codes = points(seed=1)[0]
    ours = fit(codes, labels, test_codes)
    theirs = GradientBoostingClassifier(random_state=0).fit(codes, labels)
    np.testing.assert_allclose(ours.importances, theirs.feature_importances_, atol=5e-3)
    assert np.mean(ours.train_predictions == theirs.predict(codes)) > 0.995
    assert np.mean(ours.test_predictions == theirs.predict(test_codes)) > 0.985


@pytest.mark.parametrize("num_classes", [2, 4])
def test_stumps_are_scikit_learns(num_classes):
    # Deep nodes are small and full of equally good cuts; the root seldom is.
    codes, labels = points(num_classes=num_classes)
    ours = fit(codes, labels, codes, num_stages=20, max_depth=1)
    theirs = GradientBoostingClassifier(random_state=0, n_estimators=20, max_depth=1).fit(codes, labels)
    np.testing.assert_allclose(ours.importances, theirs.feature_importances_, atol=1e-8)
    np.testing.assert_array_equal(ours.train_predictions, theirs.predict(codes))


def test_dci_is_that_of_the_scikit_learn_backend():
    codes = points(500)[0]
    factors = np.stack([points(500)[1], np.digitize(codes[:, 2] + 0.5 * codes[:, 0], [-0.5, 0.5])], axis=1)
    arrays = codes[:300], factors[:300], codes[300:], factors[300:]
    exact, sklearn = (dci(*arrays, rng=np.random.default_rng(0), backend=name) for name in ("exact", "sklearn"))
    assert exact == pytest.approx(sklearn, abs=0.01)


@pytest.mark.parametrize("rounded", [None, 1], ids=["continuous", "tied"])
@pytest.mark.parametrize("num_bins", [2, 7, 64, 600])
def test_the_number_of_bins_changes_nothing(num_bins, rounded):
    # With a class of few points, some nodes get so small that they lie in a single bin of every code.
    codes, labels = points(num_classes=4)
    labels[::50] = 4
    codes = codes if rounded is None else codes.round(rounded)
    for one, other in zip(fit(codes, labels, codes), fit(codes, labels, codes, num_bins), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_the_seed_decides_ties_alone():
    codes, labels = points(200)
    duplicated = np.repeat(codes, 2, axis=1)
    first, again, other = (fit(duplicated, labels, duplicated, seed=seed) for seed in (0, 0, 1))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.importances, other.importances)
    np.testing.assert_allclose(
        first.importances.reshape(5, 2).sum(axis=1), fit(codes, labels, codes).importances, atol=0.01
    )


def test_dead_codes_have_no_importance():
    codes, labels = points(200)
    codes[:, 3] = 0.1
    assert fit(codes, labels, codes).importances[3] == 0.0
    everything_dead = fit(np.ones((60, 2)), np.arange(60) // 25, np.ones((4, 2)))
    assert everything_dead.importances.tolist() == [0.0, 0.0]
    assert (everything_dead.test_predictions == 0).all()


def test_labels_may_be_any_integers():
    codes, labels = points(200)
    one, other = fit(codes, labels, codes), fit(codes, labels * 1000 - 7, codes)
    np.testing.assert_array_equal(one.importances, other.importances)
    np.testing.assert_array_equal(one.train_predictions * 1000 - 7, other.train_predictions)


def test_few_points_are_enough():
    codes, labels = points(7)
    np.testing.assert_array_equal(fit(codes, labels, codes).train_predictions, labels)


@pytest.mark.slow
def test_many_points_fit_as_few_do():
    # Twice what 16 bits count: other types of index, and fewer bits for each residual.
    codes, labels = points(70_000, num_classes=2)
    ours = fit(codes, labels, codes[:2000], num_stages=2, max_depth=2)
    theirs = GradientBoostingClassifier(random_state=0, n_estimators=2, max_depth=2).fit(codes, labels)
    np.testing.assert_allclose(ours.importances, theirs.feature_importances_, atol=1e-6)
    np.testing.assert_array_equal(ours.test_predictions, theirs.predict(codes[:2000]))


def test_threads_do_not_meet():
    problems = [points(400, num_classes, seed=num_classes) for num_classes in (2, 3, 4, 5) * 3]
    alone = [fit(codes, labels, codes) for codes, labels in problems]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda problem: fit(*problem, problem[0]), problems))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.importances, other.importances)
        np.testing.assert_array_equal(one.test_predictions, other.test_predictions)


def test_limits_are_errors_that_name_them():
    codes = np.zeros((MAX_POINTS + 1, 1))
    with pytest.raises(ValueError, match=f"up to {MAX_POINTS} points, got {MAX_POINTS + 1}"):
        fit(codes, np.arange(len(codes)) % 2, codes)
    with pytest.raises(ValueError, match=r"2 classes or more, got 1 \(4\)"):
        fit(codes[:9], np.full(9, 4), codes)
    with pytest.raises(ValueError, match="finite codes"):
        fit(np.full((9, 1), np.nan), np.arange(9) % 2, codes)
