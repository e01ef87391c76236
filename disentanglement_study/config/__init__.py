"""A sweep file and its settings: gin text in, frozen dataclasses out.

The text is data (see `sweep_text`): gin's parser reads it, gin's registry of names and bindings is not used. Everything
after that, on this machine or on a Ray worker, is handed the dataclasses.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from disentanglement_study.config.declared import check
from disentanglement_study.config.sections import (
    BY_DEVICE,
    SECTIONS,
    EvaluateConfig,
    NetConfig,
    Options,
    ResourceConfig,
    SweepConfig,
    TrainConfig,
)
from disentanglement_study.config.sweep_text import Binding, is_file, parse, parse_file, settle, written
from disentanglement_study.errors import clipped, nearest, unknown

__all__ = [
    "OF_RUNS", "PARTS", "RENAMED", "SECTIONS", "EvaluateConfig", "Lower", "NetConfig", "ResourceConfig", "Study",
    "SweepConfig", "TrainConfig", "check_name", "find_sweep", "load", "load_text", "resources_on", "search_path",
]  # fmt: skip

# The sections whose settings enter a run: they may be axes, and have a method as their scope.
OF_RUNS = ("nets", "train")

# Options of runs that are named by what has them, such as "mlp_encoder.widths": the setting that holds them, the one
# that chooses what has them, and its name then.
PARTS = {
    "nets.encoder_options": ("nets.encoder", "{}_encoder"),
    "nets.decoder_options": ("nets.decoder", "{}_decoder"),
    "nets.discriminator_options": (None, "discriminator"),
    "train.sampling_options": ("train.sampling", "{}"),
}

# Settings by their names of before, which are still read.
RENAMED = {("sweep", "objectives"): "methods"}


@dataclasses.dataclass(frozen=True)
class Study:
    """All settings of a study; `text` is the gin text that gives them again, without includes.

    options: {method or data set: {option: value}}, of those that are not the defaults.
    """

    sweep: SweepConfig
    nets: NetConfig
    train: TrainConfig
    evaluate: EvaluateConfig
    resources: ResourceConfig
    text: str
    options: dict[str, Options] = dataclasses.field(default_factory=dict)

    def of(self, settings: Mapping[str, Any]) -> "Study":
        """The settings of runs that have these instead of the study's: {"nets.num_latents": 5, "pca.num_points": 9}.

        Options of a net or sampling, {"mlp_encoder.widths": [8]}, are beside those that it has.
        """
        changed: dict[str, dict[str, Any]] = {}
        for name, value in settings.items():
            section, _, field = name.partition(".")
            changed.setdefault(section, {})[field] = value
        study = self._with({name: values for name, values in changed.items() if name in SECTIONS})
        for holder, (chooser, pattern) in PARTS.items():
            part, kept = pattern.format(study.value(chooser)), study.value(holder)
            if part != pattern.format(self.value(chooser)) and holder not in settings:
                kept = self.sweep.own.get(part, kept)
            section, _, field = holder.partition(".")
            study = study._with({section: {field: {**kept, **changed.pop(part, {})}}})
        options = {name: {**self.options.get(name, {}), **changed[name]} for name in changed if name not in SECTIONS}
        return dataclasses.replace(study, options={**self.options, **options})

    def value(self, setting: str | None) -> Any:
        """The value of a setting, by its whole name."""
        section, _, field = (setting or "").partition(".")
        return getattr(getattr(self, section), field) if setting else None

    def _with(self, changed: Mapping[str, Mapping[str, Any]]) -> "Study":
        sections = {
            name: dataclasses.replace(getattr(self, name), **_fitting(name, values)) for name, values in changed.items()
        }
        return dataclasses.replace(self, **sections)


def _fitting(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """These values of a section's settings, each as its field declares it."""
    kinds = {field.name: field.type for field in dataclasses.fields(SECTIONS[name])}
    for field in values:
        if field not in kinds:
            raise unknown(f"setting of {name!r}", field, kinds)
    return {field: check(f"{name}.{field}", value, kinds[field]) for field, value in values.items()}


def resources_on(resources: ResourceConfig, device: str) -> ResourceConfig:
    """The resources of jobs on nodes of this kind; ValueError for what `by_device` does not take."""
    given = resources.by_device.get(device, {})
    for field in given:
        if field not in BY_DEVICE:
            raise ValueError(f"resources.by_device[{device!r}]: {unknown('setting', field, BY_DEVICE)}")
    try:
        return dataclasses.replace(resources, **_fitting("resources", given))
    except ValueError as error:
        raise ValueError(f"resources.by_device[{device!r}]: {error}") from None


