"""Variants of dSprites: what is drawn for each image, against the definitions written out in NumPy."""

import functools
import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy import stats

from disentanglement_study import rng
from disentanglement_study.data import load
from disentanglement_study.data.rendered import abstract_dsprites, scream_dsprites, sprites_on_picture, texture_dsprites

UNCHANGED_GRID = "color_dsprites", "noisy_dsprites", "scream_dsprites", "texture_dsprites"
VARIANTS = *UNCHANGED_GRID, "abstract_dsprites"
SHAPE, SCALE, ORIENTATION, X, Y = 2, 5, 3, 16, 16  # a large heart in the middle
HEART = int(np.ravel_multi_index((SHAPE, SCALE, ORIENTATION, X, Y), (3, 6, 40, 32, 32)))


pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(scope="module")
def loaded(dsprites_root):
    """A data set by its name."""
    return functools.cache(lambda name: load(name, dsprites_root))


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request, loaded):
    return loaded(request.param)


def some_index(data_set, number=12):
    return np.random.default_rng(0).integers(data_set.num_images, size=number)


def keys_of(number, seed=0):
    return rng.keys(seed, np.arange(number), "test")


def on_device(data_set):
    return jax.device_put(data_set.storage, may_alias=True)


def draw(data_set, index, keys):
    return np.asarray(jax.jit(data_set.render)(on_device(data_set), index, keys))


def sprites(loaded, index):
    """Where the sprite is [n,64,64,1]."""
    return loaded("dsprites").images(np.asarray(index)) == 255


# All of them.


def test_images_are_floats_in_the_unit_interval_of_three_channels(variant):
    images = draw(variant, some_index(variant), keys_of(12))
    assert images.shape == (12, 64, 64, 3) == (12, *variant.input_shape)
    assert images.dtype == np.float32
    assert 0 <= images.min() < 0.3
    assert 0.7 < images.max() <= 1


@pytest.mark.parametrize("name", UNCHANGED_GRID)
def test_the_grid_is_that_of_dsprites(name, loaded):
    data_set, plain = loaded(name), loaded("dsprites")
    index = some_index(plain)
    assert (data_set.factor_names, data_set.num_images) == (plain.factor_names, plain.num_images)
    np.testing.assert_array_equal(data_set.factors(index), plain.factors(index))


def test_compiled_equals_eager(variant):
    index, keys = some_index(variant), keys_of(12)
    eager = variant.render(variant.storage, index, keys)
    np.testing.assert_allclose(draw(variant, index, keys), eager, rtol=0, atol=1e-6)


def test_no_array_is_near_the_size_of_the_data_set(variant):
    arguments = (variant.storage.shape, jnp.uint8), ((64,), jnp.int32), ((64,), keys_of(1).dtype)
    program = jax.jit(variant.render).lower(*(jax.ShapeDtypeStruct(*argument) for argument in arguments)).compile()
    assert variant.storage.shape == (737_280, 512)
    assert program.memory_analysis().temp_size_in_bytes < 4 * program.memory_analysis().output_size_in_bytes


# Each against its definition.


def test_color_dsprites_are_sprites_times_a_color(loaded):
    data_set = loaded("color_dsprites")
    index, keys = some_index(data_set), keys_of(12)
    colors = np.array([jax.random.uniform(key, (3,), minval=0.5) for key in keys], float)
    expected = sprites(loaded, index) * colors[:, None, None]
    np.testing.assert_allclose(draw(data_set, index, keys), expected, rtol=0, atol=1e-6)


def test_colors_are_uniform_from_a_half_to_one_and_their_channels_independent(loaded):
    images = draw(loaded("color_dsprites"), np.full(2000, HEART), keys_of(2000))
    colors = images[:, 32, 32]
    assert all(stats.kstest(channel, stats.uniform(0.5, 0.5).cdf).pvalue > 0.01 for channel in colors.T)
    assert np.abs(np.corrcoef(colors.T) - np.eye(3)).max() < 0.06
    assert colors.mean() == pytest.approx(0.75, abs=0.01)
    assert not images[:, 0].any()


def test_noisy_dsprites_are_sprites_plus_noise_cut_off_at_one(loaded):
    data_set = loaded("noisy_dsprites")
    index, keys = some_index(data_set), keys_of(12)
    bits = np.array([jax.random.bits(key, (6144,), jnp.uint32) for key in keys], "<u4")
    noise = bits.view("<u2").reshape(12, 64, 64, 3) / 2**16
    expected = np.minimum(sprites(loaded, index) + noise, 1)
    np.testing.assert_allclose(draw(data_set, index, keys), expected, rtol=0, atol=1e-6)


