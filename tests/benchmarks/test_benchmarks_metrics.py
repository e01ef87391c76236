"""The benchmark of metrics: that it measures what it says, keeps what it measured, and makes tables of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.estimators.boosting_arrays import presort

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import metrics
import metrics_report as report
import training


def cells(markdown):
    """{label: the other cells} of all tables."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in markdown.splitlines() if line.startswith("|")]
    return {name: rest for name, *rest in rows}


@pytest.fixture
def run(tmp_path):
    """Runs the command; gives its exit code and the results on file."""
    files = []

    def run(*arguments):
        code = metrics.main([*arguments, "--out", str(tmp_path / "results")])
        files.extend(set((tmp_path / "results").glob("*.json")) - set(files))  # in the order of their runs
        return code, [json.loads(file.read_text()) for file in files]

    return run


# What is timed.


def test_codes_are_like_those_of_a_vae():
    factors = metrics.grid((3, 6, 8, 4, 4))
    codes = metrics.encode(factors)
    assert codes.shape == (2304, 10)
    assert codes.dtype == np.float32
    related = np.abs(np.corrcoef(codes.T, factors.T)[:10, 10:])
    assert (related[:8].argmax(axis=1) == np.arange(8) % 5).all()
    assert related[:8].max(axis=1).min() > 0.5 > 0.1 > related[8:].max()
    np.testing.assert_array_equal(codes, metrics.encode(factors))
    presort(codes)  # the trees take them as they are


def test_the_sizes_are_those_of_the_study():
    options = metrics.parser().parse_args([])
    bench = metrics.prepare(options)
    assert bench.result["sizes"] == {
        "num_train": 10_000, "num_test": 5_000, "codes": 10, "noise": 2, "factors": (3, 6, 40, 32, 32),
        "rows": 737_280, "points": 2000,
    }  # fmt: skip
    assert [spec for part, spec, _ in bench.rows if part == "metrics"][: len(report.STUDY)] == list(report.STUDY)
    assert {spec for part, spec, _ in bench.rows if part == "metrics"} == set(METRICS)
    assert bench.rounds == 3
    assert metrics.prepare(metrics.parser().parse_args(["--full"])).sizes.points == 10_000
    train_codes, train_factors, test_codes, test_factors = metrics.split(300, (2, 3), 5)
    assert (train_codes.shape, train_factors.shape) == ((300, 5), (300, 2))
    assert (test_codes.shape, test_factors.shape) == ((150, 5), (150, 2))


def test_time_is_of_the_processor(monkeypatch):
    clock = iter([2.0, 5.5])
    monkeypatch.setattr(metrics.time, "process_time", lambda: next(clock))
    assert metrics.cpu_seconds(sum, range(2_000_000)) == (3.5, 1999999000000)


# The command.


@pytest.mark.slow
def test_a_quick_run_leaves_a_result_that_reads_in_markdown(run, capsys, tmp_path):
    code, (result,) = run("--quick", "--metrics", "sap_score,factor_vae_score,mig,dci")
    assert code == 0
    out = capsys.readouterr().out
    assert all(len(line.rstrip()) <= 110 for line in out.splitlines()[:-1])
    assert "QUICK" in out

    assert [row["metric"] for row in result["metrics"]] == ["factor_vae_score", "mig", "dci", "sap_score"]
    assert all(len(row["seconds"]) == 1 and row["seconds"][0] > 0 for row in result["metrics"])
    assert [row["fit"] for row in result["contest"]] == list(metrics.CONTEST)
    for row in result["contest"]:
        # Which is faster is for the benchmark to say: here nothing depends on the machine.
        assert all(set(each) == {"ours", "scikit-learn"} and min(each.values()) > 0 for each in row["rounds"])
        assert max(row["differences"].values()) < 0.05
    assert [(row["axis"], row["size"]) for row in result["growth"]] == [
        ("samples", 100), ("samples", 300), ("codes", 5), ("codes", 10), ("classes", 2), ("classes", 10),
    ]  # fmt: skip
    assert set(result["versions"]) == {"numpy", "scipy", "scikit-learn", "numba", "python"}

    (file,) = (tmp_path / "results").glob("metrics-cpu-*.json")
    assert metrics.main(["--markdown", str(file)]) == 0
    shown = capsys.readouterr().out
    table = cells(shown)
    assert {"mig", "boosted trees", "explicitness", "300", "5"} <= set(table)
    assert "CPU seconds a model" not in shown
    assert training.main(["--markdown", str(file)]) == 2
    assert "is no result of this benchmark, but of metrics.py" in capsys.readouterr().err


