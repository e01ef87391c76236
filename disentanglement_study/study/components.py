"""Settings of components as gin has them: `mig.num_bins = 50`, `beta_vae.beta = [1, 4]`, `train/differ_in_k.k = 1`.

A component is a method, a data set with options, a metric, a net or a sampling. While a sweep is read, bindings of
components become those of the sections that hold their options (`evaluate.options`, `sweep.methods`, ...): nothing
after that knows components. Bindings count in their order, each over what was there: a dictionary over all that it
holds, a component over its one option; and a scope wins over none.
"""

import dataclasses
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from disentanglement_study import config, data, nets
from disentanglement_study.config import OF_RUNS, PARTS, SECTIONS, Study, check_name
from disentanglement_study.config.declared import check
from disentanglement_study.config.identity import default
from disentanglement_study.config.sweep_text import Binding
from disentanglement_study.data.draws.sampling import options_of, samplings
from disentanglement_study.errors import clipped, unknown
from disentanglement_study.methods import METHODS
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import metric_options
from disentanglement_study.nets.mlp import Discriminator

Parameters = dict[str, inspect.Parameter]  # by name, with what each may be and its default


class Kind(NamedTuple):
    """Components of one kind: {name: where its parameters are declared}, and the settings that hold their options.

    With more than one holder a binding is of all of them, or of the one whose section is its scope. lists: whether a
    list is several values, which are multiplied out.
    """

    word: str
    names: Callable[[], Mapping[str, Any]]
    parameters: Callable[[str], Parameters]
    holders: tuple[str, ...]
    lists: bool = False


def method_options(name: str) -> Parameters:
    """The options of a method, without its hyperparameters."""
    options = METHODS[name].options
    return {} if options is None else _fields(options)


def _of_method(name: str) -> Parameters:
    return {key: _parameter(key, kind) for key, kind in METHODS[name].given.items()} | method_options(name)


def _of_data_set(name: str) -> Parameters:
    return _fields(data.COMPUTED[name].options)


def _of_net(name: str) -> Parameters:
    given = {"parent", "name", "num_latents", "image_shape", "form"}  # by flax, and by the study
    fields = _fields(_nets()[name])
    return {key: parameter for key, parameter in fields.items() if key not in given}


def _fields(of: type) -> Parameters:
    return {field.name: _parameter(field.name, field.type, default(field)) for field in dataclasses.fields(of)}


def _parameter(name: str, kind: Any, value: Any = dataclasses.MISSING) -> inspect.Parameter:
    value = inspect.Parameter.empty if value is dataclasses.MISSING else value
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=kind)


def _encoders() -> Mapping[str, Any]:
    return {f"{name}_encoder": net for name, net in nets.ENCODERS.items()}


def _decoders() -> Mapping[str, Any]:
    return {f"{name}_decoder": net for name, net in nets.DECODERS.items()}


def _nets() -> Mapping[str, Any]:
    return {**_encoders(), **_decoders(), "discriminator": Discriminator}


SAMPLING = Kind("sampling", samplings, options_of, ("train.sampling_options", "evaluate.sampling_options"))
KINDS = (
    Kind("method", lambda: METHODS, _of_method, ("sweep.methods",), lists=True),
    Kind("data set", lambda: data.COMPUTED, _of_data_set, ("sweep.data_sets",), lists=True),
    Kind("metric", lambda: METRICS, metric_options, ("evaluate.options",)),
    Kind("encoder", _encoders, _of_net, ("nets.encoder_options",)),
    Kind("decoder", _decoders, _of_net, ("nets.decoder_options",)),
    Kind("discriminator", lambda: {"discriminator": Discriminator}, _of_net, ("nets.discriminator_options",)),
    SAMPLING,
)
# These hold the options of the one component in use, as in `PARTS`; the other holders those of several, by their names.
IN_USE = {**PARTS, "evaluate.sampling_options": ("evaluate.sampling", "{}")}
# Holders that name what the study uses, if only in a list. (A metric may be asked for later, and has its options then.)
LISTED = ("sweep.methods", "sweep.data_sets")

Options = dict[str, dict[str, Any]]  # {component: {option: value}}


def load(sweep: str, bindings: Sequence[str] = ()) -> Study:
    """`config.load` of a sweep that may set components: what every command reads a sweep with.

    Raises ValueError as `config.load` does, and for a component, parameter or scope that does not exist (with the
    nearest) and a value that is not as declared, whether the study uses the component or not.
    """
    return config.load(sweep, bindings, lower)


