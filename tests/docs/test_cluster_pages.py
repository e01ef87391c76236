"""The files in `examples/cluster` and the commands of `docs/how_to/cluster` fit the programs that read them."""

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from disentanglement_study import cli
from disentanglement_study.study import components

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "cluster"
PAGES = sorted((ROOT / "docs" / "how_to" / "cluster").glob("*.md"))
FILES = sorted(path for path in EXAMPLES.rglob("*") if path.is_file())
RAYJOB = EXAMPLES / "kuberay" / "rayjob.yaml"
# What a script has in variables, as an example.
VALUES = {"$SWEEP": "quick", "$sweep": "quick", "$dir": "/shared/study", "$DIR": "/shared/study", "$address": "auto"}


def commands(text: str) -> list[list[str]]:
    """The arguments of each `disentanglement-study ...` of a script, of a comment of it, or of a page's blocks."""
    text = re.sub(r"\\\n#?\s*", " ", text)
    lines = re.findall(r"(?:^[#\s]*|-- +)disentanglement-study (.*)", text, flags=re.MULTILINE)
    found = []
    for line in lines:
        words = shlex.split(line, comments=True)
        words = words[: words.index("&")] if "&" in words else words
        found.append([VALUES.get(word, word) for word in words if word not in ("$@", "${@:3}", "${gin[@]+${gin[@]}}")])
    return found


def entrypoint() -> str:
    return documents()[1]["spec"]["entrypoint"]


def documents() -> list[dict]:
    return list(yaml.safe_load_all(RAYJOB.read_text()))


@pytest.mark.parametrize("path", [*(path for path in FILES if path != RAYJOB), *PAGES], ids=lambda path: path.name)
def test_the_commands_exist(path):
    text = path.read_text()
    if path in PAGES:
        text = "\n".join(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL))
    found = commands(text)
    assert found or path.stem in ("slurm",)  # it has those of SLURM alone
    for arguments in found:
        cli.parser().parse_args(arguments)


def test_all_commands_of_a_script_are_looked_at():
    text = (EXAMPLES / "by_hand.sh").read_text()
    assert [arguments[0] for arguments in commands(text)] == ["doctor", "run"]
    with pytest.raises(SystemExit):
        cli.parser().parse_args(commands("disentanglement-study run quick here --adress auto &")[0])


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.suffix in (".sh", ".sbatch")], ids=lambda path: path.name
)
def test_scripts_can_be_read_by_bash(path):
    subprocess.run(["bash", "-n", str(path)], check=True)
    text = path.read_text()
    assert text.startswith(("#!/usr/bin/env bash\n", "#!/bin/bash\n"))
    assert os.access(path, os.X_OK) or path.suffix == ".sbatch"


@pytest.mark.parametrize("name", ["by_hand", "job_submit"])
def test_scripts_explain_themselves(name):
    shown = subprocess.run(["bash", str(EXAMPLES / f"{name}.sh")], capture_output=True, text=True)
    assert shown.stdout.strip()
    assert "set -euo" not in shown.stdout
    assert not shown.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["node"], "by_hand.sh: use it as: bash by_hand.sh node ADDRESS\n"),
        (["run", "10.0.0.1:6379", "quick"], "by_hand.sh: use it as: bash by_hand.sh run ADDRESS SWEEP DIR DATA\n"),
        (["nodes", "10.0.0.1:6379"], "Several machines that you can log in to, and nothing that manages them.\n"),
    ],
)
def test_a_script_says_how_it_is_used_where_it_was_not(arguments, said):
    shown = subprocess.run(["bash", str(EXAMPLES / "by_hand.sh"), *arguments], capture_output=True, text=True)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith(said)


FAKES = {  # what the script calls, reduced to what it relies on
    "hostname": "echo 10.0.0.1",
    "ray": "printf ' node_1\\n node_2\\n'",
    "srun": "echo $$ > $TMPDIR/srun.pid; exec sleep 60",
    "scancel": "kill $(cat $TMPDIR/srun.pid)",
    "scontrol": 'echo "scontrol $*"; exit 1',
    "disentanglement-study": """
        echo "$1"
        [ "$1" = doctor ] && exit "${DOCTOR:-0}"
        [ "$RUN" = long ] || exit "$RUN"
        trap "exit 130" TERM
        kill -USR1 $PPID
        for _ in $(seq 600); do sleep 0.1; done
    """,
}


