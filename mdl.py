"""Multi-target ridge regression with an exact, closed-form choice of alpha.

    from mdl import ZeroClippedRidgeCV
    model = ZeroClippedRidgeCV().fit(features, assays, groups=sites)

Spectra X (n, p), assays Y (n, t), row weights w, W = diag(w). Rows are centred on their
weighted mean and scaled by the root of their weight, X~ = W^1/2 (X - mean), Y~ alike, so that

    b(alpha) = argmin_b |Y~ - X~ b|^2 + alpha |b|^2 = (X~'X~ + alpha I)^-1 X~'Y~      (1)

One eigendecomposition serves every alpha and every target. Of the two that give the same b,
the smaller is taken:

    long   X~'X~ = V S V',  Z = X~ V,  b = V (S + alpha)^-1 Z'Y~                      (2)
    wide   X~ X~' = Z S Z',             b = X~'Z (S + alpha)^-1 Z'Y~                  (3)

Let H be the matrix that maps Y~ to its fit. The errors that rows g would have, had the model
been fitted without them, need no second fit:

    e_g = (I - H_gg)^-1 r_g,   r = (I - H) Y~                                         (4)
    long   H = Z (S + alpha)^-1 Z' + w^1/2 w^1/2' / sum(w)
    wide   I - H = alpha Z (S + alpha)^-1 Z'    (alpha cancels in (4))

With g one row, (4) is a division: leave-one-out. With g the rows of a site, it is
leave-one-group-out. The term in w is the intercept's, without one it goes, as do the means.

How far to trust a prediction follows from the same errors. The leverage of a new row x,

    h = 1 / sum(w) + x~' (X~'X~ + alpha)^-1 x~                                        (5)

is what the uncertainty of b adds to that of the assays: an error grows with sqrt(1 + h), for a
row held out h = [(I - H_gg)^-1]_ii - 1. Errors also grow with the concentration y^ itself,

    s(y^)^2 = s0^2 + s1^2 y^^2                                                        (6)

So the held-out errors are divided by s(y^) sqrt(1 + h) and their quantiles q kept; the bounds of
a new prediction are y^ + q s(y^) sqrt(1 + h). What of its spectrum the training spectra do not
explain is what a ridge regression of the spectra on themselves leaves over,

    r = x~ - X~'X~ (X~'X~ + beta)^-1 x~,   beta = UNEXPLAINED trace(X~'X~)            (7)

and for a row held out, exactly, r_g as in (4).

Sources: (4) Allen (1974) Technometrics 16, 125; (5) Martens & Naes (1989) Multivariate
Calibration; (6) Ellison & Williams (2012) Eurachem/CITAC Guide CG 4, appendix E.5; quantiles of
held-out errors as bounds Barber, Candes, Ramdas & Tibshirani (2021) Ann. Stat. 49, 486.
"""

import copy
import io
import logging
from functools import partial
from itertools import chain
from numbers import Real
from typing import Any, NamedTuple, Optional

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import RidgeCV
from sklearn.metrics import check_scoring
from sklearn.utils import check_array
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

try:
    from sklearn.utils.validation import validate_data  # scikit-learn >= 1.6
except ImportError:
    validate_data = None

logger = logging.getLogger(__name__)

ALPHAS = tuple(np.logspace(-5, 5, 50).tolist())  # 5 a decade, as the reference solution
CELLS = 2**20  # numbers in one temporary array, 8 MB: a few of them fit a processor's cache
PART = 2**21  # numbers, 16 MB: rows of a store that are in work at a time
EPS = np.finfo(float).eps
REFITS = 2**25  # numbers, 256 MB: what fits without a group may take to be kept for their second use
LOSS = 1e-8  # relative error, by estimate, beyond which a slower and safer form is taken
BY_ERROR = (None, "neg_mean_squared_error", "r2")  # scorings that a sum of squared errors is enough for
PER_TARGET = "alpha_ best_score_ intercept_ lower_ cv_r2_ cv_rmse_ n_rows_ weight_".split()
LEVELS = np.arange(1, 400) / 400  # of the error quantiles that are kept
MOST = 0.995  # coverage, from the first of LEVELS to the last
SHARES = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99)  # of an error that may be proportional
UNEXPLAINED = 1e-6  # of the spectra's variance; less than that is noise, see equation (7)
GROWTH_ROWS = 512  # that tell how errors grow, at most
LIMIT = 0.975  # of training rows, held out, are within both limits of `applicability`
CALIBRATION = 2**13  # rows, evenly spaced, that quantiles of errors are taken from, at most
SPECTRA = 2**11  # and limits of spectra: p numbers each
VERDICTS = np.array(["inside", "extrapolating", "unlike"])
FINITE = "ensure_all_finite" if validate_data else "force_all_finite"  # renamed in 1.6


