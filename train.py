"""Fit the model and save it; serve it from the SageMaker scikit-learn container.

    python train.py --data_dir data/public --model_dir model

As a script: spectra file -> preprocess.py -> mdl.ZeroClippedRidgeCV -> model.pkl and
model.json. As a module of the model server: `model_fn` loads what was saved, and a request
goes through the other three:

    body ─ input_fn ─► table ─ predict_fn ─► predictions, or why there are none ─ output_fn ─► answer

What a client can mend is answered with status 400 and one line that names row and column;
anything else that goes wrong is the server's own fault, status 500.
"""

import argparse
import csv
import hashlib
import io
import json
import logging
import os
import pickle
import pickletools
import platform
import re
import shutil
from functools import partial
from itertools import chain, zip_longest
from operator import itemgetter
from typing import NamedTuple, Union

import numpy as np
import pandas as pd
import sklearn

import preprocess
from mdl import LEVELS, ZeroClippedRidgeCV
from preprocess import DataError

logger = logging.getLogger(__name__)

SITE = "SiteID"  # the id column by which figures are reported beside those by row
MODEL, DESCRIPTION = "model.pkl", "model.json"  # the platform knows the pickle by this name
LOWEST = -1e9  # of a feature: a spectrum's minimum cannot be measured beside so small a maximum
LARGEST = 1e100  # of a number in a model; with LOWEST, no prediction can be infinite
SMALLEST = 1e-100  # of one that is divided by
SMALL = 256 << 20  # bytes of a table that is fitted in memory: some 38,000 spectra
CACHE = ".features"  # folder, in that of the model, of the features of tables that are not
VALUES, IDS, TABLE = "rows.f8", "ids.csv", "table.json"  # what it holds of each
COVERAGE = 0.9  # of the bounds that go with predictions
# A number read from CSV is the one read from JSON or npy, to the last bit; pandas needs to be told so
# before 3.1, and warns when told after.
EXACT = {"float_precision": "round_trip"} if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1) else {}
WHOLE = re.compile("0|-?[1-9][0-9]{0,14}")  # a number that a float holds exactly; "007" is text
HIDDEN = str.maketrans(
    ",\n\r", "\ue000\ue001\ue002"
)  # what would end a cell or a line, in a cell with quotes
SHOWN = {hidden: char for char, hidden in HIDDEN.items()}
served = []  # features of the model loaded last, for input_fn, which the platform gives no model
DIGITS = 14  # of a prediction, significant: all but the last two of a float, and half the time to write
BOUND_DIGITS = 6  # of a bound or a ratio: more than it can be known to


# --- training -----------------------------------------------------------------------


def fit(data, group=None, with_bounds=True, run=None):
    """Fit the project's model.

    Parameters
    ----------
    data : preprocess.Table or Stored
        With at least one target; missing assays are NaN.
    group : str, optional
        The id column whose groups are left out together when the regularisation is
        chosen (leave-one-group-out); single rows are left out when not given.
    with_bounds : bool
        Whether the model will be asked for bounds and verdicts.
    run : callable, optional
        For Stored data, as `preprocess.workers` gives it; one process by default.

    Returns
    -------
    ZeroClippedRidgeCV

    Raises
    ------
    ValueError
        When there is too little to learn from, or no such group.
    """
    model = ZeroClippedRidgeCV()
    model.with_bounds = with_bounds
    if isinstance(data, Stored):
        check_training(data.target_names, data.n_rows, data.ids, group)
        return model.fit_stored(data, None if group is None else data.groups(group), run)
    check_training(data.targets.columns, len(data.features), data.ids.columns, group)
    return model.fit(
        data.features, data.targets, groups=None if group is None else data.ids[group].to_numpy()
    )


def check_training(targets, rows, ids, group):
    """Raise a DataError unless there is something to learn from, and an id column to group by."""
    if not len(targets):
        raise DataError(
            "found no target among the columns, expected the 49 assays, or channels named by "
            "wavenumber beside the columns to predict; see data/README.md"
        )
    if rows < 2:
        raise DataError("found one spectrum, expected two or more to learn from; add spectra with assays")
    if group is not None and group not in ids:
        raise DataError(
            f"found no id column {group!r}, expected one of {', '.join(ids) or 'none'}; "
            "name one of them, or none"
        )


