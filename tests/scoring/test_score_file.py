"""`evaluate FILE`: files without factors, with real-valued ones, and the options of metrics."""

import numpy as np
import pytest

from disentanglement_study import cli
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import parse_options

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(300, 3))
REAL = CODES[:, :2] + 0.1 * RNG.normal(size=(300, 2))
WHOLE = RNG.integers(4, size=(300, 2))


@pytest.fixture
def score(tmp_path, capsys):
    """`score(arrays, options...)`: the exit code, what went to stdout, and what went to stderr, in one line each."""

    def run(arrays, *options):
        np.savez(tmp_path / "codes.npz", **arrays)
        code = cli.main(["evaluate", str(tmp_path / "codes.npz"), *options])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_codes_alone_have_the_scores_that_need_no_factors(score):
    code, out, _ = score({"codes": CODES}, "--metrics", "unsupervised")
    assert code == 0
    assert "gaussian_total_correlation" in out
    with_factors = score({"codes": CODES, "factors": WHOLE}, "--metrics", "unsupervised", "--csv")[1]
    without = score({"codes": CODES}, "--metrics", "unsupervised", "--csv")[1]
    assert [line.split(",")[:3] for line in with_factors.splitlines()] == [
        line.split(",")[:3] for line in without.splitlines()
    ]


def test_all_metrics_of_codes_alone_are_one_and_the_others_are_named_in_a_line(score):
    code, out, err = score({"codes": CODES})
    assert code == 0
    assert "unsupervised" in out
    assert "mig " not in out
    (line,) = err.strip().splitlines()
    assert f"{len(METRICS) - 1} metrics are left out: it has no array 'factors' (there are: codes)" in line
    assert "mig, " in line


def test_a_metric_that_needs_factors_is_refused_by_name_without_them(score):
    code, _, err = score({"codes": CODES}, "--metrics", "mig,unsupervised")
    assert code == 2
    (line,) = err.strip().splitlines()
    assert "these metrics need factors: mig; the metrics that apply: unsupervised" in line


def test_real_valued_factors_are_scored_by_the_metrics_that_are_defined_for_them(score):
    code, out, err = score({"codes": CODES, "factors": REAL}, "--all-scores")
    assert code == 0
    for shown in ("mcc", "spearman", "weak", "sap_score", "r2_linear", "r2_boosted", "gaussian_total_correlation"):
        assert shown in out
    (line,) = err.strip().splitlines()
    assert "metrics are left out: factors must be integers, got float64, for these metrics: beta_vae_score, " in line
    assert "mcc" not in line


def test_a_metric_of_categories_is_refused_by_name_for_real_factors(score):
    code, _, err = score({"codes": CODES, "factors": REAL}, "--metrics", "mig")
    assert code == 2
    assert "for these metrics: mig; the metrics that apply: dci_es, mcc, r2, sap_score, unsupervised" in err
    _, _, err = score({"codes": CODES, "factors": WHOLE.astype(float)}, "--metrics", "mig")
    assert "whole numbers: factors.astype(int) would do" in err


def test_factors_that_are_not_finite_are_named(score):
    factors = REAL.copy()
    factors[7, 1] = np.nan
    code, _, err = score({"codes": CODES, "factors": factors}, "--metrics", "mcc")
    assert code == 2
    assert "factors must be finite: factor 1 is nan at point 7" in err


def value(out, name):
    return float(next(line for line in out.splitlines() if line.split(",")[1] == name).split(",")[2])


def test_options_reach_their_metric(score):
    arrays = {"codes": CODES, "factors": WHOLE}
    default = score(arrays, "--metrics", "mig,jemmig", "--csv")[1]
    coarse = score(arrays, "--metrics", "mig,jemmig", "--csv", "--option", "mig.num_bins=4")[1]
    assert value(default, "mig") != value(coarse, "mig")
    assert value(default, "jemmig") == value(coarse, "jemmig")
    both = ("--option", "jemmig.num_bins=100", "--option", "jemmig.limits=(-4, 4)")
    assert value(score(arrays, "--metrics", "jemmig", "--csv", *both)[1], "jemmig") != value(default, "jemmig")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("mig.num_bin=4", "unknown option of metric 'mig' 'num_bin': did you mean 'num_bins'?"),
        ("mgi.num_bins=4", "unknown metric 'mgi': did you mean 'mig'?"),
        ("mig.num_bins=1", "metric 'mig': num_bins = 1: expected int (2 or more"),
        ("mig.num_bins=x", "metric 'mig': num_bins = 'x': expected int"),
        ("mig.num_bins", "expected METRIC.NAME=VALUE, such as mig.num_bins=30"),
        ("num_bins=4", "expected METRIC.NAME=VALUE"),
        ("dci.num_stages=5", "an option is given for dci, which is not among the metrics (mig)"),
    ],
)
def test_options_that_are_none_are_one_line(score, option, said):
    code, _, err = score({"codes": CODES, "factors": WHOLE}, "--metrics", "mig", "--option", option)
    assert code == 2
    (line,) = err.strip().splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("higgins_score.num_classifiers=1", "metric 'higgins_score': discarded = 0.5 of num_classifiers = 1"),
        ("higgins_score.excluded=[9]", "metric 'higgins_score': excluded names the factor 9: expected 0 to "),
    ],
)
def test_options_that_do_not_go_together_are_one_line_before_anything_is_scored(score, option, said):
    arrays = {"codes": CODES, "factors": WHOLE}
    code, out, err = score(arrays, "--metrics", "mig,higgins_score", "--option", option)
    assert (code, out) == (2, "")
    (line,) = err.strip().splitlines()
    assert said in line


def test_values_of_options_are_as_python_has_them_or_text():
    texts = ["dci.num_stages=50", "dci.backend=exact", "rmig.limits=(-3, 3.5)", "sap_score.continuous_factors=True"]
    assert parse_options(texts) == {
        "dci": {"num_stages": 50, "backend": "exact"},
        "rmig": {"limits": (-3.0, 3.5)},
        "sap_score": {"continuous_factors": True},
    }
