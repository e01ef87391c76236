"""Pictures of trained models: the ranges, the pixels, the files, and which run they are of."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chosen import slow
from PIL import Image
from scipy import signal, special, stats

from disentanglement_study import cli, data, methods, store
from disentanglement_study.data import own
from disentanglement_study.errors import unknown
from disentanglement_study.methods.vae import build_nets
from disentanglement_study.pictures import canvas as pictures
from disentanglement_study.pictures import ranges as traversal_ranges
from disentanglement_study.pictures import trained, traverse
from disentanglement_study.store.parameters import flat, nested
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import components, loading, plan
from disentanglement_study.types import Run

pytestmark = pytest.mark.usefixtures("quick_compilation")

SMALL = """
include 'gin_configs/quick.gin'
sweep.data_sets = ['dsprites']
sweep.methods = {'beta_vae': {'beta': [1, 4, 1e39]}}
sweep.seeds = 1
nets.num_latents = 4
nets.encoder_options = {'widths': [16]}
nets.decoder_options = {'widths': [16]}
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
UNTRAINED = [
    "sweep.data_sets = ['color_dsprites', 'mine']",
    "sweep.methods = {'beta_vae': {'beta': [1, 4]}}",
    "nets.encoder = 'conv'",
    "nets.decoder = 'conv'",
    "nets.encoder_options = {'channels': [8, 8], 'kernels': [4, 2], 'hidden': 16}",
    "nets.decoder_options = {'channels': [8, 8], 'hidden': 16}",
]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "small.gin"
    path.write_text(SMALL)
    return str(path)


