"""Distributions of mean 0 and variance 1, by name."""

from typing import Annotated

import numpy as np

from disentanglement_study.config.declared import OneOf

INNOVATIONS = {
    "laplace": lambda draws, shape: draws.laplace(0, 1 / np.sqrt(2), shape),
    "uniform": lambda draws, shape: draws.uniform(-np.sqrt(3), np.sqrt(3), shape),
    "gaussian": lambda draws, shape: draws.standard_normal(shape),
}
Distribution = Annotated[str, OneOf(lambda: INNOVATIONS)]
