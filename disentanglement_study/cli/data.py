"""The console command `disentanglement-study data`: what there is, what it is, how it comes here, how it looks."""

import argparse
import dataclasses
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentanglement_study.cli import as_json, options
from disentanglement_study.config.declared import words
from disentanglement_study.runtime.terminal import ERR, OUT
from disentanglement_study.runtime.words import counted

if TYPE_CHECKING:
    from disentanglement_study.data.catalogue import Facts

NO_TRUTH = "no truth is known: models are scored by metrics of codes alone, such as unsupervised"
LIST = """\
--json prints a list of {name, factors, sources, points, input_shape, here, source}: factors has the number of values of
each factor; a set of real-valued sources has the names of its sources and the number of its points instead.

examples:
  disentanglement-study data list
      List the names that a sweep can use.
  disentanglement-study data list --data-dir /shared/data
      Look for prepared data sets in another folder.
"""
INFO = """\
--json prints {name, factors, sources, points, input_shape, here, source, options}: as `data list` does, and the default
of each option.

examples:
  disentanglement-study data info smallnorb
      Show the factors of a set of images.
  disentanglement-study data info segment_sources
      Show the options of a computed set, and their defaults.
"""
PREPARE = """\
A set that is rendered is rendered now. A published set is read from the folder of --from, or downloaded, and converted.
A set that is ready already is left as it is.

examples:
  disentanglement-study data prepare dsprites
      Render dSprites before a study needs it.
  disentanglement-study data prepare cars3d shapes3d --from DOWNLOADS
      Convert published files that you have downloaded to DOWNLOADS.
"""
ADD = """\
FILE holds images [N, H, H, C] (uint8) and factors [N, F] (whole numbers), or a time series x [T, D] and, if they are
known, its sources [T, S], u [T, U] and segment [T]. The names factor_names, factor_sizes and source_names may be there.

examples:
  disentanglement-study data add mine.npz
      Add a data set called mine.
  disentanglement-study data add export.npz --name cells
      Add it under another name.
"""
SHOW = """\
examples:
  disentanglement-study data show dsprites
      Write dsprites.png.
  disentanglement-study data show shapes3d_rendered --seed 3 --output rooms.png
      Start from another image, and write another file.
"""
EXAMPLES = """\
Data sets are kept in --data-dir, else $DISENTANGLEMENT_STUDY_DATA, else ~/.cache/disentanglement_study.

examples:
  disentanglement-study data list
      List all data sets, and which are here.
  disentanglement-study data show dsprites
      Draw samples of one: a row for each factor.
  disentanglement-study data prepare shapes3d --from DOWNLOADS
      Convert a published data set, so that studies find it.
"""


def list_(arguments: argparse.Namespace) -> None:
    """List all data sets: their factors or sources, and which are here."""
    from disentanglement_study import data
    from disentanglement_study.cli import display
    from disentanglement_study.describe.data import truth

    found = {name: data.facts(name, arguments.data_dir) for name in data.names(arguments.data_dir)}
    if arguments.json:
        return as_json.write([_described(name, facts, arguments.data_dir) for name, facts in found.items()])
    display.show(
        {
            "data set": [*found],
            "factors": [truth(facts) for facts in found.values()],
            "input": ["x".join(map(str, facts.input_shape)) for facts in found.values()],
            "here": [_whereabouts(name, arguments.data_dir) for name in found],
            "source": [facts.source for facts in found.values()],
        }
    )


def info(arguments: argparse.Namespace) -> None:
    """Show one data set: its factors or sources, size and origin."""
    from disentanglement_study import data
    from disentanglement_study.cli import display
    from disentanglement_study.data import cache
    from disentanglement_study.describe.data import AUXILIARY, truth

    name, root = arguments.name, arguments.data_dir
    facts = data.facts(name, root)
    if arguments.json:
        of = data.options_of(name)
        default = {field.name: field.default for field in dataclasses.fields(of)} if of else {}
        return as_json.write({**_described(name, facts, root), "options": default})
    OUT.print(f"{name}: {facts.source}", soft_wrap=True)
    if facts.num_points is None:
        display.show({"factor": facts.factor_names, "values": facts.factor_sizes})
        OUT.print(f"grid: {math.prod(facts.factor_sizes):,} points; images of {list(facts.input_shape)}")
    else:
        also = "".join(f", {counted(size, *AUXILIARY[name])}" for name, size in facts.auxiliary.items())
        OUT.print(f"{truth(facts)}: vectors of {counted(facts.input_shape[0], 'number')}{also}")
    if (of := data.options_of(name)) is not None:
        defaults = [(field.name, words(field.type), str(field.default)) for field in dataclasses.fields(of)]
        display.show(dict(zip(("option", "may be", "default"), zip(*defaults, strict=True), strict=True)))
    if name in data.COMPUTED:
        OUT.print("here: computed whenever it is used")
        return
    OUT.print(f"here: {_whereabouts(name, root)} ({cache.folder(root)})", soft_wrap=True)
    if facts.num_points is not None:
        loaded, sources = data.load(name, root), ", ".join(facts.factor_names)
        OUT.print(f"sources: {sources}" if sources else NO_TRUTH, soft_wrap=True)
        OUT.print(f"{loaded.storage.nbytes:,} bytes in the memory of a device that trains on it", soft_wrap=True)
    elif not _whereabouts(name, root).startswith("no"):
        loaded = data.load(name, root)
        kept = f"{loaded.storage.nbytes:,} bytes on disk, and as many in the memory of a device that trains on it"
        OUT.print(f"{loaded.num_images:,} images; {kept}", soft_wrap=True)
        if loaded.nuisance:
            OUT.print(f"drawn anew for each image: {loaded.nuisance}", soft_wrap=True)


