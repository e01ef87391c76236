"""What an extra restart of non-linear ICA would cost on an H100, by the kernels and bytes of its compiled program.

Nothing is measured: a step is taken for as long as its kernels' launches and its bytes through memory, one after the
other. Small nets are bound by launches, of which a population needs as many as one model. `gpu_program.py` says what
has to be installed; no GPU is needed.
"""

import argparse
import datetime
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

os.environ["JAX_PLATFORMS"] = "cpu"  # the plugin compiles, and looks for no card

import ica
import jax
import jax.numpy as jnp
from common import HERE, OUT, Parser, command, commit, known, new_file, save
from gpu_program import Cost, compiled, of_round

from disentanglement_study.runtime import population

CARD = "NVIDIA H100 80GB HBM3"
LAUNCH = 2e-6  # seconds from one kernel to the next
BANDWIDTH = 3.0e12  # bytes a second
SIZES = (1, 8, 64)


def step(method: str, size: int) -> Cost:
    """Of an update of so many models of a method that advance together, as on a GPU."""
    with mock.patch.object(population, "takes_turns", return_value=False):
        programs, hyper = ica.trainer(method)
        members = jax.eval_shape(programs.init, jnp.arange(size))
        hyper = {name: jnp.full(size, value) for name, value in hyper.items()}
        return of_round(compiled(programs.advance, members, hyper, programs.source, jnp.int32(1)))


def row(method: str) -> dict[str, Any]:
    """Of each size the kernels, bytes and seconds; extra_restart: of one more model in the largest, over one alone."""
    costs = {size: step(method, size) for size in SIZES}
    seconds = {size: cost.seconds(LAUNCH, BANDWIDTH) for size, cost in costs.items()}
    first, last = SIZES[0], SIZES[-1]
    return {
        "method": method,
        "kernels": {size: cost.kernels for size, cost in costs.items()},
        "bytes": {size: cost.num_bytes for size, cost in costs.items()},
        "predicted_seconds": seconds,
        "predicted_extra_restart": (seconds[last] - seconds[first]) / (last - first) / seconds[first],
    }


def line(row: dict[str, Any]) -> str:
    kernels = ", ".join(f"{size}: {number:,}" for size, number in row["kernels"].items())
    megabytes = ", ".join(f"{size}: {number / 1e6:,.1f}" for size, number in row["bytes"].items())
    seconds = ", ".join(f"{size}: {1e6 * value:,.0f}" for size, value in row["predicted_seconds"].items())
    extra = f"an extra restart {row['predicted_extra_restart']:.1%} of one alone"
    return f"{row['method']}: kernels {kernels}; MB {megabytes}; predicted µs {seconds}; {extra}"


def predict(options: argparse.Namespace) -> Path:
    now = datetime.datetime.now()
    path = new_file(options.out, "ica-predicted", "gpu", CARD, now)
    result: dict[str, Any] = {
        "benchmark": "ica_gpu",
        "date": f"{now:%Y-%m-%d %H:%M}",
        "device": {"backend": "gpu", "kind": CARD, "is": "compiled for, not run on"},
        "assumed": {"seconds_between_kernels": LAUNCH, "bytes_per_second": BANDWIDTH},
        "versions": {name: version(name) for name in ("jax", "flax", "optax")},
        "commit": commit(),
        "rows": [],
    }
    OUT.print(f"{CARD}, compiled for and not run on; {1e6 * LAUNCH:.0f} µs a kernel, {BANDWIDTH / 1e12:.1f} TB/s")
    for method in options.methods:
        result["rows"].append(row(method))
        save(result, path)
        OUT.print(line(result["rows"][-1]))
    return path


@command
def main(argv: list[str] | None = None) -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(ica.METHODS), help="names, separated by commas (default: all)")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the result")
    options = parser.parse_args(argv)
    options.methods = known("method", options.methods.split(","), ica.METHODS)
    OUT.print(str(predict(options)))


if __name__ == "__main__":
    sys.exit(main())
