"""`python -m disentanglement_study`."""

import sys

from disentanglement_study.cli import main

sys.exit(main())
