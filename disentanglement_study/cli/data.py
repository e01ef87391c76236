"""The console command `disentanglement-study data`: what there is, what it is, how it comes here, how it looks."""

import argparse
import dataclasses
import math
import warnings
from collections.abc import Callable
from pathlib import Path

from disentanglement_study.cli import options
from disentanglement_study.config.declared import words
from disentanglement_study.runtime.terminal import ERR, OUT
from disentanglement_study.runtime.words import counted

NO_TRUTH = "no truth: models can be trained on it, and scored by metrics of codes alone, such as unsupervised"
ADDED = "npz: images, factors; factor_names, factor_sizes; or a series: x; sources, source_names, u, segment"
EXAMPLES = """\
examples:
  disentanglement-study data list
  disentanglement-study data info smallnorb
  disentanglement-study data show dsprites                       a picture, one row for each factor
  disentanglement-study data prepare shapes3d --from DOWNLOADS    from a published file there, or downloaded
  disentanglement-study data add mine.npz                         images and factors, or a time series, of your own

Data sets are kept in --data-dir, else $DISENTANGLEMENT_STUDY_DATA, else ~/.cache/disentanglement_study.
"""


def list_(arguments: argparse.Namespace) -> None:
    """All data sets: the truth behind them, and whether they are here."""
    import pandas as pd

    from disentanglement_study import data
    from disentanglement_study.cli import display
    from disentanglement_study.describe.data import truth

    rows = []
    for name in data.names(arguments.data_dir):
        facts = data.facts(name, arguments.data_dir)
        rows.append(
            {
                "data set": name,
                "factors": truth(facts),
                "input": "x".join(map(str, facts.input_shape)),
                "here": _whereabouts(name, arguments.data_dir),
                "source": facts.source,
            }
        )
    display.show(pd.DataFrame(rows))


def info(arguments: argparse.Namespace) -> None:
    """One data set: the truth behind it, its size, and where it is from."""
    import pandas as pd

    from disentanglement_study import data
    from disentanglement_study.cli import display
    from disentanglement_study.data import cache
    from disentanglement_study.describe.data import AUXILIARY, truth

    name, root = arguments.name, arguments.data_dir
    facts = data.facts(name, root)
    OUT.print(f"{name}: {facts.source}", soft_wrap=True)
    if facts.num_points is None:
        display.show(pd.DataFrame({"factor": facts.factor_names, "values": facts.factor_sizes}))
        OUT.print(f"grid: {math.prod(facts.factor_sizes):,} points; images of {list(facts.input_shape)}")
    else:
        also = "".join(f", {counted(size, *AUXILIARY[name])}" for name, size in facts.auxiliary.items())
        OUT.print(f"{truth(facts)}: vectors of {counted(facts.input_shape[0], 'number')}{also}")
    if (of := data.options_of(name)) is not None:
        defaults = [(field.name, words(field.type), str(field.default)) for field in dataclasses.fields(of)]
        display.show(pd.DataFrame(defaults, columns=["option", "may be", "default"]))
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
    """Render a set, or read or download a published one, so that studies find it."""
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
    """Add a set of your own: an npz file with images [N, H, H, C] (uint8) and factors [N, F] (whole numbers), or with a
    time series x [T, D] and, if they are known, its sources [T, S], u [T, U] and segment [T]."""
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
    """Draw samples as a PNG: one row for each factor, in which it alone changes."""
    from disentanglement_study import data
    from disentanglement_study.data.gallery import gallery

    path = arguments.output or Path(f"{arguments.name}.png")
    figure = gallery(data.load(arguments.name, arguments.data_dir), arguments.seed)
    figure.savefig(path, dpi=150)
    OUT.print(f"{path}")


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
        help="List, prepare, add and look at data sets.",
        description="Data sets: what there is, what it is, how it comes here, how it looks.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inner = top.add_subparsers(metavar="COMMAND", required=True)

    def command(function: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        made = options.add_command(inner, function, "")
        options.data_dir(made)
        return made

    command(list_)
    command(info).add_argument("name", metavar="NAME", help="of a data set (see: data list)")
    made = command(prepare)
    made.add_argument("names", metavar="NAME", nargs="+", help="of data sets (see: data list)")
    made.add_argument(
        "--from",
        dest="source",
        metavar="DIR",
        type=options.path,
        help="where published files are (default: --data-dir); others are downloaded",
    )
    made = command(add)
    made.add_argument("file", metavar="FILE", type=Path, help=ADDED)
    made.add_argument("--name", help="of the data set (default: that of the file)")
    made = command(show)
    made.add_argument("name", metavar="NAME", help="of a data set (see: data list)")
    made.add_argument("--output", metavar="FILE", type=Path, help="default: NAME.png")
    options.seed(made, "of the image that the rows start from")
