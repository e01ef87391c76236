"""The results of a study as files for others: tables, what each column is, how they were made."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pyarrow as pa

from disentanglement_study.errors import clipped, unknown
from disentanglement_study.export import package, tables
from disentanglement_study.export.readme import readme
from disentanglement_study.export.writers import FORMATS
from disentanglement_study.runtime import files, job_log
from disentanglement_study.runtime.files import writing
from disentanglement_study.store import Store
from disentanglement_study.store.tables import plain_schema

Report = Callable[[str], None]
CITATION = Path(__file__).parent.parent.parent / "CITATION.cff"  # of a checkout


def export(
    store: Store,
    out: Path,
    created: str,
    format: str = "parquet",
    license: str | None = None,
    logs: bool = False,
    steps: Callable[[int], AbstractContextManager[Report]] = lambda total: nullcontext(lambda name: None),
) -> dict[str, int]:
    """Writes the tables of a study, and what they are, into the new folder `out`, which appears whole or not at all.

    created: now, in UTC, such as 2026-11-29T13:21:07Z. license: its name, such as CC-BY-4.0; none is assumed.
    logs: with those of the jobs, which name paths of the machines that they ran on.
    steps(total) gives what is told the name of each step. Returns how many rows each table has.

    Raises ValueError, in one line, for a format that does not exist, what is no name of a license, a folder that is not
    empty, and a study of which a file is damaged.
    """
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if license is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", license):
        raise ValueError(f"license {clipped(license)}: expected a name without spaces, such as CC-BY-4.0 or CC0-1.0")
    out = _free(out)
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    files.make(out.parent, of=out)
    files.remove(temporary)
    with writing(temporary):
        try:
            files.make(temporary, of=out)
            rows = _write(store, temporary, created, format, license, logs, steps)
            os.rename(temporary, out)
        finally:
            files.remove(temporary)
    return rows


def _free(out: Path) -> Path:
    """The path of a folder that is not there or is empty."""
    if out.is_symlink():
        raise ValueError(f"{out} is a symbolic link: nothing is written through it; name another folder")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is {'not empty' if out.is_dir() else 'a file'}: name a folder that does not exist")
    return out.absolute()


def _write(
    store: Store,
    folder: Path,
    created: str,
    format: str,
    license: str | None,
    logs: bool,
    steps: Callable[[int], AbstractContextManager[Report]],
) -> dict[str, int]:
    plan, manifests, text = store.plan, store.manifests(), store.text
    small, results, name = tables.small(plan, manifests), tables.Results(plan), store.root.resolve().name
    schemas = {"results": results.schema, **{table: content.schema for table, content in small.items()}}
    schemas["curves"] = plain_schema("curves")
    rows = {}

    def write(table: str, parts: Iterable[pa.Table]) -> None:
        rows[table] = 0
        with FORMATS[format].writer(folder / f"{table}.{format}", schemas[table]) as write_part:
            for part in tables.parts(parts):
                write_part(part)
                rows[table] += len(part)

    with steps(2 * len(manifests) + len(small) + 1) as report:

        def by_job(table: str, of: Callable[[Store, dict], pa.Table]) -> Iterator[pa.Table]:
            for manifest in manifests:
                report(table)
                yield of(store, manifest)

        write("results", by_job("results", results.rows))
        for table, content in small.items():
            report(table)
            write(table, [content])
        write("curves", by_job("curves", tables.curves))
        report("what the files are")
        _copy_operative(store, manifests, folder / "operative")
        for manifest in manifests if logs else ():
            job_log.carry(store.log_file(manifest["job_id"]), folder / "logs" / f"{manifest['job_id']}.log")
        (folder / "study.gin").write_text(text, encoding="utf-8")
        if CITATION.is_file():
            shutil.copyfile(CITATION, folder / "CITATION.cff")
        package.write_columns(folder / package.SCHEMA, schemas)
        source = store.source
        said = package.package(folder, name, created, schemas, format, license, source)
        (folder / "datapackage.json").write_text(json.dumps(said, indent=2, ensure_ascii=False), encoding="utf-8")
        runs, jobs = (small[table].to_pandas() for table in ("runs", "jobs"))
        others = {path.name for path in folder.iterdir()}
        (folder / "README.md").write_text(
            readme(name, runs, jobs, text, rows, format, others, source), encoding="utf-8"
        )
    return rows


def _copy_operative(store: Store, manifests: list[dict], folder: Path) -> None:
    """What each job used, defaults included: JOB_ID.gin. A job of an early version, or of elsewhere, does not say."""
    for manifest in manifests:
        path = store.jobs / manifest["job_id"] / "operative.gin"
        if path.is_file() and not path.is_symlink():  # which would bring in a file from elsewhere
            folder.mkdir(exist_ok=True)
            shutil.copyfile(path, folder / f"{manifest['job_id']}.gin")
