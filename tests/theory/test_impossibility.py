"""The impossibility theorem and the Darmois construction do what they claim.

Samples are of fixed seeds. A test that something has the right distribution would fail for LEVEL of all seeds if it is
so; that it fails when it is not so is shown on controls.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import ndtr

from disentanglement_study import metrics
from disentanglement_study.metrics.mcc import mean_correlation
from disentanglement_study.theory import darmois, impossibility
from disentanglement_study.theory.draw_darmois import darmois as draw_darmois
from disentanglement_study.theory.draw_impossibility import impossibility as draw_impossibility
from disentanglement_study.theory.kernel_test import kernel_test

LEVEL = 1e-3
PAGE = Path(__file__).parents[2] / "analysis" / "impossibility.md"


class TwoNormals(stats.rv_continuous):
    """Two bumps of 0.3 N(-2, 1) + 0.7 N(1.5, 0.5²)."""

    def _cdf(self, x):
        return 0.3 * ndtr(x + 2) + 0.7 * ndtr((x - 1.5) / 0.5)

    def _sf(self, x):
        return 0.3 * ndtr(-x - 2) + 0.7 * ndtr((1.5 - x) / 0.5)

    def _pdf(self, x):
        return 0.3 * stats.norm.pdf(x, -2) + 0.7 * stats.norm.pdf(x, 1.5, 0.5)

    def _ppf(self, q):
        grid = np.linspace(-12, 12, 5001)
        x = np.interp(q, self._cdf(grid), grid)
        for _ in range(4):  # Newton, from nearby
            x = x - (self._cdf(x) - q) / self._pdf(x)
        return x

    def _isf(self, q):
        return self._ppf(1 - q)


PRIORS = {
    "uniform": [stats.uniform(-1, 2)] * 2,
    "normal": [stats.norm(), stats.norm(3, 0.1), stats.norm(-1, 5)],
    "laplace": [stats.laplace()] * 5,
    "beta": [stats.beta(2, 5), stats.beta(0.7, 0.7)],
    "two bumps": [TwoNormals()()] * 2,
    "all": [stats.uniform(), stats.norm(), stats.laplace(1, 2), stats.beta(2, 2), TwoNormals()(), stats.t(3)],
}
several = pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)


def draw(prior, n, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([p.rvs(size=n, random_state=rng) for p in prior])


def cdfs(z, prior):
    return np.column_stack([p.cdf(column) for p, column in zip(prior, z.T, strict=True)])


def least_p(uniform, bins=8):
    """The smallest p, times their number (Bonferroni): Kolmogorov-Smirnov of each column, chi-square of each pair."""
    d = uniform.shape[1]
    ps = [stats.kstest(column, "uniform").pvalue for column in uniform.T]
    for i, j in zip(*np.triu_indices(d, 1), strict=True):
        counts = np.histogram2d(uniform[:, i], uniform[:, j], bins=bins, range=[[0, 1], [0, 1]])[0]
        ps.append(stats.chisquare(counts.ravel()).pvalue)
    return min(ps) * len(ps)


def numeric_jacobian(function, z, step=1e-6):
    """Central differences, [n,d,d]."""
    moves = step * np.eye(z.shape[1])
    return np.stack([(function(z + move) - function(z - move)) / (2 * step) for move in moves], axis=2)


@pytest.mark.parametrize("d", range(2, 34))
def test_the_default_matrix_is_orthogonal_and_mixes_everything(d):
    a = impossibility.mixing_matrix(d)
    np.testing.assert_allclose(a @ a.T, np.eye(d), atol=1e-12)
    np.testing.assert_allclose(a, a.T, atol=1e-12)
    odd = d // (d & -d)
    assert np.abs(a).min() > np.sqrt(2 / d) * np.sin(np.pi / (4 * odd)) - 1e-12
    assert np.abs(a).max() < np.sqrt(2 / d) + 1e-12


@several
def test_f_leaves_marginals_and_independence(prior):
    z = draw(prior, 10_000)
    assert least_p(cdfs(impossibility.entangle(z, prior), prior)) > LEVEL


def test_the_check_of_the_distribution_sees_a_plain_rotation():
    # Means, variances and correlations stay; neither the marginals nor independence do.
    prior = PRIORS["uniform"]
    turned = draw(prior, 10_000) @ impossibility.mixing_matrix(2)
    assert least_p(np.clip(cdfs(turned, prior), 0, 1)) < 1e-9


@several
def test_f_leaves_the_joint_distribution(prior):
    z, fresh = draw(prior, 800, seed=1), draw(prior, 800, seed=2)
    # On the scale of the CDFs, where no coordinate outweighs the others. p is a multiple of 1/200.
    assert kernel_test(cdfs(impossibility.entangle(z, prior), prior), cdfs(fresh, prior)) > 1 / 200


@several
def test_f_is_a_bijection_of_the_support(prior):
    z = draw(prior, 2000)
    entangled = impossibility.entangle(z, prior)
    np.testing.assert_allclose(impossibility.untangle(entangled, prior), z, rtol=1e-6, atol=1e-6)
    other = stats.ortho_group.rvs(len(prior), random_state=0)
    entangled = impossibility.entangle(z, prior, other)
    np.testing.assert_allclose(impossibility.untangle(entangled, prior, other), z, rtol=1e-6, atol=1e-6)


def test_f_is_exact_in_both_tails():
    prior = [stats.norm()] * 2
    z = np.array([[30.0, 20.0], [-30.0, 20.0], [-24.0, -24.0]])
    np.testing.assert_allclose(
        impossibility.entangle(z, prior), z @ impossibility.mixing_matrix(2), rtol=1e-9, atol=1e-9
    )


@several
def test_the_jacobian_is_that_of_f(prior):
    # Away from the ends of the support, where a step of the differences would leave it.
    rng = np.random.default_rng(0)
    uniform = rng.uniform(0.02, 0.98, (200, len(prior)))
    z = np.column_stack([p.ppf(column) for p, column in zip(prior, uniform.T, strict=True)])
    numeric = numeric_jacobian(lambda z: impossibility.entangle(z, prior), z)
    exact = impossibility.jacobian(z, prior)
    # The Laplace density has a corner: differences across it are off.
    close = np.isclose(numeric, exact, rtol=1e-4, atol=1e-6).all(axis=(1, 2))
    assert close.mean() > (0.99 if prior is PRIORS["laplace"] or prior is PRIORS["all"] else 0.999)


@several
def test_every_code_depends_on_every_factor_at_every_point(prior):
    z = draw(prior, 20_000)
    derivative = impossibility.jacobian(z, prior)
    assert np.isfinite(derivative).all()
    assert (np.abs(derivative) > 0).all()
    # Not by rounding: on the scale of standard normals, where f is linear, each is an entry of A.
    h, density = stats.norm.ppf(cdfs(z, prior)), np.column_stack([p.pdf(c) for p, c in zip(prior, z.T, strict=True)])
    entangled = impossibility.entangle(z, prior)
    after = np.column_stack([p.pdf(c) for p, c in zip(prior, entangled.T, strict=True)])
    scale = density[:, None, :] / stats.norm.pdf(h)[:, None, :]
    scale = scale * stats.norm.pdf(stats.norm.ppf(cdfs(entangled, prior)))[:, :, None] / after[:, :, None]
    np.testing.assert_allclose(
        np.median(derivative / scale, axis=0), impossibility.mixing_matrix(len(prior)), rtol=1e-6
    )


@several
def test_f_conserves_the_density(prior):
    z = draw(prior, 500)

    def density(z):
        return np.prod([p.pdf(column) for p, column in zip(prior, z.T, strict=True)], axis=0)

    change = np.abs(np.linalg.det(impossibility.jacobian(z, prior)))
    np.testing.assert_allclose(change * density(impossibility.entangle(z, prior)), density(z), rtol=1e-6)


def score(codes, factors):
    """Headlines of the package's metrics, those that take milliseconds."""
    train, test = np.split(np.arange(len(codes)), 2)
    split = codes[train], factors[train], codes[test], factors[test]
    return {
        "mig": metrics.mig(codes, factors)["mig"],
        "modularity": metrics.modularity(codes, factors)["modularity"],
        "mcc": metrics.mcc(*split)["mcc"],
        "sap_score": metrics.sap_score(*split, continuous_factors=True)["sap_score"],
    }


