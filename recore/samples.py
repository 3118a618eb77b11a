"""Rows of cells become the model's features, by name or by place, checked cell by cell."""

from itertools import chain

import numpy as np

import preprocess
from preprocess import DataError
from recore.settings import limits, settings_of, window_of, worded


def feature_values(table, model):
    """The model's features (n_samples, n_features) of a table, checked as `predict` tells."""
    features = list(model.feature_names_in_)
    names = [str(name) for name in table.columns]
    values = (table if names == features else table.iloc[:, places(names, features)]).to_numpy()
    return to_array(values, features)


def places(names, features):
    """Where each feature stands among names; a DataError where they miss or repeat one, or are channels."""
    at = {name: place for place, name in enumerate(names)}
    twice = [name for name in features if names.count(name) > 1] if len(at) < len(names) else []
    if twice:
        raise DataError("body", f"found column {twice[0]!r} more than once", "every name once", "rename one")
    missing = [name for name in features if name not in at]
    if missing:
        raise other_features(names, missing, features)
    return [at[name] for name in features]


def other_features(names, missing, features):
    """The DataError for names that lack some of the features: turned round, not preprocessed, or others."""
    expected = f"{features[0]!r} to {features[-1]!r}"
    found = f"found {len(names)} columns without {len(missing)} of the model's {len(features)} features"
    found += f", first {missing[0]!r}"
    own, theirs = settings_of(features), [name for name in names if ":" in name]
    if theirs and settings_of(theirs) != own:
        found = f"found features of other settings, {worded(settings_of(theirs))}"
        remedy = "preprocess the spectra with --settings model.json, that of the model"
        return DataError("", found, worded(own), remedy)
    window = window_of(missing[0])
    turned = ":".join(window.split(":")[::-1]) + missing[0][len(window) :]
    canonical = preprocess.channel_names(names)
    if window.count(":") == 1 and turned in names and turned != missing[0]:
        found = f"found features of channels that run the other way, {turned!r} for {missing[0]!r}"
        return DataError("", found, expected, "turn the spectra round before they are preprocessed")
    if {*window.split(":")} <= {*names, *canonical.values()}:
        found = f"found {len(names)} columns, channels among them"
        return DataError("", found, expected, "preprocess them first with preprocess.py")
    others = [name for name in names if ":" in name and name not in features]
    found += f", and {others[0]!r} instead" if others else ""
    remedy = "use spectra of the channels that the model was trained on, preprocessed, or train again"
    return DataError("", found, expected, remedy)


def unnamed(width, first_cells, features):
    """Where the features stand in rows without names: alone, or after an index, which is no fraction."""
    if width not in (len(features), len(features) + 1):
        expected = f"{len(features)} features, alone or after an index"
        raise DataError("", f"found {width} columns without names", expected, "send those, or a header line")
    if width > len(features):
        for number, cell in enumerate(first_cells, 1):
            value = preprocess.number(str(cell))
            if value is not None and value % 1:
                wanted = f"an index before the {len(features)} features"
                remedy = "number the rows, or send a header line"
                raise DataError(f"row {number}, column 1", f"found {short(cell)}", wanted, remedy)
    return range(width - len(features), width)


def to_array(rows, features):
    """Rows of cells, in the features' order, as an array of floats."""
    if isinstance(rows, np.ndarray) and rows.dtype.kind in "fiu":
        with np.errstate(over="ignore"):  # of a longdouble
            values = np.ascontiguousarray(rows, dtype=float)
        return checked(values, map(np.ndarray.tolist, rows), features)
    numbers = set(chain.from_iterable(map(type, row) for row in rows)) <= {float, int}
    try:
        values = np.array(rows if numbers else [list(map(to_float, row)) for row in rows], dtype=float)
    except OverflowError:  # an integer of hundreds of digits
        values = None
    return checked(values, rows, features)


def to_float(cell):
    """A cell as a float, NaN when it is no number (True is none, nor is 1_000)."""
    if isinstance(cell, bool) or (isinstance(cell, str) and ("_" in cell or not cell.isascii())):
        return np.nan
    try:
        return float(cell)
    except (ValueError, TypeError, OverflowError):
        return np.nan


def checked(values, rows, features):
    """The values (n_rows, n_features), None when some cell is no number, once every one can be a feature.

    `rows` are the cells as they came, to show the first wrong one.
    """
    wrong, (least, most) = None, limits(features)
    if values is not None:
        highest = values.max(axis=1)  # NaN where the row has one
        wrong = ~(highest <= most) | ~(values.min(axis=1) >= least)
        if not wrong.any():
            return values
    for number, row in enumerate(rows, 1):
        if wrong is None or wrong[number - 1]:
            check_row(row, number, features)
    if values is None:
        raise DataError("body", "found text among the numbers", "features", "send numbers only")
    return values


def check_row(row, number, features):
    """Raise a DataError that names the first cell of a row that cannot be a feature."""
    values, (least, most) = [to_float(cell) for cell in row], limits(features)
    for name, cell, value in zip(features, row, values):
        found = f"row {number}, column {name!r}", f"found {short(cell)}"
        if not np.isfinite(value):
            raise DataError(*found, "a number", "mend or leave out the sample")
        if not least <= value <= most:
            expected = f"{least:g} to {most:g} as preprocess.py gives"
            raise DataError(*found, expected, "preprocess the spectrum first")


def short(cell):
    """A cell as it is shown in an error."""
    text = repr(cell)
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return "a gap"
    return text if len(text) <= 40 else text[:37] + "…"