class ZeroClippedRidgeCV(RidgeCV):
    """Ridge regression with an alpha for each target and predictions that stop at 0.

    Alpha is chosen by exact leave-one-out, or leave-one-group-out when `fit` gets groups.
    A target with gaps (NaN) is fitted on the rows that have it. Predictions of a target whose
    training values never fall below 0 are clipped at 0; alpha is chosen before clipping, as in
    scikit-learn's `RidgeCV`.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,) or "auto", default=50 values from 1e-5 to 1e5
        Regularisation strengths to choose from, positive. "auto" spreads 50 values over the
        eigenvalues of X'X.
    fit_intercept : bool, default=True
        Whether to centre X and y.
    scoring : str, callable or None, default=None
        What alpha maximises: a scorer of the held-out predictions, or None for the negative
        mean squared error. A scorer gets `sample_weight` when `fit` does.
    alpha_per_target : bool, default=True
        One alpha for each target, or one for all.

    Attributes
    ----------
    alpha_ : ndarray of shape (n_targets,), or float when there is one for all
    best_score_ : ndarray of shape (n_targets,), or float when alpha is one for all
        Held-out score at `alpha_`, of unclipped predictions.
    coef_ : ndarray of shape (n_targets, n_features)
    intercept_ : ndarray of shape (n_targets,)
    lower_ : ndarray of shape (n_targets,)
        Where predictions are clipped: 0, or -inf for a target with negative training values.
    cv_r2_, cv_rmse_ : ndarray of shape (n_targets,)
        Held-out R2 and RMSE at `alpha_`, of clipped predictions.
    n_rows_, weight_ : ndarray of shape (n_targets,)
        Rows with an assay (and a weight above 0), and the sum of their weights.
    error_quantiles_ : ndarray of shape (n_targets, 399)
        Quantiles LEVELS of the held-out errors (measured - predicted), divided as in (6).
    error_growth_ : ndarray of shape (n_targets, 2)
        s0^2 and s1^2 of (6); s1 is 0 for a target with negative training values.
    x_mean_, total_weight_ : ndarray of shape (n_features,), float
        Of the rows with a weight above 0.
    axes_, eigenvalues_ : ndarray of shape (n_axes, n_features), ndarray of shape (n_axes,)
        Of X'X, centred and weighted.
    residual_scale_ : ndarray of shape (n_features,)
        Root mean square of (7) of training rows held out.
    leverage_limit_, residual_limit_ : float
        What `applicability` measures in units of: LIMIT of the training rows, held out, are within both.
    alphas_ : ndarray of shape (n_alphas,)
        The grid.
    target_names_ : list of str
        The columns of a DataFrame, else their numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only when X is a DataFrame whose columns are all strings.

    A 1-D y takes the axis of the targets from every attribute: shape (n_targets,) becomes a scalar.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.arange(12.0).reshape(6, 2) ** 2
    >>> model = ZeroClippedRidgeCV(alphas=[0.1, 1.0]).fit(X, X[:, 0] - 1)
    >>> model.alpha_, model.lower_
    (0.1, -inf)
    """

    cv = None  # RidgeCV's methods ask for it; leave-one-out is the only one here
    with_bounds = True  # what predict_interval and applicability need; a search of many settings does without

    def __init__(self, alphas=ALPHAS, *, fit_intercept=True, scoring=None, alpha_per_target=True):
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.alpha_per_target = alpha_per_target

    def fit(self, X, y, sample_weight=None, groups=None):
        """Choose each target's alpha and fit it on all rows that have an assay.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN where an assay is missing.
        sample_weight : array-like of shape (n_samples,) or float, default=None
        groups : array-like of shape (n_samples,), default=None
            Site or hole of each row: alpha is then chosen by leave-one-group-out, and so are the bounds
            of `predict_interval` and the limits of `applicability`.

        Returns
        -------
        self : ZeroClippedRidgeCV

        Raises
        ------
        ValueError
            On NaN in X, infinity, a target with fewer than two rows or groups, bad alphas.
        """
        X, Y, weight, groups, names = self._check_fit(X, y, sample_weight, groups)
        one_target, Y = Y.ndim == 1, Y.reshape(len(Y), -1)
        data = _Table(X, Y, weight, groups, names, self.fit_intercept, sample_weight is not None)
        return self._fit(data, one_target)

    def fit_stored(self, store, groups=None, run=None):
        """Fit rows that are too many for memory: read in parts, twice, of which only sums are kept.

        What is fitted is what `fit` gives for the same rows, but for rounding.

        Parameters
        ----------
        store : object
            Has `feature_names` and `target_names`, lists of str, `n_rows`, and `read(rows)`, which gives X
            (rows, features) and Y (rows, targets) as float64, for a slice of range(n_rows) or an array of
            such numbers. X is finite; Y is NaN where an assay is missing.
        groups : ndarray of int, of shape (n_rows,), default=None
            As for `fit`, numbered from 0 without gaps.
        run : callable, default=None
            `run(function, items, label)` yields `function(item)` in the items' order, from other processes,
            say, to which the store goes along; by default one after the other, here.

        Returns
        -------
        self : ZeroClippedRidgeCV

        Raises
        ------
        ValueError
            As `fit`, and on a `scoring` that must see all predictions at once.
        """
        if self.scoring not in BY_ERROR:
            raise ValueError(
                f"scoring is {self.scoring!r}, expected one of {BY_ERROR} for rows that are read in parts; "
                "leave it out"
            )
        self.n_features_in_ = len(store.feature_names)
        self.feature_names_in_ = np.array(list(store.feature_names), dtype=object)
        return self._fit(_Stored(store, groups, self.fit_intercept, run or _in_turn), False)

    def _fit(self, data, one_target):
        """Fit to a _Table or to _Stored rows."""
        alphas, names = self._grid(data), data.names
        n_targets = len(names)
        scores, r2, rmse = np.empty((3, len(alphas), n_targets))
        coef = np.empty((n_targets, self.n_features_in_))
        intercept, lower, total_weight = np.empty((3, n_targets))
        growth, quantiles = np.empty((n_targets, 2)), np.empty((n_targets, len(LEVELS)))
        best, n_scored, n_rows = np.empty((3, n_targets), dtype=int)
        problems = []
        for problem in data.problems(alphas.min()):
            k = problem.columns
            lower[k], n_rows[k], total_weight[k] = problem.lower, problem.n_rows, problem.total
            n_scored[k] = data.n_scored(problem)
            scores[:, k], r2[:, k], rmse[:, k] = self._held_out(data, problem, alphas, n_scored[k])
            if self.alpha_per_target:
                best[k] = scores[:, k].argmax(axis=0)  # a tie takes the first
                coef[k], intercept[k] = problem.solve(alphas[best[k]])
                if self.with_bounds:
                    growth[k], quantiles[k] = _error_quantiles(
                        *data.errors(problem, alphas[best[k]]), problem.lower
                    )
            else:
                problems.append(problem)
        best_score = scores.max(axis=0)
        if not self.alpha_per_target:
            # squared errors count each assay the same, a scorer each target
            shared = np.average(scores, axis=1, weights=None if self.scoring else n_scored)
            best[:], best_score = shared.argmax(), shared.max()
            for problem in problems:
                k = problem.columns
                coef[k], intercept[k] = problem.solve(alphas[best[k]])
                if self.with_bounds:
                    growth[k], quantiles[k] = _error_quantiles(
                        *data.errors(problem, alphas[best[k]]), problem.lower
                    )
        _log_edges(alphas, best, names, np.ptp(rmse, axis=0) > 0)

        at_best = best, np.arange(n_targets)
        self.target_names_ = names
        self.alphas_, self.alpha_, self.best_score_ = alphas, alphas[best], best_score
        self.coef_, self.intercept_, self.lower_ = coef, intercept, lower
        self.cv_r2_, self.cv_rmse_, self.n_rows_ = r2[at_best], rmse[at_best], n_rows
        self.weight_ = total_weight
        if self.with_bounds:
            self.error_growth_, self.error_quantiles_ = (
                (growth[0], quantiles[0]) if one_target else (growth, quantiles)
            )
            whole = data.whole(alphas.min())
            self.x_mean_, self.total_weight_ = whole.x_mean, float(whole.total)
            self.eigenvalues_, self.axes_ = whole.axes()
            spectra = data.spectra(whole, self.eigenvalues_, self.axes_, _middle(self.alpha_))
            self.leverage_limit_, self.residual_scale_, self.residual_limit_ = _limits(whole, *spectra)
        if not self.alpha_per_target:
            self.alpha_, self.best_score_ = float(self.alpha_[0]), float(best_score)
        if one_target:
            self.coef_ = coef[0]
            for name in PER_TARGET:
                setattr(self, name, np.asarray(getattr(self, name)).item())
        return self

    def predict(self, X):
        """Predict, clipped at `lower_`.

        A row's prediction is the same to the last bit whatever rows come with it, and on every
        machine, which a matrix product would not promise.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        check_is_fitted(self)
        X = self._check_features(X, reset=False)
        predicted = _product_by_row(X, np.atleast_2d(self.coef_))  # (n, t)
        predicted = np.maximum(predicted + self.intercept_, self.lower_)
        return predicted[:, 0] if self.coef_.ndim == 1 else predicted

    def predict_interval(self, X, coverage=0.9, predicted=None):
        """Bounds between which the assay of a sample lies, with about the probability `coverage`.

        They hold for samples like those that `fit` left out, of the mean weight: new rows, or, where
        it was given groups, rows of a new group. Some ten rows or groups cannot tell what the next
        will be like: the bounds are then too narrow. A sample unlike all others is outside of every
        promise, see `applicability`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        coverage : float, default=0.9
            Above 0, at most 0.995. From n rows, or groups, no more than (n - 1) / (n + 1) can be hoped
            for; beyond, the bounds are those of the largest errors.
        predicted : ndarray of shape (n_samples,) or (n_samples, n_targets), default=None
            What `predict` gives for X, to save its time where it is known.

        Returns
        -------
        lower, upper : ndarray of shape (n_samples,) or (n_samples, n_targets)
            In the targets' units, lower at least `lower_`, with the prediction between them. As many
            assays are to be expected below as above.

        Raises
        ------
        ValueError
            On another coverage, or X as in `predict`.
        """
        check_is_fitted(self)
        if not (isinstance(coverage, Real) and 0 < coverage <= MOST):
            raise ValueError(
                f"coverage is {coverage!r}, expected a number above 0 and at most {MOST}; 0.9 is usual"
            )
        predicted = self.predict(X) if predicted is None else np.asarray(predicted)
        X = self._check_features(X, reset=False)
        alphas, weight, rows = map(np.atleast_1d, (self.alpha_, self.weight_, self.n_rows_))
        eigenvalues = self.eigenvalues_ * (weight / self.total_weight_)[:, None]  # of the rows with an assay
        growth, quantiles = np.atleast_2d(self.error_growth_), np.atleast_2d(self.error_quantiles_)
        tails = (1 - coverage) / 2, (1 + coverage) / 2
        low, high = np.array([np.interp(tails, LEVELS, each) for each in quantiles]).T  # (t,)
        low, high = np.minimum(low, 0), np.maximum(high, 0)
        lower, upper = np.empty((2, len(X), len(weight)))
        for at in _blocks(len(X), X.shape[1]):
            _, scores, rest = self._scores(X[at])
            leverage = self.fit_intercept / weight + _leverage(scores, rest, eigenvalues, alphas)
            fitted = predicted[at].reshape(len(leverage), -1)
            spread = np.sqrt((rows / weight + leverage) * (growth[:, 0] + growth[:, 1] * np.square(fitted)))
            lower[at], upper[at] = np.maximum(fitted + low * spread, self.lower_), fitted + high * spread
        return lower.reshape(predicted.shape), upper.reshape(predicted.shape)

    def applicability(self, X):
        """Whether the model applies to a sample: is its spectrum like those of the training?

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        DataFrame of shape (n_samples, 3)
            leverage : float
                Equation (5) at the median of the targets' alphas, in units of its limit.
            residual : float
                Equation (7), the largest over features in units of `residual_scale_`, in units of its
                limit.
            verdict : str
                "unlike" where the residual is above 1: something is in this spectrum that no training
                spectrum shows. "extrapolating" where the leverage is above 1: more of something than
                there was. Else "inside". Indexed as X where X is a DataFrame.

        Notes
        -----
        The limits are such that 2.5 % of the training rows are not "inside" when they are held out, or,
        where `fit` was given groups, when their group is. As many good samples are to be expected.
        """
        check_is_fitted(self)
        index = X.index if hasattr(X, "columns") else None
        X = self._check_features(X, reset=False)
        leverage, residual = np.empty((2, len(X)))
        alpha = _middle(self.alpha_)
        for at in _blocks(len(X), X.shape[1]):
            centred, scores, rest = self._scores(X[at])
            leverage[at] = _leverage(scores, rest, self.eigenvalues_, alpha)[:, 0]
            left = _unexplained(centred, scores, self.eigenvalues_, self.axes_, _strength(self.eigenvalues_))
            residual[at] = np.abs(left / self.residual_scale_).max(axis=1)
        leverage += self.fit_intercept / self.total_weight_
        leverage /= self.leverage_limit_
        residual /= self.residual_limit_
        verdict = VERDICTS[np.where(residual > 1, 2, leverage > 1)]
        return pd.DataFrame({"leverage": leverage, "residual": residual, "verdict": verdict}, index)

    def _scores(self, X):
        """X centred (n, p), its scores (n, k), and what of its squared length is outside the axes (n,)."""
        centred = X - self.x_mean_
        scores = centred @ self.axes_.T
        return centred, scores, _rest(centred, scores)

    def _held_out(self, data, problem, alphas, n_scored):
        """Scores, then R2 and RMSE once clipped: three arrays (n_alphas, n_targets)."""
        if self.scoring in BY_ERROR:  # the sum is enough
            sse, clipped_sse = data.squares(problem, alphas)
        else:
            shape = len(problem.columns), problem.n
            step = max(1, 4 * CELLS // (shape[0] * shape[1]))
            sse, clipped_sse, scores = np.zeros((3, len(alphas), shape[0]))
            for a in range(0, len(alphas), step):
                some = slice(a, a + step)
                held_out = np.empty((len(alphas[some]), *shape))
                sse[some], clipped_sse[some] = data.squares(problem, alphas[some], held_out)
                scores[some] = self._score(held_out, problem, data.weighted)
        if self.scoring is None:
            scores = -sse / n_scored  # as RidgeCV: over the rows, whatever their weights
        elif self.scoring == "neg_mean_squared_error":
            scores = -sse / problem.total
        elif self.scoring == "r2":
            scores = _r2(sse, problem.sst)
        return scores, _r2(clipped_sse, problem.sst), np.sqrt(clipped_sse / problem.total)

    def _score(self, held_out, problem, weighted):
        """A scorer's opinion of held-out predictions (n_alphas, n_targets, n_rows)."""
        scorer = check_scoring(self, scoring=self.scoring)
        Y = problem.targets()
        weights = {"sample_weight": problem.weight} if weighted else {}
        if not self.alpha_per_target and 1 < len(Y) == problem.Y.shape[1]:
            return [[scorer(_Identity(), H.T, Y.T, **weights)] * len(Y) for H in held_out]
        return [[scorer(_Identity(), h, y, **weights) for h, y in zip(H, Y)] for H in held_out]

    def _grid(self, data):
        """The alphas to choose from."""
        if isinstance(self.alphas, str) and self.alphas == "auto":
            s = data.whole(0.0).s
            s = s[s > EPS * s.max(initial=0)]
            if not len(s):
                return np.array(ALPHAS)
            # a tenth of the smallest leaves b as it is, ten times the largest leaves little of b
            return np.logspace(np.log10(s.min() / 10), np.log10(s.max() * 10), len(ALPHAS))
        try:
            alphas = np.array(self.alphas, dtype=float, ndmin=1)
        except (TypeError, ValueError):
            alphas = np.empty(0)
        if alphas.ndim != 1 or not alphas.size or not np.all((alphas > 0) & (alphas < np.inf)):
            raise ValueError(
                f"alphas is {self.alphas!r}, expected 'auto' or a list of positive finite numbers; "
                "leave it out for 50 values from 1e-5 to 1e5"
            )
        return alphas

    def _check_fit(self, X, y, sample_weight, groups):
        """X (n, p), Y (n,) or (n, t), weights and whole-numbered groups (n,), target names (t,)."""
        if y is None:
            raise ValueError("this estimator requires y to be passed, but the target y is None")
        X = self._check_features(X, reset=True)
        Y = check_array(y, dtype=np.float64, ensure_2d=False, **{FINITE: False})
        if Y.ndim not in (1, 2) or not Y.size:
            raise ValueError(f"y has shape {Y.shape}, expected (n_samples,) or (n_samples, n_targets)")
        _check_length("y", Y, X)
        names = _target_names(y, Y)
        if np.isinf(Y).any():
            row, k = np.argwhere(np.isinf(Y.reshape(len(Y), -1)))[0]
            raise ValueError(
                f"y has an infinity in row {row}, target {names[k]}; expected numbers, or NaN "
                "where an assay is missing"
            )
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if weight.min() < 0 or not weight.any():
            found = "a negative weight" if weight.min() < 0 else "only zeros"
            raise ValueError(
                f"sample_weight has {found}, expected weights of 0 or more and one above 0; leave "
                "it out to weigh all rows the same"
            )
        if groups is not None:
            groups = np.asarray(groups)
            _check_length("groups", groups, X)
            labels = groups.tolist()
            gaps = [i for i, label in enumerate(labels) if label is None or label != label]
            if groups.ndim != 1 or gaps:
                found = f"no label in row {gaps[0]}" if gaps else f"shape {groups.shape}"
                raise ValueError(
                    f"groups has {found}, expected a label for each row; label the row or leave it out"
                )
            codes = {}
            groups = np.array([codes.setdefault(label, len(codes)) for label in labels])
        return X, Y, weight, groups, names

    def _check_features(self, X, reset):
        """X as an array of finite numbers, with the names and number of features checked."""
        names = _column_names(X)
        check = partial(validate_data, self) if validate_data else self._validate_data
        checked = check(
            X,
            reset=reset,
            dtype=[np.float64, np.float32],
            ensure_min_samples=2 if reset else 1,
            **{FINITE: False},
        )
        if reset and names is not None:  # scikit-learn < 1.0 neither keeps nor compares names
            self.feature_names_in_ = names
        elif reset and hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        elif names is not None and not np.array_equal(names, getattr(self, "feature_names_in_", names)):
            found, expected = list(names[:3]), list(self.feature_names_in_[:3])
            raise ValueError(
                f"X has features {found} …, expected {expected} … in this order; put its columns "
                "in the order of feature_names_in_"
            )
        with np.errstate(all="ignore"):
            suspect = not np.isfinite(checked.sum())
        if suspect and not np.isfinite(checked).all():
            row, k = np.argwhere(~np.isfinite(checked))[0]
            feature = k if names is None else names[k]
            raise ValueError(
                f"X has {checked[row, k]} in row {row}, feature {feature}, expected finite numbers "
                "(no NaN, no inf); repair the row or leave it out"
            )
        return checked

    def __getstate__(self):
        """State without numpy's classes, whose pickles differ between numpy 1 and 2."""
        state, arrays = {}, {}
        for name, value in self.__dict__.items():
            if isinstance(value, np.ndarray):
                arrays[name] = value.tolist() if value.dtype.hasobject else _npy(value)
            else:
                state[name] = _plain(value)
        state["_arrays"] = arrays
        return state

    def __setstate__(self, state):
        state = dict(state)
        for name, value in state.pop("_arrays", {}).items():
            if isinstance(value, bytes):
                state[name] = np.load(io.BytesIO(value), allow_pickle=False)
            else:
                state[name] = np.array(value, dtype=object)
        self.__dict__.update(state)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.array_api_support = False
        return tags


