"""The official score of predictions: the sum of weight x R² over the 49 targets.

    python score.py data/public/public.csv.gz --predicted data/predictions/public.csv.out \
                    --output data/scores/public.txt

    R²_t = 1 - sum_i (y_it - p_it)² / sum_i (y_it - mean_t)²,    score = sum_t w_t R²_t

Of a folder or a pattern of tables (.csv, .csv.gz, .parquet) each is matched with the predictions of
its name, NAME.out, and the rows of all count as one file's.

The weights sum to 1.01, so a perfect prediction scores 1.01. Predictions have no
header and no index, and are matched by position. A file with other elements has no
official score: it gets the mean R² of its targets, its missing assays left out.

Assays are read, and told from other columns, as preprocess.py does it.
"""

import logging

import numpy as np

import preprocess
from preprocess import DataError, EmptyTable, place, replacing
from recore.columns import add_columns
from recore.options import Parser, add_spectra, spectra_of
from recore.pairs import find_pairs, read_pair

logger = logging.getLogger(__name__)

WEIGHTS = dict.fromkeys(preprocess.TARGETS, 0.01)
WEIGHTS.update(dict.fromkeys("AgPPM FePCT NiPPM PbPPM ZnPPM AlPPM CaPPM KPPM MgPPM NaPPM".split(), 0.025))
WEIGHTS.update(AuPPM=0.04, CuPPM=0.35)
PERFECT = sum(WEIGHTS.values())  # a perfect prediction's score
SHOWN = 5  # best and worst targets printed


def r2(actual, predicted):
    """R² of each target (n_targets,) from assays, NaN where missing, and predictions, (n_rows, n_targets).

    As scikit-learn defines it: a target without spread, but for rounding, scores 1 when it is met and 0 when it
    is not. NaN with fewer than two assays.
    """
    return r2_of(sums(actual, predicted))


def sums(actual, predicted):
    """What R² needs of some rows: assays, their mean, squares around it, squared errors; (4, n_targets)."""
    known = ~np.isnan(actual)
    count = known.sum(axis=0)
    mean = np.where(known, actual, 0).sum(axis=0) / np.maximum(count, 1)
    residual = np.where(known, actual - predicted, 0)
    spread = np.where(known, actual - mean, 0)
    return np.array([count, mean, (spread**2).sum(axis=0), (residual**2).sum(axis=0)])


def added(some, more):
    """The sums of the rows of both (Chan, Golub & LeVeque 1983, Am. Stat. 37, 242)."""
    count, step = some[0] + more[0], more[1] - some[1]
    share = more[0] / np.maximum(count, 1)
    squares = some[2] + more[2] + some[0] * share * step**2
    return np.array([count, some[1] + share * step, squares, some[3] + more[3]])


def r2_of(total):
    """R² from `sums`."""
    count, mean, sst, sse = total
    rounding = count * (count * np.finfo(float).eps * mean) ** 2  # squares that equal assays may have
    constant = sst <= rounding
    result = np.where(constant, sse <= rounding, 1 - sse / np.where(constant, 1, sst))
    return np.where(count < 2, np.nan, result)


def weighted(each):
    """The official score from the R² of the 49 targets."""
    return float(np.dot(list(WEIGHTS.values()), each))


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    folder = preprocess.PLATFORM + "/processing"
    actual = place(f"{folder}/input/public/public.csv.gz", "data/public/public.csv.gz")
    add_spectra(
        parser, "--actual", actual, "the spectra file with its assays, or a folder or pattern of such"
    )
    predicted = "predictions, without header and index, or the folder that they are in (%(default)s)"
    output = "the file to write the score to (%(default)s)"
    usual = place(f"{folder}/input/predictions/public.csv.out", "data/predictions/public.csv.out")
    parser.add_argument("--predicted", default=usual, help=predicted)
    usual = place(f"{folder}/output/scores/public.txt", "data/scores/public.txt")
    parser.add_argument("--output", default=usual, help=output)
    add_columns(parser)
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    spectra = spectra_of(arguments)
    total = targets = None
    rows = missing = 0
    pairs = find_pairs(spectra, arguments.predicted)
    for pair in pairs:
        try:
            actual, predicted, targets = read_pair(*pair, arguments, targets)
        except EmptyTable as error:
            if len(pairs) == 1:
                raise
            logger.info("%s, left out", error)
            continue
        some = sums(actual, predicted)
        total = some if total is None else added(total, some)
        rows, missing = rows + len(actual), missing + int(np.isnan(actual).sum())
    if total is None:
        raise DataError(spectra, f"found no row in {len(pairs)} tables", "assays")
    each = r2_of(total)
    if np.isnan(each).all():
        found = f"found no target with two assays, {rows:,} row{'s' if rows > 1 else ''}"
        raise DataError(spectra, found, "two rows or more to score", "add rows with assays")
    if targets == list(WEIGHTS):
        score = weighted(each)
        print(f"official score {score:.4f} of {PERFECT:.2f}, {rows:,} rows")
    else:
        score = float(np.nanmean(each))
        counted = f"{len(targets)} targets, {rows:,} rows, {missing:,} missing assays left out"
        print(f"mean R² {score:.4f} of {counted}")
    order = [place for place in np.argsort(-each, kind="stable") if each[place] == each[place]]
    for label, places in (("best ", order[:SHOWN]), ("worst", order[SHOWN:][-SHOWN:])):
        print(f"{label} R²", "  ".join(f"{targets[place]} {each[place]:.3f}" for place in places))

    with replacing(arguments.output) as file:
        file.write(f"{score!r}\n")


if __name__ == "__main__":
    preprocess.run(main)