def test_noise_is_uniform_and_independent_between_pixels_channels_and_images(loaded):
    images = draw(loaded("noisy_dsprites"), np.full(40, HEART), keys_of(40))
    sprite = sprites(loaded, [HEART])[0, :, :, 0]
    assert (images[:, sprite] == 1).all()
    noise = images[:, ~sprite]
    assert stats.kstest(noise.ravel(), stats.uniform.cdf).pvalue > 0.01
    pairs = [(noise[1:], noise[:-1]), (noise[:, 1:], noise[:, :-1]), (noise[..., 1:], noise[..., :-1])]
    assert all(abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.01 for a, b in pairs)


@pytest.mark.parametrize("name", ["scream_dsprites", "texture_dsprites"])
def test_sprites_on_a_picture_are_the_negative_of_its_tinted_crop(name, loaded, dsprites_root):
    data_set = loaded(name)
    pictures = {
        "scream_dsprites": lambda: scream_dsprites.read(dsprites_root / "scream.png"),
        "texture_dsprites": lambda: np.rint(texture_dsprites.paint()),
    }
    picture = pictures[name]() / 255.0
    index, keys = some_index(data_set), keys_of(12)
    sprite = np.repeat(sprites(loaded, index), 3, axis=3)
    for image, key, mask in zip(draw(data_set, index, keys), keys, sprite, strict=True):
        key_corner, key_tint = jax.random.split(key)
        top, left = np.asarray(jax.random.randint(key_corner, (2,), 0, np.array(picture.shape[:2]) - 64))
        tint = np.asarray(jax.random.uniform(key_tint, (3,)), float)
        expected = (picture[top : top + 64, left : left + 64] + tint) / 2
        expected[mask] = 1 - expected[mask]
        np.testing.assert_allclose(image, expected, rtol=0, atol=1e-6)


def test_a_sprite_is_one_minus_what_it_covers(loaded):
    data_set = loaded("texture_dsprites")
    index = np.array([HEART, 0])
    heart, square = draw(data_set, index, keys_of(1)[jnp.array([0, 0])])
    differ = np.logical_xor(*sprites(loaded, index)[..., 0])
    np.testing.assert_allclose((heart + square)[differ], 1, atol=1e-6)
    np.testing.assert_array_equal(heart[~differ], square[~differ])


def test_crops_and_tints_are_uniform(dsprites_root):
    # Red tells the row and green the column, each by its steps: the tint hides the values themselves.
    height, width, number = 64 + 16, 64 + 36, 4000
    rows, columns = (np.random.default_rng(i).permutation(256)[:size] for i, size in enumerate((height, width)))
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, :, 0], picture[:, :, 1] = rows[:, None], columns
    data_set = sprites_on_picture.load("scream_dsprites", picture, dsprites_root)
    images = draw(data_set, np.full(number, HEART), keys_of(number))

    def corner(values, line):
        steps = np.lib.stride_tricks.sliding_window_view(np.diff(values), 63)
        found = (np.rint(510 * np.diff(line))[:, None] == steps).all(axis=2)
        assert (found.sum(axis=1) == 1).all()
        return found.argmax(axis=1)

    top, left = corner(rows, images[:, :, 0, 0]), corner(columns, images[:, 0, :, 1])
    for place, size in ((top, height), (left, width)):
        counts = np.bincount(place)
        assert len(counts) == size - 64  # the last place, size - 64, is left out, as in the study
        assert stats.chisquare(counts).pvalue > 0.01
    assert abs(np.corrcoef(top, left)[0, 1]) < 0.05
    tint = 2 * images[:, 0, 0] - picture[top, left] / 255
    assert all(stats.kstest(channel, stats.uniform.cdf).pvalue > 0.01 for channel in tint.T)
    assert np.abs(np.corrcoef(np.column_stack([tint, top, left]).T) - np.eye(5)).max() < 0.05


def test_abstract_dsprites_are_dsprites_of_some_orientation_in_the_colors_of_the_factors(loaded):
    data_set, plain = loaded("abstract_dsprites"), loaded("dsprites")
    index, keys = some_index(data_set), keys_of(12)
    background, color, shape, scale, x, y = data_set.factors(index).T
    orientation = np.array([jax.random.randint(key, (), 0, 40) for key in keys])
    row = np.ravel_multi_index((shape, scale, orientation, x, y), plain.factor_sizes)
    greys, colors = np.array([0, 0.25, 0.5, 0.75, 1], np.float32), abstract_dsprites.OBJECT_COLORS.astype(np.float32)
    expected = np.where(plain.images(row) == 255, colors[color][:, None, None], greys[background][:, None, None, None])
    np.testing.assert_array_equal(draw(data_set, index, keys), expected)


