"""Models side by side: means against what they should be, the files, who is named with a line, and bad input."""

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from disentanglement_study import cli, data, store
from disentanglement_study.pictures import blocks, canvas, compare, responses, trained
from disentanglement_study.pictures.blocks import Block
from disentanglement_study.types import DataSet, Run

pytestmark = pytest.mark.usefixtures("quick_compilation")

SWEEP = """
include 'gin_configs/quick.gin'
sweep.data_sets = ['dsprites']
sweep.methods = {'ground_truth': {}, 'pca': {}, 'beta_vae': {'beta': [1, 4, 1e39]}}
sweep.seeds = 1
nets.num_latents = 3
nets.encoder_options = {'widths': [16]}
nets.decoder_options = {'widths': [16]}
pca.num_points = 900
train.steps = 60
train.learning_rate = 0.01
evaluate.table_rows = 500
evaluate.num_train = 200
evaluate.num_test = 100
evaluate.training_batches = 2
evaluate.metrics = ['mig']
evaluate.representations = ['mean']
resources.job_size = 3
"""
VECTORS = [
    "sweep.data_sets = ['dsprites', 'segment_sources']",
    "sweep.methods = ['pca']",
    "segment_sources.num_sources = 3",
    "segment_sources.num_segments = 10",
    "segment_sources.segment_length = 100",
]
POINTS = ["--points", "6000"]


@pytest.fixture(scope="module")
def study(tmp_path_factory, dsprites_root):
    """Five models of dSprites, one of which has diverged; tests must not change it."""
    folder = tmp_path_factory.mktemp("compared")
    (folder / "sweep.gin").write_text(SWEEP)
    command = ["run", str(folder / "sweep.gin"), str(folder / "study"), "--executor", "inline"]
    assert cli.main([*command, "--data-dir", str(dsprites_root)]) == 0
    return folder / "study"


@pytest.fixture(scope="module")
def with_vectors(study, dsprites_root):
    """A model of dSprites and one of vectors."""
    bindings = [part for binding in VECTORS for part in ("--gin", binding)]
    command = ["run", str(study.with_name("sweep.gin")), str(study.with_name("vectors")), "--executor", "inline"]
    assert cli.main([*command, *bindings, "--data-dir", str(dsprites_root)]) == 0
    return study.with_name("vectors")


@pytest.fixture(scope="module")
def draw(study, dsprites_root):
    def call(*arguments, folder=study):
        return cli.main(["compare", str(folder), *arguments, "--data-dir", str(dsprites_root)])

    return call


def run_of(study, method, strength=0.0, data_set="dsprites"):
    plan = store.open(study).plan
    of = (plan["data_set"] == data_set) & (plan["method"] == method) & (plan["strength"] == strength)
    (run_id,) = plan.loc[of, "run_id"]
    return run_id


@pytest.fixture(scope="module")
def drawn(study, draw, tmp_path_factory):
    """The folder of a comparison of all that have not diverged."""
    folder = tmp_path_factory.mktemp("drawn")
    assert draw(*POINTS, "--output", str(folder)) == 0
    return folder


@pytest.fixture
def notes(monkeypatch):
    """The blocks of each picture that is stacked, in the order in which they are written."""
    seen, stacked = [], blocks.stacked

    def spy(title, found, columns=()):
        seen.append(found)
        return stacked(title, found, columns)

    monkeypatch.setattr(blocks, "stacked", spy)
    return seen


# --- means ---


def test_the_codes_of_the_truth_are_its_values_and_its_maps_vary_along_one_axis(study, drawn):
    numbers = pd.read_csv(drawn / f"responses_dsprites_{run_of(study, 'ground_truth')}.csv")
    sizes = dict(zip(("shape", "scale", "orientation", "position_x", "position_y"), (3, 6, 40, 32, 32), strict=True))
    assert set(numbers["latent"]) == set(range(5))
    for factor in ("scale", "orientation"):
        own = numbers[(numbers["factor"] == factor) & (numbers["latent"] == list(sizes).index(factor))]
        assert len(own) == 3 * sizes[factor]
        np.testing.assert_allclose(own["mean_activation"], own["value"] / (sizes[factor] - 1), atol=1e-6)
    shape = numbers[(numbers["factor"] == "scale") & (numbers["latent"] == 0)]
    np.testing.assert_allclose(shape["mean_activation"], shape["shape"] / 2, atol=1e-6)
    maps = numbers[numbers["factor"] == "position_x"]
    assert set(maps["second_factor"]) == {"position_y"}
    for latent, along in ((3, "value"), (4, "second_value")):
        own = maps[maps["latent"] == latent]
        np.testing.assert_allclose(own["mean_activation"], own[along] / 31, atol=1e-6)
    one = numbers[numbers["latent"] == 0]
    assert one.groupby("factor")["n"].sum().tolist() == [6000] * 3


