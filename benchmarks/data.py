"""What every data set costs: bytes, seconds to prepare, images a second for a training step, error beside real ones.

Measured are sets that are rendered, and published and own ones that are in --data-dir; of others, their size.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":  # before JAX counts the cores: a population on CPU takes turns on one
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
sys.path.insert(0, str(Path(__file__).parent.parent))  # where the package is not installed

import argparse
import datetime
import json
import math
import platform
import subprocess
import tempfile
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import text_tables as tables
from common import ERR, HERE, OUT, Parser, command, commit, cpu_name, known, load, new_file, reason, save
from text_tables import Section

from disentanglement_study import data
from disentanglement_study.data import DATASETS, cache

EXAMPLES = """\
examples:
  python benchmarks/data.py                                         every set that is rendered or prepared
  python benchmarks/data.py --sets dsprites,noisy_dsprites --batches 50
  python benchmarks/data.py --real shapes3d_rendered=real.npz       imgs [N, H, W, C], classes [N, F]
  python benchmarks/data.py --markdown benchmarks/results/FILE.json
"""
BATCH = 64
SPRITES = "dsprites"  # what its variants are made from is prepared before theirs is timed
COLUMNS = (
    "data set", "factors", "source", "images", "MB", "of float32", "own MB", "s to prepare", "images/s", "by NumPy",
    "error beside real images",
)  # fmt: skip


def measure(name: str, root: Path | None, batches: int, real: Path | None) -> dict[str, Any]:
    """A row; runs in a process of its own, because memory is counted for a process."""
    facts = data.facts(name, root)
    row = {
        "name": name,
        "factor_sizes": facts.factor_sizes,
        "source": "rendered" if name in DATASETS else "published or own",
    }
    if name in DATASETS:
        with tempfile.TemporaryDirectory() as fresh:
            fresh = Path(fresh)
            if name.endswith(SPRITES) and name != SPRITES and cache.has(SPRITES, root):
                (fresh / "dsprites.bin").symlink_to((cache.folder(root) / "dsprites.bin").absolute())
            if name == "scream_dsprites":
                for picture in cache.folder(root).glob("scream.*"):
                    (fresh / picture.name).symlink_to(picture.absolute())
            start = time.perf_counter()
            data.load(name, fresh)
            row["prepare_seconds"] = time.perf_counter() - start
    loaded = data.load(name, root)
    pixels = loaded.num_images * math.prod(loaded.input_shape)
    row |= {"num_images": loaded.num_images, "bytes": loaded.storage.nbytes, "float32_bytes": 4 * pixels}
    row |= delivered(loaded, batches)
    if real is not None:
        row["error"] = error(loaded, real)
    return row


def is_here(name: str, root: Path | None) -> bool:
    """Whether a set can be measured: it is prepared, or is rendered from what is here."""
    if name == "scream_dsprites":
        return any(cache.folder(root).glob("scream.*"))
    return name in DATASETS or cache.has(name, root)


def absent(name: str) -> dict[str, Any]:
    """A row of a set that is not here: what it will have when it is prepared."""
    from disentanglement_study.data.published.originals import ORIGINALS

    facts = data.CATALOGUE[name]
    row = {"name": name, "factor_sizes": facts.factor_sizes, "source": "needs a picture"}
    number, shape, packed = math.prod(facts.factor_sizes), facts.input_shape, True
    if name in ORIGINALS:
        row["source"], packed = "published", ORIGINALS[name].binary
        number *= ORIGINALS[name].repeats
    pixels = number * math.prod(shape)
    num_bytes = number * shape[0] * shape[1] // 8 if packed else pixels
    return {**row, "num_images": number, "bytes": num_bytes, "float32_bytes": 4 * pixels}


def delivered(loaded: data.DataSet, batches: int) -> dict[str, float]:
    """Images a second, as float32 in [0, 1]: in a compiled loop, and from NumPy batch by batch (of sets that can)."""
    import jax
    import jax.numpy as jnp

    from disentanglement_study import rng
    from disentanglement_study.training.inputs import to_float

    jax.block_until_ready(jnp.zeros(1))  # the runtime's own memory is not the data set's
    before = own_bytes()
    storage = jax.device_put(loaded.storage, may_alias=True)

    @jax.jit
    def loop(storage, first, count):
        def step(i, total):
            key = jax.random.fold_in(rng.key(0, "benchmark"), first + i)
            index = jax.random.randint(key, (BATCH,), 0, loaded.num_images)
            images = to_float(loaded.render(storage, index, jax.random.split(key, BATCH)), loaded.input_shape[0])
            # All pixels are needed, and as they are where a net reads them: in memory.
            return total + jax.lax.optimization_barrier(images)

        return jax.lax.fori_loop(0, count, step, jnp.zeros((BATCH, *loaded.input_shape)))

    loop(storage, 0, 2).block_until_ready()
    start = time.perf_counter()
    loop(storage, 2, batches).block_until_ready()
    on_device = time.perf_counter() - start
    grown = own_bytes() - before
    row = {"images_per_second": BATCH * batches / on_device, "own_bytes": grown}
    if loaded.nuisance is None:
        draws = np.random.default_rng(0)
        start = time.perf_counter()
        for _ in range(batches):
            images = loaded.images(draws.integers(loaded.num_images, size=BATCH))
            jnp.asarray(images.astype(np.float32) / 255).block_until_ready()
        row["numpy_images_per_second"] = BATCH * batches / (time.perf_counter() - start)
    return {**row, "backend": jax.default_backend(), "device": jax.devices()[0].device_kind}


def own_bytes() -> int:
    """Memory of this process that no file stands behind: pages of the mapped set are shared and can be dropped."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return 0


