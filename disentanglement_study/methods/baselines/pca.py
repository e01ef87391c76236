"""Principal components of the inputs."""

import dataclasses
from typing import Annotated

import jax.numpy as jnp
import numpy as np
from annotated_types import Interval
from jax import Array
from jaxtyping import Float

from disentanglement_study import rng
from disentanglement_study.methods.kinds import AtOnce, Inputs, Learner, Method, Settings


@dataclasses.dataclass(frozen=True)
class Options:
    """num_points: inputs that the components are estimated from."""

    num_points: Annotated[int, Interval(ge=2, le=1_000_000)] = 10_000


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B,D], D = `nets.num_latents`: the components of largest variance, not scaled.

    scikit-learn's PCA by its randomised solver (Halko et al. 2011, arXiv 0909.4061), with a seed. ValueError for more
    components than inputs have numbers, or than there are points.
    """
    size, components = int(np.prod(inputs.shape)), settings.nets.num_latents
    check_components("pca", components, size, settings.options.num_points)

    def fit(batch, seed, hyper):
        from sklearn.decomposition import PCA as Estimator

        state = int(rng.generator(seed, "pca").integers(2**31))
        found = Estimator(components, svd_solver="randomized", random_state=state).fit(batch["x"].reshape(-1, size))
        params = {"mean": found.mean_.astype(np.float32), "components": found.components_.astype(np.float32)}
        return params, {"explained_variance_ratio": float(found.explained_variance_ratio_.sum())}

    def encode(params, batch):
        x = batch["x"].reshape(len(batch["x"]), -1)
        return {"mean": jnp.matmul(x - params["mean"], params["components"].T, precision="highest")}

    def decode(params, codes):
        return as_inputs(jnp.matmul(codes, params["components"], precision="highest") + params["mean"], inputs.shape)

    return Learner(AtOnce(fit, settings.options.num_points), encode, decode)


def as_inputs(x: Float[Array, "b n"], shape: tuple[int, ...]) -> Array:
    """What is decoded, in the shape of the inputs: images are in [0, 1]."""
    return jnp.clip(x, 0, 1).reshape(-1, *shape) if len(shape) == 3 else x


def check_components(name: str, components: int, size: int, num_points: int) -> None:
    """ValueError for more components than an input has numbers, or than there are points."""
    if components > (most := min(size, num_points)):
        points = f"{name}.num_points = {num_points}"
        raise ValueError(f"nets.num_latents = {components}: expected at most {most} (an input: {size}, {points})")


USES = ("nets.image_size", "nets.num_latents", "train.sampling", "train.sampling_options")
PCA = Method(
    build,
    options=Options,
    uses=USES,
    about="Principal components of the inputs.",
    source="Halko et al. 2011, arXiv:0909.4061",
)
