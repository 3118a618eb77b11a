"""Ridge regressions of the same assays on several views of the spectra, averaged over views and alphas.

With SSE(alpha) the squared held-out errors of a view and a target, its coefficients are not those of one alpha but

    b = sum_alpha W b(alpha),   W ~ exp(-SHARPNESS (SSE(alpha) / min SSE - 1)),   sum W = share of the view      (10)
    share ~ exp(-PREFERENCE max(0, min SSE / min SSE of the best view - ALIKE)),    sum of shares = 1             (11)

for alphas that serve as well are then not told apart by chance. Views share alike unless one is worse by far, as
slopes of noisy spectra are, which then takes nothing from the other. Held-out errors are averaged as the coefficients
are, so that they are those of the average, by row and by group.
"""

import numpy as np

from recore.groups import left_out, left_out_errors_at
from recore.held_out import BINS, bin_of
from recore.linalg import in_threads

SHARPNESS, PREFERENCE, ALIKE = 10.0, 4.0, 1.5
KEPT = 2**23  # numbers, 64 MB: errors of a view, of all alphas
SHARED = "columns n_rows total sst y_mean y_range lower n rows weight root_w".split()  # by all ridges


class Blend:
    """Ridges of the same rows and targets, one a view; what is asked of any of them, the first answers."""

    def __init__(self, ridges, view, key=None):
        self.ridges, self.view, self.key = ridges, view, key
        self.wide = any(each.wide for each in ridges)
        self.p = sum(each.p for each in ridges)
        self.refits = {}
        vars(self).update({name: value for name, value in vars(ridges[0]).items() if name in SHARED})

    def of(self, ridges):
        """The same of other ridges, those without a group, say."""
        return Blend(ridges, self.view, self.key)

    def targets(self, at):
        return self.ridges[0].targets(at)

    def errors_at_lower(self, at):
        return self.ridges[0].errors_at_lower(at)

    def on(self, X, Y):
        """The same, looking at some rows that it was made of; a wide ridge looks at its own."""
        views = X, self.view(X)
        return self.of([each if each.wide else each.on(x, Y) for each, x in zip(self.ridges, views)])

    def keep(self, grids):
        """Keep held-out errors of rows in memory for the second time they are asked for, where there is room."""
        t = len(self.columns)
        if max(map(len, grids)) * t * self.n <= KEPT:
            width = max(max(ridge.p, len(grid) * t) for ridge, grid in zip(self.ridges, grids))
            for ridge in self.ridges:
                ridge.looks, ridge.width = {}, width
        return self

    def average(self, grids, weights):
        """Coefficients (t, p) and intercepts (t,) of each view, at weights (alphas of all views, t)."""
        parts = zip(self.ridges, grids, np.split(weights, ends_of(grids)))
        return [ridge.average(alphas, part) for ridge, alphas, part in parts]


def ends_of(grids):
    """Where the alphas of each view but the last end among those of all."""
    return np.cumsum([len(alphas) for alphas in grids])[:-1]


def soft_weights(squares, grids):
    """Equations (10) and (11) from squared held-out errors (..., alphas of all views, t)."""
    views = np.split(squares, ends_of(grids), axis=-2)
    least = np.stack([sse.min(axis=-2) for sse in views], axis=-2)
    shares = falling(PREFERENCE, ALIKE, least)
    parts = [falling(SHARPNESS, 1, sse) * shares[..., [k], :] for k, sse in enumerate(views)]
    return np.concatenate(parts, axis=-2)


def falling(rate, alike, squares):
    """Weights (..., k, t), of sum 1, that fall with errors (..., k, t) from `alike` times the smallest on."""
    least = squares.min(axis=-2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a target that some meet exactly
        excess = np.where(squares > alike * least, squares / least, alike) - alike
    weights = np.exp(-rate * excess)
    return weights / weights.sum(axis=-2, keepdims=True)


def averaged_errors(blend, grids, weights, groups=None, sampled=None):
    """Yield rows left out together and errors of the average (t, rows), None where other rows are needed.

    `weights` (alphas of all views, t) or, of each bin of groups, (bins, alphas, t).
    """
    views = [left_out(ridge, alphas, groups, sampled) for ridge, alphas in zip(blend.ridges, grids)]
    units, ends = max(views, key=lambda each: each.width).units, ends_of(grids)

    def errors_of(unit):
        of = weights if weights.ndim == 2 else weights[bin_of(blend, unit, groups)]
        total = 0.0
        for view, part in zip(views, np.split(of, ends)):
            found = [each if each is None else weighed(each, part) for _, each in view.errors(unit)]
            if any(each is None for each in found):
                return None
            total = total + np.concatenate(found, axis=1)
        return total

    numbers = blend.n * weights.shape[-1] * weights.shape[-2]
    yield from zip(units, in_threads(errors_of, units, numbers))


def weighed(errors, weights):
    """The sum over alphas of errors (alphas, t, rows), by weights (alphas, t)."""
    return np.einsum("atr,at->tr", errors, weights)


def averaged_squares(blend, grids, weights, groups=None):
    """Sums of squared errors of the average, then once clipped, (2, bins, t), and groups that need other rows."""
    squares, without = np.zeros((2, 1 if groups is None else BINS, weights.shape[-1])), []
    for at, errors in averaged_errors(blend, grids, weights, groups):
        if errors is None:
            without.append(groups[blend.rows[at[0]]])
            continue
        place = bin_of(blend, at, groups)
        squares[0, place] += np.square(errors).sum(axis=1)
        np.minimum(errors, blend.errors_at_lower(at), out=errors)
        squares[1, place] += np.square(errors).sum(axis=1)
    return squares, without


def averaged_sample(blend, grids, weights, alphas, groups, sampled):
    """As `recore.held_out.sampled_errors`, of the average, with the first view's leverage at an alpha a target."""
    errors, fitted, left = ([np.empty((weights.shape[-1], 0))] for _ in range(3))
    for at, each in averaged_errors(blend, grids, weights, groups, sampled):
        kept = sampled[at]
        each = np.minimum(each, blend.errors_at_lower(at))[:, kept]
        errors.append(each)
        fitted.append((blend.targets(at)[:, kept]) - each / blend.root_w[at][kept])
    for at, _, each in left_out_errors_at(blend.ridges[0], alphas, groups, sampled):
        left.append(each[:, sampled[at]])
    errors, fitted, left = (np.concatenate(each, axis=1) for each in (errors, fitted, left))
    return errors * np.sqrt(left), fitted