def prepare(arguments: argparse.Namespace) -> None:
    """Render, convert or download data sets, so that studies find them."""
    from disentanglement_study import data
    from disentanglement_study.describe.data import truth

    for name in arguments.names:
        facts = data.facts(name, arguments.data_dir)
        if name in data.DATASETS:
            data.load(name, arguments.data_dir)
        elif name in data.CATALOGUE:
            from disentanglement_study.data.published import originals

            originals.prepare(name, arguments.data_dir, arguments.source)
        number = math.prod(facts.factor_sizes)
        known = f"{number:,} combinations of factors" if facts.num_points is None else truth(facts)
        OUT.print(f"{name} is ready: {known}")


def add(arguments: argparse.Namespace) -> None:
    """Add a data set of your own from an npz file."""
    from disentanglement_study import data
    from disentanglement_study.data import own
    from disentanglement_study.study.components import check_data_set_name

    check_data_set_name(arguments.name or arguments.file.stem)
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always", UserWarning)
        name = own.add_file(arguments.file, arguments.name, arguments.data_dir)
    for warning in noticed:
        ERR.print(f"note: {warning.message}", soft_wrap=True)
    if not data.facts(name, arguments.data_dir).factor_names:
        ERR.print(f"note: {NO_TRUTH}", soft_wrap=True)
    OUT.print(f"added: a sweep can now say sweep.data_sets = ['{name}']")


def show(arguments: argparse.Namespace) -> None:
    """Draw samples of a data set: a row for each factor (PNG)."""
    from disentanglement_study import data
    from disentanglement_study.data.gallery import gallery

    path = arguments.output or Path(f"{arguments.name}.png")
    figure = gallery(data.load(arguments.name, arguments.data_dir), arguments.seed)
    figure.savefig(path, dpi=150)
    OUT.print(f"{path}")


def _described(name: str, facts: "Facts", root: Path | None) -> dict[str, Any]:
    """A data set for scripts, as the help of `data list` says."""
    is_grid = facts.num_points is None
    return {
        "name": name,
        "factors": dict(zip(facts.factor_names, facts.factor_sizes, strict=True)) if is_grid else None,
        "sources": None if is_grid else facts.factor_names,
        "points": facts.num_points,
        "input_shape": facts.input_shape,
        "here": _whereabouts(name, root),
        "source": facts.source,
    }


def _whereabouts(name: str, root: Path | None) -> str:
    from disentanglement_study import data
    from disentanglement_study.data import cache

    if name in data.COMPUTED:
        return "computed"
    if cache.has(name, root):
        return "yes"
    if name in data.PICTURES and data.PICTURES[name](root) is None:
        return "no: needs a picture"
    return "rendered at first use" if name in data.DATASETS else "no"


def add_to(commands: options.Commands) -> None:
    """Add the command `data` and the commands below it."""
    top = commands.add_parser(
        "data",
        help="List, show, prepare and add data sets.",
        description="List, show, prepare and add data sets.",
        epilog=EXAMPLES,
    )
    inner = top.add_subparsers(metavar="COMMAND", required=True)

    def command(function: Callable[[argparse.Namespace], None], details: str) -> argparse.ArgumentParser:
        made = options.add_command(inner, function, details)
        options.data_dir(made)
        return made

    options.json_option(command(list_, LIST))
    made = command(info, INFO)
    options.json_option(made)
    made.add_argument("name", metavar="NAME", help="a data set (see: data list)")
    made = command(prepare, PREPARE)
    made.add_argument("names", metavar="NAME", nargs="+", help="data sets (see: data list)")
    made.add_argument(
        "--from",
        dest="source",
        metavar="DIR",
        type=options.path,
        help="where published files are (default: --data-dir); others are downloaded",
    )
    made = command(add, ADD)
    made.add_argument("file", metavar="FILE", type=Path, help="an npz file, as below")
    made.add_argument("--name", help="the name of the data set (default: that of the file)")
    made = command(show, SHOW)
    made.add_argument("name", metavar="NAME", help="a data set (see: data list)")
    made.add_argument("--output", metavar="FILE", type=Path, help="the file that is written (default: NAME.png)")
    options.seed(made, "of the image that the rows start from")
