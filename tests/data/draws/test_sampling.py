"""Sampling from a factor grid: the draws follow the probabilities that the papers give, and nothing else is drawn.

The statistical tests have a false-alarm rate of 1e-4 each, over seeds; the seeds are fixed.
"""

import itertools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chosen import slow
from scipy import stats

from disentanglement_study.data import CATALOGUE
from disentanglement_study.data.draws.alias import alias_table, draw
from disentanglement_study.data.draws.sampling import DISTRIBUTIONS, LARGEST_GRID, PAIRS, check, distribution, sampler

pytestmark = pytest.mark.usefixtures("quick_compilation")

FALSE_ALARM = 1e-4
NAMES, SIZES = ("shape", "scale", "x", "y"), (3, 4, 6, 5)
GRID = np.stack(np.unravel_index(np.arange(360), SIZES), axis=1)
SPRITES = CATALOGUE["dsprites"].factor_names, CATALOGUE["dsprites"].factor_sizes

OPTIONS = {
    "iid": {},
    "correlated_pair": {"first": "scale", "second": "x", "sigma": 0.2},
    "correlated_pairs": {"pairs": [["x", "y"], ["shape", "y"]], "sigma": 0.4, "inverse": True},
    "held_out_combinations": {"held_out": [{"shape": [1], "x": [3, 4, 5]}, {"y": [0]}]},
    "random_split": {"share": 0.25, "seed": 3},
    "composition": {"on": ["scale", "x"]},
    "interpolation": {"on": ["x", "y"]},
    "extrapolation": {"on": ["x", "y"], "share": 0.4, "part": "test"},
    "differ_in_k": {"k": 2},
    "transitions": {"categorical": ["shape"]},
}


def p_value(counts, weights):
    """Of a chi-square test that the counts are draws with these weights; 0 if one of weight 0 was drawn."""
    if counts[weights == 0].any():
        return 0.0
    order = np.argsort(weights)[np.count_nonzero(weights == 0) :]
    expected, counts = weights[order] / weights.sum() * counts.sum(), counts[order]
    # The rarest outcomes are taken together, until 10 of them are expected.
    rare = np.searchsorted(np.cumsum(expected), 10)
    pooled = np.add.reduceat(expected, [0, *range(rare + 1, len(order))])
    return stats.chisquare(np.add.reduceat(counts, [0, *range(rare + 1, len(order))]), pooled).pvalue


def drawn(seed, n, name, options, names, sizes, points=None):
    index = jax.jit(lambda draws, key: draws(key, n))(
        sampler(name, options, names, sizes, points), jax.random.key(seed)
    )
    return np.asarray(index)


def weights_of(name, part=None):
    return distribution(name, OPTIONS[name] | ({"part": part} if part else {}), NAMES, SIZES)


def test_every_sampler_is_tested():
    assert set(OPTIONS) == {*DISTRIBUTIONS, *PAIRS}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_follow_the_weights(name):
    index = drawn(0, 400_000, name, OPTIONS[name], NAMES, SIZES)
    assert index.dtype == jnp.int32
    assert p_value(np.bincount(index, minlength=360), weights_of(name)) > FALSE_ALARM


@pytest.mark.parametrize("name", OPTIONS)
def test_draws_hang_on_the_key_alone(name):
    """Whether the table is an argument or a constant, for one model or for a population of three."""
    draws = sampler(name, OPTIONS[name], NAMES, SIZES)
    alone = jax.jit(lambda draws, key: draws(key, 64))
    keys = jax.random.split(jax.random.key(1), 3)
    population = jax.jit(jax.vmap(lambda key: draws(key, 64)))(keys)
    np.testing.assert_array_equal(population, [alone(draws, key) for key in keys])
    assert (population[0] != population[1]).any()


def test_iid_draws_are_those_of_randint():
    expected = jax.random.randint(jax.random.key(2), (64,), 0, 360)
    np.testing.assert_array_equal(drawn(2, 64, "iid", {}, NAMES, SIZES), expected)
    independent = OPTIONS["correlated_pair"] | {"sigma": float("inf")}
    np.testing.assert_array_equal(drawn(2, 64, "correlated_pair", independent, NAMES, SIZES), expected)


