"""How fast methods of non-linear ICA train: what an extra restart costs, and a step beside plain PyTorch, on one core.

Restarts are models of one population, in one program, as a study trains them. All sizes take turns, and so does
PyTorch; times are medians over rounds.
"""

import argparse
import datetime
import json
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # where the package is not installed

import jax
import jax.numpy as jnp
from common import ERR, HERE, INTERRUPTED, OUT, Parser, above_zero, commit, cpu_name, known, new_file, save

from disentanglement_study import config
from disentanglement_study.study import loading
from disentanglement_study.training.programs import Trainer
from disentanglement_study.types import Job, Run

# Each on its kind of data: 5 sources (3 for SNICA), nets of 3 layers, 20,480 points.
SWEEP = """
sweep.data_sets = ['segment_sources']
sweep.methods = {'pca': {}}
sweep.seeds = 1
nets.num_latents = 5
train.batch_size = 512
train.learning_rate = 3e-3
evaluate.training_batches = 1
"""
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
SAMPLING = {"pcl": "successive", "hidden_markov": "windows", "snica": "windows"}
IN_TORCH = ("tcl", "pcl", "conditional_likelihood")
EXAMPLES = """\
examples:
  python benchmarks/ica.py                                     minutes on CPU
  python benchmarks/ica.py --torch ~/torch/bin/python          beside the PyTorch of another interpreter
  python benchmarks/ica.py --methods tcl,pcl --sizes 1,8 --rounds 9
"""


def trainer(method: str) -> tuple[Trainer, Any]:
    """The programs of a method, and its hyperparameters for one model."""
    from disentanglement_study import data
    from disentanglement_study.methods import METHODS as REGISTRY

    study = config.load_text(SWEEP + f"train.sampling = {SAMPLING.get(method, 'iid')!r}\n")
    if method in ("hidden_markov", "snica"):
        study = config.load_text(
            SWEEP.replace("512", "500") + "train.sampling = 'windows'\ntrain.sampling_options = {'length': 50}\n"
        )
    own = dict(study.options) | {method: METHODS[method], "segment_sources": SEGMENTS}
    study = study.__class__(**{**vars(study), "options": own})
    hyper = dict.fromkeys(REGISTRY[method].hyper, 1.0)
    job = Job("job", (Run("run", "segment_sources", method, hyper, 0, "paper"),))
    loaded = data.load("segment_sources", options=SEGMENTS)
    learner = loading.learner(job, study, loaded)
    return Trainer(learner.learn, loading.batches(job, study, loaded), study.train), hyper


def seconds(method: str, sizes: list[int], steps: int, rounds: int) -> dict[int, float]:
    """Of one update of a population of each size, the median over rounds in which they take turns."""
    programs, hyper = trainer(method)
    members = {size: programs.init(jnp.arange(size)) for size in sizes}
    of_size = {size: {name: jnp.full(size, value) for name, value in hyper.items()} for size in sizes}
    times: dict[int, list[float]] = {size: [] for size in sizes}
    for round_ in range(rounds + 1):
        for size in sizes:
            start = time.perf_counter()
            members[size], terms = programs.advance(members[size], of_size[size], programs.source, jnp.int32(steps))
            jax.block_until_ready(terms)
            if round_:  # the first compiles
                times[size].append((time.perf_counter() - start) / steps)
    return {size: statistics.median(found) for size, found in times.items()}


def in_torch(python: str, method: str, steps: int, rounds: int) -> tuple[float, str]:
    """Seconds of one step in plain PyTorch, and its version."""
    command = [python, str(HERE / "torch_ica.py"), method, str(steps), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()][1:]
    return statistics.median(line["seconds"] for line in lines), lines[0]["torch"]


def measure(options: argparse.Namespace) -> Path:
    now, kind = datetime.datetime.now(), cpu_name()
    path = new_file(options.out, "ica", jax.default_backend(), kind, now)
    result: dict[str, Any] = {
        "benchmark": "ica",
        "date": f"{now:%Y-%m-%d %H:%M}",
        "device": {"backend": jax.default_backend(), "kind": kind},
        "versions": {name: version(name) for name in ("jax", "flax", "optax", "numpy")}
        | {"python": platform.python_version()},
        "commit": commit(),
        "rows": [],
    }
    OUT.print(f"{kind}; batches of 512 (500 in windows of 50), nets of 3 layers; microseconds of an update")
    for method in options.methods:
        found = seconds(method, options.sizes, options.steps, options.rounds)
        first, last = min(found), max(found)
        extra = (found[last] - found[first]) / (last - first) / (found[first] / first) if last > first else None
        row = {"method": method, "seconds": found, "extra_restart": extra}
        said = ", ".join(f"{size}: {1e6 * value:.0f}" for size, value in found.items())
        said = f"{method}: {said}" + ("" if extra is None else f"; an extra restart costs {extra:.0%} of one alone")
        if options.torch and method in IN_TORCH:
            row["torch_seconds"], result["versions"]["torch"] = in_torch(
                options.torch, method, options.steps, options.rounds
            )
            said += (
                f"; PyTorch {1e6 * row['torch_seconds']:.0f}, {row['torch_seconds'] / found[first] * first:.1f} times"
            )
        OUT.print(said)
        result["rows"].append(row)
        save(result, path)
    return path


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(METHODS), help="names, separated by commas (default: all)")
    parser.add_argument("--sizes", default="1,2,4,8", help="of populations (default 1,2,4,8)")
    parser.add_argument("--steps", type=int, default=200, help="updates in a measurement (default 200)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default 5)")
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter that has PyTorch; without it not compared")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the result")
    try:
        options = parser.parse_args(argv)
        above_zero(options, "steps", "rounds")
        options.methods = known("method", options.methods.split(","), METHODS)
        options.sizes = sorted({int(size) for size in options.sizes.split(",")})
        OUT.print(str(measure(options)))
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        ERR.print(f"error: {error}", style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
