"""What is counted of a program that is compiled for a GPU: kernels, and the bytes that they move."""

import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import gpu_program  # noqa: E402
import ica_gpu  # noqa: E402
import training_gpu  # noqa: E402
from gpu_program import Cost, Kernel  # noqa: E402

# A loop of an unknown number of rounds, as XLA writes it. In a round: a product of a library with a workspace, rows
# that are gathered from a large array, a copy, and ten rounds of an inner loop of one kernel.
PROGRAM = """\
HloModule jit_advance, is_scheduled=true

%gathering (table: f32[1000,4], rows: s32[8]) -> f32[8,4] {
  %table = f32[1000,4]{1,0} parameter(0)
  %rows = s32[8]{0} parameter(1)
  ROOT %gather = f32[8,4]{1,0} gather(%table, %rows), offset_dims={1}
}

%doubling (x: f32[8,4]) -> f32[8,4] {
  %x = f32[8,4]{1,0} parameter(0)
  ROOT %sum = f32[8,4]{1,0} add(%x, %x)
}

%inner (state: (f32[8,4])) -> (f32[8,4]) {
  %state = (f32[8,4]{1,0}) parameter(0)
  %was = f32[8,4]{1,0} get-tuple-element(%state), index=0
  %twice = f32[8,4]{1,0} fusion(%was), kind=kLoop, calls=%doubling
  ROOT %next = (f32[8,4]{1,0}) tuple(%twice)
}

%round (carried: (f32[1000,4], s32[8], f32[4,4])) -> (f32[1000,4], s32[8], f32[4,4]) {
  %carried = (f32[1000,4]{1,0}, s32[8]{0}, f32[4,4]{1,0}) parameter(0)
  %data = f32[1000,4]{1,0} get-tuple-element(%carried), index=0
  %index = s32[8]{0} get-tuple-element(%carried), index=1
  %kernel = f32[4,4]{1,0} get-tuple-element(%carried), index=2
  %batch = f32[8,4]{1,0} fusion(%data, %index), kind=kLoop, calls=%gathering
  %product = (f32[8,4]{1,0}, s8[4194304]{0}) custom-call(%batch, %kernel), custom_call_target="__cublas$lt$matmul"
  %out = f32[8,4]{1,0} get-tuple-element(%product), index=0
  %first = (f32[8,4]{1,0}) tuple(%out)
  %scan = (f32[8,4]{1,0}) while(%first), condition=%few, body=%inner, backend_config={"known_trip_count":{"n":"10"}}
  %copied = f32[4,4]{1,0} copy(%kernel)
  ROOT %all = (f32[1000,4]{1,0}, s32[8]{0}, f32[4,4]{1,0}) tuple(%data, %index, %copied)
}

ENTRY %main (given: (f32[1000,4], s32[8], f32[4,4])) -> (f32[1000,4], s32[8], f32[4,4]) {
  %given = (f32[1000,4]{1,0}, s32[8]{0}, f32[4,4]{1,0}) parameter(0)
  ROOT %looped = (f32[1000,4]{1,0}, s32[8]{0}, f32[4,4]{1,0}) while(%given), condition=%more, body=%round
}
"""
ROWS, KERNEL, INDEX = 8 * 4 * 4, 4 * 4 * 4, 8 * 4  # bytes


def test_a_round_is_its_kernels_and_the_bytes_that_each_reads_and_writes():
    gathered = ROWS + INDEX + ROWS  # of the table only the rows that are read
    product = ROWS + KERNEL + ROWS  # without its workspace
    inner = 10 * [Kernel("fusion", "f32[8,4]{1,0}", 2 * ROWS)]
    cost = gpu_program.of_round(PROGRAM)
    assert [kernel.num_bytes for kernel in cost.each] == [gathered, product, *(2 * ROWS for _ in inner), 2 * KERNEL]
    assert list(cost.each[2:12]) == inner
    assert (cost.kernels, cost.num_bytes) == (3 + 10, gathered + product + 10 * 2 * ROWS + 2 * KERNEL)


@pytest.mark.parametrize(
    ("kind", "asked", "rate"),
    [("f32", "HIGHEST", 60e12), ("f32", "DEFAULT", 400e12), ("bf16", "DEFAULT", 800e12)],
)
@pytest.mark.parametrize(("stack", "name"), [((), "__cublas$gemm"), ((7,), "__cublas$lt$matmul")])
def test_a_product_takes_as_long_as_its_bytes_or_its_operations(kind, asked, rate, stack, name):
    a, b, c = (",".join(map(str, (*stack, *shape))) for shape in ((1000, 3000), (3000, 2000), (1000, 2000)))
    program = gpu_program.parsed(
        "%main (a: x, b: x) -> x {\n"
        f"  %a = {kind}[{a}]{{1,0}} parameter(0)\n"
        f"  %b = {kind}[{b}]{{1,0}} parameter(1)\n"
        f'  %c = (f32[{c}]{{1,0}}, s8[99]{{0}}) custom-call(%a, %b), custom_call_target="{name}", '
        f'backend_config={{"operand_precision":["{asked}","{asked}"]}}\n'
        "}\n"
    )
    (kernel,) = gpu_program.cost(program, "main").each
    assert kernel.seconds == pytest.approx(2 * 1000 * 3000 * 2000 * (7 if stack else 1) / rate)


