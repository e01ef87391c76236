"""What the options of the nets may be; checked when they are built (see `declared`). Upper bounds are generous."""

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Interval, Len

Width = Annotated[int, Interval(ge=1, le=65_536)]  # two such layers have 4e9 weights
Widths = Annotated[Sequence[Width], Len(0, 100)]
Channels = Annotated[Sequence[Width], Len(1, 12)]  # 12 halvings make a pixel of the largest image
Kernels = Annotated[Sequence[Annotated[int, Interval(ge=2, le=64)]], Len(1, 12)]

MOST_WEIGHTS = 10**10  # of all nets of a model: 40 GB
