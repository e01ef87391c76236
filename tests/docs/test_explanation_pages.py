"""The pages that explain say what the committed numbers and the registries of the program give."""

import json
import re
from statistics import mean, median

import pages
import pandas as pd

from disentanglement_study.analysis import tables
from disentanglement_study.analysis.rows import with_method
from disentanglement_study.config import TrainConfig
from disentanglement_study.methods.vae import num_updates
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import metric_options
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.runtime import population
from disentanglement_study.study import components, plan
from disentanglement_study.study.dispatch import pile

IDENTITY, POPULATIONS, PROTOCOLS = (
    " ".join(pages.read(f"docs/explanation/{name}.md").split()) for name in ("identity", "populations", "protocols")
)


def measured(name):
    return json.loads(pages.read(f"benchmarks/results/{name}.json"))


def test_the_ids_of_the_page_are_those_of_the_quick_study():
    text = pages.read("docs/explanation/identity.md")
    (printed,) = [block.text for block in pages.blocks(text) if block.language == "text" and "beta_vae {" in block.text]
    first = plan.expand(components.load("quick"))[:2]
    assert printed.splitlines() == [f"{run.run_id} {run.method} {run.hyper} {run.seed}" for run in first]


def test_rounding_and_the_spread_are_those_that_were_measured():
    full = pd.read_parquet(pages.ROOT / "results/full_size/results.parquet")
    own = full[(full["train.steps"] == 2500) & (full["representation"] == "mean")].set_index("score")["value"]
    assert f"has MIG {own['mig']:.2f} and DCI {own['dci']:.2f} on one core" in IDENTITY
    small = with_method(pd.read_parquet(pages.ROOT / "results/small/results.parquet"))
    learnt = small[small["data_set"].isin(["dsprites", "color_dsprites", "shapes3d_rendered"])]
    sd = tables.detectable_difference(learnt).query("data_set == 'all' and score == 'mig'")["sd"].iloc[0]
    assert f"for MIG is {sd:.3f} on" in IDENTITY


def test_the_speeds_on_a_cpu_are_those_that_were_measured():
    found = measured("training-cpu-intel-xeon-processor-2026-11-22-3")
    ms = {name: median(1000 * turn[name] for turn in found["contest"]["rounds"]) for name in found["contest"]["flops"]}
    tuned, eager = ms["PyTorch eager, malloc tuned"], ms["PyTorch eager"]
    said = f"takes {ms['ours']:.0f} ms, PyTorch's {tuned:.0f} ms (with the allocator tuned) or {eager:.0f} ms"
    assert said in POPULATIONS
    megabytes = {
        (row["objective"], row["models"]): f"{(row['temp_bytes'] + row['argument_bytes']) / 2**20:.0f} MB"
        for row in found["rows"]
    }
    one, four, sixteen = (megabytes["beta_vae", models] for models in (1, 4, 16))
    assert f"{one} for one model, {four} for 4, {sixteen} for 16" in POPULATIONS
    assert f"{megabytes['factor_vae', 4]} for 4" in POPULATIONS
    forms = measured("training-cpu-intel-xeon-processor-2026-11-22-2")["rows"]
    seconds = {row["form"]: median(row["seconds"]) for row in forms}
    ratios = [seconds[form] / seconds["mixed"] for form in ("patches", "blocks", "xla")]
    assert (
        "{:.1f} times as long with `patches`, {:.1f} times with `blocks` and {:.0f} times".format(*ratios)
        in POPULATIONS
    )


def test_the_bytes_on_a_gpu_are_those_that_the_compiler_counted():
    found = measured("predicted-training-gpu-nvidia-h100-80gb-hbm3-2026-11-30")["rows"]
    megabytes = {row["case"]: f"{row['bytes'] / 1e6:.0f}" for row in found}
    days = {row["case"]: f"{row['predicted_days']:.1f}" for row in found}
    least, patches, blocks = (megabytes[f"beta_vae/{form}"] for form in ("least", "patches", "blocks"))
    assert (
        f"`least` moves {least} MB for each model and update, `patches` {patches} and `blocks` {blocks}" in POPULATIONS
    )
    said = f"is {days['beta_vae/least']} days for 12,600 models if all were β-VAE; FactorVAE, the most expensive,"
    assert f"{said} {days['factor_vae/least']}" in POPULATIONS


def test_the_rules_for_the_size_of_a_population_and_of_jobs_are_those_of_the_code():
    assert f"more than {population.USABLE:.0%} of".replace("%", " %") in POPULATIONS
    assert f"less than {population.WORTH:.0%} of".replace("%", " %") in POPULATIONS
    assert (pile.SHORTEST_SECONDS, pile.COMPILATIONS) == (60, 10)
    assert "takes a minute, and ten times as long as compiling" in POPULATIONS


def test_the_accuracies_of_both_protocols_are_those_of_the_reference():
    golden = json.loads(pages.read("tests/metrics/golden/downstream.json"))

    def accuracy(era, codes):
        return f"{mean(golden[era][codes]['logistic_regression']['1000']['test']):.2f}"

    perfect, like_a_vae = ([accuracy(era, codes) for era in ("sk020", "sk19")] for codes in ("identity", "vae_like"))
    assert "is {} that way, and {} with".format(*perfect) in PROTOCOLS
    assert "like those of a VAE, {} and {}".format(*like_a_vae) in PROTOCOLS


def test_the_metrics_with_a_protocol_and_with_another_version_are_all_there():
    table = pages.read("docs/explanation/protocols.md").partition("## Versions of metrics")[2].partition("\n## ")[0]
    named = re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if line[:3] == "| `"))
    assert sorted(named) == sorted(name for name, metric in METRICS.items() if metric.version != "1")
    assert {METRICS[name].version for name in named} == {"2"}
    with_protocol = {name for name in METRICS if "protocol" in metric_options(name)}
    assert with_protocol == {"beta_vae_score", "explicitness", "downstream_logistic_regression", "irs"}


def test_the_protocol_halves_the_updates_of_factor_vae_alone():
    train = TrainConfig()
    for name, objective in OBJECTIVES.items():
        updates = [num_updates(train, objective, protocol) for protocol in ("dlib", "paper")]
        assert updates == [train.steps // (2 if name == "factor_vae" else 1), train.steps]
    assert "about 150,000 of 300,000" in PROTOCOLS
