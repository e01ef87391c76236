"""Training: each objective against a plain loop, and what a result may not depend on."""

import dataclasses
import functools
from unittest import mock

import jax
import jax.numpy as jnp
import learners
import numpy as np
import pytest
from chosen import some_of
from scipy.stats import chisquare

from disentanglement_study import methods, rng
from disentanglement_study.config import NetConfig, TrainConfig
from disentanglement_study.data.draws.sampling import distribution
from disentanglement_study.methods.gradient import adversarial, by_gradient, optimiser_of, tf_adam
from disentanglement_study.methods.vae import build_nets, num_updates
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.training.inputs import to_float
from disentanglement_study.training.programs import Member
from disentanglement_study.types import DataSet, Objective

SEEDS = (2, 7, 1)
STEPS = 10
TRAIN = TrainConfig(steps=STEPS, batch_size=8, learning_rate=1e-3, discriminator_learning_rate=2e-3)
MLP = NetConfig(
    image_size=8,
    num_latents=3,
    encoder="mlp",
    decoder="mlp",
    encoder_options={"widths": (8,)},
    decoder_options={"widths": (8,)},
    discriminator_options={"widths": (8,)},
)
CONV = NetConfig(
    image_size=16,
    num_latents=3,
    encoder_options={"channels": (4, 6), "kernels": (4, 2), "hidden": 8},
    decoder_options={"channels": (6, 4), "hidden": 8},
)
NETS = {"mlp": MLP, "conv": CONV}

objectives = pytest.mark.parametrize("name", OBJECTIVES)


pytestmark = pytest.mark.usefixtures("quick_compilation")


@functools.cache
def squares():
    """A square of two sizes at ten by ten places; one byte a pixel, scaled to 255 by `render`."""
    size, row, column = np.unravel_index(np.arange(200), (2, 10, 10))
    from_start = np.arange(16) - np.stack([row, column])[:, :, None]
    rows, columns = (from_start >= 0) & (from_start < 3 + 3 * size[:, None])
    storage = (rows[:, :, None] & columns[:, None, :]).astype(np.uint8)
    names = ("size", "row", "column")
    render = lambda storage, index, keys: storage[index][..., None] * 255  # noqa: E731
    return DataSet("squares", names, (2, 10, 10), (16, 16, 1), storage, render)


def hyper_of(name, seed):
    """Hyperparameters of an objective, others for every seed."""
    return {hyper: 1.5 + 0.5 * i + 0.25 * seed for i, hyper in enumerate(OBJECTIVES[name].hyper)}


def backend(vmapped):
    """Makes a population advance by `vmap`, as on a GPU, or take turns, as on a CPU, in what is traced under it."""
    return mock.patch.object(jax, "default_backend", return_value="gpu" if vmapped else "cpu")


@functools.cache
def trainer_of(name, vmapped=False):
    with backend(vmapped):
        return learners.trainer_of(name, squares(), MLP, TRAIN)


@functools.cache
def start_of(seeds):
    return jax.device_get(trainer_of("factor_vae").init(jnp.array(seeds)).state[0])


def started(name, seeds):
    """Members before their first step, of any objective with the one compiled `init`."""
    params = {group: start_of(seeds)[group] for group in OBJECTIVES[name].trains}
    return Member((params, moments_of(name, params)), jnp.array(seeds), *counters(len(seeds)))


def moments_of(name, params, settings=TRAIN):
    """The state of the optimiser of a population before its first step."""
    objective = OBJECTIVES[name]
    rule = adversarial(settings, settings.steps, objective.trains, objective.adversary)
    return jax.vmap(rule.init)(params)


def params_of(members):
    return members.state[0]


def counters(models):
    """Of models before their first step: the step, and that none has diverged."""
    return np.zeros(models, np.int32), np.full(models, -1, np.int32)


