"""What the tests of several modules share."""

import os
import shutil
import signal
import tempfile

import pytest

# Many tests compile the same programs, some in processes of their own: each is compiled once a session.
# Set before JAX is imported, inherited by every child process.
_cache = tempfile.TemporaryDirectory(prefix="disentanglement_study_tests_")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", _cache.name)
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # the tolerances are those of float32, not of an accelerator's TF32
# A suite that a shell started in the background ignores Ctrl-C, and so would the processes whose Ctrl-C it tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")


@pytest.fixture(scope="session")
def dsprites_root(tmp_path_factory):
    """A cache folder that holds the rendered dSprites for the whole session, and a picture for Scream dSprites."""
    import numpy as np
    from PIL import Image

    from disentanglement_study.data import dsprites

    root = tmp_path_factory.mktemp("data")
    picture = np.random.default_rng(0).integers(0, 256, (100, 90, 3), dtype=np.uint8)
    Image.fromarray(picture).save(root / "scream.png")
    dsprites.load(root)
    yield root
    shutil.rmtree(root)  # 377 MB, which pytest would keep for its next three runs


@pytest.fixture(scope="module")
def quick_compilation():
    """For modules whose programs are small: compiling them takes longer than running them."""
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
