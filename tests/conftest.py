"""What the tests of several modules share."""

import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
import threadpoolctl
from filelock import FileLock
from small_study import SMALL, TINY

# Matrices are small here: threads that wait for each other took ten times the time of the work. The limit is for NumPy
# in this process, which pytest's plugins have loaded; the variables are for all that starts later.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
threadpoolctl.threadpool_limits(1)
# What JAX traces is many small objects: Python's collector looked through all of them, again and again.
gc.set_threshold(50_000, 50, 50)
# Many tests compile the same programs, some in processes of their own: each is compiled once a session.
# Set before JAX is imported, inherited by every child process.
_cache = tempfile.TemporaryDirectory(prefix="disentanglement_study_tests_")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", _cache.name)
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # the tolerances are those of float32, not of an accelerator's TF32
# A suite that a shell started in the background ignores Ctrl-C, and so would the processes whose Ctrl-C it tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
# Data sets are rendered once for all workers: 480 MB, gone with the process that started the suite.
_sets = tempfile.TemporaryDirectory(prefix="disentanglement_study_sets_")
os.environ.setdefault("DISENTANGLEMENT_STUDY_TEST_SETS", _sets.name)
# What is made once for all workers of this session, and belongs to no other.
_session = tempfile.TemporaryDirectory(prefix="disentanglement_study_session_")
os.environ.setdefault("DISENTANGLEMENT_STUDY_TEST_SESSION", _session.name)

# The files whose tests take longest, in the suite or in the slow one: they start first, so that no worker is left with
# one. Those that mostly wait for Ray take turns with those that compute.
LONGEST = (
    "test_growing", "test_every_method", "test_nodes_that_differ", "test_extend", "test_cli", "test_nodes_that_go",
    "test_udr_again", "test_doctor", "test_fit", "test_damaged_data", "test_nets", "test_cluster", "test_train",
    "test_preemption", "test_compare", "test_changed_sweep", "test_hostile_studies", "test_stopping", "test_axes",
    "test_info_gan", "test_checks", "test_retry", "test_sampling", "test_figures", "test_drawn", "test_damage",
    "test_bad_input", "test_data",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="session")
def dsprites_root(tmp_path_factory):
    """A cache folder that holds the rendered dSprites for the whole suite, and a picture for Scream dSprites."""
    import numpy as np
    from PIL import Image

    from disentanglement_study.data.rendered import dsprites

    root = Path(os.environ["DISENTANGLEMENT_STUDY_TEST_SETS"])
    picture = np.random.default_rng(0).integers(0, 256, (100, 90, 3), dtype=np.uint8)
    whole = tmp_path_factory.mktemp("picture") / "scream.png"
    Image.fromarray(picture).save(whole)
    shutil.move(whole, root / "scream.png")
    dsprites.load(root)
    return root


@pytest.fixture(scope="session")
def small_sweep():
    """The path of a sweep of 8 small models, two objectives on dSprites."""
    path = Path(os.environ["DISENTANGLEMENT_STUDY_TEST_SESSION"]) / "small.gin"
    with FileLock(path.with_suffix(".lock")):
        path.write_text(SMALL)
    return str(path)


@pytest.fixture(scope="session")
def finished_study(small_sweep, dsprites_root):
    """The small sweep, run inline: one folder for all workers. Tests only read it: what writes takes a copy."""
    from disentanglement_study import cli

    folder = Path(small_sweep).with_name("finished")
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            made = folder.with_name("unfinished")
            command = ["run", small_sweep, str(made), "--data-dir", str(dsprites_root), "--executor", "inline"]
            assert cli.main(command) == 0
            made.rename(folder)
    return folder


@pytest.fixture
def study_copy(finished_study, tmp_path):
    """A finished study of a test's own."""
    return shutil.copytree(finished_study, tmp_path / "copy")


@pytest.fixture(scope="module")
def run_tiny(request, tmp_path_factory, dsprites_root):
    """Runs the tiny sweep, with what the module has in `BINDINGS` (gin) over it, into a folder; gives the exit code."""
    from disentanglement_study import cli

    path = tmp_path_factory.mktemp("sweep") / "tiny.gin"
    path.write_text(TINY + getattr(request.module, "BINDINGS", ""))

    def call(folder, *bindings, options=()):
        over = [part for binding in bindings for part in ("--gin", binding)]
        command = ["run", str(path), str(folder), "--data-dir", str(dsprites_root), "--executor", "inline"]
        return cli.main([*command, *over, *options])

    return call


@pytest.fixture(scope="module")
def quick_compilation():
    """For modules whose programs are small: compiling them takes longer than running them."""
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="module")
def tab():
    """A tab of a browser. Where REQUIRE_CHROMIUM is set, as in .ci/run, a machine without a browser fails."""
    from benchmarks import chromium

    if (browser := chromium.find()) is None:
        give_up = pytest.fail if os.environ.get("REQUIRE_CHROMIUM") else pytest.skip
        give_up(f"no Chromium on PATH ({', '.join(chromium.NAMES)})")
    with chromium.page(browser) as opened:
        yield opened
