"""A table, CSV or Parquet, read as a model or a laboratory wants it; and whether it is the one read before."""

import hashlib
import logging
import os
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain

import numpy as np
import pandas as pd

import preprocess
from preprocess import SETTINGS, DataError, Settings, ends
from recore import __version__, channels, columns, impossible, sheets
from recore.parquet import open_parquet

logger = logging.getLogger("preprocess")


def open_table(path, name, spectra=True, targets=None, ids=(), settings=SETTINGS):
    """The Layout of a table, its blocks and what is to be done after them, as `preprocess.open_csv` gives them."""
    opened = open_parquet if ends(path, ".parquet") else preprocess.open_csv
    return opened(path, name, spectra, targets, ids, settings)


class Reading:
    """How a table is read.

    Parameters
    ----------
    axis : sequence of str, optional
        The channels that its spectra must have, as `Layout.axis` names them.
    resample : bool
        Whether spectra of other channels are put there by interpolation.
    targets, ids : list of str, optional
        Columns that are targets and ids; those that are by the rules when not given.
    unread : list of str
        Columns that are neither, and not looked at.
    decide : bool
        Whether it matters which columns are targets.
    own : bool, optional
        Whether the targets are a laboratory's own, see `impossible`; as they are in the table when not given.
    settings : preprocess.Settings
        How spectra become features.
    whose, remedy : str, optional
        Whose channels they must be, and what to do where they are others, in words.
    """

    def __init__(
        self,
        axis=None,
        *,
        resample=False,
        targets=None,
        ids=(),
        unread=(),
        decide=True,
        own=None,
        settings=SETTINGS,
        whose="the model's",
        remedy=None,
    ):
        self.axis, self.resample, self.targets, self.ids = axis, resample, targets, list(ids)
        self.unread, self.decide = unread, decide and targets is None
        self.own, self.whose, self.remedy = own, whose, remedy or channels.OTHERS
        self.settings = settings
        self.undecided, self.order = [], []  # targets perhaps; and all of them, in the file's order

    def open(self, path, name):
        """As `open_table`; what is seen on the way is said."""
        layout, blocks, finish = open_table(
            path, name, True, self.targets, [*self.ids, *self.unread], self.settings
        )
        layout = layout._replace(ids=[column for column in layout.ids if column not in self.unread])
        if layout.axis and preprocess.number(layout.channels[0]) is None and layout.axis != layout.channels:
            about = name, layout.channels[0], layout.channels[-1], layout.axis[0], layout.axis[-1]
            logger.info("%s: channels %r to %r are taken as %s to %s", *about)
        official = set(layout.targets) == set(preprocess.TARGETS)
        first = next(blocks)
        if not official:
            layout = self.look(layout, first, name, ends(path, ".parquet"))
        own = self.own if self.own is not None else bool(layout.targets) and not official
        put, filed = None, layout
        if self.axis is not None:
            if self.resample and channels.same_channels(layout.axis, self.axis) is None:
                put = channels.Resampling(layout.axis, self.axis, name)
                layout = layout._replace(channels=list(self.axis), axis=list(self.axis))
            else:
                filed = layout = channels.arranged(layout, self.axis, name, self.whose, self.remedy)
        seen = impossible.Look(name, filed, own, self.settings)

        def read(cells_of, at, _):
            cells = cells_of(filed)
            errors = [*cells.errors, *seen.assays(cells.targets, at)]
            if put is None:
                return cells._replace(errors=errors, look=seen.spectra)
            else:
                lowest = cells.spectra.min(axis=1)
                errors += seen.spectra(cells.spectra, lowest, at)
                part = preprocess.span(self.settings, filed.axis)
                about = cells.spectra, lowest, filed.channels, at, part, self.settings
                errors += preprocess.wrong_spectra(*about)
                spectra = np.where(np.isfinite(cells.spectra), cells.spectra, 1) if errors else cells.spectra
                cells = cells._replace(spectra=put(spectra))
            return cells._replace(errors=errors)

        def done():
            finish()
            seen.tell()

        every = chain([first], blocks)
        return layout, ((rows, partial(read, cells_of, at), at) for rows, cells_of, at in every), done

    def look(self, layout, first, name, parquet):
        """The Layout without the targets that are undecided by a first block; stops where it lies on its side."""
        _, read, _ = first
        some = layout._replace(channels=[], axis=[]) if parquet else layout
        cells = read(some)
        whole = {} if cells.errors else dict(zip(layout.targets, cells.targets.T))
        if self.decide:
            columns.check_texts(
                {column: cells.labels[column] for column in layout.ids if column not in self.ids}, name
            )
        labels = [texts for column, texts in cells.labels.items() if column not in preprocess.ID_COLUMNS]
        outside, axis = [*whole.values(), *labels, *cells.spectra.T[:1]], channels.numbers(layout.axis)
        impossible.check_sides(
            name, axis, outside, lambda: (cells if some is layout else read(layout)).spectra
        )
        if not self.decide:
            return layout
        empty = [
            column
            for column in layout.ids
            if column not in (*self.ids, *preprocess.ID_COLUMNS)
            and np.isin(cells.labels[column], preprocess.GAPS).all()
        ]
        few = layout.targets if len(first[0]) < columns.COUNTED else ()
        self.undecided = [*(few or columns.doubts(whole)), *empty]
        targets = [column for column in layout.targets if column not in self.undecided]
        ids = layout.ids + [column for column in layout.targets if column in self.undecided]
        self.order = [column for column in layout.names if column in layout.targets or column in empty]
        return layout._replace(ids=ids, targets=targets)


