"""One scan of an instrument in a thin form, and what every scan is checked for, whoever read it."""

from typing import NamedTuple

import numpy as np

ABSORBANCE, REFLECTANCE, TRANSMITTANCE, UNKNOWN = "absorbance", "reflectance", "transmittance", "unknown"
CLOSE = 0.02  # of the step: how far an axis may be from what its header says
HIGHEST, FINEST, COARSEST = 30_000, 0.01, 100  # cm-1: of an axis, and of its steps
NEAR = 1e-4  # of the range: how far values may be from the file's own minimum and maximum
UNEVEN, FEW = 0.02, 0.02  # of the step, and of the steps: an even axis with some that are not is damaged
LARGE = 4  # of an absorbance: less than a ten-thousandth of the light; detectors end there


class Refused(Exception):
    """Why a file gives no spectrum, in words."""


class Scan(NamedTuple):
    """A spectrum as it was read."""

    path: str
    kind: str
    x: np.ndarray  # (n,), wavenumbers, falling
    y: np.ndarray  # (n,)
    quantity: str  # one of the four above
    percent: bool  # whether y is in percent, by its unit
    about: dict  # what the file tells of sample, instrument, resolution, accessory, blocks, processing


def scan_of(path, kind, x, y, quantity, percent=False, unit="1/cm", told=None, **about):
    """A checked Scan; `told` is what the header says: points, first, last, low, high."""
    x, y, told = np.asarray(x, dtype=float), np.asarray(y, dtype=float), told or {}
    if x.shape != y.shape or x.ndim != 1:
        raise Refused(f"has {x.size} places on its axis and {y.size} values")
    if len(y) != told.get("points", len(y)):
        raise Refused(f"is cut or damaged: {len(y):,} points, its header says {told['points']:,}")
    if len(y) < 2 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise Refused("holds values that are no numbers" if len(y) > 1 else "holds no spectrum")
    steps = np.diff(x)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise Refused("has an axis that neither rises nor falls throughout: is it damaged?")
    step = float(np.median(np.abs(steps)))
    uneven = np.abs(np.abs(steps) - step) > UNEVEN * step
    if 0 < uneven.mean() < FEW:
        at = int(np.argmax(uneven)) + 1
        raise Refused(
            f"has an even axis but for {uneven.sum()} steps, the first at point {at + 1}, {x[at]:g}: is it damaged?"
        )
    for name, found in (("first", x[0]), ("last", x[-1])):
        if abs(found - told.get(name, found)) > CLOSE * step + 1e-6 * abs(found):
            raise Refused(f"is damaged: its axis has {found:g} {name}, its header says {told[name]:g}")
    span = float(np.ptp(y)) or abs(float(y[0])) or 1.0
    for name, found in (("low", y.min()), ("high", y.max())):
        if abs(found - told.get(name, found)) > NEAR * span:
            raise Refused(f"is damaged: its {name}est value is {found:g}, its header says {told[name]:g}")
    if unit not in UNITS:
        raise Refused(f"has an axis in {unit or 'an unknown unit'}, expected wavenumbers, nm or µm")
    x = UNITS[unit](x)
    if x.min() <= 0 or x.max() > HIGHEST or not FINEST <= np.median(np.abs(np.diff(x))) <= COARSEST:
        found = f"from {x[0]:g} to {x[-1]:g} cm-1 in {len(x):,} points"
        raise Refused(f"has an axis {found}, which no infrared spectrum has: is it damaged?")
    order = slice(None) if x[0] > x[-1] else slice(None, None, -1)
    about = {name: value for name, value in about.items() if value not in (None, "")}
    return Scan(path, kind, x[order], y[order], quantity, percent, about)


UNITS = {"1/cm": lambda x: x, "nm": lambda x: 1e7 / x, "µm": lambda x: 1e4 / x}


def to_absorbance(scan):
    """The Scan as absorbance, A = -log10 R; percent by its unit, never by size."""
    if scan.quantity == ABSORBANCE:
        return scan
    if scan.quantity == UNKNOWN:
        raise Refused("does not say what it measures; name it with --quantity")
    share = scan.y / 100 if scan.percent else scan.y
    if (share <= 0).any():
        raise Refused(f"has {int((share <= 0).sum())} values of 0 or less, which have no absorbance")
    if (share > 1).all():
        raise Refused(
            f"has a {scan.quantity} above 1 throughout, expected shares of 1: percent, and not said so?"
        )
    about = {**scan.about, "converted": f"A = -log10 {scan.quantity}"}
    return scan._replace(y=-np.log10(share), quantity=ABSORBANCE, percent=False, about=about)


def quantity_told(scan):
    """'% reflectance', as counts are told."""
    return f"% {scan.quantity}" if scan.percent else scan.quantity


def oddities(scan):
    """Yield what is strange about a Scan that is taken as it is."""
    if scan.quantity == ABSORBANCE and scan.y.max() > LARGE:
        top = scan.y.max()
        flat = np.count_nonzero(scan.y == top)
        at = f", {flat} times" if flat > 2 else ""
        yield f"an absorbance of {top:g}{at}: a plateau, or no absorbance"
    if scan.x.min() < 200:
        yield f"an axis down to {scan.x.min():g} cm-1: a Raman shift?"
