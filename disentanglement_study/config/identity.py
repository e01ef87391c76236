"""What a run and its scores depend on: the settings that are hashed into a run's id, and those of scoring.

A field of the first version always enters. A field that was added later enters where it differs from its default, so
that older studies keep their ids and can be extended. Its default may therefore never change.
"""

import dataclasses
import json
from collections.abc import Collection
from typing import Any

from disentanglement_study.config import Study

# The fields of the first version. Leave this as it is: a new field is in no list.
FIRST = {
    "nets": {
        "image_size", "num_latents", "encoder", "decoder", "encoder_options", "decoder_options",
        "discriminator_options",
    },
    "train": {
        "steps", "batch_size", "learning_rate", "beta1", "beta2", "epsilon", "discriminator_learning_rate",
        "discriminator_beta1", "discriminator_beta2", "sampling", "sampling_options",
    },
    "evaluate": {
        "metrics", "representations", "num_train", "num_test", "training_batches", "table_rows", "keep_codes", "seed",
        "sampling", "sampling_options", "options",
    },
}  # fmt: skip


def static_bindings(study: Study) -> dict[str, Any]:
    """What every run of a sweep shares and what its scores depend on, {"train.steps": 1000}: nets and training."""
    sections = {"nets": study.nets, "train": study.train}
    return {
        f"{name}.{field}": value
        for name, section in sections.items()
        for field, value in differing(section, FIRST[name]).items()
    }


def differing_setting(one: Study, other: Study) -> tuple[str, Any, Any] | None:
    """The first of `differing_settings`; None if there is none."""
    return next(iter(differing_settings(one, other)), None)


def differing_settings(one: Study, other: Study) -> list[tuple[str, Any, Any]]:
    """The settings of nets and training in which two sweeps differ, with the value of each."""
    names = sorted(static_bindings(one).keys() | static_bindings(other).keys())
    values = ((name, one.value(name), other.value(name)) for name in names)
    return [found for found in values if found[1] != found[2]]


def scored_with(study: Study) -> dict[str, Any]:
    """The settings of scoring that all jobs of a study share, as JSON has them.

    Not the names of the metrics: a finished study may be asked for more of them.
    """
    fields = differing(study.evaluate, FIRST["evaluate"])
    settings = {name: value for name, value in fields.items() if name != "metrics"}
    return json.loads(json.dumps(settings))


def differing(section: Any, always: Collection[str] = ()) -> dict[str, Any]:
    """The fields of a dataclass of settings or options that are not its defaults, and those that `always` enter."""
    values = dataclasses.asdict(section)
    return {
        field.name: values[field.name]
        for field in dataclasses.fields(section)
        if field.name in always or values[field.name] != default(field)
    }


def default(field: dataclasses.Field) -> Any:
    """The default of a field; `dataclasses.MISSING` if it has none."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
