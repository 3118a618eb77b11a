"""Multi-target ridge regression with an exact, closed-form choice of alpha for each target, by one of METHODS.

    from mdl import ZeroClippedRidgeCV
    model = ZeroClippedRidgeCV().fit(features, assays, groups=sites)

Spectra X (n, p), assays Y (n, t), row weights w, W = diag(w). Rows are centred on their
weighted mean and scaled by the root of their weight, X~ = W^1/2 (X - mean), Y~ alike, so that

    b(alpha) = argmin_b |Y~ - X~ b|^2 + alpha |b|^2 = (X~'X~ + alpha I)^-1 X~'Y~      (1)

Equations (2) to (4) stand in recore.ridge, (5) and (7) in recore.leverage, (6) in recore.bounds, (8) and (9) in
recore.views, (10) and (11) in recore.blend.
"""

from numbers import Real

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from recore.alphas import Shown
from recore.blended import Blended
from recore.bounds import MOST
from recore.checks import FINITE, check_features, check_fit, check_length, check_slopes
from recore.choice import BY_ERROR
from recore.fitting import ALPHAS, fit_to
from recore.linalg import product_by_row, row_blocks
from recore.new_rows import applicability_of, bounds_of
from recore.parts import Parts, in_turn
from recore.rows import Rows
from recore.state import from_plain, plain_state
from recore.views import check_flat, gradient, kernel, lengths_of, products, standard_normal_variate

KERNEL_ALPHAS = np.logspace(-4, 2, 31)
LANDMARKS = 2_000, 1_000  # training rows that may all be landmarks, and how many are drawn of more
VERDICTS = np.array(["inside", "extrapolating", "unlike"])