def test_latents_come_in_the_order_of_their_kl_and_have_a_posterior_variance(study, drawn):
    numbers = pd.read_csv(drawn / f"responses_dsprites_{run_of(study, 'beta_vae', 1.0)}.csv")
    assert numbers["latent"].nunique() == 3
    of = numbers.drop_duplicates("latent")
    in_first_panel = numbers[numbers["factor"] == "position_x"].drop_duplicates("latent")
    assert in_first_panel["kl"].is_monotonic_decreasing
    assert of["posterior_variance"].between(0, 1.5).all()
    of_pca = pd.read_csv(drawn / f"responses_dsprites_{run_of(study, 'pca')}.csv")
    assert "std" in of_pca
    assert of_pca["posterior_variance"].isna().all()
    assert of_pca.drop_duplicates("latent")["std"].is_monotonic_decreasing


def planted(factor_names, factor_sizes, latents=3):
    """A data set of four small images a grid point, and a model whose latent d is its factor d, times d + 1."""
    number = int(np.prod(factor_sizes))
    storage = np.zeros((number, 4, 4, 1), np.uint8)
    data_set = DataSet("planted", factor_names, factor_sizes, (4, 4, 1), storage, lambda s, index, keys: s[index])
    index = np.arange(number)
    codes = np.zeros((number, latents))
    for latent in range(min(latents, len(factor_sizes))):
        codes[:, latent] = (latent + 1) * data_set.factors(index)[:, latent]
    return data_set, index, trained.Model(Run("a1", "planted", "pca", {}, 0, "dlib"), {}, codes, None)


def test_a_set_without_positions_or_shapes_has_a_panel_for_each_factor():
    data_set, index, model = planted(("elevation", "object"), (4, 50))
    assert responses.panels(data_set) == responses.Panels(False, "", ("elevation", "object"))
    figure = responses.responses(model, data_set, index)
    assert figure.numbers["shape"].isna().all()
    own = figure.numbers[(figure.numbers["factor"] == "object") & (figure.numbers["latent"] == 1)]
    np.testing.assert_allclose(own["mean_activation"], 2 * own["value"])
    assert own["n"].tolist() == [4] * 50
    assert figure.legends == []
    objects = figure.axes[1].get_lines()[0]  # they have no order
    assert (figure.axes[1].get_title(), objects.get_linestyle()) == ("object", "None")


def test_values_that_no_image_has_are_gaps():
    data_set, index, model = planted(("position_x", "position_y", "shape"), (4, 3, 2))
    kept = index[index >= 2]  # nothing at (0, 0)
    cut = model._replace(mean=model.mean[kept])
    found = responses.respond(cut.mean, data_set, kept, "position_x", "position_y")
    assert found.n.tolist() == [[0, 2, 2], *[[2, 2, 2]] * 3]
    assert np.isnan(found.mean[:, 0, 0]).all()
    assert np.isfinite(found.mean).sum() == 3 * 11
    figure = responses.responses(cut, data_set, kept)
    assert figure.numbers["mean_activation"].notna().all()
    assert figure.numbers["second_value"].notna().sum() == 3 * 11
    assert len(figure.numbers) == 3 * (11 + 2)  # positions, and shapes of their own


def test_of_many_latents_ten_are_drawn_and_the_others_counted():
    data_set, index, model = planted(("shape",), (3,), 40)
    figure = responses.responses(model, data_set, index)
    assert figure.numbers["latent"].nunique() == 10
    assert figure.numbers[["second_factor", "second_value", "shape"]].replace("", pd.NA).isna().all(axis=None)
    assert "10 of 40 latents (30 left out)" in figure.get_suptitle().replace("\n", " ")


def test_constant_codes_are_drawn():
    data_set, index, model = planted(("scale", "shape"), (4, 2))
    figure = responses.responses(model._replace(mean=np.ones_like(model.mean)), data_set, index)
    assert (figure.numbers["mean_activation"] == 1).all()


# --- pictures ---


