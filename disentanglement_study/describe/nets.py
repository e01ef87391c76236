"""Nets: what `nets.encoder` and `nets.decoder` may be, and the discriminator."""

from disentanglement_study.describe import registry
from disentanglement_study.describe.entry import Entry, cited, docstring, file_of, first_sentence, options, written

NETS = "disentanglement_study.nets"
REGISTRIES = {"encoder": "ENCODERS", "decoder": "DECODERS"}
OTHERS = {"discriminator": "Discriminator"}


def names() -> list[str]:
    return [*_classes()]


def line(name: str) -> str:
    return first_sentence(_documented(name)[1])


def entry(name: str) -> Entry:
    from disentanglement_study.study.components import kind_of

    kind = kind_of(name)
    assert kind is not None
    text, role = docstring(kind.names()[name]), name.rpartition("_")[2]
    chosen = f"nets.{role} = '{name.removesuffix(f'_{role}')}'"
    parameters = kind.parameters(name)
    first = [f"{name}.{option} = {written(one.default)}" for option, one in parameters.items()][:1]
    return Entry(
        kind="nets",
        name=name,
        title=name.replace("_", " ").capitalize(),
        about=line(name),
        source="disentanglement_lib" if "disentanglement_lib" in line(name) else cited(text),
        facts={"role": f"{role}, which methods with an adversary train" if role == name else role},
        options=options(parameters),
        docstring=text,
        code=file_of(_documented(name)[0]),
        in_sweep=(*([] if role == name else [chosen]), *first),
    )


def _classes() -> dict[str, str]:
    """{"conv_encoder": the name of its class}."""
    found = {}
    for role, of in REGISTRIES.items():
        for name, (_, value) in registry.items(NETS, of).items():
            found[f"{name}_{role}"] = registry.called(value)[0]
    return found | OTHERS


def _documented(name: str) -> tuple[str, str]:
    return registry.documented(NETS, _classes()[name])
