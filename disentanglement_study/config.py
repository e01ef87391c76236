"""A sweep file and its settings: gin text in, frozen dataclasses out.

gin lives only inside `load`: the text is parsed, the sections below are made from it, and the bindings are cleared.
Everything after that, on this machine or on a Ray worker, is handed the dataclasses; no binding can leak.
"""

import dataclasses
import re
import tokenize
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import gin

from disentanglement_study.errors import unknown

Protocol = Literal["dlib", "paper"]
Representation = Literal["mean", "sampled"]


@dataclasses.dataclass(frozen=True)
class SweepConfig:
    """The axes: data sets x objectives x strengths x seeds.

    objectives: {objective: {hyperparameter: value or list of values}}; lists of one objective are multiplied out.
    seeds: a number n (seeds 0..n-1) or a list. protocol: "dlib" (what the published numbers came from) or "paper".
    """

    data_sets: tuple[str, ...]
    objectives: dict[str, dict[str, Any]]
    seeds: int | tuple[int, ...]
    protocol: Protocol = "dlib"


@dataclasses.dataclass(frozen=True)
class NetConfig:
    """The nets. Images are averaged down to `image_size` pixels a side before a net sees them."""

    image_size: int = 64
    num_latents: int = 10
    encoder: str = "conv"
    decoder: str = "conv"
    encoder_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    decoder_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    discriminator_options: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Training; the defaults are the study's (Locatello et al. 2019, appendix, table of shared hyperparameters).

    sampling: how batches are drawn, a name in `data.sampling`, with its options.
    """

    steps: int = 300_000
    batch_size: int = 64
    learning_rate: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    discriminator_learning_rate: float = 1e-4
    discriminator_beta1: float = 0.5
    discriminator_beta2: float = 0.9
    sampling: str = "iid"
    sampling_options: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """Scoring. Sizes are the study's.

    table_rows: points of the factor grid that are encoded (all when None or more than there are); every metric draws
    from them. keep_codes: how many of them stay in the store. options: {metric: {argument: value}}.
    sampling: the distribution of the points, as for training, with its options.
    seed: of the metrics' draws, the same for every model, as in the study. training_batches: batches over which the
    reconstruction, KL and ELBO of the finished model are averaged.
    """

    metrics: tuple[str, ...] = (
        "beta_vae_score",
        "factor_vae_score",
        "mig",
        "dci",
        "modularity",
        "explicitness",
        "sap_score",
        "downstream_logistic_regression",
        "downstream_boosted_trees",
        "unsupervised",
    )
    representations: tuple[Representation, ...] = ("mean", "sampled")
    num_train: int = 10_000
    num_test: int = 5_000
    training_batches: int = 1000
    table_rows: int | None = None
    keep_codes: int = 1000
    seed: int = 0
    sampling: str = "iid"
    sampling_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    options: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class ResourceConfig:
    """How jobs run; nothing here changes a score.

    job_size: runs in a job, which is what is dispatched, retried and stored. population: models that are trained
    together, at most a job (None: as many as fit the device and are fastest there). num_cpus, num_gpus, tpu: what Ray
    reserves for a job (num_gpus None: one where the cluster has any, else none); as many models as num_cpus are scored
    at once. retries: more attempts for a job that fails. job_hours: an attempt that takes longer is ended and has
    failed (None: no limit; Ray only). log_every: updates between two points of a loss curve.
    checkpoint_minutes: between two checkpoints of a training (0: none). encode_batch: images encoded at once.
    """

    job_size: int = 100
    population: int | None = None
    num_cpus: int = 1
    num_gpus: float | None = None
    tpu: float = 0.0
    retries: int = 1
    job_hours: float | None = None
    log_every: int = 1000
    checkpoint_minutes: float = 10.0
    encode_batch: int = 256


SECTIONS = {
    "sweep": SweepConfig,
    "nets": NetConfig,
    "train": TrainConfig,
    "evaluate": EvaluateConfig,
    "resources": ResourceConfig,
}


@dataclasses.dataclass(frozen=True)
class Study:
    """All settings of a study; `text` is the gin text that gives them again, without includes."""

    sweep: SweepConfig
    nets: NetConfig
    train: TrainConfig
    evaluate: EvaluateConfig
    resources: ResourceConfig
    text: str


for _name, _section in SECTIONS.items():
    gin.register(_name, module="study")(_section)


def search_path() -> list[Path]:
    """Where sweeps and what they include are looked for: here, in a clone, in an installed package."""
    package = Path(__file__).parent
    return [Path.cwd(), package.parent, package]


def find_sweep(name: str) -> Path:
    """The file of a sweep: a path, or the bare name of one in `sweeps/`."""
    for folder in search_path():
        for candidate in (folder / name, folder / "sweeps" / f"{name}.gin"):
            if candidate.is_file():
                return candidate
    bundled = {p.stem for folder in search_path() for p in folder.glob("sweeps/*.gin")}
    if Path(name).suffix == ".gin":
        raise ValueError(f"no sweep file {name!r} (bundled sweeps, by name: {', '.join(sorted(bundled))})")
    raise unknown("sweep", name, bundled)


def load(sweep: str, bindings: Sequence[str] = ()) -> Study:
    """Reads a sweep file (or text of one kept in a store) and `bindings` over it.

    Raises ValueError, in one line, for a file that cannot be read, a section or setting that does not exist (with the
    nearest one), and a value of the wrong type.
    """
    file, text = ("sweep text", sweep) if "\n" in sweep else (sweep, _inlined(find_sweep(sweep)))
    gin.clear_config()
    place = file
    try:
        gin.parse_config(text)
        place = "--gin"
        gin.parse_config(list(bindings))
        place = file
        sections = {key: gin.get_configurable(section)() for key, section in SECTIONS.items()}
        text = gin.config_str()
    except tokenize.TokenError as error:
        raise ValueError(f"{place}: not gin: {error.args[0]}") from error
    except SyntaxError as error:
        raise ValueError(f"{place}: not gin: {error.msg}: {(error.text or '').strip()!r}") from error
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{place}: {_one_line(str(error))}") from error
    finally:
        gin.clear_config()
    return Study(**{name: _checked(name, section) for name, section in sections.items()}, text=text)


def _inlined(path: Path) -> str:
    """The text of a gin file with the files that it includes in place: gin's own search is confused by packages."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines):
        if re.match(r"\s*(import|from)\s", line):
            raise ValueError(f"{path}: {line.strip()!r}: a sweep is data, it imports nothing")
        if included := re.match(r"""\s*include\s+['"](.+)['"]""", line):
            found = [folder / included[1] for folder in search_path() if (folder / included[1]).is_file()]
            if not found:
                raise ValueError(f"{path}: no file {included[1]!r} to include")
            lines[number] = _inlined(found[0])
    return "\n".join(lines) + "\n"


