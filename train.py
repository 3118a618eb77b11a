"""Fit the model and save it; serve it from the SageMaker scikit-learn container.

    python train.py data/public/public.csv.gz --model model

As a script: spectra file -> preprocess.py -> a model of mdl.py -> model.pkl and model.json. As a
module of the model server: `model_fn` loads what was saved, and a request goes through the other three:

    body ─ input_fn ─► table ─ predict_fn ─► predictions, or why there are none ─ output_fn ─► answer

What a client can mend is answered with status 400 and one line that names row and column; anything else
that goes wrong is the server's own fault, status 500.
"""

import hashlib
import importlib.util
import logging
import os
import shutil
import sys
from functools import partial

if importlib.util.find_spec("recore") is None:  # a server's own installation of this file may leave it out
    sys.path.append(os.path.join(os.getenv("SAGEMAKER_BASE_DIR", "/opt/ml"), "code"))

import preprocess
from mdl import ALPHAS, METHODS
from preprocess import DataError
from recore import model_file
from recore.alphas import add_alphas, alphas_of
from recore.codecs import Body, read_body, refusal
from recore.columns import add_columns, check_named, tell
from recore.expected import Expected, fitting, said, targets_told, training_told
from recore.many import FIRST
from recore.marks import marks_told
from recore.options import (
    Parser,
    add_group,
    add_method,
    add_model,
    add_spectra,
    group_of,
    say_without_effect,
    spectra_of,
    training_spectra,
)
from recore.predictions import FORMATS, Predictions, accepted, predict
from recore.settings import add_settings, check_platform, settings_in
from recore.store import Stored, store
from recore.suited import by_index, check_suited
from recore.tables import Reading, file_sum, first_axis, read_table
from recore.ways import ROW, SITE, arrays_of, groups_of, ways_of
from recore.workers import add_workers, cores, workers

logger = logging.getLogger(__name__)

SMALL = 256 << 20  # bytes of a table that is fitted in memory: some 38,000 spectra
CACHE = ".features"  # folder, in that of the model, of the features of tables that are not
served = []  # features of the model loaded last, for input_fn, which the platform gives no model


# --- training -----------------------------------------------------------------------


def fit(data, group=None, run=None, alphas=ALPHAS, judge=None, method="ridge"):
    """Fit a model of the project.

    Parameters
    ----------
    data : preprocess.Table or Stored
        With at least one target; missing assays are NaN.
    group : str, optional
        The id column whose groups are left out together when the regularisation is chosen; single rows are
        left out when not given.
    run : callable, optional
        For Stored data, as `recore.workers.workers` gives it; one process by default.
    alphas : array-like of shape (n_alphas,) or "auto"
        To choose from, as of ZeroClippedRidgeCV.
    judge : callable, optional
        As for ZeroClippedRidgeCV.fit.
    method : {"ridge", "views", "kernel"}
        Of mdl.METHODS.

    Returns
    -------
    ZeroClippedRidgeCV, TwoViewRidgeCV or KernelRidgeCV

    Raises
    ------
    ValueError
        When there is too little to learn from, or no such group.
    """
    check_training(data, group)
    groups, model = None if group is None else groups_of(data, group), METHODS[method](alphas)
    if isinstance(data, Stored):
        data.check_suited(METHODS[method])
        return model.fit_stored(data, groups, run, judge)
    check_suited(METHODS[method], data.features.to_numpy(), by_index(data.features.index))
    return model.fit(data.features, data.targets, groups=groups, judge=judge)


def check_training(data, group):
    """Raise a DataError unless there is something to learn from, and an id column to group by."""
    rows, ids = (data.n_rows if isinstance(data, Stored) else len(data.features)), list(data.ids)
    if not targets_of(data):
        expected = "the 49 assays, or channels named by wavenumber beside the columns to predict"
        raise DataError("", "found no target among the columns", expected, "see data/README.md")
    if rows < 2:
        raise DataError("", "found one spectrum", "two or more to learn from", "add spectra with assays")
    if group is not None and group not in ids:
        wanted = f"one of {', '.join(ids) or 'none'}"
        raise DataError("", f"found no id column {group!r}", wanted, "name one of them, or none")
    if group is not None:
        groups_of(data, group)


def targets_of(data):
    """The names of the targets."""
    return data.target_names if isinstance(data, Stored) else list(data.targets)


# --- serving ------------------------------------------------------------------------


def model_fn(model_dir):
    """Load the model of a folder, see `recore.model_file.load`."""
    model = model_file.load(model_dir, METHODS)
    served[:] = model.feature_names_in_
    return model


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
    model : of what model_fn gives

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
        text/csv, application/json, application/jsonlines or application/x-npy, or a list or
        wildcards, of which the first known is given; else status 406. JSON lines tell of each
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
        reason = f"found Accept {accept!r}, expected {' or '.join(FORMATS)}; ask for one"
        return refusal("406 NOT ACCEPTABLE", reason)
    return FORMATS[kind](prediction), kind


