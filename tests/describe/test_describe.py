"""What the program says of its parts: a line, a source, options and examples of each, and they are right."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from disentanglement_study import cli, describe
from disentanglement_study.analysis import figures, tables
from disentanglement_study.config import SECTIONS
from disentanglement_study.config.declared import check, words
from disentanglement_study.data import CATALOGUE, COMPUTED
from disentanglement_study.data.draws.sampling import options_of, samplings
from disentanglement_study.describe import registry
from disentanglement_study.describe.entry import cited, docstring, first_sentence, texts_of
from disentanglement_study.methods import METHODS
from disentanglement_study.metrics import COMPARED, METRICS
from disentanglement_study.metrics.settings import metric_options
from disentanglement_study.store import columns
from disentanglement_study.study import components, plan

ROOT = Path(__file__).parents[2]
ALL = [(kind, name) for kind in describe.KINDS for name in describe.names(kind)]
LONGEST = 100  # of a line: names of options and of papers may be long
each = pytest.mark.parametrize(("kind", "name"), ALL)


def registered() -> dict[str, set[str]]:
    return {
        "methods": {*METHODS},
        "metrics": {*METRICS, *COMPARED},
        "data": {*CATALOGUE, *COMPUTED},
        "samplings": {*samplings()},
        "nets": {*components._nets()},
        "sweeps": {path.stem for path in (ROOT / "sweeps").glob("*.gin")},
        "figures": {*figures.FIGURES, *figures.OF_TWO},
        "tables": {*tables.TABLES},
        "settings": {*SECTIONS, *(f"{name}.{field}" for name, of in SECTIONS.items() for field in of.__annotations__)},
        "columns": {*columns.TABLES, *(one.name for table in columns.TABLES.values() for one in table)},
    }


def test_every_part_is_there_once():
    for kind, names in registered().items():
        assert sorted(describe.names(kind)) == sorted(names), kind
    assert registered().keys() == describe.KINDS.keys()


@each
def test_it_has_a_line_a_source_and_its_code(kind, name):
    entry = describe.entry(kind, name)
    assert entry.about == describe.line(kind, name)
    assert len(entry.about) <= LONGEST
    assert re.fullmatch(r"""["`A-Zd3].*[.?]""", entry.about), entry.about  # "dSprites ...", "3D Shapes ..."
    assert re.search(r"\b(19|20)\d\d\b|disentanglement_lib|^none: .{5,}", entry.source) or kind == "figures", (
        entry.source
    )
    assert (ROOT / entry.code).is_file()
    assert entry.docstring
    assert entry.title
    assert entry.in_sweep or entry.commands or entry.in_python


@pytest.mark.parametrize(
    ("kind", "name"), [pair for pair in ALL if pair[0] in ("metrics", "samplings", "nets", "data")]
)
def test_defaults_are_within_the_ranges_that_are_said(kind, name):
    if name in COMPARED:
        return
    of = {"metrics": metric_options, "samplings": options_of, "data": of_data, "nets": of_net}[kind](name)
    said = {one.name: one for one in describe.entry(kind, name).options}
    assert said.keys() == of.keys()
    for option, parameter in of.items():
        assert said[option].may_be == words(parameter.annotation)
        if said[option].default:
            default = eval(said[option].default, {})
            assert check(option, default, parameter.annotation) == parameter.default


def of_data(name):
    return components._of_data_set(name) if name in COMPUTED else {}


def of_net(name):
    return components.kind_of(name).parameters(name)


@pytest.mark.parametrize("kind", [kind for kind in describe.KINDS if kind != "columns"])
def test_lines_of_a_sweep_are_read(kind):
    entries = [describe.entry(kind, name) for name in describe.names(kind)]
    for entry in entries:
        components.load("quick", [line for line in entry.in_sweep if not line.endswith("= ...")])
    assert any(entry.in_sweep for entry in entries) == (kind not in ("figures", "tables"))


@pytest.mark.parametrize("kind", describe.KINDS)
def test_commands_are_commands(kind):
    parser = cli.parser()
    for name in describe.names(kind):
        for command in describe.entry(kind, name).commands:
            program, *arguments = shlex.split(command)
            assert program == "disentanglement-study"
            parser.parse_args(arguments)