def advanced(name, seeds, *, hyper=None, calls=1, vmapped=False):
    """Members and their loss terms {name: [calls, M]} after `calls` times ten steps; three seeds share a program."""
    members = started(name, seeds)
    hyper = hyper or [hyper_of(name, seed) for seed in seeds]
    stacked = {key: jnp.array([h[key] for h in hyper], jnp.float32) for key in OBJECTIVES[name].hyper}
    trainer, terms = trainer_of(name, vmapped), []
    with backend(vmapped):
        for _ in range(calls):
            members, sums = trainer.advance(members, stacked, trainer.source, num_steps=STEPS)
            terms.append({term: value / STEPS for term, value in jax.device_get(sums).items()})
    return jax.device_get(members), {term: np.array([means[term] for means in terms]) for term in terms[0]}


@functools.cache
def ten_steps(name):
    return advanced(name, SEEDS)


def member(tree, position):
    return jax.tree.map(lambda leaf: leaf[position], tree)


def assert_same(ours, theirs, atol=0.0, rtol=0.0):
    pairs = zip(jax.tree_util.tree_leaves_with_path(ours), jax.tree.leaves(theirs), strict=True)
    for (path, mine), other in pairs:
        np.testing.assert_allclose(mine, other, atol=atol, rtol=rtol, err_msg=str(path))


def tf1_adam(param, gradient, moments, count, rate, b1, b2, epsilon):
    """One step of Adam as TensorFlow 1 documents it, in float64: the parameter and its two moments."""
    gradient = np.asarray(gradient, np.float64)
    m, v = b1 * moments[0] + (1 - b1) * gradient, b2 * moments[1] + (1 - b2) * gradient**2
    rate = rate * np.sqrt(1 - b2**count) / (1 - b1**count)
    return param - rate * m / (np.sqrt(v) + epsilon), (m, v)


@pytest.mark.parametrize("settings", [(1e-4, 0.9, 0.999, 1e-8), (1e-4, 0.5, 0.9, 1e-8), (1e-2, 0.9, 0.999, 1e-2)])
def test_adam_is_tensorflows(settings):
    draws = np.random.default_rng(0)
    adam = tf_adam(*settings)
    state, update = adam.init(jnp.zeros(5)), jax.jit(adam.update)
    ours = theirs = np.zeros(5)
    moments = (0.0, 0.0)
    for count in range(1, 21):
        gradient = draws.normal(scale=10.0 ** draws.uniform(-6, 2), size=5).astype(np.float32)
        updates, state = update(gradient, state)
        ours = ours + np.asarray(updates, np.float64)
        theirs, moments = tf1_adam(theirs, gradient, moments, count, *settings)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * settings[0] * count)


def test_each_group_has_its_own_adam():
    settings = TrainConfig(learning_rate=1e-3, discriminator_learning_rate=5e-3)
    groups = ("encoder", "decoder", "discriminator")
    params = {group: jnp.zeros(2) for group in groups}
    together = adversarial(settings, 3, OBJECTIVES["factor_vae"].trains, "discriminator")
    vae, discriminator = tf_adam(1e-3, 0.9, 0.999, 1e-8), tf_adam(5e-3, 0.5, 0.9, 1e-8)
    states = {group: (discriminator if group == "discriminator" else vae).init(jnp.zeros(2)) for group in groups}
    state = together.init(params)
    for gradient in ([1.0, -2.0], [3.0, 0.5], [-0.2, 0.1]):
        updates, state = together.update(dict.fromkeys(groups, jnp.array(gradient)), state, params)
        for group in groups:
            adam = discriminator if group == "discriminator" else vae
            expected, states[group] = adam.update(jnp.array(gradient), states[group])
            np.testing.assert_allclose(updates[group], expected, rtol=1e-6)


def of_constant_gradients(train, updates):
    """What each of `updates` updates adds to a parameter whose gradient is 1."""
    rule, given = optimiser_of(train, updates), jnp.ones(())
    state, added = rule.init(given), []
    for _ in range(updates):
        change, state = rule.update(given, state, given)
        added.append(float(change))
    return np.array(added)


