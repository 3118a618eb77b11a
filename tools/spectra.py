"""Spectra of a file as they are, before any preprocessing."""

from contextlib import closing

import numpy as np
import pandas as pd

import preprocess

LARGEST_ABSORBANCE = 5  # that instruments measure: a hundred-thousandth of the light


def read_spectra(path, rows=None):
    """The channels of a spectra file as they are, of all or the first rows: (n_rows, n_channels)."""
    layout, blocks = preprocess.open_table(path)
    parts, read = [], 0
    with closing(blocks):
        for index, cells_of, _ in blocks:
            parts.append(cells_of(layout, False).spectra)
            read += len(index)
            if rows is not None and read >= rows:
                break
    return pd.DataFrame(np.concatenate(parts)[:rows].astype(float), columns=layout.channels)


def in_percent(spectra):
    """Whether spectra (n_rows, n_channels) must be % reflectance, where bands point down."""
    return bool(np.median(spectra) > LARGEST_ABSORBANCE)
