"""A table that predictions are made of: a dropped one, or what instrument files became."""

from typing import NamedTuple


class Source(NamedTuple):
    """A table on disk, for as long as it is read."""

    name: str  # as people know it
    path: str
    said: list  # lines on what was done to make it