def test_names_that_are_read_from_files_are_those_of_the_registries():
    for module, of in [
        ("methods", "METHODS"),
        ("objectives", "OBJECTIVES"),
        ("nets", "ENCODERS"),
        ("nets", "DECODERS"),
        ("data.draws.distributions", "DISTRIBUTIONS"),
        ("data.draws.pairs", "PAIRS"),
        ("analysis.figures", "FIGURES"),
        ("analysis.figures", "OF_TWO"),
        ("analysis.tables", "TABLES"),
    ]:
        whole = f"disentanglement_study.{module}"
        assert registry.names(whole, of) == [*getattr(importlib.import_module(whole), of)]


def test_lines_that_are_read_from_files_are_those_of_the_functions():
    for kind, functions in [("figures", figures.FIGURES), ("tables", tables.TABLES), ("samplings", samplings())]:
        for name, function in functions.items():
            assert describe.entry(kind, name).docstring == docstring(function)
            assert describe.line(kind, name).startswith(first_sentence(docstring(function))[:-1])
    for name, method in METHODS.items():
        assert describe.line("methods", name) == method.about
    for name, (_, value) in registry.items("disentanglement_study.methods", "METHODS").items():
        assert name in METHODS, value


def test_a_part_that_cannot_be_read_from_its_file_is_imported(monkeypatch):
    monkeypatch.setattr(registry, "texts", lambda value: {})
    assert describe.line("methods", "tcl") == METHODS["tcl"].about


# Right values.


def test_what_is_known_of_some_metrics():
    mig = describe.entry("metrics", "mig")
    assert (mig.title, mig.source) == ("MIG", "Chen et al. 2018")
    assert mig.facts["range"] == "0 to 1, higher is better"
    assert mig.facts["given"] == "a sample of points"
    (bins,) = [one for one in mig.options if one.name == "num_bins"]
    assert (bins.may_be, bins.default) == ("int (2 or more, at most 100000)", "20")
    assert describe.entry("metrics", "fairness").facts["range"] == "0 to below 1, lower is better"
    udr = describe.entry("metrics", "udr")
    assert udr.facts["given"] == "the codes of several models at the same points"
    assert [one.may_be for one in udr.options] == ["a string (one of lasso, spearman)", "float"]


def test_what_is_known_of_some_methods():
    beta_vae = describe.entry("methods", "beta_vae")
    assert beta_vae.about == "The VAE of Higgins et al. 2017: β weighs the KL divergence."
    given = {one.name: one for one in beta_vae.options}
    assert [*given] == ["beta", "normalised_beta", "pixels"]
    assert (given["beta"].may_be, given["beta"].about) == ("float (0 or more)", "Usual: 4.")
    assert given["normalised_beta"].about == "In place of `beta`."
    assert (given["pixels"].default, given["pixels"].may_be) == ("1.0", "float (above 0, at most 1000000.0)")
    assert beta_vae.facts["size"].startswith("690,517 parameters, 5.41 GFLOP an update")
    tcl = describe.entry("methods", "tcl")
    assert tcl.facts["needs"] == "the segment of each point"
    assert tcl.facts["identifies"] == "|s|, the absolute values of the sources"
    assert describe.entry("methods", "pcl").facts["samplings"] == "`successive`"
    assert describe.entry("methods", "raw_pixels").facts["cost"] == "not measured"
    assert describe.entry("methods", "ivae").about != describe.entry("methods", "unconditional_vae").about


def test_what_is_known_of_some_data_sets():
    dsprites = describe.entry("data", "dsprites")
    assert dsprites.facts["factors"] == "shape (3), scale (6), orientation (40), position_x (32), position_y (32)"
    assert dsprites.facts["cost"] == "737,280 images, 377.5 MB on disk and in memory"
    assert dsprites.facts["comes from"] == "rendered here at its first use"
    norb = describe.entry("data", "smallnorb")
    assert norb.facts["cost"].startswith("48,600 images")  # ten of each combination
    assert "published" in norb.facts["comes from"]
    segments = describe.entry("data", "segment_sources")
    assert "computed" in segments.facts["comes from"]
    assert {one.name: one.about for one in segments.options}["seed"] == "Of all that is drawn."