def versions():
    """Versions of Python and of the packages that a saved model depends on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "scikit-learn": sklearn.__version__,
    }


def settings():
    """The preprocessing, for a description."""
    channels = preprocess.SCALE_RANGE
    return {"scale_range": [channels.start, channels.stop], "window": preprocess.WINDOW}


def save_model(model, model_dir, training=None):
    """Save a fitted model as model.pkl and describe it in model.json.

    Parameters
    ----------
    model : ZeroClippedRidgeCV
        Fitted to DataFrames.
    model_dir : str
        Folder; made when missing.
    training : dict, optional
        What is known of the training data, kept in the description.
    """
    pickled = pickle.dumps(model, protocol=4)  # 4: the newest that Python 3.7 reads
    description = {
        "sha256": hashlib.sha256(pickled).hexdigest(),
        "versions": versions(),
        "training": training or {},
        "preprocessing": settings(),
        "features": list(model.feature_names_in_),
        "targets": [
            {"name": name, "alpha": alpha, "cv_r2": r2, "cv_rmse": rmse, "rows": rows}
            for name, alpha, r2, rmse, rows in zip(
                model.target_names_,
                *(
                    np.atleast_1d(values).tolist()
                    for values in (model.alpha_, model.cv_r2_, model.cv_rmse_, model.n_rows_)
                ),
            )
        ],
    }
    # Both are whole before either takes its place.
    with preprocess.replacing(os.path.join(model_dir, MODEL), "wb") as pickle_file, preprocess.replacing(
        os.path.join(model_dir, DESCRIPTION)
    ) as description_file:
        pickle_file.write(pickled)
        json.dump(description, description_file, indent=1)


# --- training on more than memory holds ------------------------------------------------


class Stored:
    """Features, assays and ids of tables on disk, as `ZeroClippedRidgeCV.fit_stored` reads them.

    Parameters
    ----------
    folders : list of str
        One a table, as `store` writes them.

    Attributes
    ----------
    feature_names, target_names, ids : list of str
    n_rows : int

    Raises
    ------
    DataError
        When the tables have not the same features and targets.
    """

    def __init__(self, folders):
        self.folders, self.tables = folders, [describe(folder) for folder in folders]
        first = self.tables[0]
        for table in self.tables:
            for what in ("features", "targets"):
                if table[what] != first[what]:
                    raise DataError(
                        f"{table['name']}: found other {what} than in {first['name']}, "
                        f"{difference(table[what], first[what])}; give tables of the same columns"
                    )
        self.feature_names, self.target_names = first["features"], first["targets"]
        self.ids = [name for name in first["ids"] if all(name in table["ids"] for table in self.tables)]
        self.ends = np.cumsum([table["rows"] for table in self.tables])
        self.n_rows = int(self.ends[-1])

    def read(self, rows):
        """Features (rows, features) and assays (rows, targets) of a slice or an array of row numbers."""
        if isinstance(rows, slice):
            rows = np.arange(self.n_rows)[rows]
        width = len(self.feature_names) + len(self.target_names)
        values, table_of = np.empty((len(rows), width)), np.searchsorted(self.ends, rows, side="right")
        for k in np.unique(table_of):
            mine, n = table_of == k, self.tables[k]["rows"]
            stored = np.memmap(os.path.join(self.folders[k], VALUES), "<f8", "r", shape=(n, width))
            values[mine] = stored[rows[mine] - (self.ends[k] - n)]
        return values[:, : len(self.feature_names)], values[:, len(self.feature_names) :]

    def groups(self, name):
        """The labels of an id column as numbers from 0 without gaps, ndarray of int of shape (n_rows,)."""
        found = []
        for folder, table in zip(self.folders, self.tables):
            path = os.path.join(folder, IDS)
            cells = pd.read_csv(path, usecols=[table["ids"].index(name)], dtype=str, keep_default_na=False)
            codes, labels = pd.factorize(cells.iloc[:, 0])
            gaps = [code for code, label in enumerate(labels) if label in preprocess.GAPS]
            if gaps:
                row = int(np.flatnonzero(np.isin(codes, gaps))[0])
                raise DataError(
                    f"{table['name']}, row {row + 1}, column {name!r}: found no label, expected one for each "
                    "row to leave out together; label the row"
                )
            found.append((codes, labels))
        numbers = all(preprocess.number(label) is not None for _, labels in found for label in labels)
        seen = {}
        return np.concatenate(
            [
                np.array(
                    [seen.setdefault(float(label) if numbers else label, len(seen)) for label in labels]
                )[codes]
                for codes, labels in found
            ]
        )


def difference(found, expected):
    """The first name by which two lists differ, in words."""
    for ours, theirs in zip_longest(found, expected):
        if ours != theirs:
            return f"{'none' if ours is None else repr(ours)} in the place of {'none' if theirs is None else repr(theirs)}"


def describe(folder):
    """What `store` has written of a table."""
    try:
        with open(os.path.join(folder, TABLE), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        raise DataError(
            f"{folder}: not found here, though a worker wrote it; name a folder with --cache that all "
            "machines share"
        ) from None


def source_of(path):
    """What tells whether a table is the one that was stored."""
    status = os.stat(path)
    return {
        "path": path,
        "size": status.st_size,
        "modified": status.st_mtime_ns,
        "preprocessing": settings(),
    }


def store(cache, path):
    """Preprocess a table and keep features, assays and ids in a folder, unless it was done before.

    Parameters
    ----------
    cache : str
        Where the folder goes: whole, or not at all.
    path : str
        The table.

    Returns
    -------
    str
        The folder: VALUES, little-endian float64, features and assays of row after row; IDS, as they stand
        in the table; a description of both.
    """
    folder = os.path.join(cache, os.path.basename(path))
    source = source_of(path)
    if os.path.isdir(folder):
        try:
            if describe(folder)["source"] == source:
                return folder
        except (ValueError, KeyError):
            pass  # of another version, or not ours
        shutil.rmtree(folder)
    beside = preprocess.beside(folder)
    os.mkdir(beside)
    try:
        with preprocess.held(beside), preprocess.naming(path, folder):
            write_table(path, beside, source)
            os.rename(beside, folder)
    except BaseException:
        shutil.rmtree(beside)
        raise
    return folder


def write_table(path, folder, source):
    """Write what `store` keeps of a table."""
    rows = missing = 0
    with open(os.path.join(folder, VALUES), "wb") as values, open(
        os.path.join(folder, IDS), "w", encoding="utf-8", newline=""
    ) as ids:
        lines = csv.writer(ids)
        for table in preprocess.read_tables(path, as_text=True):
            if not rows:
                lines.writerow(table.ids)
            values.write(np.hstack([table.features, table.targets]).astype("<f8").tobytes())
            lines.writerows(zip(*(table.ids[name] for name in table.ids)))
            rows += len(table.features)
            missing += int(table.targets.isna().to_numpy().sum())
    preprocess.release_memory()
    description = {
        "name": os.path.basename(path),
        "source": source,
        "sha256": file_sum(path),
        "rows": rows,
        "missing_assays": missing,
        "features": list(table.features),
        "targets": list(table.targets),
        "ids": list(table.ids),
    }
    with open(os.path.join(folder, TABLE), "w", encoding="utf-8") as file:
        json.dump(description, file)


# --- the model file -----------------------------------------------------------------


class ModelUnpickler(pickle.Unpickler):
    """Loads the one class that a model file needs; any other is refused before it can run."""

    def find_class(self, module, name):
        if (module, name) == ("mdl", "ZeroClippedRidgeCV"):
            return ZeroClippedRidgeCV
        raise DataError(
            f"{MODEL}: refused to load {module}.{name}, expected a model of mdl.ZeroClippedRidgeCV "
            "only; train again with train.py"
        )


def unpickle(pickled):
    """The ZeroClippedRidgeCV in a pickle; a DataError when there is anything else in it."""
    try:
        for opcode, argument, _ in pickletools.genops(pickled):
            # A memo's index makes room for as many entries: 12 bytes could ask for all memory.
            if "PUT" in opcode.name and int(argument) > len(pickled):
                raise DataError(f"{MODEL}: refused to make room for {argument} objects; train again")
        model = ModelUnpickler(io.BytesIO(pickled)).load()
    except DataError:
        raise
    except Exception as error:  # an unpickler may raise anything
        raise DataError(f"{MODEL}: cannot be unpickled ({one_line(error)}); train again") from None
    if not isinstance(model, ZeroClippedRidgeCV):
        raise DataError(
            f"{MODEL}: found a {type(model).__name__}, expected a ZeroClippedRidgeCV; train again"
        )
    return model


def check_model(model, description):
    """Raise a DataError unless a model is whole, and is the one that its description tells of."""
    state = vars(model)
    methods = [name for name in state if callable(getattr(ZeroClippedRidgeCV, str(name), None))]
    features, targets = (list(state.get(key, ())) for key in ("feature_names_in_", "target_names_"))
    t, p, k = len(targets), len(features), len(state.get("eigenvalues_", ()))
    shapes = {
        "coef_": (t, p), "intercept_": (t,), "lower_": (t,), "alpha_": (t,), "weight_": (t,), "n_rows_": (t,),
        "error_growth_": (t, 2), "error_quantiles_": (t, len(LEVELS)), "x_mean_": (p,),
        "residual_scale_": (p,), "eigenvalues_": (k,), "axes_": (k, p),
    }  # fmt: skip
    wrong = [
        *methods,
        *(name for name, shape in shapes.items() if not is_array(name, state.get(name), shape)),
    ]
    wrong += [
        name
        for name in ("total_weight_", "leverage_limit_", "residual_limit_")
        if type(state.get(name)) is not float or not SMALLEST < state[name] < LARGEST
    ]
    names = all(isinstance(name, str) for name in features + targets)
    twice = len(set(features)) < p or len(set(targets)) < t
    if wrong or not names or twice or model.n_features_in_ != p or model.fit_intercept is not True:
        raise DataError(
            f"{MODEL}: found {', '.join(map(str, wrong)) or 'features or targets'} that no training gives; "
            "train again"
        )
    described = [target["name"] for target in description.get("targets", [])]
    if description.get("features", features) != features or (described or targets) != targets:
        raise DataError(
            f"{MODEL}: found other features or targets than {DESCRIPTION} tells of; one of them is "
            "of another training, train again"
        )
    # The furthest features that a client may send have finite answers too: JSON knows no infinity.
    furthest = np.array([np.full(p, LOWEST), np.full(p, float(preprocess.WINDOW))])
    with np.errstate(all="ignore"):
        lower, upper, found = trust(furthest, nameless(model).predict(furthest), model)
    if not (np.isfinite(lower) & np.isfinite(upper)).all() or not np.isfinite(found.iloc[:, :2]).all(
        axis=None
    ):
        raise DataError(f"{MODEL}: found bounds without end, that no training gives; train again")


def is_array(name, values, shape):
    """Whether an attribute of a model is an array as training gives it."""
    kind = int if name == "n_rows_" else float
    if not isinstance(values, np.ndarray) or values.dtype != kind or values.shape != shape:
        return False
    if name in ("alpha_", "weight_", "residual_scale_", "eigenvalues_", "n_rows_"):
        return bool(((values > SMALLEST) & (values < LARGEST)).all())
    if name == "error_growth_":
        return bool(((values >= 0) & (values < LARGEST)).all() and (values.sum(axis=1) > 0).all())
    return bool(((np.abs(values) < LARGEST) | ((values == -np.inf) & (name == "lower_"))).all())


def model_fn(model_dir):
    """Load the model that save_model wrote, checked before anything in it can run.

    Parameters
    ----------
    model_dir : str

    Returns
    -------
    ZeroClippedRidgeCV

    Raises
    ------
    DataError
        When a file is missing or damaged, the sum differs, the pickle names any other class, or
        the model is not whole.
    """
    try:
        with open(os.path.join(model_dir, DESCRIPTION), encoding="utf-8") as file:
            description = json.load(file)
        with open(os.path.join(model_dir, MODEL), "rb") as file:
            pickled = file.read()
        expected = description["sha256"]
    except FileNotFoundError as error:
        raise DataError(
            f"{error.filename}: not found, expected {MODEL} and {DESCRIPTION} in the folder; run "
            "train.py first, or check --model_dir"
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(f"{DESCRIPTION}: damaged, expected what train.py writes; train again") from None
    found = hashlib.sha256(pickled).hexdigest()
    if found != expected:
        raise DataError(
            f"{MODEL}: found sha256 {found[:12]}…, expected {str(expected)[:12]}… as in "
            f"{DESCRIPTION}; one of them is damaged or of another training, train again"
        )
    model = unpickle(pickled)
    try:
        check_model(model, description)
        trained = dict(description.get("versions", {}))
    except DataError:
        raise
    except Exception as error:  # what stands in the place of a list or a number may be anything
        raise DataError(f"{MODEL} or {DESCRIPTION}: damaged ({one_line(error)}); train again") from None
    here = versions()
    other = [
        f"{name} {theirs} (here {here.get(name)})"
        for name, theirs in trained.items()
        if here.get(name) != theirs
    ]
    if other:
        logger.info("%s was trained with %s", MODEL, ", ".join(other))
    served[:] = model.feature_names_in_
    return model


# --- predicting ---------------------------------------------------------------------


def predict(table, model):
    """Predict concentrations of a feature table.

    Parameters
    ----------
    table : DataFrame of shape (n_samples, n_columns)
        As preprocess.features returns it; by name, so in any order and among other columns.
    model : ZeroClippedRidgeCV

    Returns
    -------
    ndarray of shape (n_samples, n_targets)
        In the units of the training targets.

    Raises
    ------
    DataError
        For a missing feature, or one that is not a number.
    """
    return predict_array(feature_values(table, model), model)


def feature_values(table, model):
    """The model's features (n_samples, n_features) of a table, checked as `predict` tells."""
    features = list(model.feature_names_in_)
    names = [str(name) for name in table.columns]
    values = (table if names == features else table.iloc[:, places(names, features)]).to_numpy()
    return to_array(values, features)


