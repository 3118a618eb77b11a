"""The rows of a fit in two views at once; data for `recore.fitting` as Rows and Parts are."""

import numpy as np

from recore.blend import Blend
from recore.rules import Soft
from recore.views import Distances, Slopes


class Blended:
    """Rows or Parts, and the same in another view, which a Blend of two ridges is fitted to.

    Parameters
    ----------
    plain : Rows or Parts
    grids : list of ndarray
        The alphas of windows as they are, and of the other view.
    scatter : bool
        Of what the slopes are, see Slopes.
    landmarks : (int, int), optional
        How many rows may all be landmarks, and how many are drawn where there are more; slopes alone without.
    """

    def __init__(self, plain, grids, scatter, landmarks=None):
        slopes = Slopes(scatter)
        slopes.take_in(plain.moments(slopes))
        self.view = slopes
        if landmarks is not None:
            X, weight = plain.some(*landmarks)
            self.view = Distances(slopes, slopes(X), weight)
        self.plain, self.other, self.rule = plain, plain.seen(self.view), Soft(grids)
        for name in "names whole n_scored n_apart spread spectra total sampled".split():
            setattr(self, name, getattr(plain, name))

    def problems(self, smallest_alpha):
        """Yield a Blend for all targets that have the same gaps."""
        views = (data.problems(grid.min()) for data, grid in zip((self.plain, self.other), self.rule.grids))
        for ridges in zip(*views):
            assert ridges[0].columns == ridges[1].columns, "both views have the same gaps in the same order"
            yield self.plain.blended(Blend(list(ridges), self.view), self.rule.grids)

    def squares(self, problem, alphas, way=None):
        """Sums of squared held-out errors of each view, then once clipped: (2, bins, alphas of both, t)."""
        parts = zip((self.plain, self.other), problem.ridges, self.rule.grids)
        return np.concatenate([data.squares(ridge, grid, way) for data, ridge, grid in parts], axis=2)

    def folded(self, problem, views):
        """Both solutions as one: coefficients of features, and what is not linear in them beside."""
        (coef, intercept), (other, more) = views
        folded = self.view.folded(other)
        intercept = intercept + more + folded.pop("constant")
        if not self.view.linear:
            folded["y_mean_"] = problem.y_mean  # of linear coefficients x_mean_ tells it
        return {"coef_": coef + folded.pop("coef_", 0), "intercept_": intercept, **folded}

    def learnt(self):
        return self.view.learnt()
