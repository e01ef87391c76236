"""Errors in one line."""

import pytest

from disentanglement_study.errors import nearest, no_file, reason, unknown

NOTE = """
--------------------
For simplicity, JAX has removed its internal frames from the traceback of the following exception.
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Traceback (most recent call last):\n  File "a.py"\nValueError: no', "ValueError: no"),
        ('Traceback (most recent call last):\n  File "a.py"\nRuntimeError: fit\nbroke', "RuntimeError: fit broke"),
        (
            "Traceback:\n  x\nKeyError: 'a'\n\nDuring handling:\n\nTraceback:\n  y\na.b.MyError: late",
            "a.b.MyError: late",
        ),
        (f"Traceback:\n  x\nValueError: a batch of 101{NOTE}", "ValueError: a batch of 101"),
        ("Traceback:\n  x\nKeyboardInterrupt", "KeyboardInterrupt"),
        ("anything\nelse", "anything else"),
    ],
)
def test_the_reason_is_the_end_of_a_traceback_whatever_is_around_it(text, expected):
    assert reason(text) == expected


def test_an_unknown_name_where_there_is_none_says_so():
    assert str(unknown("option", "beta", [])) == "unknown option 'beta': there are none to choose from"


@pytest.mark.parametrize(
    ("name", "allowed", "expected"),
    [
        ("locatello", ["higgins2017", "locatello2019", "locatello2020"], "'locatello2019' or 'locatello2020'"),
        ("set", ["set1", "set2", "set3", "seat10"], "'set1', 'set2' or 'set3'"),
        ("mgi", ["mig", "dci"], "'mig'"),
        ("xyz", ["mig", "dci"], ""),
        ("mig", [], ""),
        ("conf", ["conf_interval_cycle", "minmax_interval_cycle"], "'conf_interval_cycle'"),
        ("co", ["conf_interval_cycle", "minmax_interval_cycle"], ""),
        ("fp32", ["float32", "tf32", "bfloat16"], "'float32'"),
        ("bf16", ["float32", "tf32", "bfloat16"], "'bfloat16'"),
        ("fp16", ["float32", "tf32", "bfloat16"], ""),  # another format than bfloat16
        ("half", ["half_life", "full"], ""),
    ],
)
def test_all_names_that_are_equally_near_are_named(name, allowed, expected):
    assert nearest(name, allowed) == expected


def test_an_unknown_name_is_answered_with_all_that_are_near():
    error = unknown("paper", "locatello", ["locatello2019", "locatello2020"])
    assert ": did you mean 'locatello2019' or 'locatello2020'? (" in str(error)


def test_a_file_that_is_not_there_is_answered_with_the_nearest_beside_it(tmp_path):
    for name in ("codes.npz", "codes.txt", "others.npz"):
        (tmp_path / name).touch()
    assert str(no_file(tmp_path / "code.npz")) == f"there is no file {tmp_path}/code.npz: did you mean 'codes.npz'?"
    assert str(no_file(tmp_path / "xyz.npz")) == f"there is no file {tmp_path}/xyz.npz"
    missing = tmp_path / "no" / "codes.npz"
    assert str(no_file(missing)) == f"there is no file {missing}: there is no folder {missing.parent}"