def decoder(d, seed=0):
    """g: R^d -> R^(2d), x = B arsinh(A z), and its inverse."""
    rng = np.random.default_rng(seed)
    inner, outer = rng.normal(size=(d, d)), rng.normal(size=(2 * d, d))
    back = np.linalg.pinv(outer)
    return (
        lambda z: np.arcsinh(z @ inner.T) @ outer.T,
        lambda x: np.linalg.solve(inner, np.sinh(x @ back.T).T).T,
    )


@pytest.mark.parametrize("name", ["uniform", "laplace", "all"])
def test_two_models_of_the_same_data_have_different_scores(name):
    prior = PRIORS[name]
    g, inverse = decoder(len(prior))
    disentangled, entangled = impossibility.models(prior, 4000)
    # p is a multiple of 1/200, and the smallest a rejection at LEVEL 1/200.
    assert kernel_test(g(disentangled.latents[:700]), g(entangled.latents[:700])) > 1 / 200
    for model in (disentangled, entangled):
        np.testing.assert_allclose(inverse(g(model.latents)), model.latents, rtol=1e-6, atol=1e-6)

    def table(*models):
        return impossibility.scores(models, prior, score).pivot(index="score", columns="model", values="value")

    r = table(disentangled, entangled)
    assert (r["disentangled"] > [0.8, 0.5, 0.99, 0.7]).all()  # mcc, mig, modularity, sap_score
    assert (r["entangled"] < [0.75, 0.05, 0.8, 0.1]).all()
    # The inverse of f takes the perfect scores from one model to the other.
    swapped = table(*(m._replace(latents=impossibility.untangle(m.latents, prior)) for m in (disentangled, entangled)))
    assert (swapped["entangled"] > [0.8, 0.5, 0.99, 0.7]).all()
    assert (swapped["disentangled"] < [0.75, 0.05, 0.8, 0.1]).all()


