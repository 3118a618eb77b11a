"""Drill holes, one block of rows each from a seed of its own."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from preprocess import TARGETS, DataError
from tools.demo_data.minerals import element_table
from tools.demo_data.optics import CHANNELS, TAIL, axis, measure, mineral_spectra
from tools.demo_data.rock import assay, minerals_down, zone_table

INTERVALS = (1.0, 1.5, 2.0)  # m of core a sample; one of them a hole
SAMPLES = (40, 80)  # a hole: at least, fewer than
MIN_CHANNELS = TAIL + 1  # the method's range [0:-300] needs one


class Tables(NamedTuple):
    """What all holes have in common."""

    wavenumbers: np.ndarray  # (n_channels,), cm-1
    absorption: np.ndarray  # (n_minerals, n_channels), K/S
    zones: pd.DataFrame  # (n_zones, n_minerals), mass fractions
    hosts: pd.DataFrame  # (n_minerals, 49), mass fractions


def hole(seed, number, tables):
    """Draw one drill hole; it is the same whatever else is drawn.

    Returns
    -------
    ids : ndarray of shape (n_samples, 3)
        DepthTo in m, SiteID, DepthFrom in m.
    spectra : ndarray of shape (n_samples, n_channels)
        Absorbance.
    targets : ndarray of shape (n_samples, 49)
    """
    rows, rock, instrument = begin(seed, number)
    interval = INTERVALS[int(rock.random() * len(INTERVALS))]
    top = interval * (int(rock.random() * 20) + np.arange(rows))
    mix = minerals_down(rock, top + interval / 2, tables.zones)
    ids = np.column_stack([top + interval, np.full(rows, number + 1.0), top])
    spectra = measure(instrument, mix, tables.wavenumbers, tables.absorption)
    return ids, spectra, assay(rock, mix, tables.hosts)


def begin(seed, number):
    """How many samples a drill hole has, and the random generators of its rock and of its measurement."""
    seeds = np.random.SeedSequence(seed, spawn_key=(number,)).spawn(2)
    # Two streams: another number of channels is another instrument on the same rock.
    rock, instrument = (np.random.Generator(np.random.PCG64(child)) for child in seeds)
    least, most = SAMPLES
    return least + int(rock.random() * (most - least)), rock, instrument


def blocks(rows=1344, channels=CHANNELS, seed=0, private=False, start=(0, 0, 0)):
    """Yield the file's rows, one drill hole at a time.

    Parameters
    ----------
    rows : int
        At least 1.
    channels : int
        At least MIN_CHANNELS.
    seed : int
        Files of one seed begin the same, whatever their rows.
    private : bool
        Leave out the targets, as the challenge's private file does.
    start : tuple of int
        The first row to yield, the hole that it is in, and that hole's first row; see `starts`.

    Yields
    ------
    DataFrame of shape (n_samples, 3 + n_channels + 49)
        Its index counts on from block to block.

    Raises
    ------
    DataError
        For a number below its least.
    """
    check(rows, channels, seed)
    wavenumbers = axis(channels)
    tables = Tables(wavenumbers, mineral_spectra(wavenumbers)[1], zone_table(), element_table())
    columns = ["DepthTo", "SiteID", "DepthFrom"] + [f"{wavenumber:.4f}" for wavenumber in wavenumbers]
    columns += [] if private else TARGETS
    first, number, done = start
    while done < rows:
        ids, spectra, targets = hole(seed, number, tables)
        values = np.hstack([ids, spectra] if private else [ids, spectra, targets])
        wanted = slice(max(first - done, 0), rows - done)
        frame = pd.DataFrame(values, pd.RangeIndex(done, done + len(values)), columns)[wanted]
        frame["SiteID"] = frame["SiteID"].astype(int)
        yield frame
        done, number = done + len(values), number + 1


def check(rows, channels, seed):
    """Raise a DataError for a number below its least."""
    for name, value, least in ("rows", rows, 1), ("channels", channels, MIN_CHANNELS), ("seed", seed, 0):
        if value < least:
            raise DataError(f"--{name}", f"found {value}", f"at least {least}", "give a larger number")


def starts(rows, size, seed):
    """For every `size` rows, where `blocks` starts."""
    found, number, done = [], 0, 0
    while len(found) * size < rows:
        samples = begin(seed, number)[0]
        while len(found) * size < min(done + samples, rows):
            found.append((len(found) * size, number, done))
        done, number = done + samples, number + 1
    return found