def test_a_program_without_such_a_loop_is_refused():
    known = PROGRAM.replace("body=%round", 'body=%round, backend_config={"known_trip_count":{"n":"3"}}')
    with pytest.raises(ValueError, match="0 loops of no known number of rounds: expected one"):
        gpu_program.of_round(known)


def costing(kernels, num_bytes):
    return Cost((Kernel("fusion", "f32[]", num_bytes), *[Kernel("copy", "f32[]", 0)] * (kernels - 1)))


def test_launches_and_bytes_add_up_to_what_a_restart_is_predicted_to_cost(monkeypatch):
    assert costing(50, 3_000_000).seconds == pytest.approx(101e-6)  # 2 µs a launch, 3 TB/s
    monkeypatch.setattr(ica_gpu, "step", lambda method, size: costing(100, 30_000_000 * size))
    row = ica_gpu.row("tcl")
    assert row["predicted_seconds"] == {size: pytest.approx(200e-6 + 10e-6 * size) for size in (1, 8, 64)}
    assert row["predicted_extra_restart"] == pytest.approx(10 / 210)
    assert ica_gpu.line(row).endswith("predicted µs 1: 210, 8: 280, 64: 840; an extra restart 4.8% of one alone")


def test_without_the_compiler_what_to_install_is_said(monkeypatch, tmp_path, capsys):
    def absent(*arguments, **options):
        raise NotImplementedError("topology not implemented for cuda")

    monkeypatch.setattr(gpu_program.topologies, "get_topology_desc", absent)
    assert ica_gpu.main(["--methods", "tcl", "--out", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no compiler for a GPU: pip install --target FOLDER --no-deps jax-cuda13-plugin==" in line
    assert list(tmp_path.iterdir()) == []
    assert ica_gpu.main(["--methods", "tlc", "--out", str(tmp_path)]) == 2
    assert "unknown method 'tlc': did you mean 'tcl'?" in capsys.readouterr().err


class Compiled:
    """What `gpu_program.compiled` returns, of 16 models: a step of `PROGRAM`."""

    temp_size_in_bytes = 16 * 1000

    def as_text(self):
        return PROGRAM

    def memory_analysis(self):
        return self


def test_bytes_of_training_are_those_of_a_model_and_its_share_of_the_launches(monkeypatch, tmp_path, capsys):
    compiled_for = []

    def compiled(trainer, size):
        compiled_for.append((trainer()[0].learn, size))
        return Compiled()

    monkeypatch.setattr(training_gpu, "compiled", compiled)
    assert training_gpu.main(["beta_vae/least/tf32", "--kernels", "1", "--out", str(tmp_path)]) == 0
    (file,) = tmp_path.iterdir()
    result = json.loads(file.read_text())
    assert result["benchmark"] == "training_gpu"
    assert result["device"]["is"] == "compiled for, not run on"
    (row,) = result["rows"]
    total = (ROWS + INDEX + ROWS) + (ROWS + KERNEL + ROWS) + 10 * 2 * ROWS + 2 * KERNEL
    assert (row["case"], row["kernels"], row["bytes"], row["temporary_bytes"]) == (
        "beta_vae/least/tf32", 13, round(total / 16), 1000,
    )  # fmt: skip
    # The step's bytes take no time beside the arithmetic of a beta-VAE, 5.3 GFLOP.
    seconds = 5.3e9 / 400e12 + 13 * 2e-6 / 48
    assert row["predicted_seconds"] == pytest.approx(seconds, rel=0.03)
    assert row["predicted_days"] == pytest.approx(12_600 * 300_000 * row["predicted_seconds"] / 86_400)
    assert row["largest"] == [{"bytes": 20, "kind": "custom-call", "type": row["largest"][0]["type"]}]
    assert "beta_vae/least/tf32" in capsys.readouterr().out
    ((learn, size),) = compiled_for
    assert size == 16
    assert learn.updates == 300_000


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("beta_vae", "case 'beta_vae': expected OBJECTIVE/FORM or OBJECTIVE/FORM/PRECISION"),
        ("beta_vae/least/tf32/1", "case 'beta_vae/least/tf32/1': expected"),
        ("beta_vea/least", "unknown objective 'beta_vea': did you mean 'beta_vae'?"),
        ("beta_vae/lest", "unknown form 'lest': did you mean 'least'?"),
        ("beta_vae/least/tf31", "unknown precision 'tf31': did you mean 'tf32'?"),
    ],
)
def test_a_case_that_there_is_not_is_refused_before_anything_is_compiled(case, said, tmp_path, capsys):
    assert training_gpu.main(["beta_vae/least", case, "--out", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
