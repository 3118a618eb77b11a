"""Squared errors of rows held out for the choice of alpha, their errors and spectra for bounds and limits."""

import numpy as np

from recore.groups import left_out, left_out_errors_at, members_of, spectra_apart, without
from recore.leverage import beta_of, residuals
from recore.linalg import in_threads, row_blocks

BINS = 50  # that the squared errors of groups are summed in, so that each may be judged by the others


def squared_errors(problem, alphas, groups=None, held_out=None):
    """Sums of squared errors, then once clipped, (2, bins, alphas, t), and groups that need other rows.

    Groups share BINS bins; there is one where no groups are.
    """
    # Predictions go to `held_out` (alphas, t, rows) where there is such.
    squares = np.zeros((2, 1 if groups is None else BINS, len(alphas), len(problem.columns)))
    without, looked = [], left_out(problem, alphas, groups)

    def sums_of(unit):
        """Of a unit its share, None where it needs other rows."""
        sums = np.zeros((2, *squares.shape[2:]))
        for at, errors in looked.errors(unit):  # (alphas, t, rows)
            if errors is None:
                return None
            sums[0] += sum_of_squares(errors)
            if held_out is not None:
                held_out[:, :, at] = problem.targets(at) - errors / problem.root_w[at]
            if problem.lower.max(initial=-np.inf) == 0:
                most = problem.errors_at_lower(at)
                errors = np.minimum(errors, most, out=errors if looked.kept is None else None)
            sums[1] += sum_of_squares(errors)
        return sums

    found = in_threads(sums_of, looked.units, problem.n * squares[0, 0].size)
    for unit, sums in zip(looked.units, found):
        group = 0 if groups is None else groups[problem.rows[unit[0]]]
        if sums is None:
            without.append(group)
        else:
            squares[:, group % BINS] += sums
    return squares, without


def squared_errors_at(problem, alphas, groups=None):
    """Sums of squared errors once clipped, at an alpha a target, (bins, t), as `squared_errors`; and no group."""
    squares = np.zeros((1 if groups is None else BINS, len(alphas)))
    for at, errors, _ in left_out_errors_at(problem, alphas, groups):
        np.minimum(errors, problem.errors_at_lower(at), out=errors)
        squares[bin_of(problem, at, groups)] += np.square(errors).sum(axis=1)
    return squares, []


def bin_of(problem, at, groups):
    """The bin of rows that are left out together."""
    return 0 if groups is None else groups[problem.rows[at[0]]] % BINS


def spread_in_bins(Y, groups):
    """Numbers of assays, their sums and those of their squares, (3, bins, t), of Y (n, t) with gaps."""
    known = ~np.isnan(Y)
    Y = np.where(known, Y, 0)
    bins, parts = groups % BINS, (known, Y, np.square(Y))
    return np.array([[np.bincount(bins, each, BINS) for each in values.T] for values in parts]).transpose(
        0, 2, 1
    )


def sampled_errors(problem, alphas, groups, sampled):
    """Errors of the sampled rows, without what their leverage adds, and predictions: both (t, rows)."""
    errors, fitted = [np.empty((len(alphas), 0))], [np.empty((len(alphas), 0))]
    for at, each, left in left_out_errors_at(problem, alphas, groups, sampled):
        each, left, at = each[:, sampled[at]], left[:, sampled[at]], at[sampled[at]]
        np.minimum(each, problem.errors_at_lower(at), out=each)
        fitted.append(problem.targets(at) - each / problem.root_w[at])
        errors.append(each * np.sqrt(left))
    return np.concatenate(errors, axis=1), np.concatenate(fitted, axis=1)


def sampled_spectra(problem, s, axes, alpha, groups, sampled):
    """Leverage (rows,), what (7) leaves over (rows, p) of sampled rows, and how many are held out at once."""
    beta = beta_of(s)
    leverage, left, sizes = [np.empty(0)], [np.empty((0, problem.p))], []
    if groups is None:
        sample = np.flatnonzero(sampled)
        for part in row_blocks(len(sample), problem.p):
            at = sample[part]
            centred, Z, scores = problem.scores(at)
            unexplained = residuals(centred, scores, s, axes, beta)
            unexplained /= (problem.complement(Z, at, beta) * problem.root_w[at])[:, None]
            complement = problem.complement(Z, at, alpha)
            leverage.append((1 - complement) / complement / problem.weight[at])
            left.append(unexplained)
        return np.concatenate(leverage), np.concatenate(left), np.ones(len(sample), dtype=int)
    for at in members_of(problem, groups, sampled):
        apart = without(problem, at, np.concatenate([alpha, beta]))
        if apart is not None:
            found, unexplained = spectra_apart(apart, problem.features(at), alpha, beta)
        else:
            centred, Z, scores = problem.scores(at)
            unexplained = residuals(centred, scores, s, axes, beta)
            unexplained = np.linalg.solve(problem.complements_at(Z, at, beta), unexplained)
            unexplained /= problem.root_w[at, None]
            inverse = np.linalg.inv(problem.complements_at(Z, at, alpha))
            found = (inverse.diagonal() - 1) / problem.weight[at]
        kept = sampled[at]
        leverage.append(found[kept])
        left.append(unexplained[kept])
        sizes.append(np.count_nonzero(kept))
    return np.concatenate(leverage), np.concatenate(left), np.array(sizes, dtype=int)


def sum_of_squares(errors):
    return np.einsum("atr,atr->at", errors, errors)


def r2_from_squares(sse, sst):
    """R2 as scikit-learn's `r2_score`: of a constant target 1 when met exactly, else 0."""
    return np.where(sst > 0, 1 - sse / np.where(sst > 0, sst, 1), np.where(sse == 0, 1.0, 0.0))