@pytest.mark.slow
def test_the_two_sample_test_keeps_its_level_and_has_power():
    prior = PRIORS["uniform"]
    g, _ = decoder(2)
    rejected = {"entangled": 0, "plain rotation": 0, "wider": 0}
    for seed in range(40):
        disentangled, entangled = impossibility.models(prior, 400, seed=seed)
        latents = {
            "entangled": entangled.latents,
            # The prior is isotropic: this has its mean and covariance.
            "plain rotation": entangled.factors @ impossibility.mixing_matrix(2),
            "wider": 1.2 * entangled.factors,
        }
        for name, latent in latents.items():
            rejected[name] += kernel_test(g(disentangled.latents), g(latent), permutations=99, seed=seed) <= 0.05
    assert rejected["entangled"] <= 7  # of 40 at 5 %: more in 1 of 1000 runs
    assert rejected["plain rotation"] >= 30
    assert rejected["wider"] >= 35


def test_the_two_sample_test_wants_a_width_it_can_use():
    with pytest.raises(ValueError, match="the width of the kernel must be positive, got 0"):
        kernel_test(np.zeros((3, 2)), np.zeros((3, 2)))


def test_the_family_leads_from_perfect_to_entangled():
    # One model of the same data for each angle: scores fall as the angle grows to 45 degrees.
    prior = [stats.norm()] * 2
    found = []
    for degrees in (1, 10, 20, 30, 45):
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        _, entangled = impossibility.models(prior, 4000, a=np.array([[cos, -sin], [sin, cos]]))
        assert least_p(ndtr(entangled.latents)) > LEVEL
        found.append(impossibility.scores([entangled], prior, score).set_index("score")["value"])
    assert (np.diff(pd.DataFrame(found)[["mig", "mcc", "sap_score"]], axis=0) < 0).all()


