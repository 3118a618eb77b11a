"""recore/state.py: an estimator's state as any version reads it."""

import pickle
import pickletools

import numpy as np

from recore.state import from_plain, plain_state


def test_a_state_comes_back_as_it_was_and_names_no_class_of_numpy():
    attributes = {
        "coef_": np.arange(6.0).reshape(2, 3),
        "n_rows_": np.array([3, 4]),
        "names": np.array(["a", "b"], dtype=object),
        "alpha": np.float64(0.5),
        "nested": [np.int64(1), (np.float64(2.0), "x")],
        "word": "text",
        "none": None,
    }
    pickled = pickle.dumps(plain_state(attributes), protocol=4)
    assert not [argument for _, argument, _ in pickletools.genops(pickled) if "numpy" in str(argument)]
    found = from_plain(pickle.loads(pickled))
    assert set(found) == set(attributes)
    for name in ("coef_", "n_rows_", "names"):
        assert found[name].dtype == attributes[name].dtype
        np.testing.assert_array_equal(found[name], attributes[name])
    assert type(found["alpha"]) is float and found["nested"] == [1, (2.0, "x")]
    assert found["word"] == "text" and found["none"] is None