@pytest.mark.parametrize("inverse", [False, True])
def test_a_correlated_pair_lies_along_the_line(inverse):
    options = {"first": "a", "second": "b", "sigma": 0.5, "inverse": inverse}
    weights = distribution("correlated_pair", options, ("a", "b"), (2, 3)).reshape(2, 3)
    straight = np.array([[1, np.exp(-0.5), np.exp(-2)], [np.exp(-2), np.exp(-0.5), 1]])
    np.testing.assert_allclose(weights, straight[::-1] if inverse else straight)


def test_the_factors_that_are_not_correlated_stay_uniform_and_independent():
    weights = weights_of("correlated_pair").reshape(SIZES)
    np.testing.assert_allclose(weights, np.broadcast_to(weights[:1, ..., :1], SIZES))
    index = drawn(3, 100_000, "correlated_pair", OPTIONS["correlated_pair"], NAMES, SIZES)
    for column in (0, 3):
        assert stats.chisquare(np.bincount(GRID[index, column])).pvalue > FALSE_ALARM
    assert stats.pearsonr(GRID[index, 1], GRID[index, 2]).statistic > 0.8


def test_correlated_pairs_multiply():
    one, other = (
        distribution("correlated_pair", {"first": a, "second": b, "sigma": 0.4, "inverse": True}, NAMES, SIZES)
        for a, b in OPTIONS["correlated_pairs"]["pairs"]
    )
    np.testing.assert_allclose(weights_of("correlated_pairs"), one * other)


@pytest.mark.parametrize("name", [name for name in DISTRIBUTIONS if not name.startswith(("iid", "correlated"))])
def test_train_and_test_part_the_grid(name):
    train, test = weights_of(name, "train"), weights_of(name, "test")
    np.testing.assert_array_equal(train + test, 1)
    assert 0 < test.sum() < 360


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("held_out_combinations", lambda shape, scale, x, y: (shape == 1 and x >= 3) or y == 0),
        ("composition", lambda shape, scale, x, y: scale == 3 and x >= 4),
        ("interpolation", lambda shape, scale, x, y: x in (2, 3) or y in (1, 3)),
        ("extrapolation", lambda shape, scale, x, y: x >= 4 or y >= 3),
    ],
)
def test_what_is_held_out(name, held):
    np.testing.assert_array_equal(weights_of(name, "test"), [held(*point) for point in GRID])


def test_interpolation_holds_out_different_inner_values():
    for size, share in itertools.product(range(3, 60), (0.01, 0.3, 0.5, 0.9, 0.99)):
        held = np.flatnonzero(
            distribution("interpolation", {"on": ["a"], "share": share, "part": "test"}, ("a",), (size,))
        )
        assert len(held) == min(max(round(share * size), 1), size - 2)
        assert 0 < held.min() <= held.max() < size - 1


def test_recombination_to_range_on_dsprites():
    held_out = [{"shape": [1], "position_x": list(range(16, 32))}]
    options = {"held_out": held_out, "part": "test"}
    assert distribution("held_out_combinations", options, *SPRITES).sum() == 737_280 / 6


def test_a_random_split_holds_out_points_not_images():
    points = np.repeat(np.arange(360), 10)[7:]
    part = distribution("random_split", OPTIONS["random_split"] | {"part": "test"}, NAMES, SIZES, points)
    np.testing.assert_array_equal(part, weights_of("random_split", "test")[points])
    assert weights_of("random_split", "test").sum() == 90
    other = distribution("random_split", {"share": 0.25, "seed": 4, "part": "test"}, NAMES, SIZES)
    assert (other != weights_of("random_split", "test")).any()


def test_images_of_a_grid_with_holes_and_repeats():
    points = np.array([7, 7, 7, 100, 359, 42])
    weights = distribution("correlated_pair", OPTIONS["correlated_pair"], NAMES, SIZES, points)
    np.testing.assert_array_equal(weights, weights_of("correlated_pair")[points])
    index = drawn(4, 100_000, "correlated_pair", OPTIONS["correlated_pair"], NAMES, SIZES, points)
    assert p_value(np.bincount(index, minlength=6), weights) > FALSE_ALARM


RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "weights",
    [
        np.array([3.0]),
        np.ones(1000) / 7,
        np.array([0, 0, 5.0, 0]),
        (np.arange(100_000) == 5).astype(float),
        np.array([1, 1e-12]),
        10.0 ** -np.arange(13),
        np.where(RANDOM.random(10_001) < 0.5, 0, RANDOM.random(10_001)),
        RANDOM.random(737_280),
        np.exp(-20 * RANDOM.random(737_280)),
        RANDOM.pareto(0.3, 1_000_000),
    ],
    ids=["one", "equal", "zeros", "one of many", "1e-12", "powers of ten", "half zero", "dsprites", "steep", "pareto"],
)
def test_an_alias_table_is_exact(weights):
    table = alias_table(weights)
    # In integers: units of 2^-32 / N. A row that is its own alias keeps everything.
    own = np.where(table.alias == np.arange(len(weights)), 2**32, table.keep.astype(np.int64))
    mass = own.copy()
    np.add.at(mass, table.alias, 2**32 - own)
    assert (own >= 0).all()
    assert mass.sum() == 2**32 * len(weights)
    assert (mass[weights == 0] == 0).all()
    expected = weights / weights.mean() * 2**32
    np.testing.assert_allclose(mass, expected, rtol=1e-14, atol=2)
    np.testing.assert_allclose(mass[expected > 2e6], expected[expected > 2e6], rtol=1e-6)


@pytest.mark.slow
def test_no_row_is_over_or_underdrawn_for_want_of_resolution():
    weights = np.where(np.arange(737_280) % 3 == 0, 2.0, 1.0)
    number = 8_000_000
    index = jax.jit(draw, static_argnames="n")(alias_table(weights), jax.random.key(5), n=number)
    assert p_value(np.bincount(index, minlength=len(weights)), weights) > FALSE_ALARM
    # The test would notice: it fails for the 2^23 float32 uniforms put through the inverse cumulative distribution.
    cumulative = np.cumsum(weights / weights.sum()).astype(np.float32)
    coarse = np.diff(np.ceil(cumulative * 2.0**23), prepend=0)
    counts = np.random.default_rng(0).multinomial(number, coarse / coarse.sum())
    assert p_value(counts, weights) < FALSE_ALARM


def joint_of_differ_in_k(sizes, k, may_repeat=False, often_one=False):
    """The probability of each (first, second), by enumeration."""
    numbers = list(range(1, len(sizes))) if k == -1 else [k]
    chances = {number: 1 / len(numbers) for number in numbers}
    if often_one:
        chances = {number: chance / 2 for number, chance in chances.items()}
        chances[1] = chances.get(1, 0) + 0.5
    joint = np.zeros((*sizes, *sizes))
    for first in np.ndindex(*sizes):
        for number, chance in chances.items():
            subsets = list(itertools.combinations(range(len(sizes)), number))
            for subset in subsets:
                values = [
                    [v for v in range(size) if may_repeat or v != first[f]] if f in subset else [first[f]]
                    for f, size in enumerate(sizes)
                ]
                seconds = list(itertools.product(*values))
                for second in seconds:
                    joint[first + second] += chance / len(subsets) / len(seconds)
    return joint / np.prod(sizes)


def joint_of_transitions(sizes, rate, still):
    steps = []
    for size in sizes:
        p = np.array([[np.exp(-rate * abs(c - d) / np.log(size)) for d in range(size)] for c in range(size)])
        steps.append(p / p.sum(axis=1, keepdims=True))
    moving = [f for f in range(len(sizes)) if f not in still]
    joint = np.zeros((*sizes, *sizes))
    for first in np.ndindex(*sizes):
        for second in np.ndindex(*sizes):
            if all(first[f] == second[f] for f in still):
                joint[first + second] = np.prod([steps[f][first[f], second[f]] for f in moving])
        nothing, joint[first + first] = joint[first + first], 0
        for f in moving:
            for value in set(range(sizes[f])) - {first[f]}:
                second = (*first[:f], value, *first[f + 1 :])
                again = steps[f][first[f], value] / (1 - steps[f][first[f], first[f]])
                joint[first + second] += nothing / len(moving) * again
    return joint / np.prod(sizes)


SMALL = ("a", "b", "c"), (2, 4, 3)


