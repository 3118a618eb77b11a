"""Assays and the predictions of them, of one table or of many, matched for a score."""

import os

import numpy as np

from preprocess import (
    GAPS,
    ID_COLUMNS,
    MEND,
    TARGETS,
    DataError,
    find_tables,
    parse_numbers,
    read_blocks,
    refuse,
    wrong_cells,
)
from recore.columns import fitting
from recore.tables import explained, open_table, predictions_name

AGAIN = "run predict.py again"


def find_pairs(actual, predicted):
    """The tables that `actual` stands for, each with the file of its predictions."""
    found = find_tables(actual)
    if os.path.isdir(predicted):
        return [(path, os.path.join(predicted, predictions_name(path))) for path in found]
    if len(found) > 1:
        expected = f"the one with the predictions of the {len(found)} tables of {actual}"
        raise DataError(predicted, "not a folder", expected, "name it")
    return [(found[0], predicted)]


def read_assays(path, named):
    """The columns of a table that may be its targets, {name: assays (n_rows,), NaN where one is missing}.

    `named` has the targets and ids that were named, see `recore.columns.add_columns`.
    """
    name, parts, errors = os.path.basename(path), [], []
    with explained(path):
        layout, blocks, finish = open_table(path, name, False, named.targets, named.ids)
        official = set(layout.targets) == set(TARGETS)
        empty = {*layout.ids}.difference(ID_COLUMNS, named.ids)
        for _, read, at in blocks:
            cells = read(layout)
            wrong = ~np.isfinite(cells.targets) if official else np.isinf(cells.targets)
            remedy = "mend the cell" if official else MEND
            errors += [*cells.errors, *wrong_cells(wrong, cells.targets, layout.targets, at, remedy)]
            parts.append(cells.targets)
            empty = {column for column in empty if np.isin(cells.labels[column], GAPS).all()}
        refuse(errors)
        finish()
    columns = dict(zip(layout.targets, np.concatenate(parts).T))
    columns.update((column, np.full(sum(map(len, parts)), np.nan)) for column in empty)
    if not columns:
        raise DataError(name, "found no target", "assays to score against", "give the file with assays")
    return {
        column: columns[column] for column in (TARGETS if official else layout.names) if column in columns
    }


def read_predictions(path, targets=None):
    """The predictions in a file (n_rows, n_targets), without header and index; only their number without targets."""
    parts = []
    if not os.path.isfile(path):
        raise DataError(path, "not found", "a file", "run the steps before this one or check the path")
    for block in read_blocks(path):
        if targets is None:
            return len(block.rows()[0])
        expected = f"{len(targets)}, one for each target, without index"
        refuse(
            DataError(block.at(row), f"found {width} columns", expected, AGAIN)
            for row, width in enumerate(map(len, block.rows()))
            if width != len(targets)
        )
        values, _, errors = parse_numbers(block, targets)
        refuse([*errors, *wrong_cells(~np.isfinite(values), values, targets, block.at, AGAIN)])
        parts.append(values)
    if not parts:
        raise DataError(os.path.basename(path), "found no row", "one for each sample", AGAIN)
    return np.concatenate(parts)


def read_pair(actual_path, predicted_path, named, targets=None):
    """Assays and predictions (n_rows, n_targets) that match, and the targets' names; they are chosen where None."""
    columns, name = read_assays(actual_path, named), os.path.basename(actual_path)
    if targets is None and set(columns) == set(TARGETS):
        targets = list(TARGETS)
    elif targets is None:
        targets = fitting(columns, read_predictions(predicted_path), name)
    missing = [column for column in targets if column not in columns]
    if missing:
        raise DataError(
            name, f"found no target {missing[0]!r}", "the same as in other tables", "score it apart"
        )
    predicted = read_predictions(predicted_path, targets)
    actual = np.column_stack([columns[column] for column in targets])
    if len(predicted) != len(actual):
        expected = f"{len(actual)} as in {name}, without header"
        raise DataError(os.path.basename(predicted_path), f"found {len(predicted)} rows", expected, AGAIN)
    return actual, predicted, targets
