"""How fast methods of non-linear ICA train: what an extra restart costs, and a step beside plain PyTorch, on one core.

Restarts are models of one population, in one program, as a study trains them. On CPU they take turns in it; the largest
population is also measured with all of its models advanced together, by `vmap`. Populations of all sizes and PyTorch
take turns; times are medians over rounds.
"""

import argparse
import contextlib
import datetime
import os
import platform
import re
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent.parent))  # where the package is not installed

import jax
import jax.numpy as jnp
from common import HERE, OUT, Parser, above_zero, command, commit, cpu_name, known, new_file, save
from rotation import Processes, cores
from training import torch_python

from disentanglement_study import config, data
from disentanglement_study.methods import METHODS as REGISTRY
from disentanglement_study.runtime import population
from disentanglement_study.study import loading
from disentanglement_study.training.programs import Member, Trainer
from disentanglement_study.types import Job, Run

# All see the same 20,480 points of 5 sources: what is in them does not change the time.
SWEEP = """
sweep.data_sets = ['segment_sources']
sweep.methods = {'pca': {}}
sweep.seeds = 1
nets.num_latents = 5
train.learning_rate = 3e-3
evaluate.training_batches = 1
"""
SAMPLING = {
    "iid": "train.batch_size = 512\n",
    "successive": "train.batch_size = 512\ntrain.sampling = 'successive'\n",
    "windows": "train.batch_size = 500\ntrain.sampling = 'windows'\ntrain.sampling_options = {'length': 50}\n",
}
SEGMENTS = {"num_sources": 5, "num_segments": 40, "segment_length": 512}
METHODS: dict[str, dict[str, Any]] = {
    "tcl": {"num_layers": 3},
    "pcl": {"num_layers": 3},
    "gcl": {"num_layers": 3},
    "conditional_likelihood": {"num_layers": 3},
    "ice_beem": {"num_layers": 3},
    "ivae": {},
    "hidden_markov": {"num_layers": 3},
    "snica": {},
}
SAMPLED = {"pcl": "successive", "hidden_markov": "windows", "snica": "windows"}
IN_TORCH = ("tcl", "pcl", "conditional_likelihood", "ivae")
EXAMPLES = """\
examples:
  python benchmarks/ica.py                                     half an hour on CPU, half of it iVAE
  python benchmarks/ica.py --torch ~/torch/bin/python          beside the PyTorch of another interpreter
  python benchmarks/ica.py --methods tcl,pcl --sizes 1,8 --rounds 9
"""


def trainer(method: str) -> tuple[Trainer, dict[str, float]]:
    """The programs of a method, and the hyperparameters of a model."""
    study = config.load_text(SWEEP + SAMPLING[SAMPLED.get(method, "iid")])
    options = dict(study.options) | {method: METHODS[method], "segment_sources": SEGMENTS}
    study = study.__class__(**{**vars(study), "options": options})
    hyper = dict.fromkeys(REGISTRY[method].hyper, 1.0)
    job = Job("job", (Run("run", "segment_sources", method, hyper, 0, "paper"),))
    loaded = data.load("segment_sources", options=SEGMENTS)
    learner = loading.learner(job, study, loaded)
    return Trainer(learner.learn, loading.batches(job, study, loaded), study.train), hyper


class Population:
    """So many models of a method, compiled and warm."""

    def __init__(self, programs: Trainer, hyper: dict[str, float], size: int):
        self.programs, self.hyper = programs, {name: jnp.full(size, value) for name, value in hyper.items()}
        self.members: Member = programs.init(jnp.arange(size))
        before = None
        # A state whose types an update changes is compiled once more, as are literals that become float32.
        while (types := jax.tree.map(jax.typeof, self.members)) != before:
            self.seconds(1)
            before = types

    def seconds(self, steps: int) -> float:
        """Of one update of all, the mean of so many."""
        start = time.perf_counter()
        advanced = self.programs.advance(self.members, self.hyper, self.programs.source, jnp.int32(steps))
        self.members, _ = jax.block_until_ready(advanced)
        return (time.perf_counter() - start) / steps


