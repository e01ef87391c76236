"""Do models that score higher need fewer labels? (Locatello et al. 2019, Figure 6)"""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.analysis import names
from disentanglement_study.analysis.figures import layout, scatter, shared, style
from disentanglement_study.analysis.rows import NothingToDraw

TASKS = {
    "downstream_boosted_trees": "boosted trees",
    "downstream_logistic_regression": "logistic regression",
}


@style.look()
def statistical_efficiency(
    results: pd.DataFrame,
    task: str = "downstream_boosted_trees",
    representation: str = "mean",
    scores: Iterable[str] | None = None,
) -> style.StudyFigure:
    """Statistical efficiency of a downstream task against each score.

    The efficiency is on y, the headline score on x; for each data set.

    Test accuracy after 100 over that after 10,000 train points; a point for each model, coloured by its method. The
    paper's Figure 6 shows the FactorVAE score on dSprites.
    """
    efficiency = f"{task}.statistical_efficiency"
    found = [models for models in shared.models(results, representation) if efficiency in models.scores]
    if not found:
        raise NothingToDraw(f"no model has the score statistical_efficiency (accuracy at 100 and 10,000) of {task}")
    shown = [score for score in shared.headlines(found, scores) if "downstream" not in score]
    if not shown:
        raise NothingToDraw("no model has a headline score of a disentanglement metric")
    numbers = pd.concat(
        models.runs.join(models.scores.reindex(columns=[efficiency, *shown])).assign(data_set=models.data_set)
        for models in found
    ).reset_index()
    marks = style.marks(numbers["method"])
    both = [(models.scores[efficiency].notna() & models.scores[score].notna()).sum()
            for models in found for score in shown if score in models.scores]  # fmt: skip
    lacking = pd.concat(
        models.only([score for score in (efficiency, *shown) if score in models.scores]).lacking() for models in found
    )
    text = layout.Text(
        f"Statistical efficiency of {TASKS[task]} against the scores",
        (f"{representation} representation", names.count(both), *style.lacking(lacking)),
        x="Score", y="Accuracy at 100 / accuracy at 10,000 points", x_ticks=("0.00",),
    )  # fmt: skip
    page = layout.panels(
        numbers, shared.data_sets(numbers["data_set"]), shared.labels(shown), text, (1.6, 0.9),
        share_x="column", share_y="row", legend=scatter.legend(marks),
    )  # fmt: skip
    for models in found:
        for score in shown:
            scatter.draw(page.axes[models.data_set, score], models, score, efficiency, marks)
    return page.finished()
