"""What a folder of tables says of itself to programs: datapackage.json, of Frictionless, and columns.csv."""

import csv
import hashlib
import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from disentanglement_study.export.writers import FORMATS
from disentanglement_study.store import columns

SCHEMA = "columns.csv"


def package(
    folder: Path,
    name: str,
    created: str,
    schemas: dict[str, pa.Schema],
    format: str,
    license: str | None,
    source: dict | None,
) -> dict[str, Any]:
    """The content of datapackage.json for the tables of these schemas, which are files of the folder by now.

    source: as `Store.source`.
    """
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.") or "study"
    made_by = "disentanglement_study" if source is None else f"{source.get('kind')}, imported by disentanglement_study"
    about = {
        "profile": "data-package",
        "name": slug,
        "title": f"Results of the study {name}",
        "description": f"A study of disentangled representations, made by {made_by}; README.md says how.",
        "created": created,
    }
    tables = [_resource(folder, table, schema, format) for table, schema in schemas.items()]
    others = [
        {"name": "columns", "title": "every column of every table", **_file(folder, SCHEMA, "csv", "text/csv")},
        {"name": "study", "title": "the settings of the study", **_file(folder, "study.gin", "gin", "text/plain")},
    ]
    licenses = {} if license is None else {"licenses": [{"name": license}]}
    return {**about, **licenses, "resources": tables + others}


def write_columns(path: Path, schemas: dict[str, pa.Schema]) -> None:
    """The columns of the tables as a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["table", "column", "type", "unit", "description"])
        for table, schema in schemas.items():
            for one in columns.of(table, schema):
                writer.writerow([table, one.name, one.type, one.unit or "", one.description])


def _resource(folder: Path, table: str, schema: pa.Schema, format: str) -> dict[str, Any]:
    file = _file(folder, f"{table}.{format}", format, FORMATS[format].mediatype)
    fields = [
        {"name": one.name, "type": one.type, "description": one.description} | ({"unit": one.unit} if one.unit else {})
        for one in columns.of(table, schema)
    ]
    keys = [
        {"fields": [name], "reference": {"resource": there, "fields": list(columns.KEYS[there])}}
        for name, there in columns.REFERENCES.get(table, {}).items()
    ]
    about = {"fields": fields, "missingValues": [""], "primaryKey": list(columns.KEYS[table])}
    about |= {"foreignKeys": keys} if keys else {}
    title = {"name": table, "profile": "tabular-data-resource", "title": columns.ABOUT[table]}
    return {**title, **file, "schema": about}


def _file(folder: Path, path: str, format: str, mediatype: str) -> dict[str, Any]:
    with (folder / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    encoding = {} if format == "parquet" else {"encoding": "utf-8"}
    whole = {"bytes": (folder / path).stat().st_size, "hash": f"sha256:{digest}"}
    return {"path": path, "format": format, "mediatype": mediatype, **encoding, **whole}
