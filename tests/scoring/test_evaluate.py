"""How points are drawn for metrics, and scores of codes that come from a file."""

import dataclasses
import io

import numpy as np
import pandas as pd
import pytest

from disentanglement_study import cli
from disentanglement_study.config import EvaluateConfig
from disentanglement_study.metrics import METRICS, dci, mig
from disentanglement_study.scoring.evaluate import draw_points, evaluate, in_threads, is_complete_grid, names_of

SIZES = (3, 4, 5)
GRID = np.stack(np.unravel_index(np.arange(np.prod(SIZES)), SIZES), axis=1)
CODES = GRID + 0.1 * np.random.default_rng(0).normal(size=GRID.shape)


@pytest.mark.parametrize(
    ("factors", "complete"),
    [
        (GRID, True),
        (GRID[::-1] * 1_000_003 - 5, True),
        (GRID[:-1], False),
        (np.concatenate([GRID[:-1], GRID[:1]]), False),  # as many rows, one of them twice
        (np.concatenate([GRID, GRID]), False),
    ],
)
def test_a_complete_grid_has_every_combination_once(factors, complete):
    assert is_complete_grid(factors) is complete


def test_of_a_grid_points_are_drawn_with_replacement_and_of_a_sample_without():
    train, test = draw_points(60, True, 100, 50, np.random.default_rng(0))
    assert (len(train), len(test)) == (100, 50)
    for num_train, num_test, expected in [
        (30, 20, (30, 20)),
        (100, 50, (40, 20)),
        (100, 5, (55, 5)),
        (100, 0, (60, 0)),
    ]:
        train, test = draw_points(60, False, num_train, num_test, np.random.default_rng(0))
        assert (len(train), len(test)) == expected
        assert len(np.unique(np.concatenate([train, test]))) == sum(expected)


def test_rows_say_how_many_points_there_were():
    config = EvaluateConfig(metrics=("mig", "dci"), num_train=100, num_test=50)
    rows = pd.DataFrame(evaluate(CODES[:50], GRID[:50], "codes", config, "dlib"))
    assert rows.groupby("metric")["n"].unique().str[0].to_dict() == {"mig": 50, "dci": 34}
    rows = pd.DataFrame(evaluate(CODES, GRID, "codes", config, "dlib"))
    assert set(rows["n"]) == {100}


def test_threads_give_what_a_loop_gives():
    config = EvaluateConfig(metrics=("mig", "dci", "sap_score", "factor_vae_score"), num_train=100, num_test=50)

    def score(member):
        rows = evaluate(CODES * (1.0 + member), GRID, "codes", config, "dlib")
        return [(row["score"], row["value"]) for row in rows]

    assert list(in_threads(score, 4, 4)) == [score(member) for member in range(4)]


def test_names_of_metrics():
    assert names_of("mig, dci,mig") == ("mig", "dci")
    assert names_of("all") == tuple(METRICS)
    with pytest.raises(ValueError, match="unknown metric 'dcy': did you mean 'dci'"):
        names_of("mig,dcy")
    with pytest.raises(ValueError, match="no metric is named"):
        names_of(",")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "codes.npz"
    np.savez(path, codes=CODES, factors=GRID)
    return path


def test_scores_of_a_file_are_those_of_the_functions(file, capsys):
    assert cli.main(["evaluate", str(file), "--metrics", "mig,dci", "--num-train", "40", "--csv"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out)).set_index("score")["value"]
    rows = evaluate(CODES, GRID, "codes", EvaluateConfig(metrics=("mig", "dci"), num_train=40), "dlib")
    assert table.to_dict() == pytest.approx({row["score"]: row["value"] for row in rows})
    assert 0.5 < table["mig"] <= 1.0
    assert 0.5 < mig(CODES, GRID)["mig"] <= 1.0
    assert 0.5 < dci(CODES[::2], GRID[::2], CODES[1::2], GRID[1::2])["dci"] <= 1.0