def test_what_is_kept_of_a_model_may_be_the_moving_average_of_its_parameters():
    train = TrainConfig(learning_rate=1.0, optimiser="sgd", momentum=0.0)
    loss = lambda params, batch, key, hyper: (params["one"]["w"], {})  # noqa: E731
    init = {"one": lambda key: {"w": jnp.float32(0)}}
    learn = by_gradient(loss, init, optimiser_of(train, 3), 3, average=0.75)
    state = learn.init(0)
    for _ in range(3):
        state, _ = learn.step(state, {}, jax.random.key(0), {})
    # w is -1, -2, -3, and the average of them and of the first, 0, is ((0 · 3 - 1) / 4 · 3 - 2) / 4 · 3 / 4 - 3 / 4.
    np.testing.assert_allclose(learn.params(state)["one"]["w"], (-0.25 * 0.75 - 0.5) * 0.75 - 0.75)


def test_optimisers_and_schedules_are_what_their_names_say():
    sgd = dataclasses.replace(TrainConfig(), learning_rate=0.5, optimiser="sgd", momentum=0.5)
    # v_n = v_{n-1} / 2 + 1: 1, 1.5, 1.75, 1.875, and Adam with a constant gradient moves by the learning rate.
    np.testing.assert_allclose(of_constant_gradients(sgd, 4), -0.5 * np.array([1, 1.5, 1.75, 1.875]))
    adam = TrainConfig(learning_rate=0.01)
    for schedule, shares in (
        ("constant", [1, 1, 1, 1]),
        ("step", [1, 1, 0.1, 0.1]),
        ("linear", [1, 0.75, 0.5, 0.25]),
        ("cosine", (1 + np.cos(np.pi * np.arange(4) / 4)) / 2),
    ):
        scheduled = dataclasses.replace(adam, schedule=schedule)
        np.testing.assert_allclose(of_constant_gradients(scheduled, 4), -0.01 * np.array(shares), rtol=1e-4)
    # It rises over 2 of 20 updates, then falls as a cosine over 18.
    warm = dataclasses.replace(adam, schedule="warmup_cosine")
    shares = [0, 0.5, *(1 + np.cos(np.pi * np.arange(18) / 18)) / 2]
    np.testing.assert_allclose(of_constant_gradients(warm, 20), -0.01 * np.array(shares), rtol=1e-4, atol=1e-9)
    # Squares start at 0.1, and 1 is added in each update.
    adagrad = dataclasses.replace(adam, optimiser="adagrad")
    np.testing.assert_allclose(
        of_constant_gradients(adagrad, 4), -0.01 / np.sqrt(0.1 + np.array([1, 2, 3, 4])), rtol=1e-5
    )
    # With an ε as large as the first gradient, the two forms of Adam differ by where it is added.
    large = dataclasses.replace(adam, optimiser="adam", epsilon=1.0)
    np.testing.assert_allclose(of_constant_gradients(large, 1), -0.01 / 2, rtol=1e-5)
    tensorflow = -0.01 * 0.1 / (np.sqrt(0.001) + 1) * np.sqrt(0.001) / 0.1
    np.testing.assert_allclose(
        of_constant_gradients(dataclasses.replace(large, optimiser="tf_adam"), 1), tensorflow, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("name", "protocol", "steps", "expected"),
    [
        ("beta_vae", "dlib", 300_000, 300_000),
        ("beta_vae", "paper", 300_000, 300_000),
        ("factor_vae", "dlib", 300_000, 150_000),
        ("factor_vae", "paper", 300_000, 300_000),
        ("factor_vae", "dlib", 1, 1),
    ],
)
def test_factor_vae_gets_half_the_updates_under_protocol_dlib(name, protocol, steps, expected):
    assert num_updates(TrainConfig(steps=steps), OBJECTIVES[name], protocol) == expected