def medians(method: str, sizes: list[int], steps: int, rounds: int, torch: Processes | None) -> dict[Any, float]:
    """Seconds of one update of a population of each size, of the largest "together", and of "torch": over rounds in
    which they take turns."""
    programs, hyper = trainer(method)
    populations: dict[Any, Population] = {size: Population(programs, hyper, size) for size in sizes}
    if population.takes_turns() and len(sizes) > 1:
        with mock.patch.object(population, "takes_turns", return_value=False):
            populations["together"] = Population(*trainer(method), sizes[-1])
    times: dict[Any, list[float]] = {}
    for _ in range(rounds):
        for size, members in populations.items():
            times.setdefault(size, []).append(members.seconds(steps))
        if torch:
            times.setdefault("torch", []).append(torch.turn(steps * times[sizes[0]][-1]))
    return {name: statistics.median(found) for name, found in times.items()}


def row(method: str, options: argparse.Namespace) -> dict[str, Any]:
    """What was measured of a method. extra_restart: seconds of one more model, over those of one in the smallest."""
    with contextlib.ExitStack() as stack:
        torch = None
        if options.torch and method in IN_TORCH:
            command = [options.torch, str(HERE / "torch_ica.py"), method]
            torch = stack.enter_context(contextlib.closing(Processes(command, cores()[:1], dict(os.environ))))
        found = medians(method, options.sizes, options.steps, options.rounds, torch)
        result = {"method": method, "torch_version": torch.info["version"]} if torch else {"method": method}
    if torch:
        result["torch_seconds"] = found.pop("torch")
    if "together" in found:
        result["together_seconds"] = found.pop("together")
    first, last = min(found), max(found)
    if last > first:
        result["extra_restart"] = (found[last] - found[first]) / (last - first) / (found[first] / first)
    return {**result, "seconds": found}


def line(row: dict[str, Any]) -> str:
    said = f"{row['method']}: " + ", ".join(f"{size}: {1e6 * value:.0f}" for size, value in row["seconds"].items())
    if "extra_restart" in row:
        said += f"; an extra restart costs {row['extra_restart']:.0%} of one alone"
    if "together_seconds" in row:
        largest = max(row["seconds"])
        said += f"; {largest} together: {1e6 * row['together_seconds']:.0f}"
    if "torch_seconds" in row:
        ours = min((size, value / size) for size, value in row["seconds"].items())[1]
        said += f"; PyTorch {1e6 * row['torch_seconds']:.0f}, {row['torch_seconds'] / ours:.1f} times"
    return said


def measure(options: argparse.Namespace) -> Path:
    now, kind = datetime.datetime.now(), cpu_name()
    path = new_file(options.out, "ica", jax.default_backend(), kind, now)
    result: dict[str, Any] = {
        "benchmark": "ica",
        "date": f"{now:%Y-%m-%d %H:%M}",
        "device": {"backend": jax.default_backend(), "kind": kind, "cores": len(cores())},
        "versions": {name: version(name) for name in ("jax", "flax", "optax", "numpy")}
        | {"python": platform.python_version()},
        "commit": commit(),
        "rows": [],
    }
    OUT.print(
        f"{kind}, {len(cores())} core(s); batches of 512 points (256 pairs; 500 in windows of 50), nets of 3 layers; "
        "microseconds of an update"
    )
    for method in options.methods:
        found = row(method, options)
        if "torch_version" in found:
            result["versions"]["torch"] = found.pop("torch_version")
        result["rows"].append(found)
        save(result, path)
        OUT.print(line(found))
    return path


@command
def main(argv: list[str] | None = None) -> None:
    parser = Parser(description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(METHODS), help="names, separated by commas (default: all)")
    parser.add_argument("--sizes", default="1,2,4,8", help="of populations (default 1,2,4,8)")
    parser.add_argument("--steps", type=int, default=200, help="updates in a measurement (default 200)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default 5)")
    parser.add_argument(
        "--torch", metavar="PYTHON", help="an interpreter that has PyTorch, or none; default: this one, if it has"
    )
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the result")
    options = parser.parse_args(argv)
    above_zero(options, "steps", "rounds")
    options.methods = known("method", options.methods.split(","), METHODS)
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", options.sizes):
        raise ValueError(f"--sizes {options.sizes!r}: numbers of models, such as 1,2,4,8")
    options.sizes = sorted({int(size) for size in options.sizes.split(",")})
    options.torch = torch_python(options.torch)
    OUT.print(str(measure(options)))


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):  # macOS pins nothing
        os.sched_setaffinity(0, cores()[:1])  # before JAX counts them
    sys.exit(main())
