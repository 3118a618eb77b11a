"""Predict concentrations from a spectra file with a saved model: the local prediction step.

    python predict.py --model_dir model --data_dir data/public --output_dir data/predictions
    python predict.py --model_dir model --data_dir new.csv --output_dir predictions --details

Writes public.csv.out, of several tables one each: one line a spectrum, in the file's order, one number a
target, in the order of the model's targets (the challenge's 49 in its own); no header, no index.

--details writes public.details.csv as well, a table with a header: index and ids, whether the model
applies to the spectrum (verdict, and leverage and residual in units of their limits), and of each
target the prediction, the bounds between which the assay lies with about the probability --coverage, a
verdict on whether it is beyond what was measured, and the target's mark: what it may be reported for.
"""

import argparse
import logging
import os
from contextlib import ExitStack
from functools import partial

import numpy as np

import train
from preprocess import DETAILS, DataError, EmptyTable, find_tables, replacing, run
from recore.bounds import MOST
from recore.marks import marks_told
from recore.model_file import load_described
from recore.predictions import COVERAGE, beyond, csv_rows, details_header, details_rows, predict
from recore.ranges import beyond_told
from recore.tables import predictions_name, read_tables, reading_for
from recore.workers import add_workers, naming, workers

logger = logging.getLogger(__name__)


def output_paths(path, output_dir):
    """Where the predictions of a table go, and their details."""
    name = predictions_name(path)
    details = os.path.splitext(name[: -len(".out")])[0] + DETAILS
    return [os.path.join(output_dir, each) for each in (name, details)]


def predict_table(model_dir, output_dir, coverage, resample, path):
    """Write the predictions of a table, and their details where there is a coverage.

    Gives back the number of rows, then of each target those below and above what was measured, (1 + 2 t,).
    """
    model, description = load_described(model_dir, train.ZeroClippedRidgeCV)
    reading = reading_for(model.target_names_, description, resample)
    paths = output_paths(path, output_dir)[: 1 if coverage is None else 2]

    def texts(table):
        predictions = predict(table.features, model)
        far = beyond(predictions, model)
        counts = np.concatenate([[len(far)], (far < 0).sum(axis=0), (far > 0).sum(axis=0)])
        written = ["", csv_rows(predictions)]
        if coverage is not None:
            written += [details_header(table.ids, model), details_rows(table, predictions, model, coverage)]
        return counts, written

    total = np.zeros(1 + 2 * len(model.target_names_), dtype=int)
    with naming(path, output_dir), ExitStack() as stack:  # both are whole before either takes its place
        files = [stack.enter_context(replacing(each)) for each in paths]
        for counts, written in read_tables(path, texts, reading):
            for file, header, lines in zip(files, written[::2], written[1::2]):
                file.write(lines if total[0] else header + lines)
            total += counts
    return total


def predict_if_filled(*how):
    """As `predict_table`, of one of several tables, which is left out where it has no row."""
    try:
        return predict_table(*how)
    except EmptyTable as error:
        logger.info("%s, left out", error)
        return np.zeros(1, dtype=int)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    train.add_folders(parser)
    output_dir = os.getenv("SM_OUTPUT_DIR", "/opt/ml/output")
    parser.add_argument("--output_dir", default=output_dir, help="folder for the predictions (%(default)s)")
    details = "write bounds and verdicts beside the predictions"
    parser.add_argument("--details", action="store_true", help=details)
    add_workers(parser)
    of = "put spectra of other channels on the model's by interpolation"
    parser.add_argument("--resample", action="store_true", help=of)
    parser.add_argument("--coverage", type=float, default=COVERAGE, help="of the bounds (%(default)s)")
    arguments = parser.parse_args(argv)
    if not 0 < arguments.coverage <= MOST:
        expected = f"more than 0 and at most {MOST}"
        raise DataError("--coverage", f"found {arguments.coverage:g}", expected, "0.9 is usual")
    paths = find_tables(arguments.data_dir)
    # What is wrong with the model is said before any work.
    model, description = load_described(arguments.model_dir, train.ZeroClippedRidgeCV)
    os.makedirs(arguments.output_dir, exist_ok=True)
    folders = map(os.path.abspath, (arguments.model_dir, arguments.output_dir))
    coverage = arguments.coverage if arguments.details else None
    predict_one = predict_table if len(paths) == 1 else predict_if_filled
    work = partial(predict_one, *folders, coverage, arguments.resample)
    with workers(arguments.jobs, arguments.backend, arguments.scheduler) as go:
        rows, *counts = sum(go(work, [os.path.abspath(path) for path in paths], "tables"))
    if not rows:
        raise DataError(arguments.data_dir, f"found no row in {len(paths)} tables", "spectra")
    written, several = [arguments.output_dir] * 2, f" in {len(paths)} tables"
    if len(paths) == 1:
        written, several = output_paths(paths[0], arguments.output_dir), ""
    targets = len(model.target_names_)
    logger.info("%s: %s predictions of %d targets%s", written[0], format(rows, ","), targets, several)
    if arguments.details:
        logger.info("%s: with bounds of %g %% and verdicts", written[1], 100 * arguments.coverage)
    for line in marks_told(description["targets"], description["training"].get("marked_by")):
        logger.info("%s", line)
    for line in beyond_told(model.target_names_, np.reshape(counts, (2, -1)), rows):
        logger.info("%s", line)


if __name__ == "__main__":
    import predict  # by name, so that workers find what they are to run

    run(predict.main)
