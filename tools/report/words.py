"""Numbers and names as a page says them."""

import numpy as np

NAMED = 8  # targets in a sentence, at most


def plain(value, significant=3):
    """Three significant digits or more, thousands apart: 12,345, 0.0451."""
    if not np.isfinite(value):
        return "–"
    digits = 0 if value == 0 else max(0, significant - 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{min(digits, 8)}f}".replace("-", "−")


def r2_text(value):
    """'0.81', with a true minus."""
    return f"{round(value, 2) + 0:.2f}".replace("-", "−")  # + 0: no "−0.00"


def half_text(half, digits=3):
    """'± 0.004'; nothing where one repeat leaves no interval."""
    return "" if np.isnan(half) else f"± {max(half, 10.0**-digits):.{digits}f}"  # never "± 0.000"


def listed(names, most=NAMED):
    """'Ca, Na and Mg'; 'Ca, Na, … and 9 more'."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(number, noun):
    """'1 site', '1,344 rows'."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def by(scheme):
    """'by row', 'on given folds'."""
    return "on given folds" if scheme.startswith("given") else f"by {scheme}"
