"""Results of disentanglement_lib become a study: the right runs, the right scores, and a word on all that is not."""

import json
import os
from pathlib import Path

import dlib_results
import numpy as np
import pandas as pd
import pytest

from disentanglement_study import cli, store
from disentanglement_study.errors import Failed
from disentanglement_study.study import components, plan
from disentanglement_study.study.foreign.disentanglement_lib import import_results
from disentanglement_study.study.foreign.dlib_models import model
from disentanglement_study.study.foreign.dlib_scores import of_evaluation

ROOT = Path(__file__).parents[2]
# A model of each method, two of one, and one of another data set.
NUMBERS = (0, 1, 351, 649, 999, 1201, 1799, 12_599)
SOME = ("mig", "unsupervised")
MIG = "0/metrics/mean/mig/results/aggregate/evaluation.json"


@pytest.fixture(scope="module")
def contents():
    return {path: content for number in NUMBERS for path, content in dlib_results.files(number).items()}


@pytest.fixture(scope="module")
def imported(contents, tmp_path_factory):
    """(the study of a folder of files, that of one file)."""
    folder = tmp_path_factory.mktemp("imported")
    dlib_results.write(folder / "output", contents)
    dlib_results.aggregated(folder / "results.json", contents)
    for path, name in (("output", "of_folder"), ("results.json", "of_file")):
        assert cli.main(["import", "disentanglement_lib", str(folder / path), str(folder / name)]) == 0
    return folder / "of_folder", folder / "of_file"


def small(**changed):
    """The files of one model, with a few metrics of one representation; changed: bindings of its configuration."""
    config = {**dlib_results.train_config(0), **{key.replace("__", "."): value for key, value in changed.items()}}
    return dlib_results.files(0, SOME, ["mean"], config)


def brought(folder: Path, contents: dict) -> tuple[store.Store, list[str]]:
    """The study of these files, and what was said of it."""
    path = dlib_results.write(folder / "output", contents)
    said = import_results(path, folder / "study").lines
    return store.open(folder / "study"), said


# Which models they are.


def test_models_of_the_study_are_the_runs_of_our_own_sweep():
    study = components.load(str(ROOT / "sweeps/locatello2019.gin"))
    runs = plan.expand(study)
    table = plan.frame(runs, study)
    assert len(table) == 12_600
    for number, run_id in list(zip(table["dlib_model_num"], table["run_id"], strict=True))[::97]:
        run = runs[number]
        read = model(dlib_results.train_config(number))
        assert read[:4] == (run.data_set, run.method, run.hyper, run.seed)
        assert run.run_id == run_id


def test_imported_models_have_the_ids_and_numbers_of_our_own_sweep(imported):
    study = components.load(str(ROOT / "sweeps/locatello2019.gin"))
    ours = plan.frame(plan.expand(study), study).set_index("dlib_model_num").loc[list(NUMBERS)].reset_index()
    for root in imported:
        theirs = store.open(root).plan.set_index("dlib_model_num").loc[list(NUMBERS)].reset_index()
        pd.testing.assert_frame_equal(theirs[ours.columns], ours, check_dtype=False)


def test_other_models_have_an_id_and_no_number(tmp_path):
    contents = small() | {f"other/{name}": one for name, one in small(encoder__num_latent="5").items()}
    contents |= {f"steps/{name}": one for name, one in small(model__training_steps="1000").items()}
    opened, said = brought(tmp_path, contents)
    table = opened.plan.set_index(["nets.num_latents", "train.steps"])
    assert table["run_id"].nunique() == 3
    assert table["dlib_model_num"].fillna(-1).to_dict() == {(10, 300_000): 0, (5, 300_000): -1, (10, 1000): -1}
    assert "3 models from 6 results: 1 are of the study" in said[0]
    assert not [line for line in said if "another number" in line]  # a number of another study is none of this


def test_the_configuration_counts_not_the_name_of_a_folder(tmp_path):
    right = dlib_results.files(7, SOME)
    wrong = {name.replace("7/", "4321/", 1): content for name, content in right.items()}
    opened, said = brought(tmp_path, wrong)
    assert opened.plan["dlib_model_num"].tolist() == [7]
    (line,) = [line for line in said if "another number" in line]
    assert "4321" in line
    assert "by its configuration is 7" in line


