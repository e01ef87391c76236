"""The console command `doctor`: what a run would meet, before it is started."""

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentanglement_study.cli import as_json, options
from disentanglement_study.errors import Failed
from disentanglement_study.runtime.terminal import OUT
from disentanglement_study.runtime.words import counted

if TYPE_CHECKING:
    import pandas as pd

    from disentanglement_study.study.doctor.examine import Found
    from disentanglement_study.study.doctor.fits import Fit
    from disentanglement_study.study.doctor.judge import Problem

NODE = ["node", "cores", "memory", "Ray counts", "JAX finds", "folder", "locks", "data", "clock"]
JOBS = ["nodes", "how many", "a job reserves", "runs a job", "trained together", "jobs at once"]
DETAILS = """\
The command writes a small file under DIR, has every node read and answer it, and removes it. A busy GPU or TPU is not
looked at. With --sweep the data sets are checked on every node, as `run` checks them before its first job; nothing is
rendered or downloaded. Give the --gin bindings of the run too.

--json prints {folder, nodes, here, fits, came_back, problems, ...}: all that was found, a problem with what it is, what
to do about it, and whether it stops a run.

exit codes: 0: a run can start. 2: bad input. 3: something would stop a run; it is listed with what to do about it.

examples:
  disentanglement-study doctor
      Check this machine and the current folder.
  disentanglement-study doctor /shared/studies/mine --address auto --data-dir /shared/data --sweep locatello2019
      Check every node of a cluster for a sweep: devices, folders, data sets.
"""


def doctor(arguments: argparse.Namespace) -> None:
    """Check nodes, devices, versions and folders before a run."""
    from disentanglement_study.cli import display

    with display.working("importing what looks at a machine"):
        from disentanglement_study.config import ResourceConfig
        from disentanglement_study.store import Store, making
        from disentanglement_study.study.doctor import judge
        from disentanglement_study.study.doctor.examine import examine

    making.check_no_export(Store(arguments.dir))
    resources, text = ResourceConfig(), ""
    data_sets: tuple[str, ...] = ()
    if arguments.sweep:
        from disentanglement_study.study import components

        study = components.load(arguments.sweep, arguments.gin)
        resources, data_sets, text = study.resources, tuple(study.sweep.data_sets), study.text
    elif arguments.gin:
        raise ValueError("--gin changes a setting of a sweep: name that sweep with --sweep")
    with display.working("looking at this machine") as says:
        where = arguments.dir, resources, arguments.address, arguments.data_dir
        found = examine(*where, data_sets, says=says, sweep=text)
    problems = judge.problems(found)
    if arguments.json:
        shown = {**found._asdict(), "nodes": [node._asdict() for node in found.nodes]}
        shown["fits"] = [{**fit._asdict(), "slots": fit.slots} for fit in found.fits]
        shown |= {"came_back": sorted(found.came_back), "problems": [problem._asdict() for problem in problems]}
        as_json.write(shown)
    else:
        _show(found, problems)
    if stops := sum(problem.stops for problem in problems):
        raise Failed(f"{stops} of these would stop a run" if stops > 1 else "this would stop a run")


def _show(found: "Found", problems: "list[Problem]") -> None:
    from disentanglement_study.cli import display

    display.show(_table(found))
    if found.gone:
        OUT.print(f"{counted(found.gone, 'node')} {'is' if found.gone == 1 else 'are'} gone")
    OUT.print()
    answers = [node.answer for node in found.nodes if node.answer]
    OUT.print(f"{'folder':22}{found.folder}", soft_wrap=True)
    OUT.print(f"{'data folder':22}{_counted([answer['data']['folder'] for answer in answers])}", soft_wrap=True)
    for name, here in found.here.items():
        texts = [here, *(answer["versions"].get(name, "none") for answer in answers)]  # the first: this process
        OUT.print(f"{name:22}{_counted(texts)}", soft_wrap=True)
    if found.fits:
        OUT.print()
        display.show(_jobs(found.fits))
    OUT.print()
    if not problems:
        OUT.print("nothing is wrong")
    for problem in problems:
        OUT.print(f"{'stops a run' if problem.stops else 'note'}: {problem.what}", soft_wrap=True)
        OUT.print(f"  -> {problem.advice}", soft_wrap=True)


