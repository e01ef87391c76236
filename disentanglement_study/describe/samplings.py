"""Samplings: what `train.sampling` and `evaluate.sampling` may be."""

import inspect

from disentanglement_study.describe import registry
from disentanglement_study.describe.entry import Entry, cited, docstring, file_of, first_sentence, options

DRAWS = "disentanglement_study.data.draws"
# {module: the registry there, and what is drawn}
REGISTRIES = {
    "distributions": ("DISTRIBUTIONS", "single inputs, to train on and to score"),
    "pairs": ("PAIRS", "pairs of images, to train on"),
    "clamped": ("CLAMPED", "batches that share values of factors, to train on"),
    "series": ("SERIES", "neighbours in a series, to train on"),
}


def names() -> list[str]:
    return [name for module, (of, _) in REGISTRIES.items() for name in registry.names(f"{DRAWS}.{module}", of)]


def line(name: str) -> str:
    return first_sentence(registry.documented(f"{DRAWS}.{_module(name)}", name)[1])


def entry(name: str) -> Entry:
    from disentanglement_study.data.draws.sampling import options_of, samplings

    function, module = samplings()[name], _module(name)
    parameters = options_of(name)
    needed = [f"train/{name}.{option} = ..." for option, one in parameters.items() if one.default is one.empty]
    return Entry(
        kind="samplings",
        name=name,
        title=name.replace("_", " ").capitalize(),
        about=line(name),
        source=cited(function.__doc__),
        facts={"draws": REGISTRIES[module][1], "needs": _needs(module)},
        options=options(parameters),
        docstring=inspect.cleandoc(docstring(function)),
        code=file_of(function.__module__),
        in_sweep=(f"train.sampling = '{name}'", *needed),
    )


def _module(name: str) -> str:
    return next(module for module, (of, _) in REGISTRIES.items() if name in registry.names(f"{DRAWS}.{module}", of))


def _needs(module: str) -> str:
    return {
        "distributions": "any data set",
        "series": "a series, whose points are in the order of time",
    }.get(module, "a grid with one image at each point, in order")
