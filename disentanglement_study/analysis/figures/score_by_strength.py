"""Is there a strength that is always good? (Locatello et al. 2019, Figure 3 right, for all methods)"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from disentanglement_study.analysis import once, tables
from disentanglement_study.analysis.figures import distributions, layout, shared, style


@style.look()
def score_by_strength(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> style.StudyFigure:
    """Distribution of each headline score by strength of each method, for each data set.

    The score, over seeds, is on y, the strength on x.

    Within the colour of a method its strengths in the order of the sweep, which the legend names. Violins from 20
    models per strength, below that every model as a dot; the black bar is the median. n: models per strength. The
    numbers behind are the quartiles. The paper's Figure 3 shows the FactorVAE score of FactorVAE on Cars3D.
    """
    found = shared.models(results, representation)
    shown = shared.headlines(found, scores)
    table = once.call(tables.scores_by_strength, results)
    table = table[(table["representation"] == representation) & table["score"].isin(shown)]
    marks = style.marks(table["method"])
    places = _places(table)
    text = layout.Text(
        "Scores by regularisation strength, over seeds",
        (f"{representation} representation", "bars: medians", style.count(table, "models per strength")),
        x="Method and strength, in the order of the sweep",
        y="Score",
        x_ticks=(),
        y_ticks=("0.00",),
    )
    page = layout.panels(
        table, shared.data_sets(table["data_set"]), shared.labels(shown), text, (2.0, 0.8),
        share_x="all", share_y="none", legend=style.legend(marks, table),
    )  # fmt: skip
    violins = table["n"].min() >= distributions.VIOLIN_FROM
    for models in found:
        of_setting = list(models.runs[["method", "strength"]].itertuples(index=False, name=None))
        cells, settings = pd.factorize(pd.Index(of_setting, tupleize_cols=False))
        for score in shown:
            if (models.data_set, score) not in page.axes:
                continue
            axis = page.axes[models.data_set, score]
            values = models.scores[score].to_numpy() if score in models.scores else np.full(len(cells), np.nan)
            there = np.isfinite(values)
            groups = [
                distributions.Group(values[there & (cells == cell)], places[setting], *marks[setting[0]])
                for cell, setting in enumerate(settings)
                if setting in places
            ]
            distributions.draw(axis, groups, 0.9, upright=True, violins=violins, size=2.0)
            axis.grid(visible=False, axis="x")
            axis.set_xticks([])
            axis.yaxis.set_major_locator(layout.few_ticks())
    return page.finished()


def _places(table: pd.DataFrame) -> dict[tuple[str, float], float]:
    """Where each (method, strength) is drawn: side by side, with a gap between methods."""
    found, place = {}, 0.0
    for method in style.marks(table["method"]):
        for strength in sorted(table.loc[table["method"] == method, "strength"].unique()):
            found[method, strength] = place
            place += 1
        place += 0.8
    return found
