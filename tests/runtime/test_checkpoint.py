"""Checkpoints are whole or not there, bit for bit; a damaged one costs the work since the one before."""

import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from waiting import HANG

from disentanglement_study.runtime.checkpoint import Checkpoints

# TensorStore tells of it where one read of several fails, or one write.
pytestmark = pytest.mark.filterwarnings("ignore:.*:pytest.PytestUnraisableExceptionWarning")


class Member(NamedTuple):
    params: dict[str, Any]
    optimiser: Any
    seed: jax.Array
    step: jax.Array


def training_state(members: int = 3) -> Member:
    params = {
        group: {"dense": {"kernel": jax.random.normal(jax.random.key(seed), (members, 4, 2))}}
        for seed, group in enumerate(("encoder", "discriminator"))
    }
    labels = {"encoder": "vae", "discriminator": "discriminator"}
    state = optax.multi_transform({"vae": optax.adam(1e-3), "discriminator": optax.adam(1e-4)}, labels).init(params)
    return Member(params, state, jnp.arange(members), jnp.int32(7))


def filled(value: int, size: int = 10) -> dict:
    return {"a": np.full((2, size), value, np.float32), "b": {"c": np.asarray(value, np.int32)}}


def bits(tree: Any) -> list[tuple]:
    return [(type(x), x.dtype, x.shape, np.asarray(x).tobytes()) for x in jax.tree.leaves(tree)]


def assert_latest(checkpoints: Checkpoints, step: int, state: Any, like: Any = None) -> None:
    found, restored = checkpoints.latest(state if like is None else like)
    assert found == step
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    assert bits(restored) == bits(state)


def steps(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", ["numpy", "jax"])
def test_arrays_come_back_bit_for_bit(tmp_path, kind):
    special = np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 1e-42, 0.0], np.float32)
    state = {
        "float32": np.concatenate([special, np.random.default_rng(0).normal(size=20).astype(np.float32)]),
        "members": np.random.default_rng(1).normal(size=(5, 3, 2)).astype(np.float32),
        "int32": np.array([-(2**31), 2**31 - 1], np.int32),
        "uint32": np.array([[0, 2**32 - 1]], np.uint32),
        "uint8": np.arange(256, dtype=np.uint8),
        "bool": np.array([True, False]),
        "scalars": (np.asarray(3, np.int32), np.asarray(np.nan, np.float32), np.asarray(True)),
        "zeros": np.zeros((3, 4), np.float32),
        "an odd / name.": [np.ones((2, 3), np.float32).T],
    }
    if kind == "jax":
        state = jax.tree.map(jnp.asarray, state)
    with Checkpoints(tmp_path / "c") as checkpoints:
        checkpoints.save(1, state)
        assert_latest(checkpoints, 1, state)


def test_the_structure_of_a_training_state_is_kept(tmp_path):
    state = training_state()
    with Checkpoints(tmp_path / "c") as checkpoints:
        checkpoints.save(10, state)
    for like in (state, jax.eval_shape(training_state)):
        with Checkpoints(tmp_path / "c") as checkpoints:
            assert_latest(checkpoints, 10, state, like)


def test_a_restored_state_needs_no_compilation(tmp_path):
    update = jax.jit(lambda state: jax.tree.map(lambda x: x + 1, state), donate_argnums=0)
    state = update(training_state())
    with Checkpoints(tmp_path / "c") as checkpoints:
        checkpoints.save(1, state)
        _, restored = checkpoints.latest(state)
    update(restored)
    assert update._cache_size() == 1


@pytest.fixture
def writing(monkeypatch):
    """Holds Orbax's thread that ends a write until this event is set: by itself it is as fast as the machine."""
    go_on, run = threading.Event(), threading.Thread.run

    def held(thread):
        if thread.name == "async_save":
            go_on.wait(HANG)
        run(thread)

    monkeypatch.setattr(threading.Thread, "run", held)
    yield go_on
    go_on.set()