class ZeroClippedRidgeCV(RidgeCV):
    """Ridge regression with an alpha for each target and predictions that stop at 0.

    Alpha is chosen by exact leave-one-out, or leave-one-group-out when `fit` gets groups. A target with gaps
    (NaN) is fitted on the rows that have it. Predictions of a target whose training values never fall below
    0 are clipped at 0; alpha is chosen before clipping, as in scikit-learn's `RidgeCV`.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,), "LOW:HIGH" or "auto", default=50 values from 1e-5 to 1e5
        Regularisation strengths to choose from, positive; "1e-5:1e5" spreads 50 evenly in their logarithm,
        "auto" over the eigenvalues of X'X.
    fit_intercept : bool, default=True
        Whether to centre X and y.
    scoring : str, callable or None, default=None
        What alpha maximises: a scorer of the held-out predictions, which gets `sample_weight` when `fit`
        does, or None for the negative mean squared error.
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
    y_min_, y_max_ : ndarray of shape (n_targets,)
        The smallest and the largest training value.
    cv_r2_, cv_rmse_ : ndarray of shape (n_targets,)
        Held-out R2 and RMSE at `alpha_`, of clipped predictions, on the rows that chose it: of few rows they
        promise too much, see recore.expected.
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

    least_features = 1
    further = ()  # arrays that a kind of model has beside those above, and their shapes: t, p, and m landmarks
    cv = None  # RidgeCV's methods ask for it; leave-one-out is the only one here
    with_bounds = True  # what predict_interval and applicability need; a search of many settings does without

    def __init__(self, alphas=ALPHAS, *, fit_intercept=True, scoring=None, alpha_per_target=True):
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.alpha_per_target = alpha_per_target

    def fit(self, X, y, sample_weight=None, groups=None, judge=None):
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
        judge : callable, default=None
            Finds figures of other rows left out without a second fit, see recore.closed.

        Returns
        -------
        self : ZeroClippedRidgeCV

        Raises
        ------
        ValueError
            On NaN in X, infinity, a target with fewer than two rows or groups, bad alphas.
        """
        X, Y, weight, groups, names = check_fit(self, X, y, sample_weight, groups)
        one_target, Y = Y.ndim == 1, Y.reshape(len(Y), -1)
        weighted, ways = sample_weight is not None, judge and judge.ways
        data = Rows(X, Y, weight, groups, names, self.fit_intercept, weighted, ways)
        return fit_to(self, data, one_target, judge)

    def fit_stored(self, store, groups=None, run=None, judge=None):
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
        judge : callable, default=None
            As for `fit`.

        Returns
        -------
        self : ZeroClippedRidgeCV

        Raises
        ------
        ValueError
            As `fit`, and on a `scoring` that must see all predictions at once.
        """
        if self.scoring not in BY_ERROR:
            expected = f"one of {BY_ERROR} for rows that are read in parts; leave it out"
            raise ValueError(f"scoring is {self.scoring!r}, expected {expected}")
        self.n_features_in_ = len(store.feature_names)
        self.feature_names_in_ = np.array(list(store.feature_names), dtype=object)
        data = Parts(store, groups, self.fit_intercept, run or in_turn, judge and judge.ways)
        return fit_to(self, data, False, judge)

    def predict(self, X):
        """Predict, clipped at `lower_`.

        A row's prediction is the same to the last bit whatever rows come with it, and on every machine, which
        a matrix product would not promise.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        predicted = np.maximum(self.unclipped(X), np.atleast_1d(self.lower_))
        return predicted[:, 0] if self.coef_.ndim == 1 else predicted

    def unclipped(self, X):
        """Predictions (n_samples, n_targets) that may be below `lower_`."""
        check_is_fitted(self)
        return self._unclipped(check_features(self, X, reset=False))

    def _unclipped(self, X):
        """As `unclipped`, of features that were checked."""
        return product_by_row(X, np.atleast_2d(self.coef_)) + self.intercept_

    def score(self, X, y, sample_weight=None):
        """R2 of predictions, the mean over targets; missing assays are left out, as `fit` does.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN where an assay is missing. A target with fewer than two is left out of the mean.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            NaN where no target has two assays.
        """
        predicted = self.predict(X)
        Y = check_array(y, dtype=np.float64, ensure_2d=False, **{FINITE: False})
        check_length("y", Y, predicted)
        Y, predicted = (values.reshape(len(predicted), -1) for values in (Y, predicted))
        weight = None if sample_weight is None else np.asarray(sample_weight)
        known = ~np.isnan(Y)
        each = [
            r2_score(Y[some, k], predicted[some, k], sample_weight=None if weight is None else weight[some])
            for k, some in enumerate(known.T)
            if some.sum() > 1
        ]
        return float(np.mean(each)) if each else float("nan")

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
            expected = f"a number above 0 and at most {MOST}; 0.9 is usual"
            raise ValueError(f"coverage is {coverage!r}, expected {expected}")
        predicted = self.predict(X) if predicted is None else np.asarray(predicted)
        X = check_features(self, X, reset=False)
        return bounds_of(self, X, coverage, predicted)

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
                Equation (7), the largest over features in units of `residual_scale_` and of its limit.
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
        index = X.index if isinstance(X, pd.DataFrame) else None
        X = check_features(self, X, reset=False)
        leverage, residual = applicability_of(self, X)
        verdict = VERDICTS[np.where(residual > 1, 2, leverage > 1)]
        return pd.DataFrame({"leverage": leverage, "residual": residual, "verdict": verdict}, index)

    def views(self, data, grid):
        """The data of a fit in all views that a model of this kind has."""
        return data

    def __repr__(self, N_CHAR_MAX=700):
        if repr(self.alphas) == repr(ALPHAS):
            return super().__repr__(N_CHAR_MAX)
        shown = type(self)(**{**self.get_params(), "alphas": Shown(self.alphas)})
        return super(ZeroClippedRidgeCV, shown).__repr__(N_CHAR_MAX)

    def __getstate__(self):
        return plain_state(self.__dict__)

    def __setstate__(self, state):
        self.__dict__.update(from_plain(state))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.array_api_support = False
        return tags


