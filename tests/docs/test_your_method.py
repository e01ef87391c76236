"""What `docs/tutorials/your_method.md` says is so: its file and lines join a copy of the repository and run there."""

import json
import os
import re
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pages
import pytest
from test_extend import COMMANDS, COPIED, add_all, files

from disentanglement_study import nets, store

PAGE = pages.read("docs/tutorials/your_method.md")
BLOCKS = pages.blocks(PAGE)
NAME = "info_vae"
# The page's sweep, in small: what a test may wait for.
SMALL = "\ntrain.steps = 20\nevaluate.table_rows = 2000\nevaluate.training_batches = 2\n"


def of(language: str) -> list[str]:
    return [block.text for block in BLOCKS if block.language == language]


@pytest.fixture(scope="module")
def run_python(tmp_path_factory, dsprites_root):
    """`run_python(arguments...)` in a copy of the repository to which the page's file, lines and sweep were added."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        shutil.copytree(pages.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(pages.ROOT / "pyproject.toml", folder)
    add_all(folder, PAGE)
    (sweep,) = [text for text in of("gin") if "sweep.methods" in text]
    (folder / "mine.gin").write_text(sweep + SMALL, encoding="utf-8")
    place = {"PYTHONPATH": str(folder), "DISENTANGLEMENT_STUDY_DATA": str(dsprites_root), "COLUMNS": "200"}

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=folder, env={**os.environ, **place}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def answers(run_python):
    """[(arguments, what the command said)], of all commands of the page, in order."""
    given = [arguments for block in BLOCKS if block.language == "sh" for arguments in pages.commands(block)]
    inline = [[*arguments, "--executor", "inline"] if arguments[0] == "run" else arguments for arguments in given]
    said = json.loads(run_python("-c", COMMANDS, json.dumps(inline)).splitlines()[-1])
    return list(zip(given, said, strict=True))


def test_its_code_is_of_the_style_of_the_house(run_python):
    changed = [*files(PAGE), *re.findall(r"^--- (\S+\.py)", PAGE, flags=re.MULTILINE)]
    assert len(changed) == 2
    run_python("-m", "ruff", "check", *changed)
    run_python("-m", "ruff", "format", "--check", *changed)


@pytest.mark.slow
def test_every_command_succeeds_and_plan_says_what_the_page_shows(answers):
    assert {"plan", "run", "query", "figures"} <= {arguments[0] for arguments, _ in answers}
    assert [(arguments, said) for arguments, said in answers if said["code"]] == []
    (planned,) = [said["out"] for arguments, said in answers if arguments[0] == "plan"]
    (row,) = re.findall(rf"^{NAME} .*$", planned, flags=re.MULTILINE)
    # Updates and cost are those of the small sweep.
    assert " ".join(row.split()[:7]) in " ".join(PAGE.split())


@pytest.mark.slow
@pytest.mark.usefixtures("answers")
def test_the_study_has_a_score_of_every_model(run_python):
    results = store.open(run_python.folder / "studies" / "mine").results()
    assert results["error"].isna().all()
    mig = results[(results["score"] == "mig") & (results["representation"] == "mean")]
    assert mig.groupby(["method", "strength"]).size().to_dict() == {
        ("beta_vae", 0.25): 2, ("beta_vae", 1.5): 2, ("beta_vae", 4.0): 2,
        (NAME, 1.0): 2, (NAME, 100.0): 2, (NAME, 1000.0): 2,
    }  # fmt: skip


@pytest.mark.slow
def test_the_tests_that_the_page_names_pass(run_python):
    (line,) = re.findall(r"^python -m pytest (.*)$", "".join(of("sh")), flags=re.MULTILINE)
    (arguments,) = pages.commands(pages.Block("sh", f"{pages.PROGRAM} {line}"))
    said = run_python("-m", "pytest", "-vv", "-p", "no:cacheprovider", *arguments)
    passed = [line for line in said.splitlines() if "PASSED" in line]
    assert any(NAME in line for line in passed)


# Its loss, against the equation.


def module() -> dict:
    (source,) = files(PAGE).values()
    scope: dict = {"__name__": NAME}
    exec(source, scope)
    return scope


def test_the_mmd_is_the_one_of_the_equation():
    draws = np.random.default_rng(0)
    z, prior = draws.normal(size=(2, 7, 3))

    def mean_kernel(first, second):
        return np.mean([np.exp(-((a - b) ** 2).sum() / (2 * 3)) for a in first for b in second])

    expected = mean_kernel(z, z) + mean_kernel(prior, prior) - 2 * mean_kernel(z, prior)
    mmd = module()["mmd"]
    assert float(mmd(jnp.asarray(z), jnp.asarray(prior))) == pytest.approx(expected, rel=1e-4)
    assert float(mmd(jnp.asarray(z), jnp.asarray(z))) == pytest.approx(0, abs=1e-6)
    assert mmd(jnp.asarray(z + 5), jnp.asarray(prior)) > mmd(jnp.asarray(z), jnp.asarray(prior))


def test_with_lambda_1_the_loss_is_that_of_the_vae_and_the_mmd_has_the_weight_that_is_left():
    functions, init = nets.build(
        (2, 2, 1), encoder="mlp", decoder="mlp", num_latents=2,
        encoder_options={"widths": (3,)}, decoder_options={"widths": (3,)}, discriminator_options={"widths": (3,)},
    )  # fmt: skip
    params = {group: init[group](jax.random.key(1)) for group in ("encoder", "decoder")}
    batch = jnp.asarray(np.random.default_rng(0).uniform(size=(6, 2, 2, 1)), jnp.float32)

    def loss(strength):
        found, terms = module()[NAME](
            functions, params, batch, jax.random.key(0), {"lambda_mmd": jnp.float32(strength)}
        )
        return float(found), {name: float(term) for name, term in terms.items()}

    value, terms = loss(1)
    assert value == pytest.approx(terms["reconstruction_loss"] + terms["kl_loss"])
    assert loss(1001)[0] - value == pytest.approx(1000 * terms["mmd"], rel=1e-4)
