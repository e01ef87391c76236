"""Fill polygons as graphics hardware does without anti-aliasing: a pixel is in if its centre is."""

from typing import no_type_check

import numba
import numpy as np

SUBPIXELS = 256
"""Vertices lie on a grid of 1/256 px, the sub-pixel precision of graphics hardware."""


@numba.njit(cache=True, nogil=True)
@no_type_check
def fill_polygons(x, y):
    """Even-odd fill of n polygons on a frame of 64 x 64 pixels, one 64-bit word per pixel row.

    In exact integer arithmetic, an edge crosses the row whose centre is c if ymin < c <= ymax, and flips the
    pixels whose centre is at or right of the crossing: a centre exactly on a left or on a bottom edge is in
    (OpenGL's top-left rule, with its y axis pointing up).

    x, y: int64 [n, V], vertices in 1/256 px, y pointing down, pixel i spanning 256 i to 256 (i + 1).
    Returns uint64 [n, 64]: row words whose most significant bit is column 0.
    """
    half = SUBPIXELS // 2
    ones = ~np.uint64(0)
    words = np.zeros((x.shape[0], 64), np.uint64)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            xa, ya, xb, yb = x[i, j - 1], y[i, j - 1], x[i, j], y[i, j]
            if ya > yb:
                xa, ya, xb, yb = xb, yb, xa, ya
            height = yb - ya
            first, last = (ya - half) // SUBPIXELS + 1, (yb - half) // SUBPIXELS
            for row in range(max(first, 0), min(last, 63) + 1):
                crossing = xa * height + (row * SUBPIXELS + half - ya) * (xb - xa)  # times height
                column = -((half * height - crossing) // (SUBPIXELS * height))
                if column < 64:
                    words[i, row] ^= ones >> np.uint64(max(column, 0))
    return words
