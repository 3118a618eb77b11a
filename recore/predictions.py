"""Predictions, how far to trust them, and both as text."""

import io
import json
import re

import numpy as np
import pandas as pd

import preprocess
from recore.samples import feature_values

COVERAGE = 0.9  # of the bounds that go with predictions
WHOLE = re.compile("0|-?[1-9][0-9]{0,14}")  # a number that a float holds exactly; "007" is text
DIGITS = 14  # of a prediction, significant: all but the last two of a float, and half the time to write
BOUND_DIGITS = 6  # of a bound or a ratio: more than it can be known to


class Predictions(np.ndarray):
    """Predictions (n_samples, n_targets) that know the features (a DataFrame) and the model that they are of."""

    features = model = None


def predict(table, model):
    """Predictions (n_samples, n_targets) of a table of features, by name: in any order and among other columns."""
    return predict_array(feature_values(table, model), model)


def predict_array(values, model):
    """Predictions (n_samples, n_targets) for features (n_samples, n_features) in the model's order."""
    return nameless(model).predict(values) if len(values) else np.empty((0, len(model.coef_)))


def nameless(model):
    """The model without names to compare, which takes scikit-learn longer than to predict."""
    bare = type(model)()
    vars(bare).update(vars(model))
    del bare.feature_names_in_
    return bare


def trust(values, predictions, model, coverage=COVERAGE):
    """How far to trust predictions of features in the model's order: lower and upper bounds (n_samples, n_targets),
    and a DataFrame (n_samples, 3) of leverage, residual and verdict, see `ZeroClippedRidgeCV`.
    """
    if not len(values):
        return predictions, predictions, pd.DataFrame(columns=["leverage", "residual", "verdict"])
    bare = nameless(model)
    lower, upper = bare.predict_interval(values, coverage, np.asarray(predictions))
    return lower, upper, bare.applicability(values)


def csv_rows(predictions):
    """Predictions as CSV, one line a sample, without header and index."""
    line = ",".join([f"%.{DIGITS}g"] * predictions.shape[1]) + "\n"
    return "".join([line % tuple(row) for row in predictions.tolist()])


def json_rows(predictions):
    """Predictions as lists of numbers, one a sample."""
    number = f"%.{DIGITS}g"
    line = "[" + ", ".join([number] * predictions.shape[1]) + "]"
    return [line % tuple(row) for row in predictions.tolist()]


def json_lines(predictions):
    """An object a sample: index, verdict, leverage, residual, and value, lower and upper of each target.

    Lists of numbers for predictions that do not know what they are of.
    """
    if getattr(predictions, "model", None) is None or not len(predictions):
        return "".join([row + "\n" for row in json_rows(predictions)])
    table, model = predictions.features, predictions.model
    lower, upper, found = trust(feature_values(table, model), predictions, model)
    bound = f"%.{BOUND_DIGITS}g"
    each = f'{{"value": %.{DIGITS}g, "lower": {bound}, "upper": {bound}}}'
    targets = ", ".join(json.dumps(name).replace("%", "%%") + ": " + each for name in model.target_names_)
    line = f'{{"index": %s, "verdict": "%s", "leverage": {bound}, "residual": {bound}, "targets": {{{targets}}}}}\n'
    told = zip(json_labels(table.index), found["verdict"], found["leverage"], found["residual"])
    cells = np.stack([predictions, lower, upper], axis=2).reshape(len(table), -1).tolist()  # (n, 3 t)
    return "".join([line % (*head, *row) for head, row in zip(told, cells)])


def json_labels(index):
    """The rows' index as JSON: whole numbers where all are, as every client reads them, else text."""
    labels = [
        str(int(label)) if isinstance(label, float) and not label % 1 else str(label) for label in index
    ]
    if all(WHOLE.fullmatch(label) for label in labels):
        return labels
    return ["null" if label is None else json.dumps(text) for label, text in zip(index, labels)]


def npy(predictions):
    """Predictions as the bytes of a .npy file."""
    file = io.BytesIO()
    np.save(file, predictions, allow_pickle=False)
    return file.getvalue()


FORMATS = {  # the first that an Accept with wildcards allows is taken
    "application/json": lambda predictions: "[" + ", ".join(json_rows(predictions)) + "]",
    "text/csv": csv_rows,
    "application/jsonlines": json_lines,
    "application/x-npy": npy,
}


def accepted(accept):
    """The type among FORMATS that an Accept header likes best, None when it allows none."""
    best, liked = None, 0.0
    for part in (accept or "*/*").split(","):
        pattern, _, parameters = part.partition(";")
        pattern = pattern.strip().lower()
        weight = re.search(r"(?:^|;)\s*q\s*=\s*([0-9.]+)", parameters)
        weight = preprocess.number(weight.group(1)) or 0.0 if weight else 1.0
        if weight <= liked:
            continue
        for kind in FORMATS:
            if pattern in (kind, kind.split("/")[0] + "/*", "*/*"):
                best, liked = kind, weight
                break
    return best