@pytest.fixture(scope="module")
def trained_study(sweep, tmp_path_factory, dsprites_root):
    """Three models of dSprites, fully connected, one of which has diverged; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained")
    assert cli.main(["run", sweep, str(folder), "--data-dir", str(dsprites_root), "--executor", "inline"]) == 0
    return folder


@pytest.fixture(scope="module")
def untrained_study(sweep, tmp_path_factory, dsprites_root):
    """Four convolutional models with random weights, of sets with a nuisance and with grid points left out."""
    folder = tmp_path_factory.mktemp("untrained")
    factors = np.array([(i, j) for i in range(5) for j in range(6) if i != j])[:20]
    images = np.random.default_rng(5).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "mine.npz", images=images, factors=factors)
    own.add_file(folder / "mine.npz", None, dsprites_root)
    settings = components.load(sweep, UNTRAINED)
    runs = plan.expand(settings, dsprites_root)
    made = store.Store(folder / "study")
    made.create(plan.frame(runs, settings), settings.text, "")
    _, init = build_nets(methods.inputs_of((16, 16, 3), (), 16), settings.nets)
    for job in plan.group(runs, 2):
        keys = jax.random.split(jax.random.key(job.data_set == "mine"), 2)
        params = {"encoder": jax.vmap(init["encoder"])(keys), "decoder": jax.vmap(init["decoder"])(keys)}
        params["decoder"] = jax.tree.map(lambda leaf: 4 * leaf, params["decoder"])  # so that something is to be seen
        made.write_job(job, [], [], {"params": flat(params)}, {"status": "done"})
    return made.root


@pytest.fixture(scope="module")
def draw(dsprites_root):
    def call(folder, run_id, *options):
        return cli.main(["traverse", str(folder), run_id, "--data-dir", str(dsprites_root), *options])

    return call


def run_of(folder, data_set="dsprites", strength=1.0):
    plan = store.open(folder).plan
    (run_id,) = plan.loc[(plan["data_set"] == data_set) & (plan["strength"] == strength), "run_id"]
    return run_id


def cells(path, rows, columns, size, shape):
    """The images of a labelled picture whose cells have `size` pixels a side: its lower right corner.

    (Unless its title is wider than the picture.)
    """
    pixels = np.asarray(Image.open(path).convert("RGB"))
    height, width = (n * (size + pictures.GAP) - pictures.GAP for n in (rows, columns))
    right = pixels.shape[1] - pictures.MARGIN
    body = pixels[-pictures.MARGIN - height : -pictures.MARGIN, right - width : right]
    times, step = size // shape[0], size + pictures.GAP
    return np.array(
        [
            [body[i * step : i * step + size : times, j * step : j * step + size : times] for j in range(columns)]
            for i in range(rows)
        ]
    )[..., : shape[2]]


# --- ranges ---

MEAN = np.random.default_rng(0).normal([0.0, 1.0, -0.5], [1.0, 0.3, 2.0], (400, 3))
LOGVAR = np.random.default_rng(1).normal([-2.0, -1.0, -4.0], 0.3, (400, 3))
BASE = np.array([0.3, 1.1, -1.2])
SCALE = np.sqrt(np.mean(np.exp(LOGVAR), axis=0) + MEAN.std(axis=0) ** 2)


def zigzag(start, frames):
    """The position in [0, 1] of a point that moves 2 in `frames` and is reflected at both ends."""
    return (signal.sawtooth(np.pi * (start + 2 * np.arange(frames) / frames), width=0.5) + 1) / 2


def quantiles(loc, scale):
    def values(base, loc, scale):
        probability = zigzag((1 + special.erf((base - loc) / scale / np.sqrt(2))) / 2, 20)
        return loc + scale * np.sqrt(2) * special.erfinv(2 * np.clip(probability, 0.001, 0.999) - 1)

    return np.array([values(*each) for each in zip(BASE, np.broadcast_to(loc, 3), np.broadcast_to(scale, 3))])  # noqa: B905


def steps(low, high):
    low, high = np.broadcast_to(low, 3), np.broadcast_to(high, 3)
    return np.array([l + (h - l) * zigzag((b - l) / (h - l), 20) for b, l, h in zip(BASE, low, high)])  # noqa: B905, E741


EXPECTED = {
    "std_gaussian_cycle": quantiles(0, 1),
    "fitted_gaussian_cycle": quantiles(MEAN.mean(axis=0), SCALE),
    "fixed_interval_cycle": steps(-2, 2),
    "conf_interval_cycle": steps(MEAN.mean(axis=0) - 2 * SCALE, MEAN.mean(axis=0) + 2 * SCALE),
    "minmax_interval_cycle": steps(MEAN.min(axis=0), MEAN.max(axis=0)),
}


def test_the_five_families_are_those_of_the_reference():
    assert traversal_ranges.families("all") == tuple(EXPECTED)
    for name, expected in EXPECTED.items():
        np.testing.assert_allclose(traversal_ranges.FAMILIES[name](BASE, MEAN, LOGVAR, 20), expected, atol=1e-9)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_cycle_starts_at_the_base_rises_falls_and_comes_back(name):
    family = traversal_ranges.FAMILIES[name]
    values = family(BASE, MEAN, LOGVAR, 400)
    np.testing.assert_allclose(values[:, 0], BASE)
    for row in values:
        turns = np.diff(np.sign(np.diff(np.append(row, row[0]))))
        assert row[1] > row[0]
        assert row[-1] < row[0]
        assert (turns != 0).sum() <= 4  # up, down, up, and flat where quantiles are cut off
        assert row.argmax() < row.argmin()
    np.testing.assert_allclose(family(BASE, MEAN, LOGVAR, 200), values[:, ::2])


def test_a_base_beyond_its_range_starts_at_the_nearer_end_and_stays_in_it():
    far = np.array([7.0, -7.0, 1.0])
    for name in ("fixed_interval_cycle", "std_gaussian_cycle"):
        values = traversal_ranges.FAMILIES[name](far, MEAN, LOGVAR, 20)
        end = 2.0 if name == "fixed_interval_cycle" else stats.norm.ppf(0.999)
        np.testing.assert_allclose(values[:2, 0], [end, -end])
        assert np.abs(values).max() <= end + 1e-9


def test_a_latent_without_a_range_stays_where_it_is():
    constant = np.full((5, 2), 0.25)
    values = traversal_ranges.minmax_interval_cycle(constant[0], constant, constant, 20)
    np.testing.assert_array_equal(values, np.full((2, 20), 0.25))


# --- pixels ---


def noise(*shape):
    return np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_is_in_its_cell_enlarged_by_a_whole_number(channels):
    images = noise(2, 3, 6, 5, channels)
    picture = pictures.tiled(images, cell=11)  # twice is 12 and enough
    assert picture.shape == (2 * 12 + 2, 3 * 10 + 2 * 2, 3)
    for i in range(2):
        for j in range(3):
            cell = picture[14 * i : 14 * i + 12, 12 * j : 12 * j + 10]
            expected = np.kron(images[i, j], np.ones((2, 2, 1), np.uint8))
            np.testing.assert_array_equal(cell, np.broadcast_to(expected, cell.shape))
    assert (picture[12:14] == 255).all()
    assert (picture[:, 10:12] == 255).all()


def test_images_of_two_channels_are_an_error():
    with pytest.raises(ValueError, match="2 channels: a picture has 1"):
        pictures.tiled(noise(1, 1, 4, 4, 2))


def test_the_last_row_is_filled_up_with_white():
    images = noise(5, 2, 2, 1)
    rows = pictures.in_columns(images, 3)
    np.testing.assert_array_equal(rows.reshape(6, 2, 2, 1)[:5], images)
    assert (rows[1, 2] == 255).all()


def test_labels_leave_the_picture_as_it_is():
    picture = noise(40, 60, 3)
    bare = np.asarray(pictures.labelled(picture, "a title that is wider than the picture is, by far"))
    full = np.asarray(pictures.labelled(picture, "two\nlines", ["a", "b"], ["x", "y\nz", "w"]))
    assert bare.shape[1] > 100
    left = pictures.MARGIN
    np.testing.assert_array_equal(bare[-left - 40 : -left, left : left + 60], picture)
    np.testing.assert_array_equal(full[-left - 40 : -left, -left - 60 : -left], picture)
    assert (full[-left - 40 : -left, : -left - 60] < 255).any()  # labels of rows


@pytest.mark.parametrize("channels", [1, 3])
def test_an_animation_has_its_frames_its_rate_and_no_end(tmp_path, channels):
    few = noise(7, 12, 10, channels) // 64 * 64  # 64 colours at most: the palette holds them all
    frames = [np.broadcast_to(frame, (12, 10, 3)) for frame in few]
    path = tmp_path / "a.gif"
    pictures.write_gif([Image.fromarray(frame) for frame in frames], path, 10)
    with Image.open(path) as film:
        assert film.n_frames == 7
        assert film.info["loop"] == 0
        for place, frame in enumerate(frames):
            film.seek(place)
            assert film.info["duration"] == 100
            np.testing.assert_array_equal(np.asarray(film.convert("RGB")), frame)


# --- models ---


def planted(kl_scale):
    """A model whose decoder draws latent d as the brightness of pixel d, and its decode function."""
    latents = len(kl_scale)
    mean = np.random.default_rng(3).normal(size=(20, latents)) * kl_scale
    model = trained.Model(Run("a1", "none", "beta_vae", {"beta": 1.0}, 0, "dlib"), {}, mean, np.zeros_like(mean))

    def decode(params, codes):
        images = np.zeros((len(codes), 4, 4, 1), np.uint8)
        images.reshape(len(codes), 16)[:, :latents] = np.rint(127.5 + 30 * np.clip(codes, -4, 4))
        return images

    return model, decode


def test_kl_is_that_of_gaussians_and_orders_the_latents():
    model, _ = planted(np.array([0.1, 2.0, 1.0]))
    model = model._replace(logvar=np.random.default_rng(4).normal(-1.0, 0.2, model.mean.shape))

    z = np.linspace(-15, 15, 6001)
    q = stats.norm(model.mean[..., None], np.exp(model.logvar[..., None] / 2))
    expected = (q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z))).sum(axis=-1).mean(axis=0) * (z[1] - z[0])
    np.testing.assert_allclose(model.weight, expected, rtol=1e-6)
    assert model.order.tolist() == [1, 2, 0]


def test_a_latents_label_says_its_kl_and_the_mean_variance_of_its_posterior():
    model, _ = planted(np.array([0.0, 1.0]))
    model = model._replace(logvar=np.log([[0.02, 1.0], [0.06, 1.0]] * 10))
    assert traverse.posterior_variance(model) == pytest.approx([0.04, 1.0])
    expected = 0.5 * (0.04 - np.log([0.02, 0.06]).mean() - 1)
    assert traverse.label(model, 0) == f"z0  {expected:.2f} nats  var 0.04"
    assert traverse.label(model._replace(logvar=None), 0, "\n") == "z0\n0.00 std"


def test_a_cell_of_the_grid_is_the_decoded_code(tmp_path):
    model, decode = planted(np.array([0.1, 2.0, 1.0]))
    shown = cells(traverse.grid(model, decode, 4, tmp_path), 3, 11, 64, (4, 4, 1))
    for row, latent in enumerate([1, 2, 0]):  # by KL
        for column, value in enumerate(np.linspace(-2, 2, 11)):
            code = model.mean[4].copy()
            code[latent] = value
            np.testing.assert_array_equal(shown[row, column], decode({}, code[None])[0])


def test_a_frame_of_an_animation_is_the_decoded_code_of_each_base_and_latent(tmp_path):
    model, decode = planted(np.array([0.1, 4.0, 3.5, 0.5, 1.0, 1.5, 2.0, 2.5]))
    path = traverse.animation(model, decode, "fitted_gaussian_cycle", tmp_path)
    assert path.name == "fitted_gaussian_cycle.gif"
    with Image.open(path) as film:
        assert film.n_frames == 20
        for frame in (0, 7, 19):
            film.seek(frame)
            film.convert("RGB").save(tmp_path / "frame.png")
            shown = cells(tmp_path / "frame.png", 5, 8, 64, (4, 4, 1))
            for base in range(5):
                values = traversal_ranges.fitted_gaussian_cycle(model.mean[base], model.mean, model.logvar, 20)
                for column, latent in enumerate([1, 2, 7, 6, 5, 4, 3, 0]):
                    code = model.mean[base].copy()
                    code[latent] = values[latent, frame]
                    np.testing.assert_array_equal(shown[base, column], decode({}, code[None])[0])


FILES = ["reconstructions.png", "samples.png", *(f"traversals_{base}.png" for base in range(5))]


def test_the_command_prints_what_it_writes_and_writes_the_same_each_time(trained_study, draw, tmp_path, capsys):
    run_id = run_of(trained_study, strength=4.0)
    assert draw(trained_study, run_id[:8], "--output", str(tmp_path / "one")) == 0
    paths = [tmp_path / "one" / name for name in [*FILES, *(f"{family}.gif" for family in EXPECTED)]]
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"{run_id}: dsprites beta_vae beta=4 seed=0"
    assert printed[1:] == [str(path) for path in paths]
    assert draw(trained_study, run_id, "--output", str(tmp_path / "two")) == 0
    assert draw(trained_study, run_id, "--output", str(tmp_path / "other"), "--seed", "1") == 0
    for path in paths:
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
        assert path.read_bytes() != (tmp_path / "other" / path.name).read_bytes()
    for family in EXPECTED:
        with Image.open(tmp_path / "one" / f"{family}.gif") as film:
            milliseconds = 0
            for frame in range(film.n_frames):  # frames that are alike are one that lasts longer
                film.seek(frame)
                milliseconds += film.info["duration"]
        assert milliseconds == 2000


@pytest.mark.parametrize("data_set", ["dsprites", slow("color_dsprites"), "mine"])
def test_the_pictures_are_those_of_the_parameters_in_the_store(
    trained_study, untrained_study, draw, dsprites_root, data_set
):
    """Of a grid of grey images, of a nuisance, and of a grid of which most points are missing; fc and convolutional."""
    study = trained_study if data_set == "dsprites" else untrained_study
    run_id = run_of(study, data_set, 4.0)
    assert draw(study, run_id, "--family", "minmax_interval_cycle") == 0
    folder = study / "traversals" / run_id
    assert {path.name for path in folder.iterdir()} == {*FILES, "minmax_interval_cycle.gif"}

    opened, loaded = store.open(study), data.load(data_set, dsprites_root)
    settings = components.load(opened.text)
    (job,) = (job for job in finished_jobs(opened) if job.data_set == data_set)
    params = nested(opened.arrays(job, "params"))
    place = [run.run_id for run in job.runs].index(run_id)
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf[place]), params)
    nets, _ = build_nets(methods.inputs_of(loaded.input_shape, (), 16), settings.nets)
    shape = (16, 16, loaded.input_shape[2])

    def decoded(codes):
        return 255 * special.expit(np.asarray(nets.decode(params["decoder"], jnp.float32(codes))))

    index = trained.sample_index(loaded, settings, 1000, 0)
    learner, batches = loading.learner(job, settings, loaded), loading.batches(job, settings, loaded)
    (model,) = trained.models(opened, trained.Loaded(job, [run_id], settings, loaded, learner, batches), index, 0)
    number = min(64, len(index))
    shown = cells(folder / "reconstructions.png", -(-number // 8), 16, 64, shape).reshape(-1, 2, *shape)
    assert (shown[number:] == 255).all()
    original, reconstruction = shown[:number, 0], shown[:number, 1]
    if loaded.nuisance is None:
        images = loaded.images(index[:number])
        times = images.shape[1] // 16
        images = images.reshape(number, 16, times, 16, times, shape[2]).mean(axis=(2, 4))
        np.testing.assert_allclose(original, images, atol=0.51)
    mean = nets.encode(params["encoder"], jnp.float32(original) / 255)[0]  # of pixels that are rounded to bytes
    np.testing.assert_allclose(model.mean[:number], mean, atol=0.05)
    np.testing.assert_allclose(reconstruction, decoded(model.mean[:number]), atol=0.6)

    values = np.linspace(-2, 2, 11)
    for base in range(2):
        codes = np.tile(model.mean[base], (4, 11, 1))
        for row, latent in enumerate(np.argsort(-model.weight)):
            codes[row, :, latent] = values
        rows = cells(folder / f"traversals_{base}.png", 4, 11, 64, shape)
        np.testing.assert_allclose(rows.reshape(44, *shape), decoded(codes.reshape(44, 4)), atol=0.6)
        assert rows.std(axis=1).max() > 5  # something moves


def test_thumbnails_of_many_runs_are_their_grids(untrained_study, dsprites_root):
    opened, size = store.open(untrained_study), {"latents": 3, "columns": 5, "sample": 40}
    drawn = dict(traverse.thumbnails(opened, data_dir=dsprites_root, **size))
    assert set(drawn) == set(opened.plan["run_id"])
    assert all(picture.shape == (3 * 18 - 2, 5 * 18 - 2, 3) for picture in drawn.values())
    assert all(picture.dtype == np.uint8 for picture in drawn.values())
    assert len({picture.tobytes() for picture in drawn.values()}) == 4
    one = run_of(untrained_study, "color_dsprites", 4.0)
    ((name, alone),) = traverse.thumbnails(opened, [one], dsprites_root, **size)
    assert name == one
    np.testing.assert_array_equal(alone, drawn[one])
    wide = dict(traverse.thumbnails(opened, [one], dsprites_root, latents=99))
    assert wide[one].shape[0] == 4 * 18 - 2  # it has four latents


def test_a_thumbnail_is_the_grid_without_labels(trained_study, draw, dsprites_root, tmp_path):
    run_id = run_of(trained_study, strength=4.0)
    assert draw(trained_study, run_id, "--output", str(tmp_path), "--family", "std_gaussian_cycle") == 0
    size = {"latents": 4, "columns": 11, "sample": 1000}
    ((_, picture),) = traverse.thumbnails(store.open(trained_study), [run_id], dsprites_root, **size)
    whole = cells(tmp_path / "traversals_0.png", 4, 11, 64, (16, 16, 1))
    np.testing.assert_allclose(picture.astype(int), pictures.tiled(whole, cell=1), atol=1)


def test_what_reconstructs_nothing_is_traversed_without_reconstructions(
    trained_study, draw, tmp_path, monkeypatch, capsys
):
    jobs = trained.jobs

    def of_generators(*arguments):
        for loaded in jobs(*arguments):
            yield loaded._replace(learner=loaded.learner._replace(reconstructs=False))

    monkeypatch.setattr(trained, "jobs", of_generators)
    assert draw(trained_study, run_of(trained_study), "--output", str(tmp_path), "--family", "std_gaussian_cycle") == 0
    assert {path.name for path in tmp_path.iterdir()} == {*FILES[1:], "std_gaussian_cycle.gif"}
    assert "no reconstructions.png: beta_vae generates images, and reconstructs none\n" in capsys.readouterr().out


def test_what_has_diverged_has_no_thumbnail(trained_study, dsprites_root):
    drawn = dict(traverse.thumbnails(store.open(trained_study), data_dir=dsprites_root))
    assert set(drawn) == {run_of(trained_study, strength=1.0), run_of(trained_study, strength=4.0)}


@pytest.mark.parametrize(
    ("run_id", "options", "message"),
    [
        ("zzz", [], "unknown run 'zzz' (there are: "),
        ("", [], "run '': 3 runs begin with it"),
        (None, ["--family", "conf_interval"], "unknown family of ranges 'conf_interval': did you mean 'conf_interval_"),
    ],
)
def test_bad_input_is_one_line(trained_study, draw, tmp_path, capsys, run_id, options, message):
    run_id = run_of(trained_study) if run_id is None else run_id
    assert draw(trained_study, run_id, "--output", str(tmp_path / "no"), *options) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "no").exists()


def test_a_misspelt_run_is_answered_with_the_nearest(trained_study, draw, capsys):
    run_id = run_of(trained_study)
    wrong = run_id[:-1] + ("0" if run_id[-1] != "0" else "1")
    assert draw(trained_study, wrong) == 2
    assert f"did you mean {run_id!r}?" in capsys.readouterr().err


def test_a_diverged_run_is_an_error(trained_study, draw, capsys):
    assert draw(trained_study, run_of(trained_study, "dsprites", 1e39)) == 2
    assert "has diverged (dsprites beta_vae beta=1e+39 seed=0)" in capsys.readouterr().err


def test_runs_that_failed_or_are_not_done_are_errors(trained_study, draw, tmp_path, capsys):
    folder = shutil.copytree(trained_study, tmp_path / "study")
    run_id = run_of(folder)
    (manifest,) = folder.glob("jobs/*/manifest.json")
    written = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**written, "status": "failed", "error": "Traceback\nRuntimeError: no disc"}))
    assert draw(folder, run_id) == 2
    assert f"run {run_id} has failed: RuntimeError: no disc" in capsys.readouterr().err
    manifest.unlink()
    assert draw(folder, run_id) == 2
    assert f"{manifest}: cannot be read" in capsys.readouterr().err
    shutil.rmtree(manifest.parent)
    assert draw(folder, run_id) == 2
    assert f"run {run_id} is not done yet" in capsys.readouterr().err


def test_models_of_a_set_that_has_changed_are_an_error(trained_study, draw, tmp_path, capsys):
    folder = shutil.copytree(trained_study, tmp_path / "study")
    (manifest,) = folder.glob("jobs/*/manifest.json")
    written = json.loads(manifest.read_text())
    assert written["data"]["name"] == "dsprites"
    manifest.write_text(json.dumps({**written, "data": {**written["data"], "sha256": "another"}}))
    assert draw(folder, run_of(folder)) == 2
    assert "holds models of another data set 'dsprites'" in capsys.readouterr().err


def test_the_runs_of_a_job_are_those_of_the_settings(trained_study, dsprites_root):
    opened = store.open(trained_study)
    planned = {run.run_id: run for run in plan.expand(components.load(opened.text), dsprites_root)}
    for job in finished_jobs(opened):
        assert job.runs == tuple(planned[run.run_id] for run in job.runs)


def test_a_folder_without_a_study_is_an_error(draw, tmp_path, capsys):
    assert draw(tmp_path, "ab") == 2
    assert "holds no study" in capsys.readouterr().err


def test_the_help_teaches_the_families(capsys):
    with pytest.raises(SystemExit):
        cli.main(["traverse", "--help"])
    shown = capsys.readouterr().out
    assert all(family in shown for family in EXPECTED)


def test_many_names_are_counted_and_not_listed():
    assert str(unknown("run", "b17", [f"a{n}" for n in range(1000)])).endswith("(there are 1,000)")


def test_every_picture_is_a_step(trained_study, dsprites_root, tmp_path):
    said = []
    run_id = run_of(trained_study)
    _, paths = traverse.traverse(
        trained_study, run_id, tmp_path, "std_gaussian_cycle", data_dir=dsprites_root,
        begins=lambda name, total: said.append((name, total)),
    )  # fmt: skip
    assert [one for one in said if one[0] != "batches"] == [("jobs", 1), *[("pictures", len(paths))] * len(paths)]
    batches = [total for name, total in said if name == "batches"]
    assert batches == [len(batches)] * len(batches)
