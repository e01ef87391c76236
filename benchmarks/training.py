"""How fast populations train: by population size, objective and form of convolution; on CPU also beside PyTorch.

Everything is timed in turns with a matrix product, whose rate is the peak of the same minute.
"""

import argparse
import contextlib
import datetime
import gc
import importlib.util
import itertools
import json
import os
import platform
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # where the package is not installed

import jax
import programs
import training_report as report
from common import (
    ERR,
    HERE,
    INTERRUPTED,
    OUT,
    Parser,
    above_zero,
    commit,
    cpu_name,
    known,
    load,
    new_file,
    reason,
    save,
)
from rotation import Here, Processes, cores, rotate, spread
from training_report import OURS, PEAK

from disentanglement_study.nets import layers
from disentanglement_study.nets.layers import best_form
from disentanglement_study.objectives import OBJECTIVES

PRECISIONS = ("default", "high", "highest", "bfloat16", "tensorfloat32", "float32")
TOLERANCE = 1e-3  # between forms, at full precision: they sum in other orders
# glibc then keeps the memory that PyTorch frees, instead of new pages at every step. 32 MiB is the most that it takes.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(4 << 30)}
EXAMPLES = """\
examples:
  python benchmarks/training.py                                   some minutes on CPU
  python benchmarks/training.py --torch ~/torch/bin/python        beside the PyTorch of another interpreter
  python benchmarks/training.py --sizes none --rounds 9           only beside PyTorch
  python benchmarks/training.py --objectives beta_vae,factor_vae --sizes 64 --torch none
  python benchmarks/training.py --forms all --check --budget 480  every form of convolution, checked first
  python benchmarks/training.py --markdown benchmarks/results/FILE.json

Nets and settings are those of Locatello et al. 2019 (64x64 images, batch 64, 690,517 parameters; FactorVAE's
discriminator has 5,018,002 more), the images are random. On CPU a population is trained as a study does it, one in
each of N processes that have a thread and a core of their own: the time of a step and model is that of the machine,
wall time / steps / models / N. On an accelerator there is one process, and a population advances together.
"""


