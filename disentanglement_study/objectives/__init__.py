"""The training objectives. To add one: write its file, add its line here."""

from disentanglement_study.objectives.annealed_vae import annealed_vae
from disentanglement_study.objectives.beta_tc_vae import beta_tc_vae
from disentanglement_study.objectives.beta_vae import beta_vae
from disentanglement_study.objectives.dip_vae_i import dip_vae_i
from disentanglement_study.objectives.dip_vae_ii import dip_vae_ii
from disentanglement_study.objectives.factor_vae import factor_vae
from disentanglement_study.types import Objective

OBJECTIVES: dict[str, Objective] = {
    "annealed_vae": Objective(annealed_vae, hyper=("c_max", "gamma", "iteration_threshold")),
    "beta_tc_vae": Objective(beta_tc_vae, hyper=("beta",)),
    "beta_vae": Objective(beta_vae, hyper=("beta",)),
    "dip_vae_i": Objective(dip_vae_i, hyper=("lambda_od", "lambda_d_factor")),
    "dip_vae_ii": Objective(dip_vae_ii, hyper=("lambda_od", "lambda_d_factor")),
    "factor_vae": Objective(factor_vae, hyper=("gamma",), trains=("encoder", "decoder", "discriminator")),
}
