"""Each job says where it comes from: the code, what is installed, the machine and the time."""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest

import disentanglement_study
from disentanglement_study import cli, store
from disentanglement_study.config import ResourceConfig
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import provenance
from disentanglement_study.study.dispatch import EXECUTORS
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.study.training_rows import record_failure
from disentanglement_study.types import Job

ROOT = Path(__file__).parent.parent.parent
ENTRIES = {
    "commit", "dirty", "package", "lock", "python", "host", "cores", "device", "driver", "started", "ended",
}  # fmt: skip
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """A checkout of one commit, with code and what is none."""
    folder = tmp_path / "checkout"
    for path in ("disentanglement_study/a.py", "sweeps/a.gin", "pyproject.toml", "README.md"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("a")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "a")
    return folder


def test_the_commit_is_that_of_the_checkout_and_dirty_where_code_differs(checkout):
    commit = git(checkout, "rev-parse", "HEAD")
    assert provenance.git(checkout) == (commit, False)
    (checkout / "README.md").write_text("b")  # of this no result depends
    (checkout / "notes.txt").write_text("b")
    assert provenance.git(checkout) == (commit, False)
    (checkout / "disentanglement_study" / "a.py").write_text("b")
    assert provenance.git(checkout) == (commit, True)
    git(checkout, "checkout", "--quiet", "disentanglement_study")
    (checkout / "sweeps" / "new.gin").write_text("b")  # not even added
    assert provenance.git(checkout) == (commit, True)


def test_the_commit_of_a_worktree_is_its_own(checkout):
    git(checkout, "worktree", "add", "--quiet", "-b", "other", "../other")
    other = checkout.parent / "other"
    (other / "sweeps" / "a.gin").write_text("b")
    git(other, "commit", "--quiet", "--all", "--message", "b")
    assert provenance.git(other) == (git(other, "rev-parse", "HEAD"), False)
    assert provenance.git(other)[0] != provenance.git(checkout)[0]


def test_a_copy_inside_another_checkout_has_no_commit(checkout):
    assert provenance.git(checkout / "disentanglement_study") == (None, None)


def test_a_checkout_without_a_commit_has_none(tmp_path):
    git(tmp_path, "init", "--quiet")
    assert provenance.git(tmp_path) == (None, None)


def test_a_checkout_of_another_user_has_its_commit(checkout):
    if os.getuid():
        pytest.skip("only root can give a folder away")
    for path in [checkout, *checkout.rglob("*")]:
        os.chown(path, 12345, 12345, follow_symlinks=False)
    with pytest.raises(subprocess.CalledProcessError):
        git(checkout, "status")
    assert provenance.git(checkout)[1] is False


@pytest.mark.parametrize("broken", ["missing", "fails", "hangs", "talks"])
def test_a_git_that_does_not_work_is_no_error(checkout, tmp_path, monkeypatch, broken):
    (folder := tmp_path / "bin").mkdir()
    script = {"fails": "exit 1", "hangs": "exec sleep 60", "talks": "printf 'no \\377 commit'"}.get(broken)
    if script:
        (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "git").chmod(0o755)
    monkeypatch.setattr(provenance, "SECONDS", 0.5)
    monkeypatch.setenv("PATH", str(folder) if broken != "hangs" else f"{folder}:{os.environ['PATH']}")
    assert provenance.git(checkout) == (None, None)


def test_what_git_is_told_of_another_repository_does_not_count(checkout, tmp_path, monkeypatch):
    (other := tmp_path / "other").mkdir()
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    commit, _ = provenance.git(checkout)
    assert commit is not None


def test_git_is_asked_once_a_process(monkeypatch):
    asked = []
    monkeypatch.setattr(provenance, "git", lambda root: (asked.append(root), (None, None))[1])
    provenance._process.cache_clear()
    try:
        records = [provenance.begun(), provenance.begun(), provenance.of_failure(ValueError())]
    finally:
        provenance._process.cache_clear()
    assert asked == [ROOT]
    assert [record["commit"] for record in records] == [None, None, None]


# The lock.


