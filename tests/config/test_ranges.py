"""All that can be wrong in a sweep is found by planning it, in one line that gives the allowed range."""

import dataclasses
import hashlib
import inspect
import random
import re
import typing
from collections.abc import Iterator

import numpy as np
import pytest

from disentanglement_study import config
from disentanglement_study.config.declared import check, words
from disentanglement_study.data import COMPUTED
from disentanglement_study.data.draws.sampling import DISTRIBUTIONS, PAIRS
from disentanglement_study.methods import METHODS
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import metric_options
from disentanglement_study.nets import DECODERS, ENCODERS
from disentanglement_study.nets.mlp import Discriminator
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.study import components, plan
from disentanglement_study.study.components import KINDS

# Two small nets, built again for each binding: quick to plan.
TINY = """
sweep.data_sets = ['cars3d']
sweep.methods = {'beta_vae': {'beta': [1, 4]}}
sweep.seeds = 2
nets.image_size = 16
nets.encoder = 'mlp'
nets.decoder = 'mlp'
nets.encoder_options = {'widths': [8]}
nets.decoder_options = {'widths': [8]}
nets.discriminator_options = {'widths': [8]}
"""

# The settings of quick may change; these are the ones whose run ids are known.
QUICK = [
    "nets.image_size = 16",
    "nets.encoder_options = {'widths': [128, 128]}",
    "nets.decoder_options = {'widths': [128, 128]}",
    "nets.discriminator_options = {'widths': [64, 64, 64]}",
    "train.steps = 2000",
    "train.learning_rate = 1e-3",
    "train.discriminator_learning_rate = 1e-3",
    "train.batch_size = 64",
    "sweep.methods = {'beta_vae': {'beta': [1, 3, 8]}, 'factor_vae': {'gamma': [5, 20, 50]}, "
    "'dip_vae_i': {'lambda_od': [1, 5, 20], 'lambda_d_factor': 10}, "
    "'dip_vae_ii': {'lambda_od': [1, 5, 20], 'lambda_d_factor': 1}, 'beta_tc_vae': {'beta': [2, 5, 10]}, "
    "'annealed_vae': {'c_max': [5, 10, 25], 'gamma': 100, 'iteration_threshold': 1000}}",
    "sweep.seeds = 2",
    "evaluate.options = {}",
]


def expand(text: str):
    return plan.expand(components.load(TINY + text + "\n"))


