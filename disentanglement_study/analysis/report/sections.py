"""The parts of the page that are only read: HTML made here, which needs no program."""

import re
from collections import Counter

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names, once, tables
from disentanglement_study.analysis.findings import INTERVALS, findings
from disentanglement_study.analysis.report.markup import Markup, element, note, table
from disentanglement_study.analysis.report.paths import shortened
from disentanglement_study.analysis.report.runs import DONE, FAILED, MISSING
from disentanglement_study.analysis.rows import NothingToDraw, is_failure
from disentanglement_study.errors import reason
from disentanglement_study.runtime.words import counted

# Kinds of failure, and failed jobs, that the page shows, and how many are in sight; tables/failures.csv lists all.
SHOWN, FIRST = 200, 15
INTERVAL = re.compile(r"\[([^][,]+), ([^][,]+)\]")
RELATIONS = {"same": "same", "other": "another"}


def title(plan: pd.DataFrame, status: pd.Series) -> Markup:
    """ "12,600 models of 7 data sets, all done", or "36 models of dSprites: 12 done, 3 failed, 21 missing"."""
    data_sets = names.in_order(plan["data_set"], names.DATA_SETS)
    of = names.label(data_sets[0], names.DATA_SETS) if len(data_sets) == 1 else f"{len(data_sets)} data sets"
    counts = status.value_counts()
    parts = [f"{counts[word]:,} {word}" for word in (DONE, FAILED, MISSING) if counts.get(word)]
    done = ", all done" if counts.get(DONE) == len(plan) else f": {', '.join(parts)}"
    return Markup(element("span", f"{counted(len(plan), 'model')} of {of}{done}"))


def found(results: pd.DataFrame, status: pd.Series) -> Markup:
    """The sentences of `findings`; what stands before the colon is the claim, the rest its evidence."""
    heading = "What this study found" + ("" if (status == DONE).all() else " so far")
    sentences = findings(results)
    items = [element("li", *_claim_first(sentence)) for sentence in sentences]
    has_intervals = any("[" in sentence for sentence in sentences)
    return Markup(element("h2", heading) + element("ul", *items) + (note(INTERVALS) if has_intervals else ""))


def _claim_first(sentence: str) -> list[str]:
    together = sentence.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0")
    together = INTERVAL.sub("[\\1,\u00a0\\2]", together)
    claim, colon, evidence = together.partition(": ")
    return [element("strong", claim + colon.strip()), f" {evidence}"] if colon else [together]


def overview(plan: pd.DataFrame, status: pd.Series, manifests: list[dict], results: pd.DataFrame) -> Markup:
    """What the study is, where and how long it ran, and what came of it."""
    counts = status.value_counts()
    failed = is_failure(results)
    tiles = [
        (f"{len(plan):,}", "runs planned"),
        (f"{counts.get(DONE, 0):,}", "done"),
        (f"{counts.get(FAILED, 0):,}", "failed"),
        (f"{counts.get(MISSING, 0):,}", "missing"),
        (f"{int((~failed).sum()):,}", "scores shown"),
        (f"{int(failed.sum()):,}", "scores failed"),
    ]
    shown = [
        element("li", element("strong", number), element("span", what), class_="bad" if _is_bad(number, what) else "")
        for number, what in tiles
    ]
    facts = _facts(plan, manifests)
    pairs = [child for name, value in facts for child in (element("dt", name), element("dd", value))]
    return Markup(element("ul", *shown, class_="tiles") + element("dl", *pairs))


def coverage(plan: pd.DataFrame, status: pd.Series) -> Markup:
    """Done, failed and missing runs for each data set and method."""
    data_sets = names.in_order(plan["data_set"], names.DATA_SETS)
    methods = names.in_order(plan["method"], names.METHODS)
    counts = Counter(zip(plan["data_set"], plan["method"], status.to_numpy(), strict=True))
    rows = [
        [
            names.label(data_set, names.DATA_SETS),
            *(_cell({word: counts[data_set, method, word] for word in (DONE, FAILED, MISSING)}) for method in methods),
        ]
        for data_set in data_sets
    ]
    columns = ["Data set", *(names.label(method, names.METHODS) for method in methods)]
    return table(columns, rows, class_="coverage")


def transfer(results: pd.DataFrame) -> Markup:
    """`tables.transfer` as the paper lays it out."""
    try:
        found = once.call(tables.transfer, results)
    except NothingToDraw as reason:
        return note(f"Not available for this study: {reason}.")
    rows = []
    for row in found.itertuples():
        measured = "–" if np.isnan(row.probability) else f"{100 * row.probability:.1f} %"
        rows.append(
            [
                f"{RELATIONS[row.metric]} metric, {RELATIONS[row.data_set]} data set",
                measured,
                _span(row.low, row.high, 100, " %") or "–",
                f"{row.pairs:,}",
                f"{row.n:,}",
                f"{row.failed:,}",
                f"{row.missing:,}",
            ]
        )
    columns = ["Judged by", "Beats a random model", "95 % over seeds", "Pairs", "n models", "Failed", "Without score"]
    return table(columns, rows, class_="numbers cards")


def paper(results: pd.DataFrame) -> Markup:
    """`tables.paper_vs_measured`."""
    try:
        found = once.call(tables.paper_vs_measured, results)
    except NothingToDraw as reason:
        return note(f"Not available for this study: {reason}.")
    rows = []
    for row in found.itertuples():
        verdict = element("span", row.holds, class_=f"verdict {row.holds.split()[0]}")
        claim = Markup(element("span", row.claim) + element("small", f"{row.source} ({row.certainty})"))
        ours = "–" if np.isnan(row.measured) else f"{row.measured:.3f} {_span(row.low, row.high)}".strip()
        how = element("small", "; ".join(filter(None, [row.measured_as, row.why])))
        published = "–" if np.isnan(row.published) else f"{row.published:.3f}".rstrip("0")
        rows.append([claim, verdict, published, Markup(element("span", ours) + how), f"{row.n:,}"])
    counted = Counter(found["holds"])
    summary = ", ".join(f"{counted[word]} {word}" for word in ("yes", "no", "not enough data") if counted[word])
    columns = ["Claim", "Holds", "Published", "Measured here", "n models"]
    return Markup(note(f"Does the claim hold in this study? {summary}.") + table(columns, rows, class_="claims cards"))