@pytest.fixture
def locked(tmp_path):
    """A checkout that declares what is installed here, and its lock."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "requirements").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy>=2", "scikit_learn>=1", "absent>=1"]')
    text = "".join(f"{name}=={version} \\\n    --hash=sha256:00\n" for name, version in installed().items())
    (tmp_path / "requirements" / "dev.txt").write_text("# A lock.\n" + text + "absent==1.0\n")
    return tmp_path


def installed() -> dict[str, str]:
    found = provenance._installed(ROOT)
    return {name: found[name] for name in ("jaxlib", "numpy", "scikit-learn")}


def test_the_lock_is_named_where_it_is_what_is_installed(locked):
    file = locked / "requirements" / "dev.txt"
    assert provenance.lock(locked) == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    file.write_text(file.read_text().replace(f"numpy=={installed()['numpy']}", "numpy==0.1"))
    lines = "".join(f"{name}=={version}\n" for name, version in sorted(installed().items()))
    expected = f"installed:{hashlib.sha256(lines.encode()).hexdigest()}"
    assert provenance.lock(locked) == expected
    file.unlink()
    assert provenance.lock(locked) == expected


def test_a_lock_that_cannot_be_read_is_no_error(locked):
    (locked / "pyproject.toml").write_text("[[[")
    assert provenance.lock(locked) is None


def test_the_lock_of_an_installed_package_is_of_what_it_needs(tmp_path):
    assert provenance.lock(tmp_path).startswith("installed:")
    assert {"jax", "jaxlib", "numpy", "scikit-learn", "absl-py"} <= provenance._installed(tmp_path).keys()
    assert "pytest" not in provenance._installed(tmp_path)


def test_the_driver_of_nvidia_is_that_of_the_kernel(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "NVIDIA", tmp_path / "version")
    assert provenance._nvidia_driver() is None
    line = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
    (tmp_path / "version").write_text(line)
    assert provenance._nvidia_driver() == "NVIDIA driver 550.54.15"


@pytest.mark.parametrize(
    ("client", "driver"),
    [
        (SimpleNamespace(platform_version="PJRT C API\ncuda 12090"), "PJRT C API cuda 12090, NVIDIA driver 550.54.15"),
        (SimpleNamespace(), "NVIDIA driver 550.54.15"),
        (None, "NVIDIA driver 550.54.15"),
    ],
)
def test_the_driver_of_a_gpu_is_what_jax_and_the_kernel_say(monkeypatch, client, driver):
    device = SimpleNamespace(device_kind="NVIDIA H100", client=client)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(jax, "devices", lambda: [device])
    monkeypatch.setattr(provenance, "_nvidia_driver", lambda: "NVIDIA driver 550.54.15")
    assert provenance._device.__wrapped__() == {"device": "gpu: NVIDIA H100", "driver": driver}


# Of jobs.


def test_a_finished_job_has_a_record(finished_study):
    for manifest in store.open(finished_study).manifests():
        record = manifest["provenance"]
        assert record.keys() == ENTRIES
        assert record["package"] == disentanglement_study.__version__
        assert record["python"] == ".".join(map(str, sys.version_info[:3]))
        assert record["host"] == socket.gethostname()
        assert (record["device"], record["driver"]) == ("cpu", None)
        assert re.fullmatch("(sha256|installed):[0-9a-f]{64}", record["lock"])
        assert re.fullmatch(TIME, record["started"])
        assert record["started"] <= record["ended"]
        if (ROOT / ".git").exists() and shutil.which("git"):
            assert record["commit"] == git(ROOT, "rev-parse", "HEAD")
            assert isinstance(record["dirty"], bool)


def fails(executor: str):
    """Work that fails; a worker of Ray, which is another process, has another host."""
    driver = os.getpid()

    def work(job: Job, resources: ResourceConfig) -> None:
        if executor == "ray":
            assert os.getpid() != driver
            socket.gethostname = lambda: "worker"
        with provenance.carried():
            raise ValueError("on purpose")

    return work


@pytest.mark.parametrize("executor", ["inline", "ray"])
def test_the_error_of_a_job_carries_the_record_of_its_worker(study_copy, executor):
    opened = store.open(study_copy)
    job, *_ = finished_jobs(opened)
    resources = ResourceConfig(retries=0, num_gpus=0.0)
    ((_, error),) = EXECUTORS[executor](Pile([job]), fails(executor), resources, None)
    record_failure(job, study_copy, error, 1)
    (manifest,) = [one for one in opened.manifests() if one["status"] == "failed"]
    assert "on purpose" in manifest["error"]
    assert manifest["provenance"].keys() == ENTRIES
    assert manifest["provenance"]["device"] == "cpu"
    assert manifest["provenance"]["host"] == ("worker" if executor == "ray" else socket.gethostname())
    assert manifest["provenance"]["started"] <= manifest["provenance"]["ended"]


def test_a_worker_that_was_lost_has_no_machine():
    record = provenance.of_failure(RuntimeError("the node died"))
    assert record.keys() == ENTRIES
    assert [record[name] for name in ("host", "device", "driver", "started")] == [None] * 4
    assert record["python"]


class Closed(Exception):
    """An error that takes no attribute."""

    def __setattr__(self, name, value):
        if name == "provenance":
            raise AttributeError(name)
        super().__setattr__(name, value)


def test_an_error_that_takes_no_record_is_still_the_error():
    with pytest.raises(Closed), provenance.carried():
        raise Closed


def test_a_device_that_does_not_start_is_an_error_with_a_record(monkeypatch):
    def broken():
        raise RuntimeError("no device")

    monkeypatch.setattr(provenance, "_device", broken)
    with pytest.raises(RuntimeError, match="no device") as error, provenance.carried():
        pass
    assert provenance.of_failure(error.value)["host"] == socket.gethostname()
    assert provenance.of_failure(error.value)["device"] is None


# Of scores that come later.


@pytest.fixture
def rescored(study_copy, dsprites_root, monkeypatch):
    """A study that was scored on two metrics more, by another commit."""
    monkeypatch.setattr(provenance, "git", lambda root: ("f" * 40, True))
    provenance._process.cache_clear()
    where = ["--data-dir", str(dsprites_root), "--executor", "inline"]
    assert cli.main(["evaluate", str(study_copy), "--metrics", "sap_score,udr", *where]) == 0
    provenance._process.cache_clear()
    return study_copy


def test_scores_that_come_later_say_where_they_come_from(rescored, finished_study):
    opened, before = store.open(rescored), store.open(finished_study).manifests()
    for manifest, old in zip(opened.manifests(), before, strict=True):
        assert [(one["metrics"], one["commit"], one["dirty"]) for one in manifest["scored"]] == [
            (["sap_score"], "f" * 40, True),
            (["udr"], "f" * 40, True),
        ]
        later, udr = manifest["scored"]
        assert later.keys() == {"metrics", *ENTRIES}
        assert udr.keys() == {"metrics", "models", *ENTRIES}
        assert udr["models"] == 2  # of its settings, which two seeds have
        assert {**manifest, "scored": None} == {**old, "scored": None}  # the training's is as it was
    found = opened.query("""
        SELECT metric, coalesce(rescored.commit, jobs.commit) AS commit, count(*) AS n
        FROM scores JOIN runs USING (run_id) JOIN jobs USING (job_id) LEFT JOIN rescored USING (job_id, metric)
        GROUP BY ALL
    """).set_index("metric")
    assert len(found) == 8
    assert set(found.index[found["commit"] == "f" * 40]) == {"sap_score", "udr"}


def test_comparing_models_starts_no_device(study_copy, monkeypatch):
    # A driver on a GPU node would take memory there.
    monkeypatch.setattr(provenance, "_device", lambda: 1 / 0)
    assert cli.main(["evaluate", str(study_copy), "--metrics", "udr", "--executor", "inline"]) == 0
    assert {one["scored"][0]["device"] for one in store.open(study_copy).manifests()} == {"cpu"}


def test_a_metric_that_is_scored_again_has_its_last_record_only(study_copy):
    opened = store.open(study_copy)
    job, *_ = finished_jobs(opened)
    for metrics, host in ((["mig", "dci"], "a"), (["irs"], "b"), (["dci"], "c"), (["mig"], "d")):
        opened.write_scored(job, metrics, {"host": host})
    (found,) = [one["scored"] for one in opened.manifests() if one["job_id"] == job.job_id]
    assert found == [{"metrics": [metric], "host": host} for metric, host in (("irs", "b"), ("dci", "c"), ("mig", "d"))]


@pytest.mark.parametrize("damage", [{"provenance": "mine"}, {"scored": {}}, {"scored": [1]}, {"scored": [{}]}])
def test_a_manifest_with_another_kind_of_record_is_damaged(study_copy, damage):
    opened = store.open(study_copy)
    path = next(opened.jobs.glob("*/manifest.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(ValueError, match=f"manifest.json: cannot be read: its '{next(iter(damage))}'"):
        opened.manifests()
