"""Are two samples of one distribution? The kernel two-sample test."""

import numpy as np
from scipy.spatial.distance import pdist, squareform


def kernel_test(
    x: np.ndarray, y: np.ndarray, *, width: float | None = None, permutations: int = 199, seed: int = 0
) -> float:
    """p of x [n,d] and y [m,d] having one distribution, by permuting who belongs to which sample (exact level).

    The statistic is the squared maximum mean discrepancy, E k(X, X') + E k(Y, Y') - 2 E k(X, Y), of the Gaussian kernel
    k(x, y) = exp(-|x - y|² / 2 width²) (Gretton et al. 2012, JMLR 13:723-773). The width, in the units of the data, is
    a quarter of the median distance if not given: with the median itself, differences of shape that leave mean and
    covariance as they are go unseen. With `permutations` = B, p is a multiple of 1/(B + 1), never 0; it takes
    8 (n + m)² bytes a few times over.
    """
    n, m = len(x), len(y)
    distance = pdist(np.concatenate([x, y]))
    width = np.median(distance) / 4 if width is None else width
    if not width > 0:
        raise ValueError(f"the width of the kernel must be positive, got {width:g}")
    kernel = squareform(np.exp(-((distance / width) ** 2) / 2))
    np.fill_diagonal(kernel, 1)
    rng = np.random.default_rng(seed)
    # With weights w = (1/n, ..., -1/m, ...) the statistic is wᵀ K w; a permutation only moves the weights.
    weight = np.repeat([1 / n, -1 / m], [n, m])
    weights = np.column_stack([weight, *(rng.permutation(weight) for _ in range(permutations))])
    statistic = np.einsum("nb,nb->b", weights, kernel @ weights)
    # Rounding must not make an arrangement equal to ours look smaller.
    return float(np.mean(statistic >= statistic[0] - 1e-12 * abs(statistic[0])))