@pytest.mark.parametrize(("size", "shape"), [(8, (5, 16, 16, 3)), (4, (5, 16, 8, 1)), (16, (5, 16, 16, 1))])
def test_images_are_averaged_down_and_lie_in_0_to_1(size, shape):
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    b, height, width, colours = shape
    blocks = images.reshape(b, size, height // size, size, width // size, colours) / 255
    ours = np.asarray(to_float(jnp.asarray(images), size))
    np.testing.assert_allclose(ours, blocks.mean(axis=(2, 4)), atol=1e-6)
    white = to_float(jnp.full(shape, 255, jnp.uint8), size)
    assert np.asarray(white).max() <= 1
    assert ours.dtype == np.float32


def test_parameters_start_from_the_seed_and_not_from_the_place_in_the_population():
    one, moved = start_of(SEEDS), start_of(SEEDS[::-1])
    assert_same(member(one, 0), member(moved, 2))
    for path, kernel in jax.tree_util.tree_leaves_with_path(one):
        if "kernel" in str(path[-1]):
            assert np.abs(kernel[0] - kernel[1]).min() > 0, path


@functools.cache
def gradients_of(name, net):
    """The compiled gradients and loss terms of one model: (parameters, batch, key, hyper) -> gradients, terms."""
    functions, _ = build_nets(methods.inputs_of((16, 16, 1), (), NETS[net].image_size), NETS[net])

    def loss_and_terms(params, batch, key, hyper):
        loss, terms = OBJECTIVES[name].loss(functions, params, batch, key, hyper)
        return loss, {"loss": loss, **terms}

    return jax.jit(jax.grad(loss_and_terms, has_aux=True))


def drawn_batch(key, size):
    """Images of `size` pixels by NumPy, at the rows of the grid that the key names."""
    index = np.asarray(jax.random.randint(key, (TRAIN.batch_size,), 0, squares().num_images))
    pixels = squares().images(index).reshape(-1, size, 16 // size, size, 16 // size, 1) / 255
    return pixels.mean(axis=(2, 4)).astype(np.float32)


def plain_loop(name, net, params, seed, steps):
    """Trains one model with a Python loop, NumPy images and `tf1_adam`; the parameters and the means of the terms."""
    moments = jax.tree.map(lambda _: (0.0, 0.0), params)
    history = []
    for step in range(steps):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), rng.stable_hash("train")), step)
        key_batch, key_loss = jax.random.split(key)
        batch = drawn_batch(key_batch, NETS[net].image_size)
        gradients, terms = gradients_of(name, net)(params, batch, key_loss, {**hyper_of(name, seed), "step": step})

        def update(path, param, gradient, moments, count=step + 1):
            settings = (2e-3, 0.5, 0.9, 1e-8) if path[0].key == "discriminator" else (1e-3, 0.9, 0.999, 1e-8)
            return tf1_adam(param, gradient, moments, count, *settings)

        both = jax.tree_util.tree_map_with_path(update, params, gradients, moments)
        params = jax.tree.map(lambda _, pair: pair[0].astype(np.float32), params, both)
        moments = jax.tree.map(lambda _, pair: pair[1], params, both)
        history.append(terms)
    return params, {term: np.mean([terms[term] for terms in history]) for term in history[0]}


@pytest.mark.parametrize("name", some_of(sorted(OBJECTIVES, key=["beta_vae", "factor_vae", *OBJECTIVES].index), 2))
def test_ten_steps_equal_those_of_a_plain_loop(name):
    members, terms = ten_steps(name)
    params, means = plain_loop(name, "mlp", member(params_of(started(name, SEEDS)), 1), SEEDS[1], STEPS)
    assert_same(member(params_of(members), 1), params, atol=1e-5)
    assert set(terms) == set(means)
    for term, mean in means.items():
        np.testing.assert_allclose(terms[term][0][1], mean, rtol=1e-4, atol=1e-6, err_msg=term)
    np.testing.assert_array_equal(members.step, STEPS)
    np.testing.assert_array_equal(members.seed, SEEDS)


@pytest.mark.parametrize("name", ["beta_vae", "factor_vae"])
def test_a_result_depends_neither_on_the_other_members_nor_on_their_order(name):
    members, terms = ten_steps(name)
    elsewhere, other_terms = advanced(name, (SEEDS[2], 11, SEEDS[0]))
    for here, there in ((0, 2), (2, 0)):
        assert_same(member(elsewhere, there), member(members, here))
        for term, values in terms.items():
            np.testing.assert_array_equal(other_terms[term][:, there], values[:, here])


