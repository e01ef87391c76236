"""Pictures made of pictures: images [R,C,H,W,K] in rows and columns with labels, and animations of them.

Pixels are kept as they are: an image is enlarged by a whole number or not at all. K is 1 (grey) or 3 (RGB).
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

CELL = 64  # Pixels a side that small images are enlarged to, at least: a label has room above.
GAP = 2
MARGIN = 8
WHITE = 255
FONT = "fonts/ttf/DejaVuSans.ttf"  # Ships with matplotlib: the same picture on every machine.
FONT_SIZE = 11
INK = (40, 40, 40)


def in_columns(images: UInt8[np.ndarray, "n h w k"], columns: int) -> UInt8[np.ndarray, "r columns h w k"]:
    """Images row by row; the last row is filled up with white ones."""
    missing = -len(images) % columns
    filled = np.concatenate([images, np.full((missing, *images.shape[1:]), WHITE, np.uint8)])
    return filled.reshape(-1, columns, *images.shape[1:])


def tiled(images: UInt8[np.ndarray, "r c h w k"], cell: int = CELL) -> UInt8[np.ndarray, "height width 3"]:
    """One picture of all, with GAP white pixels between them; those that are smaller than `cell` are enlarged."""
    rows, columns, height, width, channels = images.shape
    if channels not in (1, 3):
        raise ValueError(f"images of {channels} channels: a picture has 1 (grey) or 3 (RGB)")
    times = -(-cell // height)
    enlarged = images.repeat(times, axis=2).repeat(times, axis=3)
    apart = np.pad(enlarged, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=WHITE)
    joined = apart.swapaxes(1, 2).reshape(rows * (times * height + GAP), columns * (times * width + GAP), channels)
    return np.broadcast_to(joined[:-GAP, :-GAP], (joined.shape[0] - GAP, joined.shape[1] - GAP, 3)).copy()


def labelled(
    picture: UInt8[np.ndarray, "height width 3"], title: str, rows: Sequence[str] = (), columns: Sequence[str] = ()
) -> Image.Image:
    """The picture below a title, with a label at the left of each of its rows and above each of its columns."""
    font = ImageFont.truetype(Path(matplotlib.get_data_path(), FONT), FONT_SIZE)
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))

    def extent(text: str) -> tuple[int, int]:
        _, _, right, bottom = draw.multiline_textbbox((0, 0), text, font=font)
        return int(np.ceil(right)), int(np.ceil(bottom))

    height, width = picture.shape[:2]
    left = MARGIN + max((extent(text)[0] + MARGIN for text in rows), default=0)
    head = MARGIN + extent(title)[1] + MARGIN
    top = head + max((extent(text)[1] + MARGIN // 2 for text in columns), default=0)
    whole = (max(left + width, MARGIN + extent(title)[0]) + MARGIN, top + height + MARGIN)
    canvas = Image.new("RGB", whole, (WHITE,) * 3)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, MARGIN), title, INK, font)
    for place, text in enumerate(rows):
        middle = top + (place + 0.5) * (height + GAP) / len(rows) - GAP / 2
        draw.text((left - MARGIN, middle), text, INK, font, anchor="rm")
    for place, text in enumerate(columns):
        middle = left + (place + 0.5) * (width + GAP) / len(columns) - GAP / 2
        draw.multiline_text((middle, head), text, INK, font, anchor="ma", align="center")
    canvas.paste(Image.fromarray(picture), (left, top))
    return canvas


def write_gif(frames: Sequence[Image.Image], path: Path, rate: int) -> None:
    """An animation of `rate` frames a second that repeats for ever; frames that are alike are stored as one."""
    width, height = frames[0].size
    # One palette for all frames, without dithering: what does not change does not flicker.
    film = np.concatenate([np.asarray(frame) for frame in frames])
    grey = (film == film[..., :1]).all()
    whole = Image.fromarray(film[..., 0]) if grey else Image.fromarray(film).quantize(256, dither=Image.Dither.NONE)
    cut = [whole.crop((0, place * height, width, (place + 1) * height)) for place in range(len(frames))]
    cut[0].save(path, save_all=True, append_images=cut[1:], duration=round(1000 / rate), loop=0)
