"""recore.ranges: predictions beyond what was measured."""

import numpy as np

from recore.ranges import beyond, beyond_told


def test_more_than_a_tenth_of_the_range_beyond_is_told():
    least, most = np.array([5.0, 0.0, 7.0]), np.array([10.0, 100.0, 7.0])
    predicted = np.array([[5, 0, 7], [4.51, 110, 7 + 1e-9], [4.49, 110.1, 7.1], [0, -11, 6.9], [10.6, 50, 7]])
    assert beyond(predicted, least, most).tolist() == [
        [0, 0, 0],
        [0, 0, 0],
        [-1, 1, 1],
        [-1, -1, -1],
        [1, 0, 0],
    ]


def test_they_are_counted_by_target():
    counts = np.array([[0, 2, 0], [1, 0, 30]])
    assert list(beyond_told(["Ca", "pH", "Al"], counts, 1234)) == [
        "  below what was measured, by more than a tenth of its range, of 1,234: pH 2",
        "  above what was measured, by more than a tenth of its range, of 1,234: Al 30, Ca 1",
    ]
    assert list(beyond_told(["Ca"], np.zeros((2, 1), int), 5)) == []
