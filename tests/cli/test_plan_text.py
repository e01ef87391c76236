"""What a plan's cost is called."""

import pytest

from disentanglement_study.cli.plan_text import _duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than a second"), (1, "1 second"), (59, "59 seconds"), (90, "1.5 minutes"), (7200, "2.0 hours")],
)
def test_a_duration_agrees_with_its_number(seconds, words):
    assert _duration(seconds) == words
