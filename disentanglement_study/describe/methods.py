"""Methods, as `METHODS` and `OBJECTIVES` declare them."""

from typing import TYPE_CHECKING

from disentanglement_study.analysis import names as shown
from disentanglement_study.config.declared import words
from disentanglement_study.describe import costs, registry
from disentanglement_study.describe.entry import Entry, Option, bullets, docstring, file_of, options, texts_of

if TYPE_CHECKING:
    from disentanglement_study.methods.kinds import Method

HERE, OBJECTIVES = "disentanglement_study.methods", "disentanglement_study.objectives"
TARGETS = {"sources": "the sources s", "abs": "|s|, the absolute values of the sources", "square": "s², of the sources"}
NEEDS = {
    "factors": "the factors",
    "sources": "the truth itself",
    "pair": "a second input for each",
    "segment": "the segment of each point",
    "time": "the time of each point",
    "u": "u, or the segment, of each point",
}


def names() -> list[str]:
    return shown.in_order(registry.names(HERE, "METHODS"), shown.METHODS)


def line(name: str) -> str:
    """What it is. Where its file cannot be read without importing it, it is imported."""
    try:
        of_objectives = registry.items(OBJECTIVES, "OBJECTIVES")
        module, value = of_objectives.get(name) or registry.items(HERE, "METHODS")[name]
        written = registry.texts(value) or registry.texts(registry.assigned(module, value.id)[1])  # type: ignore[attr-defined]
        return written["about"]
    except (KeyError, AttributeError):
        from disentanglement_study.methods import METHODS

        return METHODS[name].about


def entry(name: str) -> Entry:
    from disentanglement_study.methods import METHODS
    from disentanglement_study.objectives import OBJECTIVES
    from disentanglement_study.study.components import method_options

    method = METHODS[name]
    objective = OBJECTIVES.get(name)
    function = objective.loss if objective else method.build
    texts = texts_of(method.options) if method.options else {}
    return Entry(
        kind="methods",
        name=name,
        title=shown.label(name, shown.METHODS),
        about=method.about,
        source=method.source,
        facts=_facts(name, method),
        options=(*_hyperparameters(method), *options(method_options(name), texts)),
        docstring="\n\n".join(text for text in (_of_module(function.__module__), docstring(function)) if text),
        code=file_of(function.__module__),
        in_sweep=(f"sweep.methods = ['{name}']", *_lines(name, method)),
        commands=(f"disentanglement-study run quick DIR --where \"method == '{name}'\"",) if objective else (),
    )


def _facts(name: str, method: "Method") -> dict[str, str]:
    facts = {"uses": _uses(method)}
    if method.needs:
        facts["needs"] = ", ".join(NEEDS[need] for need in sorted(method.needs))
    if method.draws:
        facts["samplings"] = bullets(method.draws)
    if method.hyper:
        facts["strength"] = f"`{next(iter(method.hyper))}`, the hyperparameter that studies sweep"
    if method.target != "sources":
        facts["identifies"] = TARGETS[method.target]
    if method.whiten:
        facts["whitens"] = "vectors, before it sees them"
    if size := costs.size_of_method(name):
        facts["size"] = size
    return facts | {"cost": costs.of_method(name)}


def _uses(method: "Method") -> str:
    """The settings that make a difference to it."""
    from disentanglement_study.methods.vae import WITHOUT_ADVERSARY

    if method.uses is None:
        return "all settings of `nets` and `train`"
    if method.uses == WITHOUT_ADVERSARY:
        return "all settings of `nets` and `train` but those of a discriminator"
    return bullets(method.uses) or "no setting"


def _hyperparameters(method: "Method") -> list[Option]:
    """What a sweep must give, with the usual value."""
    instead = {other: f"In place of `{one}`." for other, one in method.instead.items()}
    found = []
    for name, kind in method.given.items():
        usual = f"Usual: {method.usual[name]:g}." if name in method.usual else ""
        found.append(Option(name, words(kind), "", instead.get(name, usual)))
    return found


def _lines(name: str, method: "Method") -> list[str]:
    """What a sweep says beside its name: the usual hyperparameters, and a sampling that it can learn from."""
    strengths = [f"{name}.{hyper} = {value:g}" for hyper, value in method.usual.items()]
    return [*strengths, *(f"{name}/train.sampling = '{draw}'" for draw in method.draws[:1])]


def _of_module(module: str) -> str:
    """The docstring of a module of more than a line: what its methods share."""
    import sys

    text = (sys.modules[module].__doc__ or "").strip()
    return text if "\n" in text else ""
