"""A file of a study that is damaged is named in one line, and `run` does again what it can."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from chosen import pairs, slow
from small_study import OF_MINE

from disentanglement_study import cli, store
from disentanglement_study.analysis import figures
from disentanglement_study.cli import analysis as cli_analysis
from disentanglement_study.data import own
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import run

JOB_FILES = ("manifest.json", "scores.parquet", "curves.parquet", "params.npz", "codes.npz")
NEEDED = {  # By each command that reads a study; what `run` does is below.
    "status": {"plan.parquet", "manifest.json", "scores.parquet"},
    "query": {"plan.parquet", "manifest.json", "scores.parquet", "curves.parquet"},
    "tables": {"plan.parquet", "manifest.json", "scores.parquet"},
    "figures": {"plan.parquet", "manifest.json", "scores.parquet"},
    "report": {"plan.parquet", "manifest.json", "scores.parquet", "curves.parquet", "study.gin"},
    "evaluate": {"plan.parquet", "manifest.json", "scores.parquet", "params.npz", "codes.npz", "study.gin"},
    "traverse": {"plan.parquet", "manifest.json", "params.npz", "study.gin"},
}


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def folder(path):
    path.unlink()
    path.mkdir()


def other(path):
    """A whole file of the kind, with something else in it."""
    if path.suffix == ".npz":
        np.savez(path, x=np.ones(3))
    elif path.suffix == ".parquet":
        pd.DataFrame({"x": [1]}).to_parquet(path)
    else:
        path.write_text('[{"job_id": 1}]\n')


def keys(path):
    """A whole file of the kind in which something is missing."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            arrays = dict(file)
        del arrays[max(arrays)]  # of the params a leaf of the encoder, of the codes their mean
        arrays = {name: array for name, array in arrays.items() if not name.startswith("encoder")}
        np.savez(path, **arrays)
    elif path.suffix == ".parquet":
        pd.read_parquet(path).drop(columns="run_id").to_parquet(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps({"job_id": path.parent.name, "run_ids": ["0123456789ab"]}))
    else:
        path.write_text("nets.num_latents = 3\n\n")


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "half": half,
    "garbage": lambda path: path.write_bytes(np.random.default_rng(0).bytes(500)),
    "folder": folder,
    "other": other,
    "keys": keys,
    "missing": lambda path: path.unlink(),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a finished study of 4 runs in 2 jobs, its sweep and the data set that it is of."""
    home = tmp_path_factory.mktemp("made")
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    own.add("mine", images, np.stack(np.unravel_index(np.arange(60), (3, 4, 5)), axis=1), root=home / "sets")
    (home / "small.gin").write_text(OF_MINE)
    assert cli.main(command("run", home, home / "study")) == 0
    return home


@pytest.fixture
def study(made, tmp_path):
    return shutil.copytree(made / "study", tmp_path / "study")


def command(name, home, study, *more):
    at = ["--data-dir", str(home / "sets")]
    inline = [*at, "--executor", "inline"]
    if name == "run":
        return ["run", str(home / "small.gin"), str(study), *inline, *more]
    if name == "query":
        return ["query", str(study), "SELECT count(*) FROM results, (SELECT count(*) FROM curves)"]
    if name == "evaluate":
        return ["evaluate", str(study), "--metrics", "modularity,udr", *inline]
    if name == "traverse":
        return ["traverse", str(study), run_id(home), *at]
    return [name, str(study)]


def run_id(home):
    return store.open(home / "study").plan["run_id"][0]


def damaged(study, home, file, kind):
    """Damages the file, of the job of `run_id` if it is one's."""
    path = study / file
    if file in JOB_FILES:
        (manifest,) = (one for one in store.open(study).manifests() if run_id(home) in one["run_ids"])
        path = study / "jobs" / manifest["job_id"] / file
    DAMAGE[kind](path)
    return path


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


CASES = [
    (name, file, kind) for name, files in NEEDED.items() for file in sorted(files) for kind in DAMAGE
    if not (file == "plan.parquet" and kind == "missing")  # no study: below
    if name not in ("figures", "query") or kind == "half"  # they read as `tables` does
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "file", "kind"), [case if i % 3 == 0 else slow(*case) for i, case in enumerate(CASES)]
)
def test_a_damaged_file_is_named_in_one_line(made, study, capsys, name, file, kind):
    path = damaged(study, made, file, kind)
    assert cli.main(command(name, made, study)) == 2
    (line,) = lines(capsys.readouterr().err)
    assert str(path) in line
    assert "Traceback" not in line


