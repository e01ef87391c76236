"""The scores of models that are done, drawn: each of few, a box of many."""

import re

import numpy as np
import pytest

from disentanglement_study.live.scores import BOX_FROM, DOTS, scores


def drawn(**methods):
    return scores("mig", {("dsprites", name): np.array(values, float) for name, values in methods.items()})


def dots(html):
    """The places [n, 2] of the dots."""
    return np.array(re.findall(r'<circle cx="([^"]+)" cy="([^"]+)"', html), float)


@pytest.mark.parametrize(
    ("number", "boxes", "points"),
    [(1, 0, 1), (3, 0, 3), (BOX_FROM - 1, 0, BOX_FROM - 1), (BOX_FROM, 1, BOX_FROM), (DOTS, 1, DOTS), (DOTS + 1, 1, 0)],
)
def test_few_models_are_dots_alone_and_many_a_box_alone(number, boxes, points):
    html = drawn(beta_vae=np.linspace(0.1, 0.9, number))
    assert (html.count('class="box"'), len(dots(html))) == (boxes, points)
    assert html.count('class="median"') == 1


def test_each_group_is_drawn_by_its_own_number():
    html = drawn(beta_vae=[0.1, 0.2, 0.6], factor_vae=[0.1, 0.2, 0.3, 0.4, 0.5])
    few, many = (part for part in html.split("<g>")[1:])
    assert 'class="box"' not in few
    assert 'class="box"' in many
    assert "β-VAE: median 0.2, of 3 models: 0.1, 0.2, 0.6<" in few
    assert "FactorVAE: median 0.3, the middle half of 5 models from 0.2 to 0.4<" in many


def test_dots_are_where_the_scores_are_and_those_of_the_same_score_apart():
    found = dots(drawn(beta_vae=[0.5, 0.1, 0.5, 0.9]))
    shares = (found[:, 0] - found[:, 0].min()) / np.ptp(found[:, 0])
    assert shares == pytest.approx([0, 0.5, 0.5, 1], abs=1e-3)
    assert abs(found[1, 1] - found[2, 1]) > 2
    many = dots(drawn(beta_vae=np.full(DOTS, 0.5)))
    assert np.ptp(many[:, 1]) < 16  # within its row, and the box
