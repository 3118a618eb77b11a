"""Sums of rows that add up, so that rows may be read once, in any parts and anywhere."""

import copy

import numpy as np

from recore.linalg import weighted_mean


class Sums:
    """What (2) needs of some rows, around their own mean; sums of two sets of rows add up to those of both.

    Chan, Golub & LeVeque (1983) Am. Stat. 37, 242.
    """

    def __init__(self, X, Y, weight, products=True):
        """Of X (rows, p) and Y (t, rows); without `products` only what the wide form needs."""
        self.n, self.total = len(X), weight.sum()
        self.x_mean, self.y_mean = weighted_mean(X, weight), weighted_mean(Y.T, weight)  # (p,), (t,)
        self.least, self.most = Y.min(axis=1), Y.max(axis=1)  # (t,)
        Y = Y - self.y_mean[:, None]
        self.sst = np.square(Y) @ weight  # (t,)
        self.gram = self.yx = None
        if products:
            X = X - self.x_mean
            if np.any(weight != 1):  # else a pass over all of X less
                X *= np.sqrt(weight)[:, None]
                Y *= np.sqrt(weight)
            self.gram, self.yx = X.T @ X, Y @ X  # (p, p), (t, p)

    def only(self, targets):
        """The same for some of the targets, which `add` does not share with these."""
        some = copy.copy(self)
        for name in ("y_mean", "least", "most", "sst"):
            setattr(some, name, getattr(self, name)[targets])
        some.gram, some.yx = self.gram.copy(), self.yx[targets]
        return some

    def add(self, other):
        """Take in the rows of other sums."""
        share = other.total / (self.total + other.total)
        dx, dy = other.x_mean - self.x_mean, other.y_mean - self.y_mean
        between = self.total * share
        if self.gram is not None:
            self.gram += other.gram
            self.gram += np.outer(between * dx, dx)
            self.yx += other.yx + np.outer(between * dy, dx)
        self.sst += other.sst + between * np.square(dy)
        self.least, self.most = np.minimum(self.least, other.least), np.maximum(self.most, other.most)
        self.x_mean, self.y_mean = self.x_mean + share * dx, self.y_mean + share * dy
        self.n, self.total = self.n + other.n, self.total + other.total
        return self


def total_of(parts):
    """The sums of all parts; those of no row are None."""
    total = None
    for sums in parts:
        if sums is not None:
            total = sums if total is None else total.add(sums)
    return total


def with_assay(Y, targets):
    """The rows that have the assays of targets with the same gaps; all, where there is no target."""
    return np.flatnonzero(~np.isnan(Y[:, targets[0]])) if targets else np.arange(len(Y))
