"""What an extra restart of non-linear ICA would cost on an H100, by the kernels and bytes of its compiled program.

Nothing is measured, and no GPU is needed: see `gpu_program.py`, which says what has to be installed. Small nets are
bound by launches, of which a population needs as many as one model.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import ica
from common import HERE, OUT, Parser, command, known
from gpu_program import Cost, compiled, of_round, written

SIZES = (1, 8, 64)


def step(method: str, size: int) -> Cost:
    """Of an update of so many models of a method."""
    return of_round(compiled(lambda: ica.trainer(method), size).as_text())


def row(method: str) -> dict[str, Any]:
    """Of each size the kernels, bytes and seconds; extra_restart: of one more model in the largest, over one alone."""
    costs = {size: step(method, size) for size in SIZES}
    seconds = {size: cost.seconds for size, cost in costs.items()}
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


@command
def main(argv: list[str] | None = None) -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(ica.METHODS), help="names, separated by commas (default: all)")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the result")
    options = parser.parse_args(argv)
    options.methods = known("method", options.methods.split(","), ica.METHODS)
    OUT.print(str(written("ica_gpu", map(row, options.methods), line, options.out)))


if __name__ == "__main__":
    sys.exit(main())
