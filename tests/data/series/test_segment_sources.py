"""Sources whose scale changes by segment: the set of TCL, and of linear ICA where one segment and one layer are."""

import dataclasses

import numpy as np
import pytest

from disentanglement_study import data
from disentanglement_study.data.series import segment_sources

SMALL = {"num_sources": 3, "num_segments": 8, "segment_length": 2000, "num_layers": 2}


@pytest.fixture(scope="module")
def small():
    return data.load("segment_sources", options=SMALL)


def test_sources_are_laplace_of_another_scale_in_each_segment(small):
    everything = np.arange(small.num_images)
    sources, segment = small.truth(everything), small.auxiliary["segment"]
    assert sources.shape == (16_000, 3)
    assert sources.dtype == np.float32
    np.testing.assert_array_equal(segment, everything // 2000)
    np.testing.assert_array_equal(small.auxiliary["time"], everything)
    by_segment = sources.astype(np.float64).reshape(8, 2000, 3)
    scales = by_segment.std(axis=1)
    assert scales.max() < 1.1
    assert scales.min() > 0
    assert np.ptp(scales, axis=0).min() > 0.2
    # Of a Laplace distribution E|s| is std / sqrt(2), of a Gaussian one it would be .798 std.
    np.testing.assert_allclose(np.abs(by_segment).mean(axis=1) / scales, 1 / np.sqrt(2), atol=0.03)


def test_inputs_are_vectors_mixed_from_the_sources(small):
    x = small.images(np.array([5, 0, 5]))
    assert x.shape == (3, 3)
    np.testing.assert_array_equal(x[0], x[2])
    assert not np.allclose(x, small.truth(np.array([5, 0, 5])))
    assert not small.has_images
    assert small.auxiliary_sizes == {"segment": 8, "time": 16_000}


def test_factors_are_bins_of_the_sources_equally_full_and_in_order(small):
    everything = np.arange(small.num_images)
    factors, sources = small.factors(everything), small.truth(everything)
    assert small.factor_sizes == (20, 20, 20)
    for column, values in zip(factors.T, sources.T, strict=True):
        assert np.bincount(column).tolist() == [800] * 20
        order = np.argsort(values, kind="stable")
        assert (np.diff(column[order]) >= 0).all()
    assert not small.is_complete


def test_facts_are_those_of_the_set(small):
    facts = data.facts("segment_sources", options=SMALL)
    assert (facts.factor_names, facts.factor_sizes) == (small.factor_names, small.factor_sizes)
    assert (facts.input_shape, facts.num_points) == (small.input_shape, small.num_images)
    assert facts.auxiliary == small.auxiliary_sizes


def test_it_is_the_same_whenever_it_is_loaded_and_another_of_another_seed_or_option(small):
    again = data.load("segment_sources", options=SMALL)
    np.testing.assert_array_equal(again.storage, small.storage)
    assert again.identity == small.identity
    assert again.identity["options"] == SMALL
    other = data.load("segment_sources", options={**SMALL, "seed": 1})
    assert other.sha256 != small.sha256
    assert not np.allclose(other.storage, small.storage)
    # More bins leave the series as it is, another mixing the sources.
    np.testing.assert_array_equal(data.load("segment_sources", options={**SMALL, "num_bins": 5}).storage, small.storage)
    deeper = data.load("segment_sources", options={**SMALL, "num_layers": 3})
    np.testing.assert_array_equal(deeper.sources, small.sources)


def test_the_defaults_are_the_paper_s_and_an_option_at_its_default_is_none():
    facts = data.facts("segment_sources")
    assert (facts.num_points, facts.input_shape) == (256 * 512, (20,))
    default = dataclasses.asdict(segment_sources.Options())
    assert data.differing("segment_sources", default) == {}
    assert data.differing("segment_sources", {"num_layers": 2, "seed": 0}) == {"num_layers": 2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_layer": 2}, "unknown option of data set 'segment_sources' 'num_layer': did you mean 'num_layers'"),
        ({"num_layers": 0}, "num_layers = 0: expected int"),
        ({"num_segments": 1_000_000, "segment_length": 1000}, "expected at most 536,870,912 numbers"),
        ({"num_segments": 1, "segment_length": 30}, "30 points in 20 bins"),
    ],
)
def test_bad_options_are_one_line(options, message):
    for function in (data.facts, data.load):
        with pytest.raises(ValueError, match=message) as error:
            function("segment_sources", options=options)
        assert "\n" not in str(error.value)