class _Table:
    """Rows in memory, for `_fit`."""

    def __init__(self, X, Y, weight, groups, names, fit_intercept, weighted):
        self.X, self.Y, self.weight, self.groups, self.names = X, Y, weight, groups, names
        self.fit_intercept, self.weighted, self.weighed = fit_intercept, weighted, np.flatnonzero(weight > 0)
        self.of_all_rows = None

    def problems(self, smallest_alpha):
        """Yield a _Ridge for all targets that have the same gaps."""
        for columns, has_assay in _same_gaps(self.Y):
            rows = np.flatnonzero(has_assay & (self.weight > 0))
            found = len(rows) if self.groups is None else len(np.unique(self.groups[rows]))
            _check_rows(found, self.groups is not None, [self.names[k] for k in columns])
            problem = _Ridge(self.X, self.Y, self.weight, rows, columns, self.fit_intercept, smallest_alpha)
            if len(rows) == len(self.weighed):
                self.of_all_rows = problem
            yield problem

    def whole(self, smallest_alpha):
        """A _Ridge of the spectra of all rows, whatever assays they have."""
        if self.of_all_rows is not None:
            return self.of_all_rows
        return _Ridge(self.X, self.Y, self.weight, self.weighed, [], self.fit_intercept, smallest_alpha)

    def n_scored(self, problem):
        """Rows with an assay; those of weight 0 count in RidgeCV's mean too."""
        return np.count_nonzero(~np.isnan(self.Y[:, problem.columns[0]]))

    def squares(self, problem, alphas, held_out=None):
        """Sums of squared held-out errors, then once clipped: (2, alphas, t)."""
        return _squares(problem, alphas, self.groups, held_out)[0]

    def errors(self, problem, alphas):
        """Held-out errors and predictions of a sample of rows, see `_errors`."""
        return _errors(problem, alphas, self.groups, _marks(problem.n, CALIBRATION))

    def spectra(self, problem, s, axes, alpha):
        """Leverage, residual and group's size of a sample of rows once held out, see `_spectra_apart`."""
        return _spectra_apart(problem, s, axes, alpha, self.groups, _marks(problem.n, SPECTRA))


