"""The benchmark of training: what it runs, whose turn it is, and what becomes of the numbers."""

import itertools
import json
import os
import sys
from pathlib import Path

import jax
import pytest

from disentanglement_study.config import NetConfig, TrainConfig
from disentanglement_study.nets import layers

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import programs
import rotation
import training
import training_report as report

pytestmark = pytest.mark.usefixtures("quick_compilation")

MLP = NetConfig(
    image_size=8,
    num_latents=3,
    encoder="mlp",
    decoder="mlp",
    encoder_options={"widths": (8,)},
    decoder_options={"widths": (8,)},
)
CONV = NetConfig(
    image_size=4,
    num_latents=3,
    encoder_options={"channels": (4,), "kernels": (4,), "hidden": 8},
    decoder_options={"channels": (4,), "hidden": 8},
)
TRAIN = TrainConfig(steps=10, batch_size=8)
MAIN_FORM = training.best_form()


@pytest.fixture(autouse=True)
def settings():
    """The command's settings of JAX end with a test."""
    before = {
        name: getattr(jax.config, name) for name in ("jax_enable_compilation_cache", "jax_default_matmul_precision")
    }
    yield
    for name, value in before.items():
        jax.config.update(name, value)


# What is timed.


def test_a_population_trains():
    info, advance = programs.training("beta_vae", "patches", 2, MLP, TRAIN)
    advance(1)
    advance(3)
    assert info["models"] == 2
    assert info["parameters"] == (64 * 8 + 8 + 2 * (8 * 3 + 3)) + (3 * 8 + 8 + 8 * 64 + 64)
    assert min(info[name] for name in ("flops", "compile_seconds", "temp_bytes", "argument_bytes")) > 0


def test_the_check_of_forms_tells_right_from_wrong(monkeypatch):
    patches = layers.FORMS["patches"]
    wrong = patches._replace(double=lambda y, w: 1.01 * patches.double(y, w))
    monkeypatch.setitem(layers.FORMS, "wrong", wrong)
    found = dict(programs.differences(["patches", "xla", "wrong"], CONV, TRAIN))
    assert found["xla"] == 0 < found["patches"] < 1e-5
    assert found["wrong"] > training.TOLERANCE


def test_the_ceilings_count_what_they_do():
    for program, key, count in ((programs.matmul(8), "flops", 1024), (programs.stream(1), "bytes", 2 << 20)):
        info, advance = program
        advance(2)
        assert info[key] == count


def test_the_net_of_pytorch_has_as_many_parameters_as_the_papers():
    pytest.importorskip("torch")
    import torch_vae

    info, advance = torch_vae.training(batch_size=2)
    advance(1)
    assert info["parameters"] == 690_517


# Turns.


class Fixed:
    """A contestant whose turns take what they are told to, or raise it."""

    def __init__(self, *seconds, **info):
        self.seconds, self.info, self.closed = list(seconds), info, False

    def turn(self, seconds):
        value = self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0]
        if isinstance(value, BaseException):
            raise value
        return value

    def close(self):
        self.closed = True


def test_a_turn_fills_its_time_in_few_calls(monkeypatch):
    clock, calls = [0.0], []
    monkeypatch.setattr(rotation.time, "perf_counter", lambda: clock[0])

    def advance(steps):
        calls.append(steps)
        clock[0] += 0.001 * steps

    took = rotation.turn(advance, 2.0)
    assert took["steps"] == sum(calls) == 2000
    assert took["seconds"] == pytest.approx(2.0)
    assert calls[0] == 1
    assert len(calls) < 8
    assert rotation.turn(lambda steps: clock.__setitem__(0, clock[0] + 5.0), 2.0) == {"steps": 1, "seconds": 5.0}


def test_a_process_of_several_makes_its_share_of_the_machine():
    answers = "for _ in sys.stdin: print(json.dumps({'steps': 10, 'seconds': 2}), flush=True)"
    program = f"import json, sys; print('a banner'); print(json.dumps({{'models': 4}}), flush=True)\n{answers}"
    workers = rotation.Processes([sys.executable, "-c", program], rotation.cores()[:1] * 2, os.environ)
    try:
        # Two processes at 5 steps a second of 4 models each.
        assert workers.turn(1.0) == pytest.approx(1 / 40)
    finally:
        workers.close()


