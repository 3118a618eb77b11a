"""Equation (4) for rows left out together: solved, or by a fit without them where that costs or errs less."""

import copy
import threading

import numpy as np

from recore.forms import ridge_of
from recore.leverage import beyond_axes, leverages, residuals
from recore.linalg import CELLS, EPS, LOSS, eigh, row_blocks
from recore.sums import Sums, total_of

REFITS = 2**25  # numbers, 256 MB: what fits without a group may take to be kept for their second use


def members_of(problem, groups, sampled=None):
    """The rows of each group, or of each that has a sampled row."""
    groups = groups[problem.rows]
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if problem.n else []
    return members if sampled is None else [at for at in members if sampled[at].any()]


def key_of(group):
    """What tells a group from those of other ways to group the rows."""
    return group.tobytes()


class LeftOut:
    """Rows that are left out, at some alphas: each by itself, or the groups (n_rows,) of all rows together."""

    def __init__(self, problem, alphas, groups=None, sampled=None, width=0, keeps=False):
        self.problem, self.alphas, self.alone = problem, alphas, groups is None
        self.shrink = 1 / (problem.s + alphas[:, None])  # (alphas, k)
        self.B = self.shrink[:, None, :] * problem.yz  # (alphas, t, k)
        self.rooms = threading.local()  # of each thread the last block's: new memory costs more than a pass
        self.kept = {} if keeps else None  # errors that are asked for twice
        self.width = max(width, problem.p, self.B.shape[0] * self.B.shape[1])  # numbers that a row takes
        self.units = members_of(problem, groups, sampled) if groups is not None else self.blocks(sampled)

    def blocks(self, sampled):
        """All rows in slices, or the sampled ones in arrays."""
        if sampled is None:
            return row_blocks(self.problem.n, self.width)
        sample = np.flatnonzero(sampled)
        return [sample[part] for part in row_blocks(len(sample), self.width)]

    def errors(self, unit):
        """Yield rows of one of the units and their errors (alphas, t, rows), None where other rows are needed.

        Valid until the next are asked for, unless they are kept.
        """
        if self.kept is None:
            yield from self._errors(unit)
            return
        key = (unit.start, unit.stop) if self.alone else key_of(unit)
        if key not in self.kept:
            self.kept[key] = list(self._errors(unit))
        yield from self.kept[key]

    def _errors(self, unit):
        problem = self.problem
        if self.alone:
            room = getattr(self.rooms, "room", np.empty(0)) if self.kept is None else np.empty(0)
            self.rooms.room = problem.errors(unit, self.shrink, self.B, room)
            yield unit, self.rooms.room
            return
        known = key_of(unit) in problem.refits
        errors = None if known else solve_group(problem, unit, self.shrink, self.B)
        if errors is None:
            yield from refit_errors(problem, unit, self.alphas)
        else:
            yield unit, errors


def left_out(problem, alphas, groups=None, sampled=None):
    """A LeftOut of a problem, that of before where the problem keeps such and all rows are sampled."""
    if problem.looks is None or not (sampled is None or sampled.all()):
        return LeftOut(problem, alphas, groups, sampled)
    if id(groups) not in problem.looks:
        problem.looks[id(groups)] = LeftOut(problem, alphas, groups, width=problem.width, keeps=True)
    return problem.looks[id(groups)]


def left_out_errors_at(problem, alphas, groups=None, sampled=None):
    """Yield rows left out together, their errors at an alpha a target where sampled, and 1 / (1 + leverage): (t, rows)."""
    sampled = np.ones(problem.n, dtype=bool) if sampled is None else sampled
    if groups is None:
        yield from problem.errors_at(alphas, sampled)
        return
    for at in members_of(problem, groups, sampled):
        apart = without(problem, at, alphas)
        found = predict_apart(apart, problem, at, alphas) if apart else solve_group_at(problem, at, alphas)
        yield (at, *found)


