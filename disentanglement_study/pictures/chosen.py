"""Which trained models of a study are shown: those that are named, or the restarts of lowest loss."""

from collections.abc import Sequence

from disentanglement_study.analysis import models as rows_of
from disentanglement_study.analysis.rows import scored, with_method
from disentanglement_study.analysis.tables.chosen_by_loss import chosen, drawn
from disentanglement_study.store import Store
from disentanglement_study.store.runs import find
from disentanglement_study.study import condition


def run_ids(store: Store, beginnings: Sequence[str], where: str | None) -> list[str]:
    """The finished runs whose ids are or begin like these. If none are given: of each method and strength the restart
    of the lowest training loss, of those for which `where` holds, on the first draw of each data set.

    Raises ValueError for a run that is not known or not done, for a condition that leaves none or stands beside runs,
    and if none is done.
    """
    if beginnings and where is not None:
        raise ValueError(f"runs are chosen by RUN_ID or by --where {where!r}, not by both")
    if beginnings:
        return list(dict.fromkeys(find(store, beginning) for beginning in beginnings))
    results = store.results(rows_of.stored())
    if where is not None:
        kept = condition.rows(store.plan, where)["run_id"]
        results = results[results["run_id"].isin(kept)]
        if results.empty:
            raise ValueError(f"--where {where!r} leaves no run that is done")
    if results.empty:
        raise ValueError(f"{store.root} has no run that is done")
    models = chosen(scored(drawn(with_method(results)))).sort_values("data_seed", kind="stable")
    first = models.groupby("data_set")["data_seed"].transform("min")
    return models.loc[models["data_seed"].eq(first) | first.isna(), "run_id"].tolist()
