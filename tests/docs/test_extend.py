"""What `docs/how_to/extend.md` says is so: its files and lines are added to a copy of the repository and used."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from disentanglement_study import cli, store
from disentanglement_study.config import NetConfig, TrainConfig
from disentanglement_study.data import catalogue
from disentanglement_study.methods import METHODS
from disentanglement_study.methods.kinds import Inputs, Settings
from disentanglement_study.study import components, plan

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how_to" / "extend.md").read_text(encoding="utf-8")
COPIED = ("disentanglement_study", "tests", "gin_configs", "sweeps")
# What the page adds, by the headings, as the registries have it.
ADDED = {
    "An objective": "free_bits_vae",
    "A method that learns nothing": "image_moments",
    "A method that learns at once": "ridge_regression",
    "A method that learns by gradient": "linear_autoencoder",
    "A metric": "max_information",
    "A data set of images": "rectangles",
    "A data set that is computed from options": "conditional_sources",
}
COMPILED = ("free_bits_vae", "linear_autoencoder")  # whose tests compile programs for half a minute
# Runs commands one after the other in one process: JAX takes seconds to import.
COMMANDS = """
import contextlib, io, json, sys
import jax
from disentanglement_study import cli

jax.config.update("jax_disable_most_optimizations", True)  # compiling takes longer than running

