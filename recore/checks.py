"""What fit and predict refuse, and what fit warns of."""

import logging

import numpy as np

logger = logging.getLogger("mdl")


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