def predict_array(values, model):
    """Predictions (n_samples, n_targets) for features (n_samples, n_features) in the model's order."""
    return nameless(model).predict(values) if len(values) else np.empty((0, len(model.coef_)))


def nameless(model):
    """The model without names to compare, which takes scikit-learn longer than to predict."""
    bare = ZeroClippedRidgeCV()
    vars(bare).update(vars(model))
    del bare.feature_names_in_
    return bare


def trust(values, predictions, model, coverage=COVERAGE):
    """How far to trust predictions.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
        In the model's order.
    predictions : ndarray of shape (n_samples, n_targets)
        Of these.
    model : ZeroClippedRidgeCV
    coverage : float

    Returns
    -------
    lower, upper : ndarray of shape (n_samples, n_targets)
        Bounds, see `ZeroClippedRidgeCV.predict_interval`.
    applicability : DataFrame of shape (n_samples, 3)
        Columns leverage, residual, verdict, see `ZeroClippedRidgeCV.applicability`.
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


# --- serving ------------------------------------------------------------------------


class Predictions(np.ndarray):
    """Predictions (n_samples, n_targets) that know what they are of, for answers that tell more.

    Attributes
    ----------
    features : DataFrame of shape (n_samples, n_features)
    model : ZeroClippedRidgeCV
    """

    features = model = None


class Body(NamedTuple):
    """The body of a request as it came."""

    data: Union[str, bytes]
    content_type: str


def input_fn(data, content_type):
    """Read the body of a request.

    Parameters
    ----------
    data : str or bytes
    content_type : str
        text/csv, application/json (also where none is given), application/jsonlines or
        application/x-npy, with or without parameters.

    Returns
    -------
    DataFrame of shape (n_samples, n_features), or Body
        The body as it came where it does not hold the features of the model loaded last:
        predict_fn says why, as the server turns what is raised here into a page without a reason.
    """
    body = Body(data, content_type or "application/json")
    try:
        return read_body(body, served) if served else body
    except DataError:
        return body


def predict_fn(table, model):
    """Predict concentrations for the samples of a request.

    Parameters
    ----------
    table : DataFrame of shape (n_samples, n_columns), or Body
    model : ZeroClippedRidgeCV

    Returns
    -------
    Predictions of shape (n_samples, n_targets), or DataError
        The error, for output_fn to answer with, when the body cannot be used.
    """
    try:
        if isinstance(table, Body):
            table = read_body(table, list(model.feature_names_in_))
        predictions = predict(table, model).view(Predictions)
    except DataError as error:
        return error
    predictions.features, predictions.model = table, model
    return predictions


def output_fn(prediction, accept):
    """Answer a request.

    Parameters
    ----------
    prediction : Predictions or ndarray of shape (n_samples, n_targets), or DataError
    accept : str
        text/csv, application/json, application/jsonlines or application/x-npy, or a list of
        them with wildcards and weights; any other type gets status 406. JSON lines tell of each
        sample its index, its verdict and, by name, each target's value and bounds.

    Returns
    -------
    (str or bytes, str), or callable
        The answer and its type; a WSGI application for an answer of another status than 200,
        which every version of the server takes without anything to import from it.
    """
    if isinstance(prediction, DataError):
        return refusal("400 BAD REQUEST", prediction)
    kind = accepted(accept)
    if kind is None:
        return refusal(
            "406 NOT ACCEPTABLE", f"found Accept {accept!r}, expected {' or '.join(FORMATS)}; ask for one"
        )
    return FORMATS[kind](prediction), kind


def refusal(status, reason):
    """A WSGI application that answers with one line of text."""
    text = (one_line(reason) + "\n").encode("utf-8", "backslashreplace")

    def answer(environ, start_response):
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text)))]
        start_response(status, headers)
        return [text]

    return answer


def one_line(message):
    """A message without line ends or control characters."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+", " ", str(message)).strip()


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