@pytest.mark.parametrize(
    ("prior", "z", "a", "message"),
    [
        (PRIORS["uniform"][:1], np.zeros((3, 1)), None, "a prior of 1 factor: entangling needs 2 or more"),
        (PRIORS["uniform"], np.zeros((3, 3)), None, r"points \[n,2\] of a prior of 2 factors, got shape \[3, 3\]"),
        ([stats.norm(), stats.poisson(3)], np.zeros((3, 2)), None, r"prior\[1\] lacks logpdf"),
        (PRIORS["uniform"], np.array([[0.0, 0.0], [0.0, 1.5]]), None, "z_1 = 1.5 is not inside the support"),
        (PRIORS["uniform"], np.array([[np.nan, 0.0]]), None, "z_0 = nan is not inside the support"),
        (PRIORS["uniform"], np.zeros((3, 2)), np.ones((2, 2)), r"must be orthogonal of shape \[2, 2\]"),
        (PRIORS["uniform"], np.zeros((3, 2)), np.eye(2), "entry 0,1 of the matrix is 0: f_0 would not depend on z_1"),
    ],
)
def test_where_the_theorem_does_not_hold_is_an_error(prior, z, a, message):
    for function in (impossibility.entangle, impossibility.untangle, impossibility.jacobian):
        with pytest.raises(ValueError, match=message):
            function(z, prior, a)


# Hyvärinen and Pajunen 1999.

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[1.0, 0.8, -0.3], [0.8, 2.0, 0.4], [-0.3, 0.4, 0.7]])


def sources(n, seed=0):
    return draw(darmois.SOURCES, n, seed)


def test_conditional_cdfs_of_a_gaussian_are_uniform_and_independent():
    x = np.random.default_rng(0).multivariate_normal(MEAN, COVARIANCE, size=10_000)
    assert least_p(stats.norm.cdf(x, MEAN, np.sqrt(np.diag(COVARIANCE)))) < 1e-9  # x itself is dependent
    assert least_p(darmois.gaussian(x, MEAN, COVARIANCE)) > LEVEL


def test_the_integrated_conditional_cdfs_are_those_in_closed_form():
    x = np.random.default_rng(0).multivariate_normal(MEAN[:2], COVARIANCE[:2, :2], size=2000)
    exact = darmois.gaussian(x, MEAN[:2], COVARIANCE[:2, :2])
    density = stats.multivariate_normal(MEAN[:2], COVARIANCE[:2, :2]).pdf
    errors = []
    for points in (101, 201):
        axes = [np.linspace(mean - 10, mean + 10, points) for mean in MEAN[:2]]
        errors.append(np.abs(darmois.of_density(x, lambda z: 7 * density(z), axes) - exact).max())
    assert errors[1] < 1e-4
    assert errors[1] < errors[0] / 8


def test_three_dimensions_are_integrated_too():
    x = np.random.default_rng(0).multivariate_normal(MEAN, COVARIANCE, size=1000)
    axes = [np.linspace(mean - 7, mean + 7, 81) for mean in MEAN]
    found = darmois.of_density(x, stats.multivariate_normal(MEAN, COVARIANCE).pdf, axes)
    np.testing.assert_allclose(found, darmois.gaussian(x, MEAN, COVARIANCE), atol=2e-3)


def test_the_solutions_are_independent_and_not_the_sources():
    s = sources(6000)
    found = darmois.example(s)
    assert least_p(found["sources"]) > LEVEL
    observed = stats.rankdata(found["observed"], axis=0) / len(s)
    assert least_p(observed) < 1e-9  # x is dependent: there was something to solve
    solutions = ["solution", "other order", "turned"]
    mcc = {name: mean_correlation(s, found[name], method="spearman") for name in solutions}
    for name in solutions:
        assert least_p(found[name]) > LEVEL, name
        assert mcc[name] < 0.95
    assert mean_correlation(s, found["sources"], method="spearman") == pytest.approx(1)
    for one, other in [("solution", "other order"), ("solution", "turned"), ("other order", "turned")]:
        assert mean_correlation(found[one], found[other], method="spearman") < 0.95


def test_the_swirl_keeps_volumes_and_is_inverted():
    s = sources(300)
    np.testing.assert_allclose(darmois.swirl(darmois.swirl(s), -darmois.TURN), s, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(numeric_jacobian(darmois.swirl, s)), 1, rtol=1e-6)


