"""The precision of a learner: what the settings say while it learns, float32 afterwards."""

from disentanglement_study.methods.kinds import Learner, Steps
from disentanglement_study.runtime import precision


def at_precision(learner: Learner, training: str) -> Learner:
    """The learner with its updates at the precision `training`; its codes, images and last losses are of float32.

    On a GPU or TPU float32 needs to be asked for: JAX rounds to fewer bits there.
    """
    learn = learner.learn
    if isinstance(learn, Steps):
        learn = learn._replace(
            init=precision.at(precision.FLOAT32, learn.init),
            step=precision.at(training, learn.step),
            terms=precision.at(precision.FLOAT32, learn.terms),
        )
    return learner._replace(
        learn=learn,
        encode=precision.at(precision.FLOAT32, learner.encode),
        decode=learner.decode and precision.at(precision.FLOAT32, learner.decode),
    )
