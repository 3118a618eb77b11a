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
        expected = "numbers, or NaN where an assay is missing"
        raise ValueError(f"y has an infinity in row {row}, target {names[k]}; expected {expected}")
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if weight.min() < 0 or not weight.any():
        found = "a negative weight" if weight.min() < 0 else "only zeros"
        expected = "weights of 0 or more and one above 0; leave it out to weigh all rows the same"
        raise ValueError(f"sample_weight has {found}, expected {expected}")
    if groups is not None:
        groups = np.asarray(groups)
        check_length("groups", groups, X)
        labels = groups.tolist()
        gaps = [i for i, label in enumerate(labels) if label is None or label != label]
        if groups.ndim != 1 or gaps:
            found = f"no label in row {gaps[0]}" if gaps else f"shape {groups.shape}"
            expected = "a label for each row; label the row or leave it out"
            raise ValueError(f"groups has {found}, expected {expected}")
        codes = {}
        groups = np.array([codes.setdefault(label, len(codes)) for label in labels])
    return X, Y, weight, groups, names


def check_features(model, X, reset, least=2):
    """X as an array of finite numbers, with the names and number of features checked; `least` rows to fit to."""
    names = column_names(X)
    check = partial(validate_data, model) if validate_data else model._validate_data
    options = {"dtype": [np.float64, np.float32], "ensure_min_samples": least if reset else 1, FINITE: False}
    checked = check(X, reset=reset, **options)
    if reset and names is not None:  # scikit-learn < 1.0 neither keeps nor compares names
        model.feature_names_in_ = names
    elif reset and hasattr(model, "feature_names_in_"):
        del model.feature_names_in_
    elif names is not None and not np.array_equal(names, getattr(model, "feature_names_in_", names)):
        found, expected = list(names[:3]), list(model.feature_names_in_[:3])
        remedy = "put its columns in the order of feature_names_in_"
        raise ValueError(f"X has features {found} …, expected {expected} … in this order; {remedy}")
    with np.errstate(all="ignore"):
        suspect = not np.isfinite(checked.sum())
    if suspect and not np.isfinite(checked).all():
        row, k = np.argwhere(~np.isfinite(checked))[0]
        found = f"{checked[row, k]} in row {row}, feature {k if names is None else names[k]}"
        expected = "finite numbers (no NaN, no inf); repair the row or leave it out"
        raise ValueError(f"X has {found}, expected {expected}")
    return checked


def check_slopes(n_features, least):
    """Refuse features that have no slope."""
    if n_features < least:
        raise ValueError(f"found n_features = {n_features}, expected {least} or more, which have a slope")


def columns_of(X):
    """Names of the columns of a table of pandas, polars or Arrow, None where it has none."""
    return X.column_names if hasattr(type(X), "column_names") else getattr(X, "columns", None)


def column_names(X):
    """Names of a table's columns when all are strings, else None."""
    names = columns_of(X)
    if names is None or not len(names) or not all(isinstance(name, str) for name in names):
        return None
    return np.array(list(names), dtype=object)


def names_of_targets(y, Y):
    """Names of y's columns where it has names, else their numbers."""
    if Y.ndim == 1:
        return [str(getattr(y, "name", None) or "y")]
    names = columns_of(y)
    return [str(name) for name in (range(Y.shape[1]) if names is None else names)]


def check_length(what, values, X):
    """Refuse what has not one value for each row of X."""
    found = len(values) if np.ndim(values) else 1
    if found != len(X):
        numbers = f"{what} has {found}, X has {len(X)}; give one for each row of X"
        raise ValueError(f"found inconsistent numbers of samples: {numbers}")


def check_rows(found, grouped, names):
    """Refuse targets that leave nothing to hold out."""
    if found < 2:
        units = f"{found} {'groups' if grouped else 'rows'} with an assay of {', '.join(names)}"
        raise ValueError(f"found {units}, expected 2 or more; leave the target out")


def log_edges(alphas, best, names, varies, auto=False):
    """Name the targets whose alpha lies on the grid's edge, in one line."""
    if len(alphas) < 2:
        return
    found = []
    for word, edge in (("smallest", alphas.min()), ("largest", alphas.max())):
        at_edge = [name for name, k, v in zip(names, best, varies) if v and alphas[k] == edge]
        if at_edge:
            found.append(f"the {word} alpha, {edge:g}, for {', '.join(at_edge)}")
    if found:
        remedy = "a wider grid may do better (alphas='auto'; train.py --alphas auto, or LOW:HIGH)"
        remedy = "beyond it nothing changes" if auto else remedy
        logger.warning("the grid ends at %s; %s", " and at ".join(found), remedy)
