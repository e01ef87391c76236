"""A study as a page to read and explore in a browser, without a network.

    index.html            the page: style, programs, plotly.js and all scores. It is whole when it is alone
    runs/<job_id>.js      loss curves, loaded when a run is looked at: in the page they would be most of its size
    traversals/<run_id>/  copies of the pictures that `traverse` and `compare` have drawn so far

The folder can be copied anywhere and opened from the disk. What is static (tables) is HTML, made here; what can be
chosen from (scores, correlations, runs) is drawn by `page/*.js` from compact columns. The page may not ask for anything
outside its folder: its security policy tells the browser so.
"""

import json
import string
from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from disentanglement_study.analysis import once
from disentanglement_study.analysis.models import needed, stored
from disentanglement_study.analysis.report import curves, pictures, runs, sections
from disentanglement_study.analysis.report.correlations import correlations
from disentanglement_study.analysis.report.scores import scores
from disentanglement_study.analysis.report.variance import variance
from disentanglement_study.analysis.rows import checked, with_method
from disentanglement_study.runtime import files
from disentanglement_study.store import Store

PAGE = Path(__file__).parent / "page"
# In the order in which they need each other.
PROGRAMS = ("data", "plots", "explorer", "run", "systems", "correlations", "variance", "main")
# By which the next report knows that it may replace a page.
GENERATOR = "disentanglement-study report"
# Of what takes seconds at 12,600 runs; `write` names each before it begins.
STEPS = ("results", "pictures and curves", "scores", "rank correlations", "variance", "transfer", "claims", "findings")


def write(store: Store, folder: Path | None = None, begins: Callable[[str], None] = lambda step: None) -> Path:
    """Writes the report of a study into `folder` (default: report/ in the study's); returns the page's path.

    A study of which nothing or not all is done gets a page that says so. ValueError if the folder holds a page of
    something else. `begins` is called with each of `STEPS`.
    """
    folder = Path(folder) if folder else files.folder(store.root / "report")
    path = folder / "index.html"
    if path.is_file() and GENERATOR not in path.read_text(encoding="utf-8", errors="replace")[:2000]:
        raise ValueError(f"{path} is another page: name another folder")
    plan, manifests, settings = with_method(store.plan), store.manifests(), store.settings
    begins("results")
    results = needed(checked(store.results(stored())))
    begins("pictures and curves")
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    drawn = pictures.copy(store.root, plan["run_id"], folder)
    with_curves = curves.write(store, manifests, folder)
    with threadpool_limits(limits=1):  # as in tables.write
        text = page(plan, manifests, results, settings.text, drawn, with_curves, begins)
    with files.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def page(
    plan: pd.DataFrame,
    manifests: list[dict],
    results: pd.DataFrame,
    settings: str = "",
    drawn: dict[str, list[str]] | None = None,
    with_curves: Collection[str] = (),
    begins: Callable[[str], None] = lambda step: None,
) -> str:
    """The page of a plan, the manifests of its jobs, and their results.

    settings: the text of study.gin. drawn: names of pictures, by run. with_curves: the jobs that have runs/<job_id>.js.
    begins: as in `write`.
    """
    from plotly.offline import get_plotlyjs

    data = {
        "runs": runs.columns(plan),
        "jobs": runs.jobs(plan, manifests, with_curves),
        "settings": settings,
        "pictures": drawn or {},
        "labels": runs.labels(plan, results),
    }
    status = runs.status(plan, manifests)
    with once.within(results):  # Claims are of the tables that the page shows.
        begins("scores")
        data["scores"] = scores(plan, results)
        begins("rank correlations")
        data["correlations"] = correlations(results)
        begins("variance")
        data["variance"] = variance(results)
        begins("transfer")
        transfer = sections.transfer(results)
        begins("claims")
        paper = sections.paper(results)
        begins("findings")
        found = sections.found(results, status)
    parts = {
        "generator": GENERATOR,
        "style": (PAGE / "style.css").read_text(encoding="utf-8"),
        "plotly": get_plotlyjs(),
        "programs": "\n".join((PAGE / f"{name}.js").read_text(encoding="utf-8") for name in PROGRAMS),
        "data": embedded(data),
        "title": sections.title(plan, status),
        "found": found,
        "overview": sections.overview(plan, status, manifests, results),
        "coverage": sections.coverage(plan, status),
        "transfer": transfer,
        "paper": paper,
        "failures": sections.failures(results, manifests),
    }
    return string.Template((PAGE / "index.html").read_text(encoding="utf-8")).substitute(parts)


def embedded(data: object) -> str:
    """JSON that stays inside a <script> element whatever its texts say; numbers must be finite."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
