"""What the commands share: the file of a result, what it says of the machine, and how options and errors are read."""

import argparse
import contextlib
import datetime
import functools
import itertools
import json
import platform
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from disentanglement_study.errors import unknown

HERE = Path(__file__).parent
OUT, ERR = Console(width=110, highlight=False), Console(stderr=True, width=110, highlight=False)
INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise ValueError(f"{message} (--help shows what there is)")


def command(work: Callable[[list[str] | None], None]) -> Callable[..., int]:
    """The command that does this, given the arguments: its exit code. What is wrong is one line on stderr."""

    @functools.wraps(work)
    def main(argv: list[str] | None = None) -> int:
        try:
            work(argv)
        except (ValueError, OSError, RuntimeError) as error:
            ERR.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
            return 2
        except KeyboardInterrupt:
            return INTERRUPTED
        return 0

    return main


def known(kind: str, names: Iterable[str], registry: Iterable[str]) -> list[str]:
    """The names, each once, all of them in the registry."""
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in registry:
            raise unknown(kind, name, registry)
    return names


def above_zero(options: argparse.Namespace, *names: str) -> None:
    for name in names:
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise ValueError(f"--{name} {value}: it has to be above 0")


def cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def commit() -> str | None:
    command = ["git", "-C", HERE, "describe", "--always", "--dirty", "--exclude", "*"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return None


def reason(error: BaseException) -> str:
    """Why a row failed, in a line."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, MemoryError) or re.search(r"RESOURCE_EXHAUSTED|out of memory|bad_alloc|signal 9", text, re.I):
        return "out of memory"
    return text.splitlines()[0][:100]


def new_file(folder: Path, benchmark: str, backend: str, kind: str, now: datetime.datetime) -> Path:
    """Where a result goes; one of the same day and device is kept."""
    slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", kind.lower())).strip("-")
    stem = f"{benchmark}-{backend}-{slug}-{now:%Y-%m-%d}"
    names = itertools.chain([stem], (f"{stem}-{i}" for i in itertools.count(2)))
    return next(path for name in names if not (path := folder / f"{name}.json").exists())


def save(result: dict[str, Any], path: Path) -> None:
    """Whole or not at all: an interruption leaves what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(result, indent=1) + "\n")
    new.replace(path)


def load(path: Path, benchmark: str) -> dict[str, Any]:
    result = json.loads(path.read_text())
    found = result.get("benchmark") if isinstance(result, dict) else None
    if found != benchmark:
        raise ValueError(f"{path} is no result of this benchmark" + (f", but of {found}.py" if found else ""))
    return result
