"""The official score of predictions: the sum of weight x R² over the 49 targets.

    python score.py --actual data/public/public.csv.gz --predicted data/predictions/public.csv.out \
                    --output data/scores/public.txt

    R²_t = 1 - sum_i (y_it - p_it)² / sum_i (y_it - mean_t)²,    score = sum_t w_t R²_t

Of a folder or a pattern of tables (.csv, .csv.gz, .parquet) each is matched with the predictions of
its name, NAME.out, and the rows of all count as one file's.

The weights sum to 1.01, so a perfect prediction scores 1.01. Predictions have no
header and no index, and are matched by position. A file with other elements has no
official score: it gets the mean R² of its targets, its missing assays left out.

The platform runs this file by itself: it imports nothing of the project.
"""

import argparse
import csv
import glob
import gzip
import json
import math
import os
import sys
import time
import zlib

import numpy as np
import pandas as pd

# preprocess.py, which stands alone, holds these names as well; a test compares the two.
WEIGHTS = {
    "AgPPM": 0.025, "AsPPM": 0.01, "AuPPM": 0.04, "BaPPM": 0.01, "BiPPM": 0.01, "CdPPM": 0.01,
    "CoPPM": 0.01, "CuPPM": 0.35, "FePCT": 0.025, "MnPPM": 0.01, "MoPPM": 0.01, "NiPPM": 0.025,
    "PPCT": 0.01, "PbPPM": 0.025, "SPPM": 0.01, "SbPPM": 0.01, "SePPM": 0.01, "SnPPM": 0.01,
    "SrPPM": 0.01, "TePPB": 0.01, "ThPPB": 0.01, "UPPB": 0.01, "VPCT": 0.01, "WPPM": 0.01,
    "ZnPPM": 0.025, "ZrPPM": 0.01, "BePPM": 0.01, "AlPPM": 0.025, "CaPPM": 0.025, "CePPM": 0.01,
    "CrPPM": 0.01, "CsPPM": 0.01, "GaPPM": 0.01, "GePPM": 0.01, "HfPPM": 0.01, "InPPM": 0.01,
    "KPPM": 0.025, "LaPPM": 0.01, "LiPPM": 0.01, "MgPPM": 0.025, "NaPPM": 0.025, "NbPPM": 0.01,
    "RbPPM": 0.01, "RePPM": 0.01, "ScPPM": 0.01, "TaPPM": 0.01, "TiPPM": 0.01, "TlPPM": 0.01,
    "YPPM": 0.01,
}  # fmt: skip
PERFECT = sum(WEIGHTS.values())  # a perfect prediction's score
NOT_TARGETS = ("", "Unnamed: 0", "index", "__index_level_0__", "DepthTo", "SiteID", "DepthFrom")
GAPS = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None"]  # cells without a value
TABLES = (".csv", ".csv.gz", ".parquet")  # how the name of a table ends
PUBLIC = "public.csv.gz"  # the platform's; a folder that holds it stands for it alone
DETAILS = ".details.csv"  # no assays, but what predict.py writes beside predictions
SHOWN = 5  # best and worst targets printed


class DataError(ValueError):
    """A mistake in what the user gave: one line with found, where, expected, remedy."""


def r2(actual, predicted):
    """Coefficient of determination of each target.

    Parameters
    ----------
    actual : ndarray of shape (n_rows, n_targets)
        NaN where an assay is missing: the row is left out for that target.
    predicted : ndarray of shape (n_rows, n_targets)

    Returns
    -------
    ndarray of shape (n_targets,)
        As scikit-learn defines it: a target without spread scores 1 when it is met and 0
        when it is not. NaN with fewer than two assays.
    """
    return r2_of(sums(actual, predicted))


def sums(actual, predicted):
    """What R² needs of some rows: assays, their mean, squares around it, and squared errors; (4, n_targets)."""
    known = ~np.isnan(actual)
    count = known.sum(axis=0)
    mean = np.where(known, actual, 0).sum(axis=0) / np.maximum(count, 1)
    residual = np.where(known, actual - predicted, 0)
    spread = np.where(known, actual - mean, 0)
    return np.array([count, mean, (spread**2).sum(axis=0), (residual**2).sum(axis=0)])


