"""Rows in memory: weights, any scorer and the wide form need all at hand, so they are no store read in parts."""

import numpy as np

from recore.checks import check_rows
from recore.forms import ridge_of
from recore.held_out import (
    sampled_errors,
    sampled_spectra,
    spread_in_bins,
    squared_errors,
    squared_errors_at,
)
from recore.rules import Best
from recore.views import check_flat, moments_of

CALIBRATION = 2**13  # rows, evenly spaced, that quantiles of errors are taken from, at most
SPECTRA = 2**11  # and limits of spectra: p numbers each


class Rows:
    """Rows in memory, for a fit; `ways` are other groups that may be left out, or None, by their names."""

    rule = Best()

    def __init__(self, X, Y, weight, groups, names, fit_intercept, weighted, ways=None):
        self.X, self.Y, self.weight, self.groups, self.names = X, Y, weight, groups, names
        self.ways = {None: groups, **(ways or {})}
        self.fit_intercept, self.weighted, self.weighed = fit_intercept, weighted, np.flatnonzero(weight > 0)
        self.of_all_rows = None

    def seen(self, view):
        """The same rows in another view of their spectra."""
        given = view(self.X), self.Y, self.weight, self.groups, self.names, self.fit_intercept
        return Rows(*given, self.weighted, {way: groups for way, groups in self.ways.items() if way})

    def blended(self, blend, grids):
        """A Blend of problems of these rows."""
        return blend.keep(grids)

    def moments(self, slopes):
        """Of the gradients of all rows of weight above 0, see `recore.views.moments_of`."""
        if slopes.scatter:
            check_flat(self.X)  # all, as all are seen
        return moments_of(slopes, self.X[self.weighed], self.weight[self.weighed])

    def some(self, most, less):
        """X and weights of all rows of weight above 0; where they are more than `most`, `less` drawn at random."""
        rows = self.weighed[drawn(len(self.weighed), most, less)]
        return self.X[rows], self.weight[rows]

    def problems(self, smallest_alpha):
        """Yield a Ridge for all targets that have the same gaps."""
        for columns, has_assay in same_gaps(self.Y):
            rows = np.flatnonzero(has_assay & (self.weight > 0))
            found = len(rows) if self.groups is None else len(np.unique(self.groups[rows]))
            check_rows(found, self.groups is not None, [self.names[k] for k in columns])
            problem = ridge_of(self.X, self.Y, self.weight, rows, columns, self.fit_intercept, smallest_alpha)
            if len(rows) == len(self.weighed):
                self.of_all_rows = problem
            yield problem

    def folded(self, problem, views):
        """A solution, of one view, as what predicts from features."""
        ((coef, intercept),) = views
        return {"coef_": coef, "intercept_": intercept}

    def learnt(self):
        """What the view needs of its own to be seen again."""
        return {}

    def whole(self, smallest_alpha):
        """A Ridge of the spectra of all rows, whatever assays they have."""
        if self.of_all_rows is not None:
            return self.of_all_rows
        return ridge_of(self.X, self.Y, self.weight, self.weighed, [], self.fit_intercept, smallest_alpha)

    def n_scored(self, problem):
        """Rows with an assay; those of weight 0 count in RidgeCV's mean too."""
        return np.count_nonzero(~np.isnan(self.Y[:, problem.columns[0]]))

    def n_apart(self, problem, way):
        """How many rows or groups can be left out."""
        groups = self.ways[way]
        return problem.n if groups is None else len(np.unique(groups[problem.rows]))

    def squares(self, problem, alphas, way=None, held_out=None):
        """Sums of squared held-out errors, then once clipped: (2, bins, alphas, t)."""
        return squared_errors(problem, alphas, self.ways[way], held_out)[0]

    def squares_at(self, problem, alphas, way):
        """As `squares`, once clipped, at an alpha a target: (bins, t)."""
        return self.total("expected", squared_errors_at, problem, [alphas], way)

    def total(self, label, function, problem, settings, way):
        """The sums that a function of `recore.held_out` finds in all rows."""
        return function(problem, *settings, self.ways[way])[0]

    def spread(self, problem, way):
        """Numbers of assays, their sums and those of their squares in each bin of groups: (3, bins, t)."""
        return spread_in_bins(self.Y[:, problem.columns], self.ways[way])

    def errors(self, problem, alphas):
        """Held-out errors and predictions of a sample of rows, see `sampled_errors`."""
        return self.sampled("bounds", sampled_errors, problem, [alphas])

    def sampled(self, label, function, problem, settings):
        """What a function of `recore.held_out` finds in a sample of rows."""
        return function(problem, *settings, self.groups, marks_of(problem.n, CALIBRATION))

    def spectra(self, problem, s, axes, alpha):
        """Leverage, residual and group's size of a sample of rows once held out, see `sampled_spectra`."""
        return sampled_spectra(problem, s, axes, alpha, self.groups, marks_of(problem.n, SPECTRA))


def same_gaps(Y):
    """Pairs of targets that have the same gaps and the rows that have their assay."""
    has_assay = ~np.isnan(Y)
    targets = {}
    for k in range(Y.shape[1]):
        targets.setdefault(has_assay[:, k].tobytes(), []).append(k)
    return [(columns, has_assay[:, columns[0]]) for columns in targets.values()]


def drawn(n, most, less):
    """Of n rows all, or, where they are more than `most`, `less` drawn at random, always the same."""
    return np.arange(n) if n <= most else np.sort(np.random.RandomState(0).permutation(n)[:less])


def evenly_spaced(n, most):
    """Of n rows `most`, evenly spaced, or all."""
    return np.arange(n) if n <= most else np.arange(most) * n // most


def marks_of(n, most):
    """A mask (n,) of the rows in `evenly_spaced`."""
    marks = np.zeros(n, dtype=bool)
    marks[evenly_spaced(n, most)] = True
    return marks
