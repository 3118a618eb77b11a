"""Predict concentrations from a spectra file with a saved model: the local prediction step.

    python predict.py data/public --model model --output data/predictions
    python predict.py new.csv --model model --output results.xlsx

Writes public.csv.out, of several tables one each: one line a spectrum, in the file's order, one number a
target, in the order of the model's targets (the challenge's 49 in its own); no header, no index.

Beside it, off the platform and up to 10,000 rows, or with --details, public.details.csv, a table for people:
index and ids, whether the model applies to the spectrum (verdict, and leverage and residual in units of their
limits), and of each target the prediction, the bounds between which the assay lies with about the
probability --coverage, a verdict on whether it is beyond what was measured, and the target's mark: what it
may be reported for. An --output in .csv or .xlsx is this table's name.
"""

import logging
import os
from contextlib import ExitStack, contextmanager
from functools import partial

import numpy as np

import train
from preprocess import DETAILS, DataError, EmptyTable, ends, find_tables, place, replacing, run
from recore.bounds import MOST
from recore.details import DIGITS, MOST_DIGITS, details_at, header
from recore.marks import marks_told
from recore.model_file import load_described
from recore.options import (
    Parser,
    add_model,
    add_spectra,
    check_share,
    on_platform,
    say_without_effect,
    spectra_of,
    training_spectra,
)
from recore.predictions import COVERAGE, beyond, csv_rows, predict
from recore.ranges import beyond_told
from recore.tables import predictions_name, read_tables, reading_for
from recore.workers import add_workers, naming, workers

logger = logging.getLogger(__name__)

PEOPLE = 10_000  # rows, up to which people get a table without asking


def output_paths(path, output):
    """Where the predictions of a table go, and their details, in a folder or at a name for the latter."""
    folder, details = (output, None) if is_folder(output) else (os.path.dirname(output), output)
    name = predictions_name(path)
    usual = os.path.join(folder, os.path.splitext(name[: -len(".out")])[0] + DETAILS)
    return os.path.join(folder, name), details or usual


def is_folder(output):
    """Whether an output is a folder, not the name of a table."""
    return os.path.isdir(output) or not ends(output, ".csv", ".xlsx")


def predict_table(model_dir, output, how, path):
    """Write the predictions of a table, and their details unless `how` has none.

    Gives back the number of rows, whether there are details, then of each target those below and above what was
    measured, (2 + 2 t,).
    """
    model, description = load_described(model_dir, train.METHODS)
    reading = reading_for(model.target_names_, description, how["resample"])
    bare, detailed = output_paths(path, output)
    total = np.zeros(2 + 2 * len(model.target_names_), dtype=int)
    with naming(path, output), ExitStack() as stack:  # both are whole before either takes its place
        file = stack.enter_context(replacing(bare))
        details = stack.enter_context(details_at(detailed, how["most"])) if how["details"] else None

        def texts(table):
            with of_file(path):
                predictions = predict(table.features, model)
            far = beyond(predictions, model)
            counts = np.concatenate([[len(far), 0], (far < 0).sum(axis=0), (far > 0).sum(axis=0)])
            if details is None or not details.is_kept():
                return counts, csv_rows(predictions), None, None
            made = details.made(table, predictions, model, how["coverage"], how["digits"])
            return counts, csv_rows(predictions), header(table.ids, model), made

        for counts, written, names, made in read_tables(path, texts, reading):
            file.write(written)
            if details is not None:
                details.add(names, made, counts[0])
            total += counts
    total[1] = details is not None and details.is_kept()
    return total


@contextmanager
def of_file(path):
    """Name the file that a row, which has no prediction, is of."""
    try:
        yield
    except DataError as error:
        where, *told = error.args
        raise DataError(f"{os.path.basename(path)}, {where}", *told) from None