def solve_group(problem, at, shrink, B):
    """Equation (4) for a group, (alphas, t, rows); None where a refit costs or errs less."""
    g, k, n_alphas = len(at), B.shape[2], len(B)
    if refit_costs_less(problem, g, n_alphas):
        return None
    Z, errors = problem.numerators(at, B, np.empty((*B.shape[:2], g)))
    step = max(1, CELLS // (g * max(g, k)))
    for a in range(0, n_alphas, step):
        some = slice(a, a + step)
        complement = problem.complements(Z, at, shrink[some])
        if loses(problem, complement[shrink[some].sum(axis=1).argmax()]):  # the smallest alpha, the hardest
            return None
        held_out = np.linalg.solve(complement, errors[some].transpose(0, 2, 1))
        errors[some] = held_out.transpose(0, 2, 1)
    return errors


def solve_group_at(problem, at, alphas):
    """Equation (4) for a group at an alpha a target, and 1 / (1 + leverage): both (t, rows)."""
    Z = problem.project(at)
    errors = problem.residual(at, (problem.yz / (problem.s + alphas[:, None])) @ Z.T)
    left = np.empty(errors.shape)
    distinct, place = np.unique(alphas, return_inverse=True)
    step = max(1, CELLS // (len(at) * max(Z.shape)))
    for a in range(0, len(distinct), step):
        some = distinct[a : a + step, None]
        inverse = np.linalg.inv(problem.complements(Z, at, 1 / (problem.s + some)))  # (alphas, g, g)
        k = np.flatnonzero((place >= a) & (place < a + step))
        errors[k] = (errors[k, None] @ inverse[place[k] - a])[:, 0]
        left[k] = 1 / np.diagonal(inverse, axis1=1, axis2=2)[place[k] - a]
    return errors, left * problem.cancelled(alphas[:, None])


def loses(problem, complement):
    """Whether rounding would show in what is divided by I - H of a group's rows, (rows, rows)."""
    least = np.linalg.eigvalsh(complement)
    return least[0] * LOSS < EPS * (least[-1] if problem.wide else 1)  # 1 is what H was taken from


def refit_costs_less(problem, g, n_alphas):
    """Whether a fit without g rows takes fewer multiplications than (4) at so many alphas."""
    k = len(problem.s)
    refit = problem.n * k**2 + 12 * k**3 if problem.wide else g * k**2 + 6 * k**3
    return n_alphas * g**2 * (k + g / 3) > refit


def without(problem, group, alphas):
    """The problem without a group where it is known already, or costs or errs less than (4), else None."""
    if key_of(group) not in problem.refits and not refit_costs_less(problem, len(group), len(alphas)):
        hardest = 1 / (problem.s + alphas.min())[None]
        if not loses(problem, problem.complements(problem.project(group), group, hardest)[0]):
            return None
    return refit(problem, group)


def refit(problem, group):
    """The problem without a group; kept for the second time it is asked for, while there is room."""
    other = problem.refits.get(key_of(group))
    if other is None:
        if not problem.wide:
            other = taken_out(problem, sums_of_scores(problem, group))
        if other is None and problem.n < problem.n_rows:
            return None  # the others are not here
        if other is None:
            rows = np.delete(problem.rows, group)
            settings = problem.columns, problem.fit_intercept, problem.smallest_alpha
            other = ridge_of(problem.X, problem.Y, problem.all_weights, rows, *settings)
        kept = sum(each is not None for each in problem.refits.values())
        room = (kept + 1) * problem.p * min(problem.n, problem.p) <= REFITS
        problem.refits[key_of(group)] = other if room else None
    return other


def refit_errors(problem, group, alphas):
    """Yield parts of a group and their errors from a fit to the others, None where those are not here."""
    other = refit(problem, group)
    if other is None:
        yield group, None
        return
    coef = other.coefficients(other.yz / (other.s + alphas[:, None, None]))  # (alphas, t, p)
    for part in row_blocks(len(group), max(problem.p, coef.shape[0] * coef.shape[1])):
        at = group[part]
        fitted = coef @ (problem.features(at) - other.x_mean).T
        errors = (problem.targets(at) - other.y_mean[:, None] - fitted) * problem.root_w[at]
        yield at, errors


def sums_of_scores(problem, group):
    """Sums of a group's rows on the axes V of a Long problem, for `taken_out`."""

    def sums(at):
        Z = (problem.features(at) - problem.x_mean) @ problem.V
        return Sums(Z, problem.targets(at) - problem.y_mean[:, None], problem.weight[at])

    return total_of(sums(group[part]) for part in row_blocks(len(group), problem.p))


def taken_out(problem, sums):
    """A Long problem without rows, from their sums on the axes V; None where rounding would show.

    With Z the rows around the mean of all and d that of the others, the others have

        X~'X~ + alpha = V (S + alpha - Z'Z - d d') V' = V (S + alpha)^1/2 M (S + alpha)^1/2 V'

    M says what share of each direction the others hold; its Cholesky factor, not the difference,
    keeps small eigenvalues.
    """
    others = problem.total - sums.total
    ratio = problem.fit_intercept * sums.total / others
    shift = sums.total * (1 + ratio)
    gone = sums.gram + np.outer(shift * sums.x_mean, sums.x_mean)
    yz = problem.yz - sums.yx - np.outer(shift * sums.y_mean, sums.x_mean)
    root = np.sqrt(problem.s + problem.smallest_alpha)
    share = np.eye(len(root)) - gone / root / root[:, None]
    if np.linalg.eigvalsh(share)[0] * LOSS < EPS * len(root) ** 2:
        return None
    factor = np.linalg.cholesky(share).T * root
    s, W = eigh(factor.T @ factor, [factor], 0.0)
    other = copy.copy(problem)
    other.refits, other.looks = {}, None  # not this one's, which may hold the other
    other.s, other.V, other.yz = np.maximum(s - problem.smallest_alpha, 0), problem.V @ W, yz @ W
    other.n_rows, other.total = problem.n_rows - sums.n, others
    other.x_mean = problem.x_mean - ratio * (problem.V @ sums.x_mean)
    other.y_mean = problem.y_mean - ratio * sums.y_mean
    return other


def predict_apart(other, problem, at, alphas):
    """Errors of rows of a problem that another has not seen, and 1 / (1 + leverage): both (t, rows)."""
    coef, intercept = other.solve(alphas)
    X = problem.features(at)
    errors = (problem.targets(at) - coef @ X.T - intercept[:, None]) * problem.root_w[at]
    _, scores, s, _, constant = scores_apart(other, X)
    leverage = constant + leverages(*scores, s, alphas)
    return errors, 1 / (1 + problem.weight[at] * leverage.T)


def spectra_apart(other, X, alpha, beta):
    """Leverage (rows,) and what (7) leaves over (rows, p) of rows that a problem has not seen."""
    centred, scores, s, axes, constant = scores_apart(other, X)
    leverage = constant + leverages(*scores, s, alpha)[:, 0]
    return leverage, residuals(centred, scores[0], s, axes, beta)


def scores_apart(other, X):
    """Rows centred in place; scores, what is beyond; eigenvalues, axes; what the intercept adds."""
    X -= other.x_mean
    s, axes = other.axes()
    scores = X @ axes.T
    return X, (scores, beyond_axes(X, scores)), s, axes, other.fit_intercept / other.total