@pytest.mark.parametrize("name", NEEDED)
def test_what_a_command_does_not_need_may_be_damaged(made, study, capsys, monkeypatch, name):
    monkeypatch.setattr(cli_analysis, "MAX_DRAWING", 1)
    monkeypatch.setattr(figures, "FIGURES", {"total_correlation": figures.FIGURES["total_correlation"]})
    for file in {*JOB_FILES, "study.gin", "evaluation.json"} - NEEDED[name]:
        damaged(study, made, file, "garbage")
    (study / "tmp" / "0123456789ab.progress.json").write_text('{"run_ids": 1}')
    assert cli.main(command(name, made, study)) == 0, capsys.readouterr().err


@pytest.fixture
def trained_again(made, monkeypatch):
    """The runs that `run` trains, which give in no time what they gave before."""
    good, done = store.open(made / "study"), []
    tables = {name: good.rows(name) for name in ("scores", "curves")}
    arrays = {"params": {}, "codes": {}}
    for of in finished_jobs(good):
        for name in arrays:
            for key, values in good.arrays(of, name).items():
                arrays[name].setdefault(key, {}).update(
                    {run.run_id: values if key == "index" else values[at] for at, run in enumerate(of.runs)}
                )

    def run_job(of, resources, study, root, data_dir, identities):
        ids = [run.run_id for run in of.runs]
        rows = {name: table[table["run_id"].isin(ids)].to_dict("records") for name, table in tables.items()}
        kept = {
            name: {
                key: values[ids[0]] if key == "index" else np.stack([values[one] for one in ids])
                for key, values in of_name.items()
            }
            for name, of_name in arrays.items()
        }
        done.append(ids)
        manifest = {"status": "done", "data": next(iter(identities.values()))}
        store.Store(root).write_job(of, rows["scores"], rows["curves"], kept, manifest)

    monkeypatch.setattr(run, "run_job", run_job)
    return done


@pytest.mark.parametrize(("file", "kind"), pairs([*JOB_FILES, "study.gin", "evaluation.json"], DAMAGE, every=3))
def test_run_does_a_damaged_job_again(made, study, capsys, trained_again, file, kind):
    good = store.open(made / "study")
    path = damaged(study, made, file, kind)
    assert cli.main(command("run", made, study)) == 0
    told = [line for line in lines(capsys.readouterr().err) if str(path) in line]
    assert len(told) == 1
    again = store.open(study)
    assert len(trained_again) == (file in JOB_FILES)
    pd.testing.assert_frame_equal(again.results(), good.results())
    assert again.settings == good.settings
    assert (study / "evaluation.json").read_bytes() == (made / "study" / "evaluation.json").read_bytes()
    assert cli.main(command("run", made, study)) == 0
    assert str(path) not in capsys.readouterr().err  # nothing is damaged any more


def test_a_job_is_trained_again_to_the_same_scores(made, study, capsys):
    before = store.open(study).results().drop(columns="seconds")
    damaged(study, made, "params.npz", "half")
    assert cli.main(command("run", made, study)) == 0
    assert "4 runs: 2 there already, 2 to do in 1 job\n" in capsys.readouterr().err
    pd.testing.assert_frame_equal(store.open(study).results().drop(columns="seconds"), before)


def test_a_lost_manifest_and_another_job_size_give_no_run_twice(made, study, trained_again):
    before = store.open(study).results().drop(columns="seconds")
    damaged(study, made, "manifest.json", "missing")
    assert cli.main(command("run", made, study, "--gin", "resources.job_size = 1")) == 0
    results = store.open(study).results().drop(columns="seconds")
    assert not results.duplicated(["run_id", "representation", "metric", "score"]).any()
    pd.testing.assert_frame_equal(results, before)
    assert [len(ids) for ids in trained_again] == [1, 1]
    assert len(list((study / "jobs").iterdir())) == 3


def test_two_jobs_with_one_run_are_named_and_mended(made, study, capsys):
    results = store.open(study).results()
    first = min((study / "jobs").iterdir())
    copy = shutil.copytree(first, study / "jobs" / "ffffffffffff")
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "job_id": copy.name}))
    for name in ("status", "query", "tables", "report", "evaluate", "traverse"):
        assert cli.main(command(name, made, study)) == 2
        (line,) = lines(capsys.readouterr().err)
        assert str(copy) in line
        assert first.name in line
    assert cli.main(command("run", made, study)) == 0
    pd.testing.assert_frame_equal(store.open(study).results(), results)
    assert (study / "damaged" / copy.name).is_dir()


