"""What training would cost on an H100, by form of the convolutions, precision and objective: kernels and bytes.

Nothing is measured, and no GPU is needed: see `gpu_program.py`, which says what has to be installed; `make gpu-bytes`
does so. A case is OBJECTIVE/FORM or OBJECTIVE/FORM/PRECISION, of the nets, batch and images of the study of 2019. The
form "xla" is cuDNN's convolution on the card, of which bytes say little: as a grouped one it does more than it needs.
"""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any, get_args

import programs
from common import HERE, OUT, Parser, command, known
from gpu_program import ARITHMETIC, LAUNCH, compiled, of_round, written

from disentanglement_study.config.sections import Precision
from disentanglement_study.nets.layers import FORMS
from disentanglement_study.study.locatello2019 import GRID

COMPILED = 16  # models in a compiled program: enough that what all share is little
LAUNCHED = 48  # models that share the launches of a step: eight seeds of the six strengths
STUDY = 12_600 * 300_000  # models x updates
DAY = 24 * 60 * 60  # seconds
CASES = (
    "beta_vae/blocks", "beta_vae/patches", "beta_vae/winograd", "beta_vae/xla", "beta_vae/least", "beta_vae/fused",
    "beta_vae/least/tf32", "beta_vae/least/bfloat16", "beta_vae/fused/tf32", "beta_tc_vae/least", "dip_vae_i/least",
    "dip_vae_ii/least", "annealed_vae/least", "factor_vae/blocks", "factor_vae/least", "factor_vae/least/bfloat16",
    "factor_vae/fused/tf32",
)  # fmt: skip


def row(case: str, largest: int = 0) -> dict[str, Any]:
    """Kernels of a step, bytes of a model and step, what they take of a second, and the `largest` kernels."""
    objective, form, precision = parts(case)
    train = dataclasses.replace(programs.TRAIN, precision=precision)
    program = compiled(lambda: programs.trainer_of(objective, form, train=train)[1:], COMPILED)
    cost = of_round(program.as_text())
    # What kernels of our own compute is not in `cost`: a step takes no less than all of its arithmetic.
    arithmetic = programs.flops_per_step(objective, "patches") / ARITHMETIC[precision]
    seconds = max(sum(kernel.seconds for kernel in cost.each) / COMPILED, arithmetic) + cost.kernels * LAUNCH / LAUNCHED
    return {
        "case": case,
        "kernels": cost.kernels,
        "bytes": round(cost.num_bytes / COMPILED),
        "temporary_bytes": round(program.memory_analysis().temp_size_in_bytes / COMPILED),
        "predicted_seconds": seconds,
        "predicted_days": STUDY * seconds / DAY,
        "largest": [
            {"bytes": round(kernel.num_bytes / COMPILED), "kind": kernel.kind, "type": kernel.type}
            for kernel in sorted(cost.each, key=lambda kernel: -kernel.num_bytes)[:largest]
        ],
    }


def parts(case: str) -> tuple[str, str, str]:
    """Objective, form and precision of a case; ValueError for what there is not."""
    if case.count("/") not in (1, 2):
        raise ValueError(f"case {case!r}: expected OBJECTIVE/FORM or OBJECTIVE/FORM/PRECISION")
    objective, form, precision = [*case.split("/"), "float32"][:3]
    known("objective", [objective], GRID)
    known("form", [form], FORMS)
    known("precision", [precision], get_args(Precision))
    return objective, form, precision


def line(row: dict[str, Any]) -> str:
    text = (
        f"{row['case']:30s} {row['kernels']:4d} kernels {row['bytes'] / 1e6:5.0f} MB "
        f"{1e6 * row['predicted_seconds']:4.0f} µs a model and step, the study {row['predicted_days']:4.1f} days"
    )
    largest = [f"    {one['bytes'] / 1e6:6.2f} MB  {one['kind']:11s} {one['type']}" for one in row["largest"]]
    return "\n".join([text, *largest])


@command
def main(argv: list[str] | None = None) -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=CASES, help=f"OBJECTIVE/FORM[/PRECISION] (default: {len(CASES)})")
    parser.add_argument("--kernels", type=int, default=0, metavar="N", help="list the N of each that move most")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the result")
    options = parser.parse_args(argv)
    for case in options.cases:
        parts(case)
    rows = (row(case, options.kernels) for case in options.cases)
    OUT.print(str(written("training_gpu", rows, line, options.out)))


if __name__ == "__main__":
    sys.exit(main())