class _Part(NamedTuple):
    """Some rows of a store, and what is known of them."""

    rows: Any  # a slice or an array of their numbers
    groups: Optional[np.ndarray] = None  # (rows,)
    sampled: Optional[np.ndarray] = None  # (rows,), a mask
    other: Any = None  # the problem without them, where they are of one group that cannot do alone


class _Stored:
    """Rows that are read in parts, for `_fit`; the parts give back sums, and a sample of the rows."""

    weighted = False

    def __init__(self, store, groups, fit_intercept, run):
        self.store, self.groups, self.fit_intercept, self.run_parts = store, groups, fit_intercept, run
        self.names, n_targets = list(store.target_names), len(store.target_names)
        blocks = _blocks(store.n_rows, len(store.feature_names) + n_targets, cells=PART)
        self.most = blocks[0].stop  # rows in a part
        self.parts = [_Part(rows, None if groups is None else groups[rows]) for rows in blocks]
        if groups is not None:
            self.order = np.argsort(groups, kind="stable")
            self.sizes = np.bincount(groups)
            self.starts = np.cumsum(self.sizes) - self.sizes  # in that order
        self.alone = {}  # {problem's key: groups that cannot be left out without the other rows}
        self.others = {}  # {(problem's key, group): the problem without that group}, while there is room
        # One target more, that no row lacks, stands for the spectra by themselves.
        self.spectra_key = n_targets
        self.sums, counts, present = [], [], {}
        for sums, has_assay, labels in self.run("sums", _part_sums, parts=self.parts):
            self.sums = _added(self.sums, sums)
            counts.append(has_assay)
            for group, some in labels:
                present[group] = some | present.get(group, False)
        self.counts = np.array(counts)  # of rows with an assay, (parts, targets + 1)
        units = present.values() if groups is not None else counts
        self.units = np.sum(list(units), axis=0)  # that can be left out, (targets + 1,)

    def run(self, label, function, *settings, parts):
        """Yield function(store, *settings, part) for each of the parts, in their order."""
        return self.run_parts(partial(function, self.store, *settings), parts, label)

    def problems(self, smallest_alpha):
        """Yield a _Ridge for all targets that have the same gaps."""
        for key, sums in self.sums:
            targets = [k for k in key if k < self.spectra_key]
            if targets:
                _check_rows(self.units[key[0]], self.groups is not None, [self.names[k] for k in targets])
                yield self.problem(key[0], sums.only(range(len(targets))), targets, smallest_alpha)

    def whole(self, smallest_alpha):
        """A _Ridge of the spectra of all rows, whatever assays they have."""
        sums = next(sums for key, sums in self.sums if self.spectra_key in key)
        return self.problem(self.spectra_key, sums.only([]), [], smallest_alpha)

    def n_scored(self, problem):
        """Rows with an assay."""
        return problem.n_rows

    def problem(self, key, sums, targets, smallest_alpha):
        """A _Ridge from sums, or, where there are no more rows than features, from the rows."""
        settings = targets, self.fit_intercept, smallest_alpha
        if sums.n - self.fit_intercept <= len(sums.x_mean):
            X, Y, numbers = self.sample(key, sums.n)
            problem = _Ridge(X, Y, np.ones(len(X)), np.arange(len(X)), *settings)
            problem.groups = None if self.groups is None else self.groups[numbers]
        else:
            mean = self.fit_intercept * sums.x_mean
            problem = _Ridge.of(
                sums, *settings, self.run("rows", _part_triangle, targets, mean, None, parts=self.parts)
            )
        problem.key = key
        return problem

    def squares(self, problem, alphas):
        """As _Table's."""
        if problem.wide:
            return _squares(problem, alphas, problem.groups)[0]
        work = _part_squares, problem, alphas
        if self.groups is None:
            return sum(found for found, _ in self.run("held out", *work, parts=self.parts))
        return sum(map(sum, self.by_group("held out", *work)))

    def errors(self, problem, alphas):
        """As _Table's."""
        if problem.wide:
            return _errors(problem, alphas, problem.groups, _marks(problem.n, CALIBRATION))
        X, Y, numbers = self.sample(problem.key, CALIBRATION)
        if self.groups is None:
            return _errors(problem.on(X, Y), alphas, None, _marks(len(X), CALIBRATION))
        parts = chain.from_iterable(self.by_group("bounds", _part_errors, problem, alphas, sample=numbers))
        errors, fitted = zip(*parts)
        return np.concatenate(errors, axis=1), np.concatenate(fitted, axis=1)

    def spectra(self, problem, s, axes, alpha):
        """As _Table's."""
        if problem.wide:
            return _spectra_apart(problem, s, axes, alpha, problem.groups, _marks(problem.n, SPECTRA))
        X, Y, numbers = self.sample(problem.key, SPECTRA)
        if self.groups is None:
            return _spectra_apart(problem.on(X, Y), s, axes, alpha, None, _marks(len(X), SPECTRA))
        leverage, left, sizes = [], [], []
        for parts in self.by_group("limits", _part_spectra, problem, s, axes, alpha, sample=numbers):
            each, unexplained, some = map(np.concatenate, zip(*parts))
            leverage.append(each)
            left.append(unexplained)
            sizes.append(some if len(parts) == 1 else some.sum(keepdims=True))  # of one group
        return np.concatenate(leverage), np.concatenate(left), np.concatenate(sizes)

    def sample(self, key, most):
        """X, Y and numbers of rows that have an assay, `most` of them evenly spaced, or all."""
        counts = self.counts[:, key]
        chosen = _sample(counts.sum(), most)
        starts = np.cumsum(counts) - counts
        inside = [chosen[(chosen >= a) & (chosen < a + n)] - a for a, n in zip(starts, counts)]
        parts = [(part.rows, ranks) for part, ranks in zip(self.parts, inside) if len(ranks)]
        targets = [] if key == self.spectra_key else [key]
        found = zip(*self.run("sample", _part_sample, targets, parts=parts))
        return tuple(map(np.concatenate, found))

    def by_group(self, label, function, problem, *settings, sample=None):
        """Yield lists of what `function` finds in parts of whole groups; those with a sampled row, if any.

        A group that is larger than a part, or cannot be left out without the other rows, comes after
        those, in a list of its own.
        """
        wanted = range(len(self.sizes)) if sample is None else np.unique(self.groups[sample])
        alone = self.alone.setdefault(problem.key, set())
        large = {group for group in wanted if self.sizes[group] > self.most}
        parts = (self.part(rows, sample) for rows in self.together(wanted, large | alone))
        for found, without in self.run(label, function, problem, *settings, parts=parts):
            alone.update(without)
            yield [found]
        for group in sorted(large | alone.intersection(wanted)):
            other = self.without(problem, group)
            rows = self.members(group)
            parts = [self.part(rows[at], sample, other) for at in _blocks(len(rows), 1, cells=self.most)]
            yield [found for found, _ in self.run(label, function, problem, *settings, parts=parts)]

    def members(self, group):
        """Numbers of the rows of a group."""
        return self.order[self.starts[group] : self.starts[group] + self.sizes[group]]

    def part(self, rows, sample, other=None):
        return _Part(rows, self.groups[rows], None if sample is None else np.isin(rows, sample), other)

    def together(self, groups, alone):
        """Yield numbers of the rows of some groups, as many as go into a part, but for those alone."""
        rows = []
        for group in groups:
            if group not in alone:
                if rows and sum(map(len, rows)) + self.sizes[group] > self.most:
                    yield np.concatenate(rows)
                    rows = []
                rows.append(self.members(group))
        if rows:
            yield np.concatenate(rows)

    def without(self, problem, group):
        """The problem without a group."""
        other = self.others.get((problem.key, group))
        if other is None:
            rows = self.members(group)
            parts = [self.part(rows[at], None) for at in _blocks(len(rows), 1, cells=self.most)]
            other = problem.apart(_total(self.run("groups", _part_scores, problem, parts=parts)))
        if other is None:
            parts = {"parts": self.parts}
            sums = _total(self.run("others", _part_others, problem.columns, group, **parts))
            mean = self.fit_intercept * sums.x_mean
            triangles = self.run("others", _part_triangle, problem.columns, mean, group, **parts)
            settings = problem.columns, self.fit_intercept, problem.smallest_alpha
            other = _Ridge.of(sums, *settings, triangles)
        if (len(self.others) + 1) * problem.p**2 <= REFITS:
            self.others[problem.key, group] = other
        return other


