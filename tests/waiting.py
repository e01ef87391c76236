"""What tests wait for: processes, by what they print, and conditions. No test depends on how fast the machine is."""

import subprocess
import sys
import threading
import time

LIMIT = 120.0  # seconds, of what takes some; reached only if what a test waits for never comes
HANG = 1800.0  # seconds: ends a wait that would never end, and is no bound on how long anything takes

# A command of the study that stops for good after so many calls of a method, and says so: what is sent to it there
# meets it there. Arguments: the module and the class below the package, the method, the calls, then the command's own.
HELD = f"""
import importlib, sys, time
from disentanglement_study import cli

module, owner, method, calls, *command = sys.argv[1:]
owner = getattr(importlib.import_module("disentanglement_study." + module), owner)
function, count = getattr(owner, method), 0

def held(*arguments, **options):
    global count
    result, count = function(*arguments, **options), count + 1
    if count == int(calls):
        print("held", flush=True)
        time.sleep({HANG})
    return result

setattr(owner, method, held)
sys.exit(cli.main(command))
"""


def held(where: tuple[str, str, str, int], command: list[str]) -> subprocess.Popen:
    """A command that waits where it is told to, in a session of its own."""
    program = [sys.executable, "-c", HELD, *map(str, where), *command]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(program, start_new_session=True, **pipes)
    until(process, "held")
    return process


def until(process: subprocess.Popen, line: str) -> None:
    """Returns once a process has printed this line."""
    guard = threading.Timer(HANG, process.kill)
    guard.start()
    try:
        for said in process.stdout:
            if said.strip() == line:
                return
    finally:
        guard.cancel()
    raise AssertionError(f"it ended before it said {line!r}: {process.stderr.read() if process.stderr else ''}")


def wait_for(condition) -> None:
    """Returns once the condition, which is called again and again, is true."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
