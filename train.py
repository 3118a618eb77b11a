"""Fit the model and save it; serve it from the SageMaker scikit-learn container.

    python train.py --data_dir data/public --model_dir model

As a script: spectra file -> preprocess.py -> mdl.ZeroClippedRidgeCV -> model.pkl and
model.json. As a module of the model server: `model_fn` loads what was saved, `input_fn`
reads a request's body, `predict_fn` predicts.

    body ─ input_fn ─► table ─ predict_fn ─► predictions
"""

import argparse
import csv
import hashlib
import io
import json
import logging
import os
import pickle
import platform

import numpy as np
import pandas as pd
import sklearn

import preprocess
from mdl import ZeroClippedRidgeCV
from preprocess import DataError

logger = logging.getLogger(__name__)

SITE = "SiteID"  # the id column by which figures are reported beside those by row
MODEL, DESCRIPTION = "model.pkl", "model.json"  # the platform knows the pickle by this name


# --- training -----------------------------------------------------------------------


def fit(table, group=None):
    """Fit the project's model to a preprocessed table.

    Parameters
    ----------
    table : preprocess.Table
        With at least one target; missing assays are NaN.
    group : str, optional
        The id column whose groups are left out together when the regularisation is
        chosen (leave-one-group-out); single rows are left out when not given.

    Returns
    -------
    ZeroClippedRidgeCV

    Raises
    ------
    ValueError
        When there is too little to learn from, or no such group.
    """
    if table.targets.shape[1] == 0:
        raise DataError(
            "found no target among the columns, expected the 49 assays, or channels named by "
            "wavenumber beside the columns to predict; see data/README.md"
        )
    if len(table.features) < 2:
        raise DataError("found one spectrum, expected two or more to learn from; add spectra with assays")
    groups = None
    if group is not None:
        if group not in table.ids:
            raise DataError(
                f"found no id column {group!r}, expected one of {', '.join(table.ids) or 'none'}; "
                "name one of them, or none"
            )
        groups = table.ids[group].to_numpy()
    model = ZeroClippedRidgeCV().fit(table.features, table.targets, groups=groups)
    model.target_names_ = list(table.targets)
    return model


