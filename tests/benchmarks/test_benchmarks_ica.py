"""The benchmark of non-linear ICA: what it times, who takes turns, and what it says."""

import importlib.util
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import ica  # noqa: E402

pytestmark = pytest.mark.usefixtures("quick_compilation")
# A worker that needs no PyTorch: a step takes no time.
WORKER = """
import sys
sys.path.insert(0, {folder!r})
from rotation import serve
serve({{"version": "0.0"}}, lambda steps: None)
"""


def options(tmp_path, *given):
    return [*given, "--steps", "2", "--rounds", "2", "--out", str(tmp_path)]


def drawn(programs):
    """The shapes of a batch."""
    return jax.eval_shape(lambda source: programs._drawn(jax.random.key(0), source)[0], programs.source)


def test_a_population_is_warm_before_its_time_is_taken():
    """Of a state whose first update changes its types, the program is compiled again: not in what is timed."""

    class Programs:
        source, compiled = None, 0

        def init(self, seeds):
            return jax.vmap(lambda _: jnp.asarray(1.0))(seeds)  # weakly typed, until an array is added

        def __init__(self):
            def advance(members, hyper, source, steps):
                self.compiled += 1  # as it is traced
                return members + jnp.ones_like(members, dtype=jnp.float32), {}

            self.advance = jax.jit(advance)

    programs = Programs()
    assert programs.init(jnp.arange(2)).weak_type
    population = ica.Population(programs, {}, 2)
    warm = programs.compiled
    assert warm == 2
    population.seconds(3)
    assert programs.compiled == warm


def test_models_of_a_population_are_trained(tmp_path):
    programs, hyper = ica.trainer("conditional_likelihood")
    population = ica.Population(programs, hyper, 2)
    before = int(population.members.step[0])
    assert population.seconds(7) > 0
    assert population.members.step.tolist() == [before + 7] * 2
    assert (population.members.diverged == -1).all()


def test_every_method_can_be_built():
    for name in ica.METHODS:
        programs, hyper = ica.trainer(name)
        jax.eval_shape(programs.init, jnp.arange(1))
        points, pairs = (256, 256) if name == "pcl" else (500 if ica.SAMPLED.get(name) == "windows" else 512, 0)
        batch = drawn(programs)
        assert (batch["x"].shape[0], batch["pair"].shape[0] if pairs else 0) == (points, pairs)
        assert set(hyper) == set(ica.REGISTRY[name].hyper)


def test_sizes_and_pytorch_take_turns(monkeypatch):
    turns = []

    class Model:
        def __init__(self, programs, hyper, size):
            self.size = size

        def seconds(self, steps):
            turns.append(self.size)
            return 0.001 * self.size * len(turns)

    class Torch:
        def turn(self, seconds):
            turns.append(round(seconds, 6))
            return 0.5

    monkeypatch.setattr(ica, "trainer", lambda method: (None, {}))
    monkeypatch.setattr(ica, "Population", Model)
    found = ica.medians("tcl", [1, 4], 10, 3, Torch())
    # Each round: one model, four, four that advance together, and PyTorch for as long as one model took.
    assert turns == [1, 4, 4, 0.01, 1, 4, 4, 0.05, 1, 4, 4, 0.09]
    assert found == {
        1: pytest.approx(0.005), 4: pytest.approx(0.024), "together": pytest.approx(0.028), "torch": 0.5
    }  # fmt: skip


def test_models_that_advance_together_have_a_program_of_their_own(monkeypatch):
    took_turns = []
    trainer = ica.trainer

    def watched(method):
        took_turns.append(ica.population.takes_turns())
        return trainer(method)

    monkeypatch.setattr(ica, "trainer", watched)
    assert set(ica.medians("conditional_likelihood", [1, 2], 2, 1, None)) == {1, 2, "together"}
    assert took_turns == [True, False]
    assert ica.population.takes_turns()


def test_an_extra_restart_is_a_share_of_one_alone(monkeypatch):
    class Options:
        torch, sizes, steps, rounds = None, [1, 2, 5], 1, 1

    monkeypatch.setattr(ica, "medians", lambda *_: {1: 0.010, 2: 0.013, 5: 0.022})
    found = ica.row("tcl", Options)
    assert found["extra_restart"] == pytest.approx(0.3)  # 12 ms for 4 more, of 10
    assert ica.line(found) == "tcl: 1: 10000, 2: 13000, 5: 22000; an extra restart costs 30% of one alone"
    monkeypatch.setattr(ica, "medians", lambda *_: {4: 0.02})
    assert ica.row("tcl", Options) == {"method": "tcl", "seconds": {4: 0.02}}
    monkeypatch.setattr(ica, "medians", lambda *_: {1: 0.01, 4: 0.02, "together": 0.03})
    assert ica.line(ica.row("tcl", Options)).endswith("of one alone; 4 together: 30000")
    # A step of PyTorch is of one model: beside one of ours.
    assert ica.line({"method": "tcl", "seconds": {4: 0.02}, "torch_seconds": 0.01}).endswith("10000, 2.0 times")


def test_the_command_leaves_a_result_beside_a_worker(tmp_path, monkeypatch, capsys):
    worker = tmp_path / "torch_ica.py"
    worker.write_text(WORKER.format(folder=str(BENCHMARKS)))
    monkeypatch.setattr(ica, "HERE", tmp_path)
    monkeypatch.setattr(ica, "torch_python", lambda name: sys.executable)
    assert ica.main(options(tmp_path, "--methods", "conditional_likelihood", "--sizes", "2,1")) == 0
    (path,) = tmp_path.glob("ica-*.json")
    result = json.loads(path.read_text())
    assert result["benchmark"] == "ica"
    assert result["versions"]["torch"] == "0.0"
    assert set(result["versions"]) > {"jax", "numpy", "python"}
    assert set(result["device"]) == {"backend", "kind", "cores"}
    (row,) = result["rows"]
    assert set(row["seconds"]) == {"1", "2"}
    assert set(row) == {"method", "seconds", "extra_restart", "together_seconds", "torch_seconds"}
    said = capsys.readouterr().out
    assert "an extra restart costs" in said
    assert "PyTorch" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "tlc"], "unknown method 'tlc': did you mean 'tcl'?"),
        (["--sizes", "1,x"], "--sizes '1,x': numbers of models, such as 1,2,4,8"),
        (["--sizes", "0"], "--sizes '0': numbers of models"),
        (["--rounds", "0"], "--rounds 0: it has to be above 0"),
        (["--torch", "nowhere"], "--torch 'nowhere' is no interpreter"),
    ],
)
def test_bad_input_is_one_line_that_names_it(arguments, message, capsys, tmp_path):
    assert ica.main([*arguments, "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert message in err


# PyTorch's side.


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("method", ica.IN_TORCH)
def test_pytorch_trains_as_many_parameters(method):
    import torch_ica

    info, advance = torch_ica.training(method)
    programs, _ = ica.trainer(method)
    members = jax.eval_shape(programs.init, jnp.arange(1))
    assert info["parameters"] == sum(leaf.size for leaf in jax.tree.leaves(members.state[0]))
    assert info["batch"] == len(drawn(programs)["x"])
    assert advance(2).isfinite()
