"""A table, CSV or Parquet, by the end of its name; and whether it is the one that was read before."""

import hashlib
import os

import preprocess
from recore import __version__
from recore.parquet import open_parquet


def open_table(path, name, spectra=True):
    """The Layout of a table and its blocks, as `preprocess.open_csv` gives them."""
    return (open_parquet if path.endswith(".parquet") else preprocess.open_csv)(path, name, spectra)


def read_tables(path, then=None):
    """As `preprocess.read_tables`, of CSV and Parquet."""
    return preprocess.read_tables(path, then, open_table)


def read_table(path):
    """Read and preprocess a whole spectra file; the preprocess.Table of all its rows."""
    return preprocess.split(preprocess.preprocess(path, open_table))


def predictions_name(path):
    """What the file of a table's predictions is called."""
    name = os.path.basename(path)
    return (name[:-3] if name.endswith(".gz") else name) + ".out"


def file_sum(path):
    """sha256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()


def settings():
    """The preprocessing, for a description."""
    channels = preprocess.SCALE_RANGE
    return {"scale_range": [channels.start, channels.stop], "window": preprocess.WINDOW}


def record(path):
    """What tells whether something was made of a table as it is, in the same way."""
    return {"sha256": file_sum(path), "preprocessing": settings(), "version": __version__}