def _in_turn(function, items, label=None):
    """What `fit_stored` runs parts with by default."""
    return map(function, items)


def _total(parts):
    """The sums of all parts."""
    total = None
    for sums in parts:
        if sums is not None:
            total = sums if total is None else total.add(sums)
    return total


def _added(some, more):
    """Sums for targets of the same gaps, [(targets, _Sums)], of the rows of both: gaps may differ in either."""
    if not some:
        return more
    added = []
    for ours, left in some:
        for theirs, right in more:
            both = [k for k in ours if k in theirs]
            if both:
                parts = [(left, ours), (right, theirs)]
                added.append(
                    (both, _total(sums and sums.only([keys.index(k) for k in both]) for sums, keys in parts))
                )
    return added


def _part_sums(store, part):
    """Sums of a part's rows for the targets of the same gaps, rows with an assay, and of each group if any."""
    X, Y = store.read(part.rows)
    Y = np.column_stack([Y, np.zeros(len(Y))])  # the spectra's own target
    has_assay = ~np.isnan(Y)
    sums = []
    for columns, rows in _same_gaps(Y):
        ones = np.ones(np.count_nonzero(rows))
        sums.append((columns, _Sums(X[rows], Y[rows][:, columns].T, ones) if len(ones) else None))
    labels = []
    if part.groups is not None:
        labels = [(group, has_assay[part.groups == group].any(axis=0)) for group in np.unique(part.groups)]
    return sums, has_assay.sum(axis=0), labels