def error(loaded: data.DataSet, path: Path) -> dict[str, float]:
    """Rendered beside real images: an npz file with `imgs` [N,H,W(,C)], and `index` [N] or `classes` [N,F]."""
    with np.load(path) as file:
        real = file["imgs"]
        index = file["index"] if "index" in file else np.ravel_multi_index(file["classes"].T, loaded.factor_sizes)
    real = real.reshape(len(real), *loaded.input_shape)
    real = real * np.uint8(255) if real.max() <= 1 else real
    ours = loaded.images(index)
    off = np.abs(ours.astype(np.int16) - real)
    by_image = off.mean(axis=(1, 2, 3))
    return {
        "images": len(real),
        "median": float(np.median(by_image)),
        "worst": float(by_image.max()),
        "exact_images": int((by_image == 0).sum()),
        "wrong_pixels": int(off.any(axis=-1).sum()),
    }


def in_process(name: str, options: argparse.Namespace, real: dict[str, Path]) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", name, "--batches", str(options.batches)]
    command += ["--data-dir", str(options.data_dir)] if options.data_dir else []
    command += ["--real", f"{name}={real[name]}"] if name in real else []
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = " ".join(done.stderr.split()).rpartition("error: ")[2]  # wrapped, as for a terminal
        return {"name": name, "failed": reason(RuntimeError(said))}
    return json.loads(done.stdout)


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    if "failed" in row:
        return (row["name"], "", f"failed: {row['failed']}", *[""] * (len(COLUMNS) - 3))
    return (
        row["name"],
        " x ".join(map(str, row["factor_sizes"])),
        row["source"],
        f"{row['num_images']:,}",
        f"{row['bytes'] / 1e6:,.1f}",
        f"1/{row['float32_bytes'] / row['bytes']:.0f}",
        f"{row['own_bytes'] / 1e6:.0f}" if "own_bytes" in row else "",
        f"{row['prepare_seconds']:.1f}" if "prepare_seconds" in row else "",
        f"{row['images_per_second']:,.0f}" if "images_per_second" in row else "",
        f"{row['numpy_images_per_second']:,.0f}" if "numpy_images_per_second" in row else "",
        _error(row.get("error")),
    )


def _error(found: dict[str, float] | None) -> str:
    if found is None:
        return ""
    if found["exact_images"] > found["images"] / 2:
        return f"{found['exact_images']:,} of {found['images']:,} exact, {found['wrong_pixels']} pixels wrong"
    return f"median {found['median']:.2f}, worst {found['worst']:.2f} of 255 ({found['images']} images)"


def sections(result: dict[str, Any]) -> list[Section]:
    note = (
        "MB: on disk and on the device, and as a share of all images as float32. Own MB: the memory of a process on a "
        "CPU that it does not share. Variants of dSprites use its file, and their seconds do not count it. No speed is "
        "shown for a set that was not available."
    )
    return [Section("Data sets", COLUMNS, 3, [cells(row) for row in result["rows"]], note)]


def caption(result: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    at = f"{result['date']}, commit {result['commit']}" if result["commit"] else result["date"]
    return f"{result['device']}, one thread, batches of {BATCH}, {at}; {versions}."


def markdown(result: dict[str, Any]) -> str:
    """A stored result for a README."""
    return tables.markdown([caption(result)], sections(result))


@command
def main(argv: list[str] | None = None) -> None:
    parser = Parser(description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", metavar="NAMES", help="separated by commas (default: all that are here)")
    parser.add_argument("--data-dir", metavar="DIR", type=Path, help="where data sets are kept (default: user cache)")
    parser.add_argument("--batches", type=int, default=400, help="in the timed loop (default 400)")
    parser.add_argument("--real", metavar="NAME=FILE", action="append", default=[], help="real images to compare with")
    parser.add_argument("--output", metavar="FILE", type=Path, help="default: a new file in benchmarks/results")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="print a stored result and stop")
    parser.add_argument("--one", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.batches < 1:
        raise ValueError(f"--batches {options.batches}: it has to be above 0")
    if options.markdown:
        print(markdown(load(options.markdown, "data")))
        return
    real = {name: Path(file) for name, _, file in (text.partition("=") for text in options.real)}
    if options.one:
        print(json.dumps(measure(options.one, options.data_dir, options.batches, real.get(options.one))))
        return
    everything = data.names(options.data_dir)
    known("data set", real, everything)
    rows = []
    for name in known("data set", options.sets.split(",") if options.sets else everything, everything):
        rows.append(in_process(name, options, real) if is_here(name, options.data_dir) else absent(name))
        ERR.print(", ".join(filter(None, cells(rows[-1]))))
    now = datetime.datetime.now()
    versions = {name: version(name) for name in ("jax", "numpy", "numba")} | {"python": platform.python_version()}
    measured = [row for row in rows if "backend" in row]
    backend = measured[0]["backend"] if measured else "none"
    device = cpu_name() if backend == "cpu" else measured[0]["device"] if measured else "none"
    result = {"benchmark": "data", "date": f"{now:%Y-%m-%d %H:%M}", "commit": commit(), "device": device}
    result |= {"versions": versions, "rows": rows}
    tables.show(sections(result), OUT)
    path = options.output or new_file(HERE / "results", "data", backend, device, now)
    save(result, path)
    OUT.print(f"\n{path}")


if __name__ == "__main__":
    sys.exit(main())
