"""recore.figures: R2 from sums, and how far its mean would be another."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from recore.expected import one_said
from recore.figures import Figure, figure, interval_of, r2_of, score_of_new, sums_of_units


def parts_of(Y, predicted, unit):
    centred = Y - Y.mean(axis=0)
    each = np.ones(Y.shape), centred, np.square(centred), np.square(Y - predicted)
    return np.array([sums_of_units(values, unit) for values in each])


def test_r2_of_sums_is_that_of_scikit_learn_whatever_the_units():
    random = np.random.RandomState(0)
    Y = random.gamma(2, 1, (40, 3)) + np.array([0, 100, 1e6])
    predicted = Y + random.normal(0, 1, Y.shape)
    expected = r2_score(Y, predicted, multioutput="raw_values")
    for unit in (np.arange(40), np.arange(40) % 7, np.zeros(40, int)):
        np.testing.assert_allclose(r2_of(parts_of(Y, predicted, unit).sum(axis=1)), expected, rtol=1e-9)


def test_a_constant_target_is_met_or_not():
    Y = np.full((5, 1), 3.0)
    for predicted, expected in ((Y, 1), (Y + 1, 0)):
        found = figure("row", "row", np.arange(5)[None], Y, (Y - predicted)[None], np.arange(5))
        assert found.r2.tolist() == [expected]


def test_the_interval_holds_the_figure_and_narrows_with_the_units():
    random = np.random.RandomState(1)
    widths = []
    for n in (10, 100, 1000):
        Y = random.gamma(2, 1, (n, 4))
        predicted = Y + random.normal(0, 0.8, Y.shape)
        low, high = interval_of(parts_of(Y, predicted, np.arange(n)))
        assert low < r2_of(parts_of(Y, predicted, np.arange(n)).sum(axis=1)).mean() < high < 1
        widths.append(high - low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]
    grouped = interval_of(parts_of(Y, predicted, np.arange(1000) % 5))
    assert grouped[1] - grouped[0] > 0
    assert interval_of(parts_of(Y, predicted, np.arange(1000) % 2)) is None


def test_the_interval_is_about_as_wide_as_figures_of_other_samples_differ():
    """Against figures of many sets of samples with the same errors: nine of ten lie in it."""
    random = np.random.RandomState(2)
    inside, expected = [], []
    for _ in range(150):
        Y = random.gamma(2, 1, (60, 1))
        predicted = Y + random.normal(0, 0.8, Y.shape)
        expected.append(interval_of(parts_of(Y, predicted, np.arange(60))))
    Y = random.gamma(2, 1, (100_000, 1))
    truth = r2_score(Y, Y + random.normal(0, 0.8, Y.shape))
    inside = [low < truth < high for low, high in expected]
    assert 0.8 < np.mean(inside) < 0.97


def test_repeats_are_averaged():
    Y = np.arange(8.0)[:, None]
    errors = np.array([np.full((8, 1), 1.0), np.full((8, 1), 3.0)])
    found = figure("row", "row", np.array([np.arange(8) % 2, np.arange(8) // 4]), Y, errors, np.arange(8))
    assert found.rmse[0] == pytest.approx(2) and found.how == "2 × 2 folds"
    assert found.r2[0] == pytest.approx(np.mean([1 - 8 / 42, 1 - 72 / 42]))


def test_a_new_file_of_few_rows_scores_within_what_is_promised_for_it():
    """Known truth: predictions with errors of variance 0.4, so R2 0.6; 300 samples promise, files of 60 are scored."""
    random, inside = np.random.default_rng(3), 0
    for _ in range(40):
        Y = random.normal(size=(300, 8))
        errors = random.normal(0, np.sqrt(0.4), Y.shape)
        found = figure("row", "row", np.arange(300)[None] % 10, Y, errors[None], np.arange(300))
        low, high = score_of_new(found.parts, 60)
        new = random.normal(size=(60, 8))
        lost = np.square(random.normal(0, np.sqrt(0.4), new.shape)).sum(axis=0)
        r2 = (1 - lost / np.square(new - new.mean(axis=0)).sum(axis=0)).mean()
        assert low < 0.6 < high and high - low < 0.25
        inside += low <= r2 <= high
    assert 31 <= inside <= 40
    assert score_of_new(found.parts, 299) is None and score_of_new(found.parts, 1) is None


def test_an_interval_far_below_0_is_told_as_such():
    figure = Figure("row", "row", "3 folds", np.array([-0.355]), np.array([1.0]), (-706956.84, 0.996))
    assert one_said(figure) == "-0.355 by row (below -10 to 1.00, 3 folds)"
    assert one_said(figure._replace(interval=(-2.5, 0.5))) == "-0.355 by row (-2.50 to 0.50, 3 folds)"
    assert one_said(figure._replace(interval=None)) == "-0.355 by row (3 folds)"
