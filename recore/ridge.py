"""Equations (1) to (4): a ridge regression for all alphas and targets at once, and its errors held out."""

import copy

import numpy as np

from recore.leverage import beyond_axes, leverages, residuals
from recore.linalg import CELLS, EPS, LOSS, eigh, row_blocks, weighted_mean

REFITS = 2**25  # numbers, 256 MB: what fits without a group may take to be kept for their second use


class Sums:
    """What (2) needs of some rows, around their own mean; sums of two sets of rows add up to those of both.

    Chan, Golub & LeVeque (1983) Am. Stat. 37, 242.
    """

    def __init__(self, X, Y, weight, products=True):
        """Of X (rows, p) and Y (t, rows); without `products` only what the wide form needs."""
        self.n, self.total = len(X), weight.sum()
        self.x_mean, self.y_mean = weighted_mean(X, weight), weighted_mean(Y.T, weight)  # (p,), (t,)
        self.least = Y.min(axis=1)  # (t,)
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
        some.y_mean, some.least, some.sst = self.y_mean[targets], self.least[targets], self.sst[targets]
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
        self.least = np.minimum(self.least, other.least)
        self.x_mean, self.y_mean = self.x_mean + share * dx, self.y_mean + share * dy
        self.n, self.total = self.n + other.n, self.total + other.total
        return self