def added(some, more):
    """The sums of the rows of both (Chan, Golub & LeVeque 1983, Am. Stat. 37, 242)."""
    count = some[0] + more[0]
    share = more[0] / np.maximum(count, 1)
    step = more[1] - some[1]
    return np.array(
        [count, some[1] + share * step, some[2] + more[2] + some[0] * share * step**2, some[3] + more[3]]
    )


def r2_of(total):
    """R² from `sums`."""
    count, _, sst, sse = total
    constant = sst == 0
    result = np.where(constant, sse == 0, 1 - sse / np.where(constant, 1, sst))
    return np.where(count < 2, np.nan, result)


def official_score(actual, predicted):
    """The sum of weight x R² over the 49 targets, in the order of WEIGHTS."""
    return weighted(r2(actual, predicted))


def weighted(each):
    """The official score from the R² of the 49 targets."""
    return float(np.dot(list(WEIGHTS.values()), each))


def find_pairs(actual, predicted):
    """The tables that `actual` stands for, each with the file of its predictions."""
    if os.path.isdir(actual):
        found = list(filter(is_table, (os.path.join(actual, name) for name in sorted(os.listdir(actual)))))
        public = os.path.join(actual, PUBLIC)
        found = [public] if public in found else found
    elif glob.has_magic(actual) and not os.path.exists(actual):
        found = list(filter(is_table, sorted(glob.glob(actual))))
    else:
        found = [actual]
    if not found:
        raise DataError(
            f"{actual}: found no table, expected names that end in {', '.join(TABLES)}; check the path"
        )
    if len(found) > 1 and not os.path.isdir(predicted):
        raise DataError(
            f"{predicted}: not a folder, expected the one with the predictions of the {len(found)} tables of "
            f"{actual}; name it"
        )
    pairs = []
    for path in found:
        name = os.path.basename(path)
        name = (name[:-3] if name.endswith(".gz") else name) + ".out"
        pairs.append((path, os.path.join(predicted, name) if os.path.isdir(predicted) else predicted))
    return pairs


def is_table(path):
    """Whether a path is that of a file of spectra, by its name."""
    name = os.path.basename(path)
    by_name = name.endswith(TABLES) and not name.endswith(DETAILS) and not name.startswith(".")
    return by_name and os.path.isfile(path)


def find_targets(names, path):
    """Positions of the columns that may be targets: the 49, or all that name no channel."""
    official = [name for name in names if name in WEIGHTS]
    if official and len(official) < len(WEIGHTS):
        missing = ", ".join(name for name in WEIGHTS if name not in official)
        raise DataError(
            f"{path}: found {len(official)} of {len(WEIGHTS)} targets, missing: {missing}; "
            "give the file that has all of them"
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(
            f"{path}: found column {twice!r} more than once, expected every name once; rename one"
        )
    if official:
        return [names.index(name) for name in WEIGHTS]
    return [place for place, name in enumerate(names) if name not in NOT_TARGETS and not is_number(name)]


def is_number(name):
    """Whether a column is named by a number ('3997.4', or R's 'X3997.4'), as channels are."""
    try:
        return math.isfinite(float(name[1:] if name[:1] == "X" else name))
    except ValueError:
        return False


def read_cells(path, has_header):
    """A CSV file's names (or None) and the cells, as text, of the columns that may be targets.

    Shows its progress on a terminal after two seconds.
    """
    name, began, parts, names, wanted = os.path.basename(path), time.monotonic(), [], None, None
    if not os.path.isfile(path):
        raise DataError(
            f"{path}: not found, expected a file; run the steps before this one or check the path"
        )
    try:
        with open(path, "rb") as raw:
            stream = gzip.GzipFile(fileobj=raw) if path.endswith(".gz") else raw
            if has_header:
                header = next(csv.reader([stream.readline().decode("utf-8-sig")]), [])
                names = [cell.strip() for cell in header]
                wanted = find_targets(names, name)
                if not wanted:
                    raise DataError(
                        f"{name}: found no target among {len(names)} columns, expected assays to "
                        "score against; give the file with assays"
                    )
            for part in pd.read_csv(
                stream,
                header=None,
                names=names and range(len(names)),
                usecols=wanted,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                chunksize=1000,
            ):
                parts.append(part)
                if sys.stderr.isatty() and time.monotonic() - began > 2:
                    sys.stderr.write(f"\r{name}: {100 * raw.tell() / os.path.getsize(path):3.0f} %\r")
    except EOFError:
        raise DataError(f"{name}: the gzip file ends too early; copy or download it again") from None
    except pd.errors.EmptyDataError:
        raise DataError(
            f"{name}: found no row, expected one for each sample; run the step that writes it again"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}: found bytes that are not UTF-8 ({error.reason}); save it as CSV in UTF-8"
        ) from None
    except pd.errors.ParserError as error:
        raise DataError(f"{name}: found lines of unequal length ({str(error).strip()}); mend them") from None
    except (zlib.error, OSError) as error:
        raise DataError(f"{name}: cannot be read ({error}); check the file") from None
    cells = pd.concat(parts, ignore_index=True)
    return names, cells[wanted] if wanted else cells


