"""`doctor` finds what would stop a run, says what to do about it, and leaves nothing behind."""

import fcntl
import importlib.util
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_study import OF_MINE

from disentanglement_study import cli
from disentanglement_study.cli import doctor
from disentanglement_study.config import ResourceConfig
from disentanglement_study.data import own
from disentanglement_study.study.doctor import data_sets, devices, judge, shared_folder, versions
from disentanglement_study.study.doctor import nodes as asking
from disentanglement_study.study.doctor.fits import fits
from disentanglement_study.study.doctor.look import look
from disentanglement_study.study.doctor.nodes import Node

VERSIONS = {"python": "3.11.7", "jax": "0.10.2", "disentanglement_study": "0.1.0, commit 1234567, code 01234567"}
CPU, GPU = ({"platform": "cpu", "kind": "cpu", "bytes": None}, {"platform": "gpu", "kind": "H100", "bytes": 60 * 10**9})


def a_node(name="a", resources=None, error="", ahead=0.0, busy="", **answer) -> Node:
    """One on which all is well, but for what is given."""
    whole = {
        "name": name,
        "cpus": 8,
        "memory": 10**11,
        "versions": VERSIONS,
        "study": {"folder": "same", "locks": "seen", "free": 10**12},
        "data": {"folder": "/data", "is_there": True, "problem": "", "free": 10**12, "missing": []},
        "jax": {"devices": [CPU]},
        "time": 0.0,
    }
    for part, values in answer.items():
        whole[part] = {**whole[part], **values} if part != "jax" else values
    return Node(name, name, "10.0.0.1", resources or {"CPU": 8.0}, busy, None if error else whole, error, ahead)


def found(*nodes: Node, **changed) -> judge.Found:
    came_back = frozenset(node.node_id for node in nodes)
    return judge.Found(
        nodes, **{"wanted": {"CPU": 1.0}, "here": VERSIONS, "folder": "/s", "came_back": came_back, **changed}
    )


def test_where_all_is_well_nothing_is_said():
    assert judge.problems(found(a_node(), a_node("b"))) == []
    on_gpus = a_node(resources={"CPU": 8.0, "GPU": 8.0}, jax={"devices": [GPU]})
    assert judge.problems(found(on_gpus, wanted={"CPU": 1.0, "GPU": 1.0})) == []
    busy = a_node(resources={"CPU": 8.0, "GPU": 8.0}, jax={}, busy="GPU")
    assert judge.problems(found(busy, wanted={"CPU": 1.0, "GPU": 1.0})) == []


