"""A script's folder comes first where Python looks for modules: none there may have the name of a library."""

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", ["benchmarks", "analysis"])
def test_no_script_has_the_name_of_a_library(folder):
    scripts = {path.stem for path in (ROOT / folder).glob("*.py")}
    assert scripts
    assert not scripts & (set(sys.stdlib_module_names) | set(packages_distributions()))
