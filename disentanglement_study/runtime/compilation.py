"""Compiling: programs are compiled once a machine, and those that run once are compiled quickly."""

import functools
import hashlib
import os
import platform
from pathlib import Path
from typing import Any

import jax


def briefly_run() -> dict[str, str] | None:
    """Compiler options for a program that runs briefly: on CPU it is compiled in half the time, and hardly slower
    where the work is in matrix products."""
    return {"xla_backend_optimization_level": "1"} if jax.default_backend() == "cpu" else None


@functools.cache
def long_run() -> dict[str, str] | None:
    """Compiler options for a program that runs long: on CPU each value is made just before it is used, so that more
    of them stay in the cache."""
    return _known({"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"})


def _known(options: dict[str, str]) -> dict[str, str] | None:
    """CPU compiler options, or None where the backend is another or this version of XLA does not know them."""
    if jax.default_backend() != "cpu":
        return None
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:
        return None
    return options


def use_cache() -> Path:
    """Turns on JAX's persistent compilation cache, shared by jobs and runs of this user; returns its folder.

    $JAX_COMPILATION_CACHE_DIR, else disentanglement_study/programs in $XDG_CACHE_HOME or ~/.cache. A folder of its own
    for each kind of processor: programs compiled for one may not run on another that shares the home directory.
    """
    config: Any = jax.config  # its settings are attributes that are made as JAX is imported
    if (chosen := config.jax_compilation_cache_dir) is None:
        home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        chosen = str(home / "disentanglement_study" / "programs" / _processor())
        jax.config.update("jax_compilation_cache_dir", chosen)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    return Path(chosen)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        features = platform.processor() or platform.machine()
    return hashlib.sha256(features.encode()).hexdigest()[:12]
