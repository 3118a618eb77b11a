"""Batches of new spectra: files, parts of them, or holes; and what a reference must be."""

import json
import os
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

import preprocess
import recore.model_file
import recore.samples
import recore.tables
from recore.tables import Reading
from tools import spectra
from tools.monitor.limits import REFERENCE


class Batch(NamedTuple):
    """Samples that are charted as one."""

    name: str
    X: pd.DataFrame  # (n, n_features), in the model's order
    Y: np.ndarray  # (n, n_targets), in the model's order, NaN where there is no assay


def read_batches(paths, model, rows=None, group=None, label="", how=None):
    """The batches of files, in their order.

    Parameters
    ----------
    paths : list of str
    model : ZeroClippedRidgeCV
    rows : int, optional
        Cut each file into batches of as many rows.
    group : str, optional
        Cut each file by this id column, in order of appearance.
    label : str
        Beside the progress bar.
    how : dict, optional
        Arguments of each file's `recore.tables.Reading`.

    Returns
    -------
    list of Batch

    Raises
    ------
    DataError
        For a file that cannot be read or is not the model's.
    """
    bar = tqdm(paths, label, leave=False, disable=None, delay=2)
    how = {**(how or {}), "ids": [*(how or {}).get("ids", []), *filter(None, [group])]}
    return [
        batch
        for path in bar
        for batch in cut(path, spectra.read_table(path, reading=Reading(**how)), model, rows, group)
    ]


def cut(path, table, model, rows=None, group=None):
    """Yield the batches of one file."""
    name = os.path.basename(preprocess.find_table(path))
    try:
        places = recore.samples.places([str(each) for each in table.features], list(model.feature_names_in_))
    except preprocess.DataError as error:
        raise preprocess.DataError(name, error) from None
    X = table.features.iloc[:, places].set_axis(model.feature_names_in_, axis=1)
    Y = table.targets.reindex(columns=model.target_names_).to_numpy(dtype=float)
    others = table.targets.columns.difference(model.target_names_, sort=False)
    if len(others):
        print(f"{name}: not charted, no target of the model: {', '.join(others)}\n")
    if group is not None:
        if group not in table.ids:
            raise preprocess.DataError(
                name,
                f"found no id column {group!r}",
                f"one of {', '.join(table.ids) or 'none'}",
                "name one of them, or cut by --batch",
            )
        number, groups = pd.factorize(table.ids[group], use_na_sentinel=False)
        for k, each in enumerate(groups):
            yield Batch(f"{name} {group} {each}", X[number == k], Y[number == k])
        return
    step = rows or len(X)
    for first in range(0, len(X), step):
        last = min(first + step, len(X))
        part = f" rows {first + 1}-{last}" if step < len(X) else ""
        yield Batch(name + part, X[first:last], Y[first:last])


def check_reference(paths, batches, folder):
    """Raise a DataError for a reference that is too short or that the model was trained on."""
    with open(os.path.join(folder, recore.model_file.DESCRIPTION), encoding="utf-8") as file:
        trained = json.load(file).get("training", {}).get("sha256")
    for path in map(preprocess.find_table, paths):
        if recore.tables.file_sum(path) == trained:
            raise preprocess.DataError(
                path,
                "found the file that the model was trained on, which it fits better than any other",
                remedy="give good batches that it has not seen as --reference",
            )
    if len(batches) < REFERENCE:
        raise preprocess.DataError(
            "--reference",
            f"found {len(batches)} batches",
            f"{REFERENCE} or more (20 are usual)",
            "give more files, or cut them with --batch or --group, the new ones alike",
        )
