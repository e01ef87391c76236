"""A method that breaks the contract is refused while planning; one that keeps it needs no more than the contract."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from disentanglement_study import cli, config, store
from disentanglement_study.methods import METHODS
from disentanglement_study.methods.gradient import by_gradient, tf_adam
from disentanglement_study.methods.kinds import After, AtOnce, Given, Learner, Method
from disentanglement_study.methods.vae import vae
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import components, plan
from disentanglement_study.types import Objective

SWEEP = """
include 'gin_configs/quick.gin'
sweep.data_sets = ['dsprites']
sweep.methods = {'toy': {}}
sweep.seeds = 2
nets.num_latents = 2
train.steps = 6
evaluate.metrics = ['mig', 'unsupervised']
evaluate.table_rows = 300
evaluate.num_train = 100
evaluate.num_test = 50
evaluate.training_batches = 1
resources.log_every = 3
"""
ADAM = tf_adam(1e-2, 0.9, 0.999, 1e-8)


def project(params, batch):
    return {"mean": batch["x"].reshape(len(batch["x"]), -1) @ params["encoder"]["kernel"]}


def kernel(key):
    return {"kernel": jax.random.normal(key, (256, 2))}


def spread(params, batch, key, hyper):
    """A loss that makes the codes of variance one."""
    return jnp.mean((project(params, batch)["mean"].var(axis=0) - 1) ** 2), {}


def steps(loss=spread):
    return by_gradient(loss, {"encoder": kernel}, ADAM, 6)


def toy(learn=None, encode=project, **parts):
    fields = {name: parts.pop(name) for name in ("needs", "draws", "hyper") if name in parts}
    return Method(lambda inputs, settings: Learner(learn or steps(), encode, **parts), **fields)


@pytest.fixture
def add(monkeypatch):
    return lambda method: monkeypatch.setitem(METHODS, "toy", method)


@pytest.fixture
def run(dsprites_root, tmp_path):
    def call(*settings, sound=True):
        (tmp_path / "toy.gin").write_text(SWEEP + "\n".join(settings))
        place = ["--executor", "inline", "--data-dir", str(dsprites_root)]
        assert cli.main(["run", str(tmp_path / "toy.gin"), str(tmp_path / "study"), *place]) == 0
        results = store.open(tmp_path / "study").results()
        assert not sound or results["error"].isna().all()
        return store.open(tmp_path / "study"), results

    return call


def replaced(**parts):
    return steps()._replace(**parts)


def grows(state, batch, key, hyper):
    return (*state, state[0]), {"loss": 0.0}


BROKEN = {
    "no loss": (toy(replaced(step=lambda state, *_: (state, {"energy": jnp.float32(0)}))), "no term 'loss' .*energy"),
    "another state": (toy(replaced(step=grows)), "a step must return a state of the structure, shapes and dtypes"),
    "a loss that is no scalar": (
        toy(replaced(step=lambda state, *_: (state, {"loss": jnp.zeros(3)}))),
        r"the term 'loss' of shape \[3\]: expected a scalar",
    ),
    "no loss of the finished model": (toy(replaced(terms=lambda *_: {})), r"its terms gives no term 'loss'"),
    "a score of a term that is not there": (toy(scores=lambda terms: {"elbo": terms["elbo"]}), "no 'elbo'"),
    "no codes": (toy(encode=lambda params, batch: {}), "encode gives nothing: expected mean"),
    "codes of another name": (
        toy(encode=lambda params, batch: {**project(params, batch), "features": 0}),
        "encode gives features, mean",
    ),
    "codes of another shape": (toy(encode=lambda params, batch: {"mean": batch["x"]}), r"shape .*expected \[64, D\]"),
    "images of another shape": (toy(decode=lambda params, codes: codes), r"decode gives shape \[64, 2\]"),
    "a shape that does not fit": (toy(encode=lambda params, batch: {"mean": batch["x"] @ jnp.ones((3, 3))}), "dot_gen"),
    "no way to learn": (toy("by heart"), "learn must be Steps, AtOnce or Given"),
    "what no data set has": (
        toy(needs=frozenset({"smell"})),
        "needs 'smell' of the data: there are only factors, sources, pair",
    ),
    "what this data set has not": (toy(needs=frozenset({"segment"})), "needs 'segment' .* and the data set has none"),
    "u, nor segments": (
        toy(needs=frozenset({"u"})),
        "needs 'u' or segments of each input, and the data set has none",
    ),
    "the truth, to compare with": (
        toy()._replace(wants=frozenset({"sources"})),
        "wants 'sources' .* only segment, time",
    ),
    "a setting that is none": (
        toy()._replace(uses=("nets.num_latent",)),
        "unknown setting that it uses 'nets.num_latent': did you mean 'nets.num_latents'",
    ),
    "a word in place of a set": (toy(needs="segment"), r"needs 'segment': expected a set of names, frozenset"),
    "a target": (toy()._replace(target="squares"), "unknown target 'squares': did you mean 'square'"),
    "what it was not asked for": (
        toy(Given(lambda seed: {}), lambda params, batch: {"mean": batch["factors"]}),
        "no 'factors'",
    ),
    "pairs": (toy(needs=frozenset({"pair"})), "learns from pairs: set train.sampling to .*transitions.*, got 'iid'"),
    "an error of its own": (Method(lambda inputs, settings: 1 / 0), "division by zero "),
    "an error of two lines": (Method(lambda inputs, settings: int("a\nb")), "invalid literal"),
    "no codes at all": (toy(encode=lambda params, batch: {"mean": jnp.zeros((64, 0))}), r"mean of shape \[64, 0\]"),
    "parameters without names": (toy(Given(lambda seed: {"a": [1.0]})), "nested dicts of arrays, with names"),
    "parameters that are no arrays": (toy(Given(lambda seed: {3: jnp.ones(2)})), "nested dicts of arrays, with names"),
    "no points": (toy(AtOnce(None, 0)), "learns from 0 points"),
    "draws": (toy(draws=("transitions",)), "drawn as 'transitions': set train.sampling, got 'iid'"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_method_is_one_line_while_planning(add, broken):
    method, message = BROKEN[broken]
    add(method)
    with pytest.raises(ValueError, match=f"^method 'toy'.*{message}") as error:
        plan.expand(config.load_text(components.load("quick", SWEEP.splitlines()[2:]).text))
    assert "\n" not in str(error.value)


def test_a_method_without_hyperparameters_posterior_or_decoder_is_trained_and_scored(add, run):
    add(toy())
    opened, results = run()
    assert opened.plan["hyper"].tolist() == ["{}", "{}"]
    assert set(results.loc[results["metric"] == "training", "score"]) == {"loss"}
    assert set(results["representation"]) == {"mean", "model"}
    (manifest,) = opened.manifests()
    curves = opened.rows_of(manifest, "curves")
    assert set(curves["term"]) == {"loss"}
    assert (curves[curves["step"] == 6]["value"].to_numpy() < curves[curves["step"] == 3]["value"].to_numpy()).all()


def test_pictures_of_a_method_that_decodes_nothing_are_refused_in_one_line(add, run, dsprites_root, capsys):
    add(toy())
    opened, results = run()
    run_id = results["run_id"].iloc[0]
    assert cli.main(["traverse", str(opened.root), run_id, "--data-dir", str(dsprites_root)]) == 2
    assert "the method 'toy' has no decoder" in capsys.readouterr().err.replace("\n", " ")


def test_an_objective_without_the_terms_of_a_vae_or_a_hyperparameter_is_a_method(add, run):
    def squeezed(nets, params, batch, rng, hyper):
        mean, _ = nets.encode(params["encoder"], batch)
        return jnp.mean(mean**2), {"size": jnp.mean(jnp.abs(mean))}

    add(vae(Objective(squeezed)))
    opened, results = run()
    assert set(results.loc[results["metric"] == "training", "score"]) == {"loss"}
    assert set(results["representation"]) == {"mean", "sampled", "model"}
    (manifest,) = opened.manifests()
    assert set(opened.rows_of(manifest, "curves")["term"]) == {"loss", "size"}


def test_a_method_that_needs_factors_is_trained_on_them(add, run):
    def regress(params, batch, key, hyper):
        codes, target = project(params, batch)["mean"], batch["factors"][:, 3:] / 31
        return jnp.mean((codes - target) ** 2), {}

    add(toy(steps(regress), needs=frozenset({"factors"})))
    _, results = run()
    assert (results.loc[results["score"] == "loss", "value"] > 0).all()


def test_a_step_after_the_training_is_learnt_once_stored_and_applied_whenever_codes_are_made(add, run, dsprites_root):
    def fit(codes, seed):
        return {"mean": codes.mean(axis=0), "scale": codes.std(axis=0) / (1 + seed)}, {"after_seed": float(seed)}

    def apply(arrays, codes):
        return (codes - arrays["mean"]) / arrays["scale"]

    add(toy(after=After(fit, apply, num_points=200)))
    opened, _ = run("evaluate.keep_codes = 300")
    (manifest,) = opened.manifests()
    with np.load(opened.jobs / manifest["job_id"] / "codes.npz") as kept:
        first = kept["mean"]
        np.testing.assert_allclose(first.std(axis=1), [[1, 1], [2, 2]], rtol=0.2)
        assert "logvar" not in kept
    more = ["evaluate", str(opened.root), "--metrics", "sap_score", "--executor", "inline"]
    assert cli.main([*more, "--data-dir", str(dsprites_root)]) == 0
    assert "sap_score" in set(opened.results()["metric"])
    path = opened.jobs / manifest["job_id"] / "params.npz"
    with np.load(path) as there:
        rest = {name: there[name] for name in there.files if not name.startswith("after/")}
    np.savez(path, **rest)
    again = ["evaluate", str(opened.root), "--metrics", "modularity", "--executor", "inline"]
    assert cli.main([*again, "--data-dir", str(dsprites_root)]) == 2
    assert "modularity" not in set(opened.results()["metric"])


def test_a_method_that_learns_at_once_sees_the_points_that_it_asks_for(add, run):
    seen = []

    def fit(batch, seed, hyper):
        seen.append((batch["x"].shape, seed, hyper))
        return {"encoder": {"kernel": batch["x"].reshape(50, 256)[:2].T}}, {"converged": 1.0}

    add(toy(AtOnce(fit, 50), hyper=("weight",)))
    opened, results = run("sweep.methods = {'toy': {'weight': [1, 2]}}")
    assert sorted(seen, key=str) == sorted(
        [((50, 16, 16, 1), seed, {"weight": weight}) for seed in (0, 1) for weight in (1.0, 2.0)], key=str
    )
    assert (results.loc[results["score"] == "converged", "value"] == 1).all()
    kernels = [opened.arrays(job, "params")["encoder/kernel"] for job in finished_jobs(opened)]
    assert not np.array_equal(kernels[0][0], kernels[0][1])  # other seeds, other points


KERNEL = {"encoder": {"kernel": np.ones((256, 2))}}
AT_ONCE = {
    "nothing": (lambda *_: None, project, "NoneType"),
    "parameters without names": (lambda *_: ([np.ones(2)], {}), project, "nested dicts of arrays"),
    "a term that is an array": (lambda *_: (KERNEL, {"loss": np.ones(3)}), project, "the term 'loss' as ndarray"),
    "a term that is text": (lambda *_: (KERNEL, {"loss": "low"}), project, "the term 'loss' as str"),
    "codes of another shape": (
        lambda *_: (KERNEL, {}),
        lambda params, batch: {"mean": batch["x"]},
        "encode gives mean",
    ),
    "codes of another name": (
        lambda *_: (KERNEL, {}),
        lambda params, batch: {"codes": batch["x"]},
        "encode gives codes",
    ),
}


@pytest.mark.parametrize("broken", AT_ONCE)
def test_what_learns_at_once_and_breaks_the_contract_fails_with_one_line(add, broken, dsprites_root, tmp_path, capsys):
    fit, encode, message = AT_ONCE[broken]
    add(toy(AtOnce(fit, 10), encode))
    (tmp_path / "toy.gin").write_text(SWEEP + "resources.retries = 0")
    place = ["--executor", "inline", "--data-dir", str(dsprites_root)]
    assert cli.main(["run", str(tmp_path / "toy.gin"), str(tmp_path / "study"), *place]) == 3
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("failed: toy on dsprites")]
    assert "method 'toy': " in line
    assert message in line


@dataclasses.dataclass(frozen=True)
class Widths:
    widths: tuple[int, ...] = (1,)


def test_an_option_may_be_a_list(add, run):
    method = toy(Given(lambda seed: {"encoder": {"kernel": jnp.ones((256, 2))}}))
    add(method._replace(options=Widths))
    opened, results = run("sweep.methods = {'toy': {'widths': [[1, 2], [3]]}}")
    assert set(results["toy.widths"]) == {"[1, 2]", "[3]"}
    for job in finished_jobs(opened):
        again = components.load((opened.jobs / job.job_id / "operative.gin").read_text())
        assert {run.run_id for run in plan.expand(again)} == {run.run_id for run in job.runs}
    assert cli.main(["tables", str(opened.root)]) == 0


def test_codes_of_a_method_that_learns_from_pairs_are_of_single_images(add, run):
    def together(params, batch, key, hyper):
        ours, theirs = (project(params, {"x": batch[name]})["mean"] for name in ("x", "pair"))
        return jnp.mean((ours - theirs) ** 2), {}

    pairs = "train.sampling = 'differ_in_k'"
    add(toy(steps(together), needs=frozenset({"pair"})))
    _, results = run(pairs)
    assert (results.loc[results["score"] == "loss", "value"] > 0).all()
    add(toy(steps(together), lambda params, batch: {"mean": batch["pair"][:, 0, :, 0]}, needs=frozenset({"pair"})))
    with pytest.raises(ValueError, match=r"^method 'toy': no 'pair' "):
        plan.expand(components.load("quick", ["sweep.methods = {'toy': {}}", pairs]))


def test_a_model_that_diverges_is_named_without_a_strength(add, run, capsys):
    add(toy(steps(lambda params, batch, key, hyper: (jnp.sum(params["encoder"]["kernel"]) * jnp.nan, {}))))
    opened = run("sweep.axes = {'train.batch_size': [32]}", sound=False)[0]
    assert cli.main(["status", str(opened.root)]) == 0
    assert "diverged at update 0: toy train.batch_size=32 seed=1 on dsprites" in capsys.readouterr().out


def test_codes_of_a_method_without_a_posterior_cannot_be_sampled(add):
    add(toy())
    for name in ("toy", "pca", "ground_truth"):
        changes = [f"sweep.methods = {{'{name}': {{}}}}", "evaluate.representations = ['sampled']"]
        with pytest.raises(ValueError, match=f"'sampled'.* leaves nothing of '{name}' to score: expected 'mean'"):
            plan.expand(components.load("quick", changes))


def test_a_study_that_has_all_scores_is_not_scored_again(add, run, dsprites_root, capsys):
    add(toy())
    opened, _ = run()
    command = ["evaluate", str(opened.root), "--executor", "inline", "--data-dir", str(dsprites_root)]
    assert cli.main([*command, "--metrics", "mig,modularity"]) == 0
    assert "1 finished job: 0 have these scores, 1 to score" in capsys.readouterr().err
    assert cli.main([*command, "--metrics", "mig,modularity"]) == 0
    assert "1 finished job: 1 have these scores, 0 to score" in capsys.readouterr().err
