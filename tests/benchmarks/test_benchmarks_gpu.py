"""What is counted of a program that is compiled for a GPU: kernels, and the bytes that they move."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import gpu_program  # noqa: E402
import ica_gpu  # noqa: E402
from gpu_program import Cost  # noqa: E402

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
    inner = 10 * 2 * ROWS
    assert gpu_program.of_round(PROGRAM) == Cost(3 + 10, gathered + product + inner + 2 * KERNEL)


def test_a_program_without_such_a_loop_is_refused():
    known = PROGRAM.replace("body=%round", 'body=%round, backend_config={"known_trip_count":{"n":"3"}}')
    with pytest.raises(ValueError, match="0 loops of no known number of rounds: expected one"):
        gpu_program.of_round(known)


def test_launches_and_bytes_add_up_to_what_a_restart_is_predicted_to_cost(monkeypatch):
    assert Cost(50, 3_000_000).seconds(launch=2e-6, bandwidth=3e12) == pytest.approx(101e-6)
    monkeypatch.setattr(ica_gpu, "step", lambda method, size: Cost(100, 30_000_000 * size))
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
    assert "no compiler for a GPU: pip install --target cuda --no-deps jax-cuda13-plugin==" in line
    assert list(tmp_path.iterdir()) == []
    assert ica_gpu.main(["--methods", "tlc", "--out", str(tmp_path)]) == 2
    assert "unknown method 'tlc': did you mean 'tcl'?" in capsys.readouterr().err
