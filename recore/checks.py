"""What fit and predict refuse, and what fit warns of."""

import logging
from functools import partial

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import _check_sample_weight

try:
    from sklearn.utils.validation import validate_data  # scikit-learn >= 1.6
except ImportError:
    validate_data = None

FINITE = "ensure_all_finite" if validate_data else "force_all_finite"  # renamed in 1.6
logger = logging.getLogger("mdl")


def check_fit(model, X, y, sample_weight, groups):
    """X (n, p), Y (n,) or (n, t), weights and whole-numbered groups (n,), target names (t,)."""
    if y is None:
        raise ValueError("this estimator requires y to be passed, but the target y is None")
    X = check_features(model, X, reset=True)
    Y = check_array(y, dtype=np.float64, ensure_2d=False, **{FINITE: False})
    if Y.ndim not in (1, 2) or not Y.size:
        raise ValueError(f"y has shape {Y.shape}, expected (n_samples,) or (n_samples, n_targets)")
    check_length("y", Y, X)
    names = names_of_targets(y, Y)
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
        check_length("groups", groups, X)
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


def check_features(model, X, reset):
    """X as an array of finite numbers, with the names and number of features checked."""
    names = column_names(X)
    check = partial(validate_data, model) if validate_data else model._validate_data
    checked = check(
        X,
        reset=reset,
        dtype=[np.float64, np.float32],
        ensure_min_samples=2 if reset else 1,
        **{FINITE: False},
    )
    if reset and names is not None:  # scikit-learn < 1.0 neither keeps nor compares names
        model.feature_names_in_ = names
    elif reset and hasattr(model, "feature_names_in_"):
        del model.feature_names_in_
    elif names is not None and not np.array_equal(names, getattr(model, "feature_names_in_", names)):
        found, expected = list(names[:3]), list(model.feature_names_in_[:3])
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


def column_names(X):
    """Names of a DataFrame's columns when all are strings, else None."""
    names = getattr(X, "columns", None)
    if names is None or not len(names) or not all(isinstance(name, str) for name in names):
        return None
    return np.array(list(names), dtype=object)


def names_of_targets(y, Y):
    """Names of y's columns where it has names, else their numbers."""
    if Y.ndim == 1:
        return [str(getattr(y, "name", None) or "y")]
    return [str(name) for name in getattr(y, "columns", range(Y.shape[1]))]


def check_length(what, values, X):
    """Refuse what has not one value for each row of X."""
    found = len(values) if np.ndim(values) else 1
    if found != len(X):
        raise ValueError(
            f"found inconsistent numbers of samples: {what} has {found}, X has {len(X)}; give one "
            "for each row of X"
        )


def check_rows(found, grouped, names):
    """Refuse targets that leave nothing to hold out."""
    if found < 2:
        unit = "groups" if grouped else "rows"
        raise ValueError(
            f"found {found} {unit} with an assay of {', '.join(names)}, expected 2 or more; leave "
            "the target out"
        )


def log_edges(alphas, best, names, varies):
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
