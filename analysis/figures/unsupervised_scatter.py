"""Do scores that need no labels tell good models from bad ones? (Locatello et al. 2019, appendix)"""

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from analysis import names
from analysis.figures import layout, scatter, shared, style
from analysis.models import WITHOUT_LABELS
from analysis.rows import NothingToDraw, only_data_set

UNSUPERVISED = ("reconstruction_loss", "kl_loss", "elbo", "gaussian_total_correlation")


@style.look()
def unsupervised_scatter(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = names.STUDY_METRICS
) -> Figure:
    """Each headline score (y) against each score that needs no labels (x), a point for each model of one data set.

    Coloured by objective. Losses and total correlations are in nats.
    """
    only_data_set(results)
    (models,) = shared.models(results, representation)
    columns = [score for score in UNSUPERVISED if score in models.of(WITHOUT_LABELS).scores]
    rows = shared.headlines([models], scores)
    if not columns:
        raise NothingToDraw(f"no model has one of {', '.join(UNSUPERVISED)}")
    numbers = models.runs.join(models.scores[[*columns, *rows]]).reset_index()
    marks = style.marks(numbers["objective"])
    both = [(models.scores[x].notna() & models.scores[y].notna()).sum() for x in columns for y in rows]
    lacking = models.only([*columns, *rows]).lacking()
    text = layout.Text(
        "Scores against scores without labels",
        (names.label(models.data_set, names.DATA_SETS), f"{representation} representation", names.count(both),
         *(f"{names.span(lacking[lack])} {lack}" for lack in ("failed", "missing") if lacking[lack].any())),
        x_ticks=("100",),
    )  # fmt: skip
    page = layout.panels(
        numbers, shared.labels(rows), shared.labels(columns), text, (1.6, 0.9),
        share_x="column", share_y="row", legend=style.legend(marks),
    )  # fmt: skip
    for (y, x), axis in page.axes.items():
        scatter.draw(axis, models, x, y, marks)
    return page.finished()