# --- reading bodies -----------------------------------------------------------------


def read_body(body, features):
    """Read the features of a request's samples.

    Parameters
    ----------
    body : Body
    features : list of str
        The model's. A body that names its columns is read by name: they may come in another
        order and among others. One without names holds the features in the model's order, alone
        or after an index.

    Returns
    -------
    DataFrame of shape (n_samples, n_features)
        Indexed as the body is, else by the rows' places, from 0.

    Raises
    ------
    DataError
        When the body is not what its content type says, or does not hold these features.
    """
    values, index = read_values(body, features)
    if index is not None:
        index = [json.dumps(label) if isinstance(label, (list, dict)) else label for label in index]
        index = pd.Index(index, dtype=object)
    return pd.DataFrame(values, index, features)


def read_values(body, features):
    """The features (n_samples, n_features) in a body, and its index, None where it has none."""
    kind, _, parameters = body.content_type.partition(";")
    kind = kind.strip().lower()
    if kind == "application/x-npy":
        return read_npy(body.data, features)
    if kind not in READERS:
        raise DataError(
            f"found content type {body.content_type!r}, expected {', '.join(READERS)} or "
            "application/x-npy; set the request's Content-Type"
        )
    text = body.data
    if not isinstance(text, str):
        charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", parameters, re.IGNORECASE)
        charset = charset.group(1) if charset else "utf-8"
        try:
            text = bytes(text).decode(charset)
        except (ValueError, LookupError):
            raise DataError(
                f"body: found bytes that are not {charset} text; send UTF-8, or name the "
                "charset in Content-Type"
            ) from None
    return READERS[kind](text.replace("\ufeff", ""), features)


