"""A program as XLA compiles it for a GPU that is not there: its kernels, and the bytes that they move.

Needs the plugin of JAX's own version, which `make gpu-bytes` puts into .venv/gpu-compiler (the extra "gpu-compiler"):

    PYTHONPATH=.venv/gpu-compiler .venv/bin/python benchmarks/ica_gpu.py

The compiler is the real one, `h100.txtpb` says what the card has. Only autotuning needs a card, so each product is
cuBLAS's here. Counted of a loop that runs so many times as is asked: one round of it, with the inner loops' rounds.
Nothing is measured: a kernel is taken for as long as its launch, and then its bytes through memory or, if that takes
longer, its arithmetic, which is counted of the matrix products alone; one kernel after the other.
"""

import datetime
import math
import re
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
from common import OUT, commit, new_file, save
from jax.experimental import topologies
from jax.sharding import SingleDeviceSharding

from disentanglement_study.runtime import population
from disentanglement_study.training import programs

jax.config.update("jax_platforms", "cpu")  # the plugin compiles, and looks for no card

CARD = "NVIDIA H100 80GB HBM3"
LAUNCH = 2e-6  # seconds from one kernel to the next
BANDWIDTH = 3.0e12  # bytes a second
ARITHMETIC = {"float32": 60e12, "tf32": 400e12, "bfloat16": 800e12}  # operations a second, of large products
TARGET = Path(__file__).with_name("h100.txtpb")
OPTIONS = {"xla_gpu_autotune_level": 0, "xla_gpu_enable_triton_gemm": False, "xla_gpu_enable_command_buffer": ""}
SIZES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8}
ARRAY = re.compile(r"\b(" + "|".join(SIZES) + r")\[([\d,]*)\]")
HEAD = re.compile(r"(ENTRY )?%?([\w.\-]+) \(.*\{\s*$")
INSTRUCTION = re.compile(r"\s*(?:ROOT )?%?([\w.\-]+) = (.+?) ([a-z][\w\-]*)\((.*?)\)(.*)$")
TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
NO_KERNEL = {"parameter", "tuple", "get-tuple-element", "bitcast", "constant", "after-all"}
PARTS = {"gather", "dynamic-slice", "slice"}


class Instruction(NamedTuple):
    """One line of a compiled program: `name = type operation(operands), rest`."""

    name: str
    type: str
    operation: str
    operands: list[str]
    rest: str

    def called(self, how: str) -> str:
        """The computation that it calls as its "body", "calls" or "to_apply"."""
        return re.search(rf"{how}=%([\w.\-]+)", self.rest)[1]


class Kernel(NamedTuple):
    """kind: its operation. type: of what it writes. num_bytes: what it reads and writes, each operand once.

    arithmetic: seconds of its operations, of a matrix product; 0 of other kernels.
    """

    kind: str
    type: str
    num_bytes: int
    arithmetic: float = 0.0

    @property
    def seconds(self) -> float:
        """Without its launch."""
        return max(self.num_bytes / BANDWIDTH, self.arithmetic)


class Cost(NamedTuple):
    """each: the kernels in turn, those of an inner loop once for each of its rounds."""

    each: tuple[Kernel, ...]

    @property
    def kernels(self) -> int:
        return len(self.each)

    @property
    def num_bytes(self) -> int:
        return sum(kernel.num_bytes for kernel in self.each)

    @property
    def seconds(self) -> float:
        return self.kernels * LAUNCH + sum(kernel.seconds for kernel in self.each)


Program = dict[str, list[Instruction]]


def compiled(trainer: Callable[[], tuple[Any, dict]], size: int) -> jax.stages.Compiled:
    """The program of `size` models that advance together, as on a GPU, of a trainer with its models' hyperparameters.

    Of arrays only the shapes are used. Raises RuntimeError if the plugin is not there.
    """
    try:
        topology = topologies.get_topology_desc("", "cuda", target_config=TARGET.read_text(), topology="1x1x1")
    except Exception as error:
        raise RuntimeError(
            f"no compiler for a GPU: pip install --target FOLDER --no-deps jax-cuda13-plugin=={jax.__version__} "
            f"jax-cuda13-pjrt=={jax.__version__}, and PYTHONPATH=FOLDER; make gpu-bytes does both "
            f"({str(error).splitlines()[0]})"
        ) from error
    placed = SingleDeviceSharding(topology.devices[0])

    def shape(leaf: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=placed)

    # As on a GPU: all members advance together, and there are no compiler options for CPUs.
    with (
        mock.patch.object(population, "takes_turns", return_value=False),
        mock.patch.object(programs, "briefly_run", return_value=None),
        mock.patch.object(programs, "long_run", return_value=None),
    ):
        made, hyper = trainer()
        members = jax.eval_shape(made.init, jnp.arange(size))
        hyper = {name: jnp.full(size, value) for name, value in hyper.items()}
        shapes = jax.tree.map(shape, (members, hyper, made.source, jnp.int32(1)))
        lowered = made.advance.trace(*shapes).lower(lowering_platforms=("cuda",))
        return lowered.compile(compiler_options=OPTIONS)


