"""Which trained models of a study are shown: those that are named, or the restarts of lowest loss; and their names."""

from collections.abc import Sequence

from disentanglement_study.analysis import models as rows_of
from disentanglement_study.analysis import names
from disentanglement_study.analysis.rows import scored, with_method
from disentanglement_study.analysis.tables.chosen_by_loss import chosen, drawn
from disentanglement_study.store import Store
from disentanglement_study.store.runs import check_models, find
from disentanglement_study.study import condition
from disentanglement_study.types import Run


def run_ids(store: Store, beginnings: Sequence[str], where: str | None) -> list[str]:
    """The finished runs whose ids are or begin like these. If none are given: of each method and strength the restart
    of the lowest training loss, of those for which `where` holds, on the first draw of each data set.

    Raises ValueError for a run that is not known or not done, for a condition that leaves none or stands beside runs,
    and if none is done.
    """
    check_models(store, "encode or draw")
    if beginnings and where is not None:
        raise ValueError(f"choose runs by RUN_ID or by --where {where!r}, not by both")
    if beginnings:
        return list(dict.fromkeys(find(store, beginning) for beginning in beginnings))
    results = store.results(rows_of.stored())
    if where is not None:
        kept = condition.rows(store.plan, where)["run_id"]
        results = results[results["run_id"].isin(kept)]
        if results.empty:
            raise ValueError(f"--where {where!r} selects no finished run")
    if results.empty:
        raise ValueError(f"{store.root} has no finished run")
    models = chosen(scored(drawn(with_method(results)))).sort_values("data_seed", kind="stable")
    first = models.groupby("data_set")["data_seed"].transform("min")
    return models.loc[models["data_seed"].eq(first) | first.isna(), "run_id"].tolist()


def labels(runs: Sequence[Run]) -> list[str]:
    """A name for each run: its method, with the hyperparameters and settings in which those of the method differ, and
    with the seed where all these are the same."""
    found = []
    for run in runs:
        others = [_settings(other) for other in runs if other.method == run.method]
        told = {
            name: value for name, value in _settings(run).items() if any(other.get(name) != value for other in others)
        }
        own = [f"{name.rpartition('.')[2]} = {value}" for name, value in told.items()]
        found.append(", ".join([names.label(run.method, names.METHODS), *own]))
    return [
        name if found.count(name) == 1 else f"{name}, seed = {run.seed}" for name, run in zip(found, runs, strict=True)
    ]


def _settings(run: Run) -> dict[str, str]:
    """In which runs of a method may differ, but for the seed."""
    hyper = {names.STRENGTHS.get(name, name): f"{value:g}" for name, value in run.hyper.items()}
    return hyper | {name: str(value) for name, value in run.settings.items()}