@pytest.fixture
def fake(monkeypatch):
    """Metrics cost nothing and take known times, or raise what they are told to."""
    times = dict.fromkeys(METRICS, 1.0)

    def score(name, *table):
        if isinstance(times[name], BaseException):
            raise times[name]

    monkeypatch.setattr(metrics, "score", score)
    monkeypatch.setattr(metrics, "grid", lambda sizes: np.indices((2, 2)).reshape(2, -1).T)
    monkeypatch.setattr(metrics, "cpu_seconds", lambda function, name, *rest: (times[name], function(name, *rest)))
    return times


def test_a_model_costs_the_studys_metrics_on_both_representations(fake, run, capsys):
    fake["dci"], fake["strong_downstream"] = 10.0, 1000.0
    code, (result,) = run("--parts", "metrics", "--rounds", "1")
    assert code == 0
    assert "38.0 CPU seconds a model; the goal is 60, disentanglement_lib took 1,560" in report.markdown(result)
    assert cells(report.markdown(result))["strong_downstream"] == ["table", "1,000", "1,000–1,000"]
    _, (*_, result) = run("--parts", "metrics", "--rounds", "1", "--metrics", "mig")
    assert report.total(result) == ""


def test_a_metric_that_fails_is_a_row_and_the_others_are_measured(fake, run, capsys):
    fake["mig"] = ValueError("no codes")
    code, (result,) = run("--parts", "metrics", "--metrics", "mig,dci")
    assert len(result["metrics"][1]["seconds"]) == 3
    assert code == 1
    assert "mig: failed: no codes" in capsys.readouterr().out
    assert cells(report.markdown(result))["mig"][1] == "failed"
    assert cells(report.markdown(result))["dci"][1] == "1.00"


def test_an_error_inside_a_metric_is_named():
    table = metrics.encode(metrics.grid((2, 3))), np.zeros((6, 2), int), 5, 5
    with pytest.raises(RuntimeError, match="Error: "):
        metrics.score("mig", *table)


def test_what_was_measured_before_an_interruption_is_kept(fake, run):
    fake["dci"] = KeyboardInterrupt()
    code, (result,) = run("--parts", "metrics", "--metrics", "study")
    assert code == metrics.INTERRUPTED
    assert [row["metric"] for row in result["metrics"]] == ["beta_vae_score", "factor_vae_score", "mig"]


def test_scikit_learns_share_is_taken_in_each_round():
    rounds = [{"ours": 1.0, "scikit-learn": 10.0}, {"ours": 2.0, "scikit-learn": 10.0}]
    row = {"fit": "boosted trees", "rounds": rounds, "differences": {"dci": 0.001, "completeness": 0.02}}
    assert report.contest_cells(row) == (
        "boosted trees", "1.50", "10.0", "7.5", "5.0–10.0", "2.0e-02 (completeness)",
    )  # fmt: skip


def test_the_libraries_of_the_command_have_one_thread():
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['metrics.py', '--rounds', '0']; sys.path.insert(0, {str(Path(metrics.__file__).parent)!r})\n"
        f"try:\n    runpy.run_path({metrics.__file__!r}, run_name='__main__')\n"
        "except SystemExit as end:\n    assert end.code == 2\n"
        "import threadpoolctl\n"
        "print(max(pool['num_threads'] for pool in threadpoolctl.threadpool_info()))\n"
    )
    env = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metrics", "migs"], "unknown metric 'migs': did you mean 'mig'?"),
        (["--parts", "metric"], "unknown part 'metric': did you mean 'metrics'?"),
        (["--parts", "growth", "--metrics", "mig"], "--metrics 'mig' is for the part metrics"),
        (["--rounds", "0"], "--rounds 0: it has to be above 0"),
        (["--points", "5"], "--points 5: at least 100"),
        (["--full", "--points", "500"], "not allowed with argument"),
        (["--frm", "x"], "unrecognized arguments: --frm x"),
        (["--markdown", "nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_input_is_one_line_that_names_it(arguments, message, capsys):
    assert metrics.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert message in err


def test_the_page_shows_a_stored_result():
    root = Path(__file__).parents[2]
    page = (root / "benchmarks" / "README.md").read_text()
    stored = [json.loads(path.read_text()) for path in root.glob("benchmarks/results/metrics-*.json")]
    tables = [report.markdown(result) for result in stored]
    shown = page[page.index("The study's metrics") : page.index("CPU seconds are of one thread")].splitlines()
    assert len([line for line in shown if line.startswith("|")]) == 5
    assert any(set(shown) <= set(table.splitlines()) | {""} for table in tables)
