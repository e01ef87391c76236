"""Time-contrastive learning: features that tell the segments of a series apart."""

import dataclasses
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from annotated_types import Interval

from disentanglement_study.methods.baselines import fast_ica
from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.ica.sizes import check_codes
from disentanglement_study.methods.kinds import After, AtOnce, Inputs, Learner, Method, Settings
from disentanglement_study.nets.initialisers import glorot
from disentanglement_study.nets.maxout import MaxoutMlp, initial


@dataclasses.dataclass(frozen=True)
class Options:
    """num_layers: of the net; the paper has as many as the mixing. expansion: units of a hidden layer, for each code.
    weight_decay: of all weights but biases. num_points, max_iter: of the FastICA that follows."""

    num_layers: Annotated[int, Interval(ge=1, le=100)] = 5
    expansion: Annotated[int, Interval(ge=1, le=1000)] = 2
    weight_decay: Annotated[float, Interval(ge=0, le=1e6)] = 1e-4
    num_points: Annotated[int, Interval(ge=2, le=1_000_000)] = 10_000
    max_iter: Annotated[int, Interval(ge=1, le=1_000_000)] = 1000


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B,d], d = `nets.num_latents`: FastICA of |h(x)|, where a linear softmax tells the K segments by |h(x)|.

        loss = -mean log softmax_k(Σ_i w_ki |h_i(x)| + b_k) + weight_decay ½ Σ W²,    nats

    Hyvärinen and Morioka 2016 (arXiv 1605.06336), section 3 and appendix: h is a net of maxout units.

    Assumes x = f(s), f invertible, s independent given the segment, log p(s_i | k) = λ_i(k) q(s_i) + constants, and
    λ whose K - 1 contrasts between segments span d dimensions: K of d + 1 or more. Identifies q(s) up to a linear map
    (theorem 1), which FastICA undoes (corollary 1); with q(s) = |s| of Laplace sources, |s| up to order and scale. The
    sign of s is not identified, so that the target is |s|.

    Scores of the training: "loss", lower is better, by which restarts are compared; "accuracy", of segments, and that
    of "chance", 1/K; "after_converged" is 1 if FastICA did. Unlike the authors' code, which trains by stages for
    770,000 updates, all is trained at once, and no moving average is kept; Adam with a rate of 3e-3 needs 8,000.
    ValueError for fewer segments than d + 1, and for more codes than an input has numbers.
    """
    codes, options = settings.nets.num_latents, settings.options
    size = check_codes(inputs, codes)
    segments = inputs.auxiliary["segment"]
    if segments < codes + 1:
        raise ValueError(f"{segments} segments: expected at least nets.num_latents + 1 = {codes + 1}")
    widths = (options.expansion * codes,) * (options.num_layers - 1)
    net = MaxoutMlp(codes, widths, kernel_init=nn.initializers.he_normal())

    def encode(params, batch):
        features: Any = net.apply({"params": params["features"]}, batch["x"])
        return {"mean": jnp.abs(features)}

    def loss(params, batch, key, hyper):
        head = params["segments"]
        logits = encode(params, batch)["mean"] @ head["kernel"] + head["bias"]
        entropy = optax.softmax_cross_entropy_with_integer_labels(logits, batch["segment"]).mean()
        accuracy = jnp.mean(jnp.argmax(logits, axis=1) == batch["segment"])
        terms = {"accuracy": accuracy, "chance": jnp.float32(1 / segments)}
        return entropy + options.weight_decay * half_squares(params), terms

    updates = settings.train.steps
    head = lambda key: {"kernel": glorot(key, (codes, segments)), "bias": jnp.zeros(segments)}  # noqa: E731
    return Learner(
        by_gradient(
            loss, {"features": initial(net, size), "segments": head}, optimiser_of(settings.train, updates), updates
        ),
        encode,
        after=unmixing(settings),
    )


def half_squares(params: dict) -> jax.Array:
    """½ Σ W² of all kernels."""
    total: Any = sum(0.5 * jnp.sum(leaf**2) for leaf in jax.tree.leaves(params) if leaf.ndim == 2)
    return total


def unmixing(settings: Settings) -> After:
    """FastICA of codes [N,d], as the method of that name has it. ValueError for fewer points than codes."""
    codes, options = settings.nets.num_latents, settings.options
    if options.num_points < codes:
        raise ValueError(f"num_points = {options.num_points}: expected at least {codes}, nets.num_latents")
    own = fast_ica.Options(num_points=options.num_points, max_iter=options.max_iter)
    linear = fast_ica.build(Inputs((codes,)), settings._replace(options=own))
    learn = linear.learn
    assert isinstance(learn, AtOnce)

    def fit(points, seed):
        arrays, terms = learn.fit({"x": points}, seed, {})
        return arrays, {"after_converged": terms["converged"]}

    return After(fit, lambda arrays, points: linear.encode(arrays, {"x": points})["mean"], options.num_points)


TCL = Method(
    build,
    options=Options,
    needs=frozenset({"segment"}),
    uses=("nets.num_latents", "train"),
    target="abs",
    whiten=True,
    about="Time-contrastive learning: tells the segments of a series apart.",
    source="Hyvärinen and Morioka 2016, arXiv:1605.06336",
)
