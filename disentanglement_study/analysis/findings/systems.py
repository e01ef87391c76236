"""How do systems compare by the metric of Higgins et al. 2017?"""

import pandas as pd

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis import tables as written
from disentanglement_study.analysis.findings.headline import TRUTH
from disentanglement_study.analysis.findings.wording import listed, with_interval
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables.verdict import NOT_ENOUGH, YES
from disentanglement_study.runtime.words import counted

SHOWN = 4  # systems that are named after the best


def systems(results: pd.DataFrame) -> list[str]:
    """Up to three sentences: the best system, the order of the others, and the published numbers or claims."""
    table = once.call(written.systems, results)
    table = table[table["data_set"] == table["data_set"].iloc[0]]
    own = table[[names.parts(method)[0] != TRUTH for method in table["method"]]]
    own = own.sort_values("mean", ascending=False, kind="stable")
    if own.empty:
        return []
    of_grid = claims(results)
    return [_best(own), *(of_grid or [*_order(own), *_published(table)])]


def _best(own: pd.DataFrame) -> str:
    row = own.iloc[0]
    where, label = names.label(row["data_set"], names.DATA_SETS), names.METRICS["higgins_score"]
    chance = f"; chance is {100 * row['chance']:.0f} %" if pd.notna(row["chance"]) else ""
    n = f"({names.count([row['n']])}{chance})"
    if len(own) == 1:
        return f"{row['system']} is the only system: its {label} on {where} is {_accuracy(row)} {n}."
    following = own.iloc[1]
    clear = row["low"] > following["high"]
    near = "" if clear else f"; the interval of {following['system']}, {_accuracy(following)}, overlaps with it"
    return f"{row['system']} has the highest {label} of {len(own)} systems on {where}: {_accuracy(row)} {n}{near}."


def _order(own: pd.DataFrame) -> list[str]:
    rest = own.iloc[1:]
    if rest.empty:
        return []
    shown = [f"{row['system']} ({100 * row['mean']:.1f} %)" for _, row in rest.iterrows()]
    if len(shown) > SHOWN + 1:
        return [f"Then come {', '.join(shown[:SHOWN])}; last of all is {shown[-1]}."]
    return [f"Then {'comes' if len(shown) == 1 else 'come'} {listed(shown)}."]


def _published(table: pd.DataFrame) -> list[str]:
    judged = table[table["published"].notna() & (table["holds"] != NOT_ENOUGH)]
    if judged.empty:
        return []
    held = judged[judged["holds"] == YES]["system"]
    which = f" ({listed(list(held))})" if 0 < len(held) <= SHOWN else ""
    return [f"{len(held) or 'None'} of {counted(len(judged), 'published accuracy', 'published accuracies')} "
            f"{'holds' if len(held) == 1 else 'hold'} here{which}."]  # fmt: skip


def claims(results: pd.DataFrame) -> list[str]:
    """A sentence for each claim of the paper on β and the number of latents; none if the study has no grid of them."""
    try:
        table = once.call(written.claims_higgins2017, results)
    except NothingToDraw:
        return []
    first = table[["score", "data_set"]].iloc[0]
    return [_claim(row) for _, row in table[(table[["score", "data_set"]] == first).all(axis=1)].iterrows()]


def _claim(row: pd.Series) -> str:
    text = row["claim"][0].lower() + row["claim"][1:]
    n = names.count([row["n"]])
    if row["holds"] == NOT_ENOUGH:
        return f"The study cannot say whether {text}: {row['why']} ({n})."
    what = row["measured_as"].partition(";")[0]
    number = with_interval(row["measured"], row["low"], row["high"])
    said = row["claim"] if row["holds"] == YES else f"The study does not show that {text}"
    return f"{said}: the {what} is {number} ({n})."


def _accuracy(row: pd.Series) -> str:
    """ "99.8 % [99.5, 99.8]"."""
    mean, low, high = 100 * row[["mean", "low", "high"]].astype(float)
    return f"{mean:.1f} %" + ("" if pd.isna(low) else f" [{low:.1f}, {high:.1f}]")
