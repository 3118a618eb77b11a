"""Features, assays and ids of tables on disk, for a fit to more rows than memory holds."""

import csv
import json
import logging
import os
import shutil

import numpy as np
import pandas as pd

import preprocess
from preprocess import SETTINGS, DataError, EmptyTable, label_keys
from recore import columns
from recore.parquet import release_memory
from recore.suited import check_suited
from recore.tables import Reading, read_tables, record
from recore.workers import naming

logger = logging.getLogger("preprocess")

VALUES, IDS, TABLE = "rows.f8", "ids.csv", "table.json"  # what is kept of each table


class Stored:
    """Features, assays and ids of tables on disk, from the folders of `store`, as `fit_stored` reads them.

    Targets are matched by name. A table without a row has no folder, and is left out.
    """

    def __init__(self, folders):
        self.folders = [folder for folder in folders if folder is not None]
        self.tables = [describe(folder) for folder in self.folders]
        if not self.tables:
            raise DataError("", f"found no row in {len(folders)} tables", "spectra", "see data/README.md")
        first = self.tables[0]
        self.feature_names, self.channels = first["features"], first["channels"]
        self.ends = np.cumsum([table["rows"] for table in self.tables])
        self.n_rows = int(self.ends[-1])
        self.target_names = self.decided()
        kept = [name for name in first["ids"] if all(name in table["ids"] for table in self.tables)]
        self.ids = [name for name in kept if name not in self.target_names]

    def decided(self):
        """The targets, among them the undecided columns that are some over all tables; a DataError where one lacks."""
        first = self.tables[0]
        undecided = {name for table in self.tables for name in table["undecided"]}
        undecided -= {
            name for table in self.tables for name in table["order"] if name not in table["undecided"]
        }
        for table in self.tables:
            for one, other in ((table, first), (first, table)):
                lacks = [
                    name for name in other["order"] if name not in one["order"] and name not in undecided
                ]
                if lacks:
                    found = f"found other targets than in {other['name']}, without {lacks[0]!r}"
                    raise DataError(one["name"], found, remedy="give tables of the same columns")
        text = {name for table in self.tables for name in table["text"]}
        names = [name for name in first["order"] if all(name in table["order"] for table in self.tables)]
        names = [name for name in names if name not in text]
        stems = set(map(columns.stem_of, undecided))
        alike = [name for name in names if columns.stem_of(name) in stems]
        parts = [self.targets(k, alike) for k in range(len(self.tables))]
        kept = columns.decide(parts, undecided, first["name"])
        names = [name for name in names if name in kept or name not in alike]
        numbering = [name for name in names if all(name in table["numbering"] for table in self.tables)]
        columns.ask(first["name"], numbering)
        return names

    def missing_assays(self):
        """How many assays of the targets are gaps."""
        known = [dict(zip(table["order"], table["gaps"])) for table in self.tables]
        return sum(gaps[name] for gaps in known for name in self.target_names)

    def values(self, k):
        """Features and assays of a table as they lie on disk, (rows, features + order)."""
        table = self.tables[k]
        shape = (table["rows"], len(table["features"]) + len(table["order"]))
        return np.memmap(os.path.join(self.folders[k], VALUES), "<f8", "r", shape=shape)

    def places(self, k, names):
        """Where targets lie in the rows of a table."""
        return [len(self.feature_names) + self.tables[k]["order"].index(name) for name in names]

    def targets(self, k, names):
        """{name: values} of some targets of a table."""
        values = self.values(k)
        return {name: np.array(values[:, place]) for name, place in zip(names, self.places(k, names))}

    def read(self, rows):
        """Features (rows, features) and assays (rows, targets) of a slice or an array of row numbers."""
        if isinstance(rows, slice):
            rows = np.arange(self.n_rows)[rows]
        width, table_of = len(self.feature_names), np.searchsorted(self.ends, rows, side="right")
        values = np.empty((len(rows), width + len(self.target_names)))
        for k in np.unique(table_of):
            mine = table_of == k
            stored = self.values(k)[rows[mine] - (self.ends[k] - self.tables[k]["rows"])]
            if self.tables[k]["order"] == self.target_names:
                values[mine] = stored
            else:
                values[mine, :width] = stored[:, :width]
                values[mine, width:] = stored[:, self.places(k, self.target_names)]
        return values[:, :width], values[:, width:]

    def check_suited(self, kind):
        """Raise a DataError where features do not suit a class of `mdl`, naming file and row."""
        for k, table in enumerate(self.tables):
            features = self.values(k)[:, : len(self.feature_names)]
            check_suited(kind, features, lambda row, table=table: f"{table['name']}, row {row + 1}")

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


def describe(folder):
    """What `store` has written of a table."""
    try:
        with open(os.path.join(folder, TABLE), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        remedy = "name a folder with --cache that all machines share"
        raise DataError(folder, "not found here, though a worker wrote it", remedy=remedy) from None


def store(cache, path, how=None, settings=SETTINGS):
    """Preprocess a table and keep it in a folder of the cache, which is given, unless it was done before.

    `how` are arguments of its Reading, beside the settings. VALUES: little-endian float64, features and assays of row after row;
    IDS, as they stand in the table; TABLE, what is known of both. None where the table has no row.
    """
    folder, made_of = (
        os.path.join(cache, os.path.basename(path)),
        {**record(path, settings=settings), "how": how or {}},
    )
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
            write_table(path, beside, made_of, Reading(settings=settings, **how or {}))
            os.rename(beside, folder)
    except EmptyTable as error:
        shutil.rmtree(beside)
        logger.info("%s, left out", error)
        return None
    except BaseException:
        shutil.rmtree(beside)
        raise
    return folder


def write_table(path, folder, made_of, reading):
    """Write what `store` keeps of a table."""
    rows, name = 0, os.path.basename(path)
    values_path, ids_path = (os.path.join(folder, file) for file in (VALUES, IDS))
    with open(values_path, "wb") as values, open(ids_path, "w", encoding="utf-8", newline="") as ids:
        lines = csv.writer(ids)
        for table in read_tables(path, reading=reading):
            if not rows:
                lines.writerow(table.ids)
                order = reading.order or list(table.targets)
                undecided = {column: columns.Undecided(name, column) for column in reading.undecided}
                numbering = {column: set() for column in order}
                gaps = np.zeros(len(order), dtype=int)
            lines.writerows(zip(*(table.ids[column] for column in table.ids)))
            assays = dict(table.targets.items())
            assays.update((column, some.add(list(table.ids[column]))) for column, some in undecided.items())
            columns.keep_numbering(numbering, assays)
            block = np.column_stack([table.features, *(assays[column] for column in order)])
            values.write(block.astype("<f8").tobytes())
            rows += len(block)
            gaps += np.isnan(block[:, len(table.features.columns) :]).sum(axis=0)
    release_memory()
    description = {
        "name": name,
        "source": made_of,
        "sha256": made_of["sha256"],
        "rows": rows,
        "gaps": gaps.tolist(),
        "features": list(table.features),
        "channels": list(table.channels),
        "order": order,
        "undecided": list(undecided),
        "text": [column for column, some in undecided.items() if some.is_text()],
        "numbering": list(numbering),
        "ids": list(table.ids),
    }
    with open(os.path.join(folder, TABLE), "w", encoding="utf-8") as file:
        json.dump(description, file)
