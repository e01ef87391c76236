"""The house: imports point one way, and what must be light is light."""

import ast
import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "disentanglement_study"

# Left to right: a module may import those before it (and its own folder), never those after it.
ORDER = [
    "errors", "terminal", "files", "npz", "condition", "declared",
    "rng", "types", "cores", "pictures", "traversal_ranges", "nets", "objectives", "metrics", "data",
    "sweep_text", "config", "identity", "locatello2019", "compilation", "population", "train", "checkpoint", "fit", "plan",
    "cost", "represent", "evaluate", "score_file", "sql", "records", "store", "upkeep", "job", "cluster", "dispatch", "display",
    "study", "rescore", "trained", "traverse", "signals", "cli_analysis", "cli_data", "cli_traverse", "cli", "__main__",
]  # fmt: skip
LEAVES = {"nets", "objectives", "metrics", "data"}
LEAVES_MAY_IMPORT = {"errors", "terminal", "npz", "declared", "types", "rng"}


@functools.cache
def imported(file: Path) -> set[str]:
    """The modules of ours, by first name below the package, that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "disentanglement_study":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("disentanglement_study."):
            names.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith("disentanglement_study.")
            }
    return names


FILES = sorted(file for file in PACKAGE.rglob("*.py") if file.parent != PACKAGE or file.name != "__init__.py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_left(file):
    part = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert part in ORDER, f"{part}: give the new module its place in ORDER"
    left = set(ORDER[: ORDER.index(part)])
    others = imported(file) - {part}
    assert others <= left
    if part in LEAVES:
        assert others <= LEAVES_MAY_IMPORT


def test_the_analysis_imports_nothing_of_the_package():
    for file in (PACKAGE.parent / "analysis").rglob("*.py"):
        assert imported(file) <= {"errors", "files", "store"}, file


# In this order in one process: what is absent after a module is absent after it alone, too. Lightest first.
ABSENT = {
    "disentanglement_study.cli": ["jax", "ray", "matplotlib", "sklearn"],
    "disentanglement_study.data": ["jax", "ray", "tensorflow", "tensorflow_datasets", "h5py"],
    "disentanglement_study.data.originals": ["jax", "ray", "tensorflow", "tensorflow_datasets", "h5py"],
    "disentanglement_study.store": ["jax", "ray", "duckdb"],
    "analysis.tables": ["jax", "ray"],
    "disentanglement_study.metrics": ["jax", "flax", "ray", "tensorflow"],
    "disentanglement_study.score_file": ["jax", "flax", "ray", "duckdb"],
    # A machine that only trains and scores has neither Ray nor DuckDB.
    "disentanglement_study.study": ["ray", "duckdb", "tensorflow", "tensorflow_datasets", "torch"],
}


@pytest.fixture(scope="module")
def process():
    """What one process says that imports all of these and then plans: {module: [what is there and should not be]}."""
    program = (
        "import importlib, json, sys\n"
        "found = {}\n"
        f"for module, absent in {ABSENT}.items():\n"
        "    importlib.import_module(module)\n"
        "    found[module] = [name for name in absent if name in sys.modules]\n"
        "from disentanglement_study import config, plan\n"
        "from jax._src import xla_bridge\n"
        "settings = config.load('quick')\n"
        "plan.frame(plan.expand(settings), settings)\n"
        "print(json.dumps(found | {'device': xla_bridge.backends_are_initialized()}))"
    )
    return json.loads(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    )


@pytest.mark.parametrize("module", ABSENT)
def test_importing_a_module_leaves_heavy_ones_out(module, process):
    assert process[module] == []


def test_planning_and_dispatching_start_no_device(process):
    # A driver on a GPU node would otherwise take the memory that its workers need.
    assert process["device"] is False
