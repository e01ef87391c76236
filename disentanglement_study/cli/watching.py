"""What `status --watch` shows of a study that runs: drawn again on a terminal, a block of lines per look elsewhere."""

import contextlib
import math
import time
from collections import deque

import pandas as pd
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from disentanglement_study.cli import display
from disentanglement_study.runtime.terminal import OUT, is_animated, printable
from disentanglement_study.runtime.words import counted
from disentanglement_study.store import Store
from disentanglement_study.study.overview import Overview, overview
from disentanglement_study.study.watch import clock, duration, remaining

LOOKS = 10  # among which the most jobs that ran at once are how many run at once


def watch(store: Store, every: float) -> None:
    """Looks at a study every so many seconds, until no process runs it or Ctrl-C."""
    slots: deque[int] = deque(maxlen=LOOKS)
    live = Live(console=OUT, auto_refresh=False) if is_animated(OUT) else contextlib.nullcontext()
    with contextlib.suppress(KeyboardInterrupt), live as screen:
        while seen := overview(store, max(slots, default=0)):
            slots.append(seen.slots)
            shown = block(str(store.root), seen, time.time())
            if screen is None:
                OUT.print(shown, "", soft_wrap=True)
            else:
                screen.update(shown, refresh=True)
            time.sleep(every)
        OUT.print(f"no process runs {store.root}", soft_wrap=True)


def block(title: str, seen: Overview, now: float) -> RenderableType:
    """What is shown of one look, at this time in seconds since 1970."""
    waiting = seen.planned - seen.done - seen.failed - seen.running
    lines = [
        f"{title}  {clock(now, now)}",
        f"{seen.done:,} of {counted(seen.planned, 'model')} done, {seen.failed:,} failed, {seen.running:,} running, "
        f"{waiting:,} to do",
    ]
    if seen.started is not None:
        speed = "" if math.isnan(seen.per_hour) else f", {display.number(seen.per_hour)} models an hour"
        lines.append(f"since {clock(seen.started, now)} ({duration(max(now - seen.started, 0.0))}){speed}")
    if not math.isnan(seen.left):
        lines.append(f"end expected at {clock(now + seen.left, now)} (in {remaining(seen.left)})")
    lines += [f"waiting: {text}" for text in seen.awaited]
    parts: list[RenderableType] = [Text(printable(line)) for line in lines]
    if seen.jobs:
        frame = pd.DataFrame(seen.jobs)
        parts.append(display.Fitted(frame.assign(fraction=frame["fraction"].map("{:.0%}".format))))
    return Group(*parts)
