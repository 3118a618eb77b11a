"""Values that cannot be meant: codes for gaps, negative assays, spectra below zero, a table on its side."""

import logging
import re

import numpy as np

from preprocess import DataError, span

logger = logging.getLogger("preprocess")

CODES = (
    -99,
    -999,
    -9999,
    -99999,
    -999999,
    -99.99,
    -999.9,
    -999.99,
    -9999.9,
    -999.25,
    -9999.25,
    -32768,
)  # for a gap, by habit and by software
VOID = -1e30  # and what is below
AXIS_ROWS = 20  # that an axis has at least


def is_code(values):
    """Which values are codes for gaps."""
    return np.isin(values, CODES) | (values <= VOID)


class Look:
    """What is seen in the blocks of one table, which come in any order; told when all have been read.

    Codes for gaps are errors in a laboratory's own table, and only told in one of the challenge's shape.
    """

    def __init__(self, name, layout, own, settings):
        self.name, self.layout, self.own = name, layout, own
        self.part = span(settings, layout.axis)
        self.seen = []  # (what, place and value in words) of each

    def code(self, value, where):
        """The DataError for a code, in a list, of a laboratory's own table; else it is noted."""
        found = f"found {value:g}, a code for a gap"
        if not self.own:
            self.seen.append(("values that are codes for gaps", f"{where}: {value:g}"))
            return []
        remedy = "leave an assay's cell empty, and take a spectrum out"
        return [DataError(where, found, "a measured value", remedy)]

    def spectra(self, spectra, lowest, at):
        """The errors of spectra that hold a code; those far below zero are noted. `lowest` are their minima."""
        errors = []
        for row in np.flatnonzero(lowest <= max(CODES)):
            codes = is_code(spectra[row])
            if codes.any():
                place = int(np.argmax(codes))
                errors += self.code(spectra[row, place], f"{at(row)}, column {self.layout.channels[place]!r}")
        below = np.flatnonzero(lowest < 0)
        if len(below):
            used = spectra[below, self.part]
            for row in below[used.min(axis=1) < -used.max(axis=1)]:
                self.seen.append(("spectra further below zero than above", at(row)))
        return errors

    def assays(self, targets, at):
        """The errors of codes that the other assays of their column do not reach; negative assays are noted."""
        errors, codes = [], is_code(targets) if (targets < 0).any() else None
        for place, name in enumerate(self.layout.targets if codes is not None else ()):
            column = targets[~codes[:, place] & ~np.isnan(targets[:, place]), place]
            low, high = (column.min(), column.max()) if len(column) else (0, 0)
            for row in np.flatnonzero(targets[:, place] < 0):
                value, where = targets[row, place], f"{at(row)}, column {name!r}"
                if codes[row, place] and not low <= value <= high:
                    errors += self.code(value, where)
                else:
                    self.seen.append((f"negative assays of {name}", f"{at(row)}: {value:g}"))
        return errors

    def tell(self):
        """Say what was seen, a line each kind, with how many and the first."""
        kinds = {}
        for what, where in self.seen:
            kinds.setdefault(what, []).append(where)
        for what, places in kinds.items():
            times, first = len(places), min(places, key=line_of)
            logger.info(
                "%s: found %s %s (%s); taken as they stand", self.name, format(times, ","), what, first
            )


def line_of(place):
    """The line or row that a place tells of."""
    return int(re.search(r"(?:line|row) ([0-9]+)", place).group(1))


def check_sides(name, axis, columns, spectra):
    """Raise a DataError where a table lies on its side: a column is an axis, and spectra run down, not across.

    `axis` are the numbers of its channels, None without; `columns` those that are no channels, as texts or
    numbers; `spectra()` gives some rows of the channels. Where the channels are an axis there is nothing to ask.
    """
    if axis is not None and is_even(axis) and abs(axis[1] - axis[0]) != 1:
        return
    if any(is_even(column) and float(column[0]) not in (0, 1) for column in columns):
        values = spectra()
        across, down = (np.median(np.abs(np.diff(values, axis=axis))) for axis in (1, 0))
        if 2 * down < across:
            found = "found a table that looks the other way round, a channel a line"
            raise DataError(name, found, "a spectrum a line", "transpose it")


def is_even(column):
    """Whether the values of a column or a header are evenly spaced."""
    try:
        values = np.array(column, dtype=float)
    except ValueError:
        return False
    steps = np.diff(values)
    if len(values) < AXIS_ROWS or not (np.isfinite(values).all() and abs(steps).min() > 0):
        return False
    return bool((np.abs(steps - np.median(steps)) <= 0.1 * abs(np.median(steps))).all())
