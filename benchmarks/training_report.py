"""A result of training.py as tables, in the terminal and in Markdown."""

from collections.abc import Iterable, Iterator
from typing import Any

import text_tables as tables
from rich.console import Console
from rotation import ratios, spread
from text_tables import Section

STUDY_STEPS = 12_600 * 300_000  # of all models of Locatello et al. 2019
OURS, PEAK = "ours", "matmul"


CONTEST = ("contestant", "ms/step", "range", "GFLOP/s", "of matmul", "time / ours", "its range")
ROWS = ("objective", "form", "models", "µs/step/model", "best", "GFLOP/s", "of matmul", "memory", "compile", "study")


def sections(result: dict[str, Any]) -> Iterator[Section]:
    contest = result.get("contest")
    if contest and contest["rounds"]:
        title = (
            f"Beside PyTorch: beta-VAE, {contest['parameters']:,} parameters, batch 64, wall time / steps / processes; "
            f"{len(contest['rounds'])} rounds of {contest['seconds']:g} s a turn, medians"
        )
        yield Section(title, CONTEST, 1, list(_contest(contest)))
    if result["rows"]:
        title = "By population and objective (study: 12,600 models x 300,000 steps at this rate on this device)"
        yield Section(title, ROWS, 2, [cells(row) for row in result["rows"]])


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table by population and objective."""
    name = (row["objective"], row["form"], str(row["population"]))
    if "error" in row:
        return (*name, "out of memory" if row["error"] == "out of memory" else "failed", *[""] * (len(ROWS) - 4))
    seconds = spread(row["seconds"])
    days = STUDY_STEPS * seconds["median"] / 86400
    return (
        *name,
        f"{seconds['median'] * 1e6:,.0f}",
        f"{seconds['min'] * 1e6:,.0f}",
        f"{row['flops'] / 1e9 / seconds['median']:,.0f}",
        _share(row["flops"] / 1e9 / t / peak for t, peak in zip(row["seconds"], row["matmul_gflops"], strict=True)),
        f"{(row['temp_bytes'] + row['argument_bytes']) / 2**20:,.0f} MB",
        f"{row['compile_seconds']:.0f} s",
        f"{days:,.{0 if days >= 100 else 1}f} days",
    )


def line(row: dict[str, Any]) -> str:
    """A row as it comes."""
    name = f"{row['objective']}, form {row['form']}, population {row['population']}: "
    return name + (row.get("error") or ", ".join(f"{k} {v}" for k, v in zip(ROWS[3:], cells(row)[3:], strict=True)))


def _contest(contest: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    rounds, flops = contest["rounds"], contest["flops"]
    for name in rounds[0]:
        ms = spread(each[name] * 1e3 for each in rounds)
        ratio = ratios(rounds, name, OURS)
        compared = name not in (OURS, PEAK)
        yield (
            name,
            f"{ms['median']:.2f}",
            f"{ms['min']:.2f}–{ms['max']:.2f}",
            f"{flops[name] / 1e6 / ms['median']:,.0f}",
            _share(flops[name] / each[name] / flops[PEAK] * each[PEAK] for each in rounds),
            f"{ratio['median']:.2f}" if compared else "",
            f"{ratio['min']:.2f}–{ratio['max']:.2f}" if compared else "",
        )


def _share(values: Iterable[float]) -> str:
    return f"{spread(values)['median']:.0%}"


def caption(result: dict[str, Any]) -> str:
    """Where, when and with what a result was measured."""
    device = result["device"]
    where = f"processes of one thread: {result['processes']}" if device["backend"] == "cpu" else "one process"
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    commit = f", commit {result['commit']}" if result["commit"] else ""
    precision = f", precision {result['precision']}" if result["precision"] != "default" else ""
    return f"{device['kind']} ({device['cores']} CPU cores), {where}{precision}, {result['date']}{commit}; {versions}."


def ceilings(result: dict[str, Any]) -> str:
    flops, stream = (result["ceilings"][name]["median"] for name in ("matmul_gflops", "stream_gigabytes"))
    return f"Ceilings measured in this run: matrix product {flops:,.0f} GFLOP/s (float32), memory {stream:,.1f} GB/s."


def show(result: dict[str, Any], console: Console) -> None:
    tables.show(sections(result), console)


def markdown(result: dict[str, Any]) -> str:
    """A stored result for a README."""
    above = [caption(result), *([ceilings(result)] if result["ceilings"] else [])]
    return tables.markdown(above, sections(result))