def test_what_happens_to_the_arrays_after_save_does_not_matter(tmp_path, writing):
    update = jax.jit(lambda x: x * 0 - 1, donate_argnums=0)
    on_device, on_host = jnp.arange(2.0**20), np.arange(2**20)
    expected = np.arange(2.0**20, dtype=np.float32), np.arange(2**20)
    with Checkpoints(tmp_path / "c") as checkpoints:
        checkpoints.save(1, (on_device, on_host))
        assert steps(tmp_path / "c") != ["1"]  # it is still being written
        updated = update(on_device)
        on_host[:] = -1
        assert on_device.is_deleted()
        assert (updated == -1).all()
        writing.set()
        assert_latest(checkpoints, 1, expected)


def test_only_the_newest_are_kept(tmp_path):
    with Checkpoints(tmp_path / "c", keep=3) as checkpoints:
        for step in range(1, 7):
            checkpoints.save(step * 10, filled(step))
    assert steps(tmp_path / "c") == ["40", "50", "60"]
    with Checkpoints(tmp_path / "c", keep=1) as checkpoints:
        checkpoints.save(70, filled(7))
    assert steps(tmp_path / "c") == ["70"]


def test_nothing_is_there_at_first_and_after_remove(tmp_path):
    folder = tmp_path / "not" / "yet"
    with Checkpoints(folder) as checkpoints:
        assert checkpoints.latest(filled(0)) is None
        checkpoints.save(1, filled(1))
        checkpoints.remove()
        assert not folder.exists()
    checkpoints.remove()
    assert Checkpoints(folder).latest(filled(0)) is None


@pytest.mark.parametrize(
    ("like", "message"),
    [
        (training_state(members=4), r"kernel'\] is float32\[3, 4, 2\], not float32\[4, 4, 2\]"),
        (training_state()._replace(step=jnp.float32(0)), r"\.step is int32\[\], not float32\[\]"),
        (training_state()._replace(optimiser=()), r"\.count is int32\[\], not absent"),
        (training_state()._replace(seed={"x": jnp.arange(3)}), r"\.seed\['x'\] is absent, not int32\[3\]"),
    ],
)
def test_the_checkpoint_of_another_state_is_skipped(tmp_path, like, message):
    with Checkpoints(tmp_path / "c") as checkpoints:
        checkpoints.save(10, training_state())
        with pytest.warns(UserWarning, match=message):
            assert checkpoints.latest(like) is None
        # The new training is at an earlier step.
        checkpoints.save(5, like)
        assert_latest(checkpoints, 5, like)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 16
    file.write_bytes(content)


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    ("damage", "file"),
    [(damage, file) for damage in (cut, flip, Path.unlink) for file in ("largest", "state/_METADATA")]
    + [(Path.unlink, "state/manifest.ocdbt"), (empty, "state"), (empty, ".")],
)
def test_a_damaged_checkpoint_is_skipped_and_can_be_saved_again(tmp_path, damage, file):
    folder = tmp_path / "c"
    states = {step: {"x": np.random.default_rng(step).normal(size=10_000).astype(np.float32)} for step in (10, 20, 30)}
    with Checkpoints(folder) as checkpoints:
        checkpoints.save(10, states[10])
        checkpoints.save(20, states[20])
    files = [path for path in (folder / "20").rglob("*") if path.is_file()]
    damage(max(files, key=lambda path: path.stat().st_size) if file == "largest" else folder / "20" / file)
    with Checkpoints(folder) as checkpoints:
        with pytest.warns(UserWarning, match=f"skipped the checkpoint {folder / '20'}: "):
            assert_latest(checkpoints, 10, states[10])
        checkpoints.save(20, states[20])
        assert_latest(checkpoints, 20, states[20])
        checkpoints.save(30, states[30])
    with Checkpoints(folder) as checkpoints:
        assert_latest(checkpoints, 30, states[30])
    assert steps(folder) == ["20", "30"]


