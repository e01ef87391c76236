"""The commands `list` and `explain`."""

import json
import re
import subprocess
import sys

import pytest

from disentanglement_study import cli, describe
from disentanglement_study.runtime.terminal import OUT


def said(capsys, *arguments: str) -> str:
    assert cli.main([*arguments]) == 0
    return capsys.readouterr().out


def test_list_says_what_kinds_there_are_and_how_to_go_on(capsys):
    lines = said(capsys, "list").splitlines()
    kinds = [line.split()[:2] for line in lines[: len(describe.KINDS)]]
    assert kinds == [[kind, str(len(describe.names(kind)))] for kind in describe.KINDS]
    assert lines[-1] == "Next: disentanglement-study list KIND, and disentanglement-study explain NAME."


@pytest.mark.parametrize("kind", describe.KINDS)
def test_list_has_an_aligned_line_for_each(capsys, kind):
    lines = said(capsys, "list", kind).splitlines()
    names = describe.names(kind)
    width = max(map(len, names)) + 2
    assert [line[:width].rstrip() for line in lines] == names
    assert [line[width:] for line in lines] == [describe.line(kind, name) for name in names]


def test_lines_are_cut_to_the_width_of_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(OUT, "_force_terminal", True)
    monkeypatch.setattr(OUT, "_width", 60)
    lines = said(capsys, "list", "tables").splitlines()
    assert max(map(len, lines)) <= 60
    assert any(line.endswith("…") for line in lines)
    assert [line.split()[0] for line in lines] == describe.names("tables")


def test_metrics_are_in_the_order_of_the_papers(capsys):
    names = [line.split()[0] for line in said(capsys, "list", "metrics").splitlines()]
    assert names[:4] == ["beta_vae_score", "factor_vae_score", "mig", "dci"]


def test_json_has_the_same(capsys):
    kinds = json.loads(said(capsys, "list", "--json"))
    assert {one["kind"]: one["number"] for one in kinds}["sweeps"] == len(describe.names("sweeps"))
    rows = json.loads(said(capsys, "list", "methods", "--json"))
    assert [row["name"] for row in rows] == describe.names("methods")
    (mig,) = json.loads(said(capsys, "explain", "mig", "--json"))
    assert (mig["kind"], mig["source"]) == ("metrics", "Chen et al. 2018")
    assert {"name": "num_bins", "may_be": "int (2 or more, at most 100000)", "default": "20", "about": ""} in mig[
        "options"
    ]
    (option,) = json.loads(said(capsys, "explain", "mig.num_bins", "--json"))
    assert option["option"] == "num_bins"


def test_explain_says_all_of_a_metric(capsys):
    text = said(capsys, "explain", "mig")
    assert text.startswith("mig (metric): MIG\nHow far is a factor's best code ahead?\n\nsource   Chen et al. 2018\n")
    assert re.search(r"^range    0 to 1, higher is better$", text, re.MULTILINE)
    assert re.search(r"^num_bins +int \(2 or more, at most 100000\) +20", text, re.MULTILINE)
    assert "\nIn a sweep:\n  evaluate.metrics = ['mig']\n  mig.num_bins = 20\n" in text
    assert "\nIn Python:\n  from disentanglement_study import metrics\n  metrics.mig(codes, factors)\n" in text
    assert "disentanglement_study/metrics/mig.py" in text


@pytest.mark.parametrize("name", ["beta_vae", "dsprites", "transitions", "conv_encoder", "quick", "train", "results"])
def test_explain_says_what_the_entry_says(capsys, name):
    ((entry, _),) = describe.find(name)
    text = " ".join(said(capsys, "explain", name).split())
    assert text.startswith(f"{name} (")
    assert entry.about in text
    for fact in entry.facts.values():
        assert " ".join(fact.replace("`", "").split()) in text
    for line in (*entry.in_sweep, *entry.commands, *entry.in_python, *entry.text.split("\n")):
        assert " ".join(line.split()) in text


def test_equations_and_lists_stay_as_they_are(capsys):
    text = said(capsys, "explain", "tcl")
    assert "\n    loss = -mean log softmax_k(Σ_i w_ki |h_i(x)| + b_k) + weight_decay ½ Σ W²,    nats\n" in text


def test_explain_shows_all_parts_of_a_name_or_those_of_a_kind(capsys):
    both = said(capsys, "explain", "transfer")
    assert "transfer (figure)" in both
    assert "transfer (table)" in both
    assert "transfer (figure)" not in said(capsys, "explain", "transfer", "--kind", "tables")


def test_explain_says_what_an_option_or_a_setting_may_be(capsys):
    text = said(capsys, "explain", "mig.num_bins")
    assert "may be   int (2 or more, at most 100000)\ndefault  20\n" in text
    assert said(capsys, "explain", "train.steps").startswith("train.steps (setting)\nThe number of updates.\n")
    assert "default  none: a sweep must say it" in said(capsys, "explain", "beta_vae.beta")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "beta_vea"], "error: unknown name 'beta_vea': did you mean 'beta_vae'?"),
        (["explain", "mig", "--kind", "method"], "error: unknown kind 'method': did you mean 'methods'?"),
        (["explain", "mig.bins"], "error: unknown option of 'mig' 'bins': did you mean 'num_bins'?"),
        (["list", "metric"], "error: unknown kind 'metric': did you mean 'metrics'?"),
    ],
)
def test_what_there_is_not_is_one_line_with_the_nearest(capsys, arguments, message):
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(message)
    assert error.count("\n") == 1


def test_lists_are_fast_for_they_import_nothing_heavy():
    program = (
        "import sys\n"
        "from disentanglement_study import cli\n"
        "assert cli.main(['list']) == 0\n"
        f"for kind in {[*describe.KINDS]}:\n"
        "    assert cli.main(['list', kind]) == 0\n"
        "heavy = ['jax', 'matplotlib', 'pandas', 'scipy', 'sklearn', 'numba', 'ray', 'duckdb', 'pyarrow']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
