"""Conditions of --where: what they choose, and that they are no programs."""

import pandas as pd
import pytest

from disentanglement_study.study import condition

TABLE = pd.DataFrame(
    {
        "run_id": list("abcd"),
        "data_set": ["dsprites", "cars3d", "dsprites", "cars3d"],
        "strength": [1.0, 2.0, 4.0, 8.0],
        "seed": [0, 1, 0, 1],
        "dlib_model_num": pd.array([0, None, 2, None], dtype="Int64"),
        "train.steps": [10, 10, 20, 20],
        "method": ["pca", "beta_vae", "pca", "beta_vae"],
        "mlp.activation": ["relu", "relu", None, None],
    }
)


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        ("seed == 0", "ac"),
        ("data_set == 'dsprites' and strength > 1", "c"),
        ("not seed == 0 or strength < 2", "abd"),
        ("(seed == 0) & ~(strength == 4)", "a"),
        ("strength in [2, 4]", "bc"),
        ("data_set not in ('cars3d',)", "ac"),
        ("1 < strength < 8", "bc"),
        ("strength / 2 - seed >= 2", "cd"),
        ("strength == -1", ""),
        ("`train.steps` > 10", "cd"),
        ("dlib_model_num >= 0", "ac"),
        ("  seed == 1\n", "bd"),
        # What a sweep could have, or what is like nothing that it has, is no slip.
        ("method == 'tcl' or data_set == 'mpi3d_toy'", ""),
        ("data_set != 'own'", "abcd"),
        ("`mlp.activation` == 'tanh'", ""),
        ("run_id == 'ab'", ""),
        # Options of what the table has not.
        ("seed == 0 or `segment_sources.num_layers` > 1", "ac"),
        ("`segment_sources.num_layers` != 1 and seed == 0", "ac"),
        ("(`segment_sources.distribution` == 'laplace') == (`tcl.num_layers` == 2) and seed == 1", "bd"),
        ("data_set < 'd'", "bd"),
    ],
)
def test_rows_of_a_condition(where, chosen):
    assert "".join(condition.rows(TABLE, where)["run_id"]) == chosen


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ("sed == 1", "unknown column 'sed': did you mean 'seed'?"),
        ("`train.step` == 1", "did you mean 'train.steps'?"),
        ("@print(1) == seed", "is not an expression"),
        ("@Path('{target}').touch()", "is not an expression"),
        ("__import__('pathlib').Path('{target}').touch() == seed", "is not allowed"),
        ("seed.map(open) == 1", "is not allowed"),
        ("data_set.str.len() > 6", "is not allowed"),
        ("[s for s in seed] == 1", "is not allowed"),
        ("(lambda: 1)() == seed", "is not allowed"),
        ("f'{seed}' == 'x'", "is not allowed"),
        ("seed[0] == 1", "is not allowed"),
        ("(x := seed) == 1", "is not allowed"),
        ("seed == 9 ** 9 ** 9 ** 9", "is not allowed"),
        ("seed = 1", "is not an expression: = sets a value: use == to compare"),
        ("method == 'a=b' and seed = 1", "is not an expression: = sets a value: use == to compare"),
        ("method == 'a=b' and", "is not an expression: invalid syntax"),
        ("seed => 1", "is not an expression: invalid syntax"),
        ("method == ‘pca’", "‘ is not a quotation mark here: use ' or \""),
        ("method == “pca”", "“ is not a quotation mark here"),
        ("method == beta_vae", "beta_vae is not a column, but a value of method: put a text in quotes, 'beta_vae'"),
        ("method == tcl", "put a text in quotes, 'tcl'"),
        ("cars3d == data_set", "but a value of data_set: put a text in quotes, 'cars3d'"),
        ("`mlp.activation` == relu", "but a value of mlp.activation: put a text in quotes, 'relu'"),
        ("strength", "is not a condition"),
        ("1 == 1", "is not a condition"),
        ("seed == ", "is not an expression"),
        ("", "--where is empty"),
        ("  \n", "--where is empty"),
        ("seed == 'a' < strength", "--where"),
        ("data_set == 'dsprite'", "data_set is never 'dsprite': did you mean 'dsprites'?"),
        ("seed == 0 or not 'car3d' != data_set", "data_set is never 'car3d': did you mean 'cars3d'?"),
        ("data_set not in ['dsprites', 'cars_3d']", "data_set is never 'cars_3d': did you mean 'cars3d'?"),
        ("method == 'tlc'", "method is never 'tlc': did you mean 'tcl'?"),
        ("method == 'PCA'", "method is never 'PCA': did you mean 'pca'?"),
        ("seed < '2'", "seed is a number: compare it with numbers, not with the text '2'"),
        ("seed in ['0', 1]", "seed is a number: compare it with numbers, not with the text '0'"),
        ("`segment_sources.layers` == 1", "unknown column 'segment_sources.layers'"),
        ("`train.speed` == 1", "unknown column 'train.speed': did you mean 'train.steps'?"),
        ("`mlp.activation` in ('rellu',)", "mlp.activation is never 'rellu': did you mean 'relu'?"),
    ],
)
def test_anything_else_is_refused_in_a_line(where, named, tmp_path):
    target = tmp_path / "made"
    where = where.replace("{target}", str(target))
    with pytest.raises(ValueError) as refused:  # noqa: PT011, the text is looked at
        condition.rows(TABLE, where)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not target.exists()


def test_a_name_with_a_dot_is_told_to_stand_in_backticks():
    table = pd.DataFrame({"run_id": ["a", "b"], "nets.num_latents": [3, 5]})
    with pytest.raises(ValueError, match=r"put a name with a dot in backticks: `nets\.num_latents`"):
        condition.rows(table, "nets.num_latents == 3")
    assert condition.rows(table, "`nets.num_latents` == 3")["run_id"].tolist() == ["a"]
