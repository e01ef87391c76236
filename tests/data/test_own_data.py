"""Data of one's own: from arrays to a data set that a sweep can name; each thing that can be wrong with it."""

import jax
import numpy as np
import pytest

from disentanglement_study import cli, data, store
from disentanglement_study.data import cache, own, prepared
from disentanglement_study.study import components, plan

SIZES = (3, 4, 5)
DRAWS = np.random.default_rng(0)
IMAGES = DRAWS.integers(0, 256, (60, 16, 16, 3), dtype=np.uint8)
FACTORS = np.stack(np.unravel_index(np.arange(60), SIZES), axis=1)


def test_a_complete_grid_in_order(tmp_path):
    own.add("mine", IMAGES, FACTORS, ["colour", "row", "column"], root=tmp_path)
    mine = data.load("mine", tmp_path)
    assert (mine.factor_names, mine.factor_sizes) == (("colour", "row", "column"), SIZES)
    assert mine.points is None
    assert mine.is_complete
    np.testing.assert_array_equal(mine.images(np.arange(60)), IMAGES)
    np.testing.assert_array_equal(mine.factors(np.arange(60)), FACTORS)


def test_an_incomplete_grid_in_any_order_with_repeats(tmp_path):
    rows = np.array([17, 3, 59, 3, 0, 44])
    own.add("mine", IMAGES[[5, 4, 3, 2, 1, 0]], FACTORS[rows], factor_sizes=SIZES, root=tmp_path)
    mine = data.load("mine", tmp_path)
    assert mine.factor_names == ("factor_0", "factor_1", "factor_2")
    assert mine.num_images == 6
    assert not mine.is_complete
    index = np.array([5, 0, 3])
    np.testing.assert_array_equal(mine.factors(index), FACTORS[rows[index]])
    np.testing.assert_array_equal(mine.images(index), IMAGES[index[[2, 0, 1]] * 0 + np.array([0, 5, 2])])


def test_each_point_several_times_is_complete(tmp_path):
    own.add("mine", np.concatenate([IMAGES, 255 - IMAGES]), np.concatenate([FACTORS, FACTORS]), root=tmp_path)
    mine = data.load("mine", tmp_path)
    assert mine.num_images == 120
    assert mine.is_complete


@pytest.mark.parametrize("sampling", ["one_varies", "differ_in_k", "transitions"])
@pytest.mark.parametrize("there", [np.arange(59), np.r_[np.arange(60), 7], np.arange(60)[::-1]])
def test_what_draws_pairs_or_batches_is_refused_while_planning_unless_each_point_has_one(tmp_path, there, sampling):
    own.add("whole", IMAGES, FACTORS, root=tmp_path)
    own.add("mine", IMAGES[there], FACTORS[there], factor_sizes=SIZES, root=tmp_path)
    text = (
        "sweep.data_sets = ['{}']\nsweep.methods = ['pca']\nsweep.seeds = 1\nnets.image_size = 16\n"
        f"train.sampling = '{sampling}'\nevaluate.metrics = ['mig']\nevaluate.num_train = 50\npca.num_points = 20"
    )
    assert plan.expand(components.load(text.format("whole")), tmp_path)
    with pytest.raises(ValueError, match=f"'{sampling}' draws .*: it needs a grid with one image at each point"):
        plan.expand(components.load(text.format("mine")), tmp_path)


