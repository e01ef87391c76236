"""Panels, lines and colours of figures."""

import numpy as np
import pandas as pd
import pytest

from disentanglement_study.analysis import names, rows
from disentanglement_study.analysis.figures import layout, lines, shared, style


class TestLayout:
    def test_scores_to_show(self):
        many = ["irs", "dci", "mig"]
        assert shared.shown_scores(many, None, 1) == ["mig", "dci", "irs"]
        assert shared.shown_scores(many, None, 2) == ["mig", "dci"]
        assert shared.shown_scores(["irs"], None, 2) == ["irs"]
        assert shared.shown_scores(many, ["irs", "med"], 2) == ["irs"]
        with pytest.raises(rows.NothingToDraw, match="med"):
            shared.shown_scores(many, ["med"], 1)

    def test_panels_that_share_an_axis_have_its_limits_and_labels_once(self):
        text = layout.Text("title", ("n = 1 model",))
        rows_, columns = {"a": "A", "b": "B"}, {"c": "C", "d": "D"}
        page = layout.panels(pd.DataFrame(), rows_, columns, text, (1, 1), share_x="column", share_y="all")
        for place, axis in enumerate(page.axes.values()):
            axis.plot([0, place + 1], [place, 5])
        page.finished()
        assert page.axes["a", "c"].get_xlim() == page.axes["b", "c"].get_xlim() != page.axes["a", "d"].get_xlim()
        assert len({axis.get_ylim() for axis in page.axes.values()}) == 1
        assert page.axes["a", "c"].get_xlim()[1] >= 3
        labelled = {key: axis.xaxis.get_tick_params()["labelbottom"] for key, axis in page.axes.items()}
        assert labelled == {("a", "c"): False, ("a", "d"): False, ("b", "c"): True, ("b", "d"): True}

    def test_many_panels_of_one_row_are_wrapped(self):
        columns = {str(number): f"Panel {number}" for number in range(7)}
        page = layout.panels(
            pd.DataFrame(), {"": ""}, columns, layout.Text("t", ()), (1.9, 1), share_x="all", share_y="all"
        )
        left = {round(axis.get_position().x0, 3) for axis in page.axes.values()}
        assert len(left) == 3
        assert page.figure.get_figwidth() <= style.WIDTH + 1e-9

    def test_colours_are_fixed(self):
        alone = style.marks(["dip_vae_i", "new_method"])
        together = style.marks([*names.STUDY_METHODS, "new_method"])
        assert alone["dip_vae_i"] == together["dip_vae_i"]
        many = style.marks([*names.METHODS, *(f"other_{i}" for i in range(9))])
        assert len(set(many.values())) == len(many)
        assert len({mark.colour for mark in together.values()}) == len(together)


def test_a_line_has_a_gap_where_a_place_has_no_row():
    rows_ = [("beta_vae", place, value, value - 1, value + 1) for place, value in ((1, 5.0), (2, 6.0), (4, 8.0))]
    table = pd.DataFrame(rows_, columns=["method", "place", "median", "lower_quartile", "upper_quartile"])
    axis = style.StudyFigure().add_subplot()
    lines.draw(axis, table, style.marks(["beta_vae"]))
    (line,) = axis.lines
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
    np.testing.assert_array_equal(line.get_ydata(), [5, 6, np.nan, 8])
