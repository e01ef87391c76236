"""The folder that results of disentanglement_lib are imported into."""

import dlib_results
import pytest
from dlib_results import SOME, small

from disentanglement_study import cli
from disentanglement_study.study.foreign.disentanglement_lib import import_results


def test_the_same_again_is_nothing_to_do_and_another_is_refused(tmp_path, capsys):
    output = dlib_results.write(tmp_path / "output", small())
    command = ["import", "disentanglement_lib", str(output), str(tmp_path / "study")]
    assert cli.main(command) == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "study").rglob("*")}
    capsys.readouterr()
    assert cli.main(command) == 0
    assert "has these results already: nothing to do" in capsys.readouterr().out
    dlib_results.write(output, dlib_results.files(3, SOME))
    assert cli.main(command) == 2
    assert "holds results that were imported from" in capsys.readouterr().err
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "study").rglob("*")}


def test_a_folder_that_holds_something_else_is_refused(tmp_path, finished_study):
    output = dlib_results.write(tmp_path / "output", small())
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for root, words in (
        (output, "is not empty"),
        (tmp_path / "file", "is a file, not a folder"),
        (tmp_path / "link", "is a symbolic link"),
        (finished_study, "holds a study that was not imported from disentanglement_lib"),
    ):
        with pytest.raises(ValueError, match=words):
            import_results(output, root)
    (tmp_path / "made").mkdir()
    import_results(output, tmp_path / "made")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link", "made", "output"]


def test_stopped_while_writing_it_leaves_nothing(tmp_path):
    output = dlib_results.write(tmp_path / "output", small())

    def stop(name, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_results(output, tmp_path / "study", writes=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["output"]