def reading_for(targets, description, resample=False):
    """The Reading of tables that a model predicts: on its channels, its ids beside them, without assays."""
    own = set(targets) != set(preprocess.TARGETS)
    settings = Settings(**description["preprocessing"])
    how = {
        "resample": resample,
        "ids": description["ids"],
        "unread": targets,
        "own": own,
        "settings": settings,
    }
    return Reading(description["channels"] or None, targets=[], remedy=channels.RESAMPLE, **how)


def read_tables(path, then=None, reading=None):
    """As `preprocess.read_tables`, of CSV and Parquet, as a Reading has it."""
    with explained(path):
        reading = reading or Reading()
        yield from preprocess.read_tables(path, then, reading.open, reading.settings)


@contextmanager
def explained(path):
    """Say of a file that cannot be read what it is, where that can be told."""
    try:
        yield
    except DataError as error:
        raise sheets.reason(path, error) or error from None


def read_table(path, reading=None):
    """Read and preprocess a whole spectra file; the preprocess.Table of all its rows, its columns decided on."""
    reading = reading or Reading()
    with explained(path):
        table = preprocess.split(preprocess.preprocess(path, reading.open, reading.settings))
    return decided(table, reading, os.path.basename(path))


def decided(table, reading, name):
    """The Table with those of the undecided columns among its targets that are some."""
    if not reading.order:
        return table
    values = {column: table.targets[column].to_numpy() for column in table.targets}
    for column in reading.undecided:
        undecided = columns.Undecided(name, column)
        numbers = undecided.add(list(table.ids[column]))
        if not undecided.is_text():
            values[column] = numbers
    values = {column: values[column] for column in reading.order if column in values}
    names = columns.decide([values], reading.undecided, name)
    numbering = {column: set() for column in names}
    columns.keep_numbering(numbering, values)
    columns.ask(name, numbering)
    targets = pd.DataFrame({column: values[column] for column in names}, table.targets.index, names)
    ids = table.ids.drop(columns=[column for column in names if column in reading.undecided])
    return table._replace(ids=ids, targets=targets)


def first_axis(paths, settings=SETTINGS):
    """The channels of the first table that has rows, which others must have; of one table None."""
    for path in paths[: len(paths) if len(paths) > 1 else 0]:
        with suppress(DataError, OSError):  # what is wrong with it is said when it is read
            return open_table(path, os.path.basename(path), settings=settings)[0].axis
    return None


def predictions_name(path):
    """What the file of a table's predictions is called."""
    name = os.path.basename(path)
    return (name[:-3] if ends(name, ".gz") else name) + ".out"


def file_sum(path):
    """sha256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()


def record(path, axis=None, settings=SETTINGS):
    """What tells whether something was made of a table as it is, in the same way and on the same channels."""
    on = None if axis is None else hashlib.sha256("\n".join(axis).encode()).hexdigest()
    return {
        "sha256": file_sum(path),
        "preprocessing": settings._asdict(),
        "channels": on,
        "version": __version__,
    }
