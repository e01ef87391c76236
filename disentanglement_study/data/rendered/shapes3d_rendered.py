"""3D Shapes rendered anew: a cube, cylinder, sphere or capsule in a room, by a ray-caster of our own.

This is not the data set of Burgess and Kim 2018 but a rendering after its published pictures: same factors, same
order of the index, pictures that differ little (`benchmarks/shapes3d_error.py` measures how much; on the 150 known to
us the mean absolute difference is 0.7 of 255). Those 150 are OpenGL drawings of 192 x 192 pixels without
anti-aliasing, made a third as large by Lanczos resampling. Geometry and light are in `raycast`, with the constants
that were fitted. The texture of floor and walls, one tile of dark-edged hexagons, is our estimate too: the tile under
which the rendered pictures come nearest to the 150, kept in shapes3d_texture.npy as 128 x 128 lightnesses in steps
of 1/200. It holds no picture, and no light, shadow or object of one.

A hue k is the colour HSV(k / 10, 1, 1), whose channels c are multiples of 51. A pixel of the drawing has the channel

    min(c lightness + 255 gloss, 255)

so that a channel of a picture is a sum over surfaces of a term which depends on the geometry (scale, shape and
orientation) and on one c of six. Only these terms are stored; a picture is composed when it is asked for.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Int16, UInt8

from disentanglement_study.data import cache
from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.types import DataSet

FACTS = CATALOGUE["shapes3d_rendered"]
TEXTURE = Path(__file__).with_name("shapes3d_texture.npy")

HUES = np.array(
    [
        [255, 0, 0],
        [255, 153, 0],
        [204, 255, 0],
        [51, 255, 0],
        [0, 255, 102],
        [0, 255, 255],
        [0, 102, 255],
        [51, 0, 255],
        [204, 0, 255],
        [255, 0, 153],
    ]
)
SKY = np.array([153, 226, 249])
SCALES = np.linspace(0.75, 1.25, 8)
ORIENTATIONS = np.radians(np.linspace(-30, 30, 15))
SIZES = ((0.0990, 0.0988), (0.1054, 0.1058), (0.1195, 0.0), (0.0912, 0.0919))
"""Radius and half height of cube, cylinder, sphere and capsule at scale 1, as `raycast` has them."""

GEOMETRIES = FACTS.factor_sizes[3:]  # scale, shape, orientation
NUM_GEOMETRIES = int(np.prod(GEOMETRIES))

# The planes of a geometry: of each surface at c = 0, 51, ..., 255, then the sky in red, green and blue.
LEVELS = 6
PLANES = 3 * LEVELS + 3
PLANE_OF = np.arange(3)[:, None, None] * LEVELS + HUES // 51  # [surface, hue, channel]
UNIT = 64
"""A plane has 64 steps to a grey level: sums of four stay within int16."""


def load(root: Path | None = None) -> DataSet:
    """All 480,000 images, as the terms of 480 geometries (83 MB), made in the cache folder at the first call."""
    shape = (NUM_GEOMETRIES * PLANES, 64 * 64)
    storage = cache.load("shapes3d_rendered", shape, _all_planes, root, dtype=np.int16)
    names, sizes, image_shape = FACTS[:3]
    sha256 = cache.about("shapes3d_rendered", root)["sha256"]
    return DataSet("shapes3d_rendered", names, sizes, image_shape, storage, compose, sha256=sha256)


def compose(storage: Int16[Any, "_ 4096"], index: Int[Any, " n"], keys: Any = None) -> UInt8[Any, "n 64 64 3"]:
    """Images from the terms of their geometries, in integers: NumPy, JAX, a CPU and a GPU give the same."""
    xp = storage.__array_namespace__()
    plane_of = xp.asarray(PLANE_OF)
    hues, first = index // NUM_GEOMETRIES, (index % NUM_GEOMETRIES * PLANES)[:, None]
    floor, wall, solid = hues // 100, hues // 10 % 10, hues % 10
    total = storage[first + 3 * LEVELS + xp.arange(3)]
    for surface, hue in enumerate((floor, wall, solid)):
        total = total + storage[first + plane_of[surface, hue]]
    images = xp.clip((total + UNIT // 2) // UNIT, 0, 255).astype(xp.uint8)
    return xp.moveaxis(images.reshape(len(index), 3, 64, 64), 1, -1)


def render(classes: Int[np.ndarray, "n 6"]) -> UInt8[np.ndarray, "n 64 64 3"]:
    """Images at factor values, drawn without stored terms: those of `load` differ from them by rounding, 1 of 255."""
    outside = ((classes < 0) | (classes >= FACTS.factor_sizes)).any(axis=1)
    if outside.any():
        allowed = f"from 0 and below {list(FACTS.factor_sizes)}, {', '.join(FACTS.factor_names)}"
        raise ValueError(f"3D Shapes has no image of {classes[outside][0].tolist()}: values are {allowed}")
    images = np.empty((len(classes), 64, 64, 3), np.uint8)
    for i, (*hues, scale, shape, orientation) in enumerate(classes.tolist()):
        surface, lightness, gloss = seen(scale, shape, orientation)
        colours = np.concatenate([np.zeros((1, 3)), HUES[hues]])[surface]
        drawing = np.where(surface[..., None] == 0, SKY, _lit(colours, lightness[..., None], gloss[..., None]))
        images[i] = np.rint(np.clip(_resample(drawing.transpose(2, 0, 1)) / UNIT, 0, 255)).transpose(1, 2, 0)
    return images


def _all_planes() -> Iterator[Int16[np.ndarray, "_ 4096"]]:
    """The terms of every geometry, one after another."""
    for scale, shape, orientation in np.ndindex(GEOMETRIES):
        surface, lightness, gloss = seen(scale, shape, orientation)
        colours = 51 * np.arange(LEVELS)[:, None, None]
        planes = [np.where(surface == k, _lit(colours, lightness, gloss), 0) for k in (1, 2, 3)]
        planes.append(np.where(surface == 0, SKY[:, None, None], 0))
        yield np.rint(_resample(np.concatenate(planes))).astype(np.int16).reshape(PLANES, 64 * 64)


def _lit(colours: np.ndarray, lightness: np.ndarray, gloss: np.ndarray) -> np.ndarray:
    return np.minimum(colours * lightness + 255 * gloss, 255)


def seen(scale: int, shape: int, orientation: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The surface (0 sky, 1 floor, 2 wall, 3 solid), lightness and gloss of each pixel of the drawing, [192, 192]."""
    # Numba takes a third of a second to import, and only a process that renders needs it.
    from disentanglement_study.data.rendered.raycast import Scene, mipmaps, raycast

    radius, half = SCALES[scale] * np.array(SIZES[shape])
    return raycast(Scene(), mipmaps(np.load(TEXTURE) / 200), shape, radius, half, ORIENTATIONS[orientation])


def _resample(drawing: Float[np.ndarray, "n 192 192"]) -> Float[np.ndarray, "n 64 64"]:
    """In steps of 1 / UNIT, three times smaller by Lanczos' kernel of three lobes: it overshoots at edges.

    The sums are of whole numbers below 2^53, steps times weights of 2^-18: every order of summation gives the same.
    """
    at = (np.arange(192) + 0.5) / 3 - (np.arange(64)[:, None] + 0.5)
    weights = np.where(abs(at) < 3, np.sinc(at) * np.sinc(at / 3), 0)
    weights = np.rint(2**18 * weights / weights.sum(axis=1, keepdims=True))
    drawing = np.rint(UNIT * drawing)
    for _ in range(2):  # along rows, then along columns
        drawing = (drawing.reshape(-1, 192) @ weights.T).reshape(len(drawing), -1, 64).swapaxes(1, 2)
    return drawing / 2**36
