"""An estimator's state without numpy's classes, whose pickles differ between numpy 1 and 2."""

import io

import numpy as np


def plain_state(attributes):
    """An estimator's attributes as what any version unpickles: arrays as .npy bytes, Python's numbers."""
    arrays = {name: value for name, value in attributes.items() if isinstance(value, np.ndarray)}
    state = {name: plain(value) for name, value in attributes.items() if name not in arrays}
    state["_arrays"] = {k: a.tolist() if a.dtype.hasobject else npy_bytes(a) for k, a in arrays.items()}
    return state


def from_plain(state):
    """The attributes that `plain_state` took."""
    state = dict(state)
    for name, value in state.pop("_arrays", {}).items():
        if isinstance(value, bytes):
            state[name] = np.load(io.BytesIO(value), allow_pickle=False)
        else:
            state[name] = np.array(value, dtype=object)
    return state


def npy_bytes(array):
    """An array as the bytes of a .npy file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def plain(value):
    """`value` with Python's numbers for numpy's."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    return value.tolist() if isinstance(value, np.ndarray) else value