def to_numbers(cells, names, path, first_line, gaps_allowed):
    """Cells of text as an array of floats; NaN for a missing assay where it may be missing."""
    name = os.path.basename(path)
    numbers = cells.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    empty = (cells.isna() | cells.isin(GAPS)).to_numpy()
    wrong = ~np.isfinite(numbers) & ~(empty & gaps_allowed)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        found = "a gap" if empty[row, column] else f"{cells.iloc[row, column]!r}"
        raise DataError(
            f"{name}, line {row + first_line}, column {names[column]!r}: found {found}, expected "
            "a number; mend the cell"
        )
    return numbers


def read_parquet(path):
    """The assays of a Parquet file (n_rows, n_targets), and the targets' names."""
    name = os.path.basename(path)
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise DataError(
            f"{name}: found no pyarrow, which .parquet needs; install it (pip install pyarrow), or give .csv.gz"
        ) from None
    if not os.path.isfile(path):
        raise DataError(f"{path}: not found, expected a file; check the path")
    try:
        schema = parquet.read_schema(path)
        about = json.loads((schema.metadata or {}).get(b"pandas", b"{}").decode())
        index = [name for name in about.get("index_columns", []) if isinstance(name, str)]
        numeric = [
            field.name
            for field in schema
            if pyarrow.types.is_integer(field.type)
            or pyarrow.types.is_floating(field.type)
            or pyarrow.types.is_decimal(field.type)
        ]
        names = [each for each in schema.names if each not in index]
        targets = [names[place] for place in find_targets(names, name)]
        official = targets == list(WEIGHTS)
        text = [target for target in targets if target not in numeric]
        if official and text:
            raise DataError(f"{name}, column {text[0]!r}: found text, expected numbers; mend it")
        targets = [target for target in targets if target in numeric]
        table = parquet.read_table(path, columns=targets)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"{name}: cannot be read as Parquet ({' '.join(str(error).split())}); copy or write it again"
        ) from None
    if not targets:
        raise DataError(
            f"{name}: found no target, expected assays to score against; give the file with assays"
        )
    columns = [table.column(target).cast(pyarrow.float64(), safe=False).to_numpy() for target in targets]
    actual = np.column_stack(columns)
    wrong = np.isinf(actual) | (np.isnan(actual) & official)
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        raise DataError(
            f"{name}, row {row + 1}, column {targets[place]!r}: found {actual[row, place]}, expected a number; "
            "mend the cell"
        )
    return actual, targets


def text_ids(cells, names):
    """The columns that are ids as preprocess.py tells them: of text, or with text left of the channels."""
    first_channel = next((place for place, name in enumerate(names) if is_number(name)), 0)
    gaps = cells.isna() | cells.isin(GAPS)
    text = cells.apply(pd.to_numeric, errors="coerce").isna() & ~gaps
    return [
        place
        for place in cells
        if text[place].any() and (place < first_channel or (text | gaps)[place].all())
    ]


