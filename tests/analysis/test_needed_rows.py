"""The rows that the analysis reads are enough, and sound."""

import numpy as np
import pandas as pd
import pytest
from planted import planted

from disentanglement_study.analysis import models, tables


def test_needed_rows_are_enough():
    study = planted().study(3)
    other = study.assign(score="train_accuracy")
    both = pd.concat([study, other], ignore_index=True)
    kept = models.needed(both)
    assert len(kept) == len(study)
    pd.testing.assert_frame_equal(tables.rank_correlation(kept), tables.rank_correlation(study))
    alone = other[other["run_id"] == other["run_id"].iloc[0]].assign(run_id="unread")
    counted = tables.rank_correlation(models.needed(pd.concat([study, alone])), resamples=0)
    assert (counted["missing"] == 1).all()


def test_one_score_of_two_metrics_is_refused():
    study = planted(metrics=1).study(2)
    both = pd.concat([study, study.assign(metric="unsupervised")], ignore_index=True)
    with pytest.raises(ValueError, match="beta_vae_score is of beta_vae_score and of unsupervised"):
        tables.rank_correlation(both)


def test_a_store_reads_the_same_rows(tmp_path):
    """What `models.stored` has the store select is what `models.needed` selects of everything."""
    import pyarrow.dataset

    study = planted(metrics=1).study(2)
    scores = ["train_accuracy", "mean_test_accuracy.n_10", "statistical_efficiency", "info_m", "beta_vae_score"]
    parts = [study.assign(metric=metric, score=score) for metric in ("info_mec", "dci") for score in scores]
    rows = pd.concat([study, *parts], ignore_index=True)
    rows.loc[7::50, "error"] = "failed"
    rows.loc[9::50, "value"] = np.nan
    rows.to_parquet(tmp_path / "scores.parquet")
    read = pyarrow.dataset.dataset(tmp_path).to_table(filter=models.stored()).to_pandas()
    whole, part = (tables.rank_correlation(x, resamples=0) for x in (rows, read))
    pd.testing.assert_frame_equal(whole, part)
    pd.testing.assert_frame_equal(tables.failures(rows), tables.failures(read))
    needed = models.needed(rows)
    assert set(map(tuple, needed[["run_id", "metric", "score"]].to_numpy())) <= set(
        map(tuple, read[["run_id", "metric", "score"]].to_numpy())
    )
    assert len(read) < len(rows)
