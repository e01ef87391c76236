"""What must hold of numbers of codes, inputs and segments, for non-linear ICA to be possible."""

from disentanglement_study.methods.kinds import Inputs


def size_of(inputs: Inputs) -> int:
    """How many numbers an input has; ValueError for images."""
    if len(inputs.shape) != 1:
        raise ValueError(f"it takes vectors, got images of {list(inputs.shape)}")
    return inputs.shape[0]


def check_codes(inputs: Inputs, codes: int) -> int:
    """How many numbers an input has; ValueError for images, and for more codes than that."""
    size = size_of(inputs)
    if codes > size:
        raise ValueError(f"nets.num_latents = {codes}: expected at most {size}, the numbers of an input")
    return size


def check_square(inputs: Inputs, codes: int) -> None:
    """ValueError for images, and for other than as many codes as an input has numbers."""
    if (size := size_of(inputs)) != codes:
        raise ValueError(
            f"its net is square: expected nets.num_latents = {size}, the number of observed variables, got {codes}"
        )


def check_values(inputs: Inputs, codes: int) -> int:
    """How many numbers u has; ValueError for fewer than 2d + 1 segments, if u stands for segments.

    As many differ in mean and variance of d Gaussian sources if 2d contrasts between them are linearly independent.
    """
    segments = inputs.auxiliary.get("segment")
    if segments is not None and segments < 2 * codes + 1:
        raise ValueError(f"{segments} segments: expected at least 2 nets.num_latents + 1 = {2 * codes + 1}")
    return inputs.auxiliary["u"]
