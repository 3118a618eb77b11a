"""The simplest setting within one standard error of the best."""

from functools import partial

import numpy as np

import score
from tools.tune.candidates import TREATMENTS, features, kept
from tools.tune.search import total
from tools.validate.cross_validation import OURS, fit_predict, held_out

FINALISTS = 10  # at most


def simplicity(setting, channels):
    """Number of features, then place among TREATMENTS; the smaller the simpler."""
    return -(-kept(setting, channels) // setting.window), TREATMENTS.index(setting.treatment)


def front(settings, scores, channels):
    """Places of the settings that beat every simpler one, simplest first; the best is the last."""
    order = sorted(range(len(settings)), key=lambda at: (simplicity(settings[at], channels), -scores[at]))
    found, most = [], -np.inf
    for at in order:
        if scores[at] > most:
            found.append(at)
            most = scores[at]
    return found[-FINALISTS:]


def jackknife(targets, one, other, folds):
    """Score of one set of held-out predictions less that of another, and its standard error."""
    actual = targets.to_numpy()

    def difference(rows):
        r2 = [score.r2(actual[rows], predicted[rows]) for predicted in (one, other)]
        return total(targets, r2[0]) - total(targets, r2[1])

    without = np.array([difference(folds != fold) for fold in np.unique(folds)])
    n = len(without)
    return difference(np.full(len(actual), True)), np.sqrt(
        (n - 1) / n * np.square(without - without.mean()).sum()
    )


def choose(spectra, channels, targets, settings, scores, folds, jobs, method=OURS):
    """The simplest setting within one standard error of the best.

    Returns
    -------
    winner, best : int
        Places in `settings`.
    behind, error : float
        How far the winner's score is behind the best's on `folds` (n_rows,), and the standard error.
    """
    *simpler, best = front(settings, scores, channels)
    model = partial(fit_predict, method=method)

    def predict(at):
        X = features(spectra, settings[at], channels)
        return held_out(model, X, targets.to_numpy(), folds[None], jobs=jobs, label="finalists")[0][0]

    of_best = predict(best)
    for at in simpler:
        behind, error = jackknife(targets, of_best, predict(at), folds)
        if behind <= error:
            return at, best, behind, error
    return best, best, 0.0, 0.0