@pytest.mark.parametrize(
    ("environment", "code", "said", "is_again"),
    [
        ({"RUN": "0"}, 0, "run\n", False),
        ({"RUN": "3"}, 3, "run\n", False),
        ({"RUN": "2"}, 2, "run\n", False),
        ({"RUN": "0", "DOCTOR": "3"}, 3, "doctor\n", False),
        ({"RUN": "long"}, 130, "run\n", True),
    ],
)
def test_a_job_asks_for_more_time_only_if_its_time_was_over(environment, code, said, is_again, tmp_path):
    """With stand-ins for SLURM and Ray; `long` is told by SIGUSR1 that its time is over, and stops at SIGTERM."""
    for name, body in FAKES.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    env = {
        **os.environ,
        **environment,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
        "VENV": str(tmp_path / "none"),
        "SLURM_JOB_ID": "17",
        "SLURM_JOB_NUM_NODES": "2",
    }
    command = ["bash", str(EXAMPLES / "slurm.sbatch"), "quick", "/shared/study"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done
    assert said in done.stdout
    assert ("scontrol requeue 17" in done.stdout) == is_again
    assert not list(tmp_path.glob("ray_17*"))


def fakes(folder, **more):
    for name, body in {**FAKES, **more}.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(folder), "HOME": str(folder)}


GIN = ["--gin", "train.steps = 7", "--where", "seed == 1", "--gin=nets.num_latents = 3"]


@pytest.mark.parametrize(
    "command",
    [["by_hand.sh", "run", "10.0.0.1:6379", "quick", "/s", "/data"], ["slurm.sbatch", "quick", "/s"]],
    ids=["by hand", "slurm"],
)
def test_doctor_looks_at_the_sweep_with_the_settings_that_run_gets(command, tmp_path):
    env = fakes(tmp_path, **{"disentanglement-study": "printf '%s|' \"$@\"; echo"})
    env |= {"SLURM_JOB_ID": "17", "SLURM_JOB_NUM_NODES": "2", "VENV": str(tmp_path / "none")}
    done = subprocess.run(
        ["bash", str(EXAMPLES / command[0]), *command[1:], *GIN], env=env, capture_output=True, text=True, timeout=60
    )
    said = {line.split("|")[0]: line.split("|")[:-1] for line in done.stdout.splitlines() if "|" in line}
    assert said["run"][-5:] == GIN
    assert said["doctor"][said["doctor"].index("--sweep") :] == ["--sweep", "quick", *GIN[:2], GIN[-1]]
    doctor, run = (cli.parser().parse_args(said[name]) for name in ("doctor", "run"))
    assert doctor.gin == run.gin == ["train.steps = 7", "nets.num_latents = 3"]


def test_a_token_that_is_there_stays_and_it_is_not_that_of_another_cluster(tmp_path):
    env = {name: value for name, value in fakes(tmp_path).items() if not name.startswith("RAY_")}
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("of another cluster")

    def token():
        return subprocess.run(["bash", str(EXAMPLES / "by_hand.sh"), "token"], env=env, capture_output=True, text=True)

    made = token()
    path = Path(made.stdout.strip())
    assert (made.returncode, path.parent) == (0, tmp_path / ".ray")
    text = path.read_text()
    assert re.fullmatch("[0-9a-f]{64}", text)
    assert path.stat().st_mode & 0o077 == 0
    again = token()
    assert (again.returncode, again.stdout, path.read_text()) == (2, "", text)
    assert f"{path} is there and stays as it is" in again.stderr
    assert (tmp_path / ".ray" / "auth_token").read_text() == "of another cluster"


@pytest.mark.parametrize("name", ["gpu", "tpu"])
def test_machines_of_a_cloud_get_a_python_that_the_package_takes(name):
    config = yaml.safe_load((EXAMPLES / "cloud" / f"{name}.yaml").read_text())
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    setup = config["setup_commands"]
    (version,) = re.findall(r"uv venv .*--python ([\d.]+) ~/venv", "\n".join(setup))
    assert SpecifierSet(wanted).contains(version)
    later = [*setup, *config.get("worker_setup_commands", [])]
    assert not [line for line in later if re.search(r"(?<!~/venv/bin/python -m )\bpip install", line)]
    starts = [*config["head_start_ray_commands"], *config["worker_start_ray_commands"]]
    assert all(line.startswith("~/venv/bin/ray ") for line in starts)


