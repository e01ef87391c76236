"""Parameters in a file are those of the model."""

import numpy as np

from disentanglement_study.store.parameters import flat, nested


def test_parameters_are_nested_as_they_were():
    tree = {"a": {"b": {"c": np.ones(1)}, "d": np.zeros(1)}}
    assert flat(tree) == {"a/b/c": 1.0, "a/d": 0.0}
    assert nested(flat(tree)) == tree
