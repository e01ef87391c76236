"""What all computed series share: noise, identity, what belongs to what, and errors."""

import hashlib
import json

import numpy as np
import pytest

from disentanglement_study import data
from disentanglement_study.data import COMPUTED
from disentanglement_study.data.series import mixture

OURS = [name for name, one in COMPUTED.items() if issubclass(one.options, mixture.Options)]
SMALL = {"iid_sources": {"num_points": 400}, "segment_sources": {"num_segments": 4, "segment_length": 100}}


def load(name="iid_sources", **options):
    return data.load(name, options={**SMALL.get(name, {}), **options})


def test_every_option_of_the_mixing_is_there_in_every_set():
    shared = {
        "num_sources",
        "num_layers",
        "activation",
        "slope",
        "weights",
        "num_observed",
        "noise",
        "num_bins",
        "seed",
    }
    assert len(OURS) >= 8
    for name in OURS:
        assert shared <= {*COMPUTED[name].options.__dataclass_fields__}, name


@pytest.mark.parametrize("name", OURS)
def test_each_option_changes_what_it_is_about_and_nothing_else(name):
    base = load(name)
    num_sources = base.sources.shape[1]
    mixings = {
        "num_layers": COMPUTED[name].options().num_layers + 1,
        "activation": "xtanh" if COMPUTED[name].options().activation == "leaky_relu" else "leaky_relu",
        "slope": 0.3,
        "weights": "orthogonal",
        "num_observed": num_sources + 2,
        "noise": 0.5,
    }
    for option, value in mixings.items():
        other = load(name, **{option: value})
        np.testing.assert_array_equal(other.sources, base.sources)
        np.testing.assert_array_equal(other.points, base.points)
        assert other.storage.shape != base.storage.shape or not np.allclose(other.storage, base.storage), option
        assert other.sha256 != base.sha256
    fewer = load(name, num_bins=5)
    np.testing.assert_array_equal(fewer.storage, base.storage)
    np.testing.assert_array_equal(fewer.sources, base.sources)
    assert fewer.factor_sizes == (5,) * num_sources
    assert load(name, num_observed=num_sources + 2).input_shape == (num_sources + 2,)


def test_noise_has_the_standard_deviation_of_its_share_in_each_component():
    for num_observed in (5, 8):
        clean, noisy = (load(num_points=40_000, num_observed=num_observed, noise=noise) for noise in (0.0, 0.5))
        added = noisy.storage.astype(np.float64) - clean.storage
        np.testing.assert_allclose(added.std(axis=0), 0.5 * clean.storage.std(axis=0), rtol=5 / np.sqrt(2 * 40_000))
        together = np.corrcoef(added.T, clean.storage.T) - np.eye(2 * num_observed)
        assert np.abs(together[:num_observed]).max() < 5 / np.sqrt(40_000)
        # Of what has noise the inverse is that of the mixing alone.
        np.testing.assert_array_equal(noisy.unmix(clean.storage), clean.unmix(clean.storage))
        np.testing.assert_allclose(noisy.unmix(clean.storage), clean.sources, atol=1e-4)


def test_the_identity_is_of_the_options_that_are_not_defaults():
    def digest(options):
        return hashlib.sha256(json.dumps(["iid_sources", 1, options], sort_keys=True).encode()).hexdigest()

    assert load(num_layers=2).sha256 == digest({"num_points": 400})
    assert load(num_layers=3).sha256 == digest({"num_layers": 3, "num_points": 400})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("iid_sources", {"num_observed": 4}, "num_observed = 4: expected 5 or more, the number of sources"),
        ("iid_sources", {"num_points": 39}, "39 points in 20 bins: expected 2 points or more for each bin"),
        ("iid_sources", {"num_points": 10_000_000, "num_observed": 100}, "at most 536,870,912 numbers in all"),
        ("iid_sources", {"activation": "tanh"}, "one of leaky_relu, xtanh) (did you mean 'xtanh'?)"),
        ("iid_sources", {"weights": "orthogonl"}, "did you mean 'orthogonal'?"),
        ("iid_sources", {"distribution": "laplacian"}, "did you mean 'laplace'?"),
        ("iid_sources", {"slope": 0}, "slope = 0: expected float (0.001 or more, at most 1)"),
        ("iid_sources", {"noise": -1}, "noise = -1: expected float (0 or more"),
        ("iid_sources", {"num_layer": 1}, "did you mean 'num_layers'?"),
        ("segment_sources", {"least_scale": 2}, "least_scale = 2: expected at most most_scale, 1"),
        ("dependent_sources", {"least_scale": 4}, "least_scale = 4: expected at most most_scale, 3"),
        ("dependent_sources", {"num_sources": 1}, "num_sources = 1: expected int (2 or more"),
        ("fourier_sources", {"num_points": 60}, "num_frequencies = 16: expected at most 15, a quarter of num_points"),
        (
            "fourier_sources",
            {"num_points": 10_000_000, "num_frequencies": 100},
            "10,000,000 points of 200 numbers: expected at most 536,870,912 numbers in all",
        ),
        ("autoregressive_sources", {"coefficient": 1}, "coefficient = 1: expected float (-0.999 or more, at"),
        ("autoregressive_sources", {"spread": 0.3}, "spread = 0.3: expected at most 0.299, so that all coefficients"),
        ("autoregressive_sources", {"spread": 0.1, "num_sources": 1}, "spread = 0.1: expected 0, as one source"),
        ("hidden_markov_sources", {"num_points": 200}, "of 11 states: expected a longer series, or a smaller"),
        ("hidden_markov_sources", {"num_sources": 1}, "num_sources = 1: expected int (2 or more"),
        ("switching_sources", {"num_observed": 2}, "num_observed = 2: expected 3 or more"),
        ("laplace_pairs", {"num_pairs": 19}, "38 points in 20 bins"),
        ("laplace_pairs", {"scale": 0}, "scale = 0: expected float (above 0"),
    ],
)  # fmt: skip
def test_bad_options_are_one_line_while_planning_and_when_loaded(name, options, message):
    for function in (data.facts, data.load):
        with pytest.raises(ValueError) as error:  # noqa: PT011
            function(name, options=options)
        assert message in str(error.value)
        assert "\n" not in str(error.value)
