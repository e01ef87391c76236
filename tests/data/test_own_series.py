"""Time series of one's own: from arrays to a data set that a sweep can name; each thing that can be wrong with them."""

import json
import re

import jax
import numpy as np
import pytest

from disentanglement_study import cli, data, store
from disentanglement_study.data import cache, own
from disentanglement_study.study import components, plan

T = 600
DRAWS = np.random.default_rng(0)
SOURCES = DRAWS.laplace(size=(T, 2))
X = np.column_stack([SOURCES @ DRAWS.normal(size=(2, 2)), DRAWS.normal(size=T)])
U = DRAWS.normal(size=(T, 4))
SEGMENT = np.repeat([1, 0, 2], T // 3)
ALL = {"x": X, "sources": SOURCES, "u": U, "segment": SEGMENT, "source_names": ["left", "right"]}


def with_column(values, array=X, column=1):
    """The array with other values in a column."""
    changed = np.array(array, np.float64)
    changed[:, column] = values
    return changed


def with_entry(value, array=X):
    """The array with another value in row 5, column 2 or the last."""
    changed = np.array(array, np.float64)
    changed[5, min(2, changed.shape[1] - 1)] = value
    return changed


def test_a_series_with_all_that_may_be_known(tmp_path):
    own.add_series("mine", **ALL, root=tmp_path, source="a test")
    mine, facts = data.load("mine", tmp_path), data.facts("mine", tmp_path)
    np.testing.assert_array_equal(mine.images(np.array([3, 0, T - 1])), X[[3, 0, T - 1]].astype(np.float32))
    np.testing.assert_array_equal(mine.truth(np.arange(T)), SOURCES.astype(np.float32))
    np.testing.assert_array_equal(mine.auxiliary["u"], U.astype(np.float32))
    np.testing.assert_array_equal(mine.auxiliary["segment"], SEGMENT)
    np.testing.assert_array_equal(mine.auxiliary["time"], np.arange(T))
    assert {name: array.dtype.kind for name, array in mine.auxiliary.items()} == {"u": "f", "segment": "i", "time": "i"}
    assert mine.auxiliary_sizes == facts.auxiliary == {"u": 4, "segment": 3, "time": T}
    assert (mine.factor_names, mine.factor_sizes) == (facts.factor_names, facts.factor_sizes)
    assert (facts.factor_names, facts.factor_sizes, facts.source) == (("left", "right"), (20, 20), "a test")
    assert (mine.input_shape, mine.num_images) == (facts.input_shape, facts.num_points) == ((3,), T)
    for bins, values in zip(mine.factors(np.arange(T)).T, SOURCES.T, strict=True):
        assert np.bincount(bins).tolist() == [30] * 20
        assert (np.diff(bins[np.argsort(values)]) >= 0).all()
    assert mine.unmix is None
    assert not mine.has_images
    assert not mine.is_complete
    index = np.array([7, 7, 1])
    np.testing.assert_array_equal(jax.jit(mine.render)(mine.storage, index, None), mine.images(index))
    assert isinstance(mine.storage.base, np.ndarray)
    assert (tmp_path / "mine.bin").stat().st_size == 4 * T * (3 + 2 + 4 + 1)
    assert "mine" in data.names(tmp_path)


def test_a_series_without_a_truth(tmp_path):
    own.add_series("mine", np.asfortranarray(X), root=tmp_path)
    mine = data.load("mine", tmp_path)
    assert (mine.factor_names, mine.factor_sizes, data.facts("mine", tmp_path).factor_names) == ((), (), ())
    assert mine.truth(np.arange(3)).shape == mine.factors(np.arange(3)).shape == (3, 0)
    np.testing.assert_array_equal(mine.storage, X.astype(np.float32))
    assert data.facts("mine", tmp_path).auxiliary == {"time": T}


def test_equal_values_of_a_source_share_a_bin(tmp_path):
    level = np.arange(T) % 3
    own.add_series("mine", X, with_column(level, SOURCES), root=tmp_path)
    bins = data.load("mine", tmp_path).factors(np.arange(T))[:, 1]
    assert {(a, b) for a, b in zip(level.tolist(), bins.tolist(), strict=True)} == {(0, 0), (1, 6), (2, 13)}


def test_whole_numbers_are_real_numbers_too(tmp_path):
    own.add_series("mine", DRAWS.integers(-9, 9, (T, 2)), segment=SEGMENT.astype(np.uint8), root=tmp_path)
    mine = data.load("mine", tmp_path)
    assert mine.storage.dtype == np.float32
    assert mine.auxiliary["segment"].dtype == np.int32


def test_the_same_again_is_no_error_and_another_is(tmp_path):
    own.add_series("mine", **ALL, root=tmp_path)
    before = data.load("mine", tmp_path).identity
    own.add_series("mine", **ALL, root=tmp_path, source="elsewhere")
    for change in (
        {"x": with_entry(0.5)},
        {"sources": SOURCES[::-1]},
        {"u": None},
        {"segment": SEGMENT[::-1]},
        {"source_names": ["right", "left"]},
        {"sources": None, "source_names": None},
    ):
        with pytest.raises(ValueError, match=r"another data set 'mine' already.*or delete .*mine\.bin"):
            own.add_series("mine", **{**ALL, **change}, root=tmp_path)
    assert data.load("mine", tmp_path).identity == before


def test_images_and_series_do_not_take_each_other_s_name(tmp_path):
    images = DRAWS.integers(0, 256, (6, 4, 4), dtype=np.uint8)
    factors = np.stack(np.unravel_index(np.arange(6), (2, 3)), axis=1)
    own.add_series("series", X, root=tmp_path)
    own.add("images", images, factors, root=tmp_path)
    with pytest.raises(ValueError, match="another data set 'series' already"):
        own.add("series", images, factors, root=tmp_path)
    with pytest.raises(ValueError, match="another data set 'images' already"):
        own.add_series("images", X, root=tmp_path)
    assert data.names(tmp_path)[-2:] == ["images", "series"]


def test_the_identity_tells_what_the_columns_are(tmp_path):
    """The same bytes, cut into arrays elsewhere."""
    own.add_series("first", X, sources=SOURCES, root=tmp_path)
    own.add_series("second", X, u=SOURCES, root=tmp_path)
    first, second = (cache.about(name, tmp_path)["sha256"] for name in ("first", "second"))
    assert first == second
    assert data.load("first", tmp_path).sha256 != data.load("second", tmp_path).sha256


def test_a_damaged_file_or_description_is_named(tmp_path):
    own.add_series("mine", **ALL, root=tmp_path)
    raw = bytearray((tmp_path / "mine.bin").read_bytes())
    raw[100] ^= 1
    (tmp_path / "mine.bin").write_bytes(raw)
    with pytest.raises(ValueError, match=r"mine\.bin is corrupt"):
        data.load("mine", tmp_path)
    (tmp_path / "mine.bin").write_bytes(raw[:-4])
    with pytest.raises(ValueError, match=r"mine\.bin has 23,996 bytes, not 24,000"):
        data.load("mine", tmp_path)
    about = json.loads((tmp_path / "mine.json").read_text())
    del about["source_names"]
    (tmp_path / "mine.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match=r"mine\.json does not describe a series"):
        data.load("mine", tmp_path)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "iid_sources"}, "'iid_sources' is the name of a data set of the catalogue"),
        ({"x": X.astype(str)}, "x is <U32: expected real numbers"),
        ({"x": X + 1j}, "x is complex128: expected real numbers"),
        ({"x": X[:, 0]}, "x has shape [600]: expected [T, columns], a row for each time"),
        ({"x": X[:, :0]}, "x has shape [600, 0]: expected [T, columns]"),
        ({"x": X[:3]}, "x has 3 rows and 3 columns: expected more rows than columns, as each row is a time"),
        ({"x": with_entry(np.nan)}, "column 2 of x is nan in row 5: expected a finite number"),
        ({"x": with_entry(-np.inf)}, "column 2 of x is -inf in row 5: expected a finite number"),
        ({"x": with_entry(1e39)}, "column 2 of x is 1e+39 in row 5: too large for float32"),
        ({"x": with_column(0.1)}, "column 1 of x is 0.1 in all rows: leave it out"),
        ({"x": with_column(1.7e9 + np.arange(T))}, "column 1 of x goes from 1700000000 to 1700000599, which float"),
        ({"x": with_column(X[:, 0])}, "column 1 of x is the same as column 0: leave one of them out"),
        ({"x": with_column(3 - 2 * X[:, 0])}, "column 1 of x is a multiple, up to a constant, of column 0"),
        (
            {"x": with_column(X[:, 0] - X[:, 1] / 3, column=2)},
            "column 2 of x is a sum of multiples of columns 0 and 1: leave one of them out",
        ),
        ({"sources": SOURCES[:-1]}, "sources has 599 rows, and x has 600: expected as many"),
        ({"sources": with_column(2, SOURCES)}, "column 1 of sources is 2 in all rows"),
        ({"sources": with_entry(np.nan, SOURCES)}, "column 1 of sources is nan in row 5"),
        ({"x": X[:39], "sources": SOURCES[:39]}, "sources have 39 rows: expected 40 or more, 2 for each of their bins"),
        ({"u": U[:10]}, "u has 10 rows, and x has 600"),
        ({"u": U[:, 0]}, "u has shape [600]: expected [600, columns]"),
        ({"u": with_entry(np.inf, U)}, "column 2 of u is inf in row 5"),
        ({"u": with_column(1, U)}, "column 1 of u is 1 in all rows: leave it out"),
        ({"u": with_column(U[:, 0], U, column=2)}, "column 2 of u is the same as column 0: leave one of them out"),
        ({"sources": with_column(SOURCES[:, 0], SOURCES)}, "column 1 of sources is the same as column 0"),
        ({"u": np.array([["a"]] * T)}, "u is <U1: expected real numbers"),
        ({"segment": SEGMENT[:-1]}, "segment has shape [599]: expected [600]"),
        ({"segment": SEGMENT / 1}, "segment is float64: expected whole numbers"),
        ({"segment": SEGMENT.astype(str)}, "segment is <U21: expected whole numbers"),
        ({"segment": SEGMENT - 1}, "segment is -1 in row 200: expected whole numbers from 0"),
        ({"segment": SEGMENT + 1}, "segment 0 has no row, though 3 has: expected numbers from 0 without gaps"),
        ({"segment": np.arange(T)}, "segment 0 has 1 row: expected 2 or more"),
        ({"segment": np.where(np.arange(T) == 7, SEGMENT.max() + 1, SEGMENT)}, "segment 3 has 1 row"),
        ({"segment": 2 * SEGMENT}, "segment 1 has no row, though 4 has"),
        ({"source_names": ["left"]}, "source_names ['left']: expected 2 different names"),
        ({"source_names": ["left", "left"]}, "source_names ['left', 'left']: expected 2 different names"),
        ({"sources": None}, "source_names are given without sources"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_kept(tmp_path, changes, problem):
    given = {"name": "mine", **ALL, **changes}
    if len(given["x"]) != T:
        given |= {"u": None, "segment": None}
    with pytest.raises(ValueError, match=re.escape(problem)) as raised:
        own.add_series(**given, root=tmp_path)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


SWEEP = """
sweep.data_sets = ['{name}']
sweep.methods = {{'fast_ica': {{'num_points': 500}}, 'raw_pixels': {{}}}}
sweep.seeds = 1
nets.num_latents = 2
evaluate.metrics = {metrics}
evaluate.num_train = 300
evaluate.num_test = 200
"""


@pytest.mark.parametrize("known", [True, False], ids=["with sources", "without a truth"])
def test_from_a_file_into_a_study(tmp_path, capsys, known):
    sets, name = ["--data-dir", str(tmp_path / "sets")], "mine"
    x = SOURCES @ np.array([[1, 0.5], [0.3, 1]])
    np.savez(tmp_path / "mine.npz", x=x, **({"sources": SOURCES, "segment": SEGMENT} if known else {}))
    assert cli.main(["data", "add", str(tmp_path / "mine.npz"), *sets]) == 0
    note = capsys.readouterr().err
    assert ("no truth" in note) is not known

    assert cli.main(["data", "list", *sets]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("mine ")]
    assert ("2 sources at" if known else "no truth at") in line
    assert cli.main(["data", "info", name, *sets]) == 0
    said = capsys.readouterr().out
    assert ("2 sources at 600 points: vectors of 2 numbers, 3 segments, 600 times" in said) is known
    assert ("sources: source_0, source_1" if known else "no truth is known: models are scored by") in said
    assert cli.main(["data", "show", name, *sets]) == 2
    capsys.readouterr()

    metrics = ["mcc", "mig", "unsupervised"] if known else ["unsupervised"]
    (tmp_path / "mine.gin").write_text(SWEEP.format(name=name, metrics=metrics))
    command = ["run", str(tmp_path / "mine.gin"), str(tmp_path / "study"), *sets, "--executor", "inline"]
    assert cli.main(command) == 0, capsys.readouterr().err
    results = store.open(tmp_path / "study").results()
    assert results["error"].isna().all()
    assert {*metrics} <= {*results["metric"]}
    if known:
        mcc = results[results["score"] == "mcc"].set_index("method")["value"]
        assert mcc["fast_ica"] > 0.98 > mcc["raw_pixels"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("evaluate.metrics = ['mcc']", "evaluate.metrics: 'mcc' compares codes with the ground truth, and mine has"),
        ("sweep.methods = ['ground_truth']", "method 'ground_truth': it needs 'sources' of each input, and mine"),
        ("evaluate.representations = ['abs']", "evaluate.representations: 'abs' needs real-valued sources, and mine"),
        ("train.sampling = 'random_split'", "'random_split' draws by the ground truth, and mine has none"),
        ("evaluate.num_train = 601", "evaluate.num_train = 601: expected at most 600, the points of mine"),
    ],
)  # fmt: skip
def test_what_a_series_without_a_truth_cannot_have_is_found_while_planning(tmp_path, text, problem):
    own.add_series("mine", X, root=tmp_path)
    study = SWEEP.format(name="mine", metrics=["unsupervised"])
    assert len(plan.expand(components.load(study), tmp_path)) == 2
    with pytest.raises(ValueError, match=re.escape(problem)):
        plan.expand(components.load(study + text + "\n"), tmp_path)


