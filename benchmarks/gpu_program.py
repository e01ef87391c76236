"""A program as XLA compiles it for a GPU that is not there: its kernels, and the bytes that they move.

Needs the plugin of JAX's own version, on the path and not installed (JAX would look for a card):

    pip install --target cuda --no-deps jax-cuda13-plugin==VERSION jax-cuda13-pjrt==VERSION
    PYTHONPATH=cuda python benchmarks/ica_gpu.py

The compiler is the real one, `h100.txtpb` says what the card has. Only autotuning needs a card, so each product is
cuBLAS's here. Counted of a loop that runs so many times as is asked: one round of it, with the inner loops' rounds.
"""

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jax.experimental import topologies
from jax.sharding import SingleDeviceSharding

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


class Cost(NamedTuple):
    """kernels: how many are launched. num_bytes: what they read and write, each operand of each once."""

    kernels: int
    num_bytes: int

    def seconds(self, launch: float, bandwidth: float) -> float:
        """`launch` seconds from a kernel to the next, `bandwidth` bytes a second, one after the other."""
        return self.kernels * launch + self.num_bytes / bandwidth


Program = dict[str, list[Instruction]]


def compiled(function: jax.stages.Wrapped, *arguments: Any) -> str:
    """The text of a jitted function, compiled for the card of `TARGET`; of the arguments only shapes are used.

    Raises RuntimeError if the plugin is not there.
    """
    try:
        topology = topologies.get_topology_desc("", "cuda", target_config=TARGET.read_text(), topology="1x1x1")
    except Exception as error:
        version = jax.__version__
        raise RuntimeError(
            f"no compiler for a GPU: pip install --target cuda --no-deps jax-cuda13-plugin=={version} "
            f"jax-cuda13-pjrt=={version}, and PYTHONPATH=cuda ({str(error).splitlines()[0]})"
        ) from error
    placed = SingleDeviceSharding(topology.devices[0])
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=placed), arguments)
    lowered = function.trace(*shapes).lower(lowering_platforms=("cuda",))
    return lowered.compile(compiler_options=OPTIONS).as_text()


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
    kernels = num_bytes = 0
    for one in program[name]:
        if one.operation in NO_KERNEL:
            continue
        if one.operation in ("call", "while"):
            inner = cost(program, one.called("body" if one.operation == "while" else "to_apply"))
            trips = int(TRIPS.search(one.rest)[1]) if one.operation == "while" else 1
            kernels, num_bytes = kernels + trips * inner.kernels, num_bytes + trips * inner.num_bytes
            continue
        if one.operation == "fusion":
            body = program[one.called("calls")]
            read = sum(_read(body, parameter) for parameter in body if parameter.operation == "parameter")
        else:
            read = sum(size(types.get(operand, "")) for operand in one.operands)
        # A call of a library returns its workspace too, bytes.
        written = re.sub(r"\b[su]8\[\d*\]", "", one.type) if one.operation == "custom-call" else one.type
        kernels, num_bytes = kernels + 1, num_bytes + read + size(written)
    return Cost(kernels, num_bytes)


def size(kind: str) -> int:
    """Bytes of the arrays that a type names."""
    return sum(SIZES[name] * math.prod(int(n) for n in shape.split(",") if n) for name, shape in ARRAY.findall(kind))


def _read(body: list[Instruction], parameter: Instruction) -> int:
    """Bytes that a fusion reads of an operand: all, or what is gathered or sliced from it."""
    users, whole = [one for one in body if parameter.name in one.operands], size(parameter.type)
    if users and all(one.operation in PARTS and one.operands[0] == parameter.name for one in users):
        return min(whole, sum(size(one.type) for one in users))
    return whole
