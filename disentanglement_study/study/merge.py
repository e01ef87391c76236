"""Studies of one sweep that were run in several places become one study, in a new folder.

Of a run that several have, the first that is done is kept, with those scores of the others that it has not; a failed
run is kept where none is done. Jobs are copied whole, with their logs, or cut to the runs that are kept of them.
Scores that compare models (UDR) are left out: they are of other sets of models.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from rich.console import Console
from rich.progress import track

from disentanglement_study.config import Study
from disentanglement_study.config.identity import differing_settings, scored_with
from disentanglement_study.errors import clipped
from disentanglement_study.runtime import files
from disentanglement_study.runtime.terminal import ERR, is_animated
from disentanglement_study.runtime.words import counted
from disentanglement_study.store import Store, in_flight, open, scored, upkeep
from disentanglement_study.store.peers import UDR
from disentanglement_study.store.runs import planned
from disentanglement_study.study import axes, compared, components, loading, parts, plan
from disentanglement_study.types import Job, Run

KEY = ["run_id", *compared.SCORE]
OF_METRIC = ["run_id", "representation", "metric"]
TRAINING = "training"
NAMED = 5  # settings in which studies differ; others are counted


class Source(NamedTuple):
    """A study that is merged, and the manifests of its jobs."""

    store: Store
    manifests: list[dict]


class Piece(NamedTuple):
    """The runs that are kept of a job of one study; `others`: the finished jobs of other studies that have some."""

    store: Store
    manifest: dict
    runs: list[Run]
    others: list[tuple[Store, dict]]

    @property
    def job(self) -> Job:
        return parts.job_of(self.manifest, self.runs)


class Merged(NamedTuple):
    """What came of it: counts of runs, and of jobs that were cut; and whether scores of UDR were left out."""

    planned: int
    done: int
    failed: int
    in_several: int
    jobs_cut: int
    without_udr: bool


def merge(roots: Sequence[Path], into: Path, keep_first: bool = False, console: Console | None = None) -> Merged:
    """Writes the studies at `roots` as one into the folder `into`: a new one, or that of such a merge that was stopped.

    keep_first: of runs whose scores differ the first is kept.

    Raises ValueError before anything is written: for fewer than two studies, one that is running or damaged, a folder
    that is named twice, settings of nets, training or scoring that differ, a data set that has other contents in
    another study, and a run that is done in two studies with different scores.
    """
    _check_folders(roots, into)
    sources = [_source(root) for root in roots]
    _check_origin(sources)
    _check_data(sources)
    runs = _planned(sources)
    study = _settings(sources, list(runs.values()))
    pieces = _pieces(sources, runs)
    pieces = [_agreeing(piece, keep_first) for piece in pieces]
    target, frame = Store(into), plan.frame(list(runs.values()), study)
    evaluation = json.dumps(scored_with(study), sort_keys=True)
    _check_target(target, frame, study.text, evaluation, {piece.job.job_id for piece in pieces})
    files.named(into)
    with target.lock():
        in_flight.clear(target)
        target.create(frame, study.text, evaluation)
        there = {manifest["job_id"] for manifest in target.manifests()}
        todo = [piece for piece in pieces if piece.job.job_id not in there]
        console = console or ERR
        for piece in track(todo, "jobs", console=console, transient=True, disable=not is_animated(console)):
            parts.write(piece.store.jobs / piece.manifest["job_id"], target, piece.runs, *_scores(piece))
    done = [set(m["run_ids"]) for source in sources for m in source.manifests if m["status"] == "done"]
    return Merged(
        planned=len(runs),
        done=len(target.run_ids("done")),
        failed=len(target.run_ids("failed")),
        in_several=sum(map(len, done)) - len(set().union(*done)),
        jobs_cut=sum(len(piece.runs) < len(piece.manifest["run_ids"]) for piece in pieces),
        without_udr=any(UDR in source.store.metrics(m) for source in sources for m in source.manifests),
    )


def _planned(sources: Sequence[Source]) -> dict[str, Run]:
    """The runs of all plans, each with its values of the axes of all sweeps.

    An axis of one sweep is the same for all runs of another, whose plan does not say it: their own settings do.
    """
    plans = [(source.store.settings, planned(source.store)) for source in sources]
    of: dict[str, dict[str, None]] = {}  # the axes of each method and data set
    for _, plan_of_one in plans:
        for run in plan_of_one.values():
            for name in run.settings:
                of.setdefault(run.data_set if _is_of_data(name, run) else run.method, {})[name] = None
    runs: dict[str, Run] = {}
    for study, plan_of_one in plans:
        known: dict[str, dict[str, Any]] = {}  # of runs with these settings
        for run_id, run in plan_of_one.items():
            key = json.dumps([run.data_set, run.method, run.settings])
            if key not in known:
                own = study.of(run.settings)
                lacking = [*of.get(run.data_set, ()), *of.get(run.method, ())]
                values = {name: axes.value(name, own) for name in lacking if name not in run.settings}
                known[key] = {**run.settings, **{name: one for name, one in values.items() if one is not None}}
            runs.setdefault(run_id, dataclasses.replace(run, settings=known[key]))
    return runs


def _is_of_data(name: str, run: Run) -> bool:
    return name.partition(".")[0] == run.data_set


def _check_folders(roots: Sequence[Path], into: Path) -> None:
    if len(roots) < 2:
        raise ValueError("only one study is named: name two or more, and then the new folder")
    seen: set[Path] = set()
    for root in roots:
        store = open(root)
        if root.resolve() in seen:
            raise ValueError(f"{root} is named twice: name each study once")
        if root.resolve() in (into.resolve(), *into.resolve().parents):
            raise ValueError(f"{into} is one of the studies, or in it: name a new folder")
        if store.is_running():
            raise ValueError(f"another process is running {root}: wait for it, or stop it first")
        seen.add(root.resolve())


def _source(root: Path) -> Source:
    """A study whose jobs are whole; `Damaged` if one is not."""
    store = open(root)
    damaged, manifests = upkeep.damage(store)
    for error in damaged.values():
        raise error
    return Source(store, manifests)


def _check_origin(sources: Sequence[Source]) -> None:
    """ValueError if some studies have their models, and others are results that were imported."""
    origins = {(source.store.source or {}).get("kind"): source.store.root for source in sources}
    if len(origins) > 1:
        kind = next(kind for kind in origins if kind is not None)
        own = next(root for other, root in origins.items() if other != kind)
        raise ValueError(
            f"{origins[kind]} holds results imported from {kind}, without models, and {own} holds models: they cannot "
            f"be merged; `tables {own} --beside {origins[kind]}` compares them"
        )


def _check_data(sources: Sequence[Source]) -> None:
    """ValueError if two studies have models of different data sets of one name."""
    identities = {json.dumps(m["data"]): m["data"] for source in sources for m in source.manifests if m.get("data")}
    for identity in identities.values():
        for source in sources:
            loading.check_data(identity, source.store.root, source.manifests)


def _settings(sources: Sequence[Source], runs: Sequence[Run]) -> Study:
    """The settings of the study with the largest plan by which all runs have their ids, with the metrics of all.

    Of sweeps that differ by their seeds alone it has the seeds of all.
    """
    largest = sorted((source.store for source in sources), key=lambda store: -len(store.plan))
    own = [store.settings for store in largest]
    metrics = list({name: None for settings in own for name in settings.evaluate.metrics})
    bindings = [f"evaluate.metrics = {metrics}"]
    if options := _options(sources):
        bindings.append(f"evaluate.options = {options}")
    seeds = [range(one.sweep.seeds) if isinstance(one.sweep.seeds, int) else one.sweep.seeds for one in own]
    if all(dataclasses.replace(one.sweep, seeds=1) == dataclasses.replace(own[0].sweep, seeds=1) for one in own):
        bindings.append(f"sweep.seeds = {sorted(set().union(*seeds))}")
    kinds = plan.group(runs, len(runs))
    for store in largest:
        study = components.of_study(store, bindings)
        if all(plan.run_ids(kind.runs, study) == [run.run_id for run in kind.runs] for kind in kinds):
            return study
    for store, settings in zip(largest, own, strict=True):
        if found := differing_settings(own[0], settings):
            name, one, other = found[0]
            what = [f"{name} is {clipped(one)} in {largest[0].root}, {clipped(other)} in {store.root}"]
            what += [f"{name} {clipped(one)} and {clipped(other)}" for name, one, other in found[1:NAMED]]
            what += [f"and {len(found) - NAMED} more"] if len(found) > NAMED else []
            said = "; ".join(what)
            raise ValueError(f"these are different sweeps: {said}: only studies with the same settings can be merged")
    raise ValueError("these are different sweeps: no study.gin of theirs describes all of their runs")


def _options(sources: Sequence[Source]) -> dict[str, dict]:
    """The options of metrics; ValueError if two studies were scored with other settings."""
    first = sources[0].store
    found: dict[str, dict] = {}
    scored_by: dict[str, Store] = {}
    for store, manifests in sources:
        evaluation = store.evaluation
        if differs := scored.difference(first.evaluation, evaluation, ()):
            raise ValueError(f"{store.root} was scored with other settings than {first.root}: {differs}")
        for name in sorted(set().union(*map(store.metrics, manifests))):
            other = scored_by.setdefault(name, store)
            if differs := scored.difference(other.evaluation, evaluation, [name]):
                raise ValueError(f"{store.root} was scored with other settings than {other.root}: {differs}")
        found = (evaluation.get("options") or {}) | found
    return found | {
        name: store.evaluation["options"][name]
        for name, store in scored_by.items()
        if name in (store.evaluation.get("options") or {})
    }


def _pieces(sources: Sequence[Source], runs: dict[str, Run]) -> list[Piece]:
    """What is kept of each job: the first that is done of each run, else the first that failed."""
    claimed: set[str] = set()
    jobs_of: dict[str, list[tuple[Store, dict]]] = {}
    for store, manifests in sources:
        for manifest in manifests:
            if manifest["status"] == "done":
                for run_id in manifest["run_ids"]:
                    jobs_of.setdefault(run_id, []).append((store, manifest))
    pieces = []
    for status in ("done", "failed"):
        for store, manifests in sources:
            for manifest in manifests:
                kept = [run_id for run_id in manifest["run_ids"] if run_id not in claimed]
                if manifest["status"] != status or not kept:
                    continue
                claimed.update(kept)
                of = [other for run_id in kept for other in jobs_of.get(run_id, ()) if status == "done"]
                others = {one["job_id"] + str(other.root): (other, one) for other, one in of if other is not store}
                pieces.append(Piece(store, manifest, [runs[run_id] for run_id in kept], list(others.values())))
    return pieces


def _agreeing(piece: Piece, keep_first: bool) -> Piece:
    """The piece, whose scores are equal in the other jobs. If not: without these jobs, or ValueError."""
    own = _comparable(piece.store, piece.manifest, piece.runs)
    for store, manifest in piece.others:
        both = own.merge(_comparable(store, manifest, piece.runs), on=KEY)
        differ = both[~compared.close(both["value_x"].to_numpy(float), both["value_y"].to_numpy(float))]
        if differ.empty:
            continue
        if keep_first:
            return piece._replace(others=[])
        row = differ.iloc[0]
        raise ValueError(
            f"run {row.run_id} has other scores in {store.root} than in {piece.store.root}: {row.score} of "
            f"{row.metric} ({row.representation}) is {row.value_y:.9g} there, {row.value_x:.9g} here, and so are "
            f"{len(differ)} of {counted(len(both), 'score')} of job {manifest['job_id']}; `--keep first` takes "
            f"those of {piece.store.root}"
        )
    return piece


def _comparable(store: Store, manifest: dict, runs: Sequence[Run]) -> pd.DataFrame:
    """The scores of these runs without those that failed; of a model that diverged they are a result."""
    rows = _rows(store, manifest, runs)
    return rows.loc[rows["error"].isna() | (rows["metric"] == TRAINING), [*KEY, "value"]]


def _rows(store: Store, manifest: dict, runs: Sequence[Run]) -> pd.DataFrame:
    rows = store.rows_of(manifest, "scores")
    return rows[rows["run_id"].isin([run.run_id for run in runs]) & (rows["metric"] != UDR)]


def _scores(piece: Piece) -> tuple[pd.DataFrame, list[dict]] | tuple[None, None]:
    """The scores of a piece: of each metric those of the first job in which it did not fail, its own before others.

    And what its manifest says of those that its own job did not compute. None if they are those of its job.
    """
    if not piece.others and UDR not in piece.store.metrics(piece.manifest):
        return None, None
    jobs = [(piece.store, piece.manifest), *piece.others]
    tables = [_rows(*job, piece.runs).assign(place=place) for place, job in enumerate(jobs)]
    rows = pd.concat(tables, ignore_index=True)
    is_failure = rows["error"].notna() & (rows["metric"] != TRAINING)
    failed = is_failure.groupby([rows[name] for name in ("place", *OF_METRIC)]).transform("any")
    rank = rows["place"] + len(jobs) * failed.astype("int64")
    best = rank.groupby([rows[name] for name in OF_METRIC]).transform("min")
    kept = rows[rank == best]
    scored = []
    for metric, places in kept["place"].groupby(kept["metric"]):
        _, manifest = jobs[int(places.mode().min())]  # where most of them are from
        later = [one for one in manifest.get("scored", ()) if metric in one["metrics"]]
        if later or manifest is not piece.manifest:
            scored.append({**(later[-1] if later else manifest.get("provenance", {})), "metrics": [metric]})
    return kept.drop(columns="place").reset_index(drop=True), scored


def _check_target(target: Store, frame: pd.DataFrame, text: str, evaluation: str, job_ids: set[str]) -> None:
    """ValueError if the folder is neither new nor that of this merge, which was stopped."""
    if (target.root / "plan.parquet").exists():
        same = set(target.plan["run_id"]) == set(frame["run_id"])
        if not same or not {path.name for path in target.job_folders()} <= job_ids:
            raise ValueError(f"{target.root} holds another study: name a new folder")
    target.check(frame, text, evaluation)
