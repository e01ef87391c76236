"""What the rendered 3D Shapes look like, and that composing their stored terms is drawing them."""

import itertools

import jax
import numpy as np
import pytest

from disentanglement_study.data import CATALOGUE, load
from disentanglement_study.data.rendered import raycast, shapes3d_rendered
from disentanglement_study.data.rendered.shapes3d_rendered import HUES, SKY, compose, render

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIZES = shapes3d_rendered.FACTS.factor_sizes
SOME = np.random.default_rng(0).integers(0, SIZES, (40, 6))
MIDDLE = [0, 4, 6, 4, 2, 7]  # hues of a red floor, a green wall and a blue sphere, from the front


@pytest.fixture(scope="module")
def data_set(dsprites_root):
    return load("shapes3d_rendered", dsprites_root)


def picture(**values):
    """One image: MIDDLE, but for the values given by name."""
    names = shapes3d_rendered.FACTS.factor_names
    classes = np.array([[values.get(name, value) for name, value in zip(names, MIDDLE, strict=True)]])
    return render(classes)[0].astype(int)


def changed(one, other):
    return (one != other).any(axis=-1)


def silhouette(**values):
    """The pixels mostly of the solid: they change with its hue."""
    return abs(picture(object_hue=0, **values) - picture(object_hue=5, **values)).max(axis=-1) > 100


def test_it_is_not_passed_off_as_the_original():
    ours, original = CATALOGUE["shapes3d_rendered"], CATALOGUE["shapes3d"]
    assert ours[:3] == original[:3]
    assert "drawn anew" in ours.source


def test_stored_terms_add_up_to_what_is_drawn(data_set):
    index = np.ravel_multi_index(SOME.T, SIZES)
    difference = data_set.images(index).astype(int) - render(data_set.factors(index))
    assert abs(difference).max() <= 1
    assert (difference != 0).mean() < 0.01


def test_every_compilation_composes_the_same_bytes(data_set):
    index = np.ravel_multi_index(SOME.T, SIZES)
    expected = data_set.images(index)
    assert expected.dtype == np.uint8
    storage = jax.device_put(data_set.storage, may_alias=True)
    np.testing.assert_array_equal(jax.jit(compose)(storage, index), expected)
    each = jax.jit(jax.vmap(compose, in_axes=(None, 0)))(storage, index[:, None])
    np.testing.assert_array_equal(each[:, 0], expected)


def test_stored_terms_are_small(data_set):
    assert data_set.storage.nbytes < 84e6
    assert abs(data_set.storage).max() < 2**15 / 1.5  # a sum of four stays within int16


def test_what_is_resampled_is_resampled_exactly():
    drawing = np.random.default_rng(0).uniform(0, 255, (2, 192, 192))
    once, again = shapes3d_rendered._resample(drawing), shapes3d_rendered._resample(drawing[:, ::-1, ::-1])
    np.testing.assert_array_equal(once, again[:, ::-1, ::-1])
    np.testing.assert_array_equal(once * 2**36, np.rint(once * 2**36))
    flat = shapes3d_rendered._resample(np.full((1, 192, 192), 255.0)) / shapes3d_rendered.UNIT
    np.testing.assert_allclose(flat, 255, atol=0.02)


def test_the_sky_is_of_one_colour_and_nothing_changes_it():
    images = render(SOME[SOME[:, 4] != raycast.CAPSULE])
    np.testing.assert_array_equal(images[:, :10], np.broadcast_to(SKY, (len(images), 10, 64, 3)))


def test_a_hue_colours_its_own_surface():
    floor, wall, solid = (changed(picture(), picture(**{f"{name}_hue": 2})) for name in ("floor", "wall", "object"))
    assert wall[20:38, :8].all()
    assert floor[45:, :8].all()
    assert solid[28:44, 28:36].all()
    assert not floor[:35].any()
    assert not wall[45:].any()
    assert not solid[:10].any()
    assert not (floor & wall)[48:].any()


def test_hues_are_pure():
    for hue, colour in enumerate(HUES):
        wall = picture(wall_hue=hue)[25, 3]
        assert (wall[colour == 0] <= 5).all()
        np.testing.assert_allclose(wall / wall.max(), colour / 255, atol=0.08)


