"""A table, CSV or Parquet, by the end of its name."""

import pandas as pd

import preprocess
from preprocess import Table
from recore.parquet import open_parquet


def open_table(path, name):
    """The Layout of a table and its blocks, as `preprocess.open_csv` gives them."""
    return (open_parquet if path.endswith(".parquet") else preprocess.open_csv)(path, name)


def read_tables(path, then=None, as_text=False):
    """As `preprocess.read_tables`, of CSV and Parquet."""
    return preprocess.read_tables(path, then, as_text, open_table)


def read_table(path):
    """Read and preprocess a whole spectra file; the Table of all its rows."""
    tables = list(read_tables(path))
    return Table(*(pd.concat(part) for part in zip(*tables)))
