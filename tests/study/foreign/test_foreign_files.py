"""Files of disentanglement_lib: what is read, and a word on all that is not."""

import json
import os

import dlib_results
import pandas as pd
import pytest
from dlib_results import MIG, SOME, brought, small

from disentanglement_study import cli, store
from disentanglement_study.errors import Failed
from disentanglement_study.study.foreign.disentanglement_lib import import_results


def test_a_model_that_was_trained_and_not_scored_has_its_losses(tmp_path):
    content = {key: value for key, value in small()[MIG].items() if key.startswith("train_")}
    opened, _ = brought(tmp_path, {"5/model/results/aggregate/train.json": content})
    assert set(opened.results()["representation"]) == {"model"}


def test_the_last_stage_of_a_folder_is_read(tmp_path):
    contents = small()
    early = MIG.replace("evaluation", "train")
    opened, said = brought(tmp_path, contents | {early: {"nonsense": 1}})
    assert "from 2 results" in said[0]
    assert len(opened.plan) == 1


def test_the_same_model_twice_counts_once(tmp_path):
    opened, said = brought(tmp_path, small() | {f"again/{path}": content for path, content in small().items()})
    assert len(opened.plan) == 1
    assert "2 results repeat others, and count once" in said


@pytest.mark.parametrize("score", ["evaluation_results.discrete_mig", "train_results.loss"])
def test_of_two_files_that_disagree_neither_is_taken(tmp_path, score):
    other = json.loads(json.dumps(small()[MIG]))
    other[score] += 0.1
    with pytest.raises(Failed, match=r"other/x.json: it disagrees with output/0/metrics/.*: neither is imported"):
        brought(tmp_path, small() | dlib_results.files(3, SOME) | {"other/x.json": other})
    assert store.open(tmp_path / "study").plan["dlib_model_num"].tolist() == [3]


BAD = {
    "empty": ("", "Expecting value"),
    "text": ("beta", "Expecting value"),
    "truncated": ('{"train_config.vae.beta": "4', "Unterminated string"),
    "a list": ("[1, 2]", "it is not a JSON object"),
    "something else": ('{"name": "x"}', "it has no train_config"),
    "no table": ('{"a": {"0": 1}, "b": 2}', "is not a column"),
    "uneven": ('{"a": {"0": 1}, "b": {"1": 2}}', "its column 'b' has other rows"),
    "nested": ("[" * 100_000, ""),
    "not utf-8": (b"\xff\xfe{", ""),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_no_result_is_named(tmp_path, kind):
    text, words = BAD[kind]
    bad = tmp_path / "output" / "bad.json"
    bad.parent.mkdir()
    bad.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=r"holds no model that can be imported: output/bad\.json: ") as error:
        import_results(tmp_path / "output", tmp_path / "study")
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "study").exists()
    with pytest.raises(ValueError, match=r"holds no model that can be imported: bad\.json: "):
        import_results(bad, tmp_path / "study")
    with pytest.raises(Failed, match=r"1 of 3 results could not be imported:\noutput/bad.json"):
        brought(tmp_path, small())


def test_a_large_file_is_read_as_a_small_one(tmp_path, contents, imported, monkeypatch):
    from disentanglement_study.study.foreign import result_files

    monkeypatch.setattr(result_files, "LARGE", 10)
    path = dlib_results.aggregated(tmp_path / "results.json", contents)
    import_results(path, tmp_path / "study")
    pd.testing.assert_frame_equal(store.open(tmp_path / "study").results(), store.open(imported[1]).results())
    text = path.read_text()
    for cut in (text[: len(text) // 2], text.replace(":", ";", 1), text[:-1], text[:-1] + "]"):
        path.write_text(cut)
        with pytest.raises(ValueError, match="no results of disentanglement_lib"):
            import_results(path, tmp_path / "cut")


def test_paths_that_cannot_be_read(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ValueError, match="holds no result files of disentanglement_lib"):
        import_results(tmp_path / "empty", tmp_path / "study")
    for name, error in {"absent": ValueError, "loop": OSError}.items():
        with pytest.raises(error, match=name):
            import_results(tmp_path / name, tmp_path / "study")
        assert cli.main(["import", "disentanglement_lib", str(tmp_path / name), str(tmp_path / "study")]) == 2


def test_links_to_folders_are_not_followed_and_dead_ones_are_named(tmp_path):
    output = dlib_results.write(tmp_path / "output", small())
    (output / "around").symlink_to(output)
    (output / "dead.json").symlink_to(tmp_path / "absent")
    with pytest.raises(Failed, match=r"1 of 3 results could not be imported:\noutput/dead\.json: No such file"):
        import_results(output, tmp_path / "study")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    output = dlib_results.write(tmp_path / "output", small() | dlib_results.files(3, SOME))
    (output / "3").chmod(0)
    with pytest.raises(Failed, match="output/3: "):
        import_results(output, tmp_path / "study")
