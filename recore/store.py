"""Features, assays and ids of tables on disk, for a fit to more rows than memory holds."""

import csv
import json
import os
import shutil
from itertools import zip_longest

import numpy as np
import pandas as pd

import preprocess
from preprocess import DataError, label_keys
from recore.parquet import release_memory
from recore.tables import read_tables, record
from recore.workers import naming

VALUES, IDS, TABLE = "rows.f8", "ids.csv", "table.json"  # what is kept of each table


class Stored:
    """Features, assays and ids of tables on disk, from the folders of `store`, as `fit_stored` reads them."""

    def __init__(self, folders):
        self.folders, self.tables = folders, [describe(folder) for folder in folders]
        first = self.tables[0]
        for table in self.tables:
            for what in ("features", "targets"):
                if table[what] != first[what]:
                    differ = difference(table[what], first[what])
                    found = f"found other {what} than in {first['name']}, {differ}"
                    raise DataError(table["name"], found, remedy="give tables of the same columns")
        self.feature_names, self.target_names = first["features"], first["targets"]
        self.ids = [name for name in first["ids"] if all(name in table["ids"] for table in self.tables)]
        self.ends = np.cumsum([table["rows"] for table in self.tables])
        self.n_rows = int(self.ends[-1])

    def read(self, rows):
        """Features (rows, features) and assays (rows, targets) of a slice or an array of row numbers."""
        if isinstance(rows, slice):
            rows = np.arange(self.n_rows)[rows]
        width = len(self.feature_names) + len(self.target_names)
        values, table_of = np.empty((len(rows), width)), np.searchsorted(self.ends, rows, side="right")
        for k in np.unique(table_of):
            mine, n = table_of == k, self.tables[k]["rows"]
            stored = np.memmap(os.path.join(self.folders[k], VALUES), "<f8", "r", shape=(n, width))
            values[mine] = stored[rows[mine] - (self.ends[k] - n)]
        return values[:, : len(self.feature_names)], values[:, len(self.feature_names) :]

    def groups(self, name):
        """The labels of an id column as numbers from 0 without gaps, ndarray of int of shape (n_rows,)."""
        labels = []
        for folder, table in zip(self.folders, self.tables):
            with open(os.path.join(folder, IDS), encoding="utf-8", newline="") as file:
                cells = [row[name] for row in csv.DictReader(file)]
            labels += labelled(cells, name, table["name"])
        return pd.factorize(np.array(label_keys(labels), dtype=object))[0]


def labelled(labels, name, table=""):
    """The labels of an id column; a DataError that names the first row without one."""
    if "" in labels:
        where = f"{table and table + ', '}row {labels.index('') + 1}, column {name!r}"
        raise DataError(where, "found no label", "one for each row to leave out together", "label the row")
    return labels


def difference(found, expected):
    """The first name by which two lists differ, in words."""
    pair = next(pair for pair in zip_longest(found, expected) if pair[0] != pair[1])
    return " in the place of ".join(["none" if name is None else repr(name) for name in pair])


def describe(folder):
    """What `store` has written of a table."""
    try:
        with open(os.path.join(folder, TABLE), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        remedy = "name a folder with --cache that all machines share"
        raise DataError(folder, "not found here, though a worker wrote it", remedy=remedy) from None


def store(cache, path):
    """Preprocess a table and keep it in a folder of the cache, which is given, unless it was done before.

    VALUES: little-endian float64, features and assays of row after row; IDS, as they stand in the table;
    TABLE, what is known of both.
    """
    folder, made_of = os.path.join(cache, os.path.basename(path)), record(path)
    if os.path.isdir(folder):
        try:
            if describe(folder)["source"] == made_of:
                return folder
        except (ValueError, KeyError):
            pass  # of another version, or not ours
        shutil.rmtree(folder)
    beside = preprocess.beside(folder)
    os.mkdir(beside)
    try:
        with naming(path, folder):
            write_table(path, beside, made_of)
            os.rename(beside, folder)
    except BaseException:
        shutil.rmtree(beside)
        raise
    return folder


def write_table(path, folder, made_of):
    """Write what `store` keeps of a table."""
    rows = missing = 0
    values_path, ids_path = (os.path.join(folder, name) for name in (VALUES, IDS))
    with open(values_path, "wb") as values, open(ids_path, "w", encoding="utf-8", newline="") as ids:
        lines = csv.writer(ids)
        for table in read_tables(path):
            if not rows:
                lines.writerow(table.ids)
            values.write(np.hstack([table.features, table.targets]).astype("<f8").tobytes())
            lines.writerows(zip(*(table.ids[name] for name in table.ids)))
            rows += len(table.features)
            missing += int(table.targets.isna().to_numpy().sum())
    release_memory()
    description = {
        "name": os.path.basename(path),
        "source": made_of,
        "sha256": made_of["sha256"],
        "rows": rows,
        "missing_assays": missing,
        "features": list(table.features),
        "targets": list(table.targets),
        "ids": list(table.ids),
    }
    with open(os.path.join(folder, TABLE), "w", encoding="utf-8") as file:
        json.dump(description, file)