def test_settings_that_are_not_known_or_not_given_are_said(tmp_path):
    contents = small(my_trick__on="True")
    for content in contents.values():
        del content["train_config.vae/AdamOptimizer.epsilon"]
    opened, said = brought(tmp_path, contents)
    assert "settings that are not known here and were not looked at: my_trick.on" in said
    assert "settings that are not given are taken to be those of the study: vae/AdamOptimizer.epsilon" in said
    assert opened.plan["train.epsilon"].tolist() == [1e-8]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("model__model", "@s2_vae()", "its model is 's2_vae': known are vae, "),
        ("model__random_seed", "'x'", "its model.random_seed is 'x': expected a number"),
        ("vae__beta", "float('nan')", "its vae.beta is"),
        ("vae__beta", None, "its configuration has no vae.beta"),
        ("dataset__name", "'../x'", "its data set is '../x'"),
        ("reconstruction_loss__loss_fn", "@l2_loss", "its reconstruction_loss.loss_fn is 'l2_loss': known here is"),
        ("encoder__encoder_fn", "@test_encoder", "known here is conv_encoder or fc_encoder"),
    ],
)
def test_a_model_that_cannot_be_understood_is_named_and_the_others_are_there(tmp_path, name, value, words):
    strange = {f"strange/{path}": content for path, content in small(**{name: value}).items()}
    with pytest.raises(Failed) as error:
        brought(tmp_path, dlib_results.files(3, SOME) | strange)
    assert "2 of 6 results could not be imported: output/strange/0/metrics/mean/mig/" in str(error.value)
    assert words in str(error.value)
    assert store.open(tmp_path / "study").plan["dlib_model_num"].tolist() == [3]


# Their scores.


def test_every_number_of_their_study_is_there(imported, contents):
    for root in imported:
        results = store.open(root).results()
        assert results["error"].isna().all()
        found = results.set_index(["dlib_model_num", "representation", "metric", "score"])["value"].sort_index()
        for path, content in contents.items():
            number, _, representation, metric = path.split("/")[:4]
            own = found.loc[int(number), representation]
            evaluated = {k: v for k, v in content.items() if k.startswith("evaluation_results.")}
            for name, value in evaluated.items():
                key = name.removeprefix("evaluation_results.")
                if key in ("uuid", "elapsed_time"):
                    continue
                of = expected_name(metric, key)
                assert own[of] == pytest.approx(value, abs=1e-9), (path, key)
            losses = found.loc[int(number), "model"]
            for key in ("loss", "kl_loss", "reconstruction_loss"):
                assert losses["training", key] == pytest.approx(content[f"train_results.{key}"], abs=1e-9)


def expected_name(metric: str, key: str) -> tuple[str, str]:
    """As metrics of ours call it, written out once more."""
    task = {"downstream_task_boosted_trees": "downstream_boosted_trees",
            "downstream_task_logistic_regression": "downstream_logistic_regression"}.get(metric)  # fmt: skip
    if task:
        size, _, name = key.partition(":")
        name, _, factor = name.partition("_factor_")
        return task, f"{name}.n_{size}" + (f".factor_{factor}" if factor else "")
    return {
        ("beta_vae_sklearn", "eval_accuracy"): ("beta_vae_score", "beta_vae_score"),
        ("beta_vae_sklearn", "train_accuracy"): ("beta_vae_score", "train_accuracy"),
        ("factor_vae_metric", "eval_accuracy"): ("factor_vae_score", "factor_vae_score"),
        ("factor_vae_metric", "train_accuracy"): ("factor_vae_score", "train_accuracy"),
        ("factor_vae_metric", "num_active_dims"): ("evaluation_results.factor_vae_score", "num_active_dims"),
        ("mig", "discrete_mig"): ("mig", "mig"),
        ("dci", "disentanglement"): ("dci", "dci"),
        ("sap_score", "SAP_score"): ("sap_score", "sap_score"),
        ("modularity_explicitness", "modularity_score"): ("modularity", "modularity"),
        ("modularity_explicitness", "explicitness_score_test"): ("explicitness", "explicitness"),
        ("modularity_explicitness", "explicitness_score_train"): ("explicitness", "explicitness_train"),
        ("unsupervised", "gaussian_wasserstein_correlation_norm"):
            ("unsupervised", "gaussian_wasserstein_correlation_normalised"),
        ("unsupervised", "mutual_info_score"): ("unsupervised", "mutual_information"),
    }.get((metric, key), (metric, key))  # fmt: skip


