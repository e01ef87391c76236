"""How a command, or the job that a worker does, ends when it is told to stop."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

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


class Asked:
    """Whether the process was told to stop meanwhile, and by which signal."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.before: dict[int, Callable] = {}

    def __bool__(self) -> bool:
        return self.number is not None

    def obey(self) -> None:
        """Does now what the signal would have done at once; nothing if there was none."""
        if self.number is not None:
            number, self.number = self.number, None
            self.before[number](number, None)


@contextlib.contextmanager
def announced(say: Callable[[str], None]) -> Iterator[None]:
    """Within the block `say` is told the name of a signal, SIGINT or SIGTERM, before it is obeyed. Signals without a
    handler in Python are left alone, and so are all in a thread that gets none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Callable] = {}

    def tell(number: int, frame: object) -> None:
        say(signal.Signals(number).name)
        before[number](number, frame)

    for number in (signal.SIGINT, signal.SIGTERM):
        if callable(handler := signal.getsignal(number)):
            before[number] = handler
            signal.signal(number, tell)
    try:
        yield
    finally:
        for which, handler in before.items():
            if signal.getsignal(which) is tell:
                signal.signal(which, handler)


@contextlib.contextmanager
def deferred() -> Iterator[Asked]:
    """Within the block SIGINT and SIGTERM are noted, and obeyed when it says so or ends: what is in the middle of
    something can be brought to an end first. The same one again is obeyed at once; the other one changes nothing, for
    it may come from somebody else who wants the same. Signals without a handler in Python are left alone, and so are
    all in a thread that gets none.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: object) -> None:
        if asked.number == number:
            asked.obey()
        elif not asked:
            asked.number = number

    for number in (signal.SIGINT, signal.SIGTERM):
        if callable(handler := signal.getsignal(number)):
            asked.before[number] = handler
            signal.signal(number, note)
    try:
        yield asked
    finally:
        for which, handler in asked.before.items():
            signal.signal(which, handler)
        asked.obey()
