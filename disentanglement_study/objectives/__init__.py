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
        annealed_vae,
        hyper={"c_max": NotNegative, "gamma": NotNegative, "iteration_threshold": Positive},
        usual={"c_max": 25, "gamma": 1000, "iteration_threshold": 100_000},
        about="The VAE of Burgess et al. 2018: γ holds the KL divergence at a capacity that grows.",
        source="Burgess et al. 2018, arXiv:1804.03599",
    ),
    "beta_tc_vae": Objective(
        beta_tc_vae,
        hyper={"beta": NotNegative},
        usual={"beta": 4},
        about="The VAE of Chen et al. 2018: β weighs the total correlation.",
        source="Chen et al. 2018, arXiv:1802.04942",
    ),
    "beta_vae": Objective(
        beta_vae,
        hyper={"beta": NotNegative},
        usual={"beta": 4},
        instead={"normalised_beta": "beta"},
        about="The VAE of Higgins et al. 2017: β weighs the KL divergence.",
        source="Higgins et al. 2017",
    ),
    "dip_vae_i": Objective(
        dip_vae_i,
        hyper={"lambda_od": NotNegative, "lambda_d_factor": NotNegative},
        usual={"lambda_od": 10, "lambda_d_factor": 10},
        about="The VAE of Kumar et al. 2018: λ pulls the covariance of mean codes to the identity.",
        source="Kumar et al. 2018, arXiv:1711.00848",
    ),
    "dip_vae_ii": Objective(
        dip_vae_ii,
        hyper={"lambda_od": NotNegative, "lambda_d_factor": NotNegative},
        usual={"lambda_od": 10, "lambda_d_factor": 1},
        about="The VAE of Kumar et al. 2018: λ pulls the covariance of sampled codes to the identity.",
        source="Kumar et al. 2018, arXiv:1711.00848",
    ),
    "factor_vae": Objective(
        factor_vae,
        hyper={"gamma": NotNegative},
        trains=("encoder", "decoder", "discriminator"),
        adversary="discriminator",
        usual={"gamma": 10},
        about="The VAE of Kim and Mnih 2018: γ weighs a discriminator's total correlation.",
        source="Kim and Mnih 2018, arXiv:1802.05983",
    ),
}