def of_study(store: Any, bindings: Sequence[str] = ()) -> Study:
    """What the study.gin of a study says, with these bindings over it; raises ValueError as `load` does."""
    return config.load_text(store.text, str(store.root / "study.gin"), bindings, lower)


def kind_of(name: str) -> Kind | None:
    """The kind of a component; None if there is none of this name."""
    return next((kind for kind in KINDS if name in kind.names()), None)


def known_kind(name: str) -> Kind:
    """The kind of a component that is known to exist."""
    return next(kind for kind in KINDS if name in kind.names())


def check_data_set_name(name: str) -> None:
    """ValueError for a data set with the name of a section or of a component of another kind: in the columns of a plan
    their options could not be told apart."""
    kind = kind_of(name)
    if name in SECTIONS or (kind and name not in data.COMPUTED):
        word = "section of settings" if name in SECTIONS or kind is None else kind.word
        what = f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
        raise ValueError(f"data set {name!r}: {what} has this name too; choose another (`data add --name`)")


def without_options(data_set: str, option: str) -> ValueError:
    """The error for an option of a data set that has none: of images, or of the user's own."""
    return ValueError(f"data set {data_set!r} has no options: leave out {data_set}.{option}")


def holder_of_runs(name: str) -> str | None:
    """The setting of a run that holds the options of a net or sampling, such as "nets.encoder_options"; else None."""
    kind = kind_of(name)
    return next((holder for holder in kind.holders if holder in PARTS), None) if kind else None


def lower(bindings: Iterable[Binding]) -> list[Binding]:
    """Bindings of sections alone that say what these say: the last of each setting, in order, without macros."""
    settings: dict[tuple[str, str], Binding] = {}  # by the method that is the scope, if any, and the whole name
    options: dict[tuple[str, str], dict[str, dict[str, Binding]]] = {}  # by the method and the holder
    bindings = list(bindings)
    named = _named(bindings)
    for binding in bindings:
        _check(binding, named)
        method = binding.scope if binding.scope in METHODS else ""
        if binding.section in SECTIONS:
            setting = f"{binding.section}.{binding.field}"
            settings[method, setting] = binding
            if isinstance(binding.value, dict):  # a list names methods, and leaves their options
                options.pop((method, setting), None)
            if setting == "sweep.own":
                settings = {key: one for key, one in settings.items() if not key[0]}
                options = {key: one for key, one in options.items() if not key[0]}
            continue
        for holder in _holders(binding):
            given = options.setdefault((method, holder), {}).setdefault(binding.section, {})
            if binding.scope or not (binding.field in given and given[binding.field].scope):
                given[binding.field] = binding
    merged = _merged(
        {key: binding.value for key, binding in settings.items()},
        {key: {of: _values(given) for of, given in parts.items()} for key, parts in options.items()},
    )
    places = {name: binding.place for (method, name), binding in settings.items() if not method}
    parts = {name: name.partition(".") for name in merged}
    return [
        Binding(places.get(name, ""), "", section, field, merged[name]) for name, (section, _, field) in parts.items()
    ]


def _values(given: Mapping[str, Binding]) -> dict[str, Any]:
    return {option: binding.value for option, binding in given.items()}


def _merged(settings: dict[tuple[str, str], Any], options: dict[tuple[str, str], Options]) -> dict[str, Any]:
    plain = {name: value for (method, name), value in settings.items() if not method}
    for holder in LISTED:
        names, given = plain.get(holder), options.get(("", holder), {})
        if holder in plain and not isinstance(names, list | tuple | dict):
            raise ValueError(
                f"{holder} = {clipped(names)}: expected a list of names, or a dictionary with names as keys"
            )
        # Data sets, most of which have no options, stay a list where none is given one.
        if isinstance(names, list | tuple) and (holder == "sweep.methods" or any(name in names for name in given)):
            plain[holder] = {name: {} for name in _distinct(holder, names)}
    if own := _own(plain, settings, options):
        plain["sweep.own"] = own
    for holder, given in ((holder, given) for (method, holder), given in options.items() if not method):
        if isinstance(plain.get(holder), list | tuple):
            continue
        if holder in IN_USE:
            merged = check(holder, plain.get(holder, {}), dict[str, Any]) | given.get(_in_use(holder, plain)[0], {})
        else:
            there = check(holder, plain.get(holder, {}), dict[str, dict[str, Any]])
            names = there if holder in LISTED else {**there, **given}
            merged = {name: {**there.get(name, {}), **given.get(name, {})} for name in names}
        if merged:
            plain[holder] = merged
    return plain