def read_pair(actual_path, predicted_path):
    """Read assays and predictions and check that they match.

    Returns
    -------
    actual, predicted : ndarray of shape (n_rows, n_targets)
    targets : list of str
        In the order of the columns.
    """
    if actual_path.endswith(".parquet"):
        actual, targets = read_parquet(actual_path)
    else:
        names, cells = read_cells(actual_path, has_header=True)
        targets = [names[place] for place in cells.columns]
        official = targets == list(WEIGHTS)
        if not official:
            cells = cells.drop(columns=text_ids(cells, names))
            targets = [names[place] for place in cells.columns]
        actual = to_numbers(cells, targets, actual_path, 2, gaps_allowed=not official)
    _, cells = read_cells(predicted_path, has_header=False)
    name = os.path.basename(predicted_path)
    if cells.shape[1] != actual.shape[1]:
        raise DataError(
            f"{name}: found {cells.shape[1]} columns, expected {actual.shape[1]}, one for each "
            "target, without index; run predict.py again"
        )
    predicted = to_numbers(cells, targets, predicted_path, 1, gaps_allowed=False)
    if len(predicted) != len(actual):
        raise DataError(
            f"{name}: found {len(predicted)} rows, expected {len(actual)} as in "
            f"{os.path.basename(actual_path)}, without header; run predict.py again"
        )
    return actual, predicted, targets


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--actual",
        default="/opt/ml/processing/input/public/public.csv.gz",
        help="the spectra file with its assays, or a folder or pattern of such (%(default)s)",
    )
    parser.add_argument(
        "--predicted",
        default="/opt/ml/processing/input/predictions/public.csv.out",
        help="predictions, without header and index, or the folder that they are in (%(default)s)",
    )
    parser.add_argument(
        "--output",
        default="/opt/ml/processing/output/scores/public.txt",
        help="the file to write the score to (%(default)s)",
    )
    arguments = parser.parse_args(argv)
    total = first = None
    rows = missing = 0
    pairs = find_pairs(arguments.actual, arguments.predicted)
    for done, pair in enumerate(pairs):
        actual, predicted, targets = read_pair(*pair)
        first = first or targets
        if targets != first:
            raise DataError(
                f"{pair[0]}: found other targets than in {pairs[0][0]}, expected the same; score it apart"
            )
        some = sums(actual, predicted)
        total = some if total is None else added(total, some)
        rows, missing = rows + len(actual), missing + int(np.isnan(actual).sum())
        if len(pairs) > 1 and sys.stderr.isatty():
            sys.stderr.write(f"\r{100 * (done + 1) / len(pairs):3.0f} %\r")
    each = r2_of(total)
    if targets == list(WEIGHTS):
        score = weighted(each)
        print(f"official score {score:.4f} of {PERFECT:.2f}, {rows:,} rows")
    else:
        score = float(np.nanmean(each))
        print(
            f"mean R² {score:.4f} of {len(targets)} targets, {rows:,} rows, {missing:,} missing assays left out"
        )
    order = sorted(
        (place for place in range(len(targets)) if each[place] == each[place]), key=lambda place: -each[place]
    )
    for label, places in (("best ", order[:SHOWN]), ("worst", order[SHOWN:][-SHOWN:])):
        print(f"{label} R²", "  ".join(f"{targets[place]} {each[place]:.3f}" for place in places))

    folder, name = os.path.split(os.path.abspath(arguments.output))
    os.makedirs(folder, exist_ok=True)
    beside = os.path.join(folder, f".{name}.{os.getpid()}")  # renamed: never half-written
    with open(beside, "w") as file:
        file.write(f"{score!r}\n")
    os.replace(beside, arguments.output)


if __name__ == "__main__":
    try:
        main()
    except (DataError, OSError) as error:
        sys.exit(f"score.py: {error}")
