"""What is done with one part of a store's rows, here or in another process, which gives back sums."""

import numpy as np

from recore.groups import key_of, sums_of_scores
from recore.held_out import spread_in_bins
from recore.rows import same_gaps
from recore.sums import Sums, with_assay
from recore.views import moments_of


class Viewed:
    """A store whose spectra are seen in another view."""

    def __init__(self, store, view):
        self.store, self.view = store, view
        self.n_rows, self.target_names = store.n_rows, store.target_names
        self.feature_names = range(view.n_features)

    def read(self, rows):
        X, Y = self.store.read(rows)
        return self.view(X), Y


def part_sums(store, part):
    """Sums of a part's rows for targets of the same gaps; rows with an assay; of groups those that have one, and in bins."""
    X, Y = store.read(part.rows)
    Y = np.column_stack([Y, np.zeros(len(Y))])  # the spectra's own target
    has_assay = ~np.isnan(Y)
    sums = []
    for columns, rows in same_gaps(Y):
        ones = np.ones(np.count_nonzero(rows))
        sums.append((columns, Sums(X[rows], Y[rows][:, columns].T, ones) if len(ones) else None))
    units = [
        ((way, group), has_assay[groups == group].any(axis=0))
        for way, groups in part.groups.items()
        for group in np.unique(groups)
    ]
    spreads = {way: spread_in_bins(Y, groups) for way, groups in part.groups.items()}
    return sums, has_assay.sum(axis=0), units, spreads


def part_moments(store, slopes, part):
    """Moments of a part's gradients."""
    X, _ = store.read(part.rows)
    return moments_of(slopes, X, np.ones(len(X)), part.rows.start)


def part_triangle(store, targets, mean, without, part):
    """R of the QR decomposition of a part's rows around a mean, without a group."""
    X, _ = read_others(store, targets, without, part)
    return np.linalg.qr(X - mean, mode="r")


def part_others(store, targets, way, group, part):
    """Sums of a part's rows without a group."""
    X, Y = read_others(store, targets, (way, group), part)
    return Sums(X, Y[:, targets].T, np.ones(len(X))) if len(X) else None


def read_others(store, targets, without, part):
    """X and Y of a part's rows that have the targets' assays and are not of a group."""
    X, Y = store.read(part.rows)
    rows = with_assay(Y, targets)
    if without is not None:
        way, group = without
        rows = rows[part.groups[way][rows] != group]
    return X[rows], Y[rows]


def part_sample(store, targets, part):
    """X, Y and numbers of some of the rows that have an assay."""
    rows, ranks = part
    X, Y = store.read(rows)
    at = with_assay(Y, targets)[ranks]
    return X[at], Y[at], rows.start + at


def part_scores(store, problem, part):
    """Sums of a group's rows on the axes of a problem, as `taken_out` takes them."""
    view = problem.on(*store.read(part.rows))
    return sums_of_scores(view, np.arange(view.n)) if view.n else None


def part_held_out(store, function, problem, settings, way, part):
    """What a function of `recore.held_out` finds in a part, and the groups that need other rows."""
    view = problem.on(*store.read(part.rows))
    if part.other is not None:
        for ridge, other in zip(view.ridges, part.other.ridges):
            ridge.refits[key_of(np.arange(view.n))] = other
    groups = part.groups.get(way)
    if part.sampled is None:
        return function(view, *settings, groups)
    return function(view, *settings, groups, part.sampled[view.rows]), ()