def test_the_solution_is_triangular_and_its_jacobian_the_density():
    s = sources(300)
    x = darmois.swirl(s)

    def density(x):
        at = darmois.swirl(x, -darmois.TURN).T
        return np.prod([p.pdf(c) for p, c in zip(darmois.SOURCES, at, strict=True)], axis=0)

    axes = [np.linspace(-12, 12, 385)] * 2
    derivative = numeric_jacobian(lambda x: darmois.of_density(x, density, axes), x, step=1e-4)
    np.testing.assert_allclose(derivative[:, 0, 1], 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(derivative), density(x), rtol=0.01, atol=1e-4)


def test_points_alone_give_nearly_independent_components():
    x = np.random.default_rng(0).multivariate_normal(MEAN[:2], COVARIANCE[:2, :2], size=3000)
    found = darmois.of_sample(x[:1500], x[1500:])
    exact = darmois.gaussian(x[:1500], MEAN[:2], COVARIANCE[:2, :2])
    assert np.sqrt(np.mean((found - exact) ** 2)) < 0.04  # an estimate: not uniform to the last digit
    before, after = (abs(stats.spearmanr(*y.T).statistic) for y in (x[:1500], found))
    assert before > 0.5
    assert after < 0.08


def test_the_kernel_estimate_is_integrated_exactly():
    rng = np.random.default_rng(0)
    sample, x = rng.normal(size=(6, 3)), rng.normal(size=(50, 3))
    width = 0.7 * sample.std(axis=0)

    def density(z):
        return np.exp(-(((z[:, None] - sample) / width) ** 2).sum(axis=2) / 2).sum(axis=1)

    integrated = darmois.of_density(x, density, [np.linspace(-6, 6, 65)] * 3)
    np.testing.assert_allclose(darmois.of_sample(x, sample, bandwidth=0.7), integrated, atol=2e-3)


def test_points_off_the_grid_and_flat_samples_are_errors():
    axes = [np.linspace(-1, 1, 11)] * 2
    with pytest.raises(ValueError, match="x_1 = 3 is outside of its axis, -1 to 1"):
        darmois.of_density(np.array([[0.0, 3.0]]), np.ones_like, axes)
    with pytest.raises(ValueError, match="2 coordinates and 1 axes"):
        darmois.of_density(np.zeros((1, 2)), np.ones_like, axes[:1])
    with pytest.raises(ValueError, match="axis 0 must be evenly spaced"):
        darmois.of_density(np.zeros((1, 2)), np.ones_like, [axes[0] ** 3, axes[1]])
    with pytest.raises(ValueError, match="spread must be positive"):
        darmois.of_sample(np.zeros((3, 2)), np.zeros((3, 2)))


# The figures and the page.


def test_the_figure_shows_the_scores_it_is_given():
    prior = [stats.norm()] * 2
    table = impossibility.scores(impossibility.models(prior, 1000), prior, score)
    figure = draw_impossibility(table, prior, n=100)
    shown = {text.get_text() for text in figure.axes[2].texts}
    assert shown == {f"{value:.2f}" for value in table["value"]}
    with pytest.raises(ValueError, match="a prior of 2 factors, got 3"):
        draw_impossibility(table, PRIORS["normal"])


def test_the_figure_of_darmois_names_the_mcc_of_each_panel():
    mcc = pd.Series({"sources": 1.0, "observed": 0.12, "solution": 0.34, "turned": 0.56})
    titles = [axis.get_title(loc="left") for axis in draw_darmois(mcc, n=50).axes]
    assert [title[-4:] for title in titles] == ["1.00", "0.12", "0.34", "0.56"]


def test_the_page_runs_and_its_pictures_are_small(tmp_path, monkeypatch, capsys):
    text = PAGE.read_text()
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "analysis/pictures").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    exec(block, {})
    assert "modularity" in capsys.readouterr().out
    for name in re.findall(r"\]\((pictures/.*?)\)", text):
        for folder in (PAGE.parent, tmp_path / "analysis"):
            assert 10_000 < (folder / name).stat().st_size < 150_000
