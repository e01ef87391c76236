"""Which methods of non-linear ICA find their sources, and where do they fail?"""

import pandas as pd

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis.findings.wording import listed, setting
from disentanglement_study.analysis.models import MODEL
from disentanglement_study.analysis.promises import PROMISES
from disentanglement_study.analysis.rows import checked
from disentanglement_study.analysis.tables.chosen_by_loss import BASELINE, chosen_by_loss
from disentanglement_study.runtime.words import counted

NOTHING = "nothing"  # what a control promises
BASE = names.METHODS[BASELINE]
LINEAR = f"{BASE}, the linear baseline,"
NO_BASELINE = f"{BASE} was not run, so there is no linear baseline to compare with."


def sources(results: pd.DataFrame) -> list[str]:
    """The best method by its MCC, the linear baseline beside it, and where methods fail; and how many do not converge.

    The MCC is the median over draws of the data, each of the restart with the lowest loss, as in
    `tables.chosen_by_loss`, for the codes that the method's promise is about. Controls promise nothing and are left
    out.
    """
    table = once.call(chosen_by_loss, results)
    key = pd.Series([names.parts(method)[0] for method in table["method"]], table.index)
    own = table[[_finds(*pair) for pair in zip(key, table["representation"], strict=True)]]
    if own.empty:
        return []
    of = "of the restart with the lowest loss" if _has_losses(results, own) else "over restarts"
    where = ["data_set", "representation"]
    base = table[key == BASELINE].set_index(where)["median"]
    own = own.assign(baseline=[base.get(of_data) for of_data in own[where].itertuples(index=False, name=None)])
    several = own["data_set"].nunique() > 1
    return [*(_on_several(own, of) if several else _on_one(own, of)), *_not_converged(own)]


def _finds(method: str, representation: str) -> bool:
    """Whether these codes of the method are held against sources that it promises to find."""
    promise = PROMISES.get(method)
    if promise is None or method == BASELINE or promise.identifies.startswith(NOTHING):
        return False
    return promise.representation == representation


def _has_losses(results: pd.DataFrame, own: pd.DataFrame) -> bool:
    rows = checked(results)
    rows = rows[(rows["representation"] == MODEL) & (rows["score"] == "loss")]
    return set(own["method"]) <= set(rows["method"])


def _on_one(own: pd.DataFrame, of: str) -> list[str]:
    own = own.sort_values("median", ascending=False, kind="stable")
    best, beyond = own.iloc[0], own[own["margin"] > 0]
    found = [f"{_name(best)} finds the sources of {_where(best)} best: {_mcc(best)}, {of}."]
    if own["margin"].isna().all():
        return [*found, NO_BASELINE]
    reaches = f"{LINEAR} reaches {best['baseline']:.3f} on the same data"
    if len(own) == 1:
        over = "in the median over draws" if best["n"] > 1 else "on the one draw"
        apart = f"{abs(best['margin']):.3f} {'above' if best['margin'] > 0 else 'below'}"
        return [*found, f"{reaches}: {_name(best)} is {apart} it, {over}."]
    number = f"{len(beyond) or 'none'} of {len(own)} {'methods' if own['method'].is_unique else 'settings'}"
    found.append(f"{reaches}: {number} {'is' if len(beyond) == 1 else 'are'} above it.")
    below = own[own["margin"] <= 0]
    if len(below) == 0:
        return [*found, f"{_name(own.iloc[-1])} finds the sources least: {_mcc(own.iloc[-1])}."]
    failed = listed([f"{_name(row)} ({row['median']:.3f})" for _, row in below.iterrows()])
    return [*found, f"Not above {BASE}: {failed}."]


def _on_several(own: pd.DataFrame, of: str) -> list[str]:
    compared = own.dropna(subset="margin").sort_values("margin", ascending=False, kind="stable")
    if compared.empty:
        best, worst = own.loc[own["median"].idxmax()], own.loc[own["median"].idxmin()]
        return [
            f"{_name(best)} finds the sources of {_where(best)} best: {_mcc(best)}, {of}.",
            f"{_name(worst)} finds those of {_where(worst)} least: {_mcc(worst)}.",
            NO_BASELINE,
        ]
    beyond, best, worst = (compared["margin"] > 0).sum(), compared.iloc[0], compared.iloc[-1]
    least = "gains least" if worst["margin"] > 0 else f"is not above {BASE}"
    return [
        f"{_all(compared)} above {LINEAR} {_places(compared, beyond)}: by the median MCC over draws of the data, {of}.",
        f"{_name(best)} gains most, on {_where(best)}: {_mcc(best)}; {BASE} {best['baseline']:.3f}.",
        f"{_name(worst)} {least} on {_where(worst)}: {_mcc(worst)}; {BASE} {worst['baseline']:.3f}.",
    ]


def _all(own: pd.DataFrame) -> str:
    if own["method"].nunique() > 1:
        return f"{own['method'].nunique()} methods are"
    name = _name(own.iloc[0]) if _is_one(own) else names.label(own["method"].iloc[0], names.METHODS)
    return f"{name} is"


def _places(own: pd.DataFrame, number: int) -> str:
    if _is_one(own):
        return f"on {number} of {len(own)} data sets"
    return f"in {number} of {len(own)} cases on {counted(own['data_set'].nunique(), 'data set')}"


def _is_one(own: pd.DataFrame) -> bool:
    """Whether one method, at one strength, is on each data set."""
    return own["data_set"].is_unique and len(own[["method", "strength"]].drop_duplicates()) == 1


def _not_converged(own: pd.DataFrame) -> list[str]:
    number, models = own["not_converged"].sum(), own["models"].sum()
    return [f"{number} of {counted(models, 'model')} did not converge."] if number else []


def _mcc(row: pd.Series) -> str:
    """ "MCC 0.998 (0.997 to 0.998 over 3 draws of the data)"."""
    if row["n"] < 2:
        return f"MCC {row['median']:.3f} on one draw of the data"
    return f"MCC {row['median']:.3f} ({row['least']:.3f} to {row['most']:.3f} over {row['n']} draws of the data)"


def _name(row: pd.Series) -> str:
    return setting(row["method"], row["strength_name"], row["strength"])


def _where(row: pd.Series) -> str:
    return names.label(row["data_set"], names.DATA_SETS)
