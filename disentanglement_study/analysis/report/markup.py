"""HTML from text: everything is escaped unless it is `Markup`."""

import html
from collections.abc import Iterable, Sequence


class Markup(str):
    """Text that is HTML already."""


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """<tag attribute="...">children</tag>; an underscore at the end of an attribute's name (class_) is dropped."""
    pairs = ((name.rstrip("_").replace("_", "-"), html.escape(value)) for name, value in attributes.items())
    shown = "".join(f' {name}="{value}"' for name, value in pairs)
    return Markup(f"<{tag}{shown}>{''.join(map(escaped, children))}</{tag}>")


def escaped(text: str) -> str:
    return text if isinstance(text, Markup) else html.escape(str(text))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, labels: int = 1, class_: str = "") -> Markup:
    """A table that scrolls sideways where it does not fit. The first `labels` cells of a row are its name.

    On a narrow screen a row of the class "cards" is a block: each cell then shows its column (data-label).
    """
    head = element("tr", *(element("th", column, scope="col") for column in columns))
    body = [
        element(
            "tr",
            *(
                element("th", cell, scope="row", data_label=column)
                if place < labels
                else element("td", cell, data_label=column)
                for place, (column, cell) in enumerate(zip(columns, row, strict=True))
            ),
        )
        for row in rows
    ]
    whole = element("table", element("thead", head), element("tbody", *body), class_=class_)
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=f"Table by {columns[0]}")


def note(text: str) -> Markup:
    return element("p", text, class_="note")
