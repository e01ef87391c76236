"""Whether a folder can be made a study, or the one that it holds be extended. `Store` hands itself in."""

import contextlib
import dataclasses
import difflib
import json
import re
from typing import Any

import pandas as pd

from disentanglement_study import config
from disentanglement_study.config.identity import differing_setting, scored_with
from disentanglement_study.errors import clipped
from disentanglement_study.runtime import files
from disentanglement_study.runtime.files import Damaged
from disentanglement_study.runtime.words import counted
from disentanglement_study.store import records
from disentanglement_study.store import scored as scored_settings

# What this program makes in tmp/.
MADE = re.compile(
    r"lock|run\.json|(plan|study|evaluation|run|retry)\.\d+|"
    r"[0-9a-f]{12}\.(\d+|(scores|operative|manifest)\.\d+|(progress|losses)\.(json|\d+))|"
    r"\.[0-9a-f]{12}\.progress\.json\.\d+"
)


def check(store: Any, plan: pd.DataFrame, text: str, evaluation: str) -> list[str]:
    """Changes nothing. ValueError if the folder cannot be made this study, or extended by runs that it has not:

    if it is not empty and no study, if neither its plan nor this one contains the other, or if it was scored with
    other settings (`evaluation`, JSON), except for options of metrics that it has no score of. A plan that is lost or
    damaged is made again, if this one has all runs of the jobs. Returns what `create` will mend, a line each.
    """
    if not store.root.exists():
        return []
    here, damage = set(plan["run_id"]), []
    if not files.is_there(path := store.root / "plan.parquet"):
        if not store.root.is_dir():
            raise ValueError(f"{store.root} is a file, not a folder: name another folder")
        if _is_new(store):
            return []
        check_no_export(store)
        if not has_lost_plan(store):
            raise ValueError(f"{store.root} is not empty and holds no study (no plan.parquet): name another folder")
        damage.append(f"{path} is lost; it is made again from the sweep")
    try:
        there = set() if damage else set(records.plan(path)["run_id"])
    except Damaged as error:
        there, damage = set(), [f"{str(error).partition('; ')[0]}; it is made again from the sweep"]
    if damage and (others := of_jobs(store) - here):
        raise ValueError(
            f"{damage[0].partition(';')[0]}: {len(others)} of the runs of its jobs are not in this sweep; "
            "give the sweep of this study, or name another folder"
        )
    if not (there <= here or here <= there):
        number = f"{len(there - here):,} of its {counted(len(there), 'run')} are not in this one"
        raise ValueError(
            f"{store.root} holds another sweep: {_difference(store, text)}{number}; name another folder for this one"
        )
    scored = None
    try:
        scored = store.evaluation
    except Damaged as error:
        damage.append(f"{error}; it is written again")
        with contextlib.suppress(Damaged):
            scored = scored_with(store.settings)
    if scored is not None and scored != json.loads(evaluation):
        # The options of a metric of which there is no score may change, if study.gin can say so.
        named = None if here < there else set().union(*map(store.metrics, store.manifests()))
        if differs := scored_settings.difference(scored, json.loads(evaluation), named):
            raise ValueError(f"{store.root} was scored with other settings: {differs}; name another folder")
    try:
        store.settings  # noqa: B018
    except Damaged as error:
        if here < there:
            raise ValueError(f"{error}; the whole sweep, without --where, writes it again") from error
        damage.append(f"{error}; it is written again")
    return damage


def no_study(store: Any) -> ValueError:
    """The error for a folder without a study: what is there, or the nearest that is one."""
    root, plan = store.root, "plan.parquet"
    if root.exists() and not root.is_dir():
        return ValueError(f"{root} is a file, and holds no study: name the folder of a study")
    check_no_export(store)
    if root.exists() and not _is_new(store):
        inside = sorted(path.parent for path in root.glob(f"*/{plan}"))
        hint = f": did you mean {inside[0]}?" if inside else "; name the folder of a study"
        return ValueError(f"{root} holds no study but other files (no {plan}){hint}")
    there = [path.parent.name for path in root.parent.glob(f"*/{plan}")]
    near = difflib.get_close_matches(root.name, there, n=1)
    hint = f" (did you mean {root.parent / near[0]}?)" if near else ""
    what = "is empty and holds no study" if root.exists() else "does not exist, so it holds no study"
    return ValueError(f"{root} {what}{hint}; `disentanglement-study run SWEEP {root}` makes one")


def _difference(store: Any, text: str) -> str:
    """A setting in which the store's sweep differs from this one, as in "train.steps is 300 there, 301 here, and "."""
    with contextlib.suppress(ValueError):  # a study.gin that cannot be read is not what was asked about
        there, here = store.settings, config.load_text(text, "study.gin")
        swept = ((f"sweep.{field.name}", *(getattr(one.sweep, field.name) for one in (there, here)))
                 for field in dataclasses.fields(there.sweep))  # fmt: skip
        found = differing_setting(there, here) or next((one for one in swept if one[1] != one[2]), None)
        if found:
            return f"{found[0]} is {clipped(found[1])} there, {clipped(found[2])} here, and "
    return ""


def has_lost_plan(store: Any) -> bool:
    """Whether a folder without plan.parquet is a study. Others have a study.gin too: exports, folders of sweeps."""
    if store.job_folders():
        return True
    beside = store.jobs.is_dir() or store.tmp.is_dir() or (store.root / "evaluation.json").is_file()
    return (store.root / "study.gin").is_file() and beside


def check_no_export(store: Any) -> None:
    """ValueError for a folder that holds the export of a study, and no study."""
    root = store.root
    is_study = files.is_there(root / "plan.parquet") or store.job_folders()
    if (root / "datapackage.json").is_file() and not is_study:
        raise ValueError(f"{root} is an export of a study (datapackage.json), not a study: name another folder")


def of_jobs(store: Any) -> set[str]:
    """The runs of the jobs that are there and can be read."""
    found: set[str] = set()
    for folder in store.job_folders():
        with contextlib.suppress(Damaged):
            found.update(records.manifest(folder)["run_ids"])
    return found


def may_become(store: Any) -> bool:
    """Whether a study may be in the making here: the folder is not there, is empty, or holds the beginnings of one."""
    try:
        return not store.root.exists() or (store.root.is_dir() and _is_new(store))
    except FileNotFoundError:  # a study that is refused is removed again
        return True


def _is_new(store: Any) -> bool:
    """Whether the folder holds nothing but what an attempt to make a study leaves that was cut off."""
    if any(path.name not in ("tmp", "jobs") or path.is_symlink() for path in store.root.iterdir()):
        return False
    if store.jobs.exists() and (not store.jobs.is_dir() or any(store.jobs.iterdir())):
        return False
    return not store.tmp.exists() or all(MADE.fullmatch(path.name) for path in store.tmp.iterdir())
