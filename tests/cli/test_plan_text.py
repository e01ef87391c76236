"""What a plan's cost is called."""

import io
import re

import pandas as pd
import pytest
from rich.console import Console

from disentanglement_study.cli.plan_text import _duration, axes


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than a second"), (1, "1 second"), (59, "59 seconds"), (90, "1.5 minutes"), (7200, "2.0 hours")],
)
def test_a_duration_agrees_with_its_number(seconds, words):
    assert _duration(seconds) == words


def shown(*rows):
    """What the table of methods says of updates, weights and GFLOP, of rows of these: method, data set, and they."""
    estimates = pd.DataFrame(rows, columns=["method", "data_set", "updates", "parameters", "gflop_per_step"])
    plan = pd.DataFrame({"method": [row[0] for row in rows], "hyper": '{"beta": 1}'})
    console = Console(file=io.StringIO())
    console.print(axes(plan, estimates.assign(runs=1, pflop=1.0))[1], soft_wrap=True)
    return [re.split(" {2,}", line.strip())[3:] for line in console.file.getvalue().splitlines()[1:]]


def test_what_data_sets_cost_differently_is_a_range():
    rows = [("beta_vae", "dsprites", 3000, 690_517, 5.2), ("beta_vae", "cars3d", 3000, 692_567, 6.2)]
    assert shown(*rows) == shown(*rows[::-1]) == [["3,000", "690,517 to 692,567", "5.2 to 6.2"]]


def test_what_is_shown_alike_is_one_number():
    near = [("beta_vae", "dsprites", 300, 20, 6.22501), ("beta_vae", "cars3d", 300, 20, 6.22502)]
    assert shown(*near) == [["300", "20", "6.225"]]


def test_settings_that_runs_differ_by_count_too():
    assert shown(("vae", "a", 100, 7, 1.0), ("vae", "a", 2000, 7, 1.0)) == [["100 to 2,000", "7", "1"]]


def test_each_method_has_its_own_range():
    rows = [("beta_vae", "a", 3000, 1500, 5.0), ("beta_vae", "b", 3000, 1600, 6.0), ("pca", "a", 0, 2500, 0.0)]
    assert shown(*rows) == [["3,000", "1,500 to 1,600", "5 to 6"], ["0", "2,500", "0"]]
