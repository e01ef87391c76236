"""The facts of the data sets that planning needs; no images."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Facts(NamedTuple):
    """The factors of a data set, the shape of an input, and where it is from.

    input_shape: of images [H, W, C], or of vectors [D]. num_points: how many points there are of a set whose truth is
    real-valued sources, which are its factors; it has none where the truth is not known. None for a grid of factors.
    auxiliary: what else is known of each point, {"segment": how many segments there are}, as `DataSet.auxiliary`
    has it. together: of a set that is many short series, one after the other, how many points each has. one_each:
    whether a grid has one image at each point, in order.
    """

    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]
    input_shape: tuple[int, ...]
    source: str
    num_points: int | None = None
    auxiliary: Mapping[str, int] = MappingProxyType({})
    together: int | None = None
    one_each: bool = True


_SPRITES = ("shape", "scale", "orientation", "position_x", "position_y"), (3, 6, 40, 32, 32)
_ARM = "color", "shape", "size", "camera_height", "background_color", "horizontal_axis", "vertical_axis"


def _arm(sizes: tuple[int, ...], what: str) -> Facts:
    """A set of MPI3D: the factors of all four are the same, not the colours and shapes that there are."""
    return Facts(_ARM, (*sizes, 2, 3, 3, 40, 40), input_shape=(64, 64, 3), source=f"MPI3D, Gondal et al. 2019: {what}")


_SHAPES3D = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation"), (10, 10, 10, 8, 4, 15)

# The grids of Locatello et al. 2019 (arXiv:1811.12359), in the order of the index: the last is the fastest.
CATALOGUE: dict[str, Facts] = {
    "dsprites": Facts(
        *_SPRITES,
        input_shape=(64, 64, 1),
        source="dSprites, Matthey et al. 2017: white sprites on black",
    ),
    "color_dsprites": Facts(
        *_SPRITES,
        input_shape=(64, 64, 3),
        source="Locatello et al. 2019: dSprites, the sprite in a random colour for each image",
    ),
    "noisy_dsprites": Facts(
        *_SPRITES,
        input_shape=(64, 64, 3),
        source="Locatello et al. 2019: dSprites, the background uniform noise for each image",
    ),
    "scream_dsprites": Facts(
        *_SPRITES,
        input_shape=(64, 64, 3),
        source="Locatello et al. 2019: dSprites as the negative of a random crop of Munch's The Scream",
    ),
    "texture_dsprites": Facts(
        *_SPRITES,
        input_shape=(64, 64, 3),
        source="ours: scream_dsprites with a painted texture in place of the picture",
    ),
    "abstract_dsprites": Facts(
        factor_names=("background_color", "object_color", "shape", "scale", "position_x", "position_y"),
        factor_sizes=(5, 6, 3, 6, 32, 32),
        input_shape=(64, 64, 3),
        source="AbstractDSprites, van Steenkiste et al. 2019: coloured sprites on grey; the orientation is a nuisance",
    ),
    "smallnorb": Facts(
        factor_names=("category", "elevation", "azimuth", "lighting"),
        factor_sizes=(5, 9, 18, 6),
        input_shape=(64, 64, 1),
        source="SmallNORB, LeCun et al. 2004: toys seen by one camera; the instance, of 10, is a nuisance",
        one_each=False,
    ),
    "cars3d": Facts(
        factor_names=("elevation", "azimuth", "object"),
        factor_sizes=(4, 24, 183),
        input_shape=(64, 64, 3),
        source="Cars3D, Reed et al. 2015: car models",
    ),
    "shapes3d": Facts(
        *_SHAPES3D,
        input_shape=(64, 64, 3),
        source="3D Shapes, Burgess and Kim 2018: a solid in a room",
    ),
    # Beyond that study.
    "dsprites_original": Facts(
        *_SPRITES,
        input_shape=(64, 64, 1),
        source="dSprites, Matthey et al. 2017: the published images",
    ),
    "mpi3d_toy": _arm((6, 6), "a robot arm that holds an object, rendered simply"),
    "mpi3d_realistic": _arm((6, 6), "a robot arm that holds an object, rendered realistically"),
    "mpi3d_real": _arm((6, 6), "photographs of a robot arm that holds an object"),
    "mpi3d_complex": _arm((4, 4), "photographs of a robot arm that holds a cup, a ball or a croissant"),
    "shapes3d_rendered": Facts(
        *_SHAPES3D,
        input_shape=(64, 64, 3),
        source="ours: the scenes of 3D Shapes drawn anew; close to its pictures, but not the same",
    ),
}
