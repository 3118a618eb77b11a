"""What alpha is chosen by: scikit-learn's scorers, or a sum of squared errors where that is enough."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import check_scoring

from recore.held_out import r2_from_squares
from recore.linalg import CELLS

BY_ERROR = (None, "neg_mean_squared_error", "r2")  # scorings that a sum of squared errors is enough for


def held_out_scores(model, data, problem, alphas, n_scored):
    """Squares (2, bins, n_alphas, n_targets); scores, R2 and RMSE once clipped: (n_alphas, n_targets)."""
    if model.scoring in BY_ERROR:  # the sum is enough
        squares = data.squares(problem, alphas)
    else:
        shape = len(problem.columns), problem.n
        step = max(1, 4 * CELLS // (shape[0] * shape[1]))
        scores, parts = np.empty((len(alphas), shape[0])), []
        for a in range(0, len(alphas), step):
            some = slice(a, a + step)
            held_out = np.empty((len(alphas[some]), *shape))
            parts.append(data.squares(problem, alphas[some], held_out=held_out))
            scores[some] = score(model, held_out, problem, data.weighted)
        squares = np.concatenate(parts, axis=2)
    sse, clipped_sse = squares.sum(axis=1)
    if model.scoring is None:
        scores = -sse / n_scored  # as RidgeCV: over the rows, whatever their weights
    elif model.scoring == "neg_mean_squared_error":
        scores = -sse / problem.total
    elif model.scoring == "r2":
        scores = r2_from_squares(sse, problem.sst)
    r2, rmse = r2_from_squares(clipped_sse, problem.sst), np.sqrt(clipped_sse / problem.total)
    return squares, scores, r2, rmse


def score(model, held_out, problem, weighted):
    """A scorer's opinion of held-out predictions (n_alphas, n_targets, n_rows)."""
    scorer = check_scoring(model, scoring=model.scoring)
    Y = problem.targets()
    weights = {"sample_weight": problem.weight} if weighted else {}
    if not model.alpha_per_target and 1 < len(Y) == problem.Y.shape[1]:
        return [[scorer(Identity(), H.T, Y.T, **weights)] * len(Y) for H in held_out]
    return [[scorer(Identity(), h, y, **weights) for h, y in zip(H, Y)] for H in held_out]


class Identity(RegressorMixin, BaseEstimator):
    """Hands a scorer the predictions that it is given as X."""

    def predict(self, X):
        return X
