"""Where a tool leaves what it found, and tables in markdown."""

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np

import preprocess

OF = "of.txt"  # says which file reports are of


def report_folder(path):
    """reports/NAME of a spectra file, made; where another file's are there already, one with more to its name."""
    table = Path(preprocess.find_table(path)).resolve()
    folder = Path("reports") / preprocess.stem_of(table.name)
    if whose(folder) not in (None, str(table)):
        folder = folder.with_name(f"{folder.name}-{hashlib.sha256(str(table).encode()).hexdigest()[:6]}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / OF).write_text(f"{table}\n", encoding="utf-8")
    return folder


def whose(folder):
    """The file that reports in a folder are of, None where it does not say."""
    with suppress(OSError):
        return (folder / OF).read_text(encoding="utf-8").strip()
    return None


def plus_minus(mean, half, form=".3f"):
    """'0.812 ± 0.004', without the interval where there is none."""
    return f"{mean:{form}}" + ("" if np.isnan(half) else f" ± {half:{form}}")


def markdown(header, rows):
    """Lines of a markdown table; every column but the first is of numbers."""
    yield "| " + " | ".join(header) + " |"
    yield "|-|" + "-:|" * (len(header) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
