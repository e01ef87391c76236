"""Who looks on at a study that is only being made waits for it."""

import contextlib
import time
from pathlib import Path

from disentanglement_study import store
from disentanglement_study.runtime.terminal import OUT
from disentanglement_study.store import Store, making

SECONDS = 0.5  # between two looks


def awaited(folder: Path) -> Store | None:
    """The study in a folder; on a terminal one that is not there yet is waited for. None: Ctrl-C ended that."""
    with contextlib.suppress(KeyboardInterrupt):
        try:
            return store.open(folder)
        except ValueError as error:
            if not (OUT.is_terminal and making.may_become(Store(folder))):
                raise
            OUT.print(f"{error}\nwaiting for a study in {folder} (Ctrl-C ends)", soft_wrap=True)
        while making.may_become(Store(folder)):
            time.sleep(SECONDS)
        return store.open(folder)
    return None
