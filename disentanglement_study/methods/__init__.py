"""The methods: what gives codes. To add one: write its file, add its line here.

Every objective of `OBJECTIVES` is a method too: a VAE that is trained on it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from disentanglement_study.config import Study
from disentanglement_study.config.declared import check_options
from disentanglement_study.methods import checks
from disentanglement_study.methods.baselines.fast_ica import FAST_ICA
from disentanglement_study.methods.baselines.ground_truth import GROUND_TRUTH
from disentanglement_study.methods.baselines.pca import PCA
from disentanglement_study.methods.baselines.random_encoder import RANDOM_ENCODER
from disentanglement_study.methods.baselines.raw_pixels import RAW_PIXELS
from disentanglement_study.methods.baselines.untrained_vae import UNTRAINED_VAE
from disentanglement_study.methods.dc_ign import DC_IGN
from disentanglement_study.methods.ica.gcl import GCL
from disentanglement_study.methods.ica.hidden_markov import HIDDEN_MARKOV
from disentanglement_study.methods.ica.ice_beem import ICE_BEEM
from disentanglement_study.methods.ica.ivae import IVAE, UNCONDITIONAL_VAE
from disentanglement_study.methods.ica.maximum_likelihood import CONDITIONAL_LIKELIHOOD, UNCONDITIONAL_LIKELIHOOD
from disentanglement_study.methods.ica.pcl import PCL
from disentanglement_study.methods.ica.slow_vae import SLOW_VAE
from disentanglement_study.methods.ica.snica import SNICA
from disentanglement_study.methods.ica.tcl import TCL
from disentanglement_study.methods.info_gan import INFO_GAN
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.methods.precision import at_precision
from disentanglement_study.methods.vae import vae
from disentanglement_study.objectives import OBJECTIVES

METHODS: dict[str, Method] = {
    **{name: vae(objective) for name, objective in OBJECTIVES.items()},
    "conditional_likelihood": CONDITIONAL_LIKELIHOOD,
    "dc_ign": DC_IGN,
    "fast_ica": FAST_ICA,
    "gcl": GCL,
    "ground_truth": GROUND_TRUTH,
    "hidden_markov": HIDDEN_MARKOV,
    "ice_beem": ICE_BEEM,
    "info_gan": INFO_GAN,
    "ivae": IVAE,
    "pca": PCA,
    "pcl": PCL,
    "random_encoder": RANDOM_ENCODER,
    "raw_pixels": RAW_PIXELS,
    "slow_vae": SLOW_VAE,
    "snica": SNICA,
    "tcl": TCL,
    "unconditional_likelihood": UNCONDITIONAL_LIKELIHOOD,
    "unconditional_vae": UNCONDITIONAL_VAE,
    "untrained_vae": UNTRAINED_VAE,
}


# What JAX has traced of a learner it knows by the learner's functions: planning would trace 12 programs 42 times.
_BUILT: dict[tuple, Learner] = {}
_CODES: dict[int, set[str]] = {}  # of what was checked, by the learner's id


def build(name: str, inputs: Inputs, study: Study, form: str = "patches") -> Learner:
    """The learner of a method for the inputs of a data set (`inputs_of`), as a study's settings have it.

    form: how convolutions are computed, `nets.layers.best_form` of this process's device. Raises ValueError for what
    the method cannot do.
    """
    method = METHODS[name]
    chosen = None if method.options is None else method.options(**_checked_options(name, method.options, study))
    inputs = checks.needed(method, inputs)
    settings = Settings(study.nets, study.train, chosen, study.sweep.protocol, form)
    key = method.build, repr(inputs), repr(settings)
    if key not in _BUILT:
        _BUILT[key] = at_precision(method.build(inputs, settings), study.train.precision)
    return _BUILT[key]


def _checked_options(name: str, options: type, study: Study) -> dict[str, Any]:
    declared = {field.name: field.type for field in dataclasses.fields(options)}
    return check_options(f"method {name!r}", study.options.get(name, {}), declared)


def check(name: str, inputs: Inputs, study: Study) -> bool:
    """Raises, in one line, what a job of this method would find wrong; no image is read and no device is started.

    Returns whether its codes have a posterior.
    """
    method = METHODS[name]
    with checks.named(name):
        learner = build(name, inputs, study)
        if id(learner) not in _CODES:
            _CODES[id(learner)] = checks.check(method, learner, inputs, study.train)
    return "logvar" in _CODES[id(learner)]


def inputs_of(
    input_shape: tuple[int, ...], factor_sizes: Sequence[int], size: int, auxiliary: Mapping[str, int] | None = None
) -> Inputs:
    """The inputs of a data set, with images averaged down to `size` pixels a side; vectors stay as they are."""
    shape = (size, size, input_shape[2]) if len(input_shape) == 3 else tuple(input_shape)
    return Inputs(shape, tuple(factor_sizes), dict(auxiliary or {}))