def test_seeds_differ_in_all_that_is_random():
    members, terms = advanced("beta_vae", SEEDS, hyper=[{"beta": 2.0}] * 3)
    assert len(np.unique(terms["reconstruction_loss"])) == 3
    for path, leaf in jax.tree_util.tree_leaves_with_path(params_of(members)):
        assert np.abs(leaf[0] - leaf[1]).max() > 0, path
    # From one start, batches and noise alone tell seeds apart.
    start = started("beta_vae", (2, 2, 2))._replace(seed=jnp.array(SEEDS))
    hyper = {"beta": jnp.full(3, 2, jnp.float32)}
    _, terms = trainer_of("beta_vae").advance(start, hyper, trainer_of("beta_vae").source, num_steps=STEPS)
    assert len(np.unique(terms["reconstruction_loss"])) == 3


def test_strengths_of_a_population_are_its_members_own():
    members, _ = advanced("beta_vae", (2, 2, 2), hyper=[{"beta": 1.0}, {"beta": 8.0}, {"beta": 1.0}])
    assert_same(member(members, 0), member(members, 2))
    kernel = params_of(members)["encoder"]["mean"]["kernel"]
    assert np.abs(kernel[0] - kernel[1]).max() > 0


@pytest.mark.parametrize("vmapped", [False, True], ids=["map", "vmap"])
def test_a_member_that_diverges_leaves_the_others_as_they_are(vmapped):
    sound = [hyper_of("factor_vae", seed) for seed in SEEDS]
    expected, expected_terms = advanced("factor_vae", SEEDS, hyper=sound, vmapped=vmapped)
    members, terms = advanced("factor_vae", SEEDS, hyper=[sound[0], {"gamma": float("inf")}, sound[2]], vmapped=vmapped)
    assert not np.isfinite(params_of(members)["encoder"]["mean"]["kernel"][1]).any()
    np.testing.assert_array_equal(members.diverged, [-1, 0, -1])
    assert np.isfinite(expected_terms["loss"]).all()
    for sane in (0, 2):
        assert_same(member(members, sane), member(expected, sane))
        for term, values in terms.items():
            np.testing.assert_array_equal(values[:, sane], expected_terms[term][:, sane])


def test_a_vmapped_population_equals_one_that_takes_turns():
    (members, terms), (vmapped, vmapped_terms) = ten_steps("factor_vae"), advanced("factor_vae", SEEDS, vmapped=True)
    assert_same(vmapped, members, atol=1e-5, rtol=1e-4)
    assert_same(vmapped_terms, terms, atol=1e-5, rtol=1e-4)


def test_a_vmapped_population_of_convolutional_nets_equals_plain_loops():
    with backend(vmapped=True):
        trainer = learners.trainer_of("beta_vae", squares(), CONV, TRAIN)
        draws = np.random.default_rng(0)
        shapes, _ = jax.eval_shape(trainer.learn.init, 0)
        params = jax.tree.map(lambda leaf: draws.normal(scale=0.2, size=(2, *leaf.shape)).astype(np.float32), shapes)
        state = params, moments_of("beta_vae", params)
        start = Member(state, np.array(SEEDS[:2], np.int32), *counters(2))
        hyper = {"beta": jnp.array([hyper_of("beta_vae", seed)["beta"] for seed in SEEDS[:2]])}
        members, sums = trainer.advance(start, hyper, trainer.source, num_steps=3)
    for position, seed in enumerate(SEEDS[:2]):
        expected, means = plain_loop("beta_vae", "conv", member(params, position), seed, 3)
        assert_same(member(params_of(members), position), expected, atol=1e-5)
        for term, mean in means.items():
            np.testing.assert_allclose(sums[term][position] / 3, mean, rtol=1e-5)


CORRELATED = {"first": "row", "second": "column", "sigma": 0.4}
HELD_OUT = {"on": ["column"], "share": 0.5}


