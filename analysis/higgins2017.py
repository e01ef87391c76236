"""All tables and figures of Higgins et al. 2017 ("beta-VAE", ICLR), from the folder of a study.

    python analysis/higgins2017.py STUDY [FOLDER]

Written are FOLDER/tables and FOLDER/figures (default: analysis/higgins2017/ in the study's folder): a CSV file for
each table and tables.md to read them, a PDF, a PNG and the numbers behind for each figure. What the study does not
allow is skipped, and the reason is printed: the systems need the metric `higgins_score`; the heat map needs β-VAE given
as `beta_vae.normalised_beta`, and `nets.num_latents` as an axis of the sweep.
"""

import sys

from paper import main

if __name__ == "__main__":
    sys.exit(main("higgins2017", __doc__))
