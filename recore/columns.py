"""Which columns of a laboratory's own table are its targets, where names alone do not tell."""

import csv
import logging
import re

import numpy as np
import pandas as pd

import preprocess
from preprocess import DataError
from recore.channels import describe

logger = logging.getLogger("preprocess")

COPY = re.compile(r"(.+?)(?:\.[0-9]+|[._][xy])")  # a name that pandas or R gave to another column of one name
COUNTER = re.compile(
    r"Unnamed: [0-9.]+|index|level_[0-9]+|X(\.[0-9]+)?|\.\.\.[0-9]+|row\.?names", re.IGNORECASE
)
# A number with a decimal comma, with separators of thousands, or below a limit.
NUMBERLIKE = re.compile(
    r"[<>≤≥~] *[0-9.,]+|[+-]?[0-9]+,[0-9]+|[+-]?[0-9]{1,3}([,'\u00a0\u202f][0-9]{3})+(\.[0-9]+)?"
)
COUNTED = 3  # rows and values that tell a count from a measurement
KINDS = {
    "empty": "no value",
    "constant": "always the same",
    "counts": "counts rows or samples",
    "copy": "a copy",
}


def add_columns(parser):
    """Add the options that say which columns are what."""
    group = parser.add_argument_group("columns, by name, as a line of CSV")
    group.add_argument(
        "--targets", type=names_in, help="to learn, instead of those that are taken by themselves"
    )
    group.add_argument(
        "--ids", type=names_in, default=[], help="that are no targets, though they hold numbers"
    )


def names_in(line):
    """The names in a line of CSV."""
    return [name.strip() for row in csv.reader([line], skipinitialspace=True) for name in row if name.strip()]


def check_named(named, targets, ids):
    """Raise a DataError where a column that `add_columns` was given is not among the targets or ids of a table."""
    for option, wanted, there in (("--targets", named.targets or (), targets), ("--ids", named.ids, ids)):
        missing = [column for column in wanted if column not in there]
        if missing:
            expected = f"one of {', '.join(map(repr, [*targets, *ids])) or 'none'}"
            raise DataError(option, f"found no column {missing[0]!r}", expected, "check its name")


def check_texts(labels, name):
    """Raise a DataError where a column of text, {name: texts}, holds what was meant as numbers."""
    for column, texts in labels.items():
        filled = [text for text in texts if text not in preprocess.GAPS]
        meant = [text for text in filled if NUMBERLIKE.fullmatch(text) and preprocess.number(text) is None]
        if column not in preprocess.ID_COLUMNS and 2 * len(meant) > len(filled):
            found = f"found the texts {meant[0]!r} and {len(meant) - 1} more of that kind"
            remedy = f"{preprocess.MEND}, or name the column with --ids"
            raise DataError(f"{name}, column {column!r}", found, "numbers", remedy)


def doubts(columns):
    """{name: one of KINDS} of the columns that are hardly targets, of {name: numbers (n_rows,), NaN for gaps}."""
    found, before = {}, {}
    for name, values in columns.items():
        known, stem = values[~np.isnan(values)], stem_of(name)
        if not len(known):
            found[name] = "empty"
        elif len(values) > 1 and (known == known[0]).all():
            found[name] = "constant"
        elif counts(values) or (COUNTER.fullmatch(name) and all_different(values)):
            found[name] = "counts"
        elif any(np.array_equal(values, other, equal_nan=True) for other in before.get(stem, ())):
            found[name] = "copy"
        before.setdefault(stem, []).append(values)
    return found


def stem_of(name):
    """What a column was called before pandas or R gave it another name."""
    copied = COPY.fullmatch(name)
    return copied.group(1) if copied else name


def all_whole(values):
    """Whether there are no gaps, and whole numbers only."""
    return bool(np.isfinite(values).all() and not (values % 1).any())


def all_different(values):
    """Whether all values are whole numbers, each another."""
    return all_whole(values) and len(np.unique(values)) == len(values) > 1


def counts(values):
    """Whether whole numbers rise or fall by one from row to row or from sample to sample, or over and over."""
    if len(values) < COUNTED or not all_whole(values):
        return False
    steps = np.diff(values)
    if len(np.unique(values)) >= COUNTED and (np.isin(steps, (0, 1)).all() or np.isin(steps, (0, -1)).all()):
        return True
    again = (steps == 1) | (steps < 0)  # scans of a sample, sample after sample
    return bool(len(values) >= 2 * COUNTED and again.all() and 2 * (steps == 1).sum() >= len(steps))