def _own(
    plain: Mapping[str, Any], settings: dict[tuple[str, str], Any], options: dict[tuple[str, str], Options]
) -> Options:
    """`sweep.own`: what the runs of a method have, and the options of what they, or runs of an axis, choose."""
    own = {of: {**values} for of, values in check("sweep.own", plain.get("sweep.own", {}), dict[str, dict]).items()}
    methods = plain.get("sweep.methods")
    methods = methods if isinstance(methods, dict) else {}  # the section says what is wrong with it
    for (method, setting), value in settings.items():
        if method in methods:
            own.setdefault(method, {})[setting] = value
    for (method, holder), given in options.items():
        if method in methods:
            for part in _in_use(holder, plain, own.get(method, {})):
                for option, value in given.get(part, {}).items():
                    own.setdefault(method, {})[f"{part}.{option}"] = value
    choices = [values for of, values in own.items() if of in METHODS] or [{}]
    for holder in PARTS:
        if of_all := options.get(("", holder)):
            for part in {part: None for choice in choices for part in _in_use(holder, plain, choice)}:
                if part != _in_use(holder, plain)[0] and kind_of(part):
                    own[part] = {**own.get(part, {}), **of_all.get(part, {})}
    return own


def _in_use(holder: str, plain: Mapping[str, Any], choice: Mapping[str, Any] = MappingProxyType({})) -> list[str]:
    """The component whose options a holder has, by this choice or the study's, and those that an axis chooses."""
    chooser, pattern = IN_USE[holder]
    if chooser is None:
        return [pattern]
    section, _, field = chooser.partition(".")
    axes = plain.get("sweep.axes")
    others = axes.get(chooser) if isinstance(axes, dict) else None
    chosen = choice.get(chooser, plain.get(chooser, getattr(SECTIONS[section], field)))
    return [pattern.format(name) for name in [chosen, *(others if isinstance(others, list | tuple) else ())]]


def _distinct(holder: str, names: Sequence[Any]) -> Sequence[str]:
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"{holder} = {clipped(names)}: expected names, or a dictionary with names as keys")
        if names.count(name) > 1:
            raise ValueError(f"{holder} names {name!r} twice: expected once")
    return names


def _holders(binding: Binding) -> list[str]:
    """The settings that hold what this binding of a component says."""
    holders = known_kind(binding.section).holders
    if binding.scope in METHODS:
        return [holder for holder in holders if holder in PARTS]
    return [holder for holder in holders if binding.scope in ("", holder.partition(".")[0])]


def _named(bindings: Iterable[Binding]) -> set[str]:
    """The data sets that there are beside those with options, the user's own as far as the sweep names them."""
    given = [binding.value for binding in bindings if (binding.section, binding.field) == ("sweep", "data_sets")]
    own = (name for names in given if isinstance(names, list | tuple | dict) for name in names)
    return {*data.CATALOGUE, *(name for name in own if isinstance(name, str))}


def _check(binding: Binding, named: Collection[str] = ()) -> None:
    """ValueError, in one line with the place, for what does not exist, and for a value that is not as declared.

    named: data sets, of which a setting is an option that they have not.
    """
    place, scope, section, field, value = binding
    kind = kind_of(section)
    if kind is None and section not in SECTIONS:
        if section in named:
            raise ValueError(f"{place}: {without_options(section, field)}")
        names = [*SECTIONS, *(name for kind in KINDS for name in kind.names())]
        raise ValueError(f"{place}: {unknown('section or component', section, names)}")
    if scope:
        _check_scope(binding, kind)
    if kind is None:
        check_name(binding._replace(scope=""))
        if scope:
            check(f"{place}: {binding.key}", value, _fields(SECTIONS[section])[field].annotation)
        return
    parameters = kind.parameters(section)
    if field not in parameters:
        raise ValueError(f"{place}: {unknown(f'parameter of {section!r}', field, parameters)}")
    for one in value if kind.lists and isinstance(value, list | tuple) else [value]:
        check(f"{place}: {binding.key}", one, parameters[field].annotation)


def _check_scope(binding: Binding, kind: Kind | None) -> None:
    place, scope, section, _, _ = binding
    parts = [holder.partition(".")[0] for holder in SAMPLING.holders]
    if scope not in (*parts, *METHODS):
        raise ValueError(f"{place}: {unknown(f'scope of {section!r}', scope, [*parts, *METHODS])}")
    of_runs = section in OF_RUNS or holder_of_runs(section) is not None
    if not (of_runs if scope in METHODS else kind is SAMPLING):
        what = f"{kind.word if kind else 'section'} {section!r}"
        has = "the scope of a method" if of_runs else "none"
        raise ValueError(f"{place}: {binding.key}: {what} cannot have the scope {scope!r} (it can have {has})")
