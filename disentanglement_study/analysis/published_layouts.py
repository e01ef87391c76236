"""How the tables that stand beside published numbers are laid out to be read."""

from collections.abc import Iterator

import pandas as pd

from disentanglement_study.analysis import names
from disentanglement_study.analysis.cells import MISSING, Section, number, where, with_interval
from disentanglement_study.analysis.published import FIGURE_6_LEFT

MARK = " *"  # of what is not checked against the paper


def claims(table: pd.DataFrame) -> Iterator[Section]:
    """A row per published claim; its source, and what is measured, are in the CSV file."""
    recalled = table["certainty"].str.contains("recalled")
    rows = table["claim"] + recalled.map({True: MARK, False: ""})
    if "data_set" in table:
        of = [
            ", ".join([names.label(row.data_set, names.DATA_SETS), names.label(row.score, names.SCORES)])
            for row in table.itertuples()
        ]
        rows = rows + " (" + pd.Series(of, table.index) + ")"
    cells = pd.DataFrame({"": rows})
    if table["published"].notna().any() or "data_set" not in table:
        cells["Published"] = table["published"].map(lambda value: number(value, 3))
    cells["Ours"] = [with_interval(*row) for row in table[["measured", "low", "high"]].to_numpy()]
    cells = cells.assign(n=table["n"].astype(str), Holds=table["holds"])
    if (table["why"] != "").any():
        cells["Why"] = table["why"]
    file = "claims_higgins2017.csv" if "data_set" in table else "paper_vs_measured.csv"
    note = f"{file} says where the paper makes each claim, and what is measured here."
    if recalled.any():
        papers = "; ".join(table.loc[recalled, "source"].str.partition(", section")[0].unique())
        note = f"* Recalled from {papers}, not checked against the paper. {note}"
    yield Section(f"Published claims and what this study measured, {names.count(table['n'])} per row", cells, 1, note)


def systems(table: pd.DataFrame) -> Iterator[Section]:
    """A list per data set, a row per system; × 100 as in the paper. What is published only where it can be compared."""
    for (data_set, representation), group in table.groupby(["data_set", "representation"], sort=False):
        percent = 100 * group[["mean", "low", "high", "spread", "mean_of_all", "published", "published_spread"]]
        kept = group["kept"].astype(str) + " of " + group["accuracies"].astype(str)
        cells = pd.DataFrame(
            {
                "": group["system"],
                "Mean": [
                    with_interval(mean, low, high, 1) for mean, low, high in percent[["mean", "low", "high"]].to_numpy()
                ],
                "Spread": percent["spread"].map(lambda value: number(value, 1)),
                "Mean of all": percent["mean_of_all"].map(lambda value: number(value, 1)),
                "Models": group["n"].astype(str),
                "Kept": kept,
            }
        )
        note = "Mean and spread (standard deviation) are over the accuracies that are kept, the upper half."
        compared = group["published"].notna()
        if compared.any():
            recalled = [
                MARK if "recalled" in f"{mean}{spread}" else ""
                for mean, spread in group[["certainty", "spread_certainty"]].to_numpy()
            ]
            cells["Published"] = [
                _with_spread(*row) + mark if there else MISSING
                for row, mark, there in zip(
                    percent[["published", "published_spread"]].to_numpy(), recalled, compared, strict=True
                )
            ]
            cells["Difference"] = (100 * group["difference"]).map("{:+.1f}".format).where(compared, MISSING)
            cells["Holds"] = group["holds"].where(compared, MISSING)
            note += f" Published: {FIGURE_6_LEFT}, for images of 64 x 64 pixels; the images here may have another size."
            note += " The CSV file says how large a difference is allowed."
            if any(recalled):
                note += f"{MARK} The number or its spread is recalled, not checked against the paper."
        title = f"Accuracy of the Higgins score × 100: {where(data_set, representation)}"
        yield Section(f"{title}, {names.count(group['n'])} per row", cells, 1, note)


def best_normalised_beta(table: pd.DataFrame) -> Iterator[Section]:
    """A list per data set, method and score, a row per number of latents."""
    keys = ["data_set", "representation", "method", "score"]
    for (data_set, representation, method, score), group in table.groupby(keys, sort=False):
        of_score = group[["best_score", "best_score_low", "best_score_high"]].to_numpy()
        cells = pd.DataFrame(
            {
                "Latents": group["num_latents"].astype(str),
                "Best β_norm": [
                    f"{best:g}" if pd.isna(low) else f"{best:g} [{low:g}, {high:g}]"
                    for best, low, high in group[["best_normalised_beta", "low", "high"]].to_numpy()
                ],
                "Score there": [with_interval(*row) for row in of_score],
                "Models": group["n"].astype(str),
                "Edge of the grid": group["edge"].replace("", "no"),
                "Inverted U": group["inverted_u"],
            }
        )
        label = f"{names.label(score, names.SCORES)} of {names.label(method, names.METHODS)}"
        title = f"Best β_norm by the median {label}: {where(data_set, representation)}"
        yield Section(f"{title}, {names.count(group['n'])} per row", cells, 1)


def _with_spread(mean: float, spread: float) -> str:
    """ "99.2 ± 0.1", or "100.0" where no spread is published."""
    return number(mean, 1) if pd.isna(spread) else f"{number(mean, 1)} ± {number(spread, 1)}"
