"""dSprites: white squares, ellipses and hearts on black, rendered here rather than downloaded.

The geometry was recovered from published images (Matthey et al. 2017); of 64,834 of them, 9 differ from what
is rendered here, each in one pixel. Units are pixels; x points right, y down, pixel i spans i to i + 1.

Outlines at scale 1, with the unit R = 0.15 * 64 px:

    square    the corners (+-R, +-R)
    ellipse   (1.33 R cos a, R / 1.33 sin a),  a = 2 pi k / 100
    heart     (R sin^3 a, -R ((13 cos a - 5 cos 2a - 2 cos 3a - cos 4a) / 14.5 + 0.15)),  a = 2 pi k / 150

Placement of an outline point (u, v) at scale s and orientation t, turned anticlockwise:

    x = 16 + 32 position_x + s (u cos t + v sin t)
    y = 16 + 32 position_y + s (v cos t - u sin t)

Vertices are rounded to 1/256 px and the polygon is filled as graphics hardware does. No coordinate is within
1e-7 steps of that grid of a tie, far more than the error of a double: every platform renders the same bits.
The number of vertices matters: one more or fewer on the heart, and about ten times as many pixels are wrong.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from disentanglement_study.data import cache
from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.types import DataSet

FACTS = CATALOGUE["dsprites"]
SHA256 = "3a228f4037ef3d42a42588e0e01f1078aa2df13cfa17584e88c95ed9fb5672da"
"""Of the bit-packed images in the order of the index."""

SCALES = np.linspace(0.5, 1.0, 6)
ORIENTATIONS = np.linspace(0.0, 2 * np.pi, 40)  # radians; the last value shows the same picture as the first
POSITIONS = np.linspace(0.0, 1.0, 32)
R = 0.15 * 64
CHUNK = 4096  # images rendered at a time: bounds memory


def load(root: Path | None = None) -> DataSet:
    """All 737,280 images, one bit a pixel (377 MB), rendered into the cache folder at the first call."""
    shape = (int(np.prod(FACTS.factor_sizes)), 64 * 64 // 8)
    storage = cache.load("dsprites", shape, _all_packed, root, sha256=SHA256)
    return DataSet(
        "dsprites", FACTS.factor_names, FACTS.factor_sizes, FACTS.input_shape, storage, unpack, sha256=SHA256
    )


def unpack(storage: UInt8[Any, "_ 512"], index: Int[Any, " n"], keys: Any = None) -> UInt8[Any, "n 64 64 1"]:
    """Images of 0 and 255 from bit-packed ones, NumPy or JAX alike."""
    xp = storage.__array_namespace__()
    return (xp.unpackbits(storage[index], axis=-1) * 255).reshape(len(index), 64, 64, 1)


def render(classes: Int[np.ndarray, "n 5"]) -> UInt8[np.ndarray, "n 64 64"]:
    """Images of 0 and 1 at factor values: shape, scale, orientation, position_x, position_y."""
    outside = ((classes < 0) | (classes >= FACTS.factor_sizes)).any(axis=1)
    if outside.any():
        allowed = f"from 0 and below {list(FACTS.factor_sizes)}, {', '.join(FACTS.factor_names)}"
        raise ValueError(f"dSprites has no image of {classes[outside][0].tolist()}: values are {allowed}")
    return np.unpackbits(_packed(classes), axis=1).reshape(-1, 64, 64)


def _all_packed() -> Iterator[UInt8[np.ndarray, "_ 512"]]:
    """The bit-packed images of the whole set, a chunk at a time."""
    number = int(np.prod(FACTS.factor_sizes))
    for start in range(0, number, CHUNK):
        index = np.arange(start, min(start + CHUNK, number))
        yield _packed(np.stack(np.unravel_index(index, FACTS.factor_sizes), axis=1))


def _packed(classes: Int[np.ndarray, "n 5"]) -> UInt8[np.ndarray, "n 512"]:
    """The bit-packed images of factor values: `np.unpackbits` gives the pixels, row by row."""
    # Numba takes a third of a second to import, and only a process that renders needs it.
    from disentanglement_study.data.rendered.fill_polygons import SUBPIXELS, fill_polygons

    packed = np.empty((len(classes), 512), np.uint8)
    for shape, outline in enumerate(outlines()):
        which = np.flatnonzero(classes[:, 0] == shape)
        x, y = (np.rint(SUBPIXELS * pixels).astype(np.int64) for pixels in place(outline, classes[which]))
        words = fill_polygons(x, y)
        packed[which] = words.astype(">u8").view(np.uint8)
    return packed


def place(
    outline: Float[np.ndarray, "v 2"], classes: Int[np.ndarray, "n 5"]
) -> tuple[Float[np.ndarray, "n v"], Float[np.ndarray, "n v"]]:
    """The vertices x and y of an outline placed by factor values (their shape is not looked at)."""
    scale, angle = SCALES[classes[:, 1], None], ORIENTATIONS[classes[:, 2], None]
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    u, v = outline.T
    x = 16 + 32 * POSITIONS[classes[:, 3], None] + (u * cos + v * sin)
    y = 16 + 32 * POSITIONS[classes[:, 4], None] + (v * cos - u * sin)
    return x, y


def outlines() -> tuple[Float[np.ndarray, "_ 2"], ...]:
    """The vertices (u, v) of square, ellipse and heart at scale 1, from the centre."""
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    a = 2 * np.pi * np.arange(100) / 100
    ellipse = np.stack([1.33 * np.cos(a), np.sin(a) / 1.33], axis=1)
    a = 2 * np.pi * np.arange(150) / 150
    height = (13 * np.cos(a) - 5 * np.cos(2 * a) - 2 * np.cos(3 * a) - np.cos(4 * a)) / 14.5 + 0.15
    heart = np.stack([np.sin(a) ** 3, -height], axis=1)
    return R * square, R * ellipse, R * heart
