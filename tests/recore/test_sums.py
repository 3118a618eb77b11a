"""recore/sums.py: sums of rows that add up."""

import numpy as np
import pytest

from recore.sums import Sums, total_of, with_assay


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_of_parts_add_up_to_those_of_all_rows_as_numpy_has_them(weighted):
    rng = np.random.RandomState(0)
    X, Y = rng.normal(5, 1, (60, 4)), rng.normal(-3, 2, (60, 3))
    weight = rng.uniform(0.5, 2, 60) if weighted else np.ones(60)
    parts = np.split(np.arange(60), [7, 8, 40])
    found = total_of([None, *(Sums(X[at], Y[at].T, weight[at]) for at in parts)])
    x_mean, y_mean = np.average(X, axis=0, weights=weight), np.average(Y, axis=0, weights=weight)
    centred, assays = X - x_mean, Y - y_mean
    np.testing.assert_allclose(found.x_mean, x_mean, rtol=1e-13)
    np.testing.assert_allclose(found.y_mean, y_mean, rtol=1e-13)
    np.testing.assert_allclose(found.gram, centred.T @ (weight[:, None] * centred), rtol=1e-11)
    np.testing.assert_allclose(found.yx, assays.T @ (weight[:, None] * centred), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found.sst, weight @ np.square(assays), rtol=1e-12)
    assert found.least.tolist() == Y.min(axis=0).tolist()
    assert found.n == 60 and found.total == pytest.approx(weight.sum())


def test_rows_with_an_assay_are_those_of_the_first_target_or_all():
    Y = np.array([[1.0, np.nan], [np.nan, 2.0], [3.0, 4.0]])
    assert [with_assay(Y, targets).tolist() for targets in ([0], [1], [])] == [[0, 2], [1, 2], [0, 1, 2]]
