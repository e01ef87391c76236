"""All tables and figures for the methods of Hyvärinen et al. 2023 (arXiv 2303.16535), from the folder of a study.

    python analysis/hyvarinen2023.py STUDY [FOLDER]

Written are FOLDER/tables and FOLDER/figures (default: analysis/hyvarinen2023/ in the study's folder): a CSV file for
each table and tables.md to read them, a PDF, a PNG and the numbers behind for each figure. What the study does not
allow is skipped, and the reason is printed. The study of `sweeps/nonlinear_ica.gin` allows all.
"""

import sys

from paper import main

if __name__ == "__main__":
    sys.exit(main("hyvarinen2023", __doc__))
