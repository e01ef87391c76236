import pandas as pd


def paper_vs_measured(results: pd.DataFrame) -> pd.DataFrame:
    raise NotImplementedError
