"""What is said of costs is what the benchmarks measured, and what the programs count."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from disentanglement_study.describe import costs
from disentanglement_study.methods import METHODS
from disentanglement_study.metrics import METRICS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def script():
    """benchmarks/costs.py, whose neighbours are found as Python finds them for a script."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("costs_script", BENCHMARKS / "costs.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(BENCHMARKS))


def kept() -> dict:
    return json.loads(costs.FILE.read_text(encoding="utf-8"))


def test_the_table_is_that_of_the_latest_results(script):
    measured = {name: part for name, part in kept().items() if name != "sizes"}
    assert script.table(BENCHMARKS / "results") == measured


def sizes_of(script, names):
    assert {name: script.size(name) for name in names} == {name: kept()["sizes"][name] for name in names}


def test_sizes_are_those_that_the_programs_have(script):
    sizes_of(script, ["beta_vae", "tcl", "pca", "random_encoder", "unconditional_likelihood"])


@pytest.mark.slow
def test_the_sizes_of_all_methods_are_those_that_the_programs_have(script):
    sizes_of(script, kept()["sizes"])


def test_costs_are_of_what_there_is():
    assert kept()["sizes"].keys() <= METHODS.keys()
    assert kept()["metrics"]["seconds"].keys() <= METRICS.keys()
    for table in kept()["methods"]:
        assert table["seconds"].keys() <= METHODS.keys()
    for table in (kept()["metrics"], *kept()["methods"], kept()["data"]):
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", table["date"])
        assert re.fullmatch(r"[0-9a-f]{7}(-dirty)?", table["commit"])


def test_what_was_not_measured_says_so():
    assert costs.of_metric("r2") == costs.of_metric("no_such") == "not measured"
    assert costs.of_method("raw_pixels") == "not measured"
    assert costs.size_of_method("raw_pixels") == costs.size_of_method("no_such") == ""
    assert costs.megabytes("iid_sources") is None


def test_costs_in_words():
    assert costs.of_metric("dci").startswith("5.3 CPU seconds a model (10,000 train and 5,000 test points, 10 codes; ")
    assert costs.of_method("factor_vae").startswith("144 ms an update (batches of 64 images of 64x64 pixels")
    assert costs.size_of_method("random_encoder") == "309,204 parameters"
    assert costs.megabytes("dsprites") == pytest.approx(377.48736)