def test_what_is_known_of_some_sweeps_figures_settings_and_columns():
    study = describe.entry("sweeps", "locatello2019")
    assert study.facts["models"] == "12,600"
    assert len(study.facts["data sets"].split(", ")) == 7
    assert len(plan.crossed(components.load("quick"))) == int(describe.entry("sweeps", "quick").facts["models"]) == 36
    transfer = describe.entry("figures", "transfer")
    assert transfer.facts["shows"].startswith("Table 1 of locatello2019: ")
    steps = describe.entry("settings", "train.steps")
    assert steps.facts == {"may be": "int (1 or more, at most 2147483647)", "default": "300000"}
    assert steps.about == "The number of updates."
    value = describe.entry("columns", "value")
    assert value.facts["tables"] == "`results`, `scores`, `curves`"


@pytest.mark.parametrize("name", describe.names("sweeps"))
def test_a_sweep_says_how_many_models_it_has(name):
    entry = describe.entry("sweeps", name)
    said = re.findall(r"([\d,]+) models", entry.about)
    assert said in ([], [entry.facts["models"]])


# Finding.


def test_a_name_is_found_in_all_kinds_or_one():
    assert [entry.kind for entry, _ in describe.find("transfer")] == ["figures", "tables"]
    assert [entry.kind for entry, _ in describe.find("transfer", "tables")] == ["tables"]
    ((entry, option),) = describe.find("mig.num_bins")
    assert (entry.kind, entry.name, option) == ("metrics", "mig", "num_bins")
    ((entry, option),) = describe.find("train.steps")
    assert (entry.kind, option) == ("settings", "")


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("migg", None, "^unknown name 'migg': did you mean 'mig'"),
        ("beta_va", None, "did you mean 'beta_vae'"),
        ("train.step", None, "^unknown option of 'train' 'step': did you mean 'steps'"),
        ("mig.num_bin", None, "^unknown option of 'mig' 'num_bin': did you mean 'num_bins'"),
        (
            "lambda_od",
            None,
            r"'lambda_od' alone .*: did you mean dip_vae_i\.lambda_od or dip_vae_ii\.lambda_od",
        ),
        ("steps", None, r"'steps' alone names no part: did you mean train\.steps\?"),
        ("mig", "methods", "^unknown method 'mig'"),
        ("mig", "metric", "^unknown kind 'metric': did you mean 'metrics'"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest_one(name, kind, message):
    with pytest.raises(ValueError, match=message) as error:
        describe.find(name, kind)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["transfer", "rank_correlation", "data_set_rank_correlation"])
def test_a_table_of_the_paper_says_which_paper(name):
    assert describe.entry("tables", name).source == "Locatello et al. 2019"


# Reading docstrings.


def test_a_first_sentence():
    assert first_sentence("One of Higgins et al. 2017, eq. 4. Then more.") == "One of Higgins et al. 2017, eq. 4."
    assert first_sentence("Over\n    two lines\n\n    and more.") == "Over two lines."
    assert first_sentence(None) == ""


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("see Träuble et al. 2021 (arXiv:2006.07886)", "Träuble et al. 2021"),
        ("of Kim & Mnih 2018, appendix", "Kim & Mnih 2018"),
        ("by Hyvärinen, Khemakhem and Monti 2023", "Hyvärinen, Khemakhem and Monti 2023"),
        ("as Brehmer\n    et al. (2022) has it", "Brehmer et al. 2022"),
        ("Pairs, of 2018 points", "none: it is from no paper"),
    ],
)
def test_the_paper_that_a_text_cites(text, source):
    assert cited(text) == source


def test_the_texts_of_fields_are_those_of_the_docstring():
    options = METHODS["tcl"].options
    assert texts_of(options)["num_points"] == texts_of(options)["max_iter"] == "of the FastICA that follows."
    assert texts_of(SECTIONS["evaluate"])["num_test"] == "the points that a metric tests on."


def test_each_setting_and_option_of_a_dataclass_is_explained():
    for name in SECTIONS:
        assert [one.name for one in describe.entry("settings", name).options if len(one.about) < 10] == []