def test_the_names_are_those_that_our_metrics_give(imported):
    quick = pd.read_parquet(ROOT / "results/quick/results.parquet")
    ours = set(zip(quick["metric"], quick["score"].str.replace(r"n_\d+|factor_\d", "", regex=True), strict=True))
    results = store.open(imported[0]).results()
    named = results["metric"].str.startswith(("evaluation_results", "train_results"))
    short = results["score"].str.replace(r"n_\d+|factor_\d", "", regex=True)
    theirs = set(zip(results["metric"][~named], short[~named], strict=True))
    assert theirs == ours - {("factor_vae_score", "num_active_dims")}
    downstream = results[results["metric"] == "downstream_boosted_trees"].set_index(["run_id", "representation"])
    headline = downstream.loc[downstream["score"] == "downstream_boosted_trees", "value"].sort_index()
    largest = downstream.loc[downstream["score"] == "mean_test_accuracy.n_10000", "value"].sort_index()
    pd.testing.assert_series_equal(headline, largest)
    assert set(results.loc[results["metric"] == "mig", "n"]) == {10_000}


def test_their_unfairness_has_the_names_of_ours():
    from disentanglement_study.metrics.fairness import aggregates

    both = [name for prefix in ("mean_fairness", "max_fairness") for name in aggregates(prefix, np.zeros((3, 3)))]
    keys = [
        f"{p}:pred{i}:sens{j}" for p in ("mean_fairness", "max_fairness") for i in range(3) for j in range(3) if i != j
    ]
    for prefix in ("mean_fairness", "max_fairness"):
        keys += [f"{prefix}:pred{i}:{how}_sens" for i in range(3) for how in ("mean", "max")]
        keys += [f"{prefix}:sens{i}:{how}_pred" for i in range(3) for how in ("mean", "max")]
        for outer, inner in (("pred", "sens"), ("sens", "pred")):
            keys += [f"{prefix}:{a}_{outer}:{b}_{inner}" for a in ("mean", "max") for b in ("mean", "max")]
    found = of_evaluation(keys, "fairness", "gradient_boosting_classifier")
    assert {one.metric for one in found} == {"fairness"}
    assert sorted(one.score for one in found) == sorted([*both, "fairness"])


def test_a_row_of_several_metrics_is_told_apart_where_names_tell():
    keys = ["discrete_mig", "eval_accuracy", "beta_vae_sklearn.eval_accuracy", "1:mean_test_accuracy",
            "downstream_task_boosted_trees.10:mean_test_accuracy"]  # fmt: skip
    assert [one[:2] for one in of_evaluation(keys)] == [
        ("mig", "mig"),
        ("evaluation_results", "eval_accuracy"),
        ("beta_vae_score", "beta_vae_score"),
        ("evaluation_results", "1:mean_test_accuracy"),
        ("downstream_boosted_trees", "mean_test_accuracy.n_10"),
        ("downstream_boosted_trees", "downstream_boosted_trees"),
    ]


def test_scores_without_a_counterpart_keep_their_names(tmp_path):
    contents = small()
    contents[MIG] |= {"evaluation_results.my_score": 0.25, "evaluation_results.matrix": [[1, 2]], "extra.column": "x"}
    opened, said = brought(tmp_path, contents)
    results = opened.results().set_index(["metric", "score"])["value"]
    assert results["evaluation_results.mig", "my_score"] == 0.25
    assert results["train_results", "global_step"] == 300_000
    assert any(line.startswith("3 scores that have no counterpart here keep their names: ") for line in said)
    assert "results that are no single number were left out: matrix" in said


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
@pytest.mark.parametrize("in_one_file", [False, True])
def test_a_score_that_is_no_number_is_a_failure(tmp_path, value, in_one_file):
    contents = small()
    contents[MIG]["evaluation_results.discrete_mig"] = value
    path = (dlib_results.aggregated if in_one_file else dlib_results.write)(tmp_path / "output", contents)
    import_results(path, tmp_path / "study")
    results = store.open(tmp_path / "study").results().set_index("score")
    assert np.isnan(results.loc["mig", "value"])
    assert "no number: discrete_mig is" in results.loc["mig", "error"]
    assert results.drop("mig")["error"].isna().all()


