"""Where a tool leaves what it found, and tables in markdown."""

from pathlib import Path

import numpy as np

import preprocess


def report_folder(path):
    """reports/NAME of a spectra file, made."""
    folder = Path("reports") / preprocess.stem_of(preprocess.find_table(path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def plus_minus(mean, half, form=".3f"):
    """'0.812 ± 0.004', without the interval where there is none."""
    return f"{mean:{form}}" + ("" if np.isnan(half) else f" ± {half:{form}}")


def markdown(header, rows):
    """Lines of a markdown table; every column but the first is of numbers."""
    yield "| " + " | ".join(header) + " |"
    yield "|-|" + "-:|" * (len(header) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