def _part_triangle(store, targets, mean, without, part):
    """R of the QR decomposition of a part's rows around a mean, without a group."""
    X, Y = store.read(part.rows)
    return np.linalg.qr(X[_others(Y, targets, part.groups, without)] - mean, mode="r")


def _part_others(store, targets, without, part):
    """Sums of a part's rows without a group."""
    X, Y = store.read(part.rows)
    rows = _others(Y, targets, part.groups, without)
    return _Sums(X[rows], Y[rows][:, targets].T, np.ones(len(rows))) if len(rows) else None


def _others(Y, targets, groups, without):
    """The rows that have the targets' assays and are not of the group."""
    rows = _with_assay(Y, targets)
    return rows if without is None else rows[groups[rows] != without]


def _part_sample(store, targets, part):
    """X, Y and numbers of some of the rows that have an assay."""
    rows, ranks = part
    X, Y = store.read(rows)
    at = _with_assay(Y, targets)[ranks]
    return X[at], Y[at], rows.start + at


def _part_scores(store, problem, part):
    """Sums of a group's rows on the axes of a problem, as `_Ridge.apart` takes them."""
    view = problem.on(*store.read(part.rows))
    return view.sums_of_scores(np.arange(view.n)) if view.n else None


def _view(store, problem, part):
    """The problem looking at a part, and the part's groups and which of the problem's rows are sampled."""
    view = problem.on(*store.read(part.rows))
    if part.other is not None:
        view.refits[0] = part.other
    return view, part.groups, None if part.sampled is None else part.sampled[view.rows]


def _part_squares(store, problem, alphas, part):
    """`_squares` of a part."""
    view, groups, _ = _view(store, problem, part)
    return _squares(view, alphas, groups)


def _part_errors(store, problem, alphas, part):
    """`_errors` of a part, which leave no group over."""
    view, groups, sampled = _view(store, problem, part)
    return _errors(view, alphas, groups, sampled), ()


def _part_spectra(store, problem, s, axes, alpha, part):
    """`_spectra_apart` of a part, which leave no group over."""
    view, groups, sampled = _view(store, problem, part)
    return _spectra_apart(view, s, axes, alpha, groups, sampled), ()


class _Sums:
    """What (2) needs of some rows, around their own mean; sums of two sets of rows add up to those of both.

    Chan, Golub & LeVeque (1983) Am. Stat. 37, 242.
    """

    def __init__(self, X, Y, weight, products=True):
        """Of X (rows, p) and Y (t, rows); without `products` only what the wide form needs."""
        self.n, self.total = len(X), weight.sum()
        self.x_mean, self.y_mean = _mean(X, weight), _mean(Y.T, weight)  # (p,), (t,)
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


class _Ridge:
    """Equations (1) to (4) for the targets that have the same gaps.

    Rows are counted among those that have an assay; `rows` says where in X they are. `at` is a
    slice or an array of such rows. Held-out errors are in units of root weight, as Y~ is.
    """

    def __init__(self, X, Y, weight, rows, columns, fit_intercept, smallest_alpha):
        self.columns, self.p = columns, X.shape[1]
        self._look_at(X, Y, weight, rows)
        self.wide = self.n - fit_intercept <= self.p
        parts = _blocks(self.n, self.p)
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
            parts = _blocks(self.n, self.n)
            self.yz = sum(self.centred_targets(at) @ self.Z[at] for at in parts)  # Y~'Z, (t, k)
        else:
            self._decompose_long(sums, (self.centred(at) for at in _blocks(self.n, self.p, 2 * self.p)))

    @classmethod
    def of(cls, sums, columns, fit_intercept, smallest_alpha, blocks):
        """A problem of rows that are elsewhere, from their sums; `blocks` as in `_eigh`."""
        self = cls.__new__(cls)
        self.columns, self.p, self.wide, self.least = columns, len(sums.x_mean), False, EPS
        self._centre(sums, fit_intercept, smallest_alpha)
        self._decompose_long(sums, blocks)
        return self

    def on(self, X, Y):
        """The same problem, looking at some rows that it was made of, with all targets."""
        self = copy.copy(self)
        self._look_at(X, Y, np.ones(len(X)), _with_assay(Y, self.columns))
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
        return _Sums(self.features(at), self.targets(at), self.weight[at], not self.wide)

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
        self.s, self.V = _eigh(gram, blocks, self.smallest_alpha)
        self.V[gram.diagonal() == 0] = 0  # a constant feature gets no part in any b, not even by rounding
        self.yz = yx @ self.V

    def _decompose_wide(self):
        """Equation (3): S (k,) and Z (n, k), the intercept's direction taken out first."""
        u = self.unit.copy()
        u[0] += self.fit_intercept  # reflects `unit` onto the first axis, which is then left out
        u *= np.sqrt(2 / max(u @ u, 1))
        first = int(self.fit_intercept)

        def blocks(at_least=1):
            for columns in _blocks(self.p, self.n, at_least):
                block = self._columns(columns).T  # (columns, n)
                yield (block - np.outer(block @ u, u))[:, first:]

        gram = sum(block.T @ block for block in blocks())
        s, V = _eigh(gram, blocks(2 * self.n), self.smallest_alpha)
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
            for columns in _blocks(self.p, self.n):
                left -= coef[:, columns] @ self._columns(columns).T
            coef += self.coefficients(left @ self.Z / (self.s + alphas[:, None]))
        return coef, self.y_mean - coef @ self.x_mean

    def coefficients(self, shrunk):
        """From Y~'Z (S + alpha)^-1, (..., t, k), to coefficients, (..., t, p)."""
        if not self.wide:
            return shrunk @ self.V.T
        dual = shrunk @ self.Z.T  # (..., t, n)
        parts = [dual @ self._columns(columns) for columns in _blocks(self.p, self.n)]
        return np.concatenate(parts, axis=-1)

    def errors(self, alphas, groups=None):
        """Yield rows and their held-out errors (alphas, t, rows), valid until the next are asked for."""
        shrink = 1 / (self.s + alphas[:, None])  # (alphas, k)
        B = shrink[:, None, :] * self.yz  # (alphas, t, k)
        if groups is None:
            room = np.empty(0)
            for at in _blocks(self.n, max(self.p, B.shape[0] * B.shape[1])):
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
            for part in _blocks(len(sample), self.p):
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
        parts = [Z @ self._columns(columns) for columns in _blocks(self.p, self.n)]
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
                other = _Ridge(self.X, self.Y, self.all_weights, rows, *settings)
            kept = sum(each is not None for each in self.refits.values())
            room = (kept + 1) * self.p * min(self.n, self.p) <= REFITS
            self.refits[group[0]] = other if room else None
        return other

    def sums_of_scores(self, group):
        """Sums of a group's rows on the axes V, for `apart`."""
        sums = None
        for part in _blocks(len(group), self.p):
            at = group[part]
            Z = (self.features(at) - self.x_mean) @ self.V
            each = _Sums(Z, self.targets(at) - self.y_mean[:, None], self.weight[at])
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
        s, W = _eigh(factor.T @ factor, [factor], 0.0)
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
        for part in _blocks(len(group), size):
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
        leverage = self.fit_intercept / self.total + _leverage(scores, _rest(X, scores), s, alphas)
        return errors, 1 / (1 + whole.weight[at] * leverage.T)

    def spectra_apart(self, X, alpha, beta):
        """Leverage (rows,) and what (7) leaves over (rows, p) of rows that this problem has not seen."""
        X -= self.x_mean
        s, axes = self.axes()
        scores = X @ axes.T
        leverage = self.fit_intercept / self.total + _leverage(scores, _rest(X, scores), s, alpha)[:, 0]
        return leverage, _unexplained(X, scores, s, axes, beta)


