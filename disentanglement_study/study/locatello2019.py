"""The numbering of the 12,600 models of Locatello et al. 2019, so that results can be set beside published ones."""

from disentanglement_study.config import NetConfig, Study, TrainConfig
from disentanglement_study.types import Run

DATA_SETS = (
    "dsprites",
    "color_dsprites",
    "noisy_dsprites",
    "scream_dsprites",
    "smallnorb",
    "cars3d",
    "shapes3d",
)
# In the order of disentanglement_lib's unsupervised_study_v1; the first hyperparameter is swept, the others are fixed.
GRID: dict[str, tuple[str, tuple[float, ...], dict[str, float]]] = {
    "beta_vae": ("beta", (1, 2, 4, 6, 8, 16), {}),
    "factor_vae": ("gamma", (10, 20, 30, 40, 50, 100), {}),
    "dip_vae_i": ("lambda_od", (1, 2, 5, 10, 20, 50), {"lambda_d_factor": 10}),
    "dip_vae_ii": ("lambda_od", (1, 2, 5, 10, 20, 50), {"lambda_d_factor": 1}),
    "beta_tc_vae": ("beta", (1, 2, 4, 6, 8, 10), {}),
    "annealed_vae": ("c_max", (5, 10, 25, 50, 75, 100), {"gamma": 1000, "iteration_threshold": 100_000}),
}
NUM_SEEDS = 50


def dlib_model_num(run: Run, study: Study) -> int | None:
    """The model's number in disentanglement_lib (0..12,599), or None if the run is not one of them.

    1800 data set + 300 method + 50 strength + seed. Only runs with the study's nets, training and protocol count.
    """
    if study.nets != NetConfig() or study.train != TrainConfig() or run.protocol != "dlib":
        return None
    if run.data_set not in DATA_SETS or run.method not in GRID or run.seed >= NUM_SEEDS:
        return None
    swept, strengths, fixed = GRID[run.method]
    rest = {name: value for name, value in run.hyper.items() if name != swept}
    if rest != fixed or run.hyper[swept] not in strengths:
        return None
    configuration = list(GRID).index(run.method) * 6 + strengths.index(run.hyper[swept])
    return (DATA_SETS.index(run.data_set) * 36 + configuration) * NUM_SEEDS + run.seed
