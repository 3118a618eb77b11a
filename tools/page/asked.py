"""What a person asks of the page, beside the files: predict.py's and tools.convert's options of the same names."""

from typing import NamedTuple

from recore.details import DIGITS
from recore.predictions import COVERAGE


class Asked(NamedTuple):
    """Options of one drop of files."""

    coverage: float = COVERAGE  # of the bounds
    digits: int = DIGITS  # significant ones
    resample: bool = False  # put spectra of other channels on the model's by interpolation
    absorbance: bool = False  # convert the scans of instruments to it
    quantity: str | None = None  # of instrument files that do not say
