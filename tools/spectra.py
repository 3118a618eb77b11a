"""Spectra files as tools look at them: preprocessed, with numbers for labels; and as they are."""

import os
from contextlib import closing

import numpy as np
import pandas as pd

import preprocess
from mdl import METHODS
from preprocess import SETTINGS
from recore.columns import check_named
from recore.settings import settings_in
from recore.suited import by_index, check_suited
from recore.tables import Reading, open_table
from recore.tables import read_table as read_text
from tools.shipped import ROOT

TABLE = "spectra file with assays (.csv, .csv.gz, .parquet)"
LARGEST_ABSORBANCE = 5  # that instruments measure: a hundred-thousandth of the light


def demo_file():
    """The project's spectra file, as it is called from here."""
    return os.path.relpath(ROOT / "data" / "public" / "public.csv.gz")


def add_table(parser):
    """Add the spectra file that comes first without a name."""
    parser.add_argument("file", nargs="?", default=demo_file(), help=f"{TABLE} (%(default)s)")


def read_table(path, named=None, reading=None):
    """A whole spectra file, preprocessed; index and ids are numbers where all of their labels are.

    `named` are arguments of `recore.columns.add_columns`, with a group, which is an id, and settings, if any.
    """
    reading = reading if named is None else reading_of(named)
    features, ids, targets, channels = read_text(path, reading)
    if hasattr(named, "method"):
        check_suited(METHODS[named.method], features.to_numpy(), by_index(features.index))
    if named is not None:
        check_named(named, list(targets), list(ids))
    index = pd.Index(numbers_of(features.index.to_series()))
    ids = ids.apply(numbers_of).set_axis(index)
    return preprocess.Table(features.set_axis(index), ids, targets.set_axis(index), channels)


def reading_of(named):
    """How a table is read whose columns arguments name, see `read_table`."""
    settings = settings_in(named) if hasattr(named, "settings") else SETTINGS
    ids = [*named.ids, *filter(None, [named.group])]
    return Reading(targets=named.targets, ids=ids, settings=settings)


def numbers_of(labels):
    """Labels, a Series of text, as numbers where all are plain decimal numbers."""
    plain = labels.map(lambda label: preprocess.DECIMAL.fullmatch(label) is not None).all()
    return pd.to_numeric(labels) if plain else labels


def read_spectra(path, rows=None, named=None):
    """The channels of a spectra file as they are, of all or the first rows: (n_rows, n_channels).

    `named` are the arguments that `read_table` has: they tell which columns are channels.
    """
    reading = Reading() if named is None else reading_of(named)
    name, columns = preprocess.find_table(path), (reading.targets, reading.ids, reading.settings)
    layout, blocks, _ = open_table(path, name, True, *columns)
    parts, read = [], 0
    with closing(blocks):
        for index, cells_of, _ in blocks:
            parts.append(cells_of(layout).spectra)
            read += len(index)
            if rows is not None and read >= rows:
                break
    return pd.DataFrame(np.concatenate(parts)[:rows].astype(float), columns=layout.axis)


def part_of(spectra, settings, channels=None):
    """The slice of channels of spectra (n_rows, n_channels) that are used."""
    return preprocess.span(settings, range(spectra.shape[1]) if channels is None else channels)


def features_of(spectra, settings, channels=None):
    """The features (n_rows, n_features) of an array of spectra (n_rows, n_channels), unchecked."""
    treated = preprocess.treat(spectra, part_of(spectra, settings, channels), settings.treatment)
    return preprocess.window_sums(treated, settings.window)


def windows_of(settings, channels):
    """The first and the last channel of each window, counted from 0, two arrays (n_features,)."""
    places = np.arange(len(channels))
    if settings.treatment != "max":
        places = places[preprocess.span(settings, channels)]
    first = places[:: settings.window]
    return first, np.append(first[1:] - 1, places[-1])


def in_percent(spectra):
    """Whether spectra (n_rows, n_channels) must be % reflectance, where bands point down."""
    return bool(np.median(spectra) > LARGEST_ABSORBANCE)