# csv


def read_csv(text, features):
    """The features in a CSV body, and its index or None; a header line is recognised wherever it comes."""
    lines = csv_lines(text)
    if not lines:
        raise DataError("body: found no line, expected one for each sample; send features as CSV")
    header = lines[0] if is_header(lines[0], features) else None
    try:
        return csv_values(lines, header, features)
    except DataError:
        # A batch may be cut from a file anywhere, or put together from several.
        late = next((line for line in lines if is_header(line, features)), None)
        if header is not None or late is None:
            raise
    return csv_values(lines, late, features)


def csv_lines(text):
    """The lines of a CSV body that are not blank; what stands in their cells has no comma."""
    if "\0" in text or preprocess.SEPARATOR in text:
        raise DataError("body: found a control character, expected lines of numbers; send CSV as text")
    if '"' in text:
        try:
            rows = csv.reader(io.StringIO(text, newline=""), strict=True)
            text = "\n".join([",".join([cell.translate(HIDDEN) for cell in row]) for row in rows])
        except csv.Error as error:
            raise DataError(f"body: found no valid CSV ({error}); mend its quotes") from None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return [line for line in text.split("\n") if line.strip()]


def cells_of(line):
    """The cells of a line, without blanks around them."""
    return [cell.strip() for cell in line.split(",")]


def is_header(line, features):
    """Whether a line of a CSV body names at least half of the features."""
    return 2 * len(set(features).intersection(cells_of(line))) >= len(features)


