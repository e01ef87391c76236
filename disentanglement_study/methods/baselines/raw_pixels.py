"""The inputs themselves as codes."""

from disentanglement_study.methods.kinds import Given, Inputs, Learner, Method, Settings


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B, H W C]: a code for each pixel and channel, in [0, 1]; or [B,D], the numbers of a vector."""
    return Learner(
        Given(lambda seed: {}),
        encode=lambda params, batch: {"mean": batch["x"].reshape(len(batch["x"]), -1)},
        decode=lambda params, codes: codes.reshape(-1, *inputs.shape),
    )


RAW_PIXELS = Method(
    build, uses=("nets.image_size",), about="The inputs themselves as codes.", source="none: a baseline"
)