def test_blocks_are_below_each_other_with_their_images_in_the_same_columns():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8, 1), dtype=np.uint8)
    found = [
        Block(images[:1], ["a"]),
        Block(None, [""], "nothing", "has no decoder"),
        Block(images, ["b", "a long label"]),
    ]
    pixels = np.asarray(blocks.stacked("a title\nof two lines", found, ["1", "2", "3"]))
    of_all = canvas.tiled(images)
    height, width = of_all.shape[:2]
    below = pixels[-canvas.MARGIN - height : -canvas.MARGIN, -canvas.MARGIN - width : -canvas.MARGIN]
    np.testing.assert_array_equal(below, of_all)
    left = pixels.shape[1] - canvas.MARGIN - width
    head = canvas.tiled(images[:1])
    tops = [
        top for top in range(len(pixels) - height) if (pixels[top : top + len(head), left : left + width] == head).all()
    ]
    assert len(tops) == 2  # alone, and in the last block


def test_the_files_are_those_of_each_system_and_of_all(study, drawn):
    ids = [run_of(study, "ground_truth"), run_of(study, "pca")]
    ids += [run_of(study, "beta_vae", strength) for strength in (1.0, 4.0)]
    expected = {f"responses_dsprites_{run_id}.{kind}" for run_id in ids for kind in ("png", "pdf", "csv")}
    expected |= {"traversals_dsprites.png", "reconstructions_dsprites.png"}
    assert {path.name for path in drawn.iterdir()} == expected
    assert not (study / "traversals").exists()
    assert not (study / "comparison").exists()


def test_the_same_seed_gives_the_same_files_and_another_one_others(study, draw, drawn, tmp_path):
    run_id = run_of(study, "beta_vae", 4.0)
    for name, seed in (("same", "0"), ("again", "0"), ("other", "1")):
        assert draw(run_id, *POINTS, "--output", str(tmp_path / name), "--seed", seed) == 0
    for path in (tmp_path / "same").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
        assert path.read_bytes() != (tmp_path / "other" / path.name).read_bytes()
        if path.name.startswith("responses"):  # whoever stands beside it
            assert path.read_bytes() == (drawn / path.name).read_bytes()


def test_who_does_not_decode_or_has_diverged_is_named_with_a_line(study, draw, notes, tmp_path):
    ids = {name: run_of(study, *of) for name, of in {
        "truth": ("ground_truth",), "vae": ("beta_vae", 4.0), "diverged": ("beta_vae", 1e39)}.items()}  # fmt: skip
    assert draw(*ids.values(), *POINTS, "--output", str(tmp_path)) == 0
    traversals, reconstructions = notes
    assert [(block.heading, block.note) for block in traversals[1:]] == [
        (f"β-VAE, β = 4   ({ids['vae']})", ""),
        (f"β-VAE, β = 1e+39   ({ids['diverged']})", "has diverged: its codes are not finite"),
        (f"Ground truth   ({ids['truth']})", "has no decoder"),
    ]
    vae = traversals[1]
    assert vae.images.shape == (3, 11, 16, 16, 1)
    assert [label.split()[2::2] for label in vae.rows] == [["nats", vae.rows[i].split()[-1]] for i in range(3)]
    kl = [float(label.split()[1]) for label in vae.rows]
    assert kl == sorted(kl, reverse=True)
    assert [block.rows for block in reconstructions] == [
        ["image"], ["β-VAE, β = 4"], ["β-VAE, β = 1e+39"], ["Ground truth"]
    ]  # fmt: skip
    assert reconstructions[3].note == "has no decoder"
    assert not list(tmp_path.glob(f"*{ids['diverged']}*"))


def test_systems_that_reconstruct_nothing_are_named_and_traversed(study, draw, notes, tmp_path, monkeypatch):
    jobs = trained.jobs

    def of_generators(*arguments):
        for loaded in jobs(*arguments):
            yield loaded._replace(learner=loaded.learner._replace(reconstructs=False))

    monkeypatch.setattr(trained, "jobs", of_generators)
    assert draw(run_of(study, "pca"), *POINTS, "--output", str(tmp_path)) == 0
    (traversals,) = notes
    assert traversals[1].images.shape == (3, 11, 16, 16, 1)
    assert not (tmp_path / "reconstructions_dsprites.png").exists()


