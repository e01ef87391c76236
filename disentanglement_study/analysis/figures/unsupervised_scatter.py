"""Do scores that need no labels tell good models from bad ones? (Locatello et al. 2019, appendix)"""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.analysis import names
from disentanglement_study.analysis.figures import layout, scatter, shared, style
from disentanglement_study.analysis.models import WITHOUT_LABELS
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.errors import unknown

PAPER = "shapes3d"
UNSUPERVISED = ("reconstruction_loss", "kl_loss", "elbo", "gaussian_total_correlation")


@style.look()
def unsupervised_scatter(
    results: pd.DataFrame,
    data_set: str | None = None,
    representation: str = "mean",
    scores: Iterable[str] | None = None,
) -> style.StudyFigure:
    """Each headline score against each score that needs no labels, a point for each model.

    The headline score is on y, the other on x; for one data set.

    Downstream tasks are left out.
    None: Shapes3D, as in the paper, or else the first that is there. Coloured by method. Losses and total
    correlations are in nats. `unsupervised_rank_correlation` is of all data sets.
    """
    found = {models.data_set: models for models in shared.models(results, representation)}
    if data_set is None:
        data_set = PAPER if PAPER in found else next(iter(found))
    if data_set not in found:
        raise unknown("data set", data_set, found)
    models = found[data_set]
    columns = [score for score in UNSUPERVISED if score in models.of(WITHOUT_LABELS).scores]
    of_metrics = shared.headlines(list(found.values()), scores)
    rows = [score for score in of_metrics if score in models.scores and "downstream" not in score]
    if not columns:
        raise NothingToDraw(f"no model of {data_set} has any of {', '.join(UNSUPERVISED)}")
    if not rows:
        raise NothingToDraw(f"no model of {data_set} has any of {', '.join(of_metrics)}")
    numbers = models.runs.join(models.scores[[*columns, *rows]]).reset_index().assign(data_set=data_set)
    is_drawn = numbers[columns].notna().any(axis=1) & numbers[rows].notna().any(axis=1)
    marks = style.marks(numbers.loc[is_drawn, "method"])
    both = [(models.scores[x].notna() & models.scores[y].notna()).sum() for x in columns for y in rows]
    text = layout.Text(
        "Scores against scores without labels",
        (names.label(models.data_set, names.DATA_SETS), f"{representation} representation", names.count(both),
         *style.lacking(models.only([*columns, *rows]).lacking())),
        x_ticks=("100",),
    )  # fmt: skip
    page = layout.panels(
        numbers, shared.labels(rows), shared.labels(columns), text, (1.6, 0.9),
        share_x="column", share_y="row", legend=scatter.legend(marks),
    )  # fmt: skip
    for (y, x), axis in page.axes.items():
        scatter.draw(axis, models, x, y, marks)
    return page.finished()