def test_a_contestant_in_this_process_takes_the_time_of_its_steps(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(rotation.time, "perf_counter", lambda: clock[0])
    here = rotation.Here(({"models": 4}, lambda steps: clock.__setitem__(0, clock[0] + 0.002 * steps)))
    assert here.turn(0.1) == pytest.approx(0.0005)


@pytest.mark.parametrize("tick", [0.0, 1e-7])
def test_a_step_that_takes_no_time_ends_all_the_same(monkeypatch, tick):
    clock, calls = itertools.chain([0.0], (0.001 * (n > 50) + tick * n for n in itertools.count())), []
    monkeypatch.setattr(rotation.time, "perf_counter", lambda: next(clock))
    took = rotation.turn(calls.append, 0.001)
    assert took["steps"] == sum(calls)
    assert max(calls) == rotation.LONGEST


def test_all_processes_of_a_contestant_work_in_its_turn_and_wait_in_the_others(tmp_path):
    log = tmp_path / "log"
    program = (
        "import os, sys, time, types, rotation\n"
        "steps_done = 0\n"
        # A clock by which each step takes 2 ms: how fast the machine is does not matter.
        "rotation.time = types.SimpleNamespace(perf_counter=lambda: 0.002 * steps_done)\n"
        "def advance(steps):\n"
        "    global steps_done\n"
        "    for _ in range(steps):\n"
        "        time.sleep(0.002)\n"  # long enough for others to be seen that work at the same time
        "        os.write(log, sys.argv[1].encode())\n"
        "        steps_done += 1\n"
        "log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)\n"
        "rotation.serve({'threads': os.environ['THREADS']}, advance)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(rotation.__file__).parent), "THREADS": "1"}
    core = rotation.cores()[:1]
    contestants = {
        name: rotation.Processes([sys.executable, "-c", program, name, log], core * 2, env) for name in "ABC"
    }
    try:
        rounds = list(rotation.rotate(contestants, 3, 0.05))
        assert contestants["A"].info == {"threads": "1"}
    finally:
        for contestant in contestants.values():
            contestant.close()
    turns = "".join(name for name, _ in itertools.groupby(log.read_text()))
    assert turns == "ABCABCABC"
    assert [list(each) for each in rounds] == [["A", "B", "C"]] * 3
    assert [seconds for each in rounds for seconds in each.values()] == pytest.approx([0.001] * 9)


def test_ratios_are_taken_in_each_round():
    rounds = list(rotation.rotate({"ours": Fixed(1.0, 2.0, 4.0), "theirs": Fixed(3.0, 4.0, 20.0)}, 3, 1.0))
    assert rotation.ratios(rounds, "theirs", "ours") == {"median": 3.0, "min": 2.0, "max": 5.0}
    assert rotation.spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("raise ValueError('no such net')", "ValueError: no such net"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9"),
    ],
)
def test_a_worker_that_dies_says_why(program, reason):
    with pytest.raises(RuntimeError, match=reason):
        rotation.Processes([sys.executable, "-c", program], rotation.cores()[:1], os.environ)


def test_a_worker_of_the_benchmark_is_on_a_core_of_its_own(tmp_path):
    bench, *_ = training.prepare(training.parser().parse_args(["--out", str(tmp_path), "--processes", "1"]))
    workers = bench.launch("matmul", n=8)
    try:
        if hasattr(os, "sched_getaffinity"):
            assert os.sched_getaffinity(workers._workers[0][0].pid) == set(bench.cores)
            assert sorted(os.sched_getaffinity(0)) == rotation.cores()
        assert workers.info == {"flops": 1024}
        assert workers.turn(0.01) > 0
    finally:
        workers.close()


# The command.

ROW = {"flops": 5e9, "parameters": 690_517, "compile_seconds": 9.0, "temp_bytes": 2**20, "argument_bytes": 2**20}


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Runs the command with contestants that take known times; gives its exit code, its files and who was launched."""
    launched, files = [], []

    def run(*arguments, training_times=lambda population: [0.05], torch=None):
        def launch(self, program, **spec):
            if program != "training":
                return Fixed(0.01, flops=1e9, bytes=1e9)
            launched.append((spec["objective"], spec["form"], spec["population"]))
            times = training_times(spec["population"])
            if isinstance(times, BaseException):
                raise times
            return Fixed(*times, models=spec["population"], **ROW)

        monkeypatch.setattr(training.Bench, "launch", launch)
        monkeypatch.setattr(training.Bench, "processes", lambda self, command, **env: torch[bool(env)])
        monkeypatch.setattr(training, "torch_python", lambda name: "python" if torch else None)
        code = training.main([*arguments, "--out", str(tmp_path / "results"), "--rounds", "3"])
        files.extend(set((tmp_path / "results").glob("*.json")) - set(files))  # in the order of their runs
        return code, [json.loads(file.read_text()) for file in files], launched

    return run


def test_a_result_survives_its_file_and_reads_in_markdown(measured, capsys, tmp_path):
    torch = [Fixed(seconds, parameters=690_517, version="9.9") for seconds in (0.1, 0.075)]
    code, (result,), _ = measured("--sizes", "1,4", "--objectives", "beta_vae", torch=torch)
    assert code == 0
    assert all(contestant.closed for contestant in torch)
    assert result["versions"]["torch"] == "9.9"
    assert result["contest"]["rounds"][0]["ours"] == 0.05
    assert [row["population"] for row in result["rows"]] == [1, 4]
    assert result["rows"][0]["matmul_gflops"] == [100.0] * 3
    assert all(len(line.rstrip()) <= 110 for line in capsys.readouterr().out.splitlines()[:-1])

    (file,) = (tmp_path / "results").glob("training-cpu-*.json")
    assert training.main(["--markdown", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    cells = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines if "|" in line
    }
    assert cells["ours"] == ["50.00", "50.00–50.00", "100", "100%", "", ""]
    assert cells["PyTorch eager"] == ["100.00", "100.00–100.00", "50", "50%", "2.00", "2.00–2.00"]
    if sys.platform == "linux":
        assert cells["PyTorch eager, malloc tuned"][-2:] == ["1.50", "1.50–1.50"]
    # 12,600 x 300,000 steps of 50 ms; the last row by that name is of 4 models.
    assert cells["beta_vae"] == [
        MAIN_FORM, "4", "50,000", "50,000", "100", "100%", "2 MB", "9 s", "2,188 days",
    ]  # fmt: skip
    assert "matrix product 100 GFLOP/s (float32), memory 100.0 GB/s" in "\n".join(lines)


def test_a_net_of_other_size_is_not_compared(measured):
    with pytest.raises(ValueError, match="parameters"):
        measured("--sizes", "none", torch=[Fixed(0.1, parameters=5, version="9.9")] * 2)


def test_out_of_memory_is_a_row_and_larger_sizes_are_left_out(measured, capsys):
    def times(population):
        return RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying") if population >= 16 else [0.05]

    code, (result,), launched = measured("--sizes", "4,16,64", "--objectives", "beta_vae", training_times=times)
    assert code == 0
    assert [size for *_, size in launched] == [4, 16]
    assert result["rows"][1]["error"] == "out of memory"
    assert "out of memory" in report.markdown(result)
    assert "population 16: out of memory" in capsys.readouterr().out


def test_what_was_measured_before_an_interruption_is_kept(measured):
    def times(population):
        return [0.05] if population == 1 else [0.05, KeyboardInterrupt()]

    code, (result,), _ = measured("--sizes", "1,4,16", training_times=times)
    assert code == training.INTERRUPTED
    assert [row["population"] for row in result["rows"]] == [1]


def test_no_row_is_started_when_the_budget_is_spent(measured, monkeypatch):
    clock = iter([0.0, 5.0, 11.0])
    monkeypatch.setattr(training.time, "monotonic", lambda: next(clock))
    _, (result,), launched = measured("--sizes", "1,4,16", "--budget", "10")
    assert len(result["rows"]) == len(launched) == 1


def test_a_form_that_is_wrong_is_not_timed(measured, monkeypatch):
    monkeypatch.setattr(programs, "differences", lambda forms: [(form, 0.1 * (form == "blocks")) for form in forms])
    code, (result,), launched = measured("--sizes", "1", "--forms", "xla,blocks", "--check")
    assert code == 1
    assert result["check"] == {"xla": 0.0, "blocks": 0.1}
    assert {form for _, form, _ in launched} == {"xla"}


def test_a_second_run_on_a_day_has_a_file_of_its_own(measured):
    measured("--sizes", "1")
    assert len(measured("--sizes", "1")[1]) == 2


def test_the_plan_has_the_most_telling_rows_first():
    def short(*arguments):
        return [(row["objective"], row["form"], row["population"]) for row in training.plan(*arguments)]

    everything = short("1,4,16", None, ["xla", "blocks"])
    assert everything[:3] == [("beta_vae", "xla", size) for size in (1, 4, 16)]
    assert {row[1:] for row in everything[3:8]} == {("xla", 4)}
    assert everything[8:] == [("beta_vae", "blocks", size) for size in (1, 4, 16)]
    assert short("8", "factor_vae,dip_vae_i", ["xla"]) == [("factor_vae", "xla", 8), ("dip_vae_i", "xla", 8)]
    assert short("none", None, ["xla"]) == []
    assert set(training.forms("all")) == set(layers.FORMS) - {"fused"}  # which is for GPUs
    assert training.forms("fused") == ["fused"]
    assert training.forms("all")[0] == MAIN_FORM


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--forms", "block"], "unknown form 'block': did you mean 'blocks'?"),
        (["--objectives", "betavae"], "unknown objective 'betavae': did you mean 'beta_vae'?"),
        (["--precision", "hihgest"], "unknown precision 'hihgest': did you mean 'highest'?"),
        (["--sizes", "1,x"], "--sizes '1,x': numbers of models"),
        (["--rounds", "0"], "--rounds 0: it has to be above 0"),
        (["--processes", "100000"], "--processes 100000: there are"),
        (["--torch", "nowhere"], "--torch 'nowhere' is no interpreter"),
        (["--frm", "xla"], "unrecognized arguments: --frm xla"),
        (["--markdown", "nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_input_is_one_line_that_names_it(arguments, message, capsys):
    assert training.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert message in err


def test_the_page_shows_a_stored_result():
    root = Path(__file__).parents[2]
    tables = [report.markdown(json.loads(path.read_text())) for path in root.glob("benchmarks/results/training-*.json")]
    assert any(table in (root / "benchmarks" / "README.md").read_text() for table in tables)
