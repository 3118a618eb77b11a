"""The fit: alphas chosen, coefficients, bounds and limits found, all that an estimator of `mdl` learns from rows."""

import numpy as np

from recore.alphas import alphas_of
from recore.bounds import error_quantiles, spectra_limits
from recore.checks import log_edges
from recore.leverage import middle_alpha
from recore.linalg import EPS

ALPHAS = tuple(np.logspace(-5, 5, 50).tolist())  # 5 a decade, as the reference solution


def fit_to(model, data, one_target, judge):
    """Fit an estimator to Rows or to Parts."""
    grid = grid_of(model, data)
    data = model.views(data, grid)
    rule, alphas, names = data.rule, data.rule.alphas(grid), data.names
    told = {}  # of each target what `put` was given, {attribute: (t, ...)}
    together = []  # problems whose alpha is to be the same

    def put(k, **values):
        for name, each in values.items():
            told.setdefault(name, np.empty((len(names), *each.shape[1:]), each.dtype))[k] = each

    def settle(problem, found, chosen):
        k = problem.columns
        put(k, **data.folded(problem, rule.solve(problem, alphas, chosen)))
        put(k, **rule.figures(data, problem, alphas, chosen, found)._asdict())
        if model.with_bounds:
            held_out = rule.errors(data, problem, alphas, chosen)
            growth, quantiles = error_quantiles(*held_out, problem.lower)
            put(k, error_growth_=growth, error_quantiles_=quantiles)

    for problem in data.problems(grid.min()):
        one, (least, most) = np.ones(len(problem.columns)), problem.y_range
        of = {"n_rows_": problem.n_rows * one.astype(int), "weight_": problem.total * one}
        put(problem.columns, lower_=problem.lower, y_min_=least, y_max_=most, **of)
        found = rule.look(model, data, problem, alphas)
        if model.alpha_per_target:
            chosen = rule.choose(found.scores)
            settle(problem, found, chosen)
            if judge:
                judge(data, problem, alphas, chosen, found.squares)
        else:
            together.append((problem, found))
    if together:
        scores = np.concatenate([found.scores for _, found in together], axis=1)
        # squared errors count each assay the same, a scorer each target
        counts = np.concatenate([np.full(found.scores.shape[1], found.n_scored) for _, found in together])
        shared = np.average(scores, axis=1, weights=None if model.scoring else counts)
        for problem, found in together:
            settle(problem, found, np.full(len(problem.columns), shared.argmax()))
    place, varies = told.pop("place"), told.pop("varies")
    if model.with_bounds:
        log_edges(grid, place, names, varies, str(model.alphas) == "auto")

    model.target_names_, model.alphas_, told["alpha_"] = names, grid, grid[place]
    for name, values in told.items():
        values = values[0] if one_target else values
        setattr(model, name, values.item() if one_target and not values.ndim else values)
    for name, values in data.learnt().items():
        setattr(model, name, values)
    if model.with_bounds:
        whole = data.whole(grid.min())
        model.x_mean_, model.total_weight_ = whole.x_mean, float(whole.total)
        model.eigenvalues_, model.axes_ = whole.axes()
        spectra = data.spectra(whole, model.eigenvalues_, model.axes_, middle_alpha(model.alpha_))
        model.leverage_limit_, model.residual_scale_, model.residual_limit_ = spectra_limits(whole, *spectra)
    if not model.alpha_per_target:
        model.alpha_, model.best_score_ = float(grid[place[0]]), float(shared.max())
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