@pytest.mark.parametrize(
    ("name", "options", "joint"),
    [
        ("differ_in_k", {"k": 1}, joint_of_differ_in_k(SMALL[1], 1)),
        slow("differ_in_k", {"k": 2}, joint_of_differ_in_k(SMALL[1], 2)),
        slow("differ_in_k", {}, joint_of_differ_in_k(SMALL[1], -1)),
        (
            "differ_in_k",
            {"k": 2, "may_repeat": True, "often_one": True},
            joint_of_differ_in_k(SMALL[1], 2, may_repeat=True, often_one=True),
        ),
        slow("transitions", {}, joint_of_transitions(SMALL[1], 1, [])),
        ("transitions", {"rate": 3, "categorical": ["b"]}, joint_of_transitions(SMALL[1], 3, [1])),
    ],
)
def test_pairs_follow_their_joint_distribution(name, options, joint):
    """Of both images: 24 x 24 outcomes."""
    assert joint.sum() == pytest.approx(1)
    index = drawn(6, 1_000_000, name, options, *SMALL).reshape(-1, 2)
    assert p_value(np.bincount(index @ [24, 1], minlength=576), joint.ravel()) > FALSE_ALARM


@pytest.mark.parametrize("k", [1, 2, 3])
def test_pairs_differ_in_exactly_k_factors(k):
    index = drawn(7, 2000, "differ_in_k", {"k": k}, NAMES, SIZES).reshape(-1, 2)
    np.testing.assert_array_equal((GRID[index[:, 0]] != GRID[index[:, 1]]).sum(axis=1), k)


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_at_consecutive_places(name):
    factors = jax.jit(lambda key: PAIRS[name](key, 32, SIZES, NAMES))(jax.random.key(8))
    assert factors.shape == (32, 2, 4)
    assert factors.dtype == jnp.int32
    index = drawn(8, 64, name, {}, NAMES, SIZES)
    np.testing.assert_array_equal(GRID[index].reshape(32, 2, 4), factors)


def test_transitions_of_dsprites_leave_the_shape_and_stay_near():
    index = drawn(9, 100_000, "transitions", {"categorical": ["shape"]}, *SPRITES)
    first, second = (np.stack(np.unravel_index(part, SPRITES[1]), axis=1) for part in (index[::2], index[1::2]))
    np.testing.assert_array_equal(first[:, 0], second[:, 0])
    assert ((first != second).sum(axis=1) >= 1).all()
    far, near = (np.mean(np.abs(second - first)[:, 3] == step) for step in (5, 1))
    # exp(4 / log 32) = 3.2 in the middle, 3.6 with the borders, where fewer values are 5 away than 1.
    assert near / far == pytest.approx(3.6, rel=0.1)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("correlated_pear", {}, "did you mean 'correlated_pair'"),
        ("difer_in_k", {}, "did you mean 'differ_in_k'"),
        ("correlated_pair", {"frist": "x"}, "did you mean 'first'"),
        ("correlated_pair", {"first": "x", "sigma": 1}, "no value for second"),
        ("correlated_pair", {"first": "x", "second": "scal", "sigma": 1}, "did you mean 'scale'"),
        ("correlated_pair", {"first": "x", "second": "x", "sigma": 1}, "named twice"),
        ("correlated_pair", {"first": "x", "second": "y", "sigma": 0}, "expected float .above 0"),
        ("correlated_pair", {"first": "x", "second": "y", "sigma": float("nan")}, "expected float .above 0"),
        ("correlated_pair", {"first": "x", "second": "y", "sigma": "0.1"}, "expected float"),
        ("correlated_pairs", {"pairs": ["x", "y"], "sigma": 1}, "expected two factors"),
        ("held_out_combinations", {"held_out": [{"shap": [0]}]}, "did you mean 'shape'"),
        ("held_out_combinations", {"held_out": [{"shape": [3]}]}, "values are 0 to 2"),
        ("held_out_combinations", {"held_out": [{"shape": ["heart"]}]}, "values are 0 to 2"),
        ("held_out_combinations", {"held_out": [{"shape": 1}]}, "expected a list"),
        ("held_out_combinations", {"held_out": [{}]}, "factor: list of values"),
        ("held_out_combinations", {"held_out": {"shape": [1]}}, "expected a list"),
        ("held_out_combinations", {"held_out": [{"shape": [0, 1, 2]}]}, "leaves no image"),
        ("held_out_combinations", {"held_out": [], "part": "test"}, "leaves no image"),
        ("held_out_combinations", {"held_out": [], "part": "tset"}, "did you mean 'test'"),
        ("random_split", {"share": 1}, "expected float .above 0, below 1"),
        ("extrapolation", {"on": []}, "on is empty"),
        ("extrapolation", {"on": ["x", "x"]}, "named twice"),
        ("extrapolation", {"on": "x"}, "expected a list"),
        ("extrapolation", {"on": ["x"], "share": -0.5}, "expected float .above 0, below 1"),
        ("composition", {"on": ["x"]}, "two factors or more"),
        ("differ_in_k", {"k": 4}, "differ in 1 to 3"),
        ("differ_in_k", {"k": True}, "expected int"),
        ("transitions", {"rate": 0}, "expected float .above 0"),
        ("transitions", {"categorical": ["shape", "scale", "x", "y"]}, "none can change"),
        ("transitions", {"categorical": ["sape"]}, "did you mean 'shape'"),
    ],
)
def test_bad_options_are_an_error_of_one_line(name, options, message):
    with pytest.raises(ValueError, match=message) as error:
        check(name, options, NAMES, SIZES)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=message):
        drawn(0, 2, name, options, NAMES, SIZES)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("correlated_pair", {"first": "a", "second": "b", "sigma": 1}, "'b' has one value"),
        ("interpolation", {"on": ["a"]}, "'a' has 2 values: too few"),
        ("extrapolation", {"on": ["b"]}, "'b' has 1 values: too few"),
        ("differ_in_k", {}, "'b' has one value"),
    ],
)
def test_factors_of_too_few_values_are_an_error(name, options, message):
    with pytest.raises(ValueError, match=message):
        check(name, options, ("a", "b"), (2, 1))