SAVES = """
import sys
import numpy as np
from disentanglement_study.runtime.checkpoint import Checkpoints
with Checkpoints(sys.argv[1]) as checkpoints:
    for step in range(int(sys.argv[2]), int(sys.argv[3])):
        checkpoints.save(step, {"a": np.full((2, 2**20), step, np.float32), "b": {"c": np.asarray(step, np.int32)}})
        print(step, flush=True)
"""


def test_a_process_killed_while_it_writes_leaves_whole_checkpoints(tmp_path):
    folder = tmp_path / "c"
    child = subprocess.Popen([sys.executable, "-c", SAVES, folder, "1", "10000"], stdout=subprocess.PIPE, text=True)
    for _ in range(4):
        started = int(child.stdout.readline())
    child.kill()  # it may be at any point of a write: what holds then, holds at all of them
    started = int((child.stdout.read().split() or [started])[-1])
    child.wait()
    (folder / "99999.orbax-checkpoint-tmp").mkdir()
    with Checkpoints(folder) as checkpoints:
        step, state = checkpoints.latest(filled(0, 2**20))
        assert step >= started - 1
        assert all((leaf == step).all() for leaf in jax.tree.leaves(state))
        checkpoints.save(step + 1, filled(step + 1, 2**20))
    assert steps(folder) == sorted([str(step), str(step + 1)])


def test_a_process_that_does_not_close_ends(tmp_path):
    program = SAVES.replace("with ", "checkpoints = ").replace(" as checkpoints:", "\nif True:")
    subprocess.run(
        [sys.executable, "-c", program, tmp_path / "c", "1", "4"], capture_output=True, timeout=HANG, check=True
    )
    with Checkpoints(tmp_path / "c") as checkpoints:
        assert checkpoints.latest(filled(0, 2**20))[0] in (2, 3)


def test_an_interrupt_ends_the_process_once_the_last_checkpoint_is_written(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", SAVES, tmp_path / "c", "1", "10000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(3):
        child.stdout.readline()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=HANG)
    assert "KeyboardInterrupt" in err
    with Checkpoints(tmp_path / "c") as checkpoints:
        step, state = checkpoints.latest(filled(0, 2**20))
    assert step >= int((out.split() or ["3"])[-1]) - 1
    assert all((leaf == step).all() for leaf in jax.tree.leaves(state))


@pytest.fixture
def full_disk():
    """No file may grow beyond 100 kB, which fails as a full disk does: in the middle of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda full: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000 if full else soft, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_fails_is_an_error_at_the_next_call(tmp_path, full_disk):
    folder = tmp_path / "c"
    state = {"x": np.random.default_rng(0).normal(size=100_000)}
    checkpoints = Checkpoints(folder)
    checkpoints.save(1, state)
    assert checkpoints.latest(state)[0] == 1
    for call in (lambda: checkpoints.save(3, state), lambda: checkpoints.latest(state), checkpoints.close):
        full_disk(True)
        checkpoints.save(2, state)
        with pytest.raises(OSError, match=f"{folder}: a checkpoint could not be written: .*File too large"):
            call()
        full_disk(False)
    with Checkpoints(folder) as checkpoints:
        assert checkpoints.latest(state)[0] == 1
        checkpoints.save(2, state)
        assert checkpoints.latest(state)[0] == 2
    assert steps(folder) == ["1", "2"]


def test_a_failed_write_does_not_keep_the_folder_from_being_removed(tmp_path, full_disk):
    checkpoints = Checkpoints(tmp_path / "c")
    full_disk(True)
    checkpoints.save(1, {"x": np.random.default_rng(0).normal(size=100_000)})
    checkpoints.remove()
    assert not (tmp_path / "c").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=str(tmp_path / "file")):
        Checkpoints(tmp_path / "file" / "c")


def test_the_import_is_light():
    program = (
        "import sys, disentanglement_study.runtime.checkpoint\n"
        "from jax._src import xla_bridge\n"
        "print(xla_bridge.backends_are_initialized(), *{'ray', 'tensorflow', 'torch', 'flax'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