def test_the_models_pictures_are_where_a_report_finds_them(study, draw, dsprites_root, tmp_path):
    folder = shutil.copytree(study, tmp_path / "study")
    vae, truth = run_of(folder, "beta_vae", 4.0), run_of(folder, "ground_truth")
    assert draw(vae, truth, *POINTS, folder=folder) == 0
    assert {path.name for path in (folder / "traversals" / vae).iterdir()} == {"responses.png", "traversals_0.png"}
    assert {path.name for path in (folder / "traversals" / truth).iterdir()} == {"responses.png"}
    drawn = (folder / "traversals" / vae / "traversals_0.png").read_bytes()
    copied = folder / "comparison" / f"responses_dsprites_{vae}.png"
    assert (folder / "traversals" / vae / "responses.png").read_bytes() == copied.read_bytes()
    where = ["--output", str(tmp_path / "alone"), "--family", "fixed_interval_cycle", "--data-dir", str(dsprites_root)]
    assert cli.main(["traverse", str(folder), vae, *where]) == 0
    assert (tmp_path / "alone" / "traversals_0.png").read_bytes() == drawn
    (folder / "traversals" / vae / "traversals_0.png").write_bytes(b"older")
    assert draw(vae, *POINTS, folder=folder) == 0
    assert (folder / "traversals" / vae / "traversals_0.png").read_bytes() == b"older"


def test_pictures_can_be_read_at_their_size(drawn):
    for path in drawn.glob("*.png"):
        width, height = Image.open(path).size
        assert 300 < width < 2500
        assert height > 150


# --- bad input ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zzz"], "unknown run 'zzz'"),
        (["--where", "seed > 7"], "--where 'seed > 7' selects no finished run"),
        (["--where", "sed > 7"], "unknown column 'sed': did you mean 'seed'?"),
        (["zzz", "--where", "seed == 0"], "choose runs by RUN_ID or by --where 'seed == 0', not by both"),
    ],
)
def test_what_cannot_be_compared_is_one_line(draw, arguments, message, tmp_path, capsys):
    assert draw(*arguments, "--output", str(tmp_path / "no")) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
    assert not (tmp_path / "no").exists()


def test_models_of_vectors_are_left_out_or_named_in_one_line(with_vectors, draw, tmp_path, capsys):
    run_id = run_of(with_vectors, "pca", data_set="segment_sources")
    for arguments, message in {
        (run_id,): f"run {run_id}: segment_sources has vectors, not images",
        ("--where", "data_set == 'segment_sources'"): "has no model of a data set of images",
    }.items():
        assert draw(*arguments, "--output", str(tmp_path / "no"), folder=with_vectors) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert message in line
        assert not (tmp_path / "no").exists()
    assert draw(*POINTS, "--output", str(tmp_path), folder=with_vectors) == 0
    assert {path.name.split("_")[1].split(".")[0] for path in tmp_path.iterdir()} == {"dsprites"}


def test_too_many_models_are_one_line(draw, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(compare, "MOST_MODELS", 3)
    assert draw("--output", str(tmp_path / "no")) == 2
    shown = capsys.readouterr().err
    assert "4 models to compare: expected at most 3, choose some by RUN_ID or with --where" in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("points", ["0", "-3", "x"])
def test_the_number_of_points_is_one_or_more(draw, points, capsys):
    with pytest.raises(SystemExit) as stopped:
        draw("--points", points)
    assert stopped.value.code == 2
    assert f"argument --points: {points}: expected int (1 or more)" in capsys.readouterr().err


def test_one_point_is_enough_and_more_than_there_are_is_all(study, draw, dsprites_root, tmp_path):
    run_id = run_of(study, "ground_truth")
    for points, number in (("1", 1), ("10000000", 3 * 6 * 40 * 32 * 32)):
        assert draw(run_id, "--points", points, "--output", str(tmp_path)) == 0
        numbers = pd.read_csv(tmp_path / f"responses_dsprites_{run_id}.csv")
        own = numbers[(numbers["latent"] == 0) & (numbers["factor"] == "scale")]
        assert own["n"].sum() == number
    assert data.load("dsprites", dsprites_root).num_images == number


def test_the_help_teaches_and_names_the_number_that_is_used(capsys):
    with pytest.raises(SystemExit):
        cli.main(["compare", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "examples:" in shown
    assert f"default {compare.POINTS:,}" in shown
    assert f"At most {compare.MOST_MODELS} models" in shown


def test_systems_stand_in_the_order_of_their_numbers():
    runs = [
        Run("", "dsprites", "beta_vae", {"normalised_beta": beta}, 0, "dlib", {"nets.num_latents": latents})
        for latents in (10, 3, 5)
        for beta in (0.1, 0.02)
    ]
    placed = sorted(runs, key=compare._place)
    assert [run.settings["nets.num_latents"] for run in placed] == [3, 5, 10, 3, 5, 10]
    assert [run.hyper["normalised_beta"] for run in placed] == [0.02] * 3 + [0.1] * 3