def test_a_factor_of_one_value_makes_no_transition():
    index = drawn(0, 200, "transitions", {}, ("a", "b"), (2, 1))
    np.testing.assert_array_equal(index[1::2], 1 - index[::2])


def test_pairs_need_a_complete_grid_and_an_even_batch():
    with pytest.raises(ValueError, match="one image at each point"):
        sampler("differ_in_k", {}, NAMES, SIZES, np.arange(100))
    with pytest.raises(ValueError, match="size must be even"):
        drawn(0, 63, "differ_in_k", {}, NAMES, SIZES)
    with pytest.raises(ValueError, match="size must be even"):
        check("transitions", {}, NAMES, SIZES, batch_size=63)
    with pytest.raises(ValueError, match="draws pairs"):
        distribution("transitions", {}, NAMES, SIZES)


@pytest.mark.parametrize("name", OPTIONS)
def test_good_options_pass_the_check(name):
    check(name, OPTIONS[name], NAMES, SIZES, batch_size=64)


def test_checking_starts_no_device():
    program = (
        "from disentanglement_study.data.draws.sampling import check\n"
        "from jax._src import xla_bridge\n"
        "for name, options in [('differ_in_k', {}), ('transitions', {}), ('random_split', {})]:\n"
        "    check(name, options, ('a', 'b'), (3, 4))\n"
        "print(xla_bridge.backends_are_initialized())"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_of_a_grid_too_large_to_be_listed_names_and_values_are_checked():
    sizes = (2048, 2048, 2)
    assert np.prod(sizes) > LARGEST_GRID
    names = ("row", "column", "shade")
    check("correlated_pair", {"first": "row", "second": "column", "sigma": 0.1}, names, sizes)
    with pytest.raises(ValueError, match="unknown factor 'colum': did you mean 'column'"):
        check("correlated_pair", {"first": "row", "second": "colum", "sigma": 0.1}, names, sizes)
    with pytest.raises(ValueError, match="3000"):
        check("held_out_combinations", {"held_out": [{"row": [3000]}]}, names, sizes)


@pytest.mark.parametrize("sizes", [(20,) * 10, (20,) * 20])
def test_a_grid_that_is_too_large_to_be_split_is_refused_in_a_line(sizes):
    names = tuple(f"source_{i}" for i in range(len(sizes)))
    with pytest.raises(
        ValueError, match=r"'random_split' splits the grid .* has [\d,]+ points: expected at most 67,108,"
    ):
        check("random_split", {}, names, sizes, num_points=600)
