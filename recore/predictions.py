"""Predictions, how far to trust them, and both as text."""

import json
import re

import numpy as np
import pandas as pd

from recore import ranges
from recore.marks import UNKNOWN
from recore.samples import feature_values
from recore.state import npy_bytes
from recore.suited import by_index, check_varied

COVERAGE = 0.9  # of the bounds that go with predictions
WHOLE = re.compile("0|-?[1-9][0-9]{0,14}")  # a number that a float holds exactly; "007" is text
VALUE = "%.14g"  # of a prediction: all but the last two digits of a float, and half the time to write
BOUND = "%.6g"  # of a bound or a ratio: more than it can be known to


class Predictions(np.ndarray):
    """Predictions (n_samples, n_targets) that know their features (a DataFrame) and their model."""

    features = model = None


def predict(table, model):
    """Predictions (n_samples, n_targets) of a table of features, in any order and among other columns.

    A DataError names a row that the model has no prediction for.
    """
    values = feature_values(table, model)
    try:
        return predict_array(values, model)
    except ValueError:  # of a row without a standard normal variate, which people know by another name
        check_varied(values, by_index(table.index))
        raise


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
    """Lower and upper bounds of predictions (n_samples, n_targets), and the applicability, a DataFrame."""
    if not len(values):
        return predictions, predictions, pd.DataFrame(columns=["leverage", "residual", "verdict"])
    bare = nameless(model)
    lower, upper = bare.predict_interval(values, coverage, np.asarray(predictions))
    return lower, upper, bare.applicability(values)


def told(table, predictions, model, coverage=COVERAGE):
    """Yield of each sample verdict, leverage, residual, then value, lower, upper and verdict of each target."""
    lower, upper, found = trust(feature_values(table, model), predictions, model, coverage)
    cells = np.empty((*predictions.shape, 4), dtype=object)
    cells[..., 0], cells[..., 1], cells[..., 2] = predictions, lower, upper
    cells[..., 3] = ranges.VERDICTS[beyond(predictions, model)]
    cells = cells.reshape(len(table), -1).tolist()  # (n, 4 t)
    for *trusted, row in zip(found["verdict"], found["leverage"], found["residual"], cells):
        yield (*trusted, *row)


def beyond(predictions, model):
    """Where predictions (n_samples, n_targets) are beyond what was measured, see `recore.ranges.beyond`."""
    return ranges.beyond(np.asarray(predictions), model.y_min_, model.y_max_)


def marks_of(model):
    """The mark of each target, which a model has from its description."""
    return getattr(model, "marks", [UNKNOWN] * len(model.target_names_))


def csv_rows(predictions):
    """Predictions as CSV, one line a sample, without header and index."""
    line = ",".join([VALUE] * predictions.shape[1]) + "\n"
    return (line * len(predictions)) % tuple(np.asarray(predictions).ravel().tolist())


def json_rows(predictions):
    """Predictions as lists of numbers, one a sample."""
    line = "[" + ", ".join([VALUE] * predictions.shape[1]) + "]"
    return [line % tuple(row) for row in predictions.tolist()]


def json_lines(predictions):
    """An object a sample: index, verdict, leverage, residual; of each target value, lower, upper, verdict, mark.

    Lists of numbers for predictions that do not know what they are of.
    """
    if getattr(predictions, "model", None) is None or not len(predictions):
        return "".join([row + "\n" for row in json_rows(predictions)])
    table, model = predictions.features, predictions.model
    each = f'{{"value": {VALUE}, "lower": {BOUND}, "upper": {BOUND}, "verdict": "%s", "mark": '
    named = zip(model.target_names_, marks_of(model))
    targets = [json.dumps(name).replace("%", "%%") + f': {each}"{mark}"}}' for name, mark in named]
    about = f'"index": %s, "verdict": "%s", "leverage": {BOUND}, "residual": {BOUND}'
    line = f'{{{about}, "targets": {{{", ".join(targets)}}}}}\n'
    rows = zip(json_labels(table.index), told(table, predictions, model))
    return "".join([line % (label, *row) for label, row in rows])


def json_labels(index):
    """The rows' index as JSON: whole numbers where all are, as every client reads them, else text."""
    numbers = [int(label) if isinstance(label, float) and not label % 1 else label for label in index]
    labels = list(map(str, numbers))
    if all(map(WHOLE.fullmatch, labels)):
        return labels
    return ["null" if label is None else json.dumps(text) for label, text in zip(index, labels)]


FORMATS = {  # the first that an Accept with wildcards allows is taken
    "application/json": lambda predictions: "[" + ", ".join(json_rows(predictions)) + "]",
    "text/csv": csv_rows,
    "application/jsonlines": json_lines,
    "application/x-npy": npy_bytes,
}


def accepted(accept):
    """The first known type of an Accept header, None when there is none."""
    for part in (accept or "*/*").split(","):
        wanted = part.split(";")[0].strip().lower()
        for kind in FORMATS:
            if wanted in (kind, kind.split("/")[0] + "/*", "*/*"):
                return kind
    return None
