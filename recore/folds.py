"""Which rows are held out together: folds of rows, or of whole sites."""

import numpy as np

import preprocess

REPEATS, FOLDS = 5, 10
FEW = 500  # rows, up to which folds are drawn REPEATS times: of more, one drawing says the same within .002
SITES = 50  # folds of sites, at most; each site is one where there are no more


def row_folds(n):
    """The folds of n rows by which all figures are found, see `draw_folds`."""
    return draw_folds(np.arange(n), REPEATS if n <= FEW else 1, FOLDS)


def site_folds(sites):
    """The folds of sites by which all figures are found, (1, n_rows)."""
    return draw_folds(sites, 1, SITES)


def draw_folds(units, repeats, folds):
    """The fold that holds out each row, (repeats, n_rows); rows of one unit share it.

    One repeat only where each unit is a fold of its own, as another would be the same.
    """
    names, unit = np.unique(units, return_inverse=True)
    if len(names) < 3:
        raise preprocess.DataError(
            "", f"found sites or rows to hold out: {len(names)}", "3 or more", "use another --group"
        )
    if folds >= len(names):
        return unit[None]
    places = np.arange(len(names)) % folds
    return np.array([np.random.default_rng(seed).permutation(places)[unit] for seed in range(repeats)])


def enough(Y, groups=None):
    """The targets (t,) that a model can be fitted to: two rows, or groups of rows, have an assay."""
    known = ~np.isnan(Y)
    if groups is None:
        return known.sum(axis=0) >= 2
    _, group = np.unique(groups, return_inverse=True)
    present = np.zeros((group.max(initial=-1) + 1, Y.shape[1]), dtype=bool)
    np.logical_or.at(present, group, known)
    return present.sum(axis=0) >= 2


def told(Y, folds, groups=None):
    """The targets (t,) that a model can be fitted to without any of the folds."""
    halves = (fold != k for fold in folds for k in np.unique(fold))
    return np.all([enough(Y[half], None if groups is None else groups[half]) for half in halves], axis=0)
