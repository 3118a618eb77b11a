"""Predict concentrations from a spectra file with a saved model: the local prediction step.

    python predict.py --model_dir model --data_dir data/public --output_dir data/predictions
    python predict.py --model_dir model --data_dir new.csv --output_dir predictions --details

Writes public.csv.out, of several tables one each: one line a spectrum, in the file's order, one number a target, in the
order of the model's targets (the challenge's 49 in the challenge's own); no header, no index.

--details writes public.details.csv as well, a table with a header: index and ids, whether the model
applies to the spectrum (verdict, and leverage and residual in units of their limits), and of each
target the prediction with the bounds between which the assay lies with about the probability --coverage.
"""

import argparse
import logging
import os
from collections import Counter
from contextlib import ExitStack
from functools import partial
from itertools import chain

import numpy as np

import preprocess
import train
from recore import predictions as told
from recore.bounds import MOST
from recore.samples import feature_values
from recore.tables import read_tables
from recore.workers import add_workers, workers

logger = logging.getLogger(__name__)


def details_header(table, model):
    """Column names of the details, without that of the index."""
    targets = chain.from_iterable((name, name + " lower", name + " upper") for name in model.target_names_)
    names = [*table.ids, "verdict", "leverage", "residual", *targets]
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise preprocess.DataError(
            "",
            f"found an id column {name!r}, as a column of the details is called",
            remedy="rename or remove it",
        )
    return names


def details_rows(table, predictions, model, coverage):
    """Details of a table's spectra as lines of CSV."""
    lower, upper, found = told.trust(feature_values(table.features, model), predictions, model, coverage)
    bound = "%%.%dg" % told.BOUND_DIGITS
    each = ["%%.%dg" % told.DIGITS, bound, bound]
    line = ",".join(["%s", bound, bound, *each * predictions.shape[1]]) + "\n"
    cells = np.stack([predictions, lower, upper], axis=2).reshape(len(predictions), -1).tolist()  # (n, 3 t)
    labels = zip(table.ids.index, *(table.ids[name] for name in table.ids))
    measured = zip(found["verdict"], found["leverage"], found["residual"])
    return "".join(
        [
            ",".join(map(preprocess.quote, label)) + "," + line % (*some, *row)
            for label, some, row in zip(labels, measured, cells)
        ]
    )


def output_paths(path, output_dir):
    """Where the predictions of a table go, and their details."""
    name = os.path.basename(path)
    name = name[:-3] if name.endswith(".gz") else name
    return [
        os.path.join(output_dir, each)
        for each in (name + ".out", os.path.splitext(name)[0] + preprocess.DETAILS)
    ]


def predict_table(model_dir, output_dir, coverage, path):
    """Write the predictions of a table, and their details where there is a coverage; the number of rows."""
    model = train.model_fn(model_dir)
    paths = output_paths(path, output_dir)[: 1 if coverage is None else 2]

    def predict(table):
        predictions = told.predict(table.features, model)
        texts = ["", told.csv_rows(predictions)]
        if coverage is not None:
            texts.append(preprocess.csv_header(details_header(table, model)))
            texts.append(details_rows(table, predictions, model, coverage))
        return texts

    rows = 0
    with ExitStack() as stack:  # both are whole before either takes its place
        stack.enter_context(preprocess.naming(path, output_dir))
        files = [stack.enter_context(preprocess.replacing(each)) for each in paths]
        for texts in read_tables(path, predict):
            for file, header, lines in zip(files, texts[::2], texts[1::2]):
                file.write(lines if rows else header + lines)
            rows += texts[1].count("\n")
    return rows


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model_dir",
        default=os.getenv("SM_MODEL_DIR", "/opt/ml/model"),
        help="folder of the model (%(default)s)",
    )
    parser.add_argument(
        "--data_dir",
        default=os.getenv("SM_CHANNEL_TRAINING", "/opt/ml/input/data/training"),
        help="folder of public.csv.gz or of other tables, a spectra file, or a pattern (%(default)s)",
    )
    parser.add_argument(
        "--output_dir",
        default=os.getenv("SM_OUTPUT_DIR", "/opt/ml/output"),
        help="folder for the predictions (%(default)s)",
    )
    parser.add_argument(
        "--details", action="store_true", help="write bounds and verdicts beside the predictions"
    )
    add_workers(parser)
    parser.add_argument("--coverage", type=float, default=told.COVERAGE, help="of the bounds (%(default)s)")
    arguments = parser.parse_args(argv)
    if not 0 < arguments.coverage <= MOST:
        raise preprocess.DataError(
            "--coverage", f"found {arguments.coverage:g}", f"more than 0 and at most {MOST}", "0.9 is usual"
        )
    paths = preprocess.find_tables(arguments.data_dir)
    model = train.model_fn(arguments.model_dir)  # what is wrong with it is said before any work
    os.makedirs(arguments.output_dir, exist_ok=True)
    folders = map(os.path.abspath, (arguments.model_dir, arguments.output_dir))
    work = partial(predict_table, *folders, arguments.coverage if arguments.details else None)
    with workers(arguments.jobs, arguments.backend, arguments.scheduler) as run:
        rows = sum(run(work, [os.path.abspath(path) for path in paths], "tables"))
    one = output_paths(paths[0], arguments.output_dir) if len(paths) == 1 else [arguments.output_dir] * 2
    logger.info(
        "%s: %s predictions of %d targets%s",
        one[0],
        format(rows, ","),
        len(model.target_names_),
        "" if len(paths) == 1 else f" in {len(paths)} tables",
    )
    if arguments.details:
        logger.info("%s: with bounds of %g %% and verdicts", one[1], 100 * arguments.coverage)


if __name__ == "__main__":
    import predict  # by name, so that workers find what they are to run

    preprocess.run(predict.main)
