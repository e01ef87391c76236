"""What `run` would refuse of the data sets of a sweep, in a process of its own, which takes no device from a job."""

import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import disentanglement_study
from disentanglement_study.errors import reason

SECONDS = 60.0  # A set is read once to see that its bytes are right: 12 GB take half a minute.
PROGRAM = """
import json, sys
from pathlib import Path
from disentanglement_study.study import components, data_checks

asked = json.load(sys.stdin)
folder = asked["data_dir"] and Path(asked["data_dir"])
study = components.load(asked["sweep"])
print(json.dumps(data_checks.problems(study, folder, Path(asked["root"]), asked["missing"])))
"""


def problems(
    sweep: str, data_dir: Path | None, root: str, missing: Collection[str] = (), seconds: float = SECONDS
) -> dict[str, Any]:
    """{"problems": what would stop a run, a line each}, as `data_checks.problems` has it, or {"unknown": why it was not
    found out}. sweep: gin text."""
    asked = {"sweep": sweep, "data_dir": data_dir and str(data_dir), "root": root, "missing": list(missing)}
    here = str(Path(disentanglement_study.__file__).parent.parent)
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": path}
    command, given = [sys.executable, "-c", PROGRAM], json.dumps(asked)
    try:
        done = subprocess.run(command, env=env, input=given, timeout=seconds, capture_output=True, text=True)
        return {"problems": json.loads(done.stdout.splitlines()[-1])}
    except subprocess.TimeoutExpired:
        return {"unknown": f"checking its data sets took more than {seconds:g} s"}
    except OSError as error:
        return {"unknown": f"{sys.executable}: {error.strerror}"}
    except (IndexError, ValueError):
        return {"unknown": reason(done.stderr) if done.stderr.strip() else f"the check ended with {done.returncode}"}