class Undecided:
    """The numbers of a column that is read as text, block after block, as it may be an id."""

    def __init__(self, table, column):
        self.table, self.column = table, column
        self.rows, self.some, self.text = 0, False, None

    def add(self, texts):
        """Texts as numbers, NaN for gaps; a DataError where a column has numbers and text."""
        text = np.zeros(len(texts), bool)
        try:
            cells = "\n".join(cell.replace("\n", preprocess.SEPARATOR) for cell in texts).encode()
            values = preprocess.one_column(cells, "\n", na_values=preprocess.GAPS, **preprocess.PRECISION)
        except preprocess.NotNumbers:
            values = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(float)
            text = np.isnan(values) & ~np.isin(texts, preprocess.GAPS)
        if text.any() and self.text is None:
            row = int(np.argmax(text))
            self.text = self.rows + row + 1, texts[row]
        self.rows += len(texts)
        self.some = self.some or not np.isnan(values).all()
        if self.some and self.text is not None:
            where = f"{self.table}, row {self.text[0]}, column {self.column!r}"
            remedy = f"{preprocess.MEND}, or name the column with --ids"
            raise DataError(where, f"found the text {self.text[1]!r}", "a number", remedy)
        return values

    def is_text(self):
        """Whether there was no number."""
        return self.text is not None


def decide(parts, undecided, name):
    """The targets among columns, of which some are undecided; those left out are said.

    `parts` are {name: numbers (n_rows,)} in the file's order, one of each table.
    """
    if not parts:
        return []
    whole = {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}
    found = doubts(whole)
    for column in whole:
        if all(counts(part[column]) for part in parts):  # from the start in each table
            found[column] = "counts"
    left_out = {column: kind for column, kind in found.items() if column in undecided}
    for kind, words in KINDS.items():
        some = ", ".join(repr(column) for column in left_out if left_out[column] == kind)
        if some:
            logger.info("%s: no target, %s: %s (--targets says otherwise)", name, words, some)
    return [column for column in whole if column not in left_out]


def fitting(columns, width, name):
    """The targets among columns, as many as there are predictions: without those in doubt, or with some of them.

    A model may have been fitted to rows of which a column tells more than of these.
    """
    found = doubts(columns)
    for kinds in ((), ("constant", "empty"), ("constant",), ("empty",), KINDS):
        targets = [column for column in columns if column not in found or found[column] in kinds]
        if len(targets) == width:
            return targets
    certain = [column for column in columns if column not in found]
    shown = [*map(repr, certain[: preprocess.SHOWN]), *["…"] * (len(certain) > preprocess.SHOWN)]
    seen = f"found {len(certain)} targets, {', '.join(shown) or 'none'}"
    expected = f"{width} as in the predictions"
    raise DataError(name, seen, expected, "name them with --targets, or run predict.py again")


def tell(targets, ids, channels):
    """Say what was taken as ids, channels and targets."""
    logger.info("ids: %s", ", ".join(ids) or "none")
    logger.info("channels: %s", describe(channels))
    challenge = [name for name in preprocess.TARGETS if name in targets]
    if len(challenge) == len(preprocess.TARGETS) == len(targets):
        logger.info("targets: the challenge's 49")
        return
    logger.info("targets: %s", ", ".join(targets))
    if challenge:
        logger.info("%s: taken as your own elements, there is no official score", ", ".join(challenge))


def ask(name, numbering):
    """Ask about targets of whole numbers that are all different."""
    if numbering:
        some = ", ".join(map(repr, numbering))
        remedy = "--ids says so if they number samples"
        logger.info(
            "%s: taken as targets, though whole numbers and all different: %s (%s)", name, some, remedy
        )


def keep_numbering(seen, columns):
    """Keep of the columns those whose numbers are whole and all different, {name: the numbers before}."""
    for column in list(seen):
        values = columns[column]
        new = set(values.tolist())
        if not all_whole(values) or len(new) < len(values) or new & seen[column]:
            del seen[column]
        else:
            seen[column] |= new