OLD = {**VERSIONS, "jax": "0.9.0"}
WITH_GPU = {"CPU": 8.0, "GPU": 2.0}
CASES = {  # what is there, whether it stops a run, what is said
    "silent": (a_node(error="no answer within 75 s"), True, "a (10.0.0.1): no answer within 75 s"),
    "bare": (a_node(error="ModuleNotFoundError: No module named 'x'"), True, "No module named 'x'"),
    "no folder": (a_node(study={"folder": "/s is not there"}), True, "/s is not there"),
    "no locks": (a_node(study={"locks": "not seen"}), False, "a lock on /s that is held here is not seen there"),
    "full": (a_node(study={"free": 5 * 10**8}), False, "/s has 0.50 GB left"),
    "no data": (a_node(data={"missing": ["cars3d", "mine"]}), True, "/data lacks cars3d, mine"),
    "damaged data": (a_node(data={"problems": ["mine.bin has 9 bytes"]}), True, "a (10.0.0.1): mine.bin has 9 bytes"),
    "data not checked": (a_node(data={"unknown": "too slow"}), False, "its data could not be checked: too slow"),
    "data nowhere": (
        a_node(data={"is_there": False, "problem": "/ cannot be written to"}),
        True,
        "/ cannot be written to",
    ),
    "late": (a_node(ahead=-3.2), False, "its clock is 3.2 s behind this one"),
    "early": (a_node(ahead=3.2), False, "its clock is 3.2 s ahead of this one"),
    "no JAX": (a_node(jax={"error": "ImportError: libcuda"}), True, "JAX finds no device: ImportError: libcuda"),
    "unused GPU": (a_node(resources=WITH_GPU), False, "Ray counts 2 GPU, but JAX finds only CPU"),
    "uncounted GPU": (a_node(jax={"devices": [GPU]}), False, "JAX finds a GPU that Ray does not count"),
    "old": (a_node(versions=OLD), False, "jax differs: 0.10.2, 0.9.0"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_with_what_to_do(case):
    node, stops, text = CASES[case]
    (problem,) = judge.problems(found(node, a_node("b")))
    assert (problem.stops, text in problem.what) == (stops, True), problem
    assert problem.advice
    assert "\n" not in problem.what + problem.advice


def test_what_needs_the_whole_to_be_judged():
    (problem,) = judge.problems(found(a_node(), came_back=frozenset()))
    assert (problem.stops, problem.what) == (True, "a (10.0.0.1): what it writes to /s cannot be read here")
    blind = a_node(resources=WITH_GPU)
    (problem,) = judge.problems(found(blind, wanted={"CPU": 1.0, "GPU": 1.0}))
    assert problem.stops
    assert "resources.num_gpus = 0.0" in problem.advice
    (problem,) = judge.problems(found(a_node(), wanted={"CPU": 64.0}))
    assert (problem.stops, problem.what) == (True, "a job needs 64 CPUs, the largest node has 8 CPUs")
    (problem,) = judge.problems(found(a_node(), wanted={"CPU": 64.0}, grows=True))
    assert not problem.stops
    (problem,) = judge.problems(found(a_node(), wanted={}, ray="Ray is not installed"))
    assert not problem.stops
    assert "--executor inline" in problem.advice
    (problem,) = judge.problems(found(a_node(study={"folder": "not tried"}), folder_error="/s: Read-only file system"))
    assert (problem.stops, problem.what) == (True, "/s: Read-only file system")
    (problem,) = judge.problems(found(a_node(), locks="No locks available"))
    assert problem.stops


def test_what_run_refuses_where_it_is_started_is_said_once():
    head = a_node("head", {"CPU": 0.0}, data={"problems": ["x is cut"]})
    whats = [(one.stops, one.what) for one in judge.problems(found(head, a_node(), data_here=("x is cut",)))]
    assert whats == [(True, "here, where `run` is started: x is cut"), (False, "head (10.0.0.1): x is cut")]
    cut = a_node(data={"problems": ["x is cut"]})
    assert [one.what for one in judge.problems(found(cut, data_here=("x is cut",)))] == ["a (10.0.0.1): x is cut"]


def test_a_node_on_which_no_job_can_run_stops_nothing_and_what_stops_comes_first():
    head = a_node("head", {"CPU": 0.0}, study={"folder": "/s is not there"})
    assert [problem.stops for problem in judge.problems(found(head, a_node()))] == [False]
    listed = judge.problems(found(head, a_node(data={"missing": ["mine"]})))
    assert [problem.stops for problem in listed] == [True, False]


def test_what_is_wrong_on_many_nodes_is_one_line():
    many = [a_node(f"n{number}", study={"folder": "/s is not there"}) for number in range(7)]
    (problem,) = judge.problems(found(*many))
    assert problem.what.endswith("n4 (10.0.0.1) and 2 more: /s is not there")


def test_a_token_is_answered_by_whoever_sees_the_folder_and_leaves_nothing(tmp_path):
    study = tmp_path / "not" / "there"
    with shared_folder.token(study) as asked:
        assert Path(asked.folder).parent == tmp_path
        assert asked.locks == "held"
        assert not shared_folder.came_back(asked, "a")
        said = shared_folder.answer(asked, "a")
        assert (said["folder"], said["locks"]) == ("same", "seen")
        assert said["free"] > 0
        assert shared_folder.came_back(asked, "a")
        fcntl.flock(os.open(Path(asked.folder) / "lock", os.O_RDWR), fcntl.LOCK_UN)  # another holder: changes nothing
        assert shared_folder.answer(asked, "b")["locks"] == "seen"
        other = asked._replace(text="another")
        assert shared_folder.answer(other, "c")["folder"] == f"{tmp_path} is not the same folder as here"
    assert list(tmp_path.iterdir()) == []
    (study / "tmp").mkdir(parents=True)
    with shared_folder.token(study) as asked:
        assert Path(asked.folder).parent == study / "tmp"
    assert list((study / "tmp").iterdir()) == []


def test_a_folder_that_another_machine_does_not_see(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_folder, "APPEAR_SECONDS", 0.1)
    elsewhere = shared_folder.Token(str(tmp_path / "only_there" / ".doctor.1"), "1", "held")
    assert shared_folder.answer(elsewhere, "a")["folder"] == f"{tmp_path / 'only_there'} does not exist"
    hollow = shared_folder.Token(str(tmp_path / ".doctor.1"), "1", "held")
    assert shared_folder.answer(hollow, "a")["folder"] == f"{tmp_path} exists, but lacks what was written to it here"


def test_a_lock_that_nobody_holds_is_not_seen(tmp_path):
    (tmp_path / "token").write_text("1")
    (tmp_path / "lock").touch()
    assert shared_folder.answer(shared_folder.Token(str(tmp_path), "1", "held"), "a")["locks"] == "not seen"


def test_where_nothing_can_be_written_that_is_said(monkeypatch):
    with shared_folder.token(Path("/proc/self/study")) as asked:
        assert asked.error.startswith("/proc/self: ")
        assert shared_folder.answer(asked, "a")["folder"] == "not tried"


def test_a_data_folder_and_what_it_lacks(tmp_path):
    asked = shared_folder.Token("/nowhere", "", "", error="not tried")
    (tmp_path / "mine.bin").touch()
    said = look("a", False, asked, tmp_path, ["mine", "cars3d"])
    assert said["data"]["missing"] == ["cars3d"]
    assert (said["data"]["is_there"], said["data"]["problem"], said["jax"]) == (True, "", {})
    (tmp_path / "file").touch()
    assert (
        look("a", False, asked, tmp_path / "file" / "data", [])["data"]["problem"]
        == f"{tmp_path / 'file'} is not a folder"
    )
    json.dumps(said)


def test_devices_are_looked_at_in_a_process_that_may_hang_or_break(monkeypatch):
    assert devices.devices()["devices"][0]["platform"] == "cpu"
    monkeypatch.setattr(devices, "PROGRAM", "import time; time.sleep(60)")
    assert devices.devices(0.5) == {"error": "JAX had not started after 0.5 s"}
    monkeypatch.setattr(devices, "PROGRAM", "raise RuntimeError('no driver')")
    assert devices.devices() == {"error": "RuntimeError: no driver"}
    monkeypatch.setattr(devices, "PROGRAM", "import os; os._exit(7)")
    assert devices.devices() == {"error": "JAX ended with code 7"}


def test_versions_tell_other_code_apart(tmp_path, monkeypatch):
    said = versions.versions()
    assert said["python"].startswith("3.")
    assert said["jax"][0].isdigit()
    assert versions.sources() in said["disentanglement_study"]
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    monkeypatch.setattr(versions.disentanglement_study, "__file__", str(tmp_path / "package" / "__init__.py"))
    before = versions.sources()
    (tmp_path / "package" / "more.py").write_text("x = 1\n")
    assert versions.sources() != before


def test_without_ray_this_machine_is_looked_at(tmp_path, monkeypatch, capsys):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "ray" else real(name, *rest))
    assert cli.main(["doctor", str(tmp_path / "study"), "--data-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "Ray is not installed" in said
    assert "--executor inline" in said
    assert "1 cpu" in said
    assert list(tmp_path.iterdir()) == []
    assert cli.main(["doctor", str(tmp_path), "--address", "auto"]) == 2
    assert "Ray is not installed here" in capsys.readouterr().err


@pytest.fixture
def without_ray(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "ray" else real(name, *rest))


@pytest.fixture
def mine(tmp_path):
    """A sweep of a data set of one's own, and the folder that has it."""
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    own.add("mine", images, np.stack(np.unravel_index(np.arange(60), (3, 4, 5)), axis=1), root=tmp_path / "sets")
    (tmp_path / "mine.gin").write_text(OF_MINE)
    return tmp_path


def refused(home, capsys, *options):
    """What `doctor` says that stops a run, which `run` says too, word for word; None if neither says anything."""
    common = ["--data-dir", str(home / "sets"), *options]
    code = cli.main(["doctor", str(home / "study"), "--sweep", str(home / "mine.gin"), *common, "--json"])
    problems = [one["what"] for one in json.loads(capsys.readouterr().out)["problems"] if one["stops"]]
    assert code == (3 if problems else 0)
    if not problems:
        return None
    assert cli.main(["run", str(home / "mine.gin"), str(home / "study"), *common, "--executor", "inline"]) == 2
    (what,) = problems
    assert what.partition(": ")[2] in " ".join(capsys.readouterr().err.split())
    return what


@pytest.mark.usefixtures("without_ray")
def test_the_data_that_run_would_refuse_are_named_before(mine, capsys):
    assert refused(mine, capsys) is None
    assert not (mine / "study").exists()
    path = mine / "sets" / "mine.bin"
    path.write_bytes(path.read_bytes()[:1000])
    assert f"{path} has 1,000 bytes, not 15,360: delete it" in refused(mine, capsys)


@pytest.mark.usefixtures("without_ray")
def test_a_picture_that_is_not_there_is_named_and_nothing_is_rendered(mine, capsys):
    scream = ["--gin", "sweep.data_sets = ['scream_dsprites']"]
    before = sorted((mine / "sets").iterdir())
    assert "scream_dsprites needs Munch's The Scream: save a picture of it" in refused(mine, capsys, *scream)
    Image.fromarray(np.zeros((60, 100, 3), np.uint8)).save(mine / "sets" / "scream.png")
    assert "needs a picture of more than 64 x 64 pixels, not 100 x 60" in refused(mine, capsys, *scream)
    Image.fromarray(np.zeros((80, 100, 3), np.uint8)).save(mine / "sets" / "scream.png")
    assert refused(mine, capsys, *scream) is None
    assert sorted((mine / "sets").iterdir()) == sorted([*before, mine / "sets" / "scream.png"])


@pytest.mark.usefixtures("without_ray")
def test_models_of_other_contents_under_the_name_are_named(mine, capsys):
    common = ["--data-dir", str(mine / "sets"), "--executor", "inline"]
    assert cli.main(["run", str(mine / "mine.gin"), str(mine / "study"), *common]) == 0
    capsys.readouterr()
    for path in (mine / "sets").glob("mine.*"):
        path.unlink()
    images = np.random.default_rng(1).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    own.add("mine", images, np.stack(np.unravel_index(np.arange(60), (3, 4, 5)), axis=1), root=mine / "sets")
    assert "holds models of another data set 'mine': its contents have changed" in refused(mine, capsys)


def test_a_check_of_data_that_hangs_or_breaks_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(data_sets, "PROGRAM", "import time; time.sleep(60)")
    asked = "", tmp_path, str(tmp_path)
    assert data_sets.problems(*asked, seconds=0.5) == {"unknown": "checking its data sets took more than 0.5 s"}
    monkeypatch.setattr(data_sets, "PROGRAM", "raise RuntimeError('broken')")
    assert data_sets.problems(*asked) == {"unknown": "RuntimeError: broken"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--gin", "sweep.seeds = 1"], "name that sweep with --sweep"),
        (["--sweep", "quik"], "quick"),
        (["--address", "127.0.0.1:1"], "no Ray cluster at '127.0.0.1:1'"),
    ],
)
def test_bad_input_is_one_line(options, text, tmp_path, capsys):
    assert cli.main(["doctor", str(tmp_path), *options]) == 2
    said = capsys.readouterr().err.strip()
    assert text in said
    assert "\n" not in said


@pytest.mark.slow
def test_a_cluster_whose_nodes_differ(tmp_path, monkeypatch, capsys):
    """One node does not answer at first, then its GPU is taken, then JAX does not find that."""
    from ray.cluster_utils import Cluster

    from disentanglement_study.study.dispatch import cluster

    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
    cluster._read_token_again()
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        blind = made.add_node(num_cpus=2, num_gpus=1).node_id

        def slow(node, with_devices):
            if node == blind:
                time.sleep(600)
            return look(node, False, asked, tmp_path, [])

        with shared_folder.token(tmp_path) as asked, cluster.connected(made.address) as ray:
            there = asking.nodes(ray, slow, seconds=20)
            assert {node.node_id: node.error for node in there} == {
                made.head_node.node_id: "",
                blind: "no answer within 20 s",
            }
            (good,) = [node for node in there if node.answer]
            assert abs(good.ahead) < 5
            assert shared_folder.came_back(asked, good.node_id)

            taken = ray.remote(lambda: time.sleep(600)).options(num_gpus=1).remote()
            deadline = time.monotonic() + 60
            while ray.available_resources().get("GPU") and time.monotonic() < deadline:
                time.sleep(0.1)
            busy = {
                node.node_id: (node.busy, node.answer["jax"])
                for node in asking.nodes(ray, lambda *all: {"jax": all[1], "time": 0})
            }
            assert busy == {made.head_node.node_id: ("", True), blind: ("GPU", False)}
            ray.cancel(taken, force=True)

        (tmp_path / "study").mkdir()
        arguments = ["doctor", str(tmp_path / "study"), "--address", made.address, "--data-dir", str(tmp_path)]
        sweep = tmp_path / "mine.gin"
        bindings = ["sweep.seeds = 1", "sweep.data_sets = ['dsprites', 'mine']", "sweep.methods = ['pca']"]
        sweep.write_text("\n".join(["include 'gin_configs/quick.gin'", *bindings]))
        assert cli.main([*arguments, "--sweep", str(sweep), "--json"]) == 3
        out, err = capsys.readouterr()
        said = json.loads(out)
        assert {node["node_id"] for node in said["nodes"]} == set(said["came_back"]) == {made.head_node.node_id, blind}
        assert said["wanted"] == {"CPU": 1.0, "GPU": 1.0}
        stops = [problem["what"] for problem in said["problems"] if problem["stops"]]
        assert any("Ray counts 1 GPU, but JAX finds only CPU" in what for what in stops)
        assert any(f"{tmp_path} lacks mine" in what for what in stops)
        assert "would stop a run" in err
        assert list((tmp_path / "study").iterdir()) == []
    finally:
        made.shutdown()
        monkeypatch.undo()
        cluster._read_token_again()


def test_each_kind_of_node_shows_its_jobs(capsys):
    own = {"H100": {"num_gpus": 0.5, "job_size": 300, "population": 100}, "cpu": {"job_size": 5, "num_cpus": 4}}
    large = a_node("large", {"CPU": 64.0, "GPU": 8.0, "accelerator_type:H100": 1.0}, jax={"devices": [GPU]})
    small = a_node("small", {"CPU": 8.0, "GPU": 2.0, "accelerator_type:V100": 1.0}, jax={"devices": [GPU]})
    there = [large, small, a_node("one"), a_node("two")]
    shown = fits(ResourceConfig(job_size=50, by_device=own), there)
    assert [(fit.kind, fit.job_size, fit.population, fit.slots) for fit in shown] == [
        ("H100", 300, 100, 16),
        ("cpu", 5, None, 4),
        ("others", 50, None, 2),
    ]
    assert shown[0].wanted == {"CPU": 1.0, "GPU": 0.5}
    assert judge.problems(found(*there, wanted={"CPU": 1.0, "GPU": 1.0}, fits=shown)) == []
    doctor._show(found(*there, fits=shown), [])
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "H100 1 1 CPU, 0.5 GPU up to 300 100 16" in rows
    assert "cpu 2 4 CPU up to 5 as is fastest 4" in rows


def test_kinds_of_nodes_that_can_have_no_job_are_named():
    def listed(by_device, **changed):
        shown = fits(ResourceConfig(num_gpus=0.0, by_device=by_device), [a_node()])
        return judge.problems(found(a_node(), fits=shown, **changed))

    (problem,) = listed({"cpu": {"num_cpus": 64}})
    assert (problem.stops, problem.what) == (  # there are no others
        True,
        "resources.by_device['cpu']: a job needs 64 CPUs, the largest node has 8 CPUs: such nodes get no jobs",
    )
    (problem,) = listed({"cpu": {"num_cpus": 64}}, grows=True)
    assert not problem.stops
    told = listed({"cpu": {"num_cpus": 64}}, wanted={"CPU": 32.0})
    assert (True, "a job needs 32 CPUs, the largest node has 8 CPUs") in {(one.stops, one.what) for one in told}
    (problem,) = listed({"H100": {"num_gpus": 1.0}})
    assert problem.stops
    assert problem.what == "resources.by_device: unknown kind of node 'H100' (there are: cpu)"
    (problem,) = listed({"H100": {"num_gpus": 1.0}}, grows=True)
    assert (problem.stops, problem.what) == (False, "resources.by_device['H100']: there is no such node yet")
    (problem,) = listed({"cpu": {"num_cpus": 2}}, wanted={"CPU": 64.0}) or [None]
    assert problem is None  # the nodes that are there have jobs of their own
