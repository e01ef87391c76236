"""Scream dSprites: sprites on Munch's The Scream, a picture that the user brings (see `sprites_on_picture`)."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from disentanglement_study.data import cache
from disentanglement_study.data.rendered import sprites_on_picture
from disentanglement_study.types import DataSet

LARGEST = 350, 274  # width and height in pixels that the study shrank the picture to fit into
FILES = "scream.jpg", "scream.jpeg", "scream.png"


def load(root: Path | None = None) -> DataSet:
    """dSprites on the picture. ValueError from `picture`."""
    return sprites_on_picture.load("scream_dsprites", picture(root), root)


def picture(root: Path | None = None) -> UInt8[np.ndarray, "height width 3"]:
    """What is in scream.jpg, .jpeg or .png (the first that there is) in the cache folder.

    ValueError if there is none, if it cannot be read, or if it is too small.
    """
    if (path := picture_file(root)) is None:
        place = f"save a picture of it as {cache.folder(root) / FILES[0]} (or {', '.join(FILES[1:])})"
        raise ValueError(f"scream_dsprites needs Munch's The Scream: {place}; texture_dsprites needs no picture")
    found = read(path)
    sprites_on_picture.check("scream_dsprites", found)
    return found


def picture_file(root: Path | None = None) -> Path | None:
    """The picture in the cache folder: the first of `FILES` that is there."""
    paths = [cache.folder(root) / file for file in FILES]
    return next((path for path in paths if path.exists()), None)


def read(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """The picture, shrunk as the study did it; a smaller one stays as it is."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            # A JPEG is RGB already, and is decoded at a fraction of its size only if nothing comes in between.
            picture = image if image.mode == "RGB" else image.convert("RGB")
            picture.thumbnail(LARGEST)
            return np.array(picture)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as a picture ({error})") from error
