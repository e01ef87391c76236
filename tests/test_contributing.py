"""What CONTRIBUTING and the forms for issues and pull requests say is so."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

import disentanglement_study
from disentanglement_study import cli

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, flags=re.DOTALL))
QUOTED = re.findall(r"`([^`\n]+)`", GUIDE.replace("```", ""))
ELSEWHERE = {".venv/bin/activate", "dist/", "__init__.py"}  # made by commands of the guide, or in every folder
# What GitHub asks of a part of a form: https://docs.github.com/communities, "Syntax for GitHub's form schema".
ATTRIBUTES = {
    "markdown": ({"value"}, set()),
    "input": ({"label"}, {"description", "placeholder", "value"}),
    "textarea": ({"label"}, {"description", "placeholder", "value", "render"}),
    "dropdown": ({"label", "options"}, {"description", "multiple", "default"}),
    "checkboxes": ({"label", "options"}, {"description"}),
}


def paths_in(text):
    """The words of commands and quotes that are files or folders of the repository."""
    words = {word for quote in text for word in quote.split()}
    is_path = re.compile(r"[\w.-]+(/[\w.-]*)+|[\w-]+\.(md|toml|py|cff|txt)")
    return {word for word in words if is_path.fullmatch(word)} - ELSEWHERE


def versions_in(text):
    return re.findall(r"3\.1\d\b", text)


def test_every_make_target_of_the_guide_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", "\n".join([BLOCKS, *QUOTED])))
    assert {"lint", "test", "test-slow", "docs", "bench", "lock"} <= named
    assert named <= targets


def test_every_path_of_the_guide_exists():
    named = paths_in([*BLOCKS.splitlines(), *QUOTED])
    assert {"tests/house.py", ".ci/run", "requirements/dev.txt", "CHANGELOG.md"} <= named
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_guide_says_where_every_folder_of_the_package_is():
    (section,) = re.findall(r"## How the code is laid out\n(.*?)\n## ", GUIDE, flags=re.DOTALL)
    rows = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    named = [name.removeprefix("disentanglement_study/") for row in rows for name in re.findall(r"`(.+?)`", row)]
    folders = [path.parent.name for path in Path(disentanglement_study.__file__).parent.glob("*/__init__.py")]
    assert set(named) >= set(folders)


def test_the_tests_of_the_guide_are_there():
    (word,) = re.findall(r"pytest tests/config -k (\w+)", BLOCKS)
    assert any(re.search(rf"def test_\w*{word}", path.read_text()) for path in (ROOT / "tests/config").glob("*.py"))


def test_one_set_of_python_versions_is_declared_searched_for_and_told():
    declared = [line.split()[-1] for line in PROJECT["project"]["classifiers"] if re.search(r"Python :: 3\.\d+$", line)]
    assert PROJECT["project"]["requires-python"] == f">={declared[0]}"
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{declared[0].replace('.', '')}"
    (told,) = re.findall(r"You need Python ([^`]*?), `make`", GUIDE)
    assert versions_in(told) == declared
    search = re.search(r"^PYTHON \?= .*$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)[0]
    assert versions_in(search) == declared


def test_the_version_is_the_same_wherever_it_stands():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    assert PROJECT["project"]["version"] == disentanglement_study.__version__ == cited


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_what_github_takes(path):
    form = yaml.safe_load(path.read_text())
    if path.stem == "config":
        assert form.keys() <= {"blank_issues_enabled", "contact_links"}
        assert isinstance(form["blank_issues_enabled"], bool)
        return
    assert {"name", "description", "body"} <= form.keys() <= {"name", "description", "body", "labels", "title", "type"}
    assert all(form[key].strip() for key in ("name", "description"))
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert fields
    for part in form["body"]:
        needed, allowed = ATTRIBUTES[part["type"]]
        assert needed <= part["attributes"].keys() <= needed | allowed, part
        assert part.keys() <= {"type", "id", "attributes", "validations"}, part
        assert set(map(type, part.get("validations", {"required": True}).values())) == {bool}
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", part["id"]) for part in fields)
    for unique in ([part["id"] for part in fields], [part["attributes"]["label"] for part in fields]):
        assert len(set(unique)) == len(unique)
    for part in fields:
        options = part["attributes"].get("options", ["one"])
        labels = [one["label"] for one in options] if part["type"] == "checkboxes" else options
        assert all(isinstance(label, str) for label in labels)
        assert len(set(labels)) == len(labels) > 0


def test_no_two_forms_have_the_same_name():
    names = [yaml.safe_load(path.read_text())["name"] for path in FORMS if path.stem != "config"]
    assert len(set(names)) == len(names) == 3


@pytest.mark.parametrize("path", [*FORMS, ROOT / "CONTRIBUTING.md"], ids=lambda path: path.stem)
def test_the_commands_of_a_form_exist(path):
    quoted = re.findall(r"`disentanglement-study ([^`]+)`", " ".join(path.read_text().split()))
    placed = re.findall(r"^ +placeholder: disentanglement-study (.+)$", path.read_text(), flags=re.MULTILINE)
    assert path.stem in ("config", "proposal", "CONTRIBUTING") or quoted
    for command in [*quoted, *placed]:
        words = shlex.split(command)
        if words[-1] == "--help":
            with pytest.raises(SystemExit) as stop:
                cli.parser().parse_args(words)
            assert stop.value.code == 0
        else:
            cli.parser().parse_args(words)


def test_the_bug_form_asks_for_what_a_maintainer_needs():
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/bug.yml").read_text())
    asked = {part["id"]: part for part in form["body"]}
    needed = {name for name, part in asked.items() if part.get("validations", {}).get("required")}
    assert needed == {"command", "happened", "expected", "doctor"}
    assert "disentanglement-study doctor" in asked["doctor"]["attributes"]["description"]
    assert "disentanglement-study logs" in asked["logs"]["attributes"]["description"]
    assert "sweep" in asked


def test_the_pull_request_form_names_files_that_exist():
    text = (ROOT / ".github/pull_request_template.md").read_text()
    named = paths_in(re.findall(r"`([^`\n]+)`", text))
    assert named == {".ci/run", "CHANGELOG.md"}
    assert all((ROOT / path).exists() for path in named)