def predict_if_filled(*how):
    """As `predict_table`, of one of several tables, which is left out where it has no row."""
    try:
        return predict_table(*how)
    except EmptyTable as error:
        logger.info("%s, left out", error)
        return None


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    add_spectra(parser, "--data-dir", training_spectra())
    add_model(parser)
    output = os.getenv("SM_OUTPUT_DIR", place("/opt/ml/output", "data/predictions"))
    where = "folder for the predictions (%(default)s), or the name of the table for people, .csv or .xlsx"
    parser.add_argument("--output", "--output-dir", default=output, help=where)
    about = f"write the table for people (off the platform, up to {PEOPLE:,} rows)"
    parser.add_argument("--details", action="store_true", default=None, help=about)
    parser.add_argument("--no-details", dest="details", action="store_false", help="do not")
    parser.add_argument("--coverage", type=float, help=f"of its bounds ({COVERAGE})")
    parser.add_argument("--digits", type=int, help=f"of its numbers, significant ones ({DIGITS})")
    of = "put spectra of other channels on the model's by interpolation"
    parser.add_argument("--resample", action="store_true", help=of)
    add_workers(parser)
    return parser


def details_asked(arguments, sources):
    """How details are to be written, of which a DataError names what cannot be."""
    coverage = COVERAGE if arguments.coverage is None else arguments.coverage
    digits = DIGITS if arguments.digits is None else arguments.digits
    check_share("--coverage", coverage, MOST)
    if not 1 <= digits <= MOST_DIGITS:
        raise DataError("--digits", f"found {digits}", f"1 to {MOST_DIGITS}", f"{DIGITS} is usual")
    named = not is_folder(arguments.output)
    if named and len(sources) > 1:
        found = f"found {arguments.output} for {len(sources)} tables"
        raise DataError("--output", found, "a folder", "name one")
    if named and os.path.realpath(arguments.output) in set(map(os.path.realpath, sources)):
        raise DataError(arguments.output, "found spectra there", "another place", "name one")
    asked = arguments.details if arguments.details is not None else named or None
    wanted = asked if asked is not None else not on_platform()
    if not wanted:
        options = {"--coverage": arguments.coverage, "--digits": arguments.digits}
        say_without_effect(logger, options, "without --details")
    return {"details": wanted, "most": None if asked else PEOPLE, "coverage": coverage, "digits": digits}


def main(argv=None):
    arguments = command_line().parse_args(argv)
    spectra = spectra_of(arguments)
    paths = find_tables(spectra)
    how = {"resample": arguments.resample, **details_asked(arguments, paths)}
    # What is wrong with the model is said before any work.
    model, description = load_described(arguments.model, train.METHODS)
    output = os.path.abspath(arguments.output)
    os.makedirs(output if is_folder(output) else os.path.dirname(output), exist_ok=True)
    predict_one = predict_table if len(paths) == 1 else predict_if_filled
    work = partial(predict_one, os.path.abspath(arguments.model), output, how)
    with workers(arguments.jobs, arguments.backend, arguments.scheduler) as go:
        found = list(go(work, [os.path.abspath(path) for path in paths], "tables"))
    filled = [each for each in found if each is not None]
    if not filled:
        raise DataError(spectra, f"found no row in {len(paths)} tables", "spectra")
    rows, detailed, *counts = sum(filled)
    written, several = [arguments.output] * 2, f" in {len(paths)} tables"
    if len(paths) == 1:
        written, several = output_paths(paths[0], arguments.output), ""
    targets = len(model.target_names_)
    logger.info("%s: %s predictions of %d targets%s", written[0], format(rows, ","), targets, several)
    tell_details(written[1], how, detailed, len(filled))
    for line in marks_told(description["targets"], description["training"].get("marked_by")):
        logger.info("%s", line)
    for line in beyond_told(model.target_names_, np.reshape(counts, (2, -1)), rows):
        logger.info("%s", line)


def tell_details(path, how, detailed, tables):
    """Say where details are, or that there are none."""
    if detailed:
        about = path, 100 * how["coverage"], how["digits"]
        logger.info("%s: table with ids, verdicts, bounds of %g %% and marks, %d digits", *about)
    if how["details"] and detailed < tables:
        several = f" for {tables - detailed} of {tables} tables" if tables > 1 else ""
        logger.info(
            "no table for people%s, above %s rows: --details asks for it", several, format(PEOPLE, ",")
        )
    elif not how["details"] and os.path.isfile(path):
        logger.info("%s: of an earlier run", path)


if __name__ == "__main__":
    import predict  # by name, so that workers find what they are to run

    run(predict.main)
