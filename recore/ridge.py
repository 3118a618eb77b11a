"""Equations (1) to (4): ridge regression for all alphas and targets at once, and the errors of rows held out.

One eigendecomposition serves every alpha and target. Of the two that give the same b, the smaller is taken:

    long   X~'X~ = V S V',  Z = X~ V,  b = V (S + alpha)^-1 Z'Y~                      (2)
    wide   X~ X~' = Z S Z',             b = X~'Z (S + alpha)^-1 Z'Y~                  (3)

Let H be the matrix that maps Y~ to its fit. The errors that rows g would have, had the model been fitted
without them, need no second fit (Allen 1974, Technometrics 16, 125):

    e_g = (I - H_gg)^-1 r_g,   r = (I - H) Y~                                         (4)
    long   H = Z (S + alpha)^-1 Z' + w^1/2 w^1/2' / sum(w)
    wide   I - H = alpha Z (S + alpha)^-1 Z'    (alpha cancels in (4))

With g one row, (4) is a division: leave-one-out. With g the rows of a site, it is leave-one-group-out, see
recore.groups. The term in w is the intercept's, without one it goes, as do the means.
"""

import numpy as np

from recore.linalg import EPS, row_blocks
from recore.sums import Sums, total_of


class Ridge:
    """Equations (1) to (4) for the targets that have the same gaps; the form is a subclass's.

    Rows are counted among those that have an assay; `rows` says where in X they are. `at` is a
    slice or an array of such rows. Held-out errors are in units of root weight, as Y~ is.
    """

    def __init__(self, X, Y, weight, rows, columns, fit_intercept, smallest_alpha):
        self.columns, self.p = columns, X.shape[1]
        self._look_at(X, Y, weight, rows)
        parts = ((self.features(at), self.targets(at), self.weight[at]) for at in row_blocks(self.n, self.p))
        sums = total_of(Sums(*part, products=not self.wide) for part in parts)
        self._centre(sums, fit_intercept, smallest_alpha)
        self.unit = fit_intercept * self.root_w / np.sqrt(self.total)  # W^1/2 1, of length 1
        self._decompose(sums)

    def _look_at(self, X, Y, weight, rows):
        """Take rows of X and Y for the methods that read some."""
        self.X, self.Y, self.rows, self.n = X, Y, rows, len(rows)
        self.all_weights, self.weight = weight, weight[rows]
        self.root_w = np.sqrt(self.weight)
        self.weighted = np.any(self.weight != 1)
        self.refits = {}  # problems without a group, by its rows; None where there was no room
        self.looks, self.width = None, 0  # as `recore.blend.Blend.keep` sets them

    def _centre(self, sums, fit_intercept, smallest_alpha):
        """Take means and spread from the sums of all rows."""
        self.n_rows, self.total, self.smallest_alpha = sums.n, sums.total, smallest_alpha
        self.fit_intercept = fit_intercept
        rounding = (
            sums.total * (sums.n * np.finfo(float).eps * sums.y_mean) ** 2
        )  # squares that equal assays may have
        self.sst = np.where(sums.sst > rounding, sums.sst, 0.0)
        self.y_range = sums.least, sums.most
        self.lower = np.where(sums.least >= 0, 0.0, -np.inf)
        self.x_mean, self.y_mean = fit_intercept * sums.x_mean, fit_intercept * sums.y_mean

    def features(self, at):
        """Rows of X, (rows, p): a copy, laid out alike whatever X's own layout."""
        return np.array(self._of(self.X, at), dtype=np.float64, order="C")

    def targets(self, at=slice(None)):
        """Rows of Y, (t, rows)."""
        return self._of(self.Y, at)[:, self.columns].T

    def _of(self, table, at):
        """Rows of a table that has all rows; no copy where they are a slice of it."""
        return table[at] if self.n == len(table) else table.take(self.rows[at], axis=0)

    def centred(self, at):
        """Rows of X~, (rows, p)."""
        block = self.features(at)
        block -= self.x_mean
        if self.weighted:  # else a pass over all of X less
            block *= self.root_w[at, None]
        return block

    def centred_targets(self, at):
        """Rows of Y~, (t, rows)."""
        return (self.targets(at) - self.y_mean[:, None]) * self.root_w[at]

    def errors_at_lower(self, at):
        """Error of a prediction that is clipped: the largest that there can be, (t, rows)."""
        return (self.targets(at) - self.lower[:, None]) * self.root_w[at]

    def intercepts(self, coef, share=1.0):
        """Intercepts (t,) that go with coefficients (t, p), of a share of the assays."""
        return share * self.y_mean - coef @ self.x_mean

    def errors(self, at, shrink, B, room):
        """Errors of rows each once left out, (alphas, t, rows), in the array `room` where it has their shape."""
        shape = (*B.shape[:2], len(self.root_w[at]))
        if room.shape != shape:
            room = np.empty(shape)
        Z, errors = self.numerators(at, B, room)
        left = self.left(at, shrink @ np.square(Z).T)  # (alphas, rows)
        errors *= 1 / np.maximum(left, self.least)[:, None, :]
        return errors

    def errors_at(self, alphas, sampled):
        """Yield sampled rows, their errors left out, 1 / (1 + leverage), at an alpha a target, (t, rows)."""
        shrink = 1 / (self.s + alphas[:, None])  # (t, k)
        sample = np.flatnonzero(sampled)
        for part in row_blocks(len(sample), self.p):
            at = sample[part]
            Z = self.project(at)
            errors, left = (self.yz * shrink) @ Z.T, shrink @ np.square(Z).T
            errors, left = self.residual(at, errors), np.maximum(self.left(at, left), self.least)
            yield at, errors / left, left * self.cancelled(alphas[:, None])

    def numerators(self, at, B, room):
        """Z (rows, k) and the numerator of (4), (alphas, t, rows), in the array `room`."""
        Z = self.project(at)
        np.matmul(B.reshape(-1, B.shape[2]), Z.T, out=room.reshape(-1, len(Z)))
        return Z, self.residual(at, room, room)

    def shrink(self, alphas, weights):
        """Of (S + alpha)^-1 the sum over alphas, each by its weight (alphas, t): (t, k)."""
        return weights.T @ (1 / (self.s + alphas[:, None]))

    def complement(self, Z, at, alpha):
        """1 - h of rows, (rows,)."""
        left = self.left(at, np.square(Z) @ (1 / (self.s + alpha)))
        return np.maximum(left * self.cancelled(alpha), self.least)

    def complements(self, Z, at, shrink):
        """I - H of rows at some alphas, as equation (4) has it: (alphas, g, g)."""
        g, k = Z.shape
        return self.matrix_left(at, ((Z * shrink[:, None, :]).reshape(-1, k) @ Z.T).reshape(-1, g, g))

    def complements_at(self, Z, at, alpha):
        """I - H of rows at one alpha, (rows, rows)."""
        return self.complements(Z, at, 1 / (self.s + alpha)[None])[0] * self.cancelled(alpha)

    @property
    def ridges(self):
        """This one; `recore.blend.Blend` has several."""
        return [self]

    @staticmethod
    def of(ridges):
        """What is made of such `ridges`."""
        return ridges[0]

    @property
    def kept(self):
        """The axes that are more than rounding: all, or those that a mask (k,) holds."""
        kept = self.s > EPS * self.n_rows * self.s.max(initial=0)
        return slice(None) if kept.all() else kept