def csv_values(lines, header, features):
    """The features in the lines of a CSV body that are not its header; and their index or None."""
    rows = [line for line in lines if line != header]
    if not rows:  # split into lines, a file's header arrives by itself
        places(cells_of(header), features)
        return np.empty((0, len(features))), None
    width = (rows[0] if header is None else header).count(",") + 1
    for number, row in enumerate(rows, 1):
        if row.count(",") + 1 != width:
            raise DataError(
                f"row {number}, after column {min(row.count(',') + 1, width)}: found {row.count(',') + 1} "
                f"cells, expected {width} as in the {'first row' if header is None else 'header line'}; "
                "mend the line"
            )
    if header is not None:
        columns = places(cells_of(header), features)
    elif 2 * sum(is_name(cell) for cell in cells_of(rows[0])) > width:
        columns = places(cells_of(rows[0]), features)  # raises: a header, but of other features
    else:
        columns = unnamed(width, (row.split(",", 1)[0] for row in rows), features)
    first, index = columns[0], None
    if 0 not in columns and (header is None or cells_of(header)[0] in preprocess.INDEX_NAMES):
        index = [row[: row.find(",")].strip().translate(SHOWN) for row in rows]
    if list(columns) == list(range(first, width)):
        cells = [row.split(",", first)[first] for row in rows] if first else rows
    else:
        pick = itemgetter(*columns)
        cells = [",".join(pick(row.split(","))) for row in rows]
    try:
        # One long column: over hundreds of columns pandas spends more time on columns than on numbers.
        column = pd.read_csv(
            io.BytesIO(",".join([*cells, ""]).encode("utf-8", "replace")),
            header=None,
            names=["cell"],
            dtype=np.float64,
            sep=preprocess.SEPARATOR,
            lineterminator=",",
            quoting=csv.QUOTE_NONE,
            skip_blank_lines=False,
            keep_default_na=False,
            low_memory=False,
            **EXACT,
        )
        values = column.to_numpy().reshape(len(rows), len(features))
    except ValueError:
        values = None
    return checked(values, (row.split(",") for row in cells), features), index


def is_name(cell):
    """Whether a cell must be one of a header line: text, or a number that no feature can be."""
    value = preprocess.number(cell)
    return bool(cell) if value is None else value > preprocess.WINDOW


# json


def read_json(text, features):
    """The features in a JSON body, and its index or None.

    Rows as lists or as objects; bare, under "instances", or under "data" beside "columns" and "index".
    """
    body, names, labels = parse_json(text), None, None
    if isinstance(body, dict) and "instances" in body:
        body, labels = body["instances"], body.get("index")
    elif isinstance(body, dict) and "data" in body:
        body, names, labels = body["data"], body.get("columns"), body.get("index")
    if not (isinstance(body, list) and body and isinstance(body[0], (list, dict))):
        body = [body]
    values, index = json_values(body, names, features)
    if labels is not None and (not isinstance(labels, list) or len(labels) != len(values)):
        raise DataError(
            f"body: found {len(labels) if isinstance(labels, list) else 'no list'} in the index, expected "
            f"{len(values)}, one for each row; give each row its own or leave the index out"
        )
    return values, labels or index


def read_json_lines(text, features):
    """The features in a body of JSON lines, each a list or an object; and the rows' index or None."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise DataError("body: found no line, expected one for each sample; send features as JSON lines")
    return json_values(
        [parse_json(line, f"row {number}") for number, line in enumerate(lines, 1)], None, features
    )


def parse_json(text, at="body"):
    """JSON as Python's lists and dicts; `at` words the place."""
    try:
        return json.loads(text, object_pairs_hook=unique)
    except DataError as error:
        raise DataError(f"{at}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{at}: found no valid JSON ({error}); send rows as lists or objects") from None


def unique(pairs):
    """A JSON object as a dict; a DataError where a name comes twice."""
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"found column {twice!r} more than once, expected every name once; rename one")
    return row


def json_values(rows, names, features):
    """The features in rows that are lists, named or not, or objects; and the rows' index or None."""
    kind, index = type(rows[0]), None
    if kind is dict:
        places(list(rows[0]), features)
        pick = itemgetter(*features)
        labels = [name for name in preprocess.INDEX_NAMES if name not in features]
        index = next((name for name in labels if any(name in row for row in rows)), None)
    elif kind is list:
        if names is not None and not isinstance(names, list):
            raise DataError(
                "body: found columns that are no list, expected their names; send a list of names"
            )
        width = len(rows[0]) if names is None else len(names)
        if names is None:
            columns = unnamed(width, (row[0] for row in rows if isinstance(row, list) and row), features)
        else:
            columns = places([str(name) for name in names], features)
        pick = itemgetter(*columns)
        if 0 not in columns and (names is None or str(names[0]) in preprocess.INDEX_NAMES):
            index = 0
    cells = []
    for number, row in enumerate(rows, 1):
        if type(row) is not kind or kind not in (list, dict) or (kind is list and len(row) != width):
            size = f" of {len(row)}" if isinstance(row, (list, dict)) else ""
            expected = f"a list of {width}" if kind is list else "a list or an object"
            raise DataError(
                f"row {number}: found a {type(row).__name__}{size}, expected {expected} like every row, "
                "from the first column to the last; send rows as lists or objects of features"
            )
        if kind is dict and row.keys() != rows[0].keys():
            try:
                places(list(row), features)
            except DataError as error:
                raise DataError(f"row {number}: {error}") from None
        cells.append(pick(row))
    values = to_array(cells, features)
    if index is None:
        return values, None
    without = next((number for number, row in enumerate(rows, 1) if kind is dict and index not in row), None)
    if without is not None:
        raise DataError(
            f"row {without}: found no {index!r}, expected one as in other rows; give each row its own or none"
        )
    return values, [row[index] for row in rows]


READERS = {"text/csv": read_csv, "application/json": read_json, "application/jsonlines": read_json_lines}