def said(arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(arguments)
    return {"code": code, "out": out.getvalue(), "err": " ".join(err.getvalue().split())}

answers = [said(arguments) for arguments in json.loads(sys.argv[1])]
print(json.dumps(answers))
"""


def blocks(language: str, text: str = PAGE) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands(text: str = PAGE, of: str = "disentanglement-study") -> list[list[str]]:
    """The command lines of shell blocks that begin with these words, without them."""
    lines = [line for block in blocks("sh", text) for line in block.splitlines()]
    return [shlex.split(line.removeprefix(of)) for line in lines if line.startswith(of)]


def sections() -> dict[str, str]:
    """{heading: what is below it}."""
    _, *parts = re.split(r"^## (.*)\n", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def files(text: str = PAGE) -> dict[str, str]:
    """The files that the page adds, by their paths."""
    return dict(re.findall(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))


def patched(text: str, change: list[str]) -> str:
    """A file with the lines of a change, each after the one that the change has above it."""
    lines = text.splitlines()
    place = None
    for line in change:
        kind, content = line[0], line[1:]
        if kind == "+":
            assert place is not None, f"nothing says where {content!r} goes"
            place += 1
            lines.insert(place, content)
            continue
        (place,) = [number for number, there in enumerate(lines) if there == content]
        if kind == "-":
            del lines[place]
            place -= 1
    return "\n".join(lines) + "\n"


def add_all(folder: Path, page: str = PAGE) -> None:
    """The files and lines of a page, into a copy of the repository."""
    for path, content in files(page).items():
        assert not (folder / path).exists(), path
        (folder / path).write_text(content, encoding="utf-8")
    for block in blocks("diff", page):
        _, *parts = re.split(r"^--- (\S+)\n", block, flags=re.MULTILINE)
        for path, change in zip(parts[::2], parts[1::2], strict=True):
            text = (folder / path).read_text(encoding="utf-8")
            (folder / path).write_text(patched(text, change.splitlines()), encoding="utf-8")


def write_sweep(folder: Path) -> Path:
    (small,) = [block for block in blocks("gin") if "evaluate.table_rows" in block]
    (folder / "small.gin").write_text(small)
    return folder / "small.gin"


@pytest.fixture(scope="module")
def run_python(tmp_path_factory, dsprites_root):
    """`run_python(arguments...)` in a copy of the repository to which everything on the page was added."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    add_all(folder)
    write_sweep(folder)
    place = {"PYTHONPATH": str(folder), "DISENTANGLEMENT_STUDY_DATA": str(dsprites_root), "COLUMNS": "200"}

    def run(*arguments, check=True):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=folder, env={**os.environ, **place}, capture_output=True, text=True
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def answers(run_python):
    """{command line: what it said}, of all commands of the page."""
    (copies,) = [block for block in blocks("python") if "copies.npz" in block]
    run_python("-c", copies)
    given = commands()
    said = json.loads(run_python("-c", COMMANDS, json.dumps(given)).splitlines()[-1])
    return {shlex.join(arguments): answer for arguments, answer in zip(given, said, strict=True)}


# The page itself.


def test_the_table_counts_the_files_and_lines_of_each_kind():
    rows = re.findall(r"^\| \[(.*?)\]\(#(.*?)\) \| (\d+) \| (\d+) \|", PAGE, flags=re.MULTILINE)
    assert len(rows) == len(ADDED)
    for (kind, anchor, num_files, num_lines), (heading, name) in zip(rows, ADDED.items(), strict=True):
        assert heading.lower().startswith(kind)
        assert anchor == heading.lower().replace(" ", "-")
        text = sections()[heading]
        assert [Path(path).stem for path in files(text)] == [name]
        added = re.findall(r"^\+", "".join(blocks("diff", text)), flags=re.MULTILINE)
        assert (len(files(text)), len(added)) == (int(num_files), int(num_lines)), kind
        assert commands(text), kind
        assert commands(text, "python -m pytest"), kind


def test_what_the_page_links_to_is_there():
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert len(links) > len(ADDED)
    for link in links:
        path, _, anchor = link.partition("#")
        text = (ROOT / "docs" / "how_to" / path).read_text(encoding="utf-8") if path else PAGE
        assert not anchor or anchor in [
            heading.lower().replace(" ", "-") for heading in re.findall("^## (.*)", text, re.MULTILINE)
        ]


def test_its_code_is_of_the_style_of_the_house(run_python):
    changed = {*files(), *re.findall(r"^--- (\S+\.py)", PAGE, flags=re.MULTILINE)}
    assert len(changed) > len(ADDED)
    run_python("-m", "ruff", "check", *changed)
    run_python("-m", "ruff", "format", "--check", *changed)


# Its commands.


def test_every_command_does_what_it_says(answers):
    errors = ["".join(blocks("text", part)) for part in PAGE.split("```sh\n")[1:]]
    assert len(answers) > 20
    failed = {command: answer["err"] for command, answer in answers.items() if answer["code"]}
    assert sorted(failed.values()) == sorted(" ".join(error.split()) for error in errors if error)


def results(run_python, name):
    found = store.open(run_python.folder / "studies" / name).results()
    assert found["error"].isna().all()
    return found


@pytest.mark.usefixtures("answers")
def test_the_studies_of_the_page_have_the_scores_that_they_should(run_python):
    def score(study, name, by="strength"):
        found = results(run_python, study)
        return found[(found["score"] == name) & found["representation"].isin(["mean", "model"])].set_index(by)["value"]

    kl = score("free_bits", "kl_loss")
    assert kl[0.5] > kl[0.0]  # free bits leave the KL at or above 0.5 nats a latent; without them it may collapse
    assert score("free_bits", "max_information").between(0, 1).all()
    # By hand: shape and orientation are in no moment but by chance, scale and both positions are.
    assert score("moments", "mcc", "method")["image_moments"] > 0.5
    r2 = score("ridge", "r2")
    assert 1 > r2[0.001] > r2[0.1] > 0
    error = score("linear", "reconstruction_loss")
    assert error[0.0] < error[1.0]
    assert score("rectangles", "mig", "method")["ground_truth"] > 0.9
    mcc = score("conditional", "mcc", "conditional_sources.num_layers")
    assert mcc[1] > 0.9999 > 0.95 > mcc[3]  # a linear mixture is unmixed by a linear regression


def test_scores_of_two_copies_of_a_factor(answers):
    both, fewer = (answers[command]["out"] for command in answers if command.startswith("evaluate copies.npz"))
    shown = dict(re.findall(r"^(\w+) +([\d.]+) ", both, flags=re.MULTILINE))
    # Of three factors one is copied twice, one once, one never; 10,000 points are drawn of 200.
    assert float(shown["max_information"]) == pytest.approx(2 / 3, abs=0.01)
    assert float(shown["mig"]) == pytest.approx(1 / 3, abs=0.01)
    # Two of the five values of the second share the last of 4 bins: H is less by 2/5 ln 2.
    shown = dict(re.findall(r"^(\w+) +([\d.]+) ", fewer, flags=re.MULTILINE))
    assert float(shown["max_information"]) == pytest.approx((2 - 0.4 * np.log(2) / np.log(5)) / 3, abs=0.01)


# Its tests.


def passed(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if "PASSED" in line)


@pytest.mark.slow
def test_the_contract_tests_cover_what_was_added(run_python):
    names = [name for name in ADDED.values() if name not in COMPILED]
    where = ["tests/methods", "tests/metrics", "tests/data/test_data.py", "tests/data/test_computed.py"]
    said = passed(run_python("-m", "pytest", "-vv", "-p", "no:cacheprovider", *where, "-k", " or ".join(names)))
    assert [name for name in names if name not in said] == []


@pytest.mark.slow
@pytest.mark.parametrize("heading", ADDED)
def test_the_tests_that_the_page_names_pass(run_python, heading):
    said = [
        passed(run_python("-m", "pytest", "-vv", "-p", "no:cacheprovider", *command))
        for command in commands(sections()[heading], "python -m pytest")
    ]
    assert all(said)
    assert ADDED[heading] in said[0]


# Its code, against what is known.


def module(name: str, *slip: str) -> dict:
    """What a file of the page defines; with a slip, (what, by what), after that is replaced."""
    (source,) = [source for path, source in files().items() if Path(path).stem == name]
    if slip:
        assert source.count(slip[0]) == 1, slip
        source = source.replace(*slip)
    scope: dict = {"__name__": name}
    exec(source, scope)
    return scope


def settings(**options):
    return Settings(NetConfig(num_latents=2), TrainConfig(steps=1500, learning_rate=1e-2), **options)


def test_the_moments_of_a_bar():
    images = np.zeros((2, 9, 9, 1), np.float32)
    images[0, 2, 8] = images[1, 4, [0, 8]] = 1  # a point above and right; two that are 2 apart
    encode = module("image_moments")["build"](Inputs((9, 9, 1)), None).encode
    expected = [[1 / 81, 1, -0.5, 0, 0, 0], [2 / 81, 0, 0, 1, 0, 0]]
    np.testing.assert_allclose(encode({}, {"x": jnp.asarray(images)})["mean"], expected, atol=1e-6)


def test_the_regression_is_the_one_of_the_equation():
    scope, draws = module("ridge_regression"), np.random.default_rng(0)
    x, sources = draws.normal(size=(50, 4)), draws.normal(size=(50, 2))
    learner = scope["build"](Inputs((4,), (9, 9)), settings(options=scope["Options"]()))
    params, terms = learner.learn.fit({"x": x, "sources": sources}, 0, {"penalty": 0.3})
    centred, target = x - x.mean(axis=0), sources - sources.mean(axis=0)
    expected = np.linalg.solve(centred.T @ centred / 50 + 0.3 * np.eye(4), centred.T @ target / 50)
    np.testing.assert_allclose(params["weights"], expected, rtol=1e-4, atol=1e-6)
    codes = learner.encode(params, {"x": jnp.asarray(x, jnp.float32)})["mean"]
    np.testing.assert_allclose(codes, sources.mean(axis=0) + centred @ expected, rtol=1e-4, atol=1e-5)
    assert terms["r2"] == pytest.approx(1 - ((target - centred @ expected) ** 2).sum() / (target**2).sum())


def test_the_autoencoder_shrinks_each_direction_by_decay_over_variance():
    x = np.random.default_rng(0).normal(size=(500, 3)) @ np.diag([2.0, 1.5, 0.5])
    variances = np.linalg.eigvalsh(np.cov(x, rowvar=False, bias=True))[::-1]
    learn = module("linear_autoencoder")["build"](Inputs((3,)), settings()).learn

    @jax.jit
    def learnt(decay):
        def step(state, number):
            return learn.step(state, {"x": jnp.asarray(x, jnp.float32)}, jax.random.key(0), {"decay": decay})

        state, terms = jax.lax.scan(step, learn.init(0), jnp.arange(learn.updates))
        return learn.params(state), terms["reconstruction_loss"][-1]

    for decay in (0.0, 0.4):
        params, error = learnt(decay)
        gains = np.linalg.eigvals(params["encoder"]["kernel"] @ params["decoder"]["kernel"]).real
        np.testing.assert_allclose(np.sort(gains)[:0:-1], 1 - decay / variances[:2], atol=0.01)
        expected = variances[2] + (decay**2 / variances[:2]).sum()
        assert error == pytest.approx(expected, rel=0.02)


def test_a_rectangle_is_where_its_factors_say(monkeypatch):
    (change,) = blocks("diff", sections()["A data set of images"])
    entry = "".join(line[1:] + "\n" for line in change.partition("catalogue.py\n")[2].splitlines() if line[0] == "+")
    for name, facts in eval("{" + entry + "}", {"Facts": catalogue.Facts}).items():
        monkeypatch.setitem(catalogue.CATALOGUE, name, facts)
    loaded = module("rectangles")["load"]()
    factors = np.array([[1, 0, 2, 3, 5], [5, 3, 3, 15, 15]])
    images = loaded.images(np.ravel_multi_index(factors.T, loaded.factor_sizes))
    expected = np.zeros((2, 64, 64, 3), np.uint8)
    expected[0, 10:28, 6:12] = [0, 255, 0]
    expected[1, 30:54, 30:54] = [0, 255, 255]
    np.testing.assert_array_equal(images, expected)


def test_sources_are_gaussian_given_u():
    scope = module("conditional_sources")
    loaded = scope["load"](scope["Options"](num_sources=3, size_u=2, num_layers=1, seed=4))
    u, sources = loaded.auxiliary["u"].astype(float), loaded.sources.astype(float)
    assert u.shape == (40_000, 2)
    assert np.abs(u).max() <= 1
    noise = sources - u @ np.linalg.lstsq(u, sources)[0]
    # log |noise| is the log of the scale, b·u, and something of a constant mean.
    logs = np.log(np.abs(noise))
    slopes = np.linalg.lstsq(np.column_stack([u, np.ones(len(u))]), logs)[0][:2]
    assert np.abs(slopes).max() < 1.1
    assert np.abs(slopes).max(axis=0).min() > 0.05
    noise /= np.exp(u @ slopes)
    np.testing.assert_allclose(noise.std(axis=0), 1, atol=0.03)
    np.testing.assert_allclose((noise**4).mean(axis=0), 3, atol=0.3)
    assert np.linalg.matrix_rank(np.column_stack([loaded.storage, sources]), tol=1e-2) == 3  # one layer is linear


# What may go wrong.

SLIPS = {
    "axis": ("image_moments", "*second], axis=1)}", "*second], axis=0)}"),
    "needs": ("linear_autoencoder", "uses=(", "needs=frozenset({'segment'}), uses=("),
    "mean": ("linear_autoencoder", "error = jnp.mean(", "error = jnp.square("),
    "decode": ("linear_autoencoder", "as_inputs(rebuild(params, codes), inputs.shape)", "rebuild(params, codes)"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_found_while_planning_in_the_words_of_the_page(slip, tmp_path, monkeypatch):
    name, *change = SLIPS[slip]
    monkeypatch.setitem(METHODS, name, module(name, *change)[name.upper()])
    hyper = "{'decay': 1}" if name == "linear_autoencoder" else "{}"
    with pytest.raises(ValueError, match="method") as error:
        plan.expand(components.load(str(write_sweep(tmp_path)), [f"sweep.methods = {{'{name}': {hyper}}}"]))
    assert f"| `{error.value}` |" in PAGE


MISSING = {
    "NameError: name 'max_information' is not defined": (
        "metrics",
        "__init__.py",
        "from disentanglement_study.metrics.max_information import max_information\n",
        "",
    ),
    "KeyError: 'rectangles'": ("data", "catalogue.py", '"rectangles": Facts(', '"others": Facts('),
}


@pytest.mark.parametrize("error", MISSING)
def test_a_line_that_is_missing_is_the_error_of_the_page(run_python, tmp_path, error):
    room, file, *change = MISSING[error]
    package = shutil.copytree(run_python.folder / "disentanglement_study", tmp_path / "disentanglement_study")
    text = (package / room / file).read_text(encoding="utf-8")
    assert text.count(change[0]) == 1
    (package / room / file).write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(AssertionError, match=re.escape(error)):
        run_python("-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import disentanglement_study.{room}")
    assert f"`{error}`" in PAGE


def test_what_fails_in_a_job_is_a_row_and_an_exit_code(dsprites_root, tmp_path, monkeypatch):
    scope = module("ridge_regression", '    needs=frozenset({"sources"}),\n', "")
    monkeypatch.setitem(METHODS, "ridge_regression", scope["RIDGE_REGRESSION"])
    chosen = ["--gin", "sweep.methods = {'ridge_regression': {'penalty': 1, 'num_points': 50}}"]
    place = [str(tmp_path / "study"), "--executor", "inline", "--data-dir", str(dsprites_root)]
    assert cli.main(["run", str(write_sweep(tmp_path)), *place, *chosen]) == 3
    (error,) = store.open(tmp_path / "study").results()["error"]
    message = "method 'ridge_regression': no 'sources'"
    assert message in error
    assert f"`{message}`" in PAGE