def test_a_set_without_options_has_none(dsprites_root):
    with pytest.raises(
        ValueError, match="unknown option of data set 'dsprites' 'num_layers': there are none to choose from"
    ):
        data.load("dsprites", dsprites_root, {"num_layers": 2})


# Of the code that had none of the later options: the first, second and last row of two columns, and sums of sizes.
SHORT = {"num_sources": 3, "num_segments": 8, "segment_length": 50, "num_layers": 2, "num_bins": 10}
LINEAR = {"num_sources": 4, "num_segments": 2, "segment_length": 40, "num_layers": 1, "least_scale": 0.1, "seed": 7}
GOLDEN = [
    (
        SHORT,
        [[0.12118128, 0.13941312], [-0.06937976, 0.18090184], [-0.07383305, 0.01434901]],
        [[0.00185556, -0.1549271], [-0.02993081, 0.14495558], [0.06635815, 0.10477272]],
        (249.434015501, 331.759461232),
    ),
    (
        LINEAR,
        [[-0.55282724, -0.2417791], [0.20587969, -0.5171325], [-2.1324465, 1.132377]],
        [[-0.32818595, 0.6450496], [-0.09056482, -0.17542395], [0.0716041, -1.6132828]],
        (160.747936672, 138.947233698),
    ),
    (
        {},
        [[0.02369468, -0.08624785], [0.08757982, -0.2499976], [0.04873135, -0.14801829]],
        [[0.00185556, -0.1549271], [0.02170767, 0.07038129], [-0.1006848, 1.0830573]],
        (258059.506430522, 919327.254807673),
    ),
]


@pytest.mark.parametrize(("options", "x", "sources", "sums"), GOLDEN, ids=["two layers", "one layer", "defaults"])
def test_the_series_of_older_studies_are_the_same(options, x, sources, sums):
    loaded = data.load("segment_sources", options=options)
    for found, expected, total in zip((loaded.storage, loaded.sources), (x, sources), sums, strict=True):
        np.testing.assert_allclose(found[[0, 1, -1]][:, :2], expected, rtol=1e-5)
        np.testing.assert_allclose(np.abs(found.astype(np.float64)).sum(), total, rtol=1e-6)


def test_means_and_scales_of_segments_fill_their_ranges():
    options = {
        **SMALL,
        "num_segments": 200,
        "segment_length": 500,
        "least_scale": 0.5,
        "most_scale": 3,
        "mean_range": 2,
    }
    loaded = data.load("segment_sources", options={**options, "distribution": "gaussian"})
    by_segment = loaded.sources.astype(np.float64).reshape(200, 500, 3)
    scales, means = by_segment.std(axis=1), by_segment.mean(axis=1)
    # Uniform between their ends, the 600 of them, each known to 1/sqrt(1000) and 3/sqrt(500).
    np.testing.assert_allclose(np.quantile(scales, [0, 0.5, 1]), [0.5, 1.75, 3], atol=0.3)
    np.testing.assert_allclose(np.quantile(means, [0, 0.5, 1]), [-2, 0, 2], atol=0.45)
    scaled = (by_segment - means[:, None]) / scales[:, None]
    np.testing.assert_allclose((scaled**4).mean(), 3, atol=0.05)
    np.testing.assert_array_equal(
        data.load("segment_sources", options=SMALL).sources,
        data.load("segment_sources", options={**SMALL, "distribution": "laplace", "mean_range": 0}).sources,
    )