def _one_line(message: str) -> str:
    """gin's message without its places, with the nearest name."""
    if match := re.search(r"No configurable matching '([^']*)'", message):
        return str(unknown("section", match[1], SECTIONS))
    if match := re.search(r"Configurable '([^']*)' doesn't have a parameter named '([^']*)'", message):
        section = match[1].split(".")[-1]
        fields = [field.name for field in dataclasses.fields(SECTIONS[section])]
        return str(unknown(f"setting of {section!r}", match[2], fields))
    if match := re.search(r"missing \d+ required positional arguments?: (.*)", message):
        return f"the sweep leaves out {match[1].splitlines()[0]}"
    return " ".join(message.split())


def _checked(name: str, section: Any) -> Any:
    """The section with lists as tuples; ValueError when a value has not the type that its field declares."""
    changes = {}
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        value = tuple(value) if isinstance(value, list) else value
        if isinstance(value, int) and not isinstance(value, bool) and field.type is float:
            value = float(value)
        if not _matches(value, field.type):
            declared = getattr(field.type, "__name__", None) or str(field.type)
            if typing.get_origin(field.type):
                declared = str(field.type).replace("typing.", "")
            raise ValueError(f"{name}.{field.name} = {value!r}: expected {declared}")
        if isinstance(value, int) and not isinstance(value, bool) and value < 0:
            raise ValueError(f"{name}.{field.name} = {value!r}: must not be negative")
        changes[field.name] = value
    return dataclasses.replace(section, **changes)


def _matches(value: Any, declared: Any) -> bool:
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if declared is Any:
        return True
    if origin is Literal:
        return value in arguments
    if origin in (typing.Union, types.UnionType):
        return any(_matches(value, argument) for argument in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_matches(v, arguments[0]) for v in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            _matches(k, arguments[0]) and _matches(v, arguments[1]) for k, v in value.items()
        )
    if isinstance(value, bool):
        return declared is bool
    return value is None if declared is type(None) else isinstance(value, declared)