@pytest.mark.parametrize(
    ("script", "page", "expected"),
    [
        ("by_hand.sh", "by_hand", {"PORT", "RESOURCES"}),
        ("slurm.sbatch", "slurm", {"VENV", "DATA", "CHECK", "TMP_ON_NODE", "HEAD_ADDRESS"}),
    ],
)
def test_the_variables_of_a_script_are_on_its_page(script, page, expected):
    text = (EXAMPLES / script).read_text()
    # What the environment may give: NAME=${NAME:-default}, or under another name.
    used = set(re.findall(r"^[A-Z]+=\$\{([A-Z_]+):-", text, flags=re.MULTILINE))
    assert used == expected
    (named,) = [read.read_text() for read in PAGES if read.stem == page]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", named, flags=re.MULTILINE)) == expected


def test_every_file_has_a_page_and_every_page_is_reached_from_the_first():
    first, others = PAGES[0].parent / "index.md", [path for path in PAGES if path.name != "index.md"]
    text = first.read_text()
    assert [path.name for path in others if f"]({path.name})" not in text] == []
    linked = {link for path in others for link in re.findall(r"examples/cluster/([\w./]+)\)", path.read_text())}
    assert linked == {path.relative_to(EXAMPLES).as_posix() for path in FILES}


def test_the_ray_job_is_one():
    claim, job = documents()
    assert claim["kind"] == "PersistentVolumeClaim"
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]
    assert set(spec) <= {
        "entrypoint", "entrypointNumCpus", "submissionMode", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished",
        "backoffLimit", "rayClusterSpec",
    }  # fmt: skip
    cluster = spec["rayClusterSpec"]
    known = {"rayVersion", "authOptions", "autoscalerOptions", "headGroupSpec", "workerGroupSpecs"}
    assert set(cluster) <= known | {"enableInTreeAutoscaling"}
    assert cluster["enableInTreeAutoscaling"] is True
    (group,) = cluster["workerGroupSpecs"]
    assert set(group) == {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}
    assert group["minReplicas"] == 0 < group["maxReplicas"]
    for part in (cluster["headGroupSpec"], group):
        assert all(isinstance(value, str) for value in part["rayStartParams"].values())  # as KubeRay's schema has it
        pod = part["template"]["spec"]
        (container,) = pod["containers"]
        (mount,) = container["volumeMounts"]
        (volume,) = pod["volumes"]
        assert mount["name"] == volume["name"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert container["resources"]["requests"] == container["resources"]["limits"]
    assert group["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_the_command_of_the_ray_job_keeps_all_on_the_volume_and_reserves_a_gpu():
    """A GPU group without pods shows no GPU: unless the sweep says that jobs reserve one, they would run on the CPU."""
    name, *words = shlex.split(entrypoint())
    assert name == "disentanglement-study"
    parsed = cli.parser().parse_args(words)
    assert parsed.address == "auto"
    assert parsed.dir.is_relative_to("/shared")
    assert parsed.data_dir.is_relative_to("/shared")
    assert components.load(parsed.sweep, parsed.gin).resources.num_gpus == 1.0


@pytest.mark.parametrize("name", ["gpu", "tpu"])
def test_ray_takes_the_files_of_its_launcher(name):
    from ray.autoscaler._private.util import prepare_config, validate_config

    path = EXAMPLES / "cloud" / f"{name}.yaml"
    config = prepare_config(yaml.safe_load(path.read_text()))
    validate_config(config)
    (worker,) = [kind for kind in config["available_node_types"] if kind != config["head_node_type"]]
    assert config["available_node_types"][worker]["min_workers"] == 0
    # Jobs that do not say what they need would run where no worker has come yet: nowhere.
    amount = {"gpu": ("num_gpus", 1.0), "tpu": ("tpu", 4.0)}[name]
    (arguments,) = commands(path.read_text())
    parsed = cli.parser().parse_args(arguments)
    assert getattr(components.load(parsed.sweep, parsed.gin).resources, amount[0]) == amount[1]
    broken = {**config, "max_workers": "many"}
    with pytest.raises(Exception, match="many"):
        validate_config(broken)
