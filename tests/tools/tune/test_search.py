"""tools/tune/search.py and choice.py: they find what is there to be found."""

import numpy as np
import pandas as pd
import pytest

import preprocess
import score
from mdl import ZeroClippedRidgeCV
from preprocess import Settings
from recore.folds import draw_folds
from tests.conftest import channels_of, make_table
from tools.tune import choice
from tools.tune.candidates import candidates, features
from tools.tune.search import SEARCH_ALPHAS, nested, search


def left_out(settings):
    """Channels after the range."""
    return -int(settings.range.split(":")[1] or 0)


def noisy_tail(rows=80, channels=510):
    """Smooth bands in the first two thirds, noise that dwarfs them in the rest, one target (n, c), (n, 1)."""
    rng = np.random.default_rng(0)
    amounts = rng.gamma(2, 1, (rows, 4))
    bands = np.exp(-(((np.arange(channels) - np.array([[60], [130], [200], [280]])) / 25) ** 2))
    spectra = amounts @ bands + 0.5 + rng.normal(0, 0.02, (rows, channels))
    spectra[:, 340:] += rng.normal(0, 10, (rows, channels - 340))
    return spectra, pd.DataFrame({"Ca": amounts[:, 0] / amounts.sum(axis=1)})


def test_a_search_gives_the_estimators_own_scores():
    table = make_table(rows=40, channels=340)
    spectra, targets = table[channels_of(table)].to_numpy(), table[list(preprocess.TARGETS)]
    sites, every = table["SiteID"].to_numpy(), np.full(40, True)
    settings = [Settings("0:-20", 7, "snv"), Settings("0:-300", 7), Settings("0:-300", 15)]
    found = search(
        spectra, range(340), targets, settings, [(every, None), (every, sites), (sites > 2, None)], 1
    )
    for setting, scores in zip(settings, found, strict=True):
        X = features(spectra, setting, range(340))
        for value, rows, groups in zip(scores, (every, every, sites > 2), (None, sites, None), strict=True):
            model = ZeroClippedRidgeCV(SEARCH_ALPHAS).fit(X[rows], targets.to_numpy()[rows], groups=groups)
            assert value == pytest.approx(np.dot(list(score.WEIGHTS.values()), model.cv_r2_))


def test_the_search_leaves_a_noisy_tail_out_and_takes_windows_above_1():
    spectra, targets = noisy_tail()
    settings = candidates(510)
    scores = search(spectra, range(510), targets, settings, [(np.full(80, True), None)], 1)[:, 0]
    folds = draw_folds(np.arange(80), 1, 10)[0]
    winner, best, behind, error = choice.choose(spectra, range(510), targets, settings, scores, folds, 1)
    for at in (winner, best):
        assert left_out(settings[at]) >= 170 and settings[at].window > 1
    assert behind <= error
    whole = [value for setting, value in zip(settings, scores, strict=True) if left_out(setting) == 0]
    assert scores[best] > max(whole) + 0.05


def test_a_setting_that_cannot_be_applied_is_never_the_winner():
    spectra, targets = noisy_tail(rows=30)
    spectra[3, :340] = -1  # no maximum above 0 to divide by
    settings = [Settings("0:-170", 7, "max"), Settings("0:-170", 7, "none")]
    scores = search(spectra, range(510), targets, settings, [(np.full(30, True), None)], 1)[:, 0]
    assert np.isnan(scores[0]) and np.isfinite(scores[1])
    assert choice.front(settings, scores, range(510)) == [1]


def test_the_front_holds_what_beats_every_simpler_setting():
    settings = [Settings("0:", width) for width in (1, 5, 7, 10)]
    assert choice.front(settings, np.array([0.80, 0.78, 0.81, 0.70]), range(100)) == [3, 2]
    assert choice.simplicity(Settings("10:-20", 7, "max"), range(100)) == (15, 1)
    assert choice.simplicity(Settings("10:-20", 7, "snv"), range(100)) == (10, 2)


def test_the_jackknife_of_one_row_a_fold_is_that_of_the_mean():
    """Where a target's spread is fixed, a difference in R² is one in mean squared error."""
    rng = np.random.default_rng(0)
    actual = pd.DataFrame({"Ca": np.tile([-1.0, 1.0], 500)})
    one, other = (actual.to_numpy() + rng.normal(0, size, (1000, 1)) for size in (0.1, 0.3))
    difference, error = choice.jackknife(actual, one, other, np.arange(1000))
    gains = np.square(other - actual) - np.square(one - actual)
    assert difference == pytest.approx(gains["Ca"].mean())
    assert error == pytest.approx(gains["Ca"].std() / np.sqrt(1000), rel=0.02)


def test_nested_figures_do_not_see_the_rows_held_out():
    spectra, targets = noisy_tail(rows=40)
    folds = np.arange(40) % 4
    settings = [Settings("0:-170", 7, "none"), Settings("0:-170", 7, "max")]
    _, before = nested(spectra, range(510), targets, settings, folds, None, 1)
    changed = targets.where(folds[:, None] != 2, np.random.default_rng(1).gamma(2, 9, (40, 1)))
    r2, after = nested(spectra, range(510), changed, settings, folds, None, 1)
    assert before[2] == after[2]
    assert list(r2) == ["present", "tuned"]
