"""From a study's results to the rank-correlation tables and figures of Locatello et al. 2019.

Everything here is a function of one tidy DataFrame, a row per score of a model (`rows.COLUMNS`); no model, no
store and no accelerator is needed. Figure numbers are those of arXiv:1811.12359v4.

    from disentanglement_study.analysis import figures, tables
    print(tables.render(tables.rank_correlation(results)))
    tables.write(results, "tables"); figures.write(results, "figures")
"""
