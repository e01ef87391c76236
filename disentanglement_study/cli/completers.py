"""What a shell completes an argument with: names of sweeps, studies, runs, jobs, metrics, data sets, ...

A completer is given the beginning of a word and the arguments before it. It imports neither JAX nor what draws: the
user waits for it at every press of a key.
"""

import argparse
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

Completer = Callable[[str, argparse.Namespace], Iterable[str]]

# As the registries have them, which take a second or more to import; a test compares.
PAPERS = ("higgins2017", "locatello2019", "locatello2020", "hyvarinen2023")
EXECUTORS = ("inline", "ray")
FORMATS = ("parquet", "csv", "jsonl")
FAMILIES = (
    "all", "std_gaussian_cycle", "fitted_gaussian_cycle", "fixed_interval_cycle", "conf_interval_cycle",
    "minmax_interval_cycle",
)  # fmt: skip


def sweeps(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """The names of the bundled sweeps, gin files, and folders that may hold some."""
    from disentanglement_study.config import search_path

    named = {path.stem for folder in search_path() for path in folder.glob("sweeps/*.gin")}
    return [*sorted(named), *_paths(prefix, lambda path: path.suffix == ".gin")]


def studies(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """The folders of studies, and folders that may hold some."""
    return _paths(prefix, lambda path: False)


def targets(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """What can be scored: npz files and studies."""
    return _paths(prefix, lambda path: path.suffix == ".npz")


def run_ids(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """The runs of the study, by its plan."""
    import pyarrow.parquet as pq

    return pq.read_table(given.dir / "plan.parquet", columns=["run_id"])["run_id"].to_pylist()


def jobs(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """The jobs of the study that have begun."""
    return sorted({path.stem for pattern in ("logs/*.log", "jobs/*") for path in given.dir.glob(pattern)})


def metrics(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """The metrics, of a list with commas those that it does not have yet."""
    from disentanglement_study.metrics import METRICS

    *before, _ = prefix.split(",")
    names = [name for name in METRICS if name not in before]
    return [",".join([*before, name]) for name in (names if before else [*names, "all"])]


def metric_options(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """The metrics whose options can be given."""
    from disentanglement_study.metrics import METRICS

    return [f"{name}." for name in METRICS]


def data_sets(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """The data sets, those of the user's own too."""
    from disentanglement_study import data

    return data.names(given.data_dir)


def kinds(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """The kinds of parts that can be listed."""
    from disentanglement_study import describe

    return list(describe.KINDS)


def parts(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """All that can be explained."""
    from disentanglement_study import describe

    return [name for kind in ([given.kind] if given.kind else describe.KINDS) for name in describe.names(kind)]


def one_of(names: Iterable[str]) -> Completer:
    return lambda prefix, given: names


def nothing(prefix: str, given: argparse.Namespace) -> Iterable[str]:
    """Of what nobody can know the beginning: an expression, a binding, a number."""
    return ()


def _paths(prefix: str, is_wanted: Callable[[Path], bool]) -> list[str]:
    """The paths that begin so: files that are wanted, and folders. All but studies end with a slash: they go on."""
    start, slash, name = prefix.rpartition("/")
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(Path(start + slash or ".").expanduser().iterdir()):
            if not path.name.startswith(name) or (path.name.startswith(".") and not name):
                continue
            if path.is_dir():
                end = "" if (path / "plan.parquet").is_file() else "/"
                found.append(f"{start}{slash}{path.name}{end}")
            elif is_wanted(path):
                found.append(f"{start}{slash}{path.name}")
    return found


# By the argument, or by the command and its argument where another command has one of this name.
COMPLETERS: dict[str, Completer] = {
    "sweep": sweeps,
    "dir": studies,
    "dirs": studies,
    "beside": studies,
    "target": targets,
    "run_id": run_ids,
    "job": jobs,
    "metrics": metrics,
    "option": metric_options,
    "data info name": data_sets,
    "data show name": data_sets,
    "data prepare names": data_sets,
    "list kind": kinds,
    "explain kind": kinds,
    "explain name": parts,
    "paper": one_of(PAPERS),
    "executor": one_of(EXECUTORS),
    "family": one_of(FAMILIES),
    "format": one_of(FORMATS),
    "address": one_of(("auto",)),
} | dict.fromkeys(("gin", "where", "sql", "license", "every", "port", "seed", "points", "seconds"), nothing)
