"""Whether scores that were computed with different settings can stand in one study."""

import json
from collections.abc import Iterable
from typing import Any

from disentanglement_study.config.sections import EvaluateConfig
from disentanglement_study.errors import clipped


def difference(there: dict[str, Any], here: dict[str, Any], metrics: Iterable[str] | None = None) -> str:
    """The first setting of scoring in which two differ, as in "evaluate.num_train is 200 there, 7 here"; "" if none.

    there, here: as `identity.scored_with` gives them. metrics: those whose options count (None: all), as the options of
    a metric change the scores of no other.
    """
    for name in sorted((there.keys() | here.keys()) - {"options"}):
        if there.get(name) != here.get(name):
            return _line(f"evaluate.{name}", there, here, name)
    options = there.get("options") or {}, here.get("options") or {}
    for metric in sorted(options[0].keys() | options[1].keys() if metrics is None else metrics):
        one, other = (given.get(metric) or {} for given in options)
        for name in sorted(one.keys() | other.keys()):
            if name not in one or name not in other or one[name] != other[name]:
                return _line(f"{metric}.{name}", one, other, name)
    return ""


def _line(setting: str, there: dict[str, Any], here: dict[str, Any], name: str) -> str:
    values = [_shown(values, name) for values in (there, here)]
    return f"{setting} is {values[0]} there, {values[1]} here"


def _shown(values: dict[str, Any], name: str) -> str:
    if name in values:
        return clipped(values[name])
    default = getattr(EvaluateConfig, name, None)
    return "not given" if default is None else clipped(json.loads(json.dumps(default)))
