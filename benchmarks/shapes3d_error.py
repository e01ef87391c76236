"""How far the rendered 3D Shapes are from the published: python benchmarks/shapes3d_error.py FILE.

FILE is the published 3dshapes.h5, of which a random sample is read, or an .npz with uint8 `imgs` [N,64,64,3] and
`classes` [N,6], factor values in the order of the data set.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from common import ERR, OUT, Parser, above_zero

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.rendered.shapes3d_rendered import render, seen

SURFACES = ("sky", "floor", "wall", "object")


def error(images: np.ndarray, classes: np.ndarray) -> dict[str, Any]:
    """Differences of images [N,64,64,3] at factor values [N,6] from the rendered ones, in grey levels of 255.

    mae: of an image, the mean absolute difference; median and worst over images. psnr: the median over images, dB.
    within_16: the share of pixels with no channel farther off. by_surface: the mean absolute difference of the pixels
    whose centre is on that surface.
    """
    difference = np.abs(render(classes).astype(int) - images)
    mae = difference.mean(axis=(1, 2, 3))
    psnr = 20 * np.log10(255) - 10 * np.log10(np.maximum((difference**2).mean(axis=(1, 2, 3)), 1e-10))
    centres = np.stack([seen(*geometry)[0][1::3, 1::3] for geometry in classes[:, 3:].tolist()])
    return {
        "images": len(images),
        "mae_median": float(np.median(mae)),
        "mae_worst": float(mae.max()),
        "psnr_median": float(np.median(psnr)),
        "within_16": float((difference.max(axis=-1) <= 16).mean()),
        "by_surface": {name: float(difference[centres == k].mean()) for k, name in enumerate(SURFACES)},
    }


def read(path: Path, number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and factor values of a file; of the published one, `number` images drawn without replacement."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            return file["imgs"], file["classes"].astype(np.int64)
    # Only this command and the preparing of data sets need it.
    import h5py

    sizes = CATALOGUE["shapes3d"].factor_sizes
    total = int(np.prod(sizes))
    index = np.sort(np.random.default_rng(seed).choice(total, min(number, total), replace=False))
    with h5py.File(path) as file:
        return file["images"][index], np.stack(np.unravel_index(index, sizes), axis=1)


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="shapes3d_error.py", description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="3dshapes.h5, or an .npz with imgs and classes")
    parser.add_argument("--number", type=int, default=2000, help="images of 3dshapes.h5 (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: %(default)s)")
    try:
        options = parser.parse_args(arguments)
        above_zero(options, "number")
        found = error(*read(options.file, options.number, options.seed))
    except (ValueError, OSError, KeyError, ImportError) as problem:
        ERR.print(f"[red]error:[/] {problem}")
        return 2
    OUT.print(f"{found['images']:,} images, in grey levels of 255")
    OUT.print(f"mean absolute difference of an image: median {found['mae_median']:.2f}, worst {found['mae_worst']:.2f}")
    OUT.print("by surface: " + ", ".join(f"{name} {value:.2f}" for name, value in found["by_surface"].items()))
    OUT.print(f"PSNR, median: {found['psnr_median']:.1f} dB; pixels within 16: {found['within_16']:.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