def versions():
    """Versions of Python and of the packages that a saved model depends on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "scikit-learn": sklearn.__version__,
    }


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
        "preprocessing": {
            "scale_range": [preprocess.SCALE_RANGE.start, preprocess.SCALE_RANGE.stop],
            "window": preprocess.WINDOW,
        },
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


# --- serving ------------------------------------------------------------------------


class ModelUnpickler(pickle.Unpickler):
    """Loads the one class that a model file needs; any other is refused before it can run."""

    def find_class(self, module, name):
        if (module, name) == ("mdl", "ZeroClippedRidgeCV"):
            return ZeroClippedRidgeCV
        raise DataError(
            f"{MODEL}: refused to load {module}.{name}, expected a model of mdl.ZeroClippedRidgeCV "
            "only; train again with train.py"
        )


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
        When a file is missing or damaged, the sum differs, or the pickle names any other
        class.
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
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{DESCRIPTION}: damaged, expected what train.py writes; train again") from None
    found = hashlib.sha256(pickled).hexdigest()
    if found != expected:
        raise DataError(
            f"{MODEL}: found sha256 {found[:12]}…, expected {str(expected)[:12]}… as in "
            f"{DESCRIPTION}; one of them is damaged or of another training, train again"
        )
    try:
        model = ModelUnpickler(io.BytesIO(pickled)).load()
    except DataError:
        raise
    except Exception as error:  # an unpickler may raise anything
        raise DataError(f"{MODEL}: cannot be unpickled ({error}); train again") from None
    if not isinstance(model, ZeroClippedRidgeCV):
        raise DataError(
            f"{MODEL}: found a {type(model).__name__}, expected a ZeroClippedRidgeCV; train again"
        )
    other = [
        f"{name} {theirs} (here {versions().get(name)})"
        for name, theirs in description.get("versions", {}).items()
        if versions().get(name) != theirs
    ]
    if other:
        logger.info("%s was trained with %s", MODEL, ", ".join(other))
    return model


def input_fn(data, content_type):
    """Read the body of a request into a table.

    Parameters
    ----------
    data : str or bytes
    content_type : str
        text/csv, application/json (also where none is given) or application/x-npy, with
        or without parameters.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        Columns named where the body names them, else numbered from 0.

    Raises
    ------
    DataError
        When the body is not what its content type says.
    """
    kind, _, parameters = (content_type or "application/json").partition(";")
    kind = kind.strip().lower()
    if kind == "application/x-npy":
        return read_npy(data)
    if kind not in ("text/csv", "application/json"):
        raise DataError(
            f"found content type {content_type!r}, expected text/csv, application/json or "
            "application/x-npy; set the request's Content-Type"
        )
    if not isinstance(data, str):
        charset = (
            dict(part.strip().lower().split("=", 1) for part in parameters.split(";") if "=" in part)
            .get("charset", "utf-8")
            .strip('"')
        )
        try:
            data = bytes(data).decode(charset)
        except (UnicodeDecodeError, LookupError):
            raise DataError(
                f"body: found bytes that are not {charset} text; send UTF-8, or name the "
                "charset in Content-Type"
            ) from None
    data = data.lstrip("\ufeff")
    return read_csv(data) if kind == "text/csv" else read_json(data)


def read_csv(text):
    """A CSV body as a table; a header line is recognised wherever it comes."""
    lines = preprocess.Block(text.encode(), 1, "body").lines()
    if not lines:
        raise DataError("body: found no line, expected one for each sample; send features as CSV")
    if is_header(lines[0]):
        return csv_table(lines, lines[0])
    table = csv_table(lines, None)
    numbers = table.select_dtypes("number").to_numpy()
    if (
        numbers.shape == table.shape
        and not (2 * (numbers > preprocess.WINDOW).sum(axis=1) > numbers.shape[1]).any()
    ):
        return table
    # A batch may be cut from a file anywhere, or put together from several.
    return csv_table(lines, next(filter(is_header, lines), None))


def csv_table(lines, header):
    """Lines of a CSV body, but for those that repeat its header line, as a table."""
    rows = [line for line in lines if line != header]
    if header is None:
        names = list(range(rows[0].count(b",") + 1))
    else:
        names = preprocess.read_header(preprocess.Block(header, 1, "body"))
        check_names(names)
        if not rows:
            raise DataError(
                "body: found a header line and no row, expected one for each sample; send features"
            )
    block = preprocess.Block(b"\n".join(rows), 1 if header is None else 2, "body")
    try:
        values, texts = preprocess.parse(block, names)
    except preprocess.NotNumbers:
        wrong = preprocess.text_cells(block, names)[1].any(axis=0)
        values, texts = preprocess.parse(block, names, [name for name, some in zip(names, wrong) if some])
    table = pd.DataFrame(values, columns=names)
    for name, cells in texts.items():
        table[name] = cells
    return table


def is_header(line):
    """Whether a line of a CSV body names columns.

    It does when most of its cells are no numbers, or numbers above WINDOW: a feature is a
    sum of WINDOW channels of at most 1, while wavenumbers are hundreds.
    """
    cells = next(csv.reader([line.decode()]))
    numbers = [preprocess.number(cell) for cell in cells]
    return 2 * sum(value is None or value > preprocess.WINDOW for value in numbers) > len(cells)


def check_names(names):
    """Raise a DataError when a column is named twice."""
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()
    if twice:
        raise DataError(
            f"body: found column {min(twice)!r} more than once, expected every name once; rename one"
        )


def read_json(text):
    """A JSON body as a table.

    Rows as lists or as objects; bare, under "instances", or under "data" beside "columns".
    """
    try:
        body = json.loads(text)
    except ValueError as error:
        raise DataError(f"body: found no valid JSON ({error}); send rows as lists or objects") from None
    names = None
    if isinstance(body, dict) and "instances" in body:
        body = body["instances"]
    elif isinstance(body, dict) and "data" in body:
        body, names = body["data"], body.get("columns")
    rows = body if isinstance(body, list) and body and isinstance(body[0], (list, dict)) else [body]
    if isinstance(rows[0], dict):
        names = list(rows[0])
    for place, row in enumerate(rows):
        if isinstance(row, dict) and row.keys() == set(names):
            rows[place] = [row[name] for name in names]
        elif not isinstance(row, list) or len(row) != len(rows[0] if names is None else names):
            raise DataError(
                f"body, row {place + 1}: found {type(row).__name__} of another form or length, "
                "expected all rows as lists of the same length or objects with the same names"
            )
    if not rows[0]:
        raise DataError(
            "body: found no number, expected features for each sample; send rows as lists or objects"
        )
    if names is not None:
        check_names([str(name) for name in names])
    return pd.DataFrame(rows, columns=None if names is None else [str(name) for name in names])


def read_npy(data):
    """An npy body as a table; never unpickles."""
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # numpy's own kinds differ between versions
        raise DataError(
            f"body: found no array of numbers in npy format ({error}); send what numpy.save "
            "writes of a float array"
        ) from None
    if (
        not isinstance(values, np.ndarray)
        or values.dtype.kind not in "fiu"
        or values.ndim not in (1, 2)
        or not values.size
    ):
        raise DataError(
            "body: expected one row or a table of numbers; send a float array of shape (n_rows, n_features)"
        )
    return pd.DataFrame(np.atleast_2d(values).astype(float))


def align(table, features):
    """Put a table's columns in the order of the model's features.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        By name: other columns are left out. Without names: the features in order, alone or
        after an index; rows that repeat the features' names as numbers are a header.
    features : sequence of str

    Returns
    -------
    DataFrame of shape (n_samples, n_features)

    Raises
    ------
    DataError
        For a missing feature, another number of columns, text, a gap or an infinity.
    """
    features = list(features)
    if isinstance(table.columns[0], str):
        missing = [name for name in features if name not in table.columns]
        if missing:
            raise DataError(
                f"found {table.shape[1]} columns without {len(missing)} of the model's {len(features)} "
                f"features, first {missing[0]!r}; use spectra of the channels that the model was "
                "trained on, preprocessed, or train again"
            )
        table = table[features]
    elif table.shape[1] in (len(features), len(features) + 1):
        table = table.iloc[:, -len(features) :]
    else:
        raise DataError(
            f"found {table.shape[1]} columns without names, expected {len(features)} features, alone "
            "or after an index; send those, or a header line"
        )
    values = np.column_stack([to_floats(table.iloc[:, place]) for place in range(len(features))])
    if not isinstance(table.columns[0], str):
        rows, order = headers_apart(values, features)
        values, table = values[rows][:, order], table.iloc[rows, order]
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise DataError(
            f"row {row + 1}, column {features[column]!r}: found {table.iloc[row, column]!r}, expected "
            "a number; mend or leave out the sample"
        )
    return pd.DataFrame(values, table.index, features)


def to_floats(column):
    """A column as floats, NaN where a cell is no number (True is none)."""
    if column.dtype.kind in "fiu":
        return column.to_numpy(dtype=float)
    cells = [np.nan if isinstance(cell, bool) else cell for cell in column]
    return pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce").to_numpy(dtype=float)


def headers_apart(values, features):
    """Which rows are data, and the order of the columns that the others, header lines, name.

    input_fn, which does not know the features, cannot tell every header from numbers.
    """
    rows, order = np.ones(len(values), dtype=bool), list(range(len(features)))
    names = [preprocess.number(name) for name in features]
    if None not in names:
        rows = values.max(axis=1) != max(names)
        rows[~rows] = (np.sort(values[~rows], axis=1) != np.sort(names)).any(axis=1)
        if not rows.all():
            named = values[np.argmin(rows)].tolist()
            order = [named.index(name) for name in names]
    return rows, order


def predict_fn(table, model):
    """Predict concentrations.

    Parameters
    ----------
    table : DataFrame of shape (n_samples, n_columns)
        As input_fn or preprocess.features return it.
    model : ZeroClippedRidgeCV

    Returns
    -------
    ndarray of shape (n_samples, n_targets)
        In the units of the training targets.
    """
    return model.predict(align(table, model.feature_names_in_))


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
        help="folder of public.csv.gz, or a spectra file (%(default)s)",
    )
    parser.add_argument(
        "--group",
        help="id column, such as SiteID, to leave out together when the "
        "regularisation is chosen (default: single rows)",
    )
    arguments = parser.parse_args(argv)
    path = preprocess.find_table(arguments.data_dir)
    table = preprocess.read_table(path)
    try:
        model = fit(table, arguments.group)
    except ValueError as error:
        raise DataError(f"{os.path.basename(path)}: {error}") from None
    training = {
        "file": os.path.basename(path),
        "sha256": file_sum(path),
        "rows": len(table.features),
        "missing_assays": int(table.targets.isna().to_numpy().sum()),
        "left_out": arguments.group or "row",
        "mean_r2": mean_r2(table, model, arguments.group),
    }
    save_model(model, arguments.model_dir, training)
    logger.info(
        "%s: %s spectra, %d targets, %s assays missing, %d features",
        path,
        format(training["rows"], ","),
        len(model.target_names_),
        format(training["missing_assays"], ","),
        table.features.shape[1],
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


def mean_r2(table, model, group):
    """Cross-validated R², mean over the targets, by row and, where there are sites, by site.

    A figure by row alone flatters: rows of one drill hole resemble each other.
    """
    sites = table.ids.get(SITE, pd.Series(dtype=float))
    fitted = {group or "row": model}
    if group != SITE and sites.nunique() > 1:
        fitted[SITE] = fit(table, SITE)
    if group:
        fitted["row"] = fit(table)
    return {left_out: float(np.mean(each.cv_r2_)) for left_out, each in fitted.items()}


if __name__ == "__main__":
    preprocess.run(main)