def _squares(problem, alphas, groups=None, held_out=None):
    """Sums of squared held-out errors, then once clipped, (2, alphas, t), and the groups that need other rows.

    Predictions go to `held_out` (alphas, t, rows) where there is such.
    """
    squares, without = np.zeros((2, len(alphas), len(problem.columns))), []
    for at, errors in problem.errors(alphas, groups):  # (alphas, t, rows)
        if errors is None:
            without.append(groups[problem.rows[at[0]]])
            continue
        squares[0] += _sum_of_squares(errors)
        if held_out is not None:
            held_out[:, :, at] = problem.targets(at) - errors / problem.root_w[at]
        if problem.lower.max(initial=-np.inf) == 0:
            np.minimum(errors, problem.errors_at_lower(at), out=errors)
        squares[1] += _sum_of_squares(errors)
    return squares, without


def _errors(problem, alphas, groups, sampled):
    """Held-out errors of the sampled rows, without what their leverage adds, and predictions: both (t, rows)."""
    errors, fitted = [np.empty((len(alphas), 0))], [np.empty((len(alphas), 0))]
    for at, each, left in problem.errors_at(alphas, groups, sampled):
        each, left, at = each[:, sampled[at]], left[:, sampled[at]], at[sampled[at]]
        np.minimum(each, problem.errors_at_lower(at), out=each)
        fitted.append(problem.targets(at) - each / problem.root_w[at])
        errors.append(each * np.sqrt(left))
    return np.concatenate(errors, axis=1), np.concatenate(fitted, axis=1)


def _error_quantiles(errors, fitted, lower):
    """Growth (t, 2) of held-out errors as in (6), and their quantiles LEVELS (t, levels) in its units."""
    level = np.square(fitted)
    growth = _growth(errors, level, lower)
    errors /= np.sqrt(growth[:, :1] + growth[:, 1:] * level)
    return growth, _quantiles(errors, LEVELS)


def _quantiles(values, levels):
    """Quantiles along the last axis; of n values, the k-th stands for the level k / (n + 1).

    Between two, the outer one: so that at least as many new values lie within as are promised.
    """
    values = np.sort(values, axis=-1)
    n, levels = values.shape[-1], np.asarray(levels)
    places = (n + 1) * levels - 1
    places = np.where(levels < 0.5, np.floor(places + LOSS), np.ceil(places - LOSS))
    return values[..., np.clip(places, 0, n - 1).astype(int)]


