"""Scores of a matrix of codes and factors, and all of them of all matrices."""

import json

import numpy as np
import pytest
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform
from test_golden import GOLDEN, points

from disentanglement_study.metrics import dci, mig, modularity, sap_score, unified_scores
from disentanglement_study.metrics.aggregations import (
    area_of_groups,
    concentration,
    concentrations,
    gaps,
    independent_groups,
    merges,
    modularities,
)

ANSWERS = json.loads((GOLDEN / "reference.json").read_text())
# Codes 0 and 1 stand for factors 0 and 1, code 2 for factor 1 too; factor 2 is in no code of its own.
MATRIX = np.array([[0.9, 0.1, 0.3], [0.0, 0.8, 0.2], [0.0, 0.6, 0.5], [0.0, 0.0, 0.0]])


def graph_groups(matrix, threshold):
    """The sets of factors that codes connect, by walking the graph."""
    groups = []
    for code in matrix:
        factors = set(np.flatnonzero((code >= threshold) & (code > 0)))
        joined = [group for group in groups if group & factors]
        groups = [group for group in groups if not group & factors] + [factors.union(*joined)] * bool(factors)
    return groups


@pytest.fixture(params=range(6))
def matrix(request):
    rng = np.random.default_rng(request.param)
    shape = [(6, 4), (4, 6), (10, 5), (1, 3), (5, 1), (7, 7)][request.param]
    matrix = rng.uniform(size=shape)
    return np.where(matrix < 0.3, 0.0, np.round(matrix, 1 + request.param % 2))  # zeros and ties


def test_answer_sheet():
    answer = ANSWERS["aggregations"]
    matrix = np.array(answer["matrix"])
    assert concentration(matrix) == pytest.approx(answer["disentanglement"], rel=1e-9)
    assert concentration(matrix.T) == pytest.approx(answer["completeness"], rel=1e-9)
    np.testing.assert_allclose(concentrations(matrix), answer["per_code"], rtol=1e-9)
    np.testing.assert_allclose(concentrations(matrix.T), answer["per_factor"], rtol=1e-9)
    assert modularities(matrix).mean() == pytest.approx(answer["modularity"], rel=1e-9)
    assert gaps(matrix).mean() == pytest.approx(answer["sap"], rel=1e-9)
    curve = independent_groups(matrix)
    assert area_of_groups(curve) == pytest.approx(answer["pr"]["area_precision"], rel=1e-9)
    assert curve.groups.max() == answer["pr"]["max_precision"]
    np.testing.assert_array_equal(curve.groups, answer["precisions"])
    np.testing.assert_array_equal(independent_groups(matrix.T).discovered, answer["recalls"])  # of codes


def test_by_hand():
    np.testing.assert_allclose(gaps(MATRIX), [0.9, 0.2, 0.2])
    np.testing.assert_allclose(modularities(MATRIX), [1 - 0.1 / 1.62, 1 - 0.04 / 1.28, 1 - 0.25 / 0.72, 0.0])
    np.testing.assert_allclose(merges(MATRIX), [[0.9, 0.3, 0.3], [0.3, 0.8, 0.5], [0.3, 0.5, 0.5]])
    curve = independent_groups(MATRIX)
    np.testing.assert_allclose(curve.thresholds, [0.9, 0.8, 0.6, 0.5, 0.3, 0.2, 0.1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(curve.groups, [1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(curve.discovered, [1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3])
    assert area_of_groups(curve) == pytest.approx(0.15 + 2 * 0.3 + 0.3 + 0.3)


def test_a_perfect_matrix_discovers_all_factors_and_merges_none():
    curve = independent_groups(np.eye(4))
    assert (curve.groups == 4).all()
    assert (curve.discovered == 4).all()
    assert area_of_groups(curve) == 4.0
    np.testing.assert_array_equal(merges(np.eye(4)), np.eye(4))
    assert concentration(np.eye(4)) == pytest.approx(1.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1), (4, 3)])
def test_a_matrix_of_zeros_scores_zero(shape):
    zeros = np.zeros(shape)
    assert not gaps(zeros).any()
    assert not merges(zeros).any()
    curve = independent_groups(zeros)
    assert not np.hstack([curve.groups, curve.discovered]).any()
    assert area_of_groups(curve) == 0.0
    assert concentration(zeros) == pytest.approx(1.0 if shape[1] == 1 else 0.0)


def test_groups_and_merges_are_those_of_the_graph(matrix):
    curve, merged = independent_groups(matrix), merges(matrix)
    np.testing.assert_array_equal(merged, merged.T)
    for threshold, groups, discovered in zip(*curve, strict=True):
        expected = graph_groups(matrix, threshold)
        assert (groups, discovered) == (len(expected), len(set().union(*expected)))
        if threshold > 0:
            together = {(a, b) for group in expected for a in group for b in group}
            assert together == set(zip(*np.nonzero(merged >= threshold), strict=True))


def test_merges_are_a_dendrogram(matrix):
    merged = merges(matrix)
    if len(merged) == 1:
        return
    distances = squareform(merged.max() - merged, checks=False)
    np.testing.assert_allclose(cophenet(linkage(distances, "single")), distances, atol=1e-12)


@pytest.fixture(scope="module", params=ANSWERS["representations"])
def representation(request):
    return request.param


@pytest.fixture(scope="module")
def scores(representation):
    return unified_scores(*points(representation, "train"), *points(representation, "test"), rng=0)


@pytest.mark.parametrize(("matrix", "tolerance"), [("mutual_information", 1e-6), ("accuracy_svm", 2e-3)])
def test_unified_scores(representation, scores, matrix, tolerance):
    answer = ANSWERS["representations"][representation]["unified_scores"][matrix]
    assert {score: scores[f"{matrix}.{score}"] for score in answer} == pytest.approx(answer, abs=tolerance)


def test_unified_scores_of_importances(representation, scores):
    for answer in ANSWERS["representations"][representation]["unified_scores"]["importance_gbt"].values():
        assert {score: scores[f"importance_gbt.{score}"] for score in answer} == pytest.approx(answer, abs=5e-3)


def test_unified_scores_hold_those_of_the_metrics(representation, scores):
    train, test = points(representation, "train"), points(representation, "test")
    assert scores["mutual_information.mig"] == mig(*train)["mig"]
    assert scores["mutual_information.modularity"] == modularity(*train)["modularity"]
    assert scores["accuracy_svm.sap"] == pytest.approx(sap_score(*train, *test)["sap_score"], abs=1e-3)


def test_every_matrix_has_every_score_and_importances_are_those_of_dci():
    (codes, factors), rows = points("noisy", "test"), np.arange(200)
    split = codes[rows, :3], factors[rows], codes[rows + 200, :3], factors[rows + 200]
    names = [f"dci_disentanglement.code_{i}" for i in range(3)] + [f"modularity.code_{i}" for i in range(3)]
    names += [f"{score}.factor_{k}" for score in ("dci_completeness", "mig", "sap") for k in range(5)]
    names += [f"merge.factors_{a}_{b}" for a in range(5) for b in range(a + 1, 5)]
    names += ["dci_disentanglement", "dci_completeness", "mig", "sap", "modularity", "area_precision", "max_precision"]
    matrices = ("importance_gbt", "mutual_information", "accuracy_svm")
    scores = unified_scores(*split, rng=0)
    assert set(scores) == {f"{matrix}.{name}" for matrix in matrices for name in names}
    boosted = dci(*split, rng=0)
    assert scores["importance_gbt.dci_disentanglement"] == boosted["dci"]
    assert scores["importance_gbt.dci_completeness"] == boosted["completeness"]