def test_a_score_that_a_file_has_twice_is_named_and_mended(made, study, trained_again, capsys):
    results = store.open(study).results()
    path = next(study.glob("jobs/*/scores.parquet"))
    rows = pd.read_parquet(path)
    pd.concat([rows, rows.iloc[:1].assign(value=0.5)]).to_parquet(path, index=False)
    assert cli.main(command("tables", made, study)) == 2
    assert f"{path}: cannot be read: it has a score of a run twice" in capsys.readouterr().err
    assert cli.main(command("run", made, study)) == 0
    pd.testing.assert_frame_equal(store.open(study).results(), results)


WRONG = {
    "values are texts": ("scores", lambda rows: rows.assign(value=rows["value"].astype(str)), "'value' is "),
    "values are true or false": ("scores", lambda rows: rows.assign(value=True), "'value' is bool: expected double"),
    "metrics are numbers": ("scores", lambda rows: rows.assign(metric=3), "'metric' is int64: expected string"),
    "texts are categories": (
        "scores",
        lambda rows: rows.assign(metric=rows["metric"].astype("category")),
        "'metric' is ",
    ),
    "versions are times": ("scores", lambda rows: rows.assign(versions=pd.Timestamp(0)), "'versions' is timestamp"),
    "steps are texts": ("curves", lambda rows: rows.assign(step="first"), "'step' is "),
    "a step is there twice": ("curves", lambda rows: pd.concat([rows, rows[-1:]]), "a term of a step of a run twice"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_table_that_holds_something_else_is_named_by_all_and_mended(made, study, trained_again, capsys, what):
    name, changed, said = WRONG[what]
    opened, path = store.open(study), next(study.glob(f"jobs/*/{name}.parquet"))
    before = opened.rows("scores"), opened.rows("curves")
    changed(pd.read_parquet(path)).to_parquet(path, index=False)
    asked = [["query", str(study), f"SELECT count(*) FROM {name}"], ["export", str(study), str(study.with_name("out"))]]
    asked += [command("tables", made, study), command("report", made, study)] if name == "scores" else []
    for arguments in asked:
        assert cli.main(arguments) == 2
        (line,) = lines(capsys.readouterr().err)
        assert f"{path}: cannot be read: it" in line
        assert said in line
    assert cli.main(command("run", made, study)) == 0
    for table, expected in zip(("scores", "curves"), before, strict=True):
        pd.testing.assert_frame_equal(opened.rows(table), expected)


def test_curves_that_are_damaged_beyond_their_head_are_named_by_the_query_that_reads_them(made, study, capsys):
    path = damaged(study, made, "curves.parquet", "missing")
    content = bytearray((made / "study" / path.relative_to(study)).read_bytes())
    content[4:40] = bytes(36)  # of the first column
    path.write_bytes(content)
    assert cli.main(["query", str(study), "SELECT count(*) FROM runs"]) == 0
    capsys.readouterr()
    assert cli.main(["query", str(study), "SELECT max(run_id) FROM curves"]) == 2
    (line,) = lines(capsys.readouterr().err)
    assert str(path) in line


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_or_missing_plan_is_made_again_and_the_others_say_so(made, study, capsys, trained_again, kind):
    path = damaged(study, made, "plan.parquet", kind)
    before = listing(study)
    for name in ("status", "query", "tables", "retry"):
        assert cli.main(command(name, made, study)) == 2
        (line,) = lines(capsys.readouterr().err)
        assert "plan.parquet" in line
        assert f"`disentanglement-study run SWEEP {study}`, with the same sweep, makes it again" in line
    assert listing(study) == before
    assert cli.main(command("run", made, study)) == 0
    said = capsys.readouterr()
    assert f"{path}" in said.err
    assert "it is made again from the sweep" in said.err
    assert "4 runs: 4 there already, 0 to do" in said.err
    assert (study / "damaged" / "plan.parquet").exists() == (kind != "missing")
    assert trained_again == []
    pd.testing.assert_frame_equal(store.open(study).plan, store.open(made / "study").plan)
    pd.testing.assert_frame_equal(store.open(study).results(), store.open(made / "study").results())


def test_a_lost_plan_is_not_made_of_another_sweep_and_keeps_the_jobs_that_a_part_leaves_out(made, study, capsys):
    (study / "plan.parquet").unlink()
    before = listing(study)
    assert cli.main(command("run", made, study, "--gin", "train.steps = 7")) == 2
    (line,) = lines(capsys.readouterr().err)
    assert f"{study / 'plan.parquet'} is lost: 4 of the runs of its jobs are not in this sweep" in line
    assert listing(study) == before
    assert cli.main(command("run", made, study, "--where", "seed == 0")) == 0
    assert set(store.open(study).plan["run_id"]) == set(store.open(made / "study").plan["run_id"])


def test_the_status_counts_no_job_whose_scores_were_cut_off(made, study, capsys):
    path = damaged(study, made, "scores.parquet", "half")
    assert cli.main(command("status", made, study)) == 2
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].split() == ["mine", "beta_vae", "4", "2", "0", "0", "2"]
    assert f"error: {path}: cannot be read: " in err
    assert err.count(f"; `run SWEEP {study}` sets the damaged job aside and does its runs again") == 1


@pytest.mark.parametrize("name", ["logs", "query", "tables", "figures", "report", "merge", "evaluate"])
def test_the_error_of_a_damaged_job_says_what_mends_it(made, study, capsys, name):
    path = damaged(study, made, "scores.parquet", "half")
    if name == "logs":
        assert cli.main(["logs", str(study)]) == 0
        states = {line.split()[0]: line.split()[4] for line in capsys.readouterr().out.splitlines()[1:]}
        assert states == {one.name: "damaged" if one == path.parent else "done" for one in study.glob("jobs/*")}
        return
    into = ["merge", str(made / "study"), str(study), str(study.with_name("into"))]
    assert cli.main(into if name == "merge" else command(name, made, study)) == 2
    (line,) = lines(capsys.readouterr().err)
    assert line.startswith(f"error: {path}: cannot be read: ")
    assert line.endswith(f"; `run SWEEP {study}` sets the damaged job aside and does its runs again")
    assert ".;" not in line


HARMLESS = [("evaluation.json", "garbage"), ("evaluation.json", "missing"), ("study.gin", "missing"),
            ("params.npz", "missing"), ("codes.npz", "missing"), ("curves.parquet", "missing"),
            ("curves.parquet", "half")]  # fmt: skip


@pytest.mark.parametrize(("file", "kind"), HARMLESS)
def test_what_reading_does_without_is_named_all_the_same(made, study, capsys, file, kind):
    path = damaged(study, made, file, kind)
    for name in ("status", "retry"):
        assert cli.main(command(name, made, study)) == 0
        said = capsys.readouterr()
        (line,) = [line for line in lines(said.out + said.err) if str(path) in line]
        assert line.startswith(f"damaged: {path}: cannot be read: ")
        assert f"`run SWEEP {study}`" in line
    assert cli.main(command("status", made, made / "study")) == 0
    assert "damaged" not in capsys.readouterr().out


def test_scores_of_other_settings_are_not_mixed_where_evaluation_json_is_lost(made, study, capsys):
    (study / "evaluation.json").unlink()
    assert cli.main(command("run", made, study, "--gin", "evaluate.num_train = 20")) == 2
    assert "was scored with other settings" in capsys.readouterr().err


def test_settings_of_scoring_that_are_not_all_there_are_named_and_written_anew(made, study, capsys):
    path = study / "evaluation.json"
    text = path.read_text()
    path.write_text('{"num_train": 7}')
    assert cli.main(command("status", made, study)) == 0
    assert f"damaged: {path}: cannot be read: it has no 'keep_codes'" in " ".join(capsys.readouterr().out.split())
    assert cli.main(command("run", made, study)) == 0
    assert path.read_text() == text


def test_a_part_of_the_sweep_does_not_replace_its_settings(made, study, capsys):
    (study / "study.gin").write_text("half")
    assert cli.main(command("run", made, study, "--gin", "sweep.seeds = 1")) == 2
    assert "study.gin" in capsys.readouterr().err
    assert (study / "study.gin").read_text() == "half"


def test_checkpoints_that_are_none_are_dropped(made, study):
    shutil.rmtree(study / "jobs")
    at = study / "checkpoints"
    ids = [path.name for path in sorted((made / "study" / "jobs").iterdir())]
    (at / ids[0]).mkdir(parents=True)
    (at / ids[0] / "population").mkdir()
    (at / ids[0] / "0-2").write_text("no folder")
    (at / ids[1]).write_text("no folder")
    assert cli.main(command("run", made, study)) == 0
    results = [store.open(root).results().drop(columns="seconds") for root in (study, made / "study")]
    pd.testing.assert_frame_equal(*results)


def listing(root):
    return sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in root.rglob("*"))
