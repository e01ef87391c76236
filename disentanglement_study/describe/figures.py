"""Figures: what `figures` draws of a study, and of two beside each other."""

from disentanglement_study.describe import registry
from disentanglement_study.describe.entry import Entry, file_of, first_sentence

HERE = "disentanglement_study.analysis.figures"


def names() -> list[str]:
    return [*_all()]


def line(name: str) -> str:
    about, fixed = first_sentence(_documented(name)[1]), _fixed(name)
    return f"{about[:-1]} ({fixed})." if fixed else about


def entry(name: str) -> Entry:
    from disentanglement_study.analysis.figures.papers import PAPERS

    module, text = _documented(name)
    shown = [
        f"{figure.number} of {paper}: {figure.what} ({figure.certainty})"
        for paper, figures in PAPERS.items()
        for figure in figures
        if name in figure.figures
    ]
    papers = [paper for paper, figures in PAPERS.items() if any(name in figure.figures for figure in figures)]
    of_two = name in registry.names(HERE, "OF_TWO")
    drawn = "DIR --beside OTHER" if of_two else f"DIR --paper {papers[0]}" if papers else "DIR"
    python = (
        "from disentanglement_study import store",
        "from disentanglement_study.analysis import figures",
        f'figures.FIGURES["{name}"](store.open("DIR").results()).savefig("{name}.pdf")',
    )
    return Entry(
        kind="figures",
        name=name,
        title=name.replace("_", " ").capitalize(),
        about=line(name),
        source="; ".join(papers) or "none: it is in no paper",
        facts={"shows": "; ".join(shown)} if shown else {},
        docstring=text,
        code=file_of(module),
        commands=(f"disentanglement-study figures {drawn}",),
        in_python=() if of_two else python,
    )


def _all() -> dict[str, registry.Found]:
    return registry.items(HERE, "FIGURES") | registry.items(HERE, "OF_TWO")


def _fixed(name: str) -> str:
    """What a figure fixes of a function that several figures share."""
    return ", ".join(registry.called(_all()[name][1])[1].values())


def _documented(name: str) -> tuple[str, str]:
    return registry.documented(HERE, registry.called(_all()[name][1])[0])
