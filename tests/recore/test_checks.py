"""What fit and predict refuse, in one line."""

import numpy as np
import pandas as pd
import pytest

from mdl import ZeroClippedRidgeCV
from tests.oracles import frame_model

BAD = [
    ({"X": np.array([[1.0, 2], [np.nan, 4], [5, 6]])}, "X has nan in row 1, feature 0, expected finite"),
    ({"X": pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, np.inf]})}, "X has inf in row 2, feature b"),
    ({"y": [1, 2, np.inf]}, "y has an infinity in row 2, target y"),
    ({"y": pd.DataFrame({"Cu": [1, 2, 3], "Au": [np.nan, 1, np.nan]})}, "found 1 rows with an assay of Au"),
    ({"y": [1, 2]}, "inconsistent numbers of samples: y has 2, X has 3"),
    ({"y": None}, "y to be passed"),
    ({"y": np.ones((3, 2, 2))}, "y|dim"),
    ({"y": np.ones((3, 0))}, "0 feature"),
    ({"groups": [1, 1, 1]}, "found 1 groups with an assay of y, expected 2 or more"),
    ({"groups": [1, 2]}, "groups has 2, X has 3"),
    ({"groups": ["a", None, "b"]}, "groups has no label in row 1"),
    ({"groups": [1, 2, np.nan]}, "groups has no label in row 2"),
    ({"groups": np.ones((3, 2))}, r"groups has shape \(3, 2\)"),
    ({"sample_weight": [1, -1, 1]}, "sample_weight has a negative weight"),
    ({"sample_weight": [0, 0, 0]}, "only zeros|non-zero"),
    ({"alphas": [1, 0]}, "alphas is .*, expected 'auto' or a list of positive"),
    ({"alphas": "Auto"}, "found 'Auto', expected auto, or LOW:HIGH"),
    ({"alphas": []}, "alphas is"),
    ({"alphas": [1, np.inf]}, "alphas is"),
    ({"alphas": [[1.0]]}, "alphas is"),
]


@pytest.mark.parametrize("bad, message", BAD, ids=[message[:30] for _, message in BAD])
def test_bad_input_is_refused_in_one_line(bad, message):
    given = {"X": np.arange(6.0).reshape(3, 2), "y": [1.0, 2, 4], **bad}
    model = ZeroClippedRidgeCV(given.pop("alphas", [1.0]))
    with pytest.raises(ValueError, match=message) as error:
        model.fit(**given)
    assert "\n" not in str(error.value)


def test_a_gap_in_x_is_refused_by_predict_too():
    model, X = frame_model()
    X.iloc[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"X has nan in row 3, feature 1001\.2"):
        model.predict(X)
