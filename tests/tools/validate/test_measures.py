"""tools/validate/measures.py: figures that are true."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from tools.validate.measures import MEASURES, measures, over_repeats


def of_one_column(measures, name):
    return measures[0, MEASURES.index(name)]


def test_measures_are_those_worked_by_hand():
    actual = np.array([[1.0], [2.0], [3.0], [6.0]])
    predicted = np.array([[1.0], [3.0], [3.0], [5.0]])  # errors 0, 1, 0, -1
    found = measures(actual, predicted)
    assert of_one_column(found, "R2") == pytest.approx(1 - 2 / 14)
    assert of_one_column(found, "RMSE") == pytest.approx(np.sqrt(1 / 2))
    assert of_one_column(found, "bias") == 0
    assert of_one_column(found, "SEP") == pytest.approx(np.sqrt(2 / 3))
    assert of_one_column(found, "slope") == pytest.approx(
        LinearRegression().fit(predicted, actual).coef_[0, 0]
    )
    assert of_one_column(found, "RPD") == pytest.approx(np.sqrt(14 / 3) / np.sqrt(1 / 2))
    assert of_one_column(found, "RPIQ") == pytest.approx((3.75 - 1.75) / np.sqrt(1 / 2))


def test_bias_is_predicted_less_measured_and_is_no_part_of_sep():
    actual = np.array([[1.0], [2.0], [4.0]])
    found = measures(actual, actual + 0.5)
    assert of_one_column(found, "bias") == pytest.approx(0.5)
    assert of_one_column(found, "SEP") == pytest.approx(0, abs=1e-12)


def test_a_missing_assay_counts_in_no_measure():
    rng = np.random.default_rng(0)
    actual, predicted = rng.normal(size=(2, 20, 1))
    gaps = np.vstack([actual, [[np.nan]] * 3]), np.vstack([predicted, [[99.0]] * 3])
    np.testing.assert_allclose(measures(*gaps), measures(actual, predicted))


def test_the_overall_figures_do_not_depend_on_units():
    rng = np.random.default_rng(0)
    actual, predicted = rng.normal(size=(2, 20, 2))
    units = np.array([1, 1e4])
    one, other = measures(actual, predicted), measures(actual * units, predicted * units)
    np.testing.assert_allclose(one[-1], other[-1])


def test_an_interval_is_that_of_student():
    mean, half = over_repeats(np.array([1.0, 2.0, 3.0]))
    assert (mean, half) == (2.0, pytest.approx(4.3027 / np.sqrt(3), rel=1e-4))
    assert np.isnan(over_repeats(np.array([1.0]))[1])
