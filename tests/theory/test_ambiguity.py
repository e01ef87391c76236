"""Variables that explain the data as the sources do: they keep the density exactly where no assumption forbids them."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from disentanglement_study.metrics.mcc import mean_correlation
from disentanglement_study.theory import ambiguity
from disentanglement_study.theory.draw_ambiguity import failures
from disentanglement_study.theory.kernel_test import kernel_test

PAGE = Path(__file__).parents[2] / "analysis" / "identifiability.md"
OF = {assumption.name: assumption for assumption in ambiguity.ASSUMPTIONS}
# Where z could be the sources as well as s.
NOT_TOLD = {
    ("Gaussian", "turned"), ("Gaussian", "swirled"), ("Laplace", "swirled"), ("Equal autoregression", "turned"),
    ("Segments of one scale for both", "turned"), ("Segments of one scale for both", "swirled"),
}  # fmt: skip
CASES = [(name, family) for name in OF for family in ("turned", "swirled")]


@pytest.mark.parametrize(("name", "family"), CASES)
def test_the_gap_is_zero_or_grows_with_the_angle(name, family):
    g, largest = ambiguity.families(OF[name])[family], ambiguity.LARGEST[family]
    gaps = [ambiguity.gap(OF[name], g, share * largest, n=4000) for share in (0, 0.25, 0.5, 1)]
    if (name, family) in NOT_TOLD:
        np.testing.assert_allclose(gaps, 0, atol=1e-9)
    else:
        assert gaps[0] == 0
        assert (np.diff(gaps) > 0.005).all()


@pytest.mark.parametrize(("name", "family"), CASES)
def test_the_determinant_is_that_of_the_map(name, family):
    g, angle, s = ambiguity.families(OF[name])[family], 0.8, np.random.default_rng(0).normal(size=(20, 2))
    step = 1e-5
    columns = [(g(s + step * unit, angle)[0] - g(s - step * unit, angle)[0]) / (2 * step) for unit in np.eye(2)]
    expected = np.log(np.abs(np.linalg.det(np.stack(columns, axis=2))))
    np.testing.assert_allclose(g(s, angle)[1], expected, atol=1e-5)


@pytest.mark.parametrize(("name", "family"), [("Gaussian", "turned"), ("Gaussian", "swirled"), ("Laplace", "swirled")])
def test_points_that_are_not_told_apart_have_one_distribution(name, family):
    g, angle = ambiguity.families(OF[name])[family], ambiguity.LARGEST[family]
    s, other = (OF[name].draw(np.random.default_rng(seed), 600) for seed in (0, 1))
    assert kernel_test(g(s, angle)[0], other) > 1 / 200
    assert mean_correlation(s, g(s, angle)[0]) < 0.8


def test_what_is_the_same_is_so_at_every_point_and_what_is_not_is_seen():
    found = failures()
    told = found.index == "Laplace sources, turned by 45°"
    assert (found["change"][~told] < 1e-12).all()
    assert (found["change"][told] > 1).all()
    assert (found["p"][~told] > 0.05).all()
    assert (found["p"][told] < 0.05).all()
    assert found["mcc"].between(0.6, 0.8).all()


def test_a_gap_of_turned_autoregression_is_the_divergence_in_closed_form():
    """E log p(s) - log p(z) of transitions: what each predicts of the next point of z, by its covariances."""
    coefficients, angle = np.array([0.9, 0.3]), ambiguity.LARGEST["turned"]
    cos, sin = np.cos(angle), np.sin(angle)
    turn, variances = np.array([[cos, -sin], [sin, cos]]), 1 - coefficients**2
    # z(t) and z(t-1) have covariance R diag(c) Rᵀ, and are of variance 1.
    lagged = np.diag(turn @ np.diag(coefficients) @ turn.T)
    expected = 0.5 * np.sum((1 - 2 * coefficients * lagged + coefficients**2) / variances - 1)
    found = ambiguity.gap(OF["Other autoregression"], ambiguity.turned, angle, n=200_000)
    assert found == pytest.approx(expected, rel=0.02)
    assert expected == pytest.approx(1.325, abs=0.01)


def test_a_gap_is_the_divergence_in_closed_form():
    """Of segments that are turned: N(0, V) against N(0, R V Rᵀ), the mean over segments."""
    angle, total = ambiguity.LARGEST["turned"], 0.0
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    for scales in ambiguity.SCALES:
        before = np.diag(scales**2)
        total += 0.5 * np.trace(np.linalg.inv(before) @ turn @ before @ turn.T) - 1
    found = ambiguity.gap(OF["Segments of other scales"], ambiguity.turned, angle, n=200_000)
    assert found == pytest.approx(total / len(ambiguity.SCALES), rel=0.02)


def test_through_ranks_a_normal_is_itself():
    s = np.random.default_rng(0).normal(size=(50, 2))
    for found, expected in zip(
        ambiguity.through_ranks(ambiguity.swirled, stats.norm)(s, 1.0), ambiguity.swirled(s, 1.0), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_page_says_what_its_code_computes(tmp_path, monkeypatch, capsys):
    text = PAGE.read_text()
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "analysis/pictures").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block, names)
    last = names["last"].pivot(index="assumption", columns="family", values="gap").loc[list(OF)]
    found = re.findall(r"^\| (.*?) \| (yes|no) \| (\d\.\d\d) \| (\d\.\d\d) \|", text, flags=re.MULTILINE)
    assert found == [
        (title.replace(" sources", ""), "yes" if row["change"] < 1e-9 else "no", f"{row['p']:.2f}", f"{row['mcc']:.2f}")
        for title, row in names["same"].iterrows()
    ]
    rows = re.findall(r"^\| [^|]* \| (\d\.\d\d) \| (\d\.\d\d) \|", text, flags=re.MULTILINE)
    assert [tuple(map(float, row)) for row in rows] == [
        (abs(round(turned, 2)), abs(round(swirled, 2))) for swirled, turned in last[["swirled", "turned"]].to_numpy()
    ]
    for line in capsys.readouterr().out.strip().splitlines()[-2:]:
        assert f"MCC of z with s is {line.split()[1]}" in text or f"the MCC is {line.split()[1]}." in text
    for folder in (PAGE.parent, tmp_path / "analysis"):
        for name in ("identifiability.png", "ambiguity.png"):
            assert 10_000 < (folder / "pictures" / name).stat().st_size < 150_000
