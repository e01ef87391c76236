"""How a command ends when it is told to stop."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator

SHUTDOWN_SECONDS = 10.0


@contextlib.contextmanager
def interruptible(code: int) -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does. While it ends, another one changes nothing; later, it exits at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopped: list[float] = []

    def stop(number: int, frame: object) -> None:
        stopped.append(time.monotonic())
        if len(stopped) == 1:
            raise KeyboardInterrupt
        if stopped[-1] - stopped[0] > SHUTDOWN_SECONDS:
            os._exit(code)

    # One that a shell or nohup has told this process to ignore stays ignored.
    numbers = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        # A process that is about to end must not be killed by the next one: Python takes back all handlers but this.
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if stopped else handler or signal.SIG_DFL)