@pytest.mark.parametrize(
    ("sweep", "number", "digest"),
    [("quick", 36, "6989d65e77a42450"), ("locatello2019", 12_600, "9df6b03752a5272a")],
)
def test_the_run_ids_of_the_bundled_sweeps_are_those_that_studies_have(sweep, number, digest):
    study = components.load(sweep, QUICK if sweep == "quick" else ())
    runs = plan.expand(study)
    assert len(runs) == number
    assert hashlib.sha256(",".join(run.run_id for run in runs).encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.batch_size = 0", "train.batch_size = 0: expected int (1 or more, at most 1048576)"),
        ("train.discriminator_beta1 = -2147483649", "expected float (0 or more, below 1)"),
        ("train.beta2 = 1", "train.beta2 = 1: expected float (0 or more, below 1)"),
        ("train.learning_rate = 0", "expected float (above 0, at most 1000000.0)"),
        ("train.steps = 2147483648", "at most 2147483647"),
        ("nets.num_latents = 2147483648", "nets.num_latents = 2147483648: expected int (1 or more, at most 4096)"),
        ("sweep.seeds = 10000000000000", "sweep.seeds = 10000000000000: expected int (1 or more, at most 1000000)"),
        ("sweep.seeds = [-1]", "sweep.seeds = [-1]: expected"),
        ("sweep.seeds = 600000", "the sweep names 1,200,000 runs: expected at most 1,000,000"),
        ("sweep.data_sets = []", "sweep.data_sets is empty: at least one data set is needed"),
        ("evaluate.metrics = []", "evaluate.metrics is empty: at least one metric is needed"),
        ("sweep.methods = 3", "sweep.methods = 3: expected a list of names, or a dictionary with names as keys"),
        ("sweep.seeds = 'a'", "expected int (1 or more, at most 1000000) or a list of int (0 or more"),
        ("sweep.axes = {'nets.num_latents': 3}", "expected a dictionary of lists"),
        ("evaluate.options = {'mig': 3}", "expected a dictionary of dictionaries"),
        ("evaluate.representations = 3", "expected a list of 'mean', 'sampled', 'abs' or 'square' (1 value or more)"),
        ("nets.encoder = 3", "nets.encoder = 3: expected a string"),
        ("evaluate.metrics = ['mig', 'mig']", "evaluate.metrics names 'mig' twice"),
        ("evaluate.representations = []", "evaluate.representations is empty: at least one representation is needed"),
        ("evaluate.representations = ['meen']", "did you mean 'mean'"),
        ("evaluate.num_train = 0", "evaluate.num_train = 0: expected int (1 or more, at most 1048575)"),
        ("evaluate.table_rows = 1", "evaluate.table_rows = 1: expected int (2 or more"),
        ("evaluate.table_rows = 12000", "evaluate.num_train + evaluate.num_test = 15000: expected at most 12000"),
        (
            "evaluate.table_rows = 9999\nevaluate.metrics = ['mig']",
            "evaluate.num_train = 10000: expected at most 9999, the points of cars3d",
        ),
        (
            "sweep.data_sets = ['dsprites']\nevaluate.sampling = 'extrapolation'\nevaluate.num_train = 300000\n"
            "evaluate.sampling_options = {'on': ['shape'], 'part': 'test'}",
            "evaluate.num_train + evaluate.num_test = 305000: expected at most 245760, the points of dsprites",
        ),
        ("evaluate.num_train = 5", "train_sizes = (10, 100, 1000, 10000): expected one of at most 5"),
        ("resources.job_size = 0", "resources.job_size = 0: expected int (1 or more)"),
        ("resources.num_gpus = 1.5", "resources.num_gpus = 1.5: expected a share of one (0 to 1) or a whole number"),
        ("resources.tpu = -1", "resources.tpu = -1: expected float (0 or more"),
        ("sweep.methods = {'beta_vae': {'beta': -1}}", "beta_vae.beta = -1: expected float (0 or more)"),
        ("sweep.methods = {'factor_vae': {'gamma': [1, -0.5]}}", "factor_vae.gamma = -0.5: expected float (0 or"),
        (
            "sweep.methods = {'annealed_vae': {'c_max': 1, 'gamma': 1, 'iteration_threshold': 0}}",
            "annealed_vae.iteration_threshold = 0: expected float (above 0)",
        ),
        ("evaluate.options = {'mig': {'num_bins': 1}}", "metric 'mig': num_bins = 1: expected int (2 or more"),
        ("evaluate.options = {'mig': {'num_bins': 2.5}}", "metric 'mig': num_bins = 2.5: expected int"),
        ("evaluate.options = {'mig': {'num_bins': True}}", "metric 'mig': num_bins = True: expected int"),
        ("evaluate.options = {'dci': {'backend': 'exakt'}}", "(one of exact, sklearn) (did you mean 'exact'?)"),
        ("evaluate.options = {'irs': {'quantile': 1.01}}", "1.01: expected float (0 or more, at most 1) or None"),
        ("evaluate.options = {'irs': {'num_bins': 1}}", "1: expected 0, int (2 or more, at most 100000) or None"),
        ("evaluate.options = {'rmig': {'limits': [4, -4]}}", "expected [float, float] (rising)"),
        ("evaluate.options = {'factor_vae_score': {'num_variance': 1}}", "num_variance = 1: expected int (2 or more"),
        ("evaluate.options = {'dci_es': {'sizes': [8, 4]}}", "sizes = [8, 4]: expected"),
        ("nets.encoder_options = {'widths': [0]}", "encoder 'mlp': widths = [0]: expected a list of int (1 or more"),
        ("nets.encoder_options = {'widths': 8}", "encoder 'mlp': widths = 8: expected a list of int"),
        ("nets.decoder_options = {'widths': [65536, 65536, 65536, 65536]}", "weights: expected at most 10,000,000,000"),
        (
            "train.sampling = 'random_split'\ntrain.sampling_options = {'share': 1}",
            "sampling 'random_split': share = 1: expected float (above 0, below 1)",
        ),
        ("train.sampling = 'random_split'\ntrain.sampling_options = {'seed': -1}", "= -1: expected int (0 or more)"),
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_one_line_with_the_range(text, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        expand(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "evaluate.table_rows = 100\nevaluate.metrics = ['factor_vae_score']",  # draws rows as often as it likes
        "evaluate.table_rows = 15000",
        "evaluate.num_train = 100000\nevaluate.num_test = 100000",  # with replacement, of a whole grid
        "evaluate.options = {'rmig': {'limits': [-4, 4]}, 'irs': {'num_bins': 0, 'quantile': 1}}",
        "sweep.methods = {'beta_vae': {'beta': [0, 1e300]}}",
        "sweep.seeds = [2147483647]",
        "resources.num_gpus = 0.5\nresources.tpu = 8",
    ],
)
def test_the_ends_of_the_ranges_are_allowed(text):
    assert expand(text)


def declarations() -> Iterator[tuple[str, object, object]]:
    """Every option that has a default, with its annotation."""
    for name, metric in METRICS.items():
        for key, parameter in metric_options(name).items():
            yield f"{metric.compute.__name__}.{key}", parameter.annotation, parameter.default
    for name, function in (DISTRIBUTIONS | PAIRS).items():
        for key, parameter in inspect.signature(function).parameters.items():
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty:
                yield f"{name}.{key}", parameter.annotation, parameter.default
    for module in (*ENCODERS.values(), *DECODERS.values(), Discriminator):
        for field in dataclasses.fields(module):
            if field.name in ("widths", "channels", "kernels", "hidden"):
                yield f"{module.__name__}.{field.name}", field.type, field.default
    of_methods = {name: method.options for name, method in METHODS.items() if method.options}
    of_data_sets = {name: computed.options for name, computed in COMPUTED.items()}
    for name, section in (config.SECTIONS | of_methods | of_data_sets).items():
        for field in dataclasses.fields(section):
            if field.default is not dataclasses.MISSING:
                yield f"{name}.{field.name}", field.type, field.default


def test_every_option_is_declared_and_its_default_is_in_its_range():
    declared = list(declarations())
    assert len(declared) > 80
    for name, annotation, default in declared:
        assert annotation is not inspect.Parameter.empty, name
        assert check(name, default, annotation) == default, name


def test_every_number_has_a_range():
    """An int or float that is declared without one was forgotten; but for those of which any value makes sense."""
    bare = {name for name, annotation, _ in declarations() if {int, float} & set(plain_types(annotation))}
    assert bare <= set(), bare
    for name, method in METHODS.items():
        assert not method.hyper or isinstance(method.hyper, dict), f"{name}: its hyperparameters have no ranges"
        assert all(typing.get_origin(method.hyper[one]) is typing.Annotated for one in method.hyper), name


def plain_types(annotation) -> Iterator[object]:
    """The types within an annotation that stand there without a range; limits of a list are not limits of its parts."""
    if typing.get_origin(annotation) is typing.Annotated:
        inner = typing.get_args(annotation)[0]
        if typing.get_args(inner) and "rising" not in words(annotation):
            yield from plain_types(inner)
        return
    if typing.get_args(annotation):
        for part in typing.get_args(annotation):
            yield from plain_types(part)
    else:
        yield annotation


PLAUSIBLE = [
    "0",
    "1",
    "2",
    "3",
    "0.5",
    "0.9",
    "10",
    "100",
    "1000",
    "[10,100]",
    "[4]",
    "None",
    "False",
    "True",
    "'exact'",
    "'dlib'",
    "['mean']",
    "['mig']",
    "['object']",
]
VALUES = [
    "0", "1", "-1", "2", "3", "7", "64", "100", "0.5", "-0.5", "0.999", "1.0", "1e-300", "1e300", "1e39", "-1e39",
    "1e999", "2147483647", "2147483648", "-2147483649", "10000000000000", "9" * 400, "0x" + "f" * 5000, "True", "None",
    "''", "'a'", "'exact'", "'dlib'", "'mean'", "'train'", "'conv'", "'mlp'", "'iid'", "'mig'", "'dsprites'", "'\\n'",
    "'\\ud800'", "b'x'", "3j", "[]", "()", "{}", "[0]", "[1]", "[1, 2]", "[2, 1]", "[-4, 4]", "[1.5]", "['a']", "[[1]]",
    "[[]]", "['object']", "['object', 'azimuth']", "['mig', 'dci']", "['mean']", "[None]", "[True]", "['cars3d']",
    "{'a': 1}", "{'a': {}}", "{1: 2}", "{'beta_vae': {'beta': [1]}}", "{'beta_vae': 1}", "{'widths': [4]}", "%nothing",
    "@train", "@os.system()", "[4, 4, 2, 2]", "[65536] * 3", "[65536, 65536]", "(3", "1 2", "'object'",
]  # fmt: skip


def bindings(number: int, seed: int) -> Iterator[str]:
    """Random bindings over all sections, fields, options of metrics, nets and samplers, hyperparameters, components."""
    draw = random.Random(seed)
    fields = [(name, field.name) for name, section in config.SECTIONS.items() for field in dataclasses.fields(section)]
    samplers = DISTRIBUTIONS | PAIRS
    for _ in range(number):
        kind, value = draw.randrange(7), draw.choice(draw.choice([PLAUSIBLE, VALUES]))
        if kind == 0:
            section, field = draw.choice(fields)
            yield f"{section}.{field} = {value}"
        elif kind == 1:
            metric = draw.choice([name for name in METRICS if metric_options(name)])
            option = draw.choice(list(metric_options(metric)))
            yield f"evaluate.metrics = ['{metric}']\nevaluate.options = {{'{metric}': {{'{option}': {value}}}}}"
        elif kind == 2:
            part = draw.choice(["encoder", "decoder", "discriminator"])
            option = draw.choice(["widths", "channels", "kernels", "hidden"])
            net = "" if part == "discriminator" else f"nets.{part} = '{draw.choice(['conv', 'mlp'])}'\n"
            yield f"{net}nets.{part}_options = {{'{option}': {value}}}"
        elif kind == 3:
            section, sampler = draw.choice(["train", "evaluate"]), draw.choice(list(samplers))
            given = {"on": "['object']", "first": "'object'", "second": "'azimuth'", "sigma": "1", "held_out": "[]"}
            options = [key for key in inspect.signature(samplers[sampler]).parameters if key not in ("key", "n")]
            options = [key for key in options if key not in ("factors", "sizes", "names")] or ["on"]
            chosen = {key: given[key] for key in options if key in given} | {draw.choice(options): value}
            text = ", ".join(f"'{key}': {one}" for key, one in chosen.items())
            yield f"{section}.sampling = '{sampler}'\n{section}.sampling_options = {{{text}}}"
        elif kind == 4:
            objective = draw.choice(list(OBJECTIVES))
            hyper = dict.fromkeys(OBJECTIVES[objective].hyper, "1") | {
                draw.choice(list(OBJECTIVES[objective].hyper)): value
            }
            text = ", ".join(f"'{key}': {one}" for key, one in hyper.items())
            yield f"sweep.methods = {{'{objective}': {{{text}}}}}"
        elif kind == 5:
            of = draw.choice(KINDS)
            component = draw.choice(list(of.names()))
            option = draw.choice([*of.parameters(component), "num_train"])
            scope = draw.choice(["", "", "train/", "evaluate/", "beta_vae/"])
            yield f"{scope}{component}.{option} = {value}"
        else:
            other, another = draw.choice(fields), draw.choice(VALUES)
            section, field = draw.choice(fields)
            yield f"{section}.{field} = {value}\n{other[0]}.{other[1]} = {another}"


def test_300_random_bindings_are_a_plan_or_one_line():
    planned = 0
    for text in bindings(300, seed=20261128):
        try:
            planned += bool(expand(text))
        except ValueError as error:
            message = str(error)
            assert message, text
            assert len(message.splitlines()) == 1, (text, message)
            assert len(message) < 1500, (text, message)
            assert not re.search(r"object at 0x|<class", message), (text, message)
    assert 10 < planned < 290  # both happen, however many metrics and methods there are to choose from


def test_a_whole_number_is_a_float_where_one_is_declared_and_a_nan_is_none():
    assert type(check("x", 1, float | None)) is float
    assert check("x", [1, 2], tuple[float, float]) == (1.0, 2.0)
    for value in (np.nan, True, "1"):
        with pytest.raises(ValueError, match=r"x = .*: expected float$"):
            check("x", value, float)
