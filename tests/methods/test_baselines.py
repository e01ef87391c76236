"""What learns nothing, or learns at once: known values, and scikit-learn's own answers."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from disentanglement_study import cli, store
from disentanglement_study.config import NetConfig, TrainConfig
from disentanglement_study.methods import METHODS
from disentanglement_study.methods.baselines import fast_ica, pca
from disentanglement_study.methods.kinds import Inputs, Settings

SWEEP = """
include 'gin_configs/quick.gin'
sweep.data_sets = ['dsprites']
sweep.methods = {'ground_truth': {}, 'raw_pixels': {}, 'untrained_vae': {}}
sweep.seeds = 1
nets.num_latents = 5
evaluate.table_rows = 20000
evaluate.num_train = 10000
evaluate.num_test = 5000
evaluate.metrics = [
    'beta_vae_score', 'factor_vae_score', 'z_max_variance', 'irs', 'mcc', 'modularity', 'mig',
]
"""
# MIG sorts codes into 20 bins: of the 40 orientations and 32 positions it can tell at most log 20 nats.
CEILING = np.mean([1, 1, np.log(20) / np.log(40), np.log(20) / np.log(32), np.log(20) / np.log(32)])


@pytest.fixture(scope="module")
def results(tmp_path_factory, dsprites_root):
    folder = tmp_path_factory.mktemp("baselines")
    (folder / "baselines.gin").write_text(SWEEP)
    command = ["run", str(folder / "baselines.gin"), str(folder / "study"), "--executor", "inline"]
    assert cli.main([*command, "--data-dir", str(dsprites_root)]) == 0
    found = store.open(folder / "study").results()
    assert found["error"].isna().all()
    return found


def score(results, method, name):
    rows = results[(results["method"] == method) & (results["representation"] == "mean")]
    return rows.loc[(rows["metric"] == name) & (rows["score"] == name), "value"].item()


@pytest.mark.parametrize("metric", ["beta_vae_score", "factor_vae_score", "z_max_variance", "mcc"])
def test_the_ground_truth_of_dsprites_is_perfect(results, metric):
    assert score(results, "ground_truth", metric) == pytest.approx(1, abs=1e-6)


def test_the_ground_truth_of_dsprites_is_at_the_ceiling_of_estimates_from_bins(results):
    # Estimates of information from 10,000 points are a little above 0 where there is none.
    assert 0.98 < score(results, "ground_truth", "modularity") <= 1
    assert 0.98 < score(results, "ground_truth", "irs") <= 1  # of a part of the grid other factors do not average out
    assert score(results, "ground_truth", "mig") == pytest.approx(CEILING, abs=0.02)


def test_what_has_no_posterior_is_scored_on_its_codes_alone(results):
    there = {name: set(rows["representation"]) for name, rows in results.groupby("method")}
    assert there["ground_truth"] == {"mean"}
    assert there["raw_pixels"] == {"mean"}
    assert there["untrained_vae"] == {"mean", "sampled"}
    assert set(results["strength_name"]) == {""}
    assert set(results["strength"]) == {0.0}


def test_the_ground_truth_is_better_than_pixels_and_than_a_net_that_has_learnt_nothing(results):
    for metric in ("mig", "factor_vae_score", "mcc"):
        assert score(results, "ground_truth", metric) > score(results, "raw_pixels", metric)
        assert score(results, "ground_truth", metric) > score(results, "untrained_vae", metric)


def built(name, shape=(4, 4, 1), latents=3, **options):
    settings = Settings(NetConfig(num_latents=latents), TrainConfig(), METHODS[name].options(**options))
    return METHODS[name].build(Inputs(shape, ()), settings)


def mixed(sources, seed=0):
    """Images [N,4,4,1] that are a linear mixture of sources [N,3]."""
    mixing = np.random.default_rng(seed).normal(size=(sources.shape[1], 16))
    return (0.5 + 0.05 * sources @ mixing).reshape(-1, 4, 4, 1).astype(np.float32)


def test_pca_is_that_of_scikit_learn():
    x = mixed(np.random.default_rng(1).normal(size=(500, 3)) * [3, 2, 1])
    learner = built("pca", num_points=500)
    params, terms = learner.learn.fit({"x": x}, 0, {})
    expected = PCA(3, svd_solver="full").fit(x.reshape(500, 16))
    codes = np.asarray(learner.encode(params, {"x": x})["mean"])
    theirs = expected.transform(x.reshape(500, 16))
    signs = np.sign((codes * theirs).sum(axis=0))
    np.testing.assert_allclose(codes * signs, theirs, atol=1e-4)
    np.testing.assert_allclose(learner.decode(params, codes), np.clip(x, 0, 1), atol=1e-4)
    assert terms["explained_variance_ratio"] == pytest.approx(1, abs=1e-5)


def test_fast_ica_finds_the_sources_of_a_linear_mixture():
    sources = np.random.default_rng(2).laplace(size=(4000, 3))
    x = mixed(sources)
    learner = built("fast_ica", num_points=4000)
    params, terms = learner.learn.fit({"x": x}, 0, {})
    assert terms == {"converged": 1.0}
    codes = np.asarray(learner.encode(params, {"x": x})["mean"])
    correlation = np.abs(np.corrcoef(codes.T, sources.T)[:3, 3:])
    assert (correlation.max(axis=0) > 0.99).all()
    np.testing.assert_allclose(codes.std(axis=0), 1, rtol=1e-2)
    np.testing.assert_allclose(learner.decode(params, codes), np.clip(x, 0, 1), atol=1e-3)


def test_fast_ica_says_that_it_has_not_converged():
    x = mixed(np.random.default_rng(3).normal(size=(300, 3)))  # of Gaussians any rotation is as good
    _, terms = built("fast_ica", num_points=300, max_iter=1).learn.fit({"x": x}, 0, {})
    assert terms == {"converged": 0.0}


@pytest.mark.parametrize("build", [pca.build, fast_ica.build])
def test_more_components_than_there_can_be_are_refused(build):
    name = "pca" if build is pca.build else "fast_ica"
    for latents, options in ((17, {}), (5, {"num_points": 4})):
        with pytest.raises(
            ValueError, match=f"^nets.num_latents = {latents}: expected at most {min(16, latents - 1)} "
        ):
            built(name, latents=latents, **options)