# --- the step -----------------------------------------------------------------------


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    add_spectra(parser, "--data-dir", training_spectra())
    add_model(parser)
    add_group(parser, None, "such as SiteID whose rows are left out together")
    cache = f"keeps the features of several tables, or one above {SMALL >> 20} MB, for a further run"
    parser.add_argument("--cache", help=f"folder that {cache} (in the model's, until the model is there)")
    add_method(parser)
    add_alphas(parser)
    add_settings(parser)
    add_columns(parser)
    add_workers(parser)
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    spectra, model_dir, group = spectra_of(arguments), arguments.model, group_of(arguments)
    alphas = ALPHAS if arguments.alphas is None else arguments.alphas
    if alphas not in (ALPHAS, "auto"):
        try:
            alphas_of(alphas)
        except ValueError as error:
            raise DataError("--alphas", str(error)) from None
    settings = settings_in(arguments)
    check_platform(settings)
    how = {"targets": arguments.targets, "ids": [*arguments.ids, *filter(None, [group])]}
    paths = preprocess.find_tables(spectra)
    small = len(paths) == 1 and os.path.getsize(paths[0]) <= SMALL
    say_without_effect(logger, {"--cache": arguments.cache and small}, "on one table that memory holds")
    cache = arguments.cache or os.path.join(model_dir, CACHE)
    with workers(arguments.jobs, arguments.backend, arguments.scheduler) as run:
        data, training = load(paths, cache, run, how, settings)
        try:
            targets, ids = targets_of(data), list(data.ids)
            check_named(arguments, targets, ids)
            check_training(data, group)
            tell(targets, ids, data.channels)
            chosen_by = group or ROW
            beside = SITE if chosen_by == ROW else None
            size = training["rows"], len(targets)
            expected = Expected(*size, ways_of(data, group), chosen_by, beside)
            model = fit(data, group, run, alphas, expected.judge, arguments.method)
            jobs = arguments.jobs or cores()
            again = fitting(METHODS[arguments.method], alphas)
            figures = expected.figures(partial(arrays_of, data), again, jobs)
        except ValueError as error:
            table = os.path.basename(paths[0] if len(paths) == 1 else os.path.abspath(spectra))
            where, *told = error.args if isinstance(error, DataError) else ("", *error.args)
            raise DataError(", ".join(filter(None, [table, where])), *told) from None
    training.update(training_told(figures, expected), left_out=chosen_by)
    training["alphas"] = [float(model.alphas_.min()), float(model.alphas_.max()), len(model.alphas_)]
    told = targets_told(figures, expected, len(targets))
    about = training, data.channels, list(data.ids), told, settings, arguments.method
    model_file.save(model, model_dir, *about)
    if not arguments.cache and os.path.isdir(cache):
        shutil.rmtree(cache)
    tables = paths[0] if len(paths) == 1 else f"{spectra}, {len(paths)} tables"
    size = f"{training['rows']:,} spectra, {len(model.target_names_)} targets"
    missing = f"{training['missing_assays']:,} assays missing"
    logger.info("%s: %s, %s, %d features", tables, size, missing, model.n_features_in_)
    for line in said(figures, chosen_by):
        logger.info("%s", line)
    saved = os.path.join(model_dir, model_file.MODEL)
    logger.info("%s: %s, alpha chosen with each %s left out", saved, arguments.method, chosen_by)
    named = [dict(each, name=name) for name, each in zip(model.target_names_, told)]
    for line in marks_told(named, expected.hardest):
        logger.info("%s", line)


def load(paths, cache, run, how, settings):
    """What to learn from, a preprocess.Table or Stored, and what the model's description tells of it."""
    if len(paths) == 1 and os.path.getsize(paths[0]) <= SMALL:
        table = read_table(paths[0], Reading(settings=settings, **how))
        about = {"file": os.path.basename(paths[0]), "sha256": file_sum(paths[0])}
        missing = int(table.targets.isna().to_numpy().sum())
        return table, {**about, "rows": len(table.features), "missing_assays": missing}
    os.makedirs(cache, exist_ok=True)
    cache, tables = os.path.abspath(cache), list(map(os.path.abspath, paths))  # a worker's folder is another
    how = {
        **how,
        "axis": first_axis(tables, settings),
        "whose": FIRST,
        "remedy": "give tables of the same channels",
    }
    data = Stored(list(run(partial(store, cache, how=how, settings=settings), tables, "features")))
    sums = "".join(f"{table['sha256']}  {table['name']}\n" for table in data.tables)
    of_all = hashlib.sha256(sums.encode()).hexdigest()  # as `sha256sum * | sha256sum` gives in their folder
    about = {"files": len(data.tables), "sha256": of_all if len(paths) > 1 else data.tables[0]["sha256"]}
    return data, {**about, "rows": data.n_rows, "missing_assays": data.missing_assays()}


if __name__ == "__main__":
    preprocess.run(main)