class Ridge:
    """Equations (1) to (4) for the targets that have the same gaps.

    Rows are counted among those that have an assay; `rows` says where in X they are. `at` is a
    slice or an array of such rows. Held-out errors are in units of root weight, as Y~ is.
    """

    def __init__(self, X, Y, weight, rows, columns, fit_intercept, smallest_alpha):
        self.columns, self.p = columns, X.shape[1]
        self._look_at(X, Y, weight, rows)
        self.wide = self.n - fit_intercept <= self.p
        parts = row_blocks(self.n, self.p)
        sums = self._sums(parts[0])
        for at in parts[1:]:
            sums.add(self._sums(at))
        self._centre(sums, fit_intercept, smallest_alpha)
        self.unit = fit_intercept * self.root_w / np.sqrt(self.total)  # W^1/2 1, of length 1
        # Of 1 - h: where rounding leaves nothing of the difference, the error is large, not infinite.
        # The wide form has no difference, and may be small.
        self.least = np.finfo(float).tiny if self.wide else EPS
        if self.wide:
            self.s, self.Z = self._decompose_wide()  # (k,), (n, k)
            parts = row_blocks(self.n, self.n)
            self.yz = sum(self.centred_targets(at) @ self.Z[at] for at in parts)  # Y~'Z, (t, k)
        else:
            self._decompose_long(sums, (self.centred(at) for at in row_blocks(self.n, self.p, 2 * self.p)))

    @classmethod
    def of(cls, sums, columns, fit_intercept, smallest_alpha, blocks):
        """A problem of rows that are elsewhere, from their sums; `blocks` as in `eigh`."""
        self = cls.__new__(cls)
        self.columns, self.p, self.wide, self.least = columns, len(sums.x_mean), False, EPS
        self._centre(sums, fit_intercept, smallest_alpha)
        self._decompose_long(sums, blocks)
        return self

    def on(self, X, Y):
        """The same problem, looking at some rows that it was made of, with all targets."""
        self = copy.copy(self)
        self._look_at(X, Y, np.ones(len(X)), with_assay(Y, self.columns))
        self.unit = self.fit_intercept * self.root_w / np.sqrt(self.total)
        return self

    def _look_at(self, X, Y, weight, rows):
        """Take rows of X and Y for the methods that read some."""
        self.X, self.Y, self.rows, self.n = X, Y, rows, len(rows)
        self.all_weights, self.weight = weight, weight[rows]
        self.root_w = np.sqrt(self.weight)
        self.weighted = np.any(self.weight != 1)
        self.refits = {}  # problems without a group, by its first row; None where there was no room

    def _sums(self, at):
        return Sums(self.features(at), self.targets(at), self.weight[at], not self.wide)

    def _centre(self, sums, fit_intercept, smallest_alpha):
        """Take means and spread from the sums of all rows."""
        self.n_rows, self.total, self.smallest_alpha = sums.n, sums.total, smallest_alpha
        self.fit_intercept = fit_intercept
        self.sst, self.lower = sums.sst, np.where(sums.least >= 0, 0.0, -np.inf)
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

    def _decompose_long(self, sums, blocks):
        """Equation (2): S (p,), V (p, p) and Y~'Z (t, p)."""
        gram, yx = sums.gram, sums.yx
        if not self.fit_intercept:
            gram += np.outer(sums.total * sums.x_mean, sums.x_mean)
            yx += np.outer(sums.total * sums.y_mean, sums.x_mean)
        self.s, self.V = eigh(gram, blocks, self.smallest_alpha)
        self.V[gram.diagonal() == 0] = 0  # a constant feature gets no part in any b, not even by rounding
        self.yz = yx @ self.V

    def _decompose_wide(self):
        """Equation (3): S (k,) and Z (n, k), the intercept's direction taken out first."""
        u = self.unit.copy()
        u[0] += self.fit_intercept  # reflects `unit` onto the first axis, which is then left out
        u *= np.sqrt(2 / max(u @ u, 1))
        first = int(self.fit_intercept)

        def blocks(at_least=1):
            for columns in row_blocks(self.p, self.n, at_least):
                block = self._columns(columns).T  # (columns, n)
                yield (block - np.outer(block @ u, u))[:, first:]

        gram = sum(block.T @ block for block in blocks())
        s, V = eigh(gram, blocks(2 * self.n), self.smallest_alpha)
        Z = np.zeros((self.n, len(s)))
        Z[first:] = V
        return s, Z - np.outer(u, u @ Z)

    def _columns(self, columns):
        """Columns of X~, (n, columns)."""
        block = np.asarray(self.X[:, columns].take(self.rows, axis=0), dtype=np.float64)
        return (block - self.x_mean[columns]) * self.root_w[:, None]

    def _project(self, at):
        """Rows of Z, (rows, k)."""
        return self.Z[at] if self.wide else self.centred(at) @ self.V

    def solve(self, alphas):
        """Coefficients (t, p) and intercepts (t,) at one alpha for each target."""
        shrunk = self.yz / (self.s + alphas[:, None])  # (t, k)
        coef = self.coefficients(shrunk)
        if self.wide:
            # X~'a sums large numbers that cancel: what rounding leaves of Y~ is fitted once more
            left = self.centred_targets(slice(None)) - alphas[:, None] * (shrunk @ self.Z.T)  # (t, n)
            for columns in row_blocks(self.p, self.n):
                left -= coef[:, columns] @ self._columns(columns).T
            coef += self.coefficients(left @ self.Z / (self.s + alphas[:, None]))
        return coef, self.y_mean - coef @ self.x_mean

    def coefficients(self, shrunk):
        """From Y~'Z (S + alpha)^-1, (..., t, k), to coefficients, (..., t, p)."""
        if not self.wide:
            return shrunk @ self.V.T
        dual = shrunk @ self.Z.T  # (..., t, n)
        parts = [dual @ self._columns(columns) for columns in row_blocks(self.p, self.n)]
        return np.concatenate(parts, axis=-1)

    def errors(self, alphas, groups=None):
        """Yield rows and their held-out errors (alphas, t, rows), valid until the next are asked for."""
        shrink = 1 / (self.s + alphas[:, None])  # (alphas, k)
        B = shrink[:, None, :] * self.yz  # (alphas, t, k)
        if groups is None:
            room = np.empty(0)
            for at in row_blocks(self.n, max(self.p, B.shape[0] * B.shape[1])):
                shape = (*B.shape[:2], at.stop - at.start)
                if room.shape != shape:  # else the last block's: new memory costs more than a pass
                    room = np.empty(shape)
                Z, errors = self._residuals(at, B, room)
                complement = shrink @ np.square(Z).T  # diagonal of I - H, (alphas, rows)
                if not self.wide:
                    complement = 1 - np.square(self.unit[at]) - complement
                errors *= 1 / np.maximum(complement, self.least)[:, None, :]
                yield at, errors
            return
        for at in self.members(groups):
            errors = None if at[0] in self.refits else self._solve_group(at, shrink, B)
            if errors is None:
                yield from self._refit_without(at, alphas)
            else:
                yield at, errors

    def members(self, groups, sampled=None):
        """The rows of each group, or of each that has a sampled row."""
        groups = groups[self.rows]
        order = np.argsort(groups, kind="stable")
        members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if self.n else []
        return members if sampled is None else [at for at in members if sampled[at].any()]

    def errors_at(self, alphas, groups=None, sampled=None):
        """Yield rows, their held-out errors and 1 / (1 + leverage), at an alpha a target: both (t, rows).

        Of the sampled rows, or of the groups that have such; of all by default.
        """
        sampled = np.ones(self.n, dtype=bool) if sampled is None else sampled
        shrink = 1 / (self.s + alphas[:, None])  # (t, k)
        if groups is None:
            sample = np.flatnonzero(sampled)
            for part in row_blocks(len(sample), self.p):
                at = sample[part]
                Z = self._project(at)
                errors, left = (self.yz * shrink) @ Z.T, shrink @ np.square(Z).T
                if not self.wide:
                    errors, left = self.centred_targets(at) - errors, 1 - np.square(self.unit[at]) - left
                left = np.maximum(left, self.least)
                yield at, errors / left, left * alphas[:, None] if self.wide else left
            return
        for at in self.members(groups, sampled):
            apart = self.without(at, alphas)
            if apart is None:
                errors, left = self._solve_group_at(at, alphas)
            else:
                errors, left = apart.predict_apart(self, at, alphas)
            yield at, errors, left

    def _solve_group_at(self, at, alphas):
        """Equation (4) for a group at an alpha a target, and 1 / (1 + leverage): both (t, rows)."""
        Z, unit = self._project(at), self.unit[at]
        errors = (self.yz / (self.s + alphas[:, None])) @ Z.T
        if not self.wide:
            errors = self.centred_targets(at) - errors
        left = np.empty(errors.shape)
        distinct, place = np.unique(alphas, return_inverse=True)
        step = max(1, CELLS // (len(at) * max(Z.shape)))
        for a in range(0, len(distinct), step):
            some = distinct[a : a + step, None]
            inverse = np.linalg.inv(self._complements(Z, unit, 1 / (self.s + some)))  # (alphas, g, g)
            k = np.flatnonzero((place >= a) & (place < a + step))
            errors[k] = (errors[k, None] @ inverse[place[k] - a])[:, 0]
            left[k] = 1 / np.diagonal(inverse, axis1=1, axis2=2)[place[k] - a]
        return errors, left * alphas[:, None] if self.wide else left

    @property
    def kept(self):
        """The axes that are more than rounding: all, or those that a mask (k,) holds."""
        kept = self.s > EPS * self.n_rows * self.s.max(initial=0)
        return slice(None) if kept.all() else kept

    def axes(self):
        """Eigenvalues (k,) and axes (k, p) of X~'X~, those of rounding left out."""
        kept = self.kept
        if not self.wide:
            return self.s[kept], np.ascontiguousarray(self.V.T[kept])
        Z = self.Z[:, kept].T / np.sqrt(self.s[kept, None])
        parts = [Z @ self._columns(columns) for columns in row_blocks(self.p, self.n)]
        return self.s[kept], np.concatenate(parts, axis=1)

    def complement(self, Z, at, alpha):
        """1 - h of rows, (rows,)."""
        product = np.square(Z) @ (1 / (self.s + alpha))
        left = alpha * product if self.wide else 1 - np.square(self.unit[at]) - product
        return np.maximum(left, self.least)

    def complements(self, Z, at, alpha):
        """I - H of rows, (rows, rows)."""
        product = self._complements(Z, self.unit[at], 1 / (self.s + alpha)[None])[0]
        return alpha * product if self.wide else product

    def scores(self, at):
        """Rows of X~ (rows, p), of Z (rows, k), and of their scores on `axes`."""
        centred = self.centred(at)
        Z = self.Z[at] if self.wide else centred @ self.V
        return centred, Z, (Z * np.sqrt(self.s) if self.wide else Z)[:, self.kept]

    def _complements(self, Z, unit, shrink):
        """I - H of some rows at some alphas, as equation (4) has it: (alphas, g, g)."""
        g, k = Z.shape
        product = ((Z * shrink[:, None, :]).reshape(-1, k) @ Z.T).reshape(-1, g, g)
        return product if self.wide else np.eye(g) - np.outer(unit, unit) - product

    def _residuals(self, at, B, room):
        """Z (rows, k) and the numerator of (4), (alphas, t, rows), in the array `room`."""
        Z = self._project(at)
        np.matmul(B.reshape(-1, B.shape[2]), Z.T, out=room.reshape(-1, len(Z)))
        if not self.wide:
            np.subtract(self.centred_targets(at), room, out=room)
        return Z, room

    def _solve_group(self, at, shrink, B):
        """Equation (4) for a group, (alphas, t, rows); None where a refit costs or errs less."""
        g, k, n_alphas = len(at), B.shape[2], len(B)
        if self._refit_costs_less(g, n_alphas):
            return None
        Z, errors = self._residuals(at, B, np.empty((*B.shape[:2], g)))
        unit = self.unit[at]
        step = max(1, CELLS // (g * max(g, k)))
        for a in range(0, n_alphas, step):
            some = slice(a, a + step)
            complement = self._complements(Z, unit, shrink[some])
            if self._loses(complement[shrink[some].sum(axis=1).argmax()]):  # the smallest alpha, the hardest
                return None
            held_out = np.linalg.solve(complement, errors[some].transpose(0, 2, 1))
            errors[some] = held_out.transpose(0, 2, 1)
        return errors

    def _loses(self, complement):
        """Whether rounding would show in what is divided by I - H of a group's rows, (rows, rows)."""
        least = np.linalg.eigvalsh(complement)
        return least[0] * LOSS < EPS * (least[-1] if self.wide else 1)  # 1 is what H was taken from

    def _refit_costs_less(self, g, n_alphas):
        """Whether a fit without g rows takes fewer multiplications than (4) at so many alphas."""
        k = len(self.s)
        refit = self.n * k**2 + 12 * k**3 if self.wide else g * k**2 + 6 * k**3
        return n_alphas * g**2 * (k + g / 3) > refit

    def refit(self, group):
        """The problem without a group; kept for the second time it is asked for, while there is room."""
        other = self.refits.get(group[0])
        if other is None:
            if not self.wide:
                other = self.apart(self.sums_of_scores(group))
            if other is None and self.n < self.n_rows:
                return None  # the others are not here
            if other is None:
                rows = np.delete(self.rows, group)
                settings = self.columns, self.fit_intercept, self.smallest_alpha
                other = Ridge(self.X, self.Y, self.all_weights, rows, *settings)
            kept = sum(each is not None for each in self.refits.values())
            room = (kept + 1) * self.p * min(self.n, self.p) <= REFITS
            self.refits[group[0]] = other if room else None
        return other

    def sums_of_scores(self, group):
        """Sums of a group's rows on the axes V, for `apart`."""
        sums = None
        for part in row_blocks(len(group), self.p):
            at = group[part]
            Z = (self.features(at) - self.x_mean) @ self.V
            each = Sums(Z, self.targets(at) - self.y_mean[:, None], self.weight[at])
            sums = each if sums is None else sums.add(each)
        return sums

    def apart(self, sums):
        """The problem without rows, from their sums on the axes V; None where rounding would show.

        With Z the rows around the mean of all and d that of the others, the others have

            X~'X~ + alpha = V (S + alpha - Z'Z - d d') V' = V (S + alpha)^1/2 M (S + alpha)^1/2 V'

        M says what share of each direction the others hold; its Cholesky factor, not the difference,
        keeps small eigenvalues.
        """
        others = self.total - sums.total
        shift = sums.total * (1 + self.fit_intercept * sums.total / others)
        gone = sums.gram + np.outer(shift * sums.x_mean, sums.x_mean)
        yz = self.yz - sums.yx - np.outer(shift * sums.y_mean, sums.x_mean)
        root = np.sqrt(self.s + self.smallest_alpha)
        share = np.eye(len(root)) - gone / root / root[:, None]
        if np.linalg.eigvalsh(share)[0] * LOSS < EPS * len(root) ** 2:
            return None
        factor = np.linalg.cholesky(share).T * root
        s, W = eigh(factor.T @ factor, [factor], 0.0)
        other = copy.copy(self)
        other.refits = {}  # not this one's, which may hold the other
        other.s, other.V, other.yz = np.maximum(s - self.smallest_alpha, 0), self.V @ W, yz @ W
        other.n_rows, other.total = self.n_rows - sums.n, others
        ratio = self.fit_intercept * sums.total / others
        other.x_mean = self.x_mean - ratio * (self.V @ sums.x_mean)
        other.y_mean = self.y_mean - ratio * sums.y_mean
        return other

    def without(self, group, alphas):
        """The problem without a group where it was asked for before, or costs or errs less than (4), else None."""
        if (
            group[0] in self.refits
            or self._refit_costs_less(len(group), len(alphas))
            or self._loses(
                self._complements(self._project(group), self.unit[group], 1 / (self.s + alphas.min())[None])[
                    0
                ]
            )
        ):
            return self.refit(group)
        return None

    def _refit_without(self, group, alphas):
        """Yield parts of a group and their errors (alphas, t, rows) from a fit to the other rows.

        Or the group and None, when that takes rows that are not here.
        """
        other = self.refit(group)
        if other is None:
            yield group, None
            return
        coef = other.coefficients(other.yz / (other.s + alphas[:, None, None]))  # (alphas, t, p)
        size = max(self.p, coef.shape[0] * coef.shape[1])
        for part in row_blocks(len(group), size):
            at = group[part]
            fitted = coef @ (self.features(at) - other.x_mean).T
            errors = (self.targets(at) - other.y_mean[:, None] - fitted) * self.root_w[at]
            yield at, errors

    def predict_apart(self, whole, at, alphas):
        """Errors of rows of `whole` that this problem has not seen, and 1 / (1 + leverage): (t, rows)."""
        coef, intercept = self.solve(alphas)
        X = whole.features(at)
        errors = (whole.targets(at) - coef @ X.T - intercept[:, None]) * whole.root_w[at]
        X -= self.x_mean
        s, axes = self.axes()
        scores = X @ axes.T
        leverage = self.fit_intercept / self.total + leverages(scores, beyond_axes(X, scores), s, alphas)
        return errors, 1 / (1 + whole.weight[at] * leverage.T)

    def spectra_apart(self, X, alpha, beta):
        """Leverage (rows,) and what (7) leaves over (rows, p) of rows that this problem has not seen."""
        X -= self.x_mean
        s, axes = self.axes()
        scores = X @ axes.T
        leverage = self.fit_intercept / self.total + leverages(scores, beyond_axes(X, scores), s, alpha)[:, 0]
        return leverage, residuals(X, scores, s, axes, beta)


def with_assay(Y, targets):
    """The rows that have the assays of targets with the same gaps; all, where there is no target."""
    return np.flatnonzero(~np.isnan(Y[:, targets[0]])) if targets else np.arange(len(Y))
