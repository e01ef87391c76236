"""What a folder of tables says of itself to people: its README.md."""

import re
from collections.abc import Collection

import pandas as pd

from disentanglement_study.errors import one_line
from disentanglement_study.export.writers import FORMATS
from disentanglement_study.runtime.terminal import printable
from disentanglement_study.runtime.words import counted
from disentanglement_study.store.columns import ABOUT

SWEEP = re.compile(r"^sweep\.[^\n]*(?:\n[ \t]+[^\n]*)*", re.MULTILINE)  # a binding goes on in lines that are indented
# What reads a file "results", by format and language.
READERS = {
    "parquet": {
        "pandas": 'import pandas as pd\n\nresults = pd.read_parquet("results.parquet")',
        "R": 'library(arrow)\n\nresults <- read_parquet("results.parquet")',
        "DuckDB": "SELECT * FROM 'results.parquet' JOIN 'runs.parquet' USING (run_id);",
    },
    "csv": {
        "pandas": 'import pandas as pd\n\nresults = pd.read_csv("results.csv", dtype={"run_id": str}, '
        'keep_default_na=False, na_values=[""])',
        "R": 'library(readr)\n\nresults <- read_csv("results.csv", na = "", col_types = cols(run_id = "c"))',
        "DuckDB": "SELECT * FROM read_csv('results.csv', types = {'run_id': 'VARCHAR'});",
    },
    "jsonl": {
        "pandas": 'import pandas as pd\n\nresults = pd.read_json("results.jsonl", lines=True, dtype={"run_id": str})',
        "R": 'library(jsonlite)\n\nresults <- stream_in(file("results.jsonl"))',
        "DuckDB": "SELECT * FROM 'results.jsonl' JOIN 'runs.jsonl' USING (run_id);",
    },
}
OF_JOBS = {
    "operative": ("operative/JOB_ID.gin", "all settings that a job used, defaults included, as a sweep of its own"),
    "logs": ("logs/JOB_ID.log", "what the attempts at a job did and said"),
}
FENCES = {"pandas": "python", "R": "r", "DuckDB": "sql"}


def readme(
    name: str,
    runs: pd.DataFrame,
    jobs: pd.DataFrame,
    text: str,
    rows: dict[str, int],
    format: str,
    others: Collection[str],
    source: dict | None,
) -> str:
    """The text. runs, jobs: those tables; text: study.gin; rows: of each table; others: the names of all that is there;
    source: as `Store.source`."""
    again = (
        ": `disentanglement-study run study.gin DIR` makes it again"
        if source is None
        else "; its sweep names the values that occur"
    )
    done, failed = (int(jobs.loc[jobs["status"] == status, "runs"].sum()) for status in ("done", "failed"))
    parts = [
        f"# Results of the study {name}",
        f"{counted(len(runs), 'model')} {'was' if len(runs) == 1 else 'were'} planned: {_names(runs['method'])} on "
        f"{_names(runs['data_set'])}, with "
        f"{counted(runs['seed'].nunique(), 'seed')}. Done: {done:,}, failed: {failed:,}, "
        f"missing: {len(runs) - done - failed:,}. A model that is done has the scores of each metric, or an error that "
        "says why not.",
        "| file | rows | what it is |\n|---|---|---|\n"
        + "\n".join(f"| `{table}.{format}` | {number:,} | {ABOUT[table]} |" for table, number in rows.items())
        + "\n| `columns.csv` | | every column of every table: type, unit, what it holds |"
        + f"\n| `study.gin` | | the settings of the study{again} |"
        + "".join(f"\n| `{about[0]}` | | {about[1]} |" for folder, about in OF_JOBS.items() if folder in others)
        + "\n| `datapackage.json` | | tables and columns for programs, with the SHA-256 of each table "
        "([Frictionless](https://frictionlessdata.io)) |",
        f"Tables are {FORMATS[format].about}. Their rows are in no particular order.",
        "## How it was made",
        "The sweep (the rest is in `study.gin`):",
        "\n".join(f"    {line}" for binding in SWEEP.findall(text) for line in binding.splitlines()),
        "\n".join(_made(jobs) if source is None else _imported(source)),
        "`jobs` says all this of each job."
        + (" `rescored` says it of scores that were computed after their job had ended." if "rescored" in rows else ""),
        "## How to load it",
        *(f"{reader}:\n\n```{FENCES[reader]}\n{code}\n```" for reader, code in READERS[format].items()),
        "## How to cite it",
        ("`CITATION.cff` names the software and the papers whose protocols it reproduces."
         if "CITATION.cff" in others else
         "Cite the software disentanglement_study in the version above, and the papers whose methods you use.")
        + ("" if source is None else f" Cite {_plain(source, 'kind')} too, which made the results.")
        + " Cite the data by `created` and `name` of `datapackage.json`, or by a DOI where it has one.",
    ]  # fmt: skip
    return printable("\n\n".join(parts)) + "\n"


def _imported(source: dict) -> list[str]:
    """Of models that were trained elsewhere: nothing is known of machines and times."""
    return [
        f"- By {_plain(source, 'kind')}: its result files were imported. Models were neither trained nor scored here.",
        f"- Files: {_plain(source, 'files')}, SHA-256 of all {_plain(source, 'sha256')}.",
    ]


def _plain(source: dict, name: str) -> str:
    """What a manifest, which may be a stranger's, says of where its rows come from."""
    return one_line(source[name]) if name in source else "not known"


def _made(jobs: pd.DataFrame) -> list[str]:
    stages = {stage: jobs[f"seconds_{stage}"].sum() for stage in ("compile", "train", "represent", "evaluate")}
    seconds = ", ".join(f"{stage} {number:,.0f}" for stage, number in stages.items())
    lines = [f"- Seconds, of all jobs together: {seconds}."]
    begun, ended = jobs["started"].dropna(), jobs["ended"].dropna()
    if len(begun) and len(ended):
        lines.append(f"- When: from {begun.min()} to {ended.max()}.")
    commits = jobs["commit"] + jobs["dirty"].map({True: " (with changes)", False: ""}).fillna("")
    for what, values in (
        ("Commits", commits), ("Versions of disentanglement_study", jobs["package"]), ("Locks", jobs["lock"]),
        ("Python", jobs["python"]), ("Libraries", jobs["versions"]), ("Devices", jobs["device"]),
        ("Drivers", jobs["driver"]), ("Machines", jobs["host"]),
    ):  # fmt: skip
        models = jobs["runs"].groupby(values.fillna("not known")).sum()
        if len(models) and list(models.index) != ["not known"]:
            parts = [f"{value} ({counted(number, 'model')})" for value, number in models.items()]
            lines.append(f"- {what}: {'; '.join(parts)}.")
        elif what == "Commits":
            lines.append("- Commits: not known.")
    return lines


def _names(values: pd.Series) -> str:
    return ", ".join(sorted(values.unique()))
