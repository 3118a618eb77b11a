"""Other models that chemometricians reach for, each with its usual choice of settings.

    python -m tools.validate data/public/public.csv.gz --peers --short

PEERS is {name: (fit and predict, what it takes)}: (X, Y, new) -> predictions, of the project's own
features or of the spectra as they are. Settings are chosen inside X by an inner cross-validation;
one target at a time where the model has one, and for targets with the same gaps at once elsewhere.
None clips its predictions at 0.
"""

from functools import partial

import numpy as np
from chemotools.derivative import SavitzkyGolay
from chemotools.scatter import StandardNormalVariate
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from mdl import ALPHAS

COMPONENTS = 20  # of PLS, at most
INNER = KFold(5, shuffle=True, random_state=0)
SVR_GRID = {"svr__C": [1, 10, 100]}  # in standard deviations of the target
KERNEL_GRID = {"kernelridge__alpha": [1e-4, 1e-3, 1e-2, 1e-1, 1], "kernelridge__gamma": [1e-4, 1e-3, 1e-2]}
WINDOW, DEGREE = 21, 2  # channels and polynomial of the Savitzky-Golay derivative, as yamsys' authors


class PLSCV(RegressorMixin, BaseEstimator):
    """PLS of one target, its number of components chosen by cross-validation.

    The first k components of a fit with more are those of a fit with k: each fold is fitted once.
    """

    def fit(self, X, y):
        y = np.ravel(y)
        parts = list(INNER.split(X))
        most = min(COMPONENTS, X.shape[1], min(len(train) for train, _ in parts) - 1)
        sse = np.zeros(most)
        for train, test in parts:
            model = PLSRegression(most, scale=False).fit(X[train], y[train])
            sse += np.square(y[test, None] - by_components(model, X[test])).sum(axis=0)
        self.n_components_ = int(sse.argmin()) + 1
        self.model_ = PLSRegression(self.n_components_, scale=False).fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X).ravel()


def by_components(model, X):
    """Predictions of a one-target PLS with its first 1, 2, ... components; (n_rows, n_components)."""
    return model.intercept_ + np.cumsum(model.transform(X) * model.y_loadings_[0], axis=1)


def pls():
    return PLSCV()


def chemotools_pls():
    derivative = SavitzkyGolay(WINDOW, DEGREE, 1)  # by place: their names changed in 0.5
    return make_pipeline(StandardNormalVariate(), derivative, StandardScaler(with_std=False), PLSCV())


def ridge_one_alpha():
    return in_standard_deviations(RidgeCV(ALPHAS))


def ridge_cv():
    return RidgeCV(ALPHAS, alpha_per_target=True)


def extra_trees():
    return ExtraTreesRegressor(200, max_features=1 / 3, random_state=0)


def kernel_ridge():
    model = make_pipeline(StandardScaler(), KernelRidge(kernel="rbf"))
    return in_standard_deviations(GridSearchCV(model, KERNEL_GRID, cv=INNER))


def svr():
    model = make_pipeline(StandardScaler(), SVR())
    return in_standard_deviations(GridSearchCV(model, SVR_GRID, cv=INNER))


def in_standard_deviations(model):
    """A model of targets that are centred and scaled first."""
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def fit_predict(make, one_by_one, X, Y, new):
    """Fit a new model to the rows that have an assay, target by target or gap pattern by gap pattern."""
    has_assay = ~np.isnan(Y)
    keys = range(Y.shape[1]) if one_by_one else [column.tobytes() for column in has_assay.T]
    predicted = np.empty((len(new), Y.shape[1]))
    for key in dict.fromkeys(keys):
        columns = [place for place, other in enumerate(keys) if other == key]
        rows = has_assay[:, columns[0]]
        y = Y[np.ix_(rows, columns)]
        y = y[:, 0] if len(columns) == 1 else y
        predicted[:, columns] = make().fit(X[rows], y).predict(new).reshape(len(new), -1)
    return predicted


PEERS = {
    "RidgeCV, an alpha for each target": (partial(fit_predict, ridge_cv, False), "features"),
    "ridge, one alpha": (partial(fit_predict, ridge_one_alpha, False), "features"),
    "PLS": (partial(fit_predict, pls, True), "features"),
    "chemotools: SNV, derivative, PLS": (partial(fit_predict, chemotools_pls, True), "spectra"),
    "kernel ridge": (partial(fit_predict, kernel_ridge, False), "features"),
    "SVR": (partial(fit_predict, svr, True), "features"),
    "ExtraTrees": (partial(fit_predict, extra_trees, False), "features"),
}
