"""Numbers and names as a page says them."""

import numpy as np

from recore.marks import mark_of
from recore.ways import ROW, SITE

NAMED = 8  # targets in a sentence, at most
SMALL, LARGE = 1e-5, 1e9  # in size: what is less or more is told in powers of ten


def plain(value, significant=3):
    """Three significant digits or more, thousands apart: 12,345, 0.0451, 2.40e12, 8.39e−9."""
    if not np.isfinite(value):
        return "–"
    if value and not SMALL <= abs(value) < LARGE:
        digits, power = f"{value:.{significant - 1}e}".split("e")
        return f"{digits}e{int(power)}".replace("-", "−")
    digits = 0 if value == 0 else max(0, significant - 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{min(digits, 8)}f}".replace("-", "−")


def rough(value):
    """The two digits of an error that mean something: 0.70, 5.7, 270, 1,200."""
    return plain(float(f"{value:.2g}"), 2)


def brief(value):
    """Three significant digits without idle zeros: 0.54, 34.1, 2,170."""
    text = plain(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def r2_text(value):
    """'0.81', with a true minus; '–' where there is none, '< −10' where it hardly matters how far."""
    if value < -10:
        return "< −10"
    return f"{round(value, 2) + 0:.2f}".replace("-", "−") if np.isfinite(value) else "–"  # + 0: no "−0.00"


def marked_text(r2):
    """As `r2_text`, with a third digit where two would be those of another mark: 0.746 is not from 0.75."""
    rounded = np.isfinite(r2) and mark_of(round(r2, 2)) != mark_of(r2)
    return f"{np.floor(1000 * r2) / 1000:.3f}".replace("-", "−") if rounded else r2_text(r2)


def span_text(interval):
    """'0.75 to 0.91', nothing where there is no interval."""
    return " to ".join(map(r2_text, interval)) if np.isfinite(interval).all() else ""


def listed(names, most=NAMED):
    """'Ca, Na and Mg'; 'Ca, Na, … and 9 more'."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(number, noun, several=None):
    """'1 site', '1,344 rows', '2 spectra'."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def unit_of(way, official):
    """What is left out together by a way: a row, a site, a drill hole, or as the id column is called."""
    if way == ROW:
        return way
    if official or "hole" in way.lower():
        return "drill hole"
    return "site" if way == SITE else way


def label(value):
    """An id as it stands in a file."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def upper_first(text):
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]