def failures(results: pd.DataFrame, manifests: list[dict]) -> Markup:
    """`tables.failures`, and the errors of the jobs that failed."""
    found = tables.failures(results).sort_values("rows", ascending=False, kind="stable")
    parts = []
    if found.empty:
        parts.append(note("No score failed."))
    else:
        rows = [
            [
                names.label(row.data_set, names.DATA_SETS),
                names.label(row.method, names.METHODS),
                names.label(row.metric, names.METRICS),
                row.representation,
                element("code", shortened(row.reason)),
                f"{row.models:,}",
                f"{row.rows:,}",
            ]
            for row in found.head(SHOWN).itertuples()
        ]
        columns = ["Data set", "Method", "Metric", "Representation", "Reason", "Models", "Rows"]
        parts.append(table(columns, rows[:FIRST], class_="cards"))
        if rest := rows[FIRST:]:
            summary = element("summary", f"{len(rest)} more kinds of failure")
            parts.append(element("details", summary, table(columns, rest, class_="cards")))
        if len(found) > SHOWN:
            parts.append(note(f"{SHOWN} of {len(found):,} kinds of failure are shown; tables/failures.csv lists all."))
    broken = [manifest for manifest in manifests if manifest["status"] == FAILED]
    for manifest in broken[:SHOWN]:
        error = shortened(manifest.get("error") or "no error was recorded").strip()
        job = f"Job {manifest['job_id']} ({counted(len(manifest['run_ids']), 'run')}): {reason(error)}"
        parts.append(element("details", element("summary", job), element("pre", error)))
    if len(broken) > SHOWN:
        parts.append(
            note(f"{SHOWN} of {len(broken):,} failed jobs are shown; `disentanglement-study status` lists all.")
        )
    return Markup("".join(parts))


def _is_bad(number: str, what: str) -> bool:
    return what in ("failed", "missing", "scores failed") and number != "0"


def _facts(plan: pd.DataFrame, manifests: list[dict]) -> list[tuple[str, str]]:
    """What a reader asks first, name and value; those that the study does not know are left out."""
    seeds = plan.groupby(["data_set", "method", "strength_name", "strength"], dropna=False)["seed"].nunique()
    swept = plan[plan["strength_name"] != ""].groupby(["data_set", "method"])["strength"].nunique()
    seconds: Counter[str] = Counter()
    for manifest in manifests:
        seconds.update(manifest.get("seconds", {}))
    devices = Counter(manifest["device"] for manifest in manifests if manifest.get("device"))
    versions = sorted({manifest["versions"] for manifest in manifests if manifest.get("versions")})
    stages = ", ".join(f"{stage} {_duration(value)}" for stage, value in seconds.items())
    facts = [
        ("Data sets", _labels(plan["data_set"], names.DATA_SETS)),
        ("Methods", _labels(plan["method"], names.METHODS)),
        ("Strengths", f"{names.span(swept)} per method" if len(swept) else ""),
        ("Seeds", f"{names.span(seeds)} per {'strength' if len(swept) else 'method'}"),
        ("Training", _training(plan)),
        ("Time", f"{_duration(sum(seconds.values()))}, all jobs together ({stages})" if seconds else ""),
        ("Device", ", ".join(f"{device} ({counted(count, 'job')})" for device, count in devices.most_common())),
        ("Versions", "; ".join(versions)),
    ]
    return [(name, value) for name, value in facts if value]


def _training(plan: pd.DataFrame) -> str:
    words = {"train.steps": "steps", "train.batch_size": "images per batch", "nets.num_latents": "latents"}
    parts = [f"{_span_of(plan[name])} {word}" for name, word in words.items() if name in plan]
    parts += [f"protocol {', '.join(sorted(plan['protocol'].unique()))}"] if "protocol" in plan else []
    return ", ".join(parts)


def _span_of(numbers: pd.Series) -> str:
    return "–".join(f"{number:,}" for number in sorted({numbers.min(), numbers.max()}))


def _cell(counts: dict[str, int]) -> Markup:
    """ "298 of 300, 2 failed" over a bar; empty where nothing is planned."""
    total = sum(counts.values())
    if not total:
        return Markup("")
    words = [f"{counts[DONE]:,} done" if counts[DONE] == total else f"{counts[DONE]:,} of {total:,}"]
    words += [f"{counts[word]:,} {word}" for word in (FAILED, MISSING) if counts[word]]
    bar = [element("i", class_=word, style=f"flex-grow:{count}") for word, count in counts.items() if count]
    return Markup(element("span", ", ".join(words)) + element("span", *bar, class_="bar", aria_hidden="true"))


def _labels(keys: pd.Series, known: dict[str, str]) -> str:
    return ", ".join(names.label(key, known) for key in names.in_order(keys, known))


def _span(low: float, high: float, scale: float = 1.0, unit: str = "") -> str:
    if not np.isfinite([low, high]).all():
        return ""
    digits = 3 if scale == 1 else 1
    return f"[{scale * low:.{digits}f}, {scale * high:.{digits}f}]{unit}"


def _duration(seconds: float) -> str:
    for size, unit in ((86400 * 365, "years"), (86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
