"""What the tests of several modules share."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

# Many tests compile the same programs, some in processes of their own: each is compiled once a session.
# Set before JAX is imported, inherited by every child process.
_cache = tempfile.TemporaryDirectory(prefix="disentanglement_study_tests_")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", _cache.name)
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # the tolerances are those of float32, not of an accelerator's TF32
# A suite that a shell started in the background ignores Ctrl-C, and so would the processes whose Ctrl-C it tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")
# Data sets are rendered once for all workers: 480 MB, gone with the process that started the suite.
_sets = tempfile.TemporaryDirectory(prefix="disentanglement_study_sets_")
os.environ.setdefault("DISENTANGLEMENT_STUDY_TEST_SETS", _sets.name)


@pytest.fixture(scope="session")
def dsprites_root(tmp_path_factory):
    """A cache folder that holds the rendered dSprites for the whole suite, and a picture for Scream dSprites."""
    import numpy as np
    from PIL import Image

    from disentanglement_study.data import dsprites

    root = Path(os.environ["DISENTANGLEMENT_STUDY_TEST_SETS"])
    picture = np.random.default_rng(0).integers(0, 256, (100, 90, 3), dtype=np.uint8)
    whole = tmp_path_factory.mktemp("picture") / "scream.png"
    Image.fromarray(picture).save(whole)
    shutil.move(whole, root / "scream.png")
    dsprites.load(root)
    return root


@pytest.fixture(scope="module")
def quick_compilation():
    """For modules whose programs are small: compiling them takes longer than running them."""
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
