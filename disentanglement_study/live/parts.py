"""What the page shows of one look at a study: HTML, made here; the browser swaps in what has changed."""

import math
import shlex
import time
from collections.abc import Iterable
from pathlib import Path

from disentanglement_study.analysis import names
from disentanglement_study.analysis.report.markup import Markup, element, note, table
from disentanglement_study.errors import reason
from disentanglement_study.live.axes import short
from disentanglement_study.live.curves import curves
from disentanglement_study.live.look import DRAWN, Look
from disentanglement_study.live.scores import scores
from disentanglement_study.runtime.terminal import printable
from disentanglement_study.runtime.words import counted
from disentanglement_study.study.watch import clock, duration, remaining

FAILED = 20  # jobs that are shown

Part = tuple[str, str]  # of a section: a key that stays the same from look to look, and HTML


def parts(look: Look, root: Path, score: str | None = None) -> dict:
    """As JSON: the state in words, and each section of the page as a list of `Part`.

    score: the one that is asked for; one that the study has not is the first that it has.
    """
    chosen = score if score in look.scores else next(iter(look.scores), None)
    return {
        "state": state(look),
        "when": time.strftime("%H:%M:%S", time.localtime(look.when)),
        "done": look.done / look.planned if look.planned else 1.0,
        "sections": {
            "progress": [("tiles", _tiles(look)), ("times", _times(look))],
            "jobs": _jobs(look),
            "failed": _failed(look, root),
            "scores-plot": [] if chosen is None else [(chosen, scores(chosen, look.scores[chosen]))],
            "report": [("report", _report(look, root))],
        },
        "scores": [(name, names.label(name, names.SCORES)) for name in look.scores],
        "score": chosen,
    }


def state(look: Look) -> str:
    """In a sentence or two; it changes seldom, for it is read aloud."""
    left = look.planned - look.done - look.failed
    if look.running:
        return "The study is running."
    if left:
        return f"The study is not running. {_models(left)} left: run the same command again to continue."
    if look.failed:
        return f"The study has ended: {_models(look.done)} done, {look.failed:,} failed."
    return "The study has ended: all models are done."


def _models(number: int) -> str:
    return f"{counted(number, 'model')} {'is' if number == 1 else 'are'}"


def _tiles(look: Look) -> Markup:
    active = look.running.running if look.running else 0
    waiting = look.planned - look.done - look.failed - active
    speed = look.running.per_hour if look.running else math.nan
    tiles = [
        (f"{look.planned:,}", "models planned"),
        (f"{look.done:,}", "done"),
        (f"{active:,}", "running"),
        (f"{look.failed:,}", "failed"),
        (f"{max(waiting, 0):,}", "to do"),
        ("–" if math.isnan(speed) else short(float(f"{speed:.3g}")), "models an hour"),
    ]
    shown = []
    for number, what in tiles:
        is_bad = what == "failed" and look.failed
        shown.append(element("li", element("strong", number), element("span", what), class_="bad" if is_bad else ""))
    return element("ul", *shown, class_="tiles")


def _times(look: Look) -> Markup:
    share = look.done / look.planned if look.planned else 1.0
    bar = element("progress", max="1", value=f"{share:.4f}", aria_label="Share of the planned models that are done")
    if (seen := look.running) is None:
        return bar
    lines = []
    if seen.started is not None:
        lines.append(
            f"Running since {clock(seen.started, look.when)} ({duration(max(look.when - seen.started, 0.0))})."
        )
    if not math.isnan(seen.left):
        lines.append(f"Expected end: {clock(look.when + seen.left, look.when)} (in {remaining(seen.left)}).")
    waits = [note(f"Waiting: {printable(text)}") for text in seen.awaited]
    return Markup("".join([bar, element("p", " ".join(lines)), *waits]))


def _jobs(look: Look) -> list[Part]:
    if look.running is None:
        return [("none", note("No job is running."))]
    jobs = look.running.jobs
    shown: list[Part] = [(job["job"], _card(job, look)) for job in jobs[:DRAWN]]
    if rest := jobs[DRAWN:]:
        rows = [[job["job"], *_what(job), job["stage"], _percent(job["fraction"])] for job in rest]
        columns = ["Job", "Method", "Data set", "Models", "Stage", "Done"]
        shown.append(("rest", table(columns, _printable(rows), class_="cards")))
    return shown or [("none", note("No job has started yet."))]


def _card(job: dict, look: Look) -> Markup:
    method, data_set, models = _what(job)
    share = _percent(job["fraction"])
    title = element("h3", f"{method} on {data_set}", id=f"job-{job['job']}")
    stage = f"{models} model{'s' * (job['runs'] != 1)}, {printable(job['stage'])}, {share}, job "
    facts = element("p", stage, element("code", job["job"]), class_="note")
    bar = element("progress", max="1", value=f"{job['fraction']:.3f}", aria_label=f"Job done: {share}")
    losses = look.losses.get(job["job"])
    drawn = curves(losses) if losses else ""
    if not drawn:
        drawn = note("No losses yet. Methods that are not trained step by step have none.")
    return element("article", title, facts, bar, drawn, aria_labelledby=f"job-{job['job']}")


def _failed(look: Look, root: Path) -> list[Part]:
    found: list[Part] = []
    for job in look.broken[:FAILED]:
        method, data_set, models = _what(job)
        what = element("h3", f"{method} on {data_set}, {models} model{'s' * (job['runs'] != 1)}")
        why = element("p", printable(reason(job["error"])))
        log = element("p", "Log: ", element("code", command("logs", root, job["job"])), class_="note")
        found.append((job["job"], element("article", what, why, log)))
    if found:
        more = len(look.broken) - FAILED
        words = [f"{more:,} more failed jobs: ", element("code", command("status", root)), ". "] if more > 0 else []
        again = [*words, "To retry failed models: ", element("code", command("retry", root))]
        found.append(("again", element("p", *again, class_="note")))
    return found


def _report(look: Look, root: Path) -> Markup:
    again = element("code", command("report", root))
    if look.reported is None:
        return element("p", "The report is not written yet. To write it at any time: ", again)
    page = element("code", str((root / "report" / "index.html").absolute()))
    when = clock(look.reported, look.when)
    return element("p", "Open ", page, f" in a browser. It was written at {when}; to write it again: ", again)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def command(name: str, root: Path, *words: str) -> str:
    """A command line that can be pasted."""
    return printable(shlex.join(["disentanglement-study", name, str(root), *words]))


def _what(job: dict) -> tuple[str, str, str]:
    method, data_set = names.label(job["method"], names.METHODS), names.label(job["data_set"], names.DATA_SETS)
    return printable(method), printable(data_set), f"{job['runs']:,}"


def _printable(rows: Iterable[Iterable[str]]) -> list[list[str]]:
    return [[printable(cell) for cell in row] for row in rows]