def test_every_metric_has_its_say_about_a_file(file, capsys):
    assert cli.main(["evaluate", str(file), "--num-train", "60", "--num-test", "30"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in METRICS)


def test_a_metric_that_fails_is_named_and_the_others_are_shown(tmp_path, capsys):
    path = tmp_path / "one_factor.npz"
    np.savez(path, codes=CODES, factors=GRID[:, 2:])
    assert cli.main(["evaluate", str(path), "--metrics", "mig,modularity"]) == 3
    shown = capsys.readouterr()
    assert "mig" in shown.out
    assert "failed: modularity: ValueError: this metric compares factors: it needs 2 or more, got 1" in shown.err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"codes": CODES}, "it has no array 'factors' (there are: codes)"),
        ({"codes": GRID, "factors": GRID}, "codes must be floats, got int64"),
        ({"codes": CODES, "factors": CODES}, "factors must be integers"),
        ({"codes": CODES[:9], "factors": GRID}, "codes have 9 points, factors have 60"),
        ({"codes": np.array([None]), "factors": GRID}, "codes.npy holds Python objects, which are never read"),
        (
            {"codes": CODES[:, 0], "factors": GRID},
            "codes.npz: codes must be [points, codes], got shape [60]: codes[:,",
        ),
        ({"codes": CODES.T, "factors": GRID.T[:1]}, "a row is a point; are the arrays transposed?"),
        (None, "not an npz file; np.savez(FILE, codes=..., factors=...) makes one"),
    ],
)
def test_a_file_that_cannot_be_scored_is_an_error_that_says_why(tmp_path, capsys, arrays, message):
    path = tmp_path / "codes.npz"
    path.write_text("codes") if arrays is None else np.savez(path, **arrays)
    assert cli.main(["evaluate", str(path), "--metrics", "mig"]) == 2
    error = capsys.readouterr().err.replace("\n", " ")
    assert message in error
    assert cli.main(["evaluate", str(tmp_path / "none.npz")]) == 2
    assert "there is no file" in capsys.readouterr().err


def test_points_that_are_fewer_are_not_called_transposed(tmp_path, capsys):
    path = tmp_path / "codes.npz"
    np.savez(path, codes=CODES[:9, :3], factors=GRID)
    assert cli.main(["evaluate", str(path)]) == 2
    assert capsys.readouterr().err.rstrip().endswith("codes have 9 points, factors have 60")


def test_a_metric_that_compares_models_is_not_of_a_file(file, capsys):
    assert cli.main(["evaluate", str(file), "--metrics", "mig,udr"]) == 2
    error = capsys.readouterr().err.replace("\n", " ")
    assert error.startswith(f"error: udr compares models: `evaluate DIR` computes it; {file} holds the codes of one")


@pytest.mark.parametrize("option", ["--num-train", "--num-test"])
def test_numbers_of_points_that_make_no_sense_are_errors(file, capsys, option):
    assert cli.main(["evaluate", str(file), "--metrics", "mig", option, "-3"]) == 2
    assert "must be 2 or more, got -3" in capsys.readouterr().err


def test_a_seed_that_is_none_is_an_error(file, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["evaluate", str(file), "--metrics", "mig", "--seed", "-1"])
    assert stop.value.code == 2
    assert "--seed: -1: expected int (0 or more" in capsys.readouterr().err


def test_the_default_metrics_are_those_of_the_study_of_2019():
    names = {field.name: field.default for field in dataclasses.fields(EvaluateConfig)}["metrics"]
    assert set(names) <= set(METRICS)
    assert len(names) == 10  # modularity and explicitness are one there


def test_the_number_of_points_is_that_of_the_metrics_own_option():
    config = EvaluateConfig(
        metrics=("factor_vae_score",), num_train=100, num_test=50, options={"factor_vae_score": {"num_train": 60}}
    )
    assert {row["n"] for row in evaluate(CODES, GRID, "codes", config, "dlib")} == {60}