# npy


def read_npy(data, features):
    """The features in an npy body, and its index or None; nothing in it is ever unpickled."""
    data = data.encode("latin-1", "replace") if isinstance(data, str) else bytes(data)
    file, form = io.BytesIO(data), np.lib.format
    try:
        read_header = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
        shape, by_column, dtype = read_header[form.read_magic(file)](file)
    except Exception as error:  # numpy's own kinds differ between versions
        raise DataError(
            f"body: found no array in npy format ({one_line(error)[:80]}); send what numpy.save writes"
        ) from None
    if dtype.kind not in "fiu" or len(shape) not in (1, 2) or 0 in shape:
        raise DataError(
            f"body: found an array of {dtype} of shape {shape}, expected one row or a table of numbers; "
            "send a float array of shape (n_rows, n_features)"
        )
    size = dtype.itemsize
    for length in shape:
        size *= length
    if size != len(data) - file.tell():
        raise DataError(
            f"body: found {len(data) - file.tell()} bytes after the npy header, expected {size} for shape "
            f"{shape}; send one array a request, whole"
        )
    values = np.frombuffer(data, dtype, offset=file.tell())
    values = np.atleast_2d(values.reshape(shape, order="F" if by_column else "C"))
    columns = unnamed(values.shape[1], values[:, 0].tolist(), features)
    index = values[:, 0].tolist() if columns[0] else None
    return to_array(values[:, columns[0] :], features), index


# all


def places(names, features):
    """Where each feature stands among a body's column names.

    Raises
    ------
    DataError
        For a missing feature, a feature named twice, or the channels of spectra.
    """
    at = {name: place for place, name in enumerate(names)}
    twice = [name for name in features if names.count(name) > 1] if len(at) < len(names) else []
    if twice:
        raise DataError(
            f"body: found column {twice[0]!r} more than once, expected every name once; rename one"
        )
    missing = [name for name in features if name not in at]
    if missing:
        raise DataError(
            f"found {len(names)} columns without {len(missing)} of the model's {len(features)} "
            f"features, first {missing[0]!r}; use spectra of the channels that the model was "
            "trained on, preprocessed, or train again"
        )
    # Features are named after channels, so a table of spectra names them all.
    if len(names) > preprocess.WINDOW * (len(features) - 1):
        raise DataError(
            f"found {len(names)} columns, expected the model's {len(features)} features; these are "
            "channels, preprocess them first with preprocess.py"
        )
    return [at[name] for name in features]


def unnamed(width, first_cells, features):
    """Where the features stand in rows without names: alone, or after an index.

    Raises
    ------
    DataError
        For any other number of columns, or an index that is a fraction: then the further
        column may stand elsewhere.
    """
    if width not in (len(features), len(features) + 1):
        raise DataError(
            f"found {width} columns without names, expected {len(features)} features, alone "
            "or after an index; send those, or a header line"
        )
    if width > len(features):
        for number, cell in enumerate(first_cells, 1):
            value = preprocess.number(str(cell))
            if value is not None and value % 1:
                raise DataError(
                    f"row {number}, column 1: found {short(cell)}, expected an index before the "
                    f"{len(features)} features; number the rows, or send a header line"
                )
    return range(width - len(features), width)


def to_array(rows, features):
    """Rows of cells, in the features' order, as an array of floats."""
    if isinstance(rows, np.ndarray) and rows.dtype.kind in "fiu":
        with np.errstate(over="ignore"):  # of a longdouble
            values = np.ascontiguousarray(rows, dtype=float)
        return checked(values, map(np.ndarray.tolist, rows), features)
    kinds = set(chain.from_iterable(map(type, row) for row in rows))
    try:
        if kinds <= {float, int}:
            values = np.array(rows, dtype=float)
        else:
            values = np.array([[to_float(cell) for cell in row] for row in rows])
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
    """The values, after checking that every one can be a feature.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features), or None
        None when some cell is no number.
    rows : iterable of sequences
        The cells as they came, to show the first wrong one.
    features : list of str

    Raises
    ------
    DataError
        For text, a gap, an infinity, a number that no preprocessed spectrum has, or a row that
        repeats the features' names.
    """
    wrong = None
    if values is not None:
        highest = values.max(axis=1)  # NaN where the row has one
        wrong = ~(highest <= preprocess.WINDOW) | ~(values.min(axis=1) >= LOWEST)
        # Channels rise or fall throughout: one of the ends is the largest of their names.
        ends = [preprocess.number(features[0]), preprocess.number(features[-1])]
        if None not in ends:
            wrong |= highest == max(ends)
        if not wrong.any():
            return values
    for number, row in enumerate(rows, 1):
        if wrong is None or wrong[number - 1]:
            check_row(row, number, features)
    if values is None:
        raise DataError("body: found text among the numbers, expected features; send numbers only")
    return values


def check_row(row, number, features):
    """Raise a DataError that names the first cell of a row that cannot be a feature."""
    values = [to_float(cell) for cell in row]
    for name, cell, value in zip(features, row, values):
        at = f"row {number}, column {name!r}: found {short(cell)}, expected "
        if not np.isfinite(value):
            raise DataError(at + "a number; mend or leave out the sample")
        if not LOWEST <= value <= preprocess.WINDOW:
            raise DataError(
                at
                + f"{LOWEST:g} to {preprocess.WINDOW} as preprocess.py gives; preprocess the spectrum first"
            )
    if sorted(values) == sorted(preprocess.number(name) or np.nan for name in features):
        raise DataError(
            f"row {number}: found the features' names in columns {features[0]!r} to {features[-1]!r}, "
            "expected numbers; send the names as a header line"
        )


