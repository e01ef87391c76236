"""A sweep is data: no text runs anything, wherever it comes from, and gin's syntax means what it means to gin."""

import itertools
import sys

import pytest

from disentanglement_study import cli, config, store
from disentanglement_study.study import components, plan

SWEEP = """
sweep.data_sets = ['dsprites']
sweep.methods = {'beta_vae': {'beta': [1, 4]}}
sweep.seeds = 2
"""

# Each would make the file "marker" if gin's registry saw it: `hostile` is a module that does so when imported.
HOSTILE = {
    "import": "import hostile",
    "import as": "import hostile as h",
    "continued import": "import\\\nhostile",
    "continued from": "from\\\n hostile import run",
    "from": "from hostile import run",
    "dynamic registration": "from __gin__ import dynamic_registration\nimport os\ntrain.steps = @os.system()\n"
    "os.system.command = 'touch marker'",
    "continued dynamic registration": "from\\\n__gin__ import\\\ndynamic_registration\nimport\\\nhostile\n"
    "train.steps = @hostile.run()",
    "reference": "train.steps = @os.system()",
    "uncalled reference": "train.steps = @hostile.run",
    "reference in a list": "nets.encoder_options = {'widths': [8, [@hostile.run()]]}",
    "reference in a macro": "x = @hostile.run()\ntrain.steps = %x",
    "own section by reference": "train.steps = @train()",
    "singleton": "train.steps = @x/singleton()\nx/singleton.constructor = @hostile.run",
    "bare singleton": "train.steps = @singleton",
    "macro configurable": "train.steps = @gin.macro()",
    "builtin": "train.steps = @__import__('hostile')",
    "builtin call": "train.steps = __import__('hostile')",
    "qualified setting": "os.system.command = 'touch marker'",
    "qualified section": "gin.singleton.constructor = 'hostile'",
    "block": "hostile.run:\n    command = 'touch marker'",
    "scope": "hostile/train.steps = 3",
    "formatted string": "train.steps = f'{__import__(\"hostile\")}'",
}


@pytest.fixture
def marker(tmp_path, monkeypatch):
    """A file that a text which is run makes, in the folder where everything happens."""
    (tmp_path / "hostile.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_name('marker').touch()\nrun = print\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "marker"
    sys.modules.pop("hostile", None)


def test_the_marker_appears_when_something_is_run(marker):
    __import__("hostile")
    assert marker.exists()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_of_a_file_and_of_an_option_is_refused_and_not_run(text, marker, tmp_path, capsys):
    (tmp_path / "hostile.gin").write_text(SWEEP + text + "\n")
    (tmp_path / "includes.gin").write_text("include 'hostile.gin'\n")
    (tmp_path / "good.gin").write_text(SWEEP)
    for arguments in (["hostile.gin"], ["includes.gin"], ["good.gin", "--gin", text]):
        assert cli.main(["plan", *arguments]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not marker.exists()
    assert "hostile" not in sys.modules


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_of_a_stored_study_is_refused_and_not_run(text, marker, tmp_path, capsys):
    study = config.load(SWEEP)
    runs = plan.expand(study)
    folder = tmp_path / "study"
    store.Store(folder).create(plan.frame(runs, study), study.text, "{}")
    for stored in (study.text + text + "\n", text):  # of one line it might be taken for the name of a sweep
        (folder / "study.gin").write_text(stored)
        for command in (["evaluate", str(folder)], ["traverse", str(folder), runs[0].run_id]):
            assert cli.main(command) != 0
            capsys.readouterr()
        with pytest.raises(ValueError, match=r"study\.gin|no value|must set") as error:
            config.load_text(stored, str(folder / "study.gin"))
        assert "\n" not in str(error.value)
    assert not marker.exists()
    assert "hostile" not in sys.modules


def test_a_stored_text_is_never_a_name_and_includes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "common.gin").write_text(SWEEP)
    with pytest.raises(ValueError, match="not gin"):
        config.load_text("quick")
    with pytest.raises(ValueError, match="only a sweep file can include other files"):
        config.load_text("include 'common.gin'\n")


def test_gin_s_syntax_macros_blocks_comments_and_several_lines():
    study = config.load(
        "# it's a comment\n"
        "strengths = [1, %last]  # used above where it is bound\n"
        "last = 4\n"
        "group/size = 16\n"
        + SWEEP.replace("[1, 4]", "%strengths")
        + "train:\n    steps = 7\n    # in a block\n    learning_rate = 1\n"
        "nets.encoder_options = {\n    'widths': [  # first\n        %group/size, 8],\n}\n"
        "train.sampling = 'i' 'id'\n"
    )
    assert study.sweep.methods == {"beta_vae": {"beta": [1, 4]}}
    assert study.nets.encoder_options == {"widths": [16, 8]}
    assert (study.train.steps, study.train.learning_rate, study.train.sampling) == (7, 1.0, "iid")
    assert type(study.train.learning_rate) is float
    assert config.load(study.text).nets == study.nets
    assert config.load(SWEEP.replace("2", "%n") + "n = 2\n", ["n = 5"]).sweep.seeds == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.steps = %a\na = %b\nb = %a", "the macro refers to itself: %a -> %b -> %a"),
        ("train.steps = %stepz\nsteps = 3", "unknown macro 'stepz': did you mean 'steps'"),
        ("steps = 3", "'steps' is set and never used"),
        ("a/train.steps = 3", "a setting of the whole study takes no scope"),
        ("study.train.steps = 3", "unknown section 'study.train': did you mean 'train'"),
        ("train.learning_rate = 1e999", "train.learning_rate: inf: expected a finite number"),
        ("train.learning_rate = " + "9" * 400, "expected a finite number, of 308 digits at most"),
        ("train.steps = 0x" + "f" * 9000, "a number of more than 4300 digits: expected a finite number"),
        ("train.steps = b'3'", "train.steps: b'3': expected a number, string, list, dict or None"),
        ("train.steps = 3j", "train.steps: 3j: expected a number"),
        ("nets.encoder_options = {1: 2}", "1 of a dict is not a string"),
        ("nets.encoder_options = {[1]: 2}", "not gin"),
        ("nets.encoder = '\\ud800'", "half a character"),
        ("train.steps = " + "[" * 5000, "not gin"),
        ("include '" + "x" * 5000 + "'", "to include"),
        ("include 'a\\x00b'", "to include"),
        ("\n".join(f"m{i} = [{', '.join([f'%m{i + 1}'] * 10)}]" for i in range(9)) + "\nm9 = 1\ntrain.steps = %m0",
         "more than 1,000,000 values"),
    ],
)  # fmt: skip
def test_what_is_no_sweep_is_one_line(text, message, tmp_path):
    (tmp_path / "bad.gin").write_text(SWEEP + text + "\n")
    with pytest.raises(ValueError) as error:  # noqa: PT011
        config.load(str(tmp_path / "bad.gin"))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 800


