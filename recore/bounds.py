"""Quantiles of held-out errors as bounds, and the limits of verdicts.

Errors grow with the leverage h and with the concentration y^ itself (Ellison & Williams 2012,
Eurachem/CITAC Guide CG 4, appendix E.5):

    s(y^)^2 = s0^2 + s1^2 y^^2                                                        (6)

The held-out errors are divided by s(y^) sqrt(1 + h) and their quantiles q kept; the bounds of a new
prediction are y^ + q s(y^) sqrt(1 + h) (Barber, Candes, Ramdas & Tibshirani 2021, Ann. Stat. 49, 486).
"""

import numpy as np

from recore.linalg import EPS, LOSS

LEVELS = np.arange(1, 400) / 400  # of the error quantiles that are kept
MOST = 0.995  # coverage, from the first of LEVELS to the last
SHARES = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99)  # of an error that may be proportional
GROWTH_ROWS = 512  # that tell how errors grow, at most
LIMIT = 0.975  # of training rows, held out, are within both limits of `applicability`


def error_quantiles(errors, fitted, lower):
    """Growth (t, 2) of held-out errors as in (6), and their quantiles LEVELS (t, levels) in its units."""
    level = np.square(fitted)
    growth = error_growth(errors, level, lower)
    errors /= np.sqrt(growth[:, :1] + growth[:, 1:] * level)
    return growth, outer_quantiles(errors, LEVELS)


def outer_quantiles(values, levels):
    """Quantiles along the last axis, the outer of two; the k-th of n values stands for k / (n + 1)."""
    values = np.sort(values, axis=-1)
    n, levels = values.shape[-1], np.asarray(levels)
    places = (n + 1) * levels - 1
    places = np.where(levels < 0.5, np.floor(places + LOSS), np.ceil(places - LOSS))
    return values[..., np.clip(places, 0, n - 1).astype(int)]


def error_growth(errors, level, lower):
    """s0^2 and s1^2 of (6), (t, 2), the likeliest for errors of a Laplace distribution.

    `level` is the square of what was predicted, (t, rows); s is 1 where it is as large as on average.
    """
    some = slice(None, None, -(-errors.shape[1] // GROWTH_ROWS))
    size, level = np.abs(errors[:, some]), level[:, some]
    typical = level.mean(axis=1, keepdims=True)
    typical[typical == 0] = 1
    shares = np.array(SHARES)
    variance = 1 - shares[:, None, None] + shares[:, None, None] * (level / typical)  # (shares, t, rows)
    with np.errstate(divide="ignore"):  # of a target that is met exactly
        loss = np.log(variance).mean(axis=-1) / 2 + np.log((size / np.sqrt(variance)).mean(axis=-1))
    share = np.where(lower < 0, 0, shares[loss.argmin(axis=0)])
    return np.column_stack([1 - share, share / typical[:, 0]])


def spectra_limits(problem, leverage, left, sizes):
    """Leverage limit, residual scale (p,) and residual limit from rows held out, `sizes` of them together."""
    squares = np.square(left)
    n, p = squares.shape
    rounding = EPS * problem.s.sum() / (problem.n_rows * p)
    least = max(rounding, np.finfo(float).tiny)
    total = np.maximum(squares.sum(axis=0), n * least)
    # A row's own residual, or its group's, is no part of what it is compared with.
    single = len(sizes) == n
    own = squares if single else np.add.reduceat(squares, np.cumsum(sizes) - sizes, axis=0)
    scale = np.maximum(total - own, least) / np.maximum(n - sizes, 1)[:, None]
    residual = np.sqrt((squares / (scale if single else scale.repeat(sizes, axis=0))).max(axis=1))
    limits = np.maximum([limit_of(leverage), limit_of(residual)], EPS)
    limits *= limit_of(np.maximum(leverage / limits[0], residual / limits[1]))  # of both at once
    return float(limits[0]), np.sqrt(total / n), float(limits[1])


def limit_of(values):
    """The quantile LIMIT, where the k-th of n values stands for k / (n + 1)."""
    n = len(values)
    return np.interp(LIMIT * (n + 1), np.arange(1, n + 1), np.sort(values))
