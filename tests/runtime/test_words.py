"""Counts in words."""

import pytest

from disentanglement_study.runtime.words import counted


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, "run"), "0 runs"),
        ((1, "run"), "1 run"),
        ((12_600, "run"), "12,600 runs"),
        ((1, "study", "studies"), "1 study"),
        ((2, "study", "studies"), "2 studies"),
    ],
)
def test_a_noun_agrees_with_its_number(arguments, words):
    assert counted(*arguments) == words
