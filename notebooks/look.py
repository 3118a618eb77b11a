"""What the notebooks share: a spectra file opened for looking at, and R² by row and by site in closed form.

    import look
    file = look.read(look.FILE)
    print(look.told(look.r2(file.X, file.Y, file.sites)))

Alpha is chosen by what is left out, so these figures are above those of tools.validate, on few rows clearly.
"""

import os
import sys
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np
from threadpoolctl import threadpool_limits

# A notebook imports this module first, and so runs from any folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import preprocess
from mdl import ZeroClippedRidgeCV
from recore.channels import numbers, positions
from recore.expected import fit_with
from recore.ways import SITE
from tools.spectra import read_spectra, read_table
from tools.tune.search import SEARCH_ALPHAS
from tools.validate.cross_validation import quiet

ROOT = Path(__file__).resolve().parent.parent
FILE = os.environ.get("SPECTRA", str(ROOT / "data" / "public" / "public.csv.gz"))


class File(NamedTuple):
    """A spectra file, as it is and preprocessed."""

    table: preprocess.Table
    spectra: np.ndarray  # (n_rows, n_channels), as in the file
    channels: np.ndarray  # (n_channels,), cm-1
    X: np.ndarray  # (n_rows, n_features)
    windows: np.ndarray  # (n_features,), cm-1, the middle of each
    Y: np.ndarray  # (n_rows, n_targets), NaN where an assay is missing
    sites: Optional[np.ndarray]  # (n_rows,), None in a file without SiteID


def table(path):
    """Read a spectra file; one that cannot be read ends the notebook in one line."""
    try:
        return read_table(path)
    except (preprocess.DataError, OSError) as error:
        raise SystemExit(str(error)) from None


def read(path):
    """Read a spectra file whose channels are named by wavenumber.

    Parameters
    ----------
    path : str

    Returns
    -------
    File

    Raises
    ------
    SystemExit
        With one line, for a file without targets, or with channels that no number names.
    """
    found = table(path)
    spectra = read_spectra(path)
    axis = numbers(spectra)
    if axis is None or found.targets.empty:
        raise SystemExit(
            f"{path}: found {len(list(found.targets))} targets and channels from {spectra.columns[0]} on, expected "
            "assays, and channels named by wavenumber; give another file"
        )
    windows = positions(found.features)
    sites = found.ids[SITE].to_numpy() if SITE in found.ids else None
    X, Y = found.features.to_numpy(), found.targets.to_numpy()
    return File(found, spectra.to_numpy(), axis, X, windows, Y, sites)


def r2(X, Y, sites=None):
    """R² with each row, and with each site, left out, in closed form.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    Y : ndarray of shape (n_rows, n_targets)
    sites : ndarray of shape (n_rows,), optional

    Returns
    -------
    ndarray of shape (1, n_targets) or (2, n_targets)
        By row and, with sites, by site; alpha is chosen by what is left out, one a decade.
    """
    with threadpool_limits(1), quiet():  # many small fits: more threads wait for each other
        return np.array(
            [
                fit_with(ZeroClippedRidgeCV, SEARCH_ALPHAS, X, Y, left_out).cv_r2_
                for left_out in ([None] if sites is None else [None, sites])
            ]
        )


def told(scores):
    """'0.579 by row, 0.492 by site' of what `r2` returns; the mean over targets."""
    means = [f"{values.mean():.3f} by {name}" for values, name in zip(scores, ("row", "site"))]
    return ", ".join(means)


def falling(axes):
    """Let the wavenumbers fall from left to right, as spectroscopists draw them."""
    low, high = sorted(axes.get_xlim())
    axes.set_xlim(high, low)
    axes.set_xlabel("wavenumber, cm⁻¹")
