"""What the program says about costs, `disentanglement_study/describe/costs.json`, from the latest results on a CPU.

    python benchmarks/costs.py

Run it when a new result of training.py, ica.py, metrics.py or data.py is kept, or a net changes; tests compare both.
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # where the package is not installed

from common import HERE, OUT, save

from disentanglement_study import methods
from disentanglement_study.describe import costs
from disentanglement_study.study import components, cost

IMAGES = "batches of 64 images of 64x64 pixels, the nets of the study of 2019"
SOURCES = "batches of 500 or 512 points of 5 sources, one model on one core"
# What a model is counted for, by whether it takes images: its settings, the shape of an input, what is known beside it.
OF_IMAGES = "", (64, 64, 1), (3, 6, 40, 32, 32), {}
OF_VECTORS = (
    "nets.num_latents = 5\nnets.encoder = 'mlp'\nnets.decoder = 'mlp'\ntrain.batch_size = 500\n",
    (5,),
    (20,) * 5,
    {"segment": 40, "time": 20_480},
)
INPUTS = {"images": "64 images of 64x64x1 pixels", "vectors": "500 points of 5 sources"}


def table(results: Path) -> dict[str, Any]:
    """The table of the results in a folder."""
    metrics, training, ica, data = (_latest(results, name) for name in ("metrics", "training", "ica", "data"))
    sizes = metrics["sizes"]
    points = f"{sizes['num_train']:,} train and {sizes['num_test']:,} test points, {sizes['codes']} codes"
    of_vaes = {row["objective"]: _median(row["seconds"]) for row in training["rows"] if row["population"] == 4}
    of_ica = {row["method"]: row["seconds"]["1"] for row in ica["rows"]}
    return {
        "metrics": {**_where(metrics), "of": points, "seconds": _rounded(_medians(metrics["metrics"]))},
        "methods": [
            {**_where(training), "of": IMAGES, "seconds": _rounded(of_vaes)},
            {**_where(ica), "of": SOURCES, "seconds": _rounded(of_ica)},
        ],
        "data": {
            **_where(data),
            "bytes": {row["name"]: row["bytes"] for row in data["rows"]},
            "images": {row["name"]: row["num_images"] for row in data["rows"]},
        },
    }


def size(name: str) -> dict[str, Any]:
    """The parameters of a model with default settings, and GFLOP an update, of images if the method takes them."""
    try:
        kind, (_, parameters, gflop) = "images", _of_model(name, *OF_IMAGES)
    except ValueError:
        kind, (_, parameters, gflop) = "vectors", _of_model(name, *OF_VECTORS)
    return {"parameters": parameters, "gflop": float(f"{gflop:.3g}"), "of": INPUTS[kind]}


def _of_model(name: str, text: str, shape: tuple, factor_sizes: tuple, auxiliary: dict) -> tuple[int, int, float]:
    sampling = "".join(f"train.sampling = '{draw}'\n" for draw in methods.METHODS[name].draws[:1])
    sweep = f"sweep.data_sets = ['dsprites']\nsweep.methods = ['{name}']\nsweep.seeds = 1\n"
    inputs = methods.inputs_of(shape, factor_sizes, 64, auxiliary)
    return cost.of_method(name, components.load(sweep + text + sampling), inputs)


def _latest(results: Path, benchmark: str) -> dict[str, Any]:
    found = [json.loads(file.read_text()) for file in results.glob(f"{benchmark}-cpu-*.json")]
    return max(found, key=lambda result: result["date"])


def _where(result: dict[str, Any]) -> dict[str, str]:
    device = result["device"]
    kind = device if isinstance(device, str) else f"{device['kind']}, {device['cores']} cores"
    return {"date": result["date"][:10], "commit": result["commit"], "device": kind.replace(", 1 cores", ", 1 core")}


def _medians(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {row["metric"]: _median(row["seconds"]) for row in rows}


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.3g}") for name, value in values.items()}


if __name__ == "__main__":
    save(table(HERE / "results") | {"sizes": {name: size(name) for name in methods.METHODS}}, costs.FILE)
    OUT.print(str(costs.FILE), soft_wrap=True)
