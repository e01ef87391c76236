"""The page itself, which holds nothing of the study but its folder's name: it asks for the rest."""

import base64
import hashlib
import html
import json
import string
from pathlib import Path
from typing import NamedTuple

from disentanglement_study.analysis import report
from disentanglement_study.live.parts import command
from disentanglement_study.runtime.terminal import printable

FOLDER = Path(__file__).parent / "page"


class Page(NamedTuple):
    text: str
    policy: str  # what it may do, for the browser


def page(root: Path, port: int) -> Page:
    """The page of the study in a folder: the style is that of the report, and more."""
    script = (FOLDER / "live.js").read_text(encoding="utf-8")
    style = (report.PAGE / "style.css").read_text(encoding="utf-8") + (FOLDER / "live.css").read_text(encoding="utf-8")
    again = command("report", root, "--live", "--port", str(port))
    parts = {
        "style": style,
        "script": script,
        "folder": html.escape(printable(str(root))),
        "name": html.escape(printable(root.absolute().name)),
        "again": html.escape(json.dumps(again)),
    }
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; "
        f"img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )
    template = (FOLDER / "live.html").read_text(encoding="utf-8")
    return Page(string.Template(template).substitute(parts), policy)
