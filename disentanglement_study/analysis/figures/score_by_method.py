"""Does the method decide the score? (Locatello et al. 2019, Figure 3 left)"""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.analysis import names, once, tables
from disentanglement_study.analysis.figures import distributions, layout, shared, style


@style.look()
def score_by_method(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> style.StudyFigure:
    """Distribution of each headline score by method, for each data set.

    The score is on x, methods on y; over strengths and seeds.

    Violins from 20 models per method, below that every model as a dot; the black bar is the median. n: models per
    method. The numbers behind are the quartiles. The paper's Figure 3 shows the FactorVAE score on Cars3D.
    """
    found = shared.models(results, representation)
    shown = shared.headlines(found, scores)
    table = once.call(tables.scores_by_method, results)
    table = table[(table["representation"] == representation) & table["score"].isin(shown)]
    marks = style.marks(table["method"])
    methods = [names.label(method, names.METHODS) for method in marks]
    text = layout.Text(
        "Scores by method, over strengths and seeds",
        (f"{representation} representation", "bars: medians", style.count(table, "models per method")),
        x="Score",
        x_ticks=("0.00",),
        y_ticks=tuple(methods),
    )
    size = 1.6, 0.115 * len(marks) + 0.1
    page = layout.panels(
        table, shared.data_sets(table["data_set"]), shared.labels(shown), text, size, share_x="column", share_y="all"
    )
    violins = table["n"].min() >= distributions.VIOLIN_FROM
    for models in found:
        for score in shown:
            if (models.data_set, score) not in page.axes:
                continue
            axis = page.axes[models.data_set, score]
            values = models.scores[score].dropna() if score in models.scores else pd.Series(dtype=float)
            of_method = models.runs["method"].reindex(values.index).to_numpy()
            groups = [
                distributions.Group(values[of_method == method].to_numpy(), place, *mark)
                for place, (method, mark) in enumerate(marks.items())
            ]
            distributions.draw(axis, groups, 0.85, upright=False, violins=violins)
            axis.grid(visible=False, axis="y")
    for axis in page.axes.values():
        axis.set_yticks(range(len(marks)), methods)
        axis.set_ylim(len(marks) - 0.4, -0.6)
        axis.xaxis.set_major_locator(layout.few_ticks())
    return page.finished()