# Files.


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
    assert "2 results say what another said, and count once" in said


@pytest.mark.parametrize("score", ["evaluation_results.discrete_mig", "train_results.loss"])
def test_of_two_files_that_disagree_neither_is_taken(tmp_path, score):
    other = json.loads(json.dumps(small()[MIG]))
    other[score] += 0.1
    with pytest.raises(Failed, match=r"other/x.json: it does not agree with output/0/metrics/.*: neither is taken"):
        brought(tmp_path, small() | dlib_results.files(3, SOME) | {"other/x.json": other})
    assert store.open(tmp_path / "study").plan["dlib_model_num"].tolist() == [3]


BAD = {
    "empty": ("", "Expecting value"),
    "text": ("beta", "Expecting value"),
    "truncated": ('{"train_config.vae.beta": "4', "Unterminated string"),
    "a list": ("[1, 2]", "it holds no JSON object"),
    "something else": ('{"name": "x"}', "it has no train_config"),
    "no table": ('{"a": {"0": 1}, "b": 2}', "is no column"),
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
    with pytest.raises(Failed, match=r"1 of 3 results could not be imported: output/bad.json"):
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
    with pytest.raises(Failed, match=r"1 of 3 results could not be imported: output/dead\.json: No such file"):
        import_results(output, tmp_path / "study")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    output = dlib_results.write(tmp_path / "output", small() | dlib_results.files(3, SOME))
    (output / "3").chmod(0)
    with pytest.raises(Failed, match="output/3: "):
        import_results(output, tmp_path / "study")


# Where it goes.


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
    assert "which were others: name another folder" in capsys.readouterr().err
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


# What can be done with it.


def test_the_manifest_says_where_the_rows_come_from_and_the_jobs_are_whole(imported):
    from disentanglement_study.store import records, upkeep

    opened = store.open(imported[1])
    assert opened.source["kind"] == "disentanglement_lib"
    assert opened.source["path"].endswith("results.json")
    assert opened.source["files"] == 1
    damaged, manifests = upkeep.damage(opened)
    assert not damaged
    assert [records.check_job(folder) for folder in opened.job_folders()] == manifests
    assert opened.run_ids("done") == set(opened.plan["run_id"])
    assert opened.settings.sweep.protocol == "dlib"


def test_what_reads_scores_works(imported, tmp_path, capsys):
    root = str(imported[0])
    assert cli.main(["status", root]) == 0
    assert cli.main(["query", root, "SELECT count(*) FROM results WHERE dlib_model_num = 12599", "--csv"]) == 0
    assert capsys.readouterr().out.split()[-1] == str(2 * 148 + 6)  # Shapes3D has six factors
    opened, _ = brought(tmp_path, small())
    assert cli.main(["tables", str(opened.root)]) == 0
    assert (opened.root / "tables" / "scores_by_method.csv").exists()


@pytest.mark.parametrize(
    ("command", "purpose"),
    [
        (["run", str(ROOT / "sweeps/locatello2019.gin"), "DIR", "--executor", "inline"], "go on with"),
        (["evaluate", "DIR", "--executor", "inline"], "score"),
        (["evaluate", "DIR", "--metrics", "udr", "--executor", "inline"], "score"),
        (["traverse", "DIR", "RUN"], "encode or draw"),
        (["compare", "DIR"], "encode or draw"),
        (["encode", "DIR", "RUN"], "encode or draw"),
        (["unmix", "DIR"], "encode or draw"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_needs_the_models_is_refused_in_one_line(imported, command, purpose, capsys):
    root = str(imported[0])
    run_id = store.open(root).plan["run_id"][0]
    before = sorted(imported[0].rglob("*"))
    assert cli.main([{"DIR": root, "RUN": run_id}.get(word, word) for word in command]) == 2
    assert capsys.readouterr().err == (
        f"error: {root} holds results of disentanglement_lib: its models were trained elsewhere and are not here, "
        f"so there is nothing to {purpose}\n"
    )
    assert sorted(imported[0].rglob("*")) == before
