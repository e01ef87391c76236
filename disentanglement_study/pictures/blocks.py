"""Pictures of several systems in one: a block for each, below each other, their images in the same columns."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from disentanglement_study.pictures.canvas import CELL, FONT, FONT_SIZE, GAP, INK, MARGIN, WHITE, tiled

BOLD = FONT.replace("Sans", "Sans-Bold")
LINE = FONT_SIZE + 4  # pixels from one line of text to the next
APART = 10  # pixels above a block with a heading


class Block(NamedTuple):
    """A heading, and images [R,C,H,W,K] with a label for each row; or, of a system without images, a note."""

    images: UInt8[np.ndarray, "r c h w k"] | None
    rows: Sequence[str] = ()
    heading: str = ""
    note: str = ""


def stacked(title: str, blocks: Sequence[Block], columns: Sequence[str] = ()) -> Image.Image:
    """The blocks below a title and below labels of their columns, which are as wide as those of the widest block.

    A note stands where the images would be.
    """
    pictures = [None if block.images is None else tiled(block.images) for block in blocks]
    texts = [text for block in blocks for text in block.rows]
    left = MARGIN + max((_width(text) + MARGIN for text in texts), default=0)
    width = max((picture.shape[1] for picture in pictures if picture is not None), default=CELL)
    head = MARGIN + LINE * len(title.splitlines()) + MARGIN
    top = head + (LINE if columns else 0)
    heights = [
        (APART + LINE if block.heading else GAP) + (LINE * len(block.rows or [""]) if picture is None else len(picture))
        for block, picture in zip(blocks, pictures, strict=True)
    ]
    needed = [left + width, *(MARGIN + _width(line, BOLD) for block in blocks for line in [block.heading])]
    needed += [MARGIN + _width(line) for line in title.splitlines()] + [left + _width(block.note) for block in blocks]
    canvas = Image.new("RGB", (max(needed) + MARGIN, top + sum(heights) + MARGIN), (WHITE,) * 3)
    draw = ImageDraw.Draw(canvas)
    for place, line in enumerate(title.splitlines()):
        draw.text((MARGIN, MARGIN + place * LINE), line, INK, _font(FONT))
    for place, text in enumerate(columns):
        middle = left + (place + 0.5) * (width + GAP) / len(columns) - GAP / 2
        draw.text((middle, head), text, INK, _font(FONT), anchor="ma")
    for block, picture, height in zip(blocks, pictures, heights, strict=True):
        start = top + GAP
        if block.heading:
            draw.text((MARGIN, top + APART - GAP), block.heading, INK, _font(BOLD))
            start = top + APART + LINE
        inside = top + height - start
        for place, text in enumerate(block.rows):
            middle = start + (place + 0.5) * (inside + GAP) / len(block.rows) - GAP / 2
            draw.text((left - MARGIN, middle), text, INK, _font(FONT), anchor="rm")
        if picture is None:
            draw.text((left, start + inside / 2), block.note, INK, _font(FONT), anchor="lm")
        else:
            canvas.paste(Image.fromarray(picture), (left, start))
        top += height
    return canvas


@cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path(), name), FONT_SIZE)


def _width(text: str, font: str = FONT) -> int:
    return int(np.ceil(_font(font).getlength(text)))
