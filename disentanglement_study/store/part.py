"""How much of a study's plan its results are from."""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.runtime.words import counted


def part(plan: pd.DataFrame, manifests: Iterable[dict]) -> str:
    """ "from 8 of 12 runs: 3 are not done, 1 has failed"; "" where all runs of the plan are done."""
    left, ended = set(plan["run_id"]), {"done": 0, "failed": 0}
    for manifest in manifests:
        own = left.intersection(manifest["run_ids"])
        ended[manifest["status"]] += len(own)
        left -= own
    done, failed = ended["done"], ended["failed"]
    if done == len(plan):
        return ""
    lacking = [f"{len(left):,} {'is' if len(left) == 1 else 'are'} not done"] if left else []
    if failed:
        lacking.append(f"{failed:,} {'has' if failed == 1 else 'have'} failed")
    return f"from {done:,} of {counted(len(plan), 'run')}: {', '.join(lacking)}"
