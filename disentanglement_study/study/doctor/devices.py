"""The devices that JAX finds, in a process of its own: one that hangs or dies there takes nothing with it."""

import json
import os
import subprocess
import sys
from typing import Any

from disentanglement_study.errors import reason

SECONDS = 45.0
PROGRAM = """
import json, jax
found = [
    {"platform": device.platform, "kind": device.device_kind, "bytes": (device.memory_stats() or {}).get("bytes_limit")}
    for device in jax.local_devices()
]
print(json.dumps(found))
"""


def devices(seconds: float = SECONDS) -> dict[str, Any]:
    """{"devices": [{"platform", "kind", "bytes"}]}, or {"error": one line}. bytes: that JAX may use, None if unknown.

    It takes no device's memory for longer than that process lives, and not all of it.
    """
    env = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"error": f"JAX had not started after {seconds:g} s"}
    except OSError as error:
        return {"error": f"{sys.executable}: {error.strerror}"}
    try:
        return {"devices": json.loads(done.stdout.splitlines()[-1])}
    except (IndexError, ValueError):
        return {"error": reason(done.stderr) if done.stderr.strip() else f"JAX ended with code {done.returncode}"}
