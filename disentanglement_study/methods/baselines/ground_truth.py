"""The truth itself as codes: what the metrics give to a perfect representation."""

from disentanglement_study.methods.kinds import Given, Inputs, Learner, Method, Settings


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B,F]: the sources, or of a grid the values of the factors, 0 to size - 1, each divided by size - 1."""
    return Learner(Given(lambda seed: {}), encode=lambda params, batch: {"mean": batch["sources"]})


GROUND_TRUTH = Method(
    build,
    needs=frozenset({"sources"}),
    uses=(),
    about="The truth itself as codes: what metrics give to a perfect representation.",
    source="none: a reference",
)
