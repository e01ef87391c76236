"""Families of probes of growing capacity, which predict a factor from all codes: what loss-capacity curves are of.

A family is `family(train_codes, test_codes, sizes, rng) -> fit`, and `fit(targets, continuous)` returns the capacity of
the probe of each size [S] and its predictions for the test points [S, M]: quantities where the target is `continuous`,
otherwise one of its values. All share their seeds between the sizes, so that curves are smooth.
"""

import warnings

import numpy as np

NUM_TREES = 20
FREQUENCY = 0.5  # standard deviation of the random frequencies, per standard deviation of a code
RIDGE = 1e-4  # relative to the variance of a standardised code
ITERATIONS = 200


def random_forest(train_codes, test_codes, sizes, rng):
    """Forests of trees of depth `sizes`, which is their capacity.

    They are grown once, to the largest depth, and cut off: a tree is grown greedily, so that a shallower one is the
    top of a deeper one (but for the order in which random numbers are drawn).
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    train_codes, test_codes = (codes.astype(np.float32) for codes in _standardised(train_codes, test_codes))

    def fit(targets, continuous):
        kind = RandomForestRegressor if continuous else RandomForestClassifier
        forest = kind(NUM_TREES, max_depth=int(sizes[-1]), random_state=int(rng.integers(2**31)))
        forest.fit(train_codes, targets)
        total = sum(_tops(tree.tree_, test_codes, sizes) for tree in forest.estimators_)
        if continuous:
            return sizes.astype(float), total[:, :, 0] / NUM_TREES
        return sizes.astype(float), forest.classes_[total.argmax(axis=2)]

    return fit


def _tops(tree, codes, depths):
    """[depths, M, K]: what a tree says of each point if it is cut off at each depth."""
    rows, node = np.arange(len(codes)), np.zeros(len(codes), np.int64)
    values = np.empty((len(depths), len(codes), tree.value.shape[2]))
    reached = 0
    for i, depth in enumerate(depths):
        for _ in range(reached, min(depth, tree.max_depth)):
            goes_left = codes[rows, np.maximum(tree.feature[node], 0)] <= tree.threshold[node]
            child = np.where(goes_left, tree.children_left[node], tree.children_right[node])
            node = np.where(child >= 0, child, node)
        values[i], reached = tree.value[node, 0], depth
    return values


def random_features(train_codes, test_codes, sizes, rng):
    """Ridge regression on the standardised codes and `sizes` random Fourier features of them; on indicators of classes.

    The capacity is the logarithm of the number of weights of an output. Size 0 is the linear probe.
    """
    from scipy.linalg import cho_factor, cho_solve

    train_codes, test_codes = _standardised(train_codes, test_codes)
    frequencies = rng.normal(scale=FREQUENCY, size=(train_codes.shape[1], -(-int(sizes[-1]) // 2)))
    train, test = (_with_waves(codes, frequencies) for codes in (train_codes, test_codes))
    mean = train.mean(axis=0)
    train, test = train - mean, test - mean
    counts = train_codes.shape[1] + sizes
    gram = train.T @ train / len(train) + RIDGE * np.eye(train.shape[1])
    factors = [cho_factor(gram[:count, :count]) for count in counts]

    def fit(targets, continuous):
        classes, labels = np.unique(targets, return_inverse=True)
        outputs = targets[:, None].astype(float) if continuous else np.eye(len(classes))[labels]
        offset = outputs.mean(axis=0)
        covariance = train.T @ (outputs - offset) / len(train)
        predicted = np.stack(
            [
                offset + test[:, :count] @ cho_solve(factor, covariance[:count])
                for count, factor in zip(counts, factors, strict=True)
            ]
        )
        return np.log(counts + 1), predicted[:, :, 0] if continuous else classes[predicted.argmax(axis=2)]

    return fit


def _with_waves(codes, frequencies):
    phases = codes @ frequencies
    waves = np.stack([np.cos(phases), np.sin(phases)], axis=2).reshape(len(codes), -1)
    return np.hstack([codes, waves])


def mlp(train_codes, test_codes, sizes, rng):
    """Networks with two hidden layers of `sizes` rectified units, trained by L-BFGS; size 0 is the linear probe.

    The capacity is the logarithm of the number of weights.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    train_codes, test_codes = _standardised(train_codes, test_codes)

    def fit(targets, continuous):
        kind, seed = MLPRegressor if continuous else MLPClassifier, int(rng.integers(2**31))
        center, scale = (targets.mean(), targets.std()) if continuous else (0, 1)
        capacities, predictions = [], []
        for size in sizes:
            network = kind(
                hidden_layer_sizes=(size, size) if size else (), solver="lbfgs", max_iter=ITERATIONS, random_state=seed
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                network.fit(train_codes, (targets - center) / scale if continuous else targets)
            capacities.append(np.log(sum(weights.size for weights in [*network.coefs_, *network.intercepts_])))
            predictions.append(network.predict(test_codes) * scale + center)
        return np.array(capacities), np.stack(predictions)

    return fit


def _standardised(train_codes, test_codes):
    """Both by the mean and deviation of the train points; codes that are constant there become 0."""
    train_codes, test_codes = (codes.astype(np.float64) for codes in (train_codes, test_codes))  # squares overflow
    alive = np.ptp(train_codes, axis=0) > 0
    train_codes, test_codes = (np.where(alive, codes, 0.0) for codes in (train_codes, test_codes))
    mean, deviation = train_codes.mean(axis=0), np.where(alive, train_codes.std(axis=0), 1.0)
    return (train_codes - mean) / deviation, (test_codes - mean) / deviation


# Each with its default sizes.
PROBES = {
    "random_forest": (random_forest, (1, 2, 3, 4, 8, 10, 12, 14, 16, 18, 20, 32)),
    "random_features": (random_features, (0, 16, 32, 64, 128, 256, 512, 1024)),
    "mlp": (mlp, (0, 16, 32, 64, 128)),
}
