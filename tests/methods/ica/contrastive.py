"""What the tests of contrastive methods share: settings, and one model that is trained without a study."""

import dataclasses
from typing import Any

import numpy as np

from disentanglement_study import config
from disentanglement_study.config import NetConfig, TrainConfig
from disentanglement_study.methods.kinds import Settings
from disentanglement_study.metrics.mcc import mcc
from disentanglement_study.study import loading
from disentanglement_study.training.encode import encode
from disentanglement_study.training.learn import learn
from disentanglement_study.types import DataSet, Job, Run

STUDY = config.load_text(
    """
sweep.data_sets = ['segment_sources']
sweep.methods = {'fast_ica': {}}
sweep.seeds = 1
nets.num_latents = 3
evaluate.training_batches = 1
"""
)


def settings_of(codes: int, options: Any) -> Settings:
    return Settings(NetConfig(num_latents=codes), TrainConfig(), options)


def codes_of(method: str, data: DataSet, train: TrainConfig, options: dict[str, Any]) -> np.ndarray:
    """Codes [N,D] of all points, by one model of seed 0."""
    study = dataclasses.replace(STUDY, train=train, options={method: options})
    job = Job("job", (Run("run", data.name, method, {}, 0, "paper"),))
    learner, batches = loading.learner(job, study, data), loading.batches(job, study, data)
    params = learn(job, learner, batches, study).params
    return encode(learner, params, 1, batches, np.arange(data.num_images), 4096)["mean"][0]


def mcc_of(codes: np.ndarray, target: np.ndarray) -> float:
    """The mean correlation, of every other point, of codes assigned on the others."""
    return mcc(codes[::2], target[::2], codes[1::2], target[1::2])["mcc"]