class TwoViewRidgeCV(ZeroClippedRidgeCV):
    """The average of two ridge regressions: on windows, and on their slope, equation (8) in recore.views.

    Each is itself an average over alphas, by how they predict what is held out, equation (10) in recore.blend; both
    weigh alike unless one predicts far worse (11). Both views are linear, so `coef_` and `intercept_` of the features
    hold all of it, and `predict` is that of `ZeroClippedRidgeCV`, as are intervals and applicability. Held-out errors
    are those of the average, and exact, but that slopes stay standardised by all rows, those held out among them.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,), "LOW:HIGH" or "auto", default=50 values from 1e-5 to 1e5
        Of windows, as for `ZeroClippedRidgeCV`; those of slopes, which have a scale of their own, are the default's.

    Attributes
    ----------
    alpha_ : ndarray of shape (n_targets,)
        The alpha of windows that weighs most: that of the smallest held-out error, as `ZeroClippedRidgeCV` has it.
        Leverages are told at it.
    best_score_, cv_r2_, cv_rmse_ : ndarray of shape (n_targets,)
        Of the average.
    and all others of ZeroClippedRidgeCV.
    """

    fit_intercept, scoring, alpha_per_target = True, None, True
    least_features = 2

    def __init__(self, alphas=ALPHAS):
        self.alphas = alphas

    def views(self, data, grid):
        check_slopes(self.n_features_in_, self.least_features)
        return Blended(data, [grid, np.array(ALPHAS)], scatter=False)


class KernelRidgeCV(TwoViewRidgeCV):
    """The average of two ridge regressions: on windows, and on slopes and distances, equation (9) in recore.views.

    Slopes are those of standard normal variates, distances those to the spectra of the training, or, where they are
    more than LANDMARKS, to some drawn at random. Held-out errors are exact, but that rows held out stay landmarks and
    in what standardises slopes. Predictions have the same bits in any batch, order and layout.

    Parameters
    ----------
    alphas : as for TwoViewRidgeCV

    Attributes
    ----------
    coef_, intercept_ : ndarray of shape (n_targets, n_features), (n_targets,)
        What is linear in features: the first ridge by its share; the intercept is that of both.
    slope_mean_, slope_scale_ : ndarray of shape (n_features,)
        That standardise slopes.
    slope_coef_ : ndarray of shape (n_targets, n_features)
        Of standardised slopes.
    landmarks_ : ndarray of shape (n_landmarks, n_features)
        Standardised slopes of some training spectra.
    dual_coef_ : ndarray of shape (n_targets, n_landmarks)
        Of minus the distances to them.
    y_mean_ : ndarray of shape (n_targets,)
        Weighted mean of the assays, which is that of the unclipped predictions of the same rows.
    and all others of TwoViewRidgeCV.
    """

    further = (
        ("slope_mean_", "p"),
        ("slope_scale_", "p"),
        ("slope_coef_", "tp"),
        ("landmarks_", "mp"),
        ("dual_coef_", "tm"),
        ("y_mean_", "t"),
    )

    def views(self, data, grid):
        check_slopes(self.n_features_in_, self.least_features)
        return Blended(data, [grid, KERNEL_ALPHAS], scatter=True, landmarks=LANDMARKS)

    def _unclipped(self, X):
        """As ZeroClippedRidgeCV's; the same bits in any batch and layout, if not on every machine."""
        check_flat(X)
        predicted, slopes = super()._unclipped(X), np.atleast_2d(self.slope_coef_)
        for at in row_blocks(len(X), sum(self.landmarks_.shape)):
            Z = (
                gradient(standard_normal_variate(np.asarray(X[at], float))) - self.slope_mean_
            ) / self.slope_scale_
            predicted[at] += products(Z, slopes)
            far = kernel(Z, self.landmarks_, self.landmark_lengths_)
            predicted[at] += products(far, np.atleast_2d(self.dual_coef_))
        return predicted

    def __getstate__(self):
        state = {name: value for name, value in self.__dict__.items() if name != "landmark_lengths_"}
        return plain_state(state)

    def __setstate__(self, state):
        super().__setstate__(state)
        if "landmarks_" in self.__dict__:
            self.landmark_lengths_ = lengths_of(self.landmarks_)


METHODS = {"ridge": ZeroClippedRidgeCV, "views": TwoViewRidgeCV, "kernel": KernelRidgeCV}
