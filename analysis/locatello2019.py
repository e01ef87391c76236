"""All tables and figures of Locatello et al. 2019 (arXiv 1811.12359), from the folder of a study.

    python analysis/locatello2019.py STUDY [FOLDER]

Written are FOLDER/tables and FOLDER/figures (default: analysis/locatello2019/ in the study's folder): a CSV file for
each table and tables.md to read them, a PDF, a PNG and the numbers behind for each figure. What the study does not
allow is skipped, and the reason is printed: a table or figure needs its data sets, methods, strengths and metrics.
"""

import sys

from paper import main

if __name__ == "__main__":
    sys.exit(main("locatello2019", __doc__))