@pytest.mark.parametrize(
    ("name", "what"),
    [("train", "a section of settings"), ("pca", "a method"), ("mcc", "a metric"), ("windows", "a sampling"),
     ("mlp_encoder", "an encoder")],
)  # fmt: skip
def test_a_name_that_gin_has_for_something_else_is_refused(tmp_path, capsys, name, what):
    np.savez(tmp_path / f"{name}.npz", x=X)
    assert cli.main(["data", "add", str(tmp_path / f"{name}.npz"), "--data-dir", str(tmp_path / "sets")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"data set {name!r}: {what} has this name too; choose another (`data add --name`)" in line
    assert not (tmp_path / "sets").exists()
    own.add_series(name, X, root=tmp_path)  # in Python, where nothing of gin is known
    with pytest.raises(ValueError, match=f"{what} has this name too"):
        plan.expand(components.load(SWEEP.format(name=name, metrics=["unsupervised"])), tmp_path)


@pytest.mark.parametrize("file", ["mine.npy", "mine.csv"])
def test_another_kind_of_file_is_told_what_is_read(tmp_path, capsys, file):
    (tmp_path / file).write_text("1,2")
    assert cli.main(["data", "add", str(tmp_path / file), "--data-dir", str(tmp_path / "sets")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert (
        "it is not an npz file; np.savez(FILE, images=..., factors=...) or, of a series, np.savez(FILE, x=...)" in line
    )