class Bench:
    """A run of the benchmark; what it measured is on file after every row."""

    def __init__(self, options: argparse.Namespace, forms: list[str]):
        self.options, self.forms, self.start = options, forms, time.monotonic()
        self.backend = jax.default_backend()
        self.cpu = self.backend == "cpu"
        self.cores = cores()[: options.processes]
        self.seconds = options.seconds or (5 if self.cpu else 2)
        kind, now = cpu_name() if self.cpu else jax.devices()[0].device_kind, datetime.datetime.now()
        packages = {name: version(name) for name in ("jax", "jaxlib", "flax", "optax", "numpy")}
        self.path = new_file(options.out, "training", self.backend, kind, now)
        self.result: dict[str, Any] = {
            "benchmark": "training",
            "date": f"{now:%Y-%m-%d %H:%M}",
            "device": {"backend": self.backend, "kind": kind, "cores": os.cpu_count()},
            "processes": len(self.cores) if self.cpu else 1,
            "versions": {**packages, "python": platform.python_version()},
            "xla_flags": os.environ.get("XLA_FLAGS", ""),
            "precision": options.precision or "default",
            "commit": commit(),
            "check": {},
            "ceilings": {},
            "rows": [],
        }

    def run(self, rows: list[dict[str, Any]], python: str | None) -> None:
        if self.options.check:
            self.check()
            rows = [row for row in rows if row["form"] not in self.wrong()]
        with contextlib.closing(self.launch("matmul", n=1024 if self.cpu else 8192)) as peak:
            self.ceilings(peak)
            if python and not self.late():
                try:
                    self.beside_torch(python, peak)
                except RuntimeError as error:  # of a worker: rows are measured all the same
                    ERR.print(f"not compared with PyTorch: {error}", style="red", markup=False, soft_wrap=True)
            self.rows(rows, peak)

    def check(self) -> None:
        for form, value in programs.differences(self.forms):
            self.result["check"][form] = value
            verdict = "WRONG, not timed" if form in self.wrong() else "equal"
            OUT.print(f"form {form}: loss and gradients within {value:.1e} of those of xla: {verdict}")

    def wrong(self) -> list[str]:
        return [form for form, value in self.result["check"].items() if not value < TOLERANCE]

    def ceilings(self, peak: Here | Processes) -> None:
        with contextlib.closing(self.launch("stream", megabytes=256 if self.cpu else 1024)) as memory:
            turns = list(rotate({PEAK: peak, "stream": memory}, self.options.rounds, self.seconds / 5))
            self.result["ceilings"] = {
                "matmul_gflops": spread(peak.info["flops"] / 1e9 / each[PEAK] for each in turns),
                "stream_gigabytes": spread(memory.info["bytes"] / 1e9 / each["stream"] for each in turns),
            }
        OUT.print(report.ceilings(self.result))

    def beside_torch(self, python: str, peak: Processes) -> None:
        """Ours, PyTorch eagerly by default, PyTorch with malloc tuned, and the matrix product, in turns."""
        ours, torch = {"objective": "beta_vae", "form": self.forms[0], "population": 1}, [python, HERE / "torch_vae.py"]
        starts = {
            OURS: lambda: self.launch("training", **ours),
            "PyTorch eager": lambda: self.processes(torch),
            "PyTorch eager, malloc tuned": lambda: self.processes(torch, **MALLOC),
        }
        if sys.platform != "linux":
            starts.popitem()
        with contextlib.ExitStack() as stack:
            contestants = {name: stack.enter_context(contextlib.closing(start())) for name, start in starts.items()}
            infos = [contestant.info for contestant in contestants.values()]
            if len({info["parameters"] for info in infos}) > 1:
                raise ValueError(f"the nets differ in parameters: {[info['parameters'] for info in infos]}")
            self.result["versions"]["torch"] = infos[1]["version"]
            flops = {**dict.fromkeys(contestants, infos[0]["flops"]), PEAK: peak.info["flops"]}
            rounds: list[dict[str, float]] = []
            self.result["contest"] = {
                **ours, "parameters": infos[0]["parameters"], "seconds": self.seconds, "flops": flops, "rounds": rounds,
            }  # fmt: skip
            for each in rotate({**contestants, PEAK: peak}, self.options.rounds, self.seconds):
                rounds.append(each)
                self.save()
                times = ", ".join(f"{name} {seconds * 1e3:.2f}" for name, seconds in each.items())
                OUT.print(f"round {len(rounds)}, ms a step: {times}")

    def rows(self, rows: list[dict[str, Any]], peak: Here | Processes) -> None:
        failed = set()  # objectives and forms, at some size: larger ones are left out
        for spec in rows:
            if (spec["objective"], spec["form"]) in failed:
                continue
            if self.late():
                OUT.print("the budget is spent: the other rows are left out")
                return
            row = self.row(spec, peak)
            if "error" in row:
                failed.add((spec["objective"], spec["form"]))
            self.result["rows"].append(row)
            self.save()
            OUT.print(report.line(row), markup=False)

    def row(self, spec: dict[str, Any], peak: Here | Processes) -> dict[str, Any]:
        try:
            with contextlib.closing(self.launch("training", **spec)) as contestant:
                turns = list(rotate({OURS: contestant, PEAK: peak}, self.options.rounds, self.seconds / 5))
        except (RuntimeError, MemoryError) as error:
            return {**spec, "error": reason(error)}
        finally:
            if not self.cpu:  # what the row held of the accelerator's memory, programs too
                jax.clear_caches()
                gc.collect()
        gflops = [peak.info["flops"] / 1e9 / each[PEAK] for each in turns]
        return {**spec, **contestant.info, "seconds": [each[OURS] for each in turns], "matmul_gflops": gflops}

    def launch(self, program: str, **arguments: Any) -> Here | Processes:
        if not self.cpu:
            return Here(programs.PROGRAMS[program](**arguments))
        arguments["program"] = program
        return self.processes([sys.executable, HERE / "programs.py", json.dumps(arguments)])

    def processes(self, command: list[Any], **env: str) -> Processes:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        jax_settings = {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_COMPILATION_CACHE": "false"}
        if self.options.precision:
            jax_settings["JAX_DEFAULT_MATMUL_PRECISION"] = self.options.precision
        return Processes(command, self.cores, {**inherited, **threads, **jax_settings, **env})

    def late(self) -> bool:
        return self.options.budget is not None and time.monotonic() - self.start > self.options.budget

    def save(self) -> None:
        save(self.result, self.path)


def forms(value: str | None) -> list[str]:
    """The forms to time, the first is the main one. All are those that are made for this backend."""
    best, here = best_form(), (None, jax.default_backend())
    every = [name for name, form in layers.FORMS.items() if form.backend in here]
    names = [best, *every] if value == "all" else (value or best).split(",")
    return known("form", names, layers.FORMS)


def plan(sizes: str | None, objectives: str | None, forms: list[str]) -> list[dict[str, Any]]:
    """The rows to measure, what matters most first."""
    sizes = sizes or ("1,4,16" if jax.default_backend() == "cpu" else "1,16,64,128,256")
    if not re.fullmatch(r"none|[1-9]\d*(,[1-9]\d*)*", sizes):
        raise ValueError(f"--sizes {sizes!r}: numbers of models, such as 1,16,64, or none")
    numbers = sorted({int(size) for size in sizes.split(",")}) if sizes != "none" else []
    names = known("objective", (objectives or "beta_vae").split(","), OBJECTIVES)
    rows = [*itertools.product(names, forms[:1], numbers)]
    if not objectives:
        middle = numbers[len(numbers) // 2 : len(numbers) // 2 + 1]
        rows += itertools.product([name for name in OBJECTIVES if name not in names], forms[:1], middle)
    rows += itertools.product(names, forms[1:], numbers)
    return [dict(zip(("objective", "form", "population"), row, strict=True)) for row in rows]


def torch_python(name: str | None) -> str | None:
    """An interpreter that has PyTorch; the comparison is of CPUs only."""
    if name == "none" or jax.default_backend() != "cpu":
        return None
    if name is None:
        if importlib.util.find_spec("torch"):
            return sys.executable
        OUT.print("No PyTorch here to compare with: --torch PYTHON names an interpreter that has it.")
        return None
    try:
        subprocess.run([name, "-c", "import torch, numpy"], check=True, capture_output=True, text=True)
    except OSError as error:
        raise ValueError(f"--torch {name!r} is no interpreter: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        raise ValueError(f"--torch {name!r}: {(error.stderr.strip().splitlines() or ['it failed'])[-1]}") from None
    return name


def parser() -> Parser:
    top = Parser("python benchmarks/training.py", description=__doc__, epilog=EXAMPLES)
    top.formatter_class = argparse.RawDescriptionHelpFormatter
    add = top.add_argument
    add(
        "--sizes", metavar="N,N", help="models in a population, or none: no rows; default: 1,4,16 on CPU, else 1 to 256"
    )
    add("--objectives", metavar="NAME,NAME", help="default: beta_vae at every size, the others at the middle one")
    add("--forms", metavar="NAME,NAME", help="how convolutions are computed, or all; default: the backend's best")
    add("--torch", metavar="PYTHON", help="an interpreter that has PyTorch, or none; default: this one, if it has")
    add("--processes", metavar="N", type=int, help="on CPU; default: one for each core")
    add("--rounds", metavar="N", type=int, default=5, help="turns that each takes (default: 5)")
    add("--seconds", metavar="S", type=float, help="of a turn beside PyTorch, a row's are a fifth; default: 5, else 2")
    add("--budget", metavar="S", type=float, help="seconds after which no row is started")
    add("--check", action="store_true", help="first compare loss and gradients of each form with those of form xla")
    add("--precision", metavar="NAME", help=f"of matrix products in JAX: {', '.join(PRECISIONS)}")
    add("--out", metavar="DIR", type=Path, default=HERE / "results", help="for the JSON file; default: results/ here")
    add("--markdown", metavar="FILE", type=Path, help="print a stored result as Markdown; nothing is measured")
    return top


def prepare(options: argparse.Namespace) -> tuple["Bench", list[dict[str, Any]], str | None]:
    """What the options ask for: a run, its rows and PyTorch's interpreter. Raises ValueError for what cannot be."""
    above_zero(options, "rounds", "seconds", "processes", "budget")
    if options.processes and options.processes > len(cores()):
        raise ValueError(f"--processes {options.processes}: there are {len(cores())} cores")
    if options.precision:
        jax.config.update("jax_default_matmul_precision", known("precision", [options.precision], PRECISIONS)[0])
    jax.config.update("jax_enable_compilation_cache", False)  # what is compiled is compiled for the first time
    names = forms(options.forms)
    rows = plan(options.sizes, options.objectives, names)
    return Bench(options, names), rows, torch_python(options.torch)


def measure(bench: Bench, rows: list[dict[str, Any]], python: str | None) -> int:
    OUT.print(report.caption(bench.result))
    code = 0
    try:
        bench.run(rows, python)
    except KeyboardInterrupt:
        ERR.print("stopped; what was measured is kept")
        code = INTERRUPTED
    if bench.result["rows"] or bench.result["check"] or bench.result.get("contest", {}).get("rounds"):
        bench.save()
        report.show(bench.result, OUT)
        OUT.print(f"\nThe result is in {os.path.relpath(bench.path)}; --markdown makes tables of it.", soft_wrap=True)
    return code or int(bool(bench.wrong()))


def main(argv: list[str] | None = None) -> int:
    try:
        options = parser().parse_args(argv)
        if options.markdown:
            print(report.markdown(load(options.markdown, "training")))
            return 0
        prepared = prepare(options)
    except (ValueError, OSError) as error:
        ERR.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    return measure(*prepared)


if __name__ == "__main__":
    sys.exit(main())