@pytest.mark.parametrize("shape", range(4))
def test_a_larger_scale_covers_more_and_contains_the_smaller(shape):
    silhouettes = [silhouette(shape=shape, scale=scale) for scale in range(8)]
    areas = [s.sum() for s in silhouettes]
    assert all(small < large for small, large in itertools.pairwise(areas))
    assert 2.2 < areas[-1] / areas[0] < 3.2  # (1.25 / 0.75)^2, and the larger is nearer
    upper = slice(0, 40)  # a larger solid stands on the same floor, with its near edge lower
    assert not (silhouettes[3] & ~silhouettes[4])[upper].any()


def test_shapes_are_told_apart_by_their_silhouettes():
    cube, cylinder, sphere, capsule = (silhouette(shape=shape) for shape in range(4))
    widths = [s.sum(axis=1) for s in (cube, cylinder, sphere, capsule)]
    heights = [s.any(axis=1).sum() for s in (cube, cylinder, sphere, capsule)]
    assert max(heights) == heights[3] > 1.5 * heights[0]
    assert len(set(widths[0][widths[0] > 0])) <= 3  # a square
    round_area = np.pi / 4 * heights[2] * widths[2].max()
    assert sphere.sum() == pytest.approx(round_area, rel=0.04)
    assert len(np.unique(widths[2])) > len(np.unique(widths[1])) + 2


def test_orientation_moves_the_camera_from_left_to_right():
    # From the left the camera sees the corner with the right wall, and the other way round.
    left, front, right = (picture(orientation=orientation)[25] for orientation in (0, 7, 14))
    jumps = [np.flatnonzero(abs(np.diff(row[:, 1])) > 15) for row in (left, front, right)]
    edges = [j[(j < 22) | (j > 41)] for j in jumps]  # beside the solid
    assert (edges[0] > 32).all()
    assert len(edges[0])
    assert not len(edges[1])
    assert (edges[2] < 32).all()
    assert len(edges[2])


def test_a_shadow_lies_on_the_floor_to_the_right():
    solid = silhouette(floor_hue=5, shape=raycast.SPHERE)
    dark = (picture(floor_hue=5, shape=raycast.SPHERE)[..., 1] < 120) & ~solid & (np.arange(64)[:, None] > 45)
    columns = (np.flatnonzero(s.any(axis=0)) for s in (dark, solid))
    shadow, sphere = ((c.min(), c.max()) for c in columns)
    assert shadow[1] - sphere[1] > 3 + sphere[0] - shadow[0]


def test_colours_stay_what_they_were():
    # Not a digest: sines and powers differ between platforms in their last bit.
    images = render(SOME).astype(float)
    np.testing.assert_allclose(images.mean(axis=(0, 1, 2)), [125.80, 140.81, 158.87], atol=0.05)
    np.testing.assert_allclose(images.std(axis=(0, 1, 2)), [90.97, 104.03, 104.82], atol=0.05)


@pytest.mark.parametrize("bad", [[10, 0, 0, 0, 0, 0], [0, 0, 0, 0, 4, 0], [0, 0, 0, -1, 0, 0]])
def test_values_outside_the_grid_are_refused(bad):
    with pytest.raises(ValueError, match=rf"no image of \[{bad[0]}.*below \[10, 10, 10, 8, 4, 15\], floor_hue"):
        render(np.array([MIDDLE, bad]))


@pytest.mark.parametrize("shape", range(4))
def test_rays_meet_solids_at_their_surface(shape):
    radius, half = 0.1, 0.0 if shape == raycast.SPHERE else 0.08
    rng = np.random.default_rng(shape)
    hits = 0
    for _ in range(300):
        origin = rng.normal(size=3)
        origin = origin / np.linalg.norm(origin) + [0, 0.1, 0]
        ray = rng.normal(size=3) * 0.05 + [0, 0.1, 0] - origin
        t, normal = raycast.meet_solid(shape, radius, half, tuple(origin), tuple(ray))
        if t < np.inf:
            hits += 1
            assert np.linalg.norm(normal) == pytest.approx(1)
            assert np.dot(normal, ray) < 0
            point, step = origin + t * ray, 1e-3 * np.array(normal)
            assert distance(shape, radius, half, point - step) < 0 < distance(shape, radius, half, point + step)
    assert hits > 50


def distance(shape, radius, half, point):
    """Below 0 inside the solid, above 0 outside."""
    x, y, z = point
    if shape == raycast.CUBE:
        return max(abs(x) - radius, abs(z) - radius, abs(y - half) - half)
    if shape == raycast.CYLINDER:
        return max(np.hypot(x, z) - radius, abs(y - half) - half)
    axis = np.clip(y, radius, radius + 2 * half)
    return np.linalg.norm([x, y - axis, z]) - radius