def short(cell):
    """A cell as it is shown in an error."""
    text = repr(cell)
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return "a gap"
    return text if len(text) <= 40 else text[:37] + "…"


# --- the step -----------------------------------------------------------------------


def file_sum(path):
    """sha256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model_dir",
        default=os.getenv("SM_MODEL_DIR", "/opt/ml/model"),
        help="folder for the model (%(default)s)",
    )
    parser.add_argument(
        "--data_dir",
        default=os.getenv("SM_CHANNEL_TRAINING", "/opt/ml/input/data/training"),
        help="folder of public.csv.gz or of other tables, a spectra file, or a pattern (%(default)s)",
    )
    parser.add_argument(
        "--group",
        help="id column, such as SiteID, to leave out together when the "
        "regularisation is chosen (default: single rows)",
    )
    parser.add_argument(
        "--cache",
        help="folder that keeps the features of each table, where there are several or one larger than "
        f"{SMALL >> 20} MB, for a further run (default: {CACHE} in model_dir, until the model is written)",
    )
    preprocess.add_workers(parser)
    arguments = parser.parse_args(argv)
    name = os.path.basename(os.path.abspath(arguments.data_dir))
    paths = preprocess.find_tables(arguments.data_dir)
    cache = arguments.cache or os.path.join(arguments.model_dir, CACHE)
    with preprocess.workers(arguments.jobs, arguments.backend, arguments.scheduler) as run:
        data, training = load(paths, cache, run)
        try:
            model = fit(data, arguments.group, run=run)
            training["mean_r2"] = mean_r2(data, model, arguments.group, run)
        except ValueError as error:
            raise DataError(f"{os.path.basename(paths[0]) if len(paths) == 1 else name}: {error}") from None
    training["left_out"] = arguments.group or "row"
    save_model(model, arguments.model_dir, training)
    if not arguments.cache and os.path.isdir(cache):
        shutil.rmtree(cache)
    logger.info(
        "%s: %s spectra, %d targets, %s assays missing, %d features",
        paths[0] if len(paths) == 1 else f"{arguments.data_dir}, {len(paths)} tables",
        format(training["rows"], ","),
        len(model.target_names_),
        format(training["missing_assays"], ","),
        model.n_features_in_,
    )
    logger.info(
        "mean R² of the targets: %s",
        ", ".join(f"{r2:.3f} with each {left_out} left out" for left_out, r2 in training["mean_r2"].items()),
    )
    logger.info(
        "%s: alpha chosen with each %s left out",
        os.path.join(arguments.model_dir, MODEL),
        training["left_out"],
    )


def load(paths, cache, run):
    """What to learn from, a preprocess.Table or Stored, and what the model's description tells of it."""
    if len(paths) == 1 and os.path.getsize(paths[0]) <= SMALL:
        table = preprocess.read_table(paths[0])
        return table, {
            "file": os.path.basename(paths[0]),
            "sha256": file_sum(paths[0]),
            "rows": len(table.features),
            "missing_assays": int(table.targets.isna().to_numpy().sum()),
        }
    os.makedirs(cache, exist_ok=True)
    preprocess.clear_leftovers(cache)
    data = Stored(list(run(partial(store, os.path.abspath(cache)), paths, "features")))
    sums = [(table["sha256"], table["name"]) for table in data.tables]
    return data, {
        "files": len(paths),
        # as `sha256sum * | sha256sum` gives in their folder
        "sha256": hashlib.sha256("".join("%s  %s\n" % each for each in sums).encode()).hexdigest()
        if len(sums) > 1
        else sums[0][0],
        "rows": data.n_rows,
        "missing_assays": sum(table["missing_assays"] for table in data.tables),
    }


def mean_r2(data, model, group, run=None):
    """Cross-validated R², mean over the targets, by row and, where there are sites, by site.

    A figure by row alone flatters: rows of one drill hole resemble each other.
    """
    fitted = {group or "row": model}
    if group != SITE and has_sites(data):
        fitted[SITE] = fit(data, SITE, with_bounds=False, run=run)
    if group:
        fitted["row"] = fit(data, with_bounds=False, run=run)
    return {left_out: float(np.mean(each.cv_r2_)) for left_out, each in fitted.items()}


def has_sites(data):
    """Whether there are sites to leave out; says so where some rows do not tell theirs."""
    if SITE not in data.ids:
        return False
    if isinstance(data, Stored):
        try:
            return len(np.unique(data.groups(SITE))) > 1
        except DataError as error:
            reason = error
    else:
        sites = data.ids[SITE]
        if not (sites.isna() | sites.isin(preprocess.GAPS)).any():
            return sites.nunique() > 1
        reason = f"found rows without {SITE}"
    logger.info("no figure by %s: %s", SITE, reason)
    return False


if __name__ == "__main__":
    import train  # by name, so that workers find what they are to run

    preprocess.run(train.main)
