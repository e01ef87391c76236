"""Linear independent components of the inputs."""

import dataclasses
import warnings
from typing import Annotated, Literal

import jax.numpy as jnp
import numpy as np
from annotated_types import Interval

from disentanglement_study import rng
from disentanglement_study.methods.baselines.pca import USES, as_inputs, check_components
from disentanglement_study.methods.kinds import AtOnce, Inputs, Learner, Method, Settings


@dataclasses.dataclass(frozen=True)
class Options:
    """num_points: inputs that the components are estimated from. max_iter: of the fixed-point iteration. fun: its
    non-linearity."""

    num_points: Annotated[int, Interval(ge=2, le=1_000_000)] = 10_000
    max_iter: Annotated[int, Interval(ge=1, le=1_000_000)] = 1000
    fun: Literal["logcosh", "exp", "cube"] = "logcosh"


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B,D], D = `nets.num_latents`: independent components of unit variance on the points.

    FastICA (Hyvärinen 1999, IEEE Transactions on Neural Networks 10:626-634) as scikit-learn has it: after whitening by
    principal components, all components in parallel. The training score "converged" is 1 if it did within max_iter.
    ValueError for more components than inputs have numbers, or than there are points.
    """
    size, components, options = int(np.prod(inputs.shape)), settings.nets.num_latents, settings.options
    check_components("fast_ica", components, size, options.num_points)

    def fit(batch, seed, hyper):
        from sklearn.decomposition import PCA, FastICA
        from sklearn.exceptions import ConvergenceWarning

        state = int(rng.generator(seed, "fast_ica").integers(2**31))
        # Principal components first: FastICA would decompose all of the inputs, and keep as many of them.
        principal = PCA(components, svd_solver="randomized", random_state=state)
        reduced = principal.fit_transform(batch["x"].reshape(-1, size).astype(np.float64))
        estimator = FastICA(whiten="unit-variance", fun=options.fun, max_iter=options.max_iter, random_state=state)
        with warnings.catch_warnings(record=True) as noticed:
            warnings.simplefilter("always")
            found = estimator.fit(reduced)
        converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in noticed)
        params = {
            "mean": principal.mean_,
            "components": found.components_ @ principal.components_,
            "mixing": principal.components_.T @ found.mixing_,
        }
        return {name: array.astype(np.float32) for name, array in params.items()}, {"converged": float(converged)}

    def encode(params, batch):
        x = batch["x"].reshape(len(batch["x"]), -1)
        return {"mean": jnp.matmul(x - params["mean"], params["components"].T, precision="highest")}

    def decode(params, codes):
        return as_inputs(jnp.matmul(codes, params["mixing"].T, precision="highest") + params["mean"], inputs.shape)

    return Learner(AtOnce(fit, options.num_points), encode, decode)


FAST_ICA = Method(
    build,
    options=Options,
    uses=USES,
    about="Linear independent components of the inputs.",
    source="Hyvärinen 1999",
)
