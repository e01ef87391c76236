"""The house: imports point one way, and what must be light is light."""

import json
import subprocess
import sys

import house
import pytest

GRAPH = house.modules()
ARROWS = house.rooms(GRAPH)
# What a contributor adds files to: they see arrays, and know nothing of studies.
LEAVES = {"nets", "objectives", "metrics"}
LEAVES_MAY_IMPORT = {"config", "errors", "gaussian", "rng", "types"}


def test_imports_point_one_way():
    house.floors(GRAPH)  # raises a CycleError, which names the modules
    house.floors(ARROWS)


def test_the_top_of_the_package_has_at_most_8_modules():
    assert len(list(house.PACKAGE.glob("*.py"))) <= 8


@pytest.mark.parametrize("room", sorted(LEAVES))
def test_a_leaf_knows_nothing_of_studies(room):
    assert ARROWS[room] <= LEAVES_MAY_IMPORT


def test_the_analysis_knows_a_study_by_its_rows_alone():
    assert ARROWS["analysis"] <= {"errors", "runtime", "store"}


def test_what_describes_the_parts_is_for_the_commands_alone():
    assert [name for name, imported in ARROWS.items() if "describe" in imported] == ["cli"]


def test_an_import_in_a_circle_is_found(tmp_path):
    package = tmp_path / "package"
    for name, text in {
        "__init__": "",
        "low": "def late():\n    from package.rooms import high\n",
        "rooms/__init__": "",
        "rooms/high": "import package.low\n",
    }.items():
        file = (package / name).with_suffix(".py")
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text)
    graph = house.modules(package)
    assert house.rooms(graph) == {"__init__": set(), "low": {"rooms"}, "rooms": {"low"}}
    for arrows in (graph, house.rooms(graph)):
        with pytest.raises(ValueError, match="cycle"):  # graphlib.CycleError
            house.floors(arrows)


# In this order in one process: what is absent after a module is absent after it alone, too. Lightest first.
ABSENT = {
    "disentanglement_study.cli": ["jax", "ray", "matplotlib", "sklearn", "numpy", "pandas", "pyarrow"],
    "disentanglement_study.cli.watching": ["jax", "ray", "duckdb"],
    "disentanglement_study.data": ["jax", "ray", "tensorflow", "tensorflow_datasets", "h5py"],
    "disentanglement_study.data.published.originals": ["jax", "ray", "tensorflow", "tensorflow_datasets", "h5py"],
    "disentanglement_study.store": ["jax", "ray", "duckdb"],
    "disentanglement_study.study.failed": ["jax", "ray", "duckdb", "scipy"],  # of `status`
    "disentanglement_study.metrics": ["jax", "flax", "ray", "tensorflow", "numba", "scipy", "sklearn"],
    "disentanglement_study.analysis.tables": ["jax", "ray"],
    "disentanglement_study.live.server": ["jax", "ray", "duckdb", "plotly"],
    "disentanglement_study.scoring.score_file": ["jax", "flax", "ray", "duckdb"],
    # `plan` answers in the time of what it imports.
    "disentanglement_study.study.cost": ["numba", "sklearn", "orbax", "ray", "duckdb"],
    # A machine that only trains and scores has neither Ray nor DuckDB.
    "disentanglement_study.study.run": ["ray", "duckdb", "tensorflow", "tensorflow_datasets", "torch"],
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
        "from disentanglement_study.study import components, plan\n"
        "from jax._src import xla_bridge\n"
        "settings = components.load('quick')\n"
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
