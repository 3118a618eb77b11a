"""Parts of rows to be read, whole groups of them where groups are left out together."""

from typing import Any, NamedTuple, Optional

import numpy as np

from recore.linalg import row_blocks


class Part(NamedTuple):
    """Some rows of a store, and what is known of them."""

    rows: Any  # a slice or an array of their numbers
    groups: dict  # {way: labels (rows,)} of the ways to group them
    sampled: Optional[np.ndarray] = None  # (rows,), a mask
    other: Any = None  # the problem without them, where they are of one group that cannot do alone


class Grouping:
    """Groups that are left out together, (n_rows,), numbered from 0 without gaps."""

    def __init__(self, way, groups):
        self.way, self.groups, self.order, self.sizes = (
            way,
            groups,
            np.argsort(groups, kind="stable"),
            np.bincount(groups),
        )
        self.starts = np.cumsum(self.sizes) - self.sizes  # in that order
        self.alone = {}  # {problem's key: groups that cannot be left out without the other rows}
        self.others = {}  # {(problem's key, group): the problem without that group}, while there is room

    def members(self, group):
        """Numbers of the rows of a group."""
        return self.order[self.starts[group] : self.starts[group] + self.sizes[group]]

    def parts_of(self, group, most, sample=None, other=None):
        """A group's rows in parts."""
        rows = self.members(group)
        return [self.part(rows[at], sample, other) for at in row_blocks(len(rows), 1, cells=most)]

    def part(self, rows, sample=None, other=None):
        groups = {self.way: self.groups[rows]}
        return Part(rows, groups, None if sample is None else np.isin(rows, sample), other)

    def together(self, groups, most):
        """Yield numbers of the rows of some groups, as many as go into a part."""
        rows = []
        for group in groups:
            if rows and sum(map(len, rows)) + self.sizes[group] > most:
                yield np.concatenate(rows)
                rows = []
            rows.append(self.members(group))
        if rows:
            yield np.concatenate(rows)