def search_path() -> list[Path]:
    """Where sweeps and what they include are looked for: here, in a clone, in an installed package."""
    package = Path(__file__).parent.parent
    return [Path.cwd(), package.parent, package]


def find_sweep(name: str) -> Path:
    """The file of a sweep: a path, or the bare name of one in `sweeps/`."""
    for folder in search_path():
        for candidate in (folder / name, folder / "sweeps" / f"{name}.gin"):
            if is_file(candidate):
                return candidate
    bundled = {p.stem for folder in search_path() for p in folder.glob("sweeps/*.gin")}
    if Path(name).is_dir():
        raise ValueError(f"{name} is a folder: name a gin file, or one of the sweeps {', '.join(sorted(bundled))}")
    if Path(name).suffix == ".gin":
        beside = {path.stem for path in Path(name).parent.glob("*.gin")}
        near = nearest(Path(name).stem, beside | set(bundled))
        hint = f": did you mean {near}?" if near else ""
        raise ValueError(f"no sweep file {clipped(name)}{hint} (bundled sweeps, by name: {', '.join(sorted(bundled))})")
    raise unknown("sweep", name, bundled)


# What makes bindings of sections alone out of those of components too: `study.components.lower`.
Lower = Callable[[list[Binding]], list[Binding]]


def load(sweep: str, bindings: Sequence[str] = (), lower: Lower = list) -> Study:
    """Reads a sweep file, or text of more than one line, and `bindings` over it; of sections alone without `lower`.

    Raises ValueError, in one line, for a file that cannot be read, a section or setting that does not exist (with the
    nearest one), and a value that has not the type or is not in the range that its field declares.
    """
    if "\n" in sweep:
        return load_text(sweep, bindings=bindings, lower=lower)
    return _study(parse_file(find_sweep(sweep), search_path()), bindings, lower)


def load_text(text: str, place: str = "sweep text", bindings: Sequence[str] = (), lower: Lower = list) -> Study:
    """The same for text that is no file: that of a study, for one. It includes nothing. `place` is for messages."""
    return _study(parse(text, place), bindings, lower)


def _study(read: Iterable[Binding], bindings: Sequence[str], lower: Lower) -> Study:
    given = [*read]
    for text in bindings:
        given += parse(text, "--gin", search_path())
    plain: dict[str, dict[str, Any]] = {}
    checked: dict[str, dict[str, Any]] = {}
    for binding in lower(settle([_as_now(binding) for binding in given])):
        check_name(binding)
        place, _, section, field, value = binding
        kinds = {one.name: one.type for one in dataclasses.fields(SECTIONS[section])}
        plain.setdefault(section, {})[field] = value
        named = f"{place}: {binding.key}" if place else binding.key
        checked.setdefault(section, {})[field] = _checked(named, binding, kinds[field])
    sections = {name: _section(name, section, checked.get(name, {})) for name, section in SECTIONS.items()}
    return Study(**sections, text=written(plain))


def _checked(named: str, binding: Binding, declared: Any) -> Any:
    """The value as it is declared; of a setting of runs that is given several, the error says how it is varied."""
    _, _, section, field, value = binding
    try:
        return check(named, value, declared)
    except ValueError as error:
        if section in OF_RUNS and isinstance(value, list) and value:
            raise ValueError(f"{error}; to vary it: sweep.axes = {{'{section}.{field}': {clipped(value)}}}") from None
        raise


def _as_now(binding: Binding) -> Binding:
    return binding._replace(field=RENAMED.get((binding.section, binding.field), binding.field))


def check_name(binding: Binding) -> None:
    """ValueError for a setting that no section has."""
    place, scope, name, field, _ = binding
    if scope:
        raise ValueError(f"{place}: {binding.key!r}: a setting of the whole study takes no scope")
    if name not in SECTIONS:
        raise ValueError(f"{place}: {unknown('section', name, SECTIONS)}")
    fields = [field.name for field in dataclasses.fields(SECTIONS[name])]
    if field not in fields:
        raise ValueError(f"{place}: {unknown(f'setting of {name!r}', field, fields)}")


def _section(name: str, section: type, values: dict[str, Any]) -> Any:
    """The section with these values; ValueError where one is left out that has no default."""
    fields = {field.name: field for field in dataclasses.fields(section)}
    missing = dataclasses.MISSING
    required = [key for key, field in fields.items() if field.default is missing and field.default_factory is missing]
    if absent := [key for key in required if key not in values]:
        raise ValueError(f"the sweep must set {' and '.join(f'{name}.{key}' for key in absent)}")
    return section(**values)