def written(benchmark: str, rows: Iterable[dict[str, Any]], line: Callable[[dict], str], folder: Path) -> Path:
    """The file of a result, which has the rows so far after each of them; each is printed as its `line`."""
    now = datetime.datetime.now()
    path = new_file(folder, f"predicted-{benchmark.removesuffix('_gpu')}", "gpu", CARD, now)
    result: dict[str, Any] = {
        "benchmark": benchmark,
        "date": f"{now:%Y-%m-%d %H:%M}",
        "device": {"backend": "gpu", "kind": CARD, "is": "compiled for, not run on"},
        "assumed": {
            "seconds_between_kernels": LAUNCH,
            "bytes_per_second": BANDWIDTH,
            "operations_per_second": ARITHMETIC,
        },
        "versions": {name: version(name) for name in ("jax", "flax", "optax")},
        "commit": commit(),
        "rows": [],
    }
    OUT.print(f"{CARD}, compiled for and not run on; {1e6 * LAUNCH:.0f} µs a kernel, {BANDWIDTH / 1e12:.1f} TB/s")
    for row in rows:
        result["rows"].append(row)
        save(result, path)
        OUT.print(line(row))
    return path


def of_round(text: str) -> Cost:
    """What one round of the loop costs in which a program spends its time: that of no known number of rounds."""
    program = parsed(text)
    loops = [
        one for body in program.values() for one in body if one.operation == "while" and not TRIPS.search(one.rest)
    ]
    if len(loops) != 1:
        raise ValueError(f"{len(loops)} loops of no known number of rounds: expected one")
    return cost(program, loops[0].called("body"))


def parsed(text: str) -> Program:
    """The computations of a program by name."""
    program: Program = {}
    for line in text.splitlines():
        if head := HEAD.match(line):
            body = program.setdefault(head[2], [])
        elif found := INSTRUCTION.match(line):
            name, kind, operation, operands, rest = found.groups()
            body.append(Instruction(name, kind, operation, re.findall(r"%([\w.\-]+)", operands), rest))
    return program


def cost(program: Program, name: str) -> Cost:
    """What a computation costs, inner loops with all their rounds."""
    types = {one.name: one.type for one in program[name]}
    each: list[Kernel] = []
    for one in program[name]:
        if one.operation in NO_KERNEL:
            continue
        if one.operation in ("call", "while"):
            inner = cost(program, one.called("body" if one.operation == "while" else "to_apply"))
            trips = int(TRIPS.search(one.rest)[1]) if one.operation == "while" else 1
            each += trips * inner.each
            continue
        if one.operation == "fusion":
            body = program[one.called("calls")]
            read = sum(_read(body, parameter) for parameter in body if parameter.operation == "parameter")
        else:
            read = sum(size(types.get(operand, "")) for operand in one.operands)
        # A call of a library returns its workspace too, bytes.
        written = re.sub(r"\b[su]8\[\d*\]", "", one.type) if one.operation == "custom-call" else one.type
        each.append(Kernel(one.operation, written, read + size(written), _arithmetic(one, types)))
    return Cost(tuple(each))


def size(kind: str) -> int:
    """Bytes of the arrays that a type names."""
    return sum(SIZES[name] * math.prod(shape) for name, shape in _arrays(kind))


def _arrays(kind: str) -> list[tuple[str, list[int]]]:
    """The kind of number and the shape of each array that a type names."""
    return [(name, [int(n) for n in shape.split(",") if n]) for name, shape in ARRAY.findall(kind)]


def _arithmetic(one: Instruction, types: dict[str, str]) -> float:
    """Seconds of the operations of a library's product of matrices, or of stacks [n,..] of them; 0 of other kernels."""
    if "cublas" not in one.rest:
        return 0.0
    (number, a), (_, b), (_, c) = (_arrays(kind)[0] for kind in (*map(types.get, one.operands[:2]), one.type))
    stack = a[0] if len(a) == 3 else 1
    operations = 2 * math.sqrt(
        math.prod(a) * math.prod(b) * math.prod(c) / stack
    )  # [n,i,j] [n,j,k] -> [n,i,k]: 2 n i j k
    full = '"operand_precision":["HIGHEST","HIGHEST"]' in one.rest
    precision = "bfloat16" if number == "bf16" else "float32" if full else "tf32"
    return operations / ARITHMETIC[precision]


def _read(body: list[Instruction], parameter: Instruction) -> int:
    """Bytes that a fusion reads of an operand: all, or what is gathered or sliced from it."""
    users, whole = [one for one in body if parameter.name in one.operands], size(parameter.type)
    if users and all(one.operation in PARTS and one.operands[0] == parameter.name for one in users):
        return min(whole, sum(size(one.type) for one in users))
    return whole
