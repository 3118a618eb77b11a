"""The fit: alphas chosen, coefficients, bounds and limits found, all that an estimator of `mdl` learns from rows."""

import numpy as np

from recore.alphas import alphas_of
from recore.bounds import LEVELS, error_quantiles, spectra_limits
from recore.checks import log_edges
from recore.choice import held_out_scores
from recore.leverage import middle_alpha
from recore.linalg import EPS

ALPHAS = tuple(np.logspace(-5, 5, 50).tolist())  # 5 a decade, as the reference solution
PER_TARGET = "alpha_ best_score_ intercept_ lower_ y_min_ y_max_ cv_r2_ cv_rmse_ n_rows_ weight_".split()


def fit_to(model, data, one_target, judge):
    """Fit an estimator to Rows or to Parts."""
    alphas, names = grid_of(model, data), data.names
    n_targets = len(names)
    scores, r2, rmse = np.empty((3, len(alphas), n_targets))
    coef = np.empty((n_targets, model.n_features_in_))
    intercept, lower, total_weight, y_min, y_max = np.empty((5, n_targets))
    growth, quantiles = np.empty((n_targets, 2)), np.empty((n_targets, len(LEVELS)))
    best, n_scored, n_rows = np.empty((3, n_targets), dtype=int)
    problems = []

    def settle(problem):
        k = problem.columns
        coef[k], intercept[k] = problem.solve(alphas[best[k]])
        if model.with_bounds:
            held_out = data.errors(problem, alphas[best[k]])
            growth[k], quantiles[k] = error_quantiles(*held_out, problem.lower)

    for problem in data.problems(alphas.min()):
        k = problem.columns
        lower[k], n_rows[k], total_weight[k] = problem.lower, problem.n_rows, problem.total
        y_min[k], y_max[k] = problem.y_range
        n_scored[k] = data.n_scored(problem)
        squares, scores[:, k], r2[:, k], rmse[:, k] = held_out_scores(
            model, data, problem, alphas, n_scored[k]
        )
        if model.alpha_per_target:
            best[k] = scores[:, k].argmax(axis=0)  # a tie takes the first
            settle(problem)
            if judge:
                judge(data, problem, alphas, best[k], squares)
        else:
            problems.append(problem)
    best_score = scores.max(axis=0)
    if not model.alpha_per_target:
        # squared errors count each assay the same, a scorer each target
        shared = np.average(scores, axis=1, weights=None if model.scoring else n_scored)
        best[:], best_score = shared.argmax(), shared.max()
        for problem in problems:
            settle(problem)
    if model.with_bounds:
        log_edges(alphas, best, names, np.ptp(rmse, axis=0) > 0, str(model.alphas) == "auto")

    at_best = best, np.arange(n_targets)
    if one_target:
        coef, growth, quantiles = coef[0], growth[0], quantiles[0]
    model.target_names_ = names
    model.alphas_, model.alpha_, model.best_score_ = alphas, alphas[best], best_score
    model.coef_, model.intercept_, model.lower_ = coef, intercept, lower
    model.cv_r2_, model.cv_rmse_, model.n_rows_ = r2[at_best], rmse[at_best], n_rows
    model.weight_, model.y_min_, model.y_max_ = total_weight, y_min, y_max
    if model.with_bounds:
        model.error_growth_, model.error_quantiles_ = growth, quantiles
        whole = data.whole(alphas.min())
        model.x_mean_, model.total_weight_ = whole.x_mean, float(whole.total)
        model.eigenvalues_, model.axes_ = whole.axes()
        spectra = data.spectra(whole, model.eigenvalues_, model.axes_, middle_alpha(model.alpha_))
        model.leverage_limit_, model.residual_scale_, model.residual_limit_ = spectra_limits(whole, *spectra)
    if not model.alpha_per_target:
        model.alpha_, model.best_score_ = float(model.alpha_[0]), float(best_score)
    for name in PER_TARGET if one_target else ():
        setattr(model, name, np.asarray(getattr(model, name)).item())
    return model


def grid_of(model, data):
    """The alphas to choose from."""
    if isinstance(model.alphas, str) and model.alphas == "auto":
        s = data.whole(0.0).s
        s = s[s > EPS * s.max(initial=0)]
        if not len(s):
            return np.array(ALPHAS)
        # a tenth of the smallest leaves b as it is, ten times the largest leaves little of b
        return np.logspace(np.log10(s.min() / 10), np.log10(s.max() * 10), len(ALPHAS))
    if isinstance(model.alphas, str):
        return np.array(alphas_of(model.alphas))
    try:
        alphas = np.array(model.alphas, dtype=float, ndmin=1)
    except (TypeError, ValueError):
        alphas = np.empty(0)
    if alphas.ndim != 1 or not alphas.size or not np.all((alphas > 0) & (alphas < np.inf)):
        expected = "'auto' or a list of positive finite numbers"
        remedy = "leave it out for 50 values from 1e-5 to 1e5"
        raise ValueError(f"alphas is {model.alphas!r}, expected {expected}; {remedy}")
    return alphas
