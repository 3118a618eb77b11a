"""The two forms of a ridge regression, equations (2) and (3) in recore.ridge: more rows than features, or no more."""

import copy

import numpy as np

from recore.linalg import EPS, eigh, row_blocks
from recore.ridge import Ridge
from recore.sums import with_assay


def ridge_of(X, Y, weight, rows, columns, fit_intercept, smallest_alpha):
    """The Long or Wide problem of rows (those of weight above 0 that have an assay) and columns of Y."""
    form = Wide if len(rows) - fit_intercept <= X.shape[1] else Long
    return form(X, Y, weight, rows, columns, fit_intercept, smallest_alpha)


class Long(Ridge):
    """More rows than features, equation (2)."""

    wide = False
    least = EPS  # of 1 - h: where rounding leaves nothing of the difference, the error is large, not infinite

    @classmethod
    def from_sums(cls, sums, columns, fit_intercept, smallest_alpha, blocks):
        """A problem of rows that are elsewhere, from their sums; `blocks` as in `eigh`."""
        self = cls.__new__(cls)
        self.columns, self.p = columns, len(sums.x_mean)
        self._centre(sums, fit_intercept, smallest_alpha)
        self._decompose(sums, blocks)
        return self

    def on(self, X, Y):
        """The same problem, looking at some rows that it was made of, with all targets."""
        self = copy.copy(self)
        self._look_at(X, Y, np.ones(len(X)), with_assay(Y, self.columns))
        self.unit = self.fit_intercept * self.root_w / np.sqrt(self.total)
        return self

    def _decompose(self, sums, blocks=None):
        """S (p,), V (p, p) and Y~'Z (t, p)."""
        gram, yx = sums.gram, sums.yx
        if not self.fit_intercept:
            gram += np.outer(sums.total * sums.x_mean, sums.x_mean)
            yx += np.outer(sums.total * sums.y_mean, sums.x_mean)
        if blocks is None:
            blocks = (self.centred(at) for at in row_blocks(self.n, self.p, 2 * self.p))
        self.s, self.V = eigh(gram, blocks, self.smallest_alpha)
        self.V[gram.diagonal() == 0] = 0  # a constant feature gets no part in any b, not even by rounding
        self.yz = yx @ self.V

    def solve(self, alphas):
        """Coefficients (t, p) and intercepts (t,) at one alpha for each target."""
        coef = self.coefficients(self.yz / (self.s + alphas[:, None]))
        return coef, self.intercepts(coef)

    def average(self, alphas, weights):
        """As `solve`, the sum of those at all alphas, each by its weight, (alphas, t)."""
        coef = self.coefficients(self.yz * self.shrink(alphas, weights))
        return coef, self.intercepts(coef, weights.sum(axis=0))

    def coefficients(self, shrunk):
        """From Y~'Z (S + alpha)^-1, (..., t, k), to coefficients, (..., t, p)."""
        return shrunk @ self.V.T

    def axes(self):
        """Eigenvalues (k,) and axes (k, p) of X~'X~, those of rounding left out."""
        return self.s[self.kept], np.ascontiguousarray(self.V.T[self.kept])

    def project(self, at):
        """Rows of Z, (rows, k)."""
        return self.centred(at) @ self.V

    def scores(self, at):
        """Rows of X~ (rows, p), of Z (rows, k), and of their scores on `axes`."""
        centred = self.centred(at)
        Z = centred @ self.V
        return centred, Z, Z[:, self.kept]

    def residual(self, at, fitted, out=None):
        """The numerator of (4) from what is fitted, (..., t, rows)."""
        return np.subtract(self.centred_targets(at), fitted, out=out)

    def left(self, at, product):
        """Diagonal of I - H from that of Z (S + alpha)^-1 Z', (..., rows)."""
        return 1 - np.square(self.unit[at]) - product

    def matrix_left(self, at, product):
        """I - H from Z (S + alpha)^-1 Z', (..., rows, rows)."""
        unit = self.unit[at]
        return np.eye(len(unit)) - np.outer(unit, unit) - product

    def cancelled(self, alphas):
        """What numerator and denominator of (4) are to be multiplied by: nothing is left out here."""
        return 1.0


class Wide(Ridge):
    """No more rows than features, equation (3); `residual` and `left` are divided by alpha, see (4)."""

    wide = True
    least = np.finfo(float).tiny  # there is no difference, and what is left may be small

    def _decompose(self, sums):
        """S (k,), Z (n, k) and Y~'Z (t, k), the intercept's direction taken out first."""
        u = self.unit.copy()
        u[0] += self.fit_intercept  # reflects `unit` onto the first axis, which is then left out
        u *= np.sqrt(2 / max(u @ u, 1))
        first = int(self.fit_intercept)

        def blocks(at_least=1):
            for columns in row_blocks(self.p, self.n, at_least):
                block = self._columns(columns).T  # (columns, n)
                yield (block - np.outer(block @ u, u))[:, first:]

        gram = sum(block.T @ block for block in blocks())
        self.s, V = eigh(gram, blocks(2 * self.n), self.smallest_alpha)
        Z = np.zeros((self.n, len(self.s)))
        Z[first:] = V
        self.Z = Z - np.outer(u, u @ Z)
        self.yz = sum(self.centred_targets(at) @ self.Z[at] for at in row_blocks(self.n, self.n))

    def _columns(self, columns):
        """Columns of X~, (n, columns)."""
        block = np.asarray(self.X[:, columns].take(self.rows, axis=0), dtype=np.float64)
        return (block - self.x_mean[columns]) * self.root_w[:, None]

    def solve(self, alphas):
        shrunk = self.yz / (self.s + alphas[:, None])  # (t, k)
        coef = self.coefficients(shrunk)
        # X~'a sums large numbers that cancel: what rounding leaves of Y~ is fitted once more
        left = self.centred_targets(slice(None)) - alphas[:, None] * (shrunk @ self.Z.T)  # (t, n)
        coef += self.coefficients(self._unfitted(left, coef) @ self.Z / (self.s + alphas[:, None]))
        return coef, self.intercepts(coef)

    def average(self, alphas, weights):
        shrink = self.shrink(alphas, weights)
        coef = self.coefficients(self.yz * shrink)
        left = (self.yz * (shrink * self.s)) @ self.Z.T  # what b fits, but for rounding, as in `solve`
        coef += self.coefficients((self._unfitted(left, coef) @ self.Z) * shrink)
        return coef, self.intercepts(coef, weights.sum(axis=0))

    def _unfitted(self, left, coef):
        """What coefficients leave of Y~, (t, n), in place."""
        for columns in row_blocks(self.p, self.n):
            left -= coef[:, columns] @ self._columns(columns).T
        return left

    def coefficients(self, shrunk):
        dual = shrunk @ self.Z.T  # (..., t, n)
        parts = [dual @ self._columns(columns) for columns in row_blocks(self.p, self.n)]
        return np.concatenate(parts, axis=-1)

    def axes(self):
        kept = self.kept
        Z = self.Z[:, kept].T / np.sqrt(self.s[kept, None])
        parts = [Z @ self._columns(columns) for columns in row_blocks(self.p, self.n)]
        return self.s[kept], np.concatenate(parts, axis=1)

    def project(self, at):
        return self.Z[at]

    def scores(self, at):
        Z = self.Z[at]
        return self.centred(at), Z, (Z * np.sqrt(self.s))[:, self.kept]

    def residual(self, at, fitted, out=None):
        """As Long's, divided by alpha."""
        return fitted

    def left(self, at, product):
        """As Long's, divided by alpha."""
        return product

    matrix_left = left

    def cancelled(self, alphas):
        return alphas