def test_includes_are_beside_the_including_file_first(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, steps in ((here, 1), (there, 2)):
        folder.mkdir()
        (folder / "common.gin").write_text(f"train.steps = {steps}\n")
    (there / "mine.gin").write_text(f"include 'common.gin'  # it's shared\n{SWEEP}")
    (there / "deep.gin").write_text("include 'mine.gin'\ninclude 'gin_configs/quick.gin'\n")
    monkeypatch.chdir(here)
    assert config.load(str(there / "mine.gin")).train.steps == 2
    assert components.load(str(there / "deep.gin")).nets.image_size == 16
    assert config.load(SWEEP, ["include 'common.gin'"]).train.steps == 1
    monkeypatch.chdir(there)
    assert config.load("mine.gin").train.steps == 2


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "common.gin").write_bytes(b"\xef\xbb\xbftrain.steps = 20\n")
    (tmp_path / "marked.gin").write_bytes(b"\xef\xbb\xbfinclude 'common.gin'\n" + SWEEP.encode())
    assert config.load(str(tmp_path / "marked.gin")).train.steps == 20
    assert config.load("\ufeff" + SWEEP).sweep.seeds == 2


@pytest.mark.parametrize("names", [["a.gin"], ["a.gin", "b.gin", "c.gin"]])
def test_a_loop_of_includes_is_named_in_one_line(names, tmp_path):
    for name, following in itertools.pairwise([*names, names[0]]):
        (tmp_path / name).write_text(f"include '{following}'\n{SWEEP}")
    with pytest.raises(ValueError, match=f"include loop: {' -> '.join([*names, names[0]])}$"):
        config.load(str(tmp_path / names[0]))
    (tmp_path / "twice.gin").write_text("include 'leaf.gin'\ninclude 'leaf.gin'\n")  # no loop
    (tmp_path / "leaf.gin").write_text(SWEEP)
    assert config.load(str(tmp_path / "twice.gin")).sweep.seeds == 2


@pytest.mark.parametrize(
    ("binding", "value"),
    [
        ("resources.num_gpus = 1", 1.0),
        ("resources.tpu = 4", 4.0),
        ("resources.checkpoint_minutes = 5", 5.0),
        ("train.learning_rate = 1", 1.0),
    ],
)
def test_a_whole_number_is_taken_where_a_float_is(binding, value):
    section, field = binding.split(" ")[0].split(".")
    taken = getattr(getattr(config.load(SWEEP, [binding]), section), field)
    assert taken == value
    assert type(taken) is float