def test_orientations_of_abstract_dsprites_are_uniform(loaded):
    data_set, plain = loaded("abstract_dsprites"), loaded("dsprites")
    index = np.ravel_multi_index((0, 0, SHAPE, SCALE, X, Y), data_set.factor_sizes)
    masks = draw(data_set, np.full(2000, index), keys_of(2000))[:, :, :, :1] > 0
    turned = np.ravel_multi_index((SHAPE, SCALE, np.arange(39), X, Y), plain.factor_sizes)
    pictures = [picture.tobytes() for picture in sprites(loaded, turned)]
    counts = np.bincount([pictures.index(mask.tobytes()) for mask in masks], minlength=39)
    # dSprites' last orientation shows the same picture as its first.
    expected = np.array([2] + [1] * 38) / 40
    assert stats.chisquare(counts, 2000 * expected).pvalue > 0.01


def test_object_colors_are_equally_bright_and_differ_in_hue():
    # CIE lightness from linear sRGB luminance; seaborn takes l as a share of L* = 99, so 0.7 is 69.3.
    srgb = abstract_dsprites.OBJECT_COLORS
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    np.testing.assert_allclose(116 * np.cbrt(luminance) - 16, 69.3, atol=0.05)


# The pictures.


def test_the_texture_is_the_same_bytes_everywhere():
    values = texture_dsprites.paint()
    assert np.abs(np.mod(values, 1) - 0.5).min() > 1e-7
    assert values.min() > 0
    assert values.max() < 255
    digest = hashlib.sha256(np.rint(values).astype(np.uint8)).hexdigest()
    assert digest == "e5e93ea42391498849ae4fa5d65edd36b8691db7692889d2a3a46e54eeb4e786"


def test_the_texture_has_the_size_of_the_shrunken_painting_and_other_colors_at_other_places():
    picture = texture_dsprites.paint() / 255
    painting = Image.new("RGB", (735, 910))  # 73.5 cm x 91 cm
    painting.thumbnail(scream_dsprites.LARGEST)
    assert picture.shape == (painting.height, painting.width, 3)
    crops = [picture[top : top + 64, left : left + 64] for top in range(0, 210, 30) for left in range(0, 153, 30)]
    assert (np.std([crop.mean(axis=(0, 1)) for crop in crops], axis=0) > 0.05).all()
    assert (np.mean([crop.std(axis=(0, 1)) for crop in crops], axis=0) > 0.08).all()


def test_scream_dsprites_say_where_to_put_the_painting(tmp_path):
    with pytest.raises(ValueError, match=r"scream\.jpg.*texture_dsprites needs no picture") as raised:
        load("scream_dsprites", tmp_path)
    assert str(tmp_path / "scream.jpg") in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"], ids=["empty", "text", "truncated"])
def test_an_unreadable_picture_is_refused(tmp_path, content):
    (tmp_path / "scream.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"scream\.png cannot be read as a picture"):
        load("scream_dsprites", tmp_path)


def test_a_picture_too_large_to_be_one_is_refused(tmp_path, monkeypatch):
    Image.new("RGB", (100, 100)).save(tmp_path / "scream.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match=r"scream\.png cannot be read.*exceeds limit"):
        load("scream_dsprites", tmp_path)


@pytest.mark.parametrize(("size", "left"), [((64, 200), "64 x 200"), ((2000, 300), "350 x 53")])
def test_a_picture_that_leaves_no_choice_of_crops_is_refused(tmp_path, size, left):
    Image.new("RGB", size).save(tmp_path / "scream.png")
    with pytest.raises(ValueError, match=f"scream_dsprites needs a picture of more than 64 x 64 pixels, not {left}"):
        load("scream_dsprites", tmp_path)


@pytest.mark.parametrize(
    ("file", "mode"),
    [("scream.jpg", "RGB"), ("scream.jpg", "L"), ("scream.jpg", "CMYK"), ("scream.jpeg", "RGB"), ("scream.png", "RGB")]
    + [("scream.png", mode) for mode in ("L", "P", "RGBA")],
)
def test_any_picture_is_read_as_three_channels_of_at_most_the_size_of_the_study(tmp_path, file, mode):
    Image.new("RGB", (700, 870), (200, 100, 50)).convert(mode).save(tmp_path / file)
    picture = scream_dsprites.read(tmp_path / file)
    assert picture.shape == (274, 220, 3)
    assert picture.dtype == np.uint8
    if mode in ("RGB", "RGBA"):
        assert np.abs(picture - np.array([200.0, 100, 50])).max() <= 2


def test_the_nuisance_names_the_picture(dsprites_root):
    black, grey = np.zeros((2, 70, 80, 3), np.uint8) + np.array([0, 127], np.uint8)[:, None, None, None]
    said = [sprites_on_picture.load("scream_dsprites", picture, dsprites_root).nuisance for picture in (black, grey)]
    assert "80 x 70 pixels" in said[0]
    assert hashlib.sha256(black).hexdigest() in said[0]
    assert said[0] != said[1]
