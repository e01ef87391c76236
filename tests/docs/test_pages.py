"""Every page of the documentation: its commands exist, its sweeps can be planned, its programs run, its links lead on.

A page's blocks are gone through in order, in an empty folder with a finished study in studies/quick. Python runs. A
command that only reads, or adds data, runs too and must succeed. Of another command, and of one that names a folder of
a cluster (/shared/...), the arguments are read and the sweep is planned. `gin` blocks are planned: alone if they name
data sets, else over the quick sweep.
"""

import re

import pages
import pytest
from report_study import make_study

from disentanglement_study import cli
from disentanglement_study.study import components, plan

# These have a test of their own, which runs all of the page.
OWN = {
    "docs/how_to/extend.md",
    "docs/how_to/query.md",
    "docs/how_to/disentanglement_lib.md",
    "docs/tutorials/your_method.md",
}
READS = {
    ("list",),
    ("explain",),
    ("status",),
    ("query",),
    ("data", "list"),
    ("data", "info"),
    ("data", "add"),
    ("plan",),
}
GENERATED = pages.ROOT / "docs" / "reference"


def reads(arguments: list[str]) -> bool:
    if any(argument.startswith("/") for argument in arguments):
        return False
    scores_a_file = arguments[0] == "evaluate" and arguments[1].endswith(".npz")
    return scores_a_file or any(tuple(arguments[: len(words)]) == words for words in READS)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    make_study(tmp_path / "studies" / "quick")
    for name in ("sweeps", "gin_configs", "results"):
        (tmp_path / name).symlink_to(pages.ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISENTANGLEMENT_STUDY_DATA", str(tmp_path / "sets"))
    return tmp_path


def obey(arguments: list[str]) -> None:
    parsed = cli.parser().parse_args(arguments)
    if reads(arguments):
        assert cli.main(arguments) == 0, arguments
    elif {"sweep", "where"} <= vars(parsed).keys() and parsed.function is not cli.study.quick:
        assert cli.study._sweep(parsed)[1], arguments


def planned(text: str, folder) -> None:
    """A block of settings: a whole sweep, or settings over the quick one."""
    whole = "sweep.data_sets" in text
    (folder / "mine.gin").write_text(text if whole else f"include 'sweeps/quick.gin'\n{text}")
    study = components.load(str(folder / "mine.gin"))
    assert plan.expand(study)


@pytest.mark.parametrize("page", [page for page in pages.pages() if page not in OWN])
def test_the_blocks_of_a_page_work(page, folder, capsys):
    names: dict = {}
    for block in pages.blocks(pages.read(page)):
        if block.language == "python":
            exec(compile(block.text, page, "exec"), names)
        elif block.language == "gin":
            planned(block.text, folder)
        elif block.language == "sh":
            for arguments in pages.commands(block):
                obey(arguments)


@pytest.mark.parametrize("page", pages.pages())
def test_every_block_says_what_it_is(page):
    known = {"sh", "python", "gin", "text", "sql", "json", "diff", "bibtex"}
    assert {block.language for block in pages.blocks(pages.read(page))} <= known


@pytest.mark.parametrize("page", pages.pages())
def test_the_links_of_a_page_lead_on(page):
    missing = []
    for link in pages.links(pages.read(page)):
        path, _, anchor = link.partition("#")
        file = (pages.ROOT / page).parent / path if path else pages.ROOT / page
        if GENERATED in file.resolve().parents and not file.exists():
            continue  # made when the site is built, which checks it
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in pages.anchors(file.read_text())):
            missing.append(link)
    assert missing == []


@pytest.mark.parametrize("page", pages.pages())
def test_options_and_commands_in_the_text_exist(page):
    """`disentanglement-study NAME` in a sentence is a command, too."""
    named = re.findall(rf"`{pages.PROGRAM} (\w+)", pages.prose(pages.read(page)))
    known = next(action for action in cli.parser()._actions if action.choices).choices
    assert set(named) <= set(known)