@pytest.mark.parametrize("size", [16, 5], ids=["whole bytes", "25 pixels"])
@pytest.mark.parametrize("kind", [bool, np.uint8])
def test_black_and_white_images_are_packed_where_they_fill_bytes(tmp_path, kind, size):
    white = DRAWS.random((60, size, size)) < 0.5
    own.add("mine", white if kind is bool else white.astype(np.uint8) * 255, FACTORS, root=tmp_path)
    mine = data.load("mine", tmp_path)
    assert mine.storage.nbytes == 60 * (16 * 16 // 8 if size == 16 else 25)
    np.testing.assert_array_equal(mine.images(np.arange(60)), white[..., None] * 255)
    rendered = jax.jit(mine.render)(jax.numpy.asarray(mine.storage), np.arange(60), None)
    np.testing.assert_array_equal(rendered, white[..., None] * 255)


def test_the_same_again_is_no_error_and_another_is(tmp_path):
    own.add("mine", IMAGES, FACTORS, root=tmp_path)
    own.add("mine", IMAGES, FACTORS, root=tmp_path)
    changed = IMAGES.copy()
    changed[59, 15, 15, 2] ^= 1
    for images, factors, names in [
        (changed, FACTORS, None),
        (IMAGES, FACTORS[::-1], None),
        (IMAGES, FACTORS, ["a", "b", "c"]),
        (IMAGES[:50], FACTORS[:50], None),
    ]:
        with pytest.raises(ValueError, match=r"another data set 'mine' already.*or delete .*mine\.bin"):
            own.add("mine", images, factors, names, root=tmp_path)
    np.testing.assert_array_equal(data.load("mine", tmp_path).images(np.arange(60)), IMAGES)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "dsprites"}, "'dsprites' is the name of a data set of the catalogue"),
        ({"name": "../mine"}, r"'\.\./mine' cannot name a data set"),
        ({"images": IMAGES / 255}, "images are float64: expected bytes"),
        ({"images": IMAGES[:, :8]}, "images of 8 x 16 pixels"),
        ({"images": IMAGES.transpose(0, 3, 1, 2)}, r"channels are last: images\.transpose\(0, 2, 3, 1\)"),
        ({"images": IMAGES.reshape(60, -1)}, r"images have shape \[60, 768\]"),
        ({"images": IMAGES[:0], "factors": FACTORS[:0]}, r"images have shape \[0, 16, 16, 3\]"),
        ({"images": IMAGES // 128}, "no byte of the images is above 1"),
        ({"factors": FACTORS[:-1]}, r"factors have shape \[59, 3\]: expected \[60, F\]"),
        ({"factors": FACTORS[:, 0]}, r"factors have shape \[60\]"),
        ({"factors": FACTORS * 1.0}, "factors are float64: expected whole numbers"),
        ({"factors": FACTORS - 1}, "factor 0 of image 0 is -1: expected whole numbers from 0"),
        ({"factor_sizes": (3, 4, 4)}, "factor 2 of image 4 is 4: expected 0 to 3"),
        ({"factor_sizes": (3, 4)}, r"factor_sizes \[3, 4\]: expected 3"),
        ({"factors": FACTORS * [1, 0, 1]}, "factor 1 has one value, 0, in all images"),
        ({"factors": FACTORS * 2**31}, "more points than can be counted"),
        ({"factor_names": ["a", "b"]}, r"factor_names \['a', 'b'\]: expected 3"),
        ({"factor_names": ["a", "b", "a"]}, "expected 3 different names"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(tmp_path, changes, problem):
    with pytest.raises(ValueError, match=problem) as raised:
        own.add(**{"name": "mine", "images": IMAGES, "factors": FACTORS, **changes}, root=tmp_path)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_set_that_is_not_there_names_the_nearest_and_how_to_get_it(tmp_path):
    own.add("my_grid", IMAGES, FACTORS, root=tmp_path)
    with pytest.raises(ValueError, match="unknown data set 'my_gird': did you mean 'my_grid'"):
        data.load("my_gird", tmp_path)
    advice = f"`disentanglement-study data add FILE --data-dir {tmp_path}` adds one of your own to those in {tmp_path}"
    with pytest.raises(ValueError, match=f"^unknown data set 'squares': .*; {advice}$"):
        data.facts("squares", tmp_path)
    with pytest.raises(ValueError, match=r"'my_grid'\? \(there are[^;]*\)$"):
        data.facts("my_gird", tmp_path)
    with pytest.raises(ValueError, match=f"'cars3d' is not in .*data prepare cars3d --data-dir {tmp_path}` brings"):
        data.load("cars3d", tmp_path)


@pytest.mark.parametrize("content", ["", "{", '{"sha256": "0"}'], ids=["empty", "cut", "of something else"])
def test_a_damaged_description_is_named(tmp_path, content):
    own.add("mine", IMAGES, FACTORS, root=tmp_path)
    (tmp_path / "mine.json").write_text(content)
    with pytest.raises(ValueError, match=r"mine\.json"):
        data.load("mine", tmp_path)


def test_a_damaged_image_is_found(tmp_path):
    own.add("mine", IMAGES, FACTORS, root=tmp_path)
    bytes_ = bytearray((tmp_path / "mine.bin").read_bytes())
    bytes_[100] ^= 1
    (tmp_path / "mine.bin").write_bytes(bytes_)
    with pytest.raises(ValueError, match="is corrupt"):
        data.load("mine", tmp_path)


def test_prepared_sets_that_do_not_add_up_are_not_kept(tmp_path):
    facts = data.Facts(("a", "b", "c"), SIZES, (16, 16, 3), "a test")
    for blocks, problem in [
        (lambda: iter([IMAGES[:50]]), "with 50 rows, expected 60"),
        (lambda: iter([IMAGES[..., :1]]), r"images of \[16, 16, 1\], expected \[16, 16, 3\]"),
    ]:
        with pytest.raises(RuntimeError, match=problem):
            prepared.write("mine", facts, blocks, root=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".mine.lock"]
    assert not cache.has("mine", tmp_path)


def test_from_a_file_into_a_study(tmp_path, capsys):
    # What the README shows, with the command line in place of a shell.
    np.savez(tmp_path / "mine.npz", images=IMAGES, factors=FACTORS, factor_names=["colour", "row", "column"])
    folder = ["--data-dir", str(tmp_path / "sets")]
    assert cli.main(["data", "add", str(tmp_path / "mine.npz"), *folder]) == 0
    settings = ["sweep.data_sets = ['mine']", "sweep.seeds = 1", "train.steps = 20", "evaluate.metrics = ['mig']"]
    gin = [part for setting in settings for part in ("--gin", setting)]
    arguments = ["--where", "method == 'beta_vae'", "--executor", "inline", *folder]
    assert cli.main(["run", "quick", str(tmp_path / "study"), *gin, *arguments]) == 0, capsys.readouterr().err
    results = store.open(tmp_path / "study").results()
    assert set(results["data_set"]) == {"mine"}
    assert results.loc[results["score"] == "mig", "value"].notna().all()

    # Another set of the same name is not mixed with it.
    (tmp_path / "sets" / "mine.bin").unlink()
    own.add("mine", 255 - IMAGES, FACTORS, ["colour", "row", "column"], root=tmp_path / "sets")
    more = ["run", "quick", str(tmp_path / "study"), *gin, "--executor", "inline", *folder]
    assert cli.main(more) == 2
    assert "holds models of another data set 'mine'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        (None, "not an npz file"),
        ({"images": IMAGES}, "has no array 'factors'"),
        ({"images": IMAGES, "x": FACTORS}, "has arrays 'images' and 'x': expected one"),
        ({"sources": FACTORS}, "has no array 'images', or 'x' of a series (there are: sources)"),
        ({"X": FACTORS}, "unknown array 'X': did you mean 'x'?"),
        ({"images": IMAGES, "factors": FACTORS, "labels": FACTORS}, "unknown array 'labels'"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path, capsys, arrays, problem):
    path = tmp_path / "mine.npz"
    path.write_bytes(b"PK\x03\x04 cut") if arrays is None else np.savez(path, **arrays)
    assert cli.main(["data", "add", str(path), "--data-dir", str(tmp_path)]) == 2
    assert problem in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"missing\.npz"):
        own.add_file(tmp_path / "missing.npz", root=tmp_path)


def test_values_that_no_image_has_are_said(tmp_path, capsys):
    factors = np.array(FACTORS)
    factors[:, 0] += 1  # numbered from 1
    np.savez(tmp_path / "mine.npz", images=IMAGES, factors=factors)
    assert cli.main(["data", "add", str(tmp_path / "mine.npz"), "--data-dir", str(tmp_path)]) == 0
    (line,) = capsys.readouterr().err.strip().splitlines()
    size = factors[:, 0].max() + 1
    assert line == (
        f"note: factor 'factor_0': 1 of its {size} values are in no image, such as 0: "
        "number the values from 0, not from 1"
    )


@pytest.mark.filterwarnings("error::UserWarning")
def test_values_that_are_all_there_are_not(tmp_path):
    own.add("mine", IMAGES, FACTORS, root=tmp_path)
    with pytest.warns(UserWarning, match="3 of its"):
        own.add("gaps", IMAGES, 4 * (np.array(FACTORS) > 0), root=tmp_path)