@pytest.mark.parametrize(
    ("sampling", "options"), [("iid", {}), ("correlated_pair", CORRELATED), ("extrapolation", HELD_OUT)]
)
def test_images_are_drawn_as_the_sampler_says_and_anew_at_every_step(monkeypatch, sampling, options):
    size, names, sizes = 24, ("row", "column"), (4, 6)
    storage = np.arange(size, dtype=np.uint8).reshape(size, 1, 1, 1)
    grid = DataSet("grid", names, sizes, (1, 1, 1), storage, lambda storage, index, keys: storage[index])

    def counts(nets, params, batch, rng, hyper):
        drawn = jnp.round(batch.ravel() * 255)
        terms = {f"count_{value}": jnp.mean(drawn == value) for value in range(size)}
        return jnp.sum(params["encoder"]["mean"]["bias"]), {**terms, "mean": jnp.mean(drawn)}

    monkeypatch.setitem(OBJECTIVES, "counts", Objective(counts, hyper=("none",), trains=("encoder",)))
    settings = TrainConfig(batch_size=50, sampling=sampling, sampling_options=options)
    trainer = learners.trainer_of("counts", grid, dataclasses.replace(MLP, image_size=1), settings)
    params = {"encoder": {"mean": {"bias": jnp.zeros((3, 3))}}}
    members = Member((params, moments_of("counts", params, settings)), jnp.array(SEEDS), *counters(3))
    hyper = {"none": jnp.zeros(3)}
    means, observed = [], np.zeros((size, 3))
    for _ in range(20):
        members, sums = trainer.advance(members, hyper, trainer.source, num_steps=20)
        means.append(np.asarray(sums["mean"]) / 20)
        observed += 50 * np.array([sums[f"count_{value}"] for value in range(size)])
    wanted = distribution(sampling, options, names, sizes)
    wanted /= wanted.sum()
    there = wanted > 0
    for position in range(3):
        counted = observed[:, position].round()
        assert counted.sum() == counted[there].sum() == 20 * 20 * 50
        assert chisquare(counted[there], 20 * 20 * 50 * wanted[there]).pvalue > 1e-4
    assert len(np.unique(np.round(means, 4))) > 50  # of 60: neither seeds nor calls see the same batches
    # Steps within a call are independent draws: a mean over 20 steps of 50 spreads as one over 1000 draws does.
    values = np.arange(size)
    expected = np.sqrt((wanted @ values**2 - (wanted @ values) ** 2) / 1000)
    assert 0.7 * expected < np.std(means) < 1.4 * expected


@objectives
def test_a_short_training_lowers_the_reconstruction_loss_and_moves_every_parameter(name):
    members, terms = advanced(name, SEEDS, calls=30)
    losses = terms["reconstruction_loss"]
    assert np.isfinite(terms["loss"]).all()
    assert (losses[-5:].mean(axis=0) < 0.8 * losses[0]).all(), losses[:, 0]
    start = params_of(started(name, SEEDS))
    for (path, now), before in zip(
        jax.tree_util.tree_leaves_with_path(params_of(members)), jax.tree.leaves(start), strict=True
    ):
        assert (np.abs(now - before).max(axis=tuple(range(1, now.ndim))) > 1e-3).all(), path


def losses_after_ten_steps(name, batches):
    stacked = {key: jnp.array([hyper_of(name, seed)[key] for seed in SEEDS]) for key in OBJECTIVES[name].hyper}
    return trainer_of(name).losses(ten_steps(name)[0], stacked, trainer_of(name).source, num_batches=batches)


def test_losses_are_means_over_fresh_batches_at_the_final_step():
    name = "annealed_vae"  # its loss depends on the step
    params, hyper = member(params_of(ten_steps(name)[0]), 1), {**hyper_of(name, SEEDS[1]), "step": STEPS}
    history = []
    for key in jax.random.split(jax.random.fold_in(jax.random.key(SEEDS[1]), rng.stable_hash("losses")), 4):
        key_batch, key_loss = jax.random.split(key)
        history.append(gradients_of(name, "mlp")(params, drawn_batch(key_batch, 8), key_loss, hyper)[1])
    ours = losses_after_ten_steps(name, 4)
    assert set(ours) == set(history[0])
    for term, values in ours.items():
        np.testing.assert_allclose(values[1], np.mean([terms[term] for terms in history]), rtol=1e-5, err_msg=term)
