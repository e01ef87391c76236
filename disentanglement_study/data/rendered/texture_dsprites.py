"""Texture dSprites: Scream dSprites on a picture of ours, which needs no file (see `sprites_on_picture`).

The picture has the size of the shrunken painting (73.5 x 91 cm). Bands of colour are bent twice, by sines of sines:

    u = x + 0.45 sin(1.9 y + 0.8 sin 1.3 x)        x to the right, y down, in units of 64 pixels
    v = y + 0.35 sin(2.3 u + 0.6 sin 1.7 y)
    t = sin(2.1 v + 0.9 sin 1.5 u) + 0.55 sin(3.7 u - 2.6 v) + 0.3 sin(9 v + 4 sin 2 u)

t in [-1.85, 1.85] is a place in the palette, and strokes along v vary the brightness. No value before rounding is
within 1e-7 of a tie, far more than the error of a double: every platform paints the same bytes.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import sin

from disentanglement_study.data.rendered import sprites_on_picture
from disentanglement_study.types import DataSet

HEIGHT, WIDTH = 274, 221
PALETTE = np.array(
    [
        (24, 34, 66),  # night blue
        (46, 98, 120),  # teal
        (128, 152, 120),  # sage
        (226, 200, 128),  # straw
        (232, 140, 52),  # orange
        (184, 62, 36),  # brick
        (70, 36, 40),  # umber
    ]
)


def load(root: Path | None = None) -> DataSet:
    """dSprites on the painted picture."""
    picture = np.rint(paint()).astype(np.uint8)
    return sprites_on_picture.load("texture_dsprites", picture, root)


def paint() -> Float[np.ndarray, "274 221 3"]:
    """The picture before rounding, in [0, 255]."""
    y, x = np.arange(HEIGHT)[:, None] / 64, np.arange(WIDTH)[None, :] / 64
    u = x + 0.45 * sin(1.9 * y + 0.8 * sin(1.3 * x))
    v = y + 0.35 * sin(2.3 * u + 0.6 * sin(1.7 * y))
    t = sin(2.1 * v + 0.9 * sin(1.5 * u)) + 0.55 * sin(3.7 * u - 2.6 * v) + 0.3 * sin(9 * v + 4 * sin(2 * u))
    knots = np.linspace(-1.85, 1.85, len(PALETTE))
    color = np.stack([np.interp(t, knots, channel) for channel in PALETTE.T], axis=-1)
    stroke = 0.9 + 0.1 * sin(40 * v + 6 * u)
    return color * stroke[:, :, None]
