"""Learners of the tests: methods built for a data set of the test's own."""

from disentanglement_study import methods
from disentanglement_study.config import NetConfig, TrainConfig
from disentanglement_study.methods.kinds import Learner, Settings
from disentanglement_study.methods.vae import vae
from disentanglement_study.nets import layers
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.training.inputs import Batches
from disentanglement_study.training.programs import Trainer
from disentanglement_study.types import DataSet


def learner_of(
    objective: str, data: DataSet, net: NetConfig, train: TrainConfig | None = None, protocol: str = "paper"
) -> Learner:
    """A VAE with this objective; convolutions as on this process's device."""
    settings = Settings(net, train or TrainConfig(), protocol=protocol, form=layers.best_form())
    inputs = methods.inputs_of(data.input_shape, data.factor_sizes, net.image_size)
    return vae(OBJECTIVES[objective]).build(inputs, settings)


def trainer_of(objective: str, data: DataSet, net: NetConfig, train: TrainConfig) -> Trainer:
    """The programs that train it."""
    return Trainer(learner_of(objective, data, net, train).learn, Batches(data, net.image_size), train)
