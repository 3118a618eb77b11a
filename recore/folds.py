"""Which rows are held out together: folds of rows, or of whole sites."""

import numpy as np

import preprocess

REPEATS, FOLDS = 5, 10


def draw_folds(units, repeats, folds):
    """The fold that holds out each row, (repeats, n_rows); rows of one unit share it.

    One repeat only where each unit is a fold of its own, as another would be the same.
    """
    names, unit = np.unique(units, return_inverse=True)
    if len(names) < 3:
        raise preprocess.DataError(
            "", f"found {len(names)} sites or rows to hold out", "3 or more", "use another --group"
        )
    if folds >= len(names):
        return unit[None]
    places = np.arange(len(names)) % folds
    return np.array([np.random.default_rng(seed).permutation(places)[unit] for seed in range(repeats)])
