"""The example notebook runs in a kernel of its own, and shows something in every cell."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from waiting import HANG

NOTEBOOK = Path(__file__).parents[2] / "analysis" / "example.ipynb"


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell: nbformat.NotebookNode) -> set[str]:
    """The media types of what a cell shows; the stream it writes to, for what it prints."""
    return {kind for output in cell.outputs for kind in output.get("data", [output.get("name", "error")])}


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in code(notebook):
        cell.outputs = []
    # An error in a cell is one here, with the cell's text.
    return NotebookClient(notebook, timeout=int(HANG), resources={"metadata": {"path": NOTEBOOK.parent}}).execute()


def test_every_cell_shows_a_table_or_a_picture(executed):
    for cell in code(executed):
        assert kinds(cell) & {"text/html", "image/png"}, cell.source
        assert not kinds(cell) & {"stderr", "error"}, cell.source
    assert any("image/png" in kinds(cell) for cell in code(executed))


def test_the_committed_outputs_are_of_these_cells(executed):
    """Not that their numbers are the same: these may differ in their last digit by the machine."""
    committed = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(committed)
    for place, (now, then) in enumerate(zip(code(executed), code(committed), strict=True), start=1):
        assert kinds(then) == kinds(now), then.source
        assert then.execution_count == place, f"cells were run in another order: {then.source}"
