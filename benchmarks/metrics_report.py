"""A result of metrics.py as tables, in the terminal and in Markdown."""

from collections.abc import Iterator
from typing import Any

import text_tables as tables
from rich.console import Console
from rotation import ratios, spread
from text_tables import Section

from disentanglement_study.config import EvaluateConfig

STUDY = EvaluateConfig.metrics  # disentanglement_lib has modularity and explicitness as one metric
REPRESENTATIONS = 2  # mean and sampled
GOAL, DISENTANGLEMENT_LIB = 60, 26 * 60  # CPU seconds a model; the latter by its own measurements
OURS, THEIRS = "ours", "scikit-learn"
FITS = ("boosted trees", "logistic regression")
AXES = {"samples": "train points", "codes": "codes", "classes": "values of one factor"}
METRIC_COLUMNS = ("metric", "gets", "CPU s", "range")
CONTEST_COLUMNS = ("fit", "ours, CPU s", "scikit-learn, CPU s", "ratio", "its range", "largest difference of scores")


def sections(result: dict[str, Any]) -> Iterator[Section]:
    sizes = result["sizes"]
    if result["metrics"]:
        title = (
            f"By metric: CPU seconds of one score, {sizes['num_train']:,} train and {sizes['num_test']:,} test points, "
            f"{_data(sizes)}; a table is all {sizes['rows']:,} rows; {_rounds(result)}"
        )
        yield Section(title, METRIC_COLUMNS, 2, [metric_cells(row) for row in result["metrics"]], total(result))
    if result["contest"]:
        title = (
            f"Beside scikit-learn: CPU seconds of the same fits of the same arrays, in turns, {sizes['points']:,} "
            f"train and {sizes['points'] // 2:,} test points, {_data(sizes)}; {_rounds(result)}"
        )
        yield Section(title, CONTEST_COLUMNS, 1, [contest_cells(row) for row in result["contest"]])
    for axis, meaning in AXES.items():
        rows = [row for row in result["growth"] if row["axis"] == axis]
        if rows:
            base = {"samples": f"{sizes['num_train']:,} train points", "codes": f"{sizes['codes']} codes"}
            rest = [text for name, text in base.items() if name != axis]
            if axis != "classes":
                rest.append(f"factors of {_list(sizes['factors'])} values")
            title = f"Cost by {meaning}: CPU seconds of a fit, {', '.join(rest)}; {_rounds(result)}"
            columns = (meaning, *(f"{fit}, CPU s" for fit in FITS))
            yield Section(title, columns, 0, [growth_cells(row) for row in rows])


def metric_cells(row: dict[str, Any]) -> tuple[str, ...]:
    labels = (row["metric"], row["sampling"])
    return (*labels, "failed", "") if "error" in row else (*labels, *_seconds(row["seconds"]))


def contest_cells(row: dict[str, Any]) -> tuple[str, ...]:
    if "error" in row:
        return (row["fit"], "failed", *[""] * (len(CONTEST_COLUMNS) - 2))
    times = [seconds(spread(each[name] for each in row["rounds"])["median"]) for name in (OURS, THEIRS)]
    ratio = ratios(row["rounds"], THEIRS, OURS)
    where = max(row["differences"], key=row["differences"].get)
    difference = f"{row['differences'][where]:.1e} ({where})" if row["differences"][where] else "0"
    return (row["fit"], *times, f"{ratio['median']:.1f}", f"{ratio['min']:.1f}–{ratio['max']:.1f}", difference)


def growth_cells(row: dict[str, Any]) -> tuple[str, ...]:
    if "error" in row:
        return (f"{row['size']:,}", "failed", "")
    return (f"{row['size']:,}", *(_seconds(row["seconds"][fit])[0] for fit in FITS))


def total(result: dict[str, Any]) -> str:
    """What all scores of a model cost, if all were measured at the study's sizes."""
    times = {row["metric"]: spread(row["seconds"])["median"] for row in result["metrics"] if "error" not in row}
    if result["quick"] or not set(STUDY) <= set(times):
        return ""
    cost = REPRESENTATIONS * sum(times[name] for name in STUDY)
    return (
        f"The study's metrics, the first {len(STUDY)}, on {REPRESENTATIONS} representations: "
        f"{seconds(cost)} CPU seconds a model; the goal is {GOAL}, disentanglement_lib took {DISENTANGLEMENT_LIB:,} "
        f"by its own measurements."
    )


def name(row: dict[str, Any]) -> str:
    return row.get("metric") or row.get("fit") or f"{row['size']:,} {AXES[row['axis']]}"


def line(part: str, row: dict[str, Any]) -> str:
    """A row as it comes."""
    if "error" in row:
        return f"{name(row)}: failed: {row['error']}"
    if part == "metrics":
        return f"{name(row)}: {metric_cells(row)[2]} CPU s"
    if part == "growth":
        return f"{name(row)}: " + ", ".join(
            f"{fit} {value} CPU s" for fit, value in zip(FITS, growth_cells(row)[1:], strict=True)
        )
    _, ours, theirs, ratio, _, difference = contest_cells(row)
    return f"{name(row)}: {ours} CPU s, scikit-learn {theirs}, ratio {ratio}, scores differ by at most {difference}"


def seconds(value: float) -> str:
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3}f}"


def _seconds(values: list[float]) -> tuple[str, str]:
    of = spread(values)
    return seconds(of["median"]), f"{seconds(of['min'])}–{seconds(of['max'])}"


def _rounds(result: dict[str, Any]) -> str:
    return "one round" if result["rounds"] == 1 else f"medians of {result['rounds']} rounds"


def _data(sizes: dict[str, Any]) -> str:
    return f"{sizes['codes']} synthetic codes ({sizes['noise']} of noise), factors of {_list(sizes['factors'])} values"


def _list(values: list[int]) -> str:
    return f"{', '.join(map(str, values[:-1]))} and {values[-1]}"


def caption(result: dict[str, Any]) -> str:
    """Where, when and with what a result was measured."""
    device = result["device"]
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    commit = f", commit {result['commit']}" if result["commit"] else ""
    quick = ", QUICK: small arrays, a check that it works" if result["quick"] else ""
    return f"{device['kind']} ({device['cores']} CPU cores), one thread{quick}, {result['date']}{commit}; {versions}."


def show(result: dict[str, Any], console: Console) -> None:
    tables.show(sections(result), console)


def markdown(result: dict[str, Any]) -> str:
    """A stored result for a README."""
    return tables.markdown([caption(result)], sections(result))