def _counted(texts: list[str]) -> str:
    """The text if all are the same; else each with how often it is there."""
    counts = Counter(texts)
    if len(counts) == 1:
        return texts[0]
    return "; ".join(f"{text} ({number} of {len(texts)})" for text, number in counts.items()) + "   <- differs"


def _table(found: "Found") -> "pd.DataFrame":
    """A row for each node; what was not found out is "-"."""
    import pandas as pd

    rows = []
    for node in found.nodes:
        name = node.name if node.address in ("", node.name) else f"{node.name} {node.address}"
        devices = _amounts({key: value for key, value in node.resources.items() if _is_device(key)}) or "-"
        answer = node.answer
        if answer is None:
            rows.append((name, "-", "-", devices, node.error, "-", "-", "-", "-"))
            continue
        study, data = answer["study"], answer["data"]
        same = "shared" if len(found.nodes) > 1 else "written"
        folder = same if study["folder"] == "same" and node.node_id in found.came_back else "no"
        row = (
            name,
            str(answer["cpus"]),
            _gigabytes(answer["memory"]),
            devices,
            f"{node.busy} busy, not looked at" if node.busy else _devices(answer["jax"]),
            folder if study["free"] is None else f"{folder}, {_gigabytes(study['free'])} free",
            study["locks"],
            f"{'there' if data['is_there'] else 'not yet'}, {_gigabytes(data['free'])} free",
            f"{round(node.ahead, 1) + 0.0:+.1f} s",
        )
        rows.append(row)
    return pd.DataFrame(rows, columns=NODE)


def _jobs(fits: "Iterable[Fit]") -> "pd.DataFrame":
    """A row for each kind of node: what its jobs are like."""
    import pandas as pd

    rows = [
        (
            fit.kind,
            str(len(fit.rooms)),
            _amounts(fit.wanted) or "nothing",
            f"up to {fit.job_size}",
            "as is fastest" if fit.population is None else str(fit.population),
            str(fit.slots),
        )
        for fit in fits
    ]
    return pd.DataFrame(rows, columns=JOBS)


def _is_device(name: str) -> bool:
    return name in ("CPU", "GPU", "TPU") or name.startswith("accelerator_type:")


def _amounts(amounts: Mapping[str, float]) -> str:
    """{"GPU": 1, "accelerator_type:H100": 1} as "1 GPU, H100"."""
    return ", ".join(
        name.partition(":")[2] if ":" in name else f"{amount:g} {name}" for name, amount in sorted(amounts.items())
    )


def _devices(jax: Mapping[str, Any]) -> str:
    if "error" in jax:
        return jax["error"]
    kinds = Counter((one["platform"], one["kind"], one["bytes"]) for one in jax["devices"])
    return ", ".join(
        f"{number} {platform}" + (f" {kind}" if kind != platform else "") + (f" {_gigabytes(size)}" if size else "")
        for (platform, kind, size), number in kinds.items()
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.0f} GB" if size >= 1e10 else f"{size / 1e9:,.1f} GB"


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, doctor, DETAILS)
    command.add_argument(
        "dir", metavar="DIR", type=options.path, nargs="?", default=Path(), help="the study's folder (default: .)"
    )
    command.add_argument("--address", help="a Ray cluster, such as auto (default: this machine)")
    options.data_dir(command)
    command.add_argument("--sweep", metavar="SWEEP", help="a sweep whose resources and data sets are checked")
    command.add_argument(
        "--gin",
        metavar="BINDING",
        action="append",
        default=[],
        help="a setting of the run",
    )
    options.json_option(command)