def _growth(errors, level, lower):
    """s0^2 and s1^2 of (6), (t, 2), the likeliest for errors of a Laplace distribution.

    `level` is the square of what was predicted, (t, rows). Errors have no unit of their own here:
    s is 1 where the prediction is as large as it is on (square) average.
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


def _limits(problem, leverage, left, sizes):
    """What `applicability` compares with: leverage limit, residual scale (p,), residual limit.

    From training rows held out, each by itself or with its group, of which `sizes` are sampled.
    """
    squares = np.square(left)
    n, p = squares.shape
    least = max(
        EPS * problem.s.sum() / (problem.n_rows * p), np.finfo(float).tiny
    )  # that is more than rounding
    total = np.maximum(squares.sum(axis=0), n * least)
    # A row's own residual, or its group's, is no part of what it is compared with.
    single = len(sizes) == n
    own = squares if single else np.add.reduceat(squares, np.cumsum(sizes) - sizes, axis=0)
    scale = np.maximum(total - own, least) / np.maximum(n - sizes, 1)[:, None]
    residual = np.sqrt((squares / (scale if single else scale.repeat(sizes, axis=0))).max(axis=1))
    limits = np.maximum([_limit(leverage), _limit(residual)], EPS)
    limits *= _limit(np.maximum(leverage / limits[0], residual / limits[1]))  # of both at once
    return float(limits[0]), np.sqrt(total / n), float(limits[1])


def _limit(values):
    """The quantile LIMIT, where the k-th of n values stands for k / (n + 1)."""
    n = len(values)
    return np.interp(LIMIT * (n + 1), np.arange(1, n + 1), np.sort(values))


def _spectra_apart(problem, s, axes, alpha, groups, sampled):
    """Leverage (rows,) and what (7) leaves over (rows, p) of the sampled rows once held out.

    And the numbers of them that are held out together.
    """
    beta = _strength(s)
    leverage, left, sizes = [np.empty(0)], [np.empty((0, problem.p))], []
    if groups is None:
        sample = np.flatnonzero(sampled)
        for part in _blocks(len(sample), problem.p):
            at = sample[part]
            centred, Z, scores = problem.scores(at)
            unexplained = _unexplained(centred, scores, s, axes, beta)
            unexplained /= (problem.complement(Z, at, beta) * problem.root_w[at])[:, None]
            complement = problem.complement(Z, at, alpha)
            leverage.append((1 - complement) / complement / problem.weight[at])
            left.append(unexplained)
        return np.concatenate(leverage), np.concatenate(left), np.ones(len(sample), dtype=int)
    for at in problem.members(groups, sampled):
        apart = problem.without(at, np.concatenate([alpha, beta]))
        if apart is not None:
            found, unexplained = apart.spectra_apart(problem.features(at), alpha, beta)
        else:
            centred, Z, scores = problem.scores(at)
            unexplained = _unexplained(centred, scores, s, axes, beta)
            unexplained = np.linalg.solve(problem.complements(Z, at, beta), unexplained)
            unexplained /= problem.root_w[at, None]
            inverse = np.linalg.inv(problem.complements(Z, at, alpha))
            found = (inverse.diagonal() - 1) / problem.weight[at]
        kept = sampled[at]
        leverage.append(found[kept])
        left.append(unexplained[kept])
        sizes.append(np.count_nonzero(kept))
    return np.concatenate(leverage), np.concatenate(left), np.array(sizes, dtype=int)


def _leverage(scores, rest, s, alphas):
    """x~'(X~'X~ + alpha)^-1 x~ from scores (n, k), the square of what is outside the axes (n,): (n, t)."""
    return np.square(scores) @ (1 / (s + alphas[:, None])).T + rest[:, None] / alphas


def _rest(centred, scores):
    """Squared length (n,) of centred rows (n, p) outside the axes that the scores (n, k) are on."""
    squares = np.einsum("ij,ij->i", centred, centred) - np.einsum("ij,ij->i", scores, scores)
    return np.maximum(squares, 0)


def _strength(s):
    """Beta of equation (7), (1,)."""
    return np.maximum(UNEXPLAINED * s.sum(keepdims=True), np.finfo(float).tiny)


def _unexplained(centred, scores, s, axes, beta):
    """Equation (7), (n, p)."""
    return centred - (scores * (s / (s + beta))) @ axes


def _middle(alpha):
    """The median of the targets' alphas, one that a target has, (1,)."""
    alphas = np.sort(np.atleast_1d(alpha))
    return alphas[[(len(alphas) - 1) // 2]]


def _sample(n, most):
    """Of n rows `most`, evenly spaced, or all."""
    return np.arange(n) if n <= most else np.arange(most) * n // most


def _marks(n, most):
    """A mask (n,) of the rows in `_sample`."""
    marks = np.zeros(n, dtype=bool)
    marks[_sample(n, most)] = True
    return marks


class _Identity(RegressorMixin, BaseEstimator):
    """Hands a scorer the predictions that it is given as X."""

    def predict(self, X):
        return X


def _eigh(gram, blocks, smallest_alpha):
    """Eigenvalues and vectors of M'M (`gram`), from the rows of M where M'M has lost too much.

    M'M holds its small eigenvalues to EPS times the largest only. The singular values of M,
    squared, hold them to EPS squared; a QR of block upon block finds them, at four times the cost.
    """
    s, V = np.linalg.eigh(gram)
    if len(s) and EPS * s[-1] > LOSS * (max(s[0], 0) + smallest_alpha):
        R = np.empty((0, len(gram)))
        for block in blocks:
            R = np.linalg.qr(np.concatenate([R, block]), mode="r")
        _, s, Vt = np.linalg.svd(R)
        s, V = np.square(s), Vt.T
    return np.maximum(s, 0), V


def _blocks(n, width, at_least=1, cells=CELLS):
    """Slices of range(n) such that rows of `width` numbers make a temporary of so many cells."""
    step = max(at_least, cells // width)
    return [slice(a, min(a + step, n)) for a in range(0, n, step)]


def _mean(X, weight):
    """Weighted mean of rows; counted from the first, so that a constant gives itself exactly."""
    return X[0] + weight @ (X - X[0]) / weight.sum()


def _sum_of_squares(errors):
    return np.einsum("atr,atr->at", errors, errors)


def _r2(sse, sst):
    """R2 as scikit-learn's `r2_score`: of a constant target 1 when met exactly, else 0."""
    return np.where(sst > 0, 1 - sse / np.where(sst > 0, sst, 1), np.where(sse == 0, 1.0, 0.0))


def _product_by_row(X, coef):
    """X @ coef.T, (n, t), each number summed in an order that depends on nothing but p.

    BLAS sums in an order that depends on the matrix's shape, the processor and the threads.
    Here the p products are laid out and folded in two until one is left.
    """
    product = np.empty((len(X), len(coef)))
    by_feature = np.ascontiguousarray(coef.T)[:, :, None]  # (p, t, 1)
    half = (len(by_feature) + 1) // 2
    for at in _blocks(len(X), coef.size):
        columns = np.ascontiguousarray(X[at].T)[:, None, :]  # (p, 1, rows)
        terms = columns[:half] * by_feature[:half]  # (p / 2, t, rows), and the first fold on top
        terms[: len(columns) - half] += columns[half:] * by_feature[half:]
        while len(terms) > 1:
            fold = (len(terms) + 1) // 2
            terms[: len(terms) - fold] += terms[fold:]
            terms = terms[:fold]
        product[at] = terms[0].T
    return product


def _same_gaps(Y):
    """Pairs of targets that have the same gaps and the rows that have their assay."""
    has_assay = ~np.isnan(Y)
    targets = {}
    for k in range(Y.shape[1]):
        targets.setdefault(has_assay[:, k].tobytes(), []).append(k)
    return [(columns, has_assay[:, columns[0]]) for columns in targets.values()]


def _with_assay(Y, targets):
    """The rows that have the assays of targets with the same gaps; all, where there is no target."""
    return np.flatnonzero(~np.isnan(Y[:, targets[0]])) if targets else np.arange(len(Y))


def _column_names(X):
    """Names of a DataFrame's columns when all are strings, else None."""
    names = getattr(X, "columns", None)
    if names is None or not len(names) or not all(isinstance(name, str) for name in names):
        return None
    return np.array(list(names), dtype=object)


def _target_names(y, Y):
    """Names of y's columns where it has names, else their numbers."""
    if Y.ndim == 1:
        return [str(getattr(y, "name", None) or "y")]
    return [str(name) for name in getattr(y, "columns", range(Y.shape[1]))]


def _check_length(what, values, X):
    """Refuse what has not one value for each row of X."""
    found = len(values) if np.ndim(values) else 1
    if found != len(X):
        raise ValueError(
            f"found inconsistent numbers of samples: {what} has {found}, X has {len(X)}; give one "
            "for each row of X"
        )


def _check_rows(found, grouped, names):
    """Refuse targets that leave nothing to hold out."""
    if found < 2:
        unit = "groups" if grouped else "rows"
        raise ValueError(
            f"found {found} {unit} with an assay of {', '.join(names)}, expected 2 or more; leave "
            "the target out"
        )


def _log_edges(alphas, best, names, varies):
    """Name the targets whose alpha lies on the grid's edge, in one line."""
    if len(alphas) < 2:
        return
    found = []
    for word, edge in (("smallest", alphas.min()), ("largest", alphas.max())):
        at_edge = [name for name, k, v in zip(names, best, varies) if v and alphas[k] == edge]
        if at_edge:
            found.append(f"the {word} alpha, {edge:g}, for {', '.join(at_edge)}")
    if found:
        remedy = "a wider grid, or alphas='auto', may do better"
        logger.warning("the grid ends at %s; %s", " and at ".join(found), remedy)


def _npy(array):
    """An array as the bytes of a .npy file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _plain(value):
    """`value` with Python's numbers for numpy's."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (list, tuple):
        return type(value)(_plain(item) for item in value)
    return value.tolist() if isinstance(value, np.ndarray) else value
