"""The wheel and the sdist: what is in them, and that the wheel works where there is no checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import pytest

import disentanglement_study

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What git ignores, and a developer has in the checkout.
IGNORED = ("studies/quick/plan.parquet", ".venv/lib/left.py", "dist/old.whl", "disentanglement_study/__pycache__/a.pyc")
MODULES = {
    path.relative_to(ROOT).as_posix() for path in (ROOT / "disentanglement_study").rglob("*.py") if path.is_file()
}
DATA = {path.relative_to(ROOT).as_posix() for folder in ("sweeps", "gin_configs") for path in (ROOT / folder).iterdir()}


def run(*command, cwd, **options):
    """Runs it as a stranger would: nothing of this checkout is on the path."""
    given = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=given, capture_output=True, text=True, **options)
    return done.returncode, done.stdout, done.stderr


def build(folder, target, to):
    """The file that hatchling makes of a tree, with what is installed here."""
    code, out, err = run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", to, cwd=folder)
    assert code == 0, out + err
    (made,) = to.iterdir()
    return made


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The checkout as git has it, and what it ignores beside."""
    folder = tmp_path_factory.mktemp("tree") / "copy"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "studies", "results", "tests", "__pycache__", "dist", "build", ".*_cache"
    )
    shutil.copytree(ROOT, folder, ignore=ignored)
    for name in (*IGNORED, "results/huge.parquet", "tests/test_a.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


@pytest.fixture(scope="module")
def sdist(tree, tmp_path_factory):
    return build(tree, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    return build(tree, "wheel", tmp_path_factory.mktemp("wheel"))


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_package_with_its_sweeps_and_nothing_else(wheel):
    names = names_in(wheel)
    assert names >= MODULES
    assert {f"disentanglement_study/{name}" for name in DATA} <= names
    assert "disentanglement_study/py.typed" in names
    assert "disentanglement_study/analysis/report/page/index.html" in names
    about = f"disentanglement_study-{PROJECT['version']}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"disentanglement_study", about}
    assert f"{about}/licenses/LICENSE" in names
    assert not [name for name in names if name.endswith(".pyc")]
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{about}/METADATA").decode()
    assert (ROOT / "README.md").read_text().strip() in metadata


def test_the_sdist_holds_what_a_wheel_is_built_from_and_nothing_else(sdist):
    with tarfile.open(sdist) as archive:
        names = {PurePosixPath(name).relative_to(sdist.name.removesuffix(".tar.gz")) for name in archive.getnames()}
    names = {str(name) for name in names}
    assert names >= {*MODULES, *DATA, "disentanglement_study/py.typed", "pyproject.toml", "LICENSE", "README.md"}
    tops = {name.partition("/")[0] for name in names}
    assert tops == {
        "disentanglement_study", "gin_configs", "sweeps", "pyproject.toml", "PKG-INFO", ".gitignore",
        "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md",
    }  # fmt: skip
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_wheel_of_the_sdist_is_that_of_the_checkout(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert names_in(build(unpacked, "wheel", tmp_path / "again")) == names_in(wheel)


@pytest.fixture(scope="module")
def stranger(wheel, tmp_path_factory):
    """An interpreter that has the wheel, and sees the dependencies that are installed here."""
    folder = tmp_path_factory.mktemp("stranger") / "venv"
    assert run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)[0] == 0
    python = folder / "bin" / "python"
    install = ("install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", wheel)
    code, out, err = run(sys.executable, "-m", "pip", "--python", python, *install, cwd=folder.parent)
    assert code == 0, out + err
    # The lines of the .pth files of that folder, one of which leads to this checkout, are not followed from here.
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


@pytest.mark.slow
def test_the_installed_wheel_is_what_is_imported_and_says_its_version(stranger, tmp_path):
    program = "import disentanglement_study as package; print(package.__file__); print(package.__version__)"
    code, out, err = run(stranger, "-c", program, cwd=tmp_path)
    assert code == 0, err
    path, version = out.splitlines()
    assert Path(path).is_relative_to(stranger.parent.parent)
    assert version == PROJECT["version"] == disentanglement_study.__version__


@pytest.mark.slow
def test_the_installed_command_plans_a_sweep_that_came_with_it(stranger, tmp_path):
    command = stranger.with_name("disentanglement-study")
    code, out, err = run(command, "plan", "quick", "--where", "seed == 0", cwd=tmp_path)
    assert code == 0, err
    assert "18 runs" in out  # six methods, three strengths


@pytest.mark.slow
def test_a_metric_of_the_installed_wheel_scores_arrays(stranger, tmp_path):
    program = (
        "import numpy as np\n"
        "from disentanglement_study.metrics import METRICS\n"
        "factors = np.stack(np.unravel_index(np.arange(100), (10, 10)), axis=1)\n"
        "print(METRICS['mig'].compute(factors.astype(float), factors)['mig'])\n"
    )
    code, out, err = run(stranger, "-c", program, cwd=tmp_path)
    assert code == 0, err
    assert float(out) == pytest.approx(1.0)  # each factor has a code of its own


@pytest.mark.slow
def test_a_strangers_mypy_sees_our_types(stranger, tmp_path):
    (tmp_path / "program.py").write_text(
        "from disentanglement_study.metrics.mig import mig\n"
        "scores = mig([0.5, 1.0], [0, 1])\n"
        "shown: str = scores['mig']\n"
    )
    check = ("-m", "mypy", "--python-executable", stranger, "--ignore-missing-imports", "--follow-imports", "silent")
    _, out, err = run(sys.executable, *check, "--cache-dir", tmp_path / "cache", "program.py", cwd=tmp_path)
    wrong = [line for line in out.splitlines() if ": error:" in line]
    assert [line.partition(": ")[0] for line in wrong] == ["program.py:2", "program.py:2", "program.py:3"], out + err
    assert 'Argument 1 to "mig" has incompatible type "list[float]"' in wrong[0]
    assert "missing library stubs or py.typed" not in out
