"""Which rows are held out together: by row, by site, or as a file of folds says."""

import os
import sys

import numpy as np
import pandas as pd

import preprocess
from recore.columns import add_columns
from recore.folds import FOLDS, REPEATS, draw_folds, row_folds, site_folds, told
from recore.options import Parser, add_group, add_method
from recore.settings import add_settings
from recore.ways import SITE
from tools.spectra import add_table

SHORT = 1, 3  # repeats and folds of --short


def usable(targets, folds):
    """The targets with two assays a fold or more; those left out are named on stderr."""
    enough = targets.notna().sum() >= 2 * folds
    if not enough.all():
        print(f"left out, too few assays: {', '.join(targets.columns[~enough])}", file=sys.stderr)
    if not enough.any():
        raise preprocess.DataError(
            "", f"found no target with {2 * folds} assays", "one", "give a file with assays, or fewer --folds"
        )
    return targets.loc[:, enough]


def told_targets(targets, plan):
    """The targets with assays enough for every scheme; those left out are named on stderr."""
    known = np.all([told(targets.to_numpy(), folds, sites) for folds, sites in plan.values()], axis=0)
    if not known.all():
        print(f"left out, too few assays: {', '.join(targets.columns[~known])}", file=sys.stderr)
    if not known.any():
        expected = "one with an assay in two rows, or sites, of each training half"
        raise preprocess.DataError("", "found no target with assays enough", expected, "add assays")
    return targets.loc[:, known]


def read_folds(path, index):
    """The column Fold of a CSV file whose first column is the spectra file's index; (1, n_rows)."""
    folds = pd.read_csv(path, index_col=0)
    if "Fold" not in folds or not folds.index.is_unique or set(folds.index) != set(index):
        raise preprocess.DataError(
            path,
            f"found {len(folds)} rows and columns {', '.join(folds)}",
            f"a column Fold and the {len(index)} indices of the spectra file, each once",
        )
    return folds.loc[index, "Fold"].to_numpy()[None]


def schemes(table, arguments):
    """What to hold out: {name: (folds, sites or None)}, the sites where alpha is chosen by them.

    Where neither repeats nor folds are asked for, as train.py does, so that its figures are these.
    """
    n = len(table.features)
    asked = arguments.repeats or REPEATS, arguments.folds or FOLDS
    asked = None if arguments.repeats is arguments.folds is None else asked
    if arguments.fold_file:
        found = {"given folds": (read_folds(arguments.fold_file, table.features.index), None)}
    else:
        found = {"row": (row_folds(n) if asked is None else draw_folds(np.arange(n), *asked), None)}
    if arguments.group not in (*table.ids, SITE, "none"):
        raise preprocess.DataError(
            "--group",
            f"found no id column {arguments.group!r}",
            f"one of {', '.join(table.ids) or 'none'}",
            "name one of them, or none",
        )
    if arguments.group in table.ids:
        sites = table.ids[arguments.group].to_numpy()
        folds = site_folds(sites) if asked is None else draw_folds(sites, *asked)
        found["site"] = folds, None
        found["site, α by site"] = folds, sites
    return found


def fold_parser(description):
    """A command line that says which file, and how to hold out."""
    parser = Parser(description=description)
    add_table(parser)
    usual = "%d of few rows, else 1" % REPEATS
    parser.add_argument("--repeats", type=int, help=f"of the folds ({usual})")
    add_columns(parser)
    add_method(parser)
    add_settings(parser)
    parser.add_argument(
        "--folds", type=int, help=f"held out in turn ({FOLDS} of rows, of sites each by itself)"
    )
    add_group(parser, SITE, "that is never in both halves")
    parser.add_argument("--fold-file", help="CSV with the index and a column Fold, instead of drawing rows")
    parser.add_argument("--short", action="store_true", help="one repeat of three folds")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="processes (as many as there are cores)"
    )
    return parser


def arguments_of(parser, argv):
    """What a command line of `fold_parser` says, checked."""
    arguments = parser.parse_args(argv)
    if arguments.short:
        arguments.repeats, arguments.folds = SHORT
    if (
        (arguments.repeats or 1) < 1
        or (arguments.folds or 2) < 2
        or 0 in (arguments.repeats, arguments.folds)
    ):
        parser.error(f"expected --repeats >= 1 and --folds >= 2, got {arguments.repeats}, {arguments.folds}")
    return arguments
