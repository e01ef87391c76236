"""The training objectives. To add one: write its file, add its line here."""

from typing import Annotated

from annotated_types import Ge, Gt

from disentanglement_study.objectives.annealed_vae import annealed_vae
from disentanglement_study.objectives.beta_tc_vae import beta_tc_vae
from disentanglement_study.objectives.beta_vae import beta_vae
from disentanglement_study.objectives.dip_vae_i import dip_vae_i
from disentanglement_study.objectives.dip_vae_ii import dip_vae_ii
from disentanglement_study.objectives.factor_vae import factor_vae
from disentanglement_study.types import Objective

# A penalty of a negative strength is a reward, without a lower bound.
NotNegative = Annotated[float, Ge(0)]
Positive = Annotated[float, Gt(0)]

OBJECTIVES: dict[str, Objective] = {
    "annealed_vae": Objective(
        annealed_vae, hyper={"c_max": NotNegative, "gamma": NotNegative, "iteration_threshold": Positive}
    ),
    "beta_tc_vae": Objective(beta_tc_vae, hyper={"beta": NotNegative}),
    "beta_vae": Objective(beta_vae, hyper={"beta": NotNegative}),
    "dip_vae_i": Objective(dip_vae_i, hyper={"lambda_od": NotNegative, "lambda_d_factor": NotNegative}),
    "dip_vae_ii": Objective(dip_vae_ii, hyper={"lambda_od": NotNegative, "lambda_d_factor": NotNegative}),
    "factor_vae": Objective(
        factor_vae,
        hyper={"gamma": NotNegative},
        trains=("encoder", "decoder", "discriminator"),
        adversary="discriminator",
    ),
}
